//! The key that signs a mirror's lists: an Ed25519 key in minisign's format, so that a common tool verifies by hand.
//! The private half is a file only its owner can read; it is made on first use.
//! Not here: which list is signed, or who trusts the key.

use disk::regular::{self, Links};
use disk::replace;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use std::fs;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use words::generation;

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key's file cannot be read or made.
    #[error("cannot {what} the signing key {}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// Others can read the private key.
    #[error("the signing key {} can be read by others: run `chmod 600` on it, or make a new one", path.display())]
    Open { path: PathBuf },
    /// It is no unencrypted minisign key.
    #[error("{} is not an unencrypted minisign key", path.display())]
    Format { path: PathBuf, source: Box<minisign::PError> },
    /// The signature could not be made.
    #[error("signing failed")]
    Sign(#[source] Box<minisign::PError>),
}

/// Signs lists.
pub struct Signer {
    secret: SecretKey,
    public: PublicKey,
}

impl Signer {
    /// Reads the key, or makes one where there is none.
    pub fn load_or_make(path: &Path) -> Result<Signer, Error> {
        if path.exists() { Signer::load(path) } else { Signer::make(path) }
    }

    fn load(path: &Path) -> Result<Signer, Error> {
        let failed = |source| Error::File { what: "read", path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::Open { path: path.to_owned() });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let format = |source| Error::Format { path: path.to_owned(), source: Box::new(source) };
        let boxed = SecretKeyBox::from_string(&text).map_err(format)?;
        let secret = boxed.into_unencrypted_secret_key().map_err(format)?;
        let public = PublicKey::from_secret_key(&secret).map_err(format)?;
        Ok(Signer { secret, public })
    }

    fn make(path: &Path) -> Result<Signer, Error> {
        let format = |source| Error::Format { path: path.to_owned(), source: Box::new(source) };
        let pair = KeyPair::generate_unencrypted_keypair().map_err(format)?;
        let text = pair.sk.to_box(Some("pnda mirror signing key")).map_err(format)?.to_string();
        let written = replace::make_private(path, text.as_bytes());
        written.map_err(|source| Error::File { what: "make", path: path.to_owned(), source })?;
        Ok(Signer { secret: pair.sk, public: pair.pk })
    }

    /// A signature file for everything that is read.
    pub fn sign(&self, text: impl Read, comment: &str) -> Result<String, Error> {
        let signed = minisign::sign(Some(&self.public), &self.secret, text, Some(comment), Some(comment));
        Ok(signed.map_err(|source| Error::Sign(Box::new(source)))?.into_string())
    }

    /// The public key as one line, for documents.
    pub fn public_key(&self) -> String {
        self.public.to_base64()
    }

    /// The public key as minisign keeps it in a file.
    pub fn public_file(&self) -> String {
        format!("untrusted comment: pnda mirror public key\n{}\n", self.public_key())
    }

    /// Whether the list in a folder was signed by this key.
    pub fn signed(&self, folder: &Path) -> bool {
        is_signed(folder, &self.public_key())
    }
}

/// Whether the list in a folder was signed by the owner of a public key.
pub fn is_signed(folder: &Path, public_key: &str) -> bool {
    let Ok(signature) = regular::read_text(&folder.join(generation::SIGNATURE)) else { return false };
    let Ok(text) = regular::open(&folder.join(generation::LIST), Links::Follow) else { return false };
    generation::is_signed(&mut BufReader::new(text), &signature, public_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/mirror.key");
        let made = Signer::load_or_make(&path).unwrap().public_key();
        assert_eq!(Signer::load_or_make(&path).unwrap().public_key(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Signer::load_or_make(&path), Err(Error::Open { .. })));
    }
}
