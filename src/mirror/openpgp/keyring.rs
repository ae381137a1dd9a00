//! Public keys that are trusted, and the question whether one of them signed something.
//! Weak digests, revoked keys and keys that had expired when they signed do not count.
//! Not here: which keys a site trusts for what.

use super::fingerprint::Fingerprint;
use pgp::composed::{CleartextSignedMessage, Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Timestamp};
use std::io::{self, Read};
use std::time::SystemTime;

/// The largest file of keys or signatures that is read.
const LIMIT: usize = 16 << 20;

/// Why nobody known is behind it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of keys holds none that can be used.
    #[error("there is no usable OpenPGP public key in it{}", why(source))]
    NoKey { source: Option<pgp::errors::Error> },
    /// The signature cannot be read.
    #[error("it is no OpenPGP signature")]
    NoSignature(#[source] pgp::errors::Error),
    /// Some other key signed.
    #[error("it was signed by {0}, which is none of the trusted keys")]
    Unknown(Fingerprint),
    /// The signature does not say by whom.
    #[error("its signature does not say who signed")]
    Anonymous,
    /// A trusted key is named, and its signature is not of these bytes.
    #[error("its signature by {by} does not fit the bytes")]
    Wrong { by: Fingerprint, source: pgp::errors::Error },
    /// A trusted key signed in a way, or at a time, that does not count.
    #[error("its signature by {by} does not count: {why}")]
    Void { by: Fingerprint, why: &'static str },
    /// The signed bytes cannot be read.
    #[error("the signed file cannot be read")]
    Read(#[source] io::Error),
}

fn why(source: &Option<pgp::errors::Error>) -> String {
    source.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
}

/// Keys that are trusted for something.
#[derive(Debug, Clone, Default)]
pub struct Keyring(Vec<SignedPublicKey>);

impl Keyring {
    /// Reads keys, armored (any number of blocks, with text between them) or binary. A key that cannot be read is
    /// left out, as long as one can.
    pub fn parse(bytes: &[u8]) -> Result<Keyring, Error> {
        if bytes.len() > LIMIT {
            return Err(Error::NoKey { source: None });
        }
        let (mut keys, mut failure) = (Vec::new(), None);
        let mut take = |parsed: pgp::errors::Result<Vec<pgp::errors::Result<SignedPublicKey>>>| match parsed {
            Ok(found) => found.into_iter().for_each(|key| match key {
                Ok(key) => keys.push(key),
                Err(error) => failure = Some(error),
            }),
            Err(error) => failure = Some(error),
        };
        let blocks = armored_blocks(bytes);
        if blocks.is_empty() {
            take(SignedPublicKey::from_bytes_many(bytes).map(Iterator::collect));
        }
        for block in blocks {
            let plain = without_armor(block);
            take(plain.and_then(|plain| SignedPublicKey::from_bytes_many(plain.as_slice()).map(Iterator::collect)));
        }
        if keys.is_empty() { Err(Error::NoKey { source: failure }) } else { Ok(Keyring(keys)) }
    }

    /// All keys of several rings.
    pub fn join(rings: impl IntoIterator<Item = Keyring>) -> Keyring {
        Keyring(rings.into_iter().flat_map(|ring| ring.0).collect())
    }

    /// Only the keys with these fingerprints, of the key itself or of one of its subkeys.
    pub fn only(mut self, wanted: &[Fingerprint]) -> Keyring {
        self.0.retain(|key| owners(key).iter().any(|own| wanted.iter().any(|wanted| wanted.agrees(own))));
        self
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fingerprints of the keys.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.0.iter().filter_map(of_key).collect()
    }

    /// Who of the trusted signed these bytes with a detached signature, armored or binary. `content` is read once
    /// for each key that may have signed, as a rule once.
    pub fn detached<R: Read>(
        &self,
        signature: &[u8],
        mut content: impl FnMut() -> io::Result<R>,
    ) -> Result<Fingerprint, Error> {
        let mut last = Error::Anonymous;
        for signature in signatures(signature)? {
            let checked = self
                .signer(&signature)
                .and_then(|(signer, by)| signer.verify(&signature, content().map_err(Error::Read)?, &by).map(|()| by));
            match checked {
                Ok(by) => return Ok(by),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The text inside a cleartext signature, and who of the trusted signed it.
    pub fn cleartext(&self, text: &str) -> Result<(String, Fingerprint), Error> {
        if text.len() > LIMIT {
            return Err(Error::Anonymous);
        }
        let (message, _) = CleartextSignedMessage::from_string(text).map_err(Error::NoSignature)?;
        let mut last = Error::Anonymous;
        let signed = message.signed_text();
        for signature in message.signatures() {
            let checked = self
                .signer(signature)
                .and_then(|(signer, by)| signer.verify(signature, signed.as_bytes(), &by).map(|()| by));
            match checked {
                Ok(by) => return Ok((signed.replace("\r\n", "\n"), by)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The key that a signature names, if its word counts.
    fn signer(&self, signature: &Signature) -> Result<(Signing<'_>, Fingerprint), Error> {
        let named = issuers(signature);
        let by = named.first().cloned().ok_or(Error::Anonymous)?;
        if let Some(why) = weakness(signature) {
            return Err(Error::Void { by, why });
        }
        let mine = |owner: &Fingerprint| named.iter().any(|named| named.agrees(owner));
        for key in &self.0 {
            let Some(whole) = of_key(key) else { continue };
            let subkey = key.public_subkeys.iter().find(|subkey| of_key(*subkey).as_ref().is_some_and(mine));
            if !mine(&whole) && subkey.is_none() {
                continue;
            }
            let void = void(key, signature).or_else(|| subkey.and_then(|subkey| foreign(key, subkey)));
            return match (void, subkey) {
                (Some(why), _) => Err(Error::Void { by: whole, why }),
                (None, Some(subkey)) => Ok((Signing::Subkey(subkey), whole)),
                (None, None) => Ok((Signing::Primary(key), whole)),
            };
        }
        Err(Error::Unknown(by))
    }
}

/// The part of a key that signs.
enum Signing<'a> {
    Primary(&'a SignedPublicKey),
    Subkey(&'a SignedPublicSubKey),
}

impl Signing<'_> {
    fn verify(&self, signature: &Signature, content: impl Read, by: &Fingerprint) -> Result<(), Error> {
        let verified = match self {
            Signing::Primary(key) => signature.verify(*key, content),
            Signing::Subkey(key) => signature.verify(*key, content),
        };
        verified.map_err(|source| Error::Wrong { by: by.clone(), source })
    }
}

/// Why a subkey does not speak for its key.
fn foreign(key: &SignedPublicKey, subkey: &SignedPublicSubKey) -> Option<&'static str> {
    let revoked = subkey.signatures.iter().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation));
    let belongs = !revoked && subkey.verify_bindings(&key.primary_key).is_ok();
    (!belongs).then_some("its subkey was revoked, or does not belong to it")
}

/// Who says to have signed, unverified: the name to pin where no key is given.
pub fn claimed(signature: &[u8]) -> Result<Fingerprint, Error> {
    let signatures = signatures(signature)?;
    signatures.iter().flat_map(issuers).next().ok_or(Error::Anonymous)
}

fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, Error> {
    if bytes.len() > LIMIT {
        return Err(Error::Anonymous);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN PGP"));
    let plain = text.map(without_armor).transpose().map_err(Error::NoSignature)?;
    let parsed = DetachedSignature::from_bytes_many(plain.as_deref().unwrap_or(bytes)).map(Iterator::collect);
    let parsed: Vec<pgp::errors::Result<DetachedSignature>> = parsed.map_err(Error::NoSignature)?;
    let found: pgp::errors::Result<Vec<DetachedSignature>> = parsed.into_iter().collect();
    Ok(found.map_err(Error::NoSignature)?.into_iter().map(|one| one.signature).collect())
}

/// The bytes inside an armor. They are read to their end first: who reads on behind a damaged place makes the reader
/// of armors panic.
fn without_armor(text: &str) -> pgp::errors::Result<Vec<u8>> {
    let mut plain = Vec::new();
    pgp::armor::Dearmor::new(text.as_bytes()).read_to_end(&mut plain)?;
    Ok(plain)
}

fn armored_blocks(bytes: &[u8]) -> Vec<&str> {
    const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";
    let mut blocks = Vec::new();
    let Ok(mut text) = std::str::from_utf8(bytes) else { return blocks };
    while let Some(begin) = text.find(BEGIN) {
        let Some(end) = text[begin..].find(END) else { break };
        let end = begin + end + END.len();
        blocks.push(&text[begin..end]);
        text = &text[end..];
    }
    blocks
}

fn of_key(key: &impl KeyDetails) -> Option<Fingerprint> {
    Fingerprint::new(&key.fingerprint().to_string()).ok()
}

/// A key's own fingerprint and those of its subkeys.
fn owners(key: &SignedPublicKey) -> Vec<Fingerprint> {
    of_key(key).into_iter().chain(key.public_subkeys.iter().filter_map(of_key)).collect()
}

/// The keys that a signature names, the whole fingerprints first.
fn issuers(signature: &Signature) -> Vec<Fingerprint> {
    let whole = signature.issuer_fingerprint().into_iter().map(|one| one.to_string());
    let ids = signature.issuer_key_id().into_iter().map(|one| one.to_string());
    whole.chain(ids).filter_map(|text| Fingerprint::new(&text).ok()).collect()
}

/// Why a signature cannot count, whoever made it.
fn weakness(signature: &Signature) -> Option<&'static str> {
    match signature.hash_alg() {
        None | Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160) => {
            Some("it uses a digest that can be forged")
        }
        Some(_) => match signature.typ() {
            Some(SignatureType::Binary | SignatureType::Text) => None,
            _ => Some("it is not a signature of a document"),
        },
    }
}

/// Why a key's signature does not count: the key was revoked, or had expired when it signed.
fn void(key: &SignedPublicKey, signature: &Signature) -> Option<&'static str> {
    if key.details.revocation_signatures.iter().any(|one| one.verify_key(&key.primary_key).is_ok()) {
        return Some("the key was revoked");
    }
    let Some(signed) = signature.created() else { return Some("it has no date") };
    let (born, signed) = (seconds(key.created_at()), seconds(signed));
    if signed < born {
        return Some("it is older than the key");
    }
    let of_users = key.details.users.iter().flat_map(|user| &user.signatures);
    let own = of_users.chain(&key.details.direct_signatures).filter(|one| {
        let me = of_key(key);
        issuers(one).iter().any(|issuer| me.as_ref().is_some_and(|me| me.agrees(issuer)))
    });
    let latest = own.max_by_key(|one| one.created().map(seconds));
    let lives = latest.and_then(Signature::key_expiration_time).map(|lives| u64::from(lives.as_secs()));
    let expired = lives.is_some_and(|lives| lives > 0 && signed > born + lives);
    expired.then_some("the key had expired when it signed")
}

fn seconds(time: Timestamp) -> u64 {
    SystemTime::from(time).duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_armor_that_is_damaged_inside_is_refused() {
        let damaged = include_bytes!("../../../tests/fuzz/corpus/openpgp_signature/damaged-armor.asc");
        assert!(matches!(claimed(damaged), Err(Error::NoSignature(_))));
        let text = String::from_utf8_lossy(damaged).replace("SIGNATURE", "PUBLIC KEY BLOCK");
        assert!(matches!(Keyring::parse(text.as_bytes()), Err(Error::NoKey { .. })));
    }
}
