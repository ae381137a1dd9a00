//! `application.properties` as the program gets it: what the package wrote with `${name}` replaced, and all properties of
//! the component behind it. Values are escaped for `java.util.Properties`, so none of them can begin another line.
//! Not here: which properties there are (`properties`).

use super::properties::{Piece, Pieces};
use std::collections::BTreeMap;

/// A component with this property gets its file without the properties behind it.
const SUPPRESSED: &str = "component_no_auto_props";

/// The whole file from the one in the package.
pub fn finished(file: &[u8], properties: &BTreeMap<String, String>) -> Vec<u8> {
    append(&fill(file, properties), properties)
}

/// The file with `${name}` replaced where the name is known, and `$$` by `$`. The file is Latin-1 or UTF-8 as it likes.
pub fn fill(file: &[u8], properties: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = Vec::with_capacity(file.len());
    for chunk in file.utf8_chunks() {
        for piece in Pieces(chunk.valid()) {
            match piece {
                Piece::Plain(plain) => out.extend_from_slice(plain.as_bytes()),
                Piece::Name { name, written } => match properties.get(name) {
                    Some(value) => out.extend_from_slice(escaped(value, false).as_bytes()),
                    None => out.extend_from_slice(written.as_bytes()),
                },
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// The file with all properties behind it: of a name only the first `_` becomes `.`, as in PNDA.
pub fn append(file: &[u8], properties: &BTreeMap<String, String>) -> Vec<u8> {
    let mut out = file.to_vec();
    if properties.contains_key(SUPPRESSED) {
        return out;
    }
    if !out.is_empty() {
        // An empty line of its own ends a line that a backslash would have go on.
        out.extend_from_slice(if out.ends_with(b"\n") { b"\n" } else { b"\n\n" });
    }
    for (name, value) in properties {
        let name = escaped(&name.replacen('_', ".", 1), true);
        out.extend_from_slice(format!("{name}={}\n", escaped(value, false)).as_bytes());
    }
    out
}

/// A key or a value as `java.util.Properties` reads it back.
fn escaped(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            // Only the first space would be left out; a key ends at any.
            ' ' if key || at == 0 => out.push_str("\\ "),
            ':' | '=' | '#' | '!' if key => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            // The file is Latin-1, whatever the text is.
            _ => out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    out
}
