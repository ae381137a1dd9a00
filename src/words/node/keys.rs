//! The keys of which each may have signed the mirror's list: one, or two while a mirror goes over from one to the other.
//! In a document they are one text, so that a program that knows only one key still reads the format and says what it is.
//! Not here: verifying (`generation`), or where keys come from.

use serde::{Deserialize, Serialize};

/// Public keys: each one line of base64, as minisign prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Keys(Vec<String>);

impl Keys {
    /// The most that are trusted at a time: the one that goes and the one that comes.
    pub const MOST: usize = 2;

    /// Keys as minisign keeps them in files, or bare, without those that are there twice.
    pub fn new<'a>(files: impl IntoIterator<Item = &'a str>) -> Keys {
        let mut keys = Keys::default();
        for file in files {
            // A file carries a comment above its key.
            let line = file.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned();
            if !keys.0.contains(&line) {
                keys.0.push(line);
            }
        }
        keys
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none, and nothing would be trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<String> for Keys {
    type Error = String;

    fn try_from(text: String) -> Result<Keys, String> {
        let keys: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match keys.len() {
            0 => Err("no key is named: a list must be signed by somebody".to_owned()),
            count if count > Keys::MOST => Err(format!("{count} keys are named: {} are the most", Keys::MOST)),
            _ => Ok(Keys(keys)),
        }
    }
}

impl From<Keys> for String {
    fn from(keys: Keys) -> String {
        keys.0.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_are_one_or_two() {
        let keys = Keys::new(["untrusted comment: pnda mirror public key\nRWQa\n\n", "RWQb\n", "RWQa"]);
        assert_eq!(keys.iter().collect::<Vec<_>>(), ["RWQa", "RWQb"]);
        let text = String::from(keys.clone());
        assert_eq!(text, "RWQa RWQb");
        assert_eq!(Keys::try_from(text), Ok(keys));
        assert!(Keys::try_from(String::new()).is_err() && Keys::try_from("a b c".to_owned()).is_err());
    }
}
