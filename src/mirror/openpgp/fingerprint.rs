//! Who a key is: the fingerprint that people compare, in upper-case hexadecimal.
//! Old signatures name only sixteen of its digits, the key id, which anybody can make a key for: it proves nothing.
//! Not here: keys themselves.

use serde::{Deserialize, Serialize};
use std::fmt;
use words::shown::shown;

/// A fingerprint of 40 or 64 digits, or a key id of 16.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(Box<str>);

/// A text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no OpenPGP fingerprint: write its 40 hexadecimal digits", shown(.0))]
pub struct BadFingerprint(String);

impl Fingerprint {
    /// Reads digits in either case; blanks between them, as people copy them, do not count.
    pub fn new(text: &str) -> Result<Fingerprint, BadFingerprint> {
        let digits: String = text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let known = [16, 40, 64].contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if known { Ok(Fingerprint(digits.into())) } else { Err(BadFingerprint(text.to_owned())) }
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits of a key that is trusted for something: all of them.
    pub fn whole(text: &str) -> Result<Fingerprint, BadFingerprint> {
        let known = Fingerprint::new(text)?;
        if known.is_whole() { Ok(known) } else { Err(BadFingerprint(text.to_owned())) }
    }

    /// The digits of these bytes, if it is as many as a fingerprint has.
    pub fn of_bytes(bytes: &[u8]) -> Option<Fingerprint> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        Fingerprint::whole(&digits).ok()
    }

    /// Whether it is a fingerprint and no key id.
    pub fn is_whole(&self) -> bool {
        self.0.len() > 16
    }

    /// Whether two names that nobody verified are the same one, where signatures of one key name it now by its
    /// fingerprint, now by its key id. What was verified is compared whole, by `==`.
    pub fn agrees(&self, other: &Fingerprint) -> bool {
        if self.is_whole() && other.is_whole() { self == other } else { self.key_id() == other.key_id() }
    }

    /// The end of a fingerprint of version 4, the beginning of one of version 6.
    fn key_id(&self) -> &str {
        if self.0.len() == 40 { &self.0[24..] } else { &self.0[..16] }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = BadFingerprint;

    fn try_from(text: String) -> Result<Fingerprint, BadFingerprint> {
        Fingerprint::new(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0.into()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_agrees_with_its_fingerprint() {
        let whole = Fingerprint::new("b5a5 4f5a 7b2c 9d10 0000 1111 2222 3333 4444 5555").unwrap();
        let id = Fingerprint::new("2222333344445555".trim()).unwrap();
        assert!(whole.agrees(&Fingerprint::new("3333444455550000").unwrap()).eq(&false));
        assert!(whole.agrees(&id) && id.agrees(&whole));
        assert!(Fingerprint::new("2222").is_err() && Fingerprint::new("zz22333344445555").is_err());
        let newer = Fingerprint::new(&format!("{id}{}", "0".repeat(48))).unwrap();
        assert!(newer.agrees(&id) && !newer.agrees(&whole), "a newer key's id is its beginning");
        let other = Fingerprint::new(&format!("{}{id}", "0".repeat(24))).unwrap();
        assert!(!other.agrees(&whole), "the same id is not the same key");
        assert!(Fingerprint::whole(id.as_str()).is_err() && Fingerprint::whole(whole.as_str()).is_ok());
    }
}
