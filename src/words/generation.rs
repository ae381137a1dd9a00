//! The list of a generation: every file a mirror holds, with size and digest, under a number that only grows.
//! The mirror writes and signs it, the agent verifies it; its text is the same for the same content.
//! Not here: keys on disk, or the files themselves.

use super::digest::Sha256;
use super::names::SafePath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the list lies in a mirror.
pub const LIST: &str = "generation.toml";
/// Where its signature lies: minisign's format.
pub const SIGNATURE: &str = "generation.toml.minisig";
/// Where the public key lies, for people; nodes carry their own copy.
pub const PUBLIC_KEY: &str = "mirror.pub";

/// Where the lock lies that a generation was made from; it is listed and signed like any other file.
pub const LOCK: &str = "pnda.lock";

/// Everything one generation of a mirror holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Grows by one with every publication.
    pub number: u64,
    /// The digest of the lock it was made from.
    pub lock: Sha256,
    /// The files, by path below the mirror's root.
    pub files: BTreeMap<SafePath, Listed>,
}

/// What the list says of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
}

/// Why a list was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its text is not that of a list.
    #[error("the mirror's list is not readable")]
    Read(#[source] Box<toml::de::Error>),
    /// A newer program wrote it.
    #[error("the mirror's list has format {0}; this program reads format 1: use the newer program")]
    Format(u32),
    /// The key is not one of minisign.
    #[error("the public key is not a minisign key")]
    Key(#[source] minisign_verify::Error),
    /// The signature is not one of minisign.
    #[error("the list's signature is not a minisign signature")]
    Signature(#[source] minisign_verify::Error),
    /// The list is not what the key's owner signed.
    #[error("the mirror's list was not signed by the expected key")]
    Forged(#[source] minisign_verify::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u32,
    number: u64,
    lock: Sha256,
    #[serde(default)]
    file: Vec<FileText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    path: SafePath,
    size: u64,
    sha256: Sha256,
}

impl Generation {
    /// Verifies the signature with the key that the caller trusts, then reads the list.
    pub fn verify(text: &[u8], signature: &str, public_key: &str) -> Result<Generation, Error> {
        let key = minisign_verify::PublicKey::decode(public_key.trim_end())
            .or_else(|_| minisign_verify::PublicKey::from_base64(public_key.trim()))
            .map_err(Error::Key)?;
        let signature = minisign_verify::Signature::decode(signature).map_err(Error::Signature)?;
        key.verify(text, &signature, false).map_err(Error::Forged)?;
        Generation::parse(&String::from_utf8_lossy(text))
    }

    /// Reads a list whose signature somebody else checks.
    pub fn parse(text: &str) -> Result<Generation, Error> {
        let text: Text = toml::from_str(text).map_err(|error| Error::Read(Box::new(error)))?;
        if text.format != 1 {
            return Err(Error::Format(text.format));
        }
        let listed = |file: FileText| (file.path, Listed { size: file.size, sha256: file.sha256 });
        Ok(Generation { number: text.number, lock: text.lock, files: text.file.into_iter().map(listed).collect() })
    }

    /// The text that is signed.
    pub fn render(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("format = 1\nnumber = {}\nlock = \"{}\"\n", self.number, self.lock);
        for (path, listed) in &self.files {
            let path = toml::Value::String(path.to_string());
            let _ = write!(text, "\n[[file]]\npath = {path}\nsize = {}\nsha256 = \"{}\"\n", listed.size, listed.sha256);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Generation {
        let path = SafePath::new("mirror_misc/a \"b\".jar").unwrap();
        let listed = Listed { size: 3, sha256: Sha256::of(b"abc") };
        Generation { number: 7, lock: Sha256::of(b"lock"), files: BTreeMap::from([(path, listed)]) }
    }

    #[test]
    fn a_list_reads_back_as_it_was() {
        assert_eq!(Generation::parse(&sample().render()).unwrap(), sample());
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let text = sample().render().replace("format = 1", "format = 2");
        assert!(matches!(Generation::parse(&text), Err(Error::Format(2))));
    }

    #[test]
    fn only_the_signed_list_is_accepted() {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let key = pair.pk.to_box().unwrap().to_string();
        let text = sample().render();
        let signature = minisign::sign(None, &pair.sk, text.as_bytes(), None, None).unwrap().to_string();
        assert_eq!(Generation::verify(text.as_bytes(), &signature, &key).unwrap(), sample());
        let forged = text.replace("size = 3", "size = 4");
        assert!(matches!(Generation::verify(forged.as_bytes(), &signature, &key), Err(Error::Forged(_))));
    }

    #[test]
    fn a_path_that_leaves_the_mirror_is_refused() {
        let text = sample().render().replace("mirror_misc/", "../");
        assert!(matches!(Generation::parse(&text), Err(Error::Read(_))));
    }
}
