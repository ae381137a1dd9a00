//! Digests: SHA-256 is identity everywhere; SHA-1 and SHA-512 only compare with what others publish.
//! A `Sha256` can only be made from bytes or from 64 hexadecimal digits.
//! Not here: where bytes come from.

use super::shown::shown;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

/// A SHA-256 digest: the identity of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

/// The text was not 64 lower-case or upper-case hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a SHA-256 digest (64 hexadecimal digits)", shown(.0))]
pub struct NotADigest(String);

impl Sha256 {
    /// The digest of bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Sha256 {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest that was packed.
    pub(super) fn from_bytes(bytes: [u8; 32]) -> Sha256 {
        Sha256(bytes)
    }

    /// The digest and length of everything a reader gives.
    pub fn of_reader(reader: &mut dyn Read) -> io::Result<(Sha256, u64)> {
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                let size = hasher.size();
                return Ok((hasher.finish(), size));
            }
            hasher.update(&buffer[..count]);
        }
    }
}

impl FromStr for Sha256 {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Sha256, NotADigest> {
        let bytes = from_hex(text).ok_or_else(|| NotADigest(text.to_owned()))?;
        Ok(Sha256(bytes.try_into().map_err(|_| NotADigest(text.to_owned()))?))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Sha256, NotADigest> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> String {
        digest.to_string()
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{self}")
    }
}

/// A SHA-1 digest that a repository publishes: it tells whether bytes are whole, not whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha1([u8; 20]);

/// The text was not 40 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not a SHA-1 digest (40 hexadecimal digits)", shown(.0))]
pub struct NotASha1(String);

impl Sha1 {
    /// The digest of bytes that are in memory.
    pub fn of(bytes: &[u8]) -> Sha1 {
        Sha1(sha1::Sha1::digest(bytes).into())
    }

    /// The digest of everything a reader gives.
    pub fn of_reader(reader: &mut dyn Read) -> io::Result<Sha1> {
        let mut hasher = sha1::Sha1::new();
        each_part(reader, |part| hasher.update(part))?;
        Ok(Sha1::from_bytes(hasher.finalize().into()))
    }

    /// The digest that somebody computed.
    pub fn from_bytes(bytes: [u8; 20]) -> Sha1 {
        Sha1(bytes)
    }
}

impl FromStr for Sha1 {
    type Err = NotASha1;

    fn from_str(text: &str) -> Result<Sha1, NotASha1> {
        let bytes = from_hex(text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Sha1).ok_or_else(|| NotASha1(text.to_owned()))
    }
}

impl fmt::Display for Sha1 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&to_hex(&self.0))
    }
}

/// A SHA-512 digest that somebody publishes, as 128 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha512(String);

impl TryFrom<String> for Sha512 {
    type Error = String;

    fn try_from(text: String) -> Result<Sha512, String> {
        let digits = text.len() == 128 && from_hex(&text).is_some();
        if digits {
            Ok(Sha512(text.to_ascii_lowercase()))
        } else {
            Err(format!("`{text}` is not a SHA-512 digest (128 hexadecimal digits)"))
        }
    }
}

impl fmt::Display for Sha512 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Counts and hashes bytes as they pass.
#[derive(Default, Clone)]
pub struct Hasher {
    sha256: sha2::Sha256,
    size: u64,
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes have passed.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of all that passed.
    pub fn finish(self) -> Sha256 {
        Sha256(self.sha256.finalize().into())
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-1 of everything a reader gives, in hexadecimal: the checksum that Maven repositories publish.
pub fn sha1_hex(reader: &mut dyn Read) -> io::Result<String> {
    Ok(Sha1::of_reader(reader)?.to_string())
}

/// The SHA-512 of everything a reader gives, in hexadecimal: the checksum of PNDA's side files.
pub fn sha512_hex(reader: &mut dyn Read) -> io::Result<String> {
    let mut hasher = sha2::Sha512::new();
    each_part(reader, |part| hasher.update(part))?;
    Ok(to_hex(&hasher.finalize()))
}

fn each_part(reader: &mut dyn Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            count => take(&buffer[..count]),
        }
    }
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(bytes.len() * 2);
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(halves.map(|half| DIGITS[usize::from(half)]));
    text
}

pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn text_and_bytes_agree() {
        assert_eq!(Sha256::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.to_uppercase().parse::<Sha256>().unwrap(), Sha256::of(b""));
        assert_eq!(Sha256::of_reader(&mut &b"abc"[..]).unwrap(), (Sha256::of(b"abc"), 3));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "abc", &EMPTY[1..], &format!("{}g", &EMPTY[1..]), &format!("{EMPTY}00")] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }
}
