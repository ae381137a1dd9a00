//! A `RemoteException`: how Hadoop refuses in JSON.
//! Of its message the first line is kept; what follows is a stack.
//! Not here: what a kind of exception means to whom.

use serde::Deserialize;

/// How much of a message is kept.
const LONGEST: usize = 2000;

/// What a server refused with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The class, without its package.
    pub kind: String,
    /// What it says, in one line.
    pub message: String,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(rename = "RemoteException")]
    exception: Said,
}

#[derive(Deserialize)]
struct Said {
    exception: String,
    #[serde(default)]
    message: Option<String>,
}

impl Exception {
    /// Reads one, if the bytes are one.
    pub fn read(bytes: &[u8]) -> Option<Exception> {
        let Said { exception, message } = serde_json::from_slice::<Failed>(bytes).ok()?.exception;
        let line = message.as_deref().unwrap_or_default().lines().map(str::trim).find(|line| !line.is_empty());
        // YARN wraps what it says in an exception without a name of its own.
        let line = line.unwrap_or_default().trim_start_matches("java.lang.Exception: ");
        Some(Exception { kind: exception, message: line.chars().take(LONGEST).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_message_the_first_line_is_kept() {
        let text = r#"{"RemoteException":{"exception":"NotFoundException","javaClassName":"x","message":"java.lang.Exception: a\n\tat b"}}"#;
        let expected = Exception { kind: "NotFoundException".into(), message: "a".into() };
        assert_eq!(Exception::read(text.as_bytes()), Some(expected));
        let bare = Exception::read(br#"{"RemoteException":{"exception":"X","message":null}}"#).unwrap();
        assert_eq!((bare.kind.as_str(), bare.message.as_str()), ("X", ""));
        for none in ["", "{}", "<html>", r#"{"errors":["x"]}"#] {
            assert_eq!(Exception::read(none.as_bytes()), None, "{none}");
        }
    }
}
