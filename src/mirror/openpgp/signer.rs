//! The key that signs indexes for apt and dnf: RSA, for the oldest clients at sites know nothing newer.
//! Everything it signs bears one date, that of the key, so that the same content gives the same bytes.
//! Not here: the list of a generation; clients of our own verify that.

use super::fingerprint::Fingerprint;
use disk::replace;
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, Deserializable, DetachedSignature, KeyType, SecretKeyParamsBuilder,
    SignedPublicKey, SignedSecretKey, SubpacketConfig,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, Password, Timestamp};
use rand::rngs::OsRng;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bits of a new key: enough for decades of repositories, and made in seconds.
const BITS: u32 = 3072;
/// What people see in `gpg --show-keys`.
const USER: &str = "pnda mirror";

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key's file cannot be read or made.
    #[error("cannot {what} the OpenPGP key {}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// Others can read the private key.
    #[error("the OpenPGP key {} can be read by others: run `chmod 600` on it, or make a new one", path.display())]
    Open { path: PathBuf },
    /// It is no private key without a password.
    #[error("{} is not an OpenPGP private key without a password", path.display())]
    Format { path: PathBuf, source: pgp::errors::Error },
    /// The key could not be made.
    #[error("no OpenPGP key could be made")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The signature could not be made.
    #[error("signing with OpenPGP failed")]
    Sign(#[source] pgp::errors::Error),
}

/// Signs indexes.
pub struct Signer {
    secret: SignedSecretKey,
    public: SignedPublicKey,
    /// A key that clients trust as well, while a mirror goes over from one to the other.
    other: Option<SignedPublicKey>,
    date: Timestamp,
}

impl Signer {
    /// Reads the key, or makes one where there is none.
    pub fn load_or_make(path: &Path) -> Result<Signer, Error> {
        let secret = if path.exists() { load(path)? } else { make(path)? };
        let public = secret.to_public_key();
        let own = public.details.users.iter().flat_map(|user| &user.signatures).filter_map(|one| one.created());
        let date = own.max().unwrap_or_else(|| public.created_at());
        Ok(Signer { secret, public, other: None, date })
    }

    /// The same, with another key's public half behind its own.
    pub fn with_other(self, other: &Signer) -> Signer {
        let other = Some(other.public.clone()).filter(|other| other.fingerprint() != self.public.fingerprint());
        Signer { other, ..self }
    }

    /// The public keys that clients are given.
    fn published(&self) -> impl Iterator<Item = &SignedPublicKey> {
        std::iter::once(&self.public).chain(&self.other)
    }

    /// The date of everything this key signs.
    pub fn date(&self) -> SystemTime {
        self.date.into()
    }

    /// Who signs.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(&self.public.fingerprint().to_string()).expect("a key has a fingerprint of hexadecimal digits")
    }

    /// The public key for `rpm --import` and people.
    pub fn public_armored(&self) -> Result<String, Error> {
        let blocks = self.published().map(|key| key.to_armored_string(ArmorOptions::default()));
        blocks.collect::<Result<Vec<String>, _>>().map(|blocks| blocks.concat()).map_err(Error::Sign)
    }

    /// The public key for apt's `signed-by`.
    pub fn public_binary(&self) -> Result<Vec<u8>, Error> {
        let keys = self.published().map(SignedPublicKey::to_bytes).collect::<Result<Vec<Vec<u8>>, _>>();
        keys.map(|keys| keys.concat()).map_err(Error::Sign)
    }

    /// A detached, armored signature.
    pub fn detached(&self, bytes: &[u8]) -> Result<String, Error> {
        let (hashed, unhashed) = self.subpackets()?;
        let subpackets = SubpacketConfig::UserDefined { hashed, unhashed };
        let (key, open) = (&self.secret.primary_key, Password::empty());
        let signed = DetachedSignature::sign_binary_data_with_subpackets(
            OsRng,
            key,
            &open,
            HashAlgorithm::Sha256,
            bytes,
            subpackets,
        );
        signed.and_then(|signed| signed.to_armored_string(ArmorOptions::default())).map_err(Error::Sign)
    }

    /// The text with its signature around it.
    pub fn cleartext(&self, text: &str) -> Result<String, Error> {
        let (hashed, unhashed) = self.subpackets()?;
        let key = &self.secret.primary_key;
        let mut config = SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha256);
        (config.hashed_subpackets, config.unhashed_subpackets) = (hashed, unhashed);
        let signed = CleartextSignedMessage::new(text, config, key, &Password::empty());
        signed.and_then(|signed| signed.to_armored_string(ArmorOptions::default())).map_err(Error::Sign)
    }

    fn subpackets(&self) -> Result<(Vec<Subpacket>, Vec<Subpacket>), Error> {
        let regular = |data| Subpacket::regular(data).map_err(Error::Sign);
        let key = &self.secret.primary_key;
        let hashed = vec![
            regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
            regular(SubpacketData::SignatureCreationTime(self.date))?,
        ];
        Ok((hashed, vec![regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?]))
    }
}

fn load(path: &Path) -> Result<SignedSecretKey, Error> {
    let failed = |source| Error::File { what: "read", path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(Error::Open { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    let read = SignedSecretKey::from_string(&text).map(|(key, _)| key);
    read.map_err(|source| Error::Format { path: path.to_owned(), source })
}

fn make(path: &Path) -> Result<SignedSecretKey, Error> {
    let parameters = SecretKeyParamsBuilder::default()
        .key_type(KeyType::Rsa(BITS))
        .can_certify(true)
        .can_sign(true)
        .primary_user_id(USER.into())
        .build();
    let made = parameters.map_err(|error| Error::Make(Box::new(error)))?.generate(OsRng);
    let secret = made.map_err(|error| Error::Make(Box::new(error)))?;
    let text = secret.to_armored_string(ArmorOptions::default()).map_err(Error::Sign)?;
    let written = replace::make_private(path, text.as_bytes());
    written.map_err(|source| Error::File { what: "make", path: path.to_owned(), source })?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::{Error as Refused, Keyring, claimed};

    fn signer() -> (tempfile::TempDir, Signer) {
        let folder = tempfile::tempdir().unwrap();
        let signer = Signer::load_or_make(&folder.path().join("key")).unwrap();
        (folder, signer)
    }

    #[test]
    fn what_was_signed_is_known_again_and_nothing_else() {
        let (folder, signer) = signer();
        let again = Signer::load_or_make(&folder.path().join("key")).unwrap();
        let detached = signer.detached(b"bytes").unwrap();
        assert_eq!(again.detached(b"bytes").unwrap(), detached, "the same bytes give the same signature");
        let rings = [signer.public_binary().unwrap(), signer.public_armored().unwrap().into_bytes()];
        for ring in rings.map(|bytes| Keyring::parse(&bytes).unwrap()) {
            assert_eq!(ring.detached(detached.as_bytes(), || Ok(&b"bytes"[..])).unwrap(), signer.fingerprint());
            let wrong = ring.detached(detached.as_bytes(), || Ok(&b"bytez"[..]));
            assert!(matches!(wrong, Err(Refused::Wrong { .. })), "{wrong:?}");
            let signed = signer.cleartext("one\n- two\n").unwrap();
            assert_eq!(ring.cleartext(&signed).unwrap(), ("one\n- two\n".to_owned(), signer.fingerprint()));
            let forged = ring.cleartext(&signed.replace("one", "uno"));
            assert!(matches!(forged, Err(Refused::Wrong { .. })), "{forged:?}");
        }
        assert_eq!(claimed(detached.as_bytes()).unwrap(), signer.fingerprint());
    }

    #[test]
    fn while_two_keys_are_published_clients_believe_either() {
        let ((_one, signer), (_other, next)) = (signer(), signer());
        let (fingerprints, detached) = ([&signer, &next].map(Signer::fingerprint), next.detached(b"x").unwrap());
        let signer = signer.with_other(&next);
        for bytes in [signer.public_binary().unwrap(), signer.public_armored().unwrap().into_bytes()] {
            let ring = Keyring::parse(&bytes).unwrap();
            assert_eq!(ring.detached(detached.as_bytes(), || Ok(&b"x"[..])).unwrap(), fingerprints[1]);
            let own = signer.detached(b"x").unwrap();
            assert_eq!(ring.detached(own.as_bytes(), || Ok(&b"x"[..])).unwrap(), fingerprints[0]);
        }
    }

    #[test]
    fn a_stranger_is_named() {
        let (_one, signer) = signer();
        let (_other, stranger) = self::signer();
        let ring = Keyring::parse(&signer.public_binary().unwrap()).unwrap();
        let refused = ring.detached(stranger.detached(b"x").unwrap().as_bytes(), || Ok(&b"x"[..]));
        assert!(matches!(refused, Err(Refused::Unknown(by)) if by == stranger.fingerprint()));
        assert!(matches!(ring.detached(b"junk", || Ok(&b"x"[..])), Err(Refused::NoSignature(_) | Refused::Anonymous)));
        assert!(matches!(Keyring::parse(b"junk"), Err(Refused::NoKey { .. })));
    }
}
