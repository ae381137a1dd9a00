//! Text from outside as people may see it: what a terminal would obey, or would hide, is written out.
//! A name that somebody else gave is one line (`shown`); a message of ours may have several (`lines`).
//! Not here: quoting for shells, units or documents, which have rules of their own.

use std::fmt;

/// People see these as JSON has them.
macro_rules! shown_as_in_json {
    ($($type:ty),*) => {
        $(impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                serde::Serialize::serialize(self, out)
            }
        })*
    };
}

pub(crate) use shown_as_in_json;

/// Whether a character is no mark on the screen: it moves the cursor, turns the direction, or cannot be seen at all.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text that is printed without what a terminal would obey.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    /// What is printed as it is all the same.
    but: &'static [char],
}

/// A name, an address or a value from outside: one line.
pub fn shown(text: &str) -> Shown<'_> {
    Shown { text, but: &[] }
}

/// A whole message: its line ends and tabs stay.
pub fn lines(text: &str) -> Shown<'_> {
    Shown { text, but: &['\n', '\t'] }
}

/// JSON as it is printed, with escapes of its own for what it lets stand.
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && !['\n', '\t'].contains(&c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    shown
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.text.chars() {
            if is_hidden(c) && !self.but.contains(&c) {
                write!(out, "{}", c.escape_default())?;
            } else {
                out.write_char(c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The title of the window, a colour, the same in one byte, a turned direction, and a line that nobody wrote.
    const EVIL: &str = "\u{1b}]0;x\u{7}\u{1b}[31m\u{9b}1m\u{202e}gpj\u{200b}.\r\npnda: all is well\t";

    #[test]
    fn a_name_is_one_line_of_marks() {
        let text = shown(EVIL).to_string();
        assert!(!text.chars().any(is_hidden), "{text:?}");
        assert!(text.starts_with("\\u{1b}]0;x\\u{7}") && text.contains("\\r\\npnda"), "{text}");
        assert_eq!(shown("Größe 'a\\b' \"c\" 日本").to_string(), "Größe 'a\\b' \"c\" 日本");
    }

    #[test]
    fn a_message_keeps_its_lines() {
        let text = lines(EVIL).to_string();
        assert!(text.ends_with("\\r\npnda: all is well\t"), "{text}");
        assert!(!text.chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'), "{text:?}");
    }

    #[test]
    fn json_says_the_same_as_before() {
        let value = serde_json::json!({ "name": EVIL, "tag": "\u{e0041}" });
        let text = json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
