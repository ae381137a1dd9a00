//! Single lines of a document that this program wrote itself: `key = "text"`, `key = 1`, `key = ["a", "b"]`, no escapes.
//! Such lines are read many times faster than TOML at large; what has another form is none, and is left to the TOML reader.
//! Not here: documents that people write (`document`), or what is wrong with one.

use std::fmt::{self, Write as _};

/// Whether a text stands in quotes as it is.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\')
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = ")
}

/// The text of `key = "text"`.
pub fn text<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    value(line, key)?.strip_prefix('"')?.strip_suffix('"').filter(|text| is_plain(text))
}

/// The number of `key = 1`, as far as TOML's own reach.
pub fn number(line: &str, key: &str) -> Option<u64> {
    let digits = value(line, key)?;
    let canonical = digits == "0" || !digits.starts_with(['0', '+']);
    digits.parse().ok().filter(|number| canonical && i64::try_from(*number).is_ok())
}

/// The texts of `key = ["a", "b"]`.
pub fn texts<'a>(line: &'a str, key: &str) -> Option<Vec<&'a str>> {
    let inside = value(line, key)?.strip_prefix('[')?.strip_suffix(']')?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let texts: Vec<&str> = inside.strip_prefix('"')?.strip_suffix('"')?.split("\", \"").collect();
    texts.iter().all(|text| is_plain(text)).then_some(texts)
}

/// Writes `key = "text"`; not if the text needs more than quotes.
pub fn put_text(out: &mut String, key: &str, text: &str) -> Option<()> {
    is_plain(text).then_some(())?;
    put(out, format_args!("{key} = \"{text}\"\n"))
}

/// Writes `key = ["a", "b"]`, likewise.
pub fn put_texts<T: AsRef<str>>(out: &mut String, key: &str, texts: impl IntoIterator<Item = T>) -> Option<()> {
    put(out, format_args!("{key} = ["))?;
    for (at, text) in texts.into_iter().enumerate() {
        let text = text.as_ref();
        is_plain(text).then_some(())?;
        put(out, format_args!("{}\"{text}\"", if at == 0 { "" } else { ", " }))?;
    }
    put(out, format_args!("]\n"))
}

fn put(out: &mut String, text: fmt::Arguments<'_>) -> Option<()> {
    out.write_fmt(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn toml_value(line: &str) -> Option<toml::Value> {
        toml::from_str::<BTreeMap<String, toml::Value>>(line).ok()?.remove("k")
    }

    #[test]
    fn what_is_read_here_is_what_toml_reads() {
        for line in [
            "k = \"a b's\"",
            "k = \"\"",
            "k = \"a\\nb\"",
            "k = \"a\" # \"",
            "k = \"a\"b\"",
            "k = \"a\tb\"",
            "k = \"ä\"",
            "k = 'a'",
            "k =\"a\"",
            "k = \"a\"\r",
            "kk = \"a\"",
            "k = 0",
            "k = 7",
            "k = 007",
            "k = +7",
            "k = -7",
            "k = 1_0",
            "k = 9223372036854775807",
            "k = 9223372036854775808",
            "k = []",
            "k = [\"a\"]",
            "k = [\"a\", \"b\"]",
            "k = [\"a\",\"b\"]",
            "k = [\"a\", 1]",
            "k = [\"a\" \"b\"]",
            "k = [\"\", \"\"]",
            "k = [\"]",
        ] {
            let read = toml_value(line);
            if let Some(text) = text(line, "k") {
                assert_eq!(read, Some(toml::Value::from(text)), "{line}");
            }
            if let Some(number) = number(line, "k") {
                assert_eq!(read, Some(toml::Value::Integer(number.try_into().unwrap())), "{line}");
            }
            if let Some(texts) = texts(line, "k") {
                assert_eq!(read, Some(toml::Value::from(texts)), "{line}");
            }
        }
        assert_eq!((text("k = \"a\"", "k"), number("k = 7", "k")), (Some("a"), Some(7)));
        assert_eq!(texts("k = [\"a\", \"b\"]", "k"), Some(vec!["a", "b"]));
    }

    #[test]
    fn what_is_written_here_is_what_toml_writes() {
        for text in ["", "a", "it's", "a \"b\"", "a\\b", "ä", "a\nb", "]"] {
            let (mut one, mut many) = (String::new(), String::new());
            let of = |value: toml::Value| toml::to_string(&BTreeMap::from([("k", value)])).unwrap();
            if put_text(&mut one, "k", text).is_some() {
                assert_eq!(one, of(text.into()));
            }
            if put_texts(&mut many, "k", [text, text]).is_some() {
                assert_eq!(many, of(vec![text, text].into()));
            }
        }
    }
}
