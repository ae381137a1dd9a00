//! One signature by itself: whom it names, whether its digest, its marks and its dates let it count at all.
//! A signature of a file must be strong; one inside a key may be as old as the key.
//! Not here: whether it is anybody's.

use super::fingerprint::Fingerprint;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, Subpacket, SubpacketData};
use pgp::types::KeyDetails;
use std::io::Read;
use std::time::SystemTime;

/// How many seconds another's clock may be ahead of ours.
const AHEAD: u64 = 30 * 60;
/// Until then, collisions of SHA-1 were out of reach for prefixes that an attacker chooses: 19 January 2019.
const SHA1_ENDS: u64 = 1_547_856_000;

/// When a file was signed, and when that is looked at, in seconds of Unix time.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// What the signature says.
    pub signed: u64,
    /// What the clock here says.
    now: u64,
}

impl Moment {
    /// A signature that is looked at now; none if it bears no date.
    pub fn of(signature: &Signature, now: SystemTime) -> Option<Moment> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Some(Moment { signed: created(signature)?, now })
    }
}

/// The part of a key that signs.
pub enum Part<'a> {
    /// The key itself.
    Primary(&'a PublicKey),
    /// One of its subkeys.
    Subkey(&'a PublicSubkey),
}

impl Part<'_> {
    /// Who it is.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Part::Primary(key) => of_key(*key),
            Part::Subkey(key) => of_key(*key),
        }
    }

    /// Whether its signature fits the bytes.
    pub fn verify(&self, signature: &Signature, content: impl Read) -> pgp::errors::Result<()> {
        match self {
            Part::Primary(key) => signature.verify(*key, content),
            Part::Subkey(key) => signature.verify(*key, content),
        }
    }
}

/// Who a key is; keys older than version 4 are nobody.
pub fn of_key(key: &impl KeyDetails) -> Option<Fingerprint> {
    Fingerprint::new(&key.fingerprint().to_string()).ok().filter(Fingerprint::is_whole)
}

/// Whom a signature names, whole fingerprints first. Whoever made it could write what he liked.
pub fn issuers(signature: &Signature) -> Vec<Fingerprint> {
    let whole = signature.issuer_fingerprint().into_iter().map(|one| one.to_string());
    let ids = signature.issuer_key_id().into_iter().map(|one| one.to_string());
    whole.chain(ids).filter_map(|text| Fingerprint::new(&text).ok()).collect()
}

/// Whether a signature names anybody.
pub fn named(signature: &Signature) -> bool {
    !signature.issuer_fingerprint().is_empty() || !signature.issuer_key_id().is_empty()
}

/// Whether a signature names this key: by its fingerprint, and by its key id only where it gives no fingerprint.
pub fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    let whole = signature.issuer_fingerprint();
    if whole.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    whole.contains(&&key.fingerprint())
}

/// Why a signature of a file cannot count, whoever made it.
pub fn weakness(signature: &Signature, kind: SignatureType, now: SystemTime) -> Option<&'static str> {
    if !strong(signature) {
        return Some("it uses a digest that can be forged");
    }
    match (signature.typ(), kind) {
        (Some(found), kind) if found == kind => {}
        (Some(SignatureType::Text), _) => return Some("it is of a text with any line ends, not of these bytes"),
        (Some(SignatureType::Binary), _) => return Some("it is of a file, not of the text around it"),
        _ => return Some("it is not a signature of a document"),
    }
    if demands(signature) {
        return Some("it demands something that is not known here");
    }
    let Some(moment) = Moment::of(signature, now) else { return Some("it has no date") };
    if moment.signed > moment.now + AHEAD {
        return Some("its date is in the future");
    }
    expired(signature, moment).then_some("it has expired")
}

/// Whether a signature inside a key can be believed once it is verified. The key is `born` at that second.
pub fn usable(signature: &Signature, born: u64, moment: Moment) -> bool {
    let Some(made) = created(signature) else { return false };
    let digest = strong(signature) || made < SHA1_ENDS && signature.hash_alg() == Some(HashAlgorithm::Sha1);
    digest && !demands(signature) && (born..=moment.now + AHEAD).contains(&made) && !expired(signature, moment)
}

fn created(signature: &Signature) -> Option<u64> {
    signature.created().map(|made| made.as_secs().into())
}

/// Whether a signature's own time is over.
fn expired(signature: &Signature, moment: Moment) -> bool {
    let lives =
        signature.signature_expiration_time().map(|lives| u64::from(lives.as_secs())).filter(|lives| *lives > 0);
    let ends = created(signature).zip(lives).map(|(made, lives)| made + lives);
    ends.is_some_and(|ends| ends <= moment.now)
}

fn strong(signature: &Signature) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha224, Sha256, Sha384, Sha512};
    signature.hash_alg().is_some_and(|one| matches!(one, Sha224 | Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512))
}

/// Whether a signature says that it must not count for who does not know one of its marks, and we do not.
fn demands(signature: &Signature) -> bool {
    let Some(config) = signature.config() else { return true };
    let mut all = config.hashed_subpackets.iter().chain(&config.unhashed_subpackets);
    all.any(|one| one.is_critical && !known(one))
}

fn known(subpacket: &Subpacket) -> bool {
    use SubpacketData::*;
    matches!(
        subpacket.data,
        SignatureCreationTime(_)
            | SignatureExpirationTime(_)
            | KeyExpirationTime(_)
            | IssuerKeyId(_)
            | IssuerFingerprint(_)
            | KeyFlags(_)
            | Features(_)
            | PreferredSymmetricAlgorithms(_)
            | PreferredHashAlgorithms(_)
            | PreferredCompressionAlgorithms(_)
            | KeyServerPreferences(_)
            | RevocationKey(_)
            | IsPrimary(_)
            | SignersUserID(_)
            | PolicyURI(_)
            | EmbeddedSignature(_)
    )
}
