//! Public keys that are trusted, and the question whether one of them signed something.
//! Where we differ from what `gpg` says of a signature we are the stricter one: `tests/it/openpgp` holds the cases.
//! Not here: which keys a site trusts for what, and what a key says of itself (`certificate`).

use super::certificate::{Certificate, Others};
use super::evidence::{Moment, Part, issuers, weakness};
use super::fingerprint::Fingerprint;
use pgp::composed::{CleartextSignedMessage, Deserializable, DetachedSignature, SignedPublicKey};
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::time::SystemTime;

/// The largest file of keys or signatures that is read.
const LIMIT: usize = 16 << 20;
/// Signatures beside a file that are looked at: each may cost another reading of the file.
const MOST: usize = 16;
/// Characters that are told of what is wrong with bytes from outside.
const TOLD: usize = 300;

/// Why nobody known is behind it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of keys holds none that can be used.
    #[error("there is no usable OpenPGP public key in it{}", why(source))]
    NoKey { source: Option<Unreadable> },
    /// The signature cannot be read.
    #[error("it is no OpenPGP signature")]
    NoSignature(#[source] Unreadable),
    /// Some other key signed.
    #[error("it was signed by {0}, which is none of the trusted keys")]
    Unknown(Fingerprint),
    /// The signature does not say by whom.
    #[error("its signature does not say who signed")]
    Anonymous,
    /// A trusted key is named, and its signature is not of these bytes.
    #[error("its signature by {by} does not fit the bytes")]
    Wrong { by: Fingerprint, source: Unreadable },
    /// A trusted key signed in a way, or at a time, that does not count.
    #[error("its signature by {by} does not count: {why}")]
    Void { by: Fingerprint, why: &'static str },
    /// The signed bytes cannot be read.
    #[error("the signed file cannot be read")]
    Read(#[source] io::Error),
}

fn why(source: &Option<Unreadable>) -> String {
    source.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
}

/// What is wrong with bytes from outside. It may quote them at length, so it is told in part, and not as it is.
#[derive(Debug)]
pub struct Unreadable(pgp::errors::Error);

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let more = text.chars().nth(TOLD).map_or("", |_| "…");
        text.chars().take(TOLD).try_for_each(|one| match one {
            ' '..='~' => write!(out, "{one}"),
            other => write!(out, "{}", other.escape_debug()),
        })?;
        out.write_str(more)
    }
}

impl std::error::Error for Unreadable {}

/// Keys that are trusted for something.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: BTreeMap<Fingerprint, Certificate>,
    revocations: Vec<Signature>,
    only: Option<Vec<Fingerprint>>,
}

impl Keyring {
    /// Reads keys, armored (any number of blocks, with text between them) or binary. A key that cannot be read is
    /// left out, as long as one can.
    pub fn parse(bytes: &[u8]) -> Result<Keyring, Error> {
        if bytes.len() > LIMIT {
            return Err(Error::NoKey { source: None });
        }
        let (mut ring, mut failure) = (Keyring::default(), None);
        let blocks = armored_blocks(bytes);
        if blocks.is_empty() {
            failure = ring.take(bytes);
        }
        for block in blocks {
            let failed = without_armor(block).map_or_else(Some, |plain| ring.take(&plain));
            failure = failed.or(failure);
        }
        if ring.keys.is_empty() { Err(Error::NoKey { source: failure.map(Unreadable) }) } else { Ok(ring) }
    }

    /// Takes in keys, and revocations that may stand anywhere; what was wrong with the last that could not be read.
    fn take(&mut self, plain: &[u8]) -> Option<pgp::errors::Error> {
        let mut failure = None;
        match SignedPublicKey::from_bytes_many(plain) {
            Err(error) => failure = Some(error),
            Ok(found) => found.for_each(|key| match key {
                Ok(key) => self.add(Certificate::of(key)),
                Err(error) => failure = Some(error),
            }),
        }
        self.revocations.extend(PacketParser::new(plain).filter_map(|packet| match packet {
            Ok(Packet::Signature(signature)) => Some(signature).filter(revokes),
            _ => None,
        }));
        failure
    }

    fn add(&mut self, key: Certificate) {
        let Some(by) = key.fingerprint() else { return };
        match self.keys.get_mut(&by) {
            Some(known) => known.merge(key),
            None => drop(self.keys.insert(by, key)),
        }
    }

    /// All keys of several rings; all of them count.
    pub fn join(rings: impl IntoIterator<Item = Keyring>) -> Keyring {
        let mut all = Keyring::default();
        for ring in rings {
            ring.keys.into_values().for_each(|key| all.add(key));
            all.revocations.extend(ring.revocations);
        }
        all
    }

    /// The same keys, of which only these count: what signed is one of them, or is a subkey that one of them has bound.
    pub fn only(mut self, wanted: &[Fingerprint]) -> Keyring {
        self.only = Some(wanted.to_vec());
        self
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The fingerprints of the keys.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.keys.keys().cloned().collect()
    }

    /// Who of the trusted signed these bytes with a detached signature, armored or binary. `content` is read once
    /// for each key that may have signed, as a rule once.
    pub fn detached<R: Read>(
        &self,
        signature: &[u8],
        mut content: impl FnMut() -> io::Result<R>,
    ) -> Result<Fingerprint, Error> {
        self.first(&signatures(signature)?, SignatureType::Binary, &mut content)
    }

    /// The text inside a cleartext signature, and who of the trusted signed it.
    pub fn cleartext(&self, text: &str) -> Result<(String, Fingerprint), Error> {
        if text.len() > LIMIT {
            return Err(Error::Anonymous);
        }
        let read = CleartextSignedMessage::from_string(text);
        let (message, _) = read.map_err(unreadable)?;
        let signed = message.signed_text();
        let by = self.first(message.signatures(), SignatureType::Text, &mut || Ok(signed.as_bytes()))?;
        Ok((signed.replace("\r\n", "\n"), by))
    }

    /// Who made the first of the signatures that counts.
    fn first<R: Read>(
        &self,
        signatures: &[Signature],
        kind: SignatureType,
        content: &mut impl FnMut() -> io::Result<R>,
    ) -> Result<Fingerprint, Error> {
        let mut last = Error::Anonymous;
        for signature in signatures.iter().take(MOST) {
            match self.judge(signature, kind, SystemTime::now(), content) {
                Ok(by) => return Ok(by),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whose signature it is: the key that made it, or whose subkey did. All that it may be are asked, for a key id
    /// can be that of several.
    fn judge<R: Read>(
        &self,
        signature: &Signature,
        kind: SignatureType,
        now: SystemTime,
        content: &mut impl FnMut() -> io::Result<R>,
    ) -> Result<Fingerprint, Error> {
        let by = issuers(signature).into_iter().next().ok_or(Error::Anonymous)?;
        if let Some(why) = weakness(signature, kind, now) {
            return Err(Error::Void { by, why });
        }
        let moment = Moment::of(signature, now).ok_or(Error::Anonymous)?;
        let others = Others { revocations: &self.revocations, keys: &self.keys };
        let mut last = Error::Unknown(by);
        for (key, certificate) in &self.keys {
            for part in certificate.named_in(signature).iter().filter(|part| self.wants(key, part)) {
                let by = key.clone();
                last = match certificate.may_sign(part, moment, &others) {
                    Err(why) => Error::Void { by, why },
                    Ok(()) => match part.verify(signature, content().map_err(Error::Read)?) {
                        Ok(()) => return Ok(by),
                        Err(error) => Error::Wrong { by, source: Unreadable(error) },
                    },
                };
            }
        }
        Err(last)
    }

    /// Whether a part of a key is one of those that count.
    fn wants(&self, key: &Fingerprint, part: &Part<'_>) -> bool {
        let Some(only) = &self.only else { return true };
        only.contains(key) || part.fingerprint().is_some_and(|part| only.contains(&part))
    }
}

fn revokes(signature: &Signature) -> bool {
    matches!(signature.typ(), Some(SignatureType::KeyRevocation | SignatureType::SubkeyRevocation))
}

fn unreadable(error: pgp::errors::Error) -> Error {
    Error::NoSignature(Unreadable(error))
}

/// Who says to have signed, unverified: the name to pin where no key is given.
pub fn claimed(signature: &[u8]) -> Result<Fingerprint, Error> {
    let signatures = signatures(signature)?;
    signatures.iter().flat_map(issuers).next().ok_or(Error::Anonymous)
}

/// The first of the keys that are given to clients: that of whoever signs; none if it cannot be read.
pub fn first_key(bytes: &[u8]) -> Option<Fingerprint> {
    let block = armored_blocks(bytes).first().map(|block| without_armor(block)).transpose().ok()?;
    let mut keys = SignedPublicKey::from_bytes_many(block.as_deref().unwrap_or(bytes)).ok()?;
    Certificate::of(keys.next()?.ok()?).fingerprint()
}

fn signatures(bytes: &[u8]) -> Result<Vec<Signature>, Error> {
    if bytes.len() > LIMIT {
        return Err(Error::Anonymous);
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN PGP"));
    let plain = text.map(without_armor).transpose().map_err(unreadable)?;
    let parsed = DetachedSignature::from_bytes_many(plain.as_deref().unwrap_or(bytes)).map(Iterator::collect);
    let parsed: Vec<pgp::errors::Result<DetachedSignature>> = parsed.map_err(unreadable)?;
    let found: pgp::errors::Result<Vec<DetachedSignature>> = parsed.into_iter().collect();
    Ok(found.map_err(unreadable)?.into_iter().map(|one| one.signature).collect())
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

    #[test]
    fn what_is_wrong_with_bytes_is_told_in_part_and_without_their_control_characters() {
        let text = format!("\u{1b}[2J \"a\"\n\u{202e}{}", "long ".repeat(1000));
        let told = Unreadable(io::Error::other(text).into()).to_string();
        assert!(told.contains(r#"\u{1b}[2J "a"\n\u{202e}long"#), "{told}");
        assert!(told.len() < 2 * TOLD && told.ends_with('…'), "{told}");
    }
}
