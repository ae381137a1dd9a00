//! One key, of all its copies in a ring: what it says of itself and of its subkeys, and whether that lets a part sign.
//! Nothing is believed before the key's own signature under it was verified, nor by what somebody wrote beside it.
//! Not here: signatures of files, and which keys are trusted.

use super::evidence::{Moment, Part, named, names, of_key, usable};
use super::fingerprint::Fingerprint;
use pgp::composed::SignedPublicKey;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Tag};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// Signatures of its own that a key may bear: honest ones have some dozens, and each costs time.
const MOST: usize = 500;

/// A key with all that its copies say.
#[derive(Debug, Clone)]
pub struct Certificate {
    primary: PublicKey,
    copies: Vec<SignedPublicKey>,
}

/// What a key says of itself, verified.
struct Standing<'a> {
    /// The newest signatures that count, of the key itself.
    of_key: Vec<&'a Signature>,
    /// Likewise, of each of its users.
    of_users: Vec<&'a Signature>,
}

/// What else is in the ring that a key came from.
pub struct Others<'a> {
    /// All revocations, wherever they stand.
    pub revocations: &'a [Signature],
    /// All keys, for one may revoke another that says so.
    pub keys: &'a BTreeMap<Fingerprint, Certificate>,
}

/// Who a user of a key is: an attribute or not, and the bytes that signatures cover.
type User = (bool, Vec<u8>);

impl Certificate {
    /// A key of which one copy is known.
    pub fn of(copy: SignedPublicKey) -> Certificate {
        Certificate { primary: copy.primary_key.clone(), copies: vec![copy] }
    }

    /// Takes in the copies of another ring.
    pub fn merge(&mut self, other: Certificate) {
        self.copies.extend(other.copies);
    }

    /// Who the key is.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        of_key(&self.primary)
    }

    /// The key itself and its subkeys, verified or not, as far as a signature names them.
    pub fn named_in<'a>(&'a self, signature: &Signature) -> Vec<Part<'a>> {
        let subkeys = self.copies.iter().flat_map(|copy| &copy.public_subkeys).map(|subkey| &subkey.key);
        let named: BTreeMap<Fingerprint, &PublicSubkey> = subkeys
            .filter(|subkey| names(signature, *subkey))
            .filter_map(|subkey| Some((of_key(subkey)?, subkey)))
            .collect();
        let primary = names(signature, &self.primary).then_some(Part::Primary(&self.primary));
        primary.into_iter().chain(named.into_values().map(Part::Subkey)).collect()
    }

    /// Whether a part of this key may have signed at that moment; why not.
    pub fn may_sign(&self, part: &Part<'_>, moment: Moment, others: &Others<'_>) -> Result<(), &'static str> {
        let (standing, born) = (self.standing(moment)?, seconds(&self.primary));
        self.not_revoked(others)?;
        if moment.signed < born {
            return Err("it is older than the key");
        }
        if standing.expires(born).is_some_and(|expires| moment.signed >= expires) {
            return Err("the key had expired when it signed");
        }
        match part {
            Part::Subkey(subkey) => self.may_sign_by(subkey, moment, others),
            Part::Primary(key) if key.algorithm().can_sign() && standing.signs() => Ok(()),
            Part::Primary(_) => Err("the key is not for signing"),
        }
    }

    fn may_sign_by(&self, subkey: &PublicSubkey, moment: Moment, others: &Others<'_>) -> Result<(), &'static str> {
        let revocations = others.revocations(SignatureType::SubkeyRevocation, &self.primary)?;
        if revocations.into_iter().any(|one| one.verify_subkey_binding(&self.primary, subkey).is_ok()) {
            return Err("its subkey was revoked");
        }
        let (born, bindings) = (seconds(subkey), self.bindings(subkey, moment)?);
        if bindings.is_empty() {
            return Err("its subkey does not belong to it");
        }
        if !subkey.algorithm().can_sign() || !bindings.iter().all(|one| flags(one) == Some(true)) {
            return Err("its subkey is not for signing");
        }
        let agrees = |back: &Signature| {
            usable(back, born, moment) && back.verify_primary_key_binding(subkey, &self.primary).is_ok()
        };
        if !bindings.iter().all(|binding| binding.embedded_signature().is_some_and(agrees)) {
            return Err("its subkey did not agree to belong to it");
        }
        if moment.signed < born {
            return Err("it is older than the subkey");
        }
        let expires = bindings.iter().filter_map(|one| expiry(one, born)).min();
        let expired = expires.is_some_and(|expires| moment.signed >= expires);
        if expired { Err("its subkey had expired when it signed") } else { Ok(()) }
    }

    /// The newest word of the key that a subkey is its own.
    fn bindings(&self, subkey: &PublicSubkey, moment: Moment) -> Result<Vec<&Signature>, &'static str> {
        let (born, mine) = (seconds(&self.primary), of_key(subkey));
        let copies = self.copies.iter().flat_map(|copy| &copy.public_subkeys);
        let all = copies.filter(|copy| of_key(&copy.key) == mine).flat_map(|copy| &copy.signatures);
        let all = few(all.filter(|one| one.typ() == Some(SignatureType::SubkeyBinding)), &self.primary)?;
        let verified = |one: &Signature| one.verify_subkey_binding(&self.primary, subkey).is_ok();
        Ok(newest(all, |one| usable(one, born, moment) && verified(one)))
    }

    /// What the key says of itself: nobody's word counts but its own.
    fn standing(&self, moment: Moment) -> Result<Standing<'_>, &'static str> {
        let born = seconds(&self.primary);
        let of_key = self.copies.iter().flat_map(|copy| &copy.details.direct_signatures);
        let of_key: Vec<&Signature> = of_key.filter(|one| one.typ() == Some(SignatureType::Key)).collect();
        let users = self.users();
        few(of_key.iter().chain(users.values().flatten()).copied(), &self.primary)?;
        let of_key = newest(of_key, |one| usable(one, born, moment) && one.verify_key(&self.primary).is_ok());
        let mut of_users = Vec::new();
        for ((attribute, id), signatures) in &users {
            let tag = if *attribute { Tag::UserAttribute } else { Tag::UserId };
            let verified = |one: &Signature| one.verify_certification(&self.primary, tag, &Id(id)).is_ok();
            let (revocations, words): (Vec<&Signature>, Vec<&Signature>) =
                signatures.iter().partition(|one| one.typ() == Some(SignatureType::CertRevocation));
            let words = newest(words, |one| usable(one, born, moment) && verified(one));
            let since = words.first().and_then(|one| one.created());
            let mut revocations = revocations.into_iter().filter(|one| one.created() >= since);
            if !revocations.any(verified) {
                of_users.extend(words);
            }
        }
        let known = !of_key.is_empty() || !of_users.is_empty();
        known.then_some(Standing { of_key, of_users }).ok_or("the key says nothing of itself that can be verified")
    }

    /// The users of all copies, with all signatures under each.
    fn users(&self) -> BTreeMap<User, Vec<&Signature>> {
        let mut users: BTreeMap<User, Vec<&Signature>> = BTreeMap::new();
        for details in self.copies.iter().map(|copy| &copy.details) {
            let named = details.users.iter().map(|user| (false, bytes(&user.id), &user.signatures));
            let shown = details.user_attributes.iter().map(|one| (true, bytes(&one.attr), &one.signatures));
            for (attribute, id, signatures) in named.chain(shown) {
                users.entry((attribute, id)).or_default().extend(signatures);
            }
        }
        users
    }

    /// A key that was revoked counts no more, for whatever reason: who holds a lost key can date what it signs as he likes.
    fn not_revoked(&self, others: &Others<'_>) -> Result<(), &'static str> {
        const KIND: SignatureType = SignatureType::KeyRevocation;
        if others.revocations(KIND, &self.primary)?.into_iter().any(|one| one.verify_key(&self.primary).is_ok()) {
            return Err("the key was revoked");
        }
        for revoker in self.revokers() {
            let Some(revoker) = others.keys.get(&revoker) else {
                let mut here = self.copies.iter().flat_map(|copy| &copy.details.revocation_signatures);
                if here.any(|one| !names(one, &self.primary)) {
                    return Err("the key may have been revoked by another that it named for that");
                }
                continue;
            };
            let revocations = others.revocations(KIND, &revoker.primary)?;
            let verified = |one: &Signature| one.verify_key_third_party(&self.primary, &revoker.primary).is_ok();
            if revocations.into_iter().any(verified) {
                return Err("the key was revoked by another that it named for that");
            }
        }
        Ok(())
    }

    /// The keys that this one names as able to revoke it.
    fn revokers(&self) -> BTreeSet<Fingerprint> {
        let said = self.copies.iter().flat_map(|copy| &copy.details.direct_signatures);
        let said = said.filter(|one| one.revocation_key().is_some() && one.verify_key(&self.primary).is_ok());
        let subpackets = said.filter_map(Signature::config).flat_map(|config| &config.hashed_subpackets);
        let keys = subpackets.filter_map(|one| match &one.data {
            SubpacketData::RevocationKey(key) => Fingerprint::of_bytes(&key.fingerprint),
            _ => None,
        });
        keys.collect()
    }
}

impl<'a> Others<'a> {
    /// The revocations of a kind that may be by this key.
    fn revocations(&self, kind: SignatureType, by: &PublicKey) -> Result<Vec<&'a Signature>, &'static str> {
        few(self.revocations.iter().filter(|one| one.typ() == Some(kind)), by)
    }
}

/// The signatures that may be by a key, if they are no more than an honest key has.
fn few<'a>(all: impl Iterator<Item = &'a Signature>, by: &PublicKey) -> Result<Vec<&'a Signature>, &'static str> {
    let own: Vec<&Signature> = all.filter(|one| names(one, by) || !named(one)).collect();
    if own.len() > MOST { Err("the key bears more signatures than any honest one") } else { Ok(own) }
}

impl Standing<'_> {
    /// When the key ends: both what it says of itself and of its users counts, and of each the newest that says a time.
    fn expires(&self, born: u64) -> Option<u64> {
        let ends = |said: &[&Signature]| newest_that_say(said, |one| expiry(one, born));
        ends(&self.of_key).into_iter().chain(ends(&self.of_users)).min()
    }

    /// Whether the key itself may sign. Keys from before there were flags bear none, and may.
    fn signs(&self) -> bool {
        let may = |said: &[&Signature]| newest_that_say(said, flags).into_iter().all(|may| may);
        may(&self.of_key) && may(&self.of_users)
    }
}

/// The bytes of a user, as signatures cover them.
struct Id<'a>(&'a [u8]);

impl Serialize for Id<'_> {
    fn to_writer<W: io::Write>(&self, out: &mut W) -> pgp::errors::Result<()> {
        Ok(out.write_all(self.0)?)
    }

    fn write_len(&self) -> usize {
        self.0.len()
    }
}

fn bytes(id: &impl Serialize) -> Vec<u8> {
    id.to_bytes().unwrap_or_default()
}

fn seconds(key: &impl KeyDetails) -> u64 {
    key.created_at().as_secs().into()
}

/// The newest of the signatures that are believed; those of the same second all count.
fn newest(mut signatures: Vec<&Signature>, believed: impl Fn(&Signature) -> bool) -> Vec<&Signature> {
    signatures.sort_by_key(|one| std::cmp::Reverse(one.created()));
    let mut found: Vec<&Signature> = Vec::new();
    for signature in signatures {
        if found.first().is_some_and(|first| first.created() != signature.created()) {
            break;
        }
        if believed(signature) {
            found.push(signature);
        }
    }
    found
}

/// What the newest of these say of something, of those that say anything of it.
fn newest_that_say<T>(signatures: &[&Signature], says: impl Fn(&Signature) -> Option<T>) -> Vec<T> {
    let speaking = signatures.iter().filter(|one| says(one).is_some());
    let last = speaking.clone().filter_map(|one| one.created()).max();
    speaking.filter(|one| one.created() == last).filter_map(|one| says(one)).collect()
}

/// When a key or subkey ends, by this signature.
fn expiry(signature: &Signature, born: u64) -> Option<u64> {
    let lives = signature.key_expiration_time().map(|lives| u64::from(lives.as_secs()));
    lives.filter(|lives| *lives > 0).map(|lives| born + lives)
}

/// Whether this signature says that a key or subkey may sign.
fn flags(signature: &Signature) -> Option<bool> {
    let mut subpackets = signature.config()?.hashed_subpackets.iter();
    subpackets.find_map(|one| match &one.data {
        SubpacketData::KeyFlags(flags) => Some(flags.sign()),
        _ => None,
    })
}
