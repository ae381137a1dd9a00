//! Control data: stanzas of `Field: value` with lines that continue, as Debian writes everything.
//! A stanza is handed over whole, one at a time, so that a list of any length takes the memory of its longest.
//! Not here: what the fields mean.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use words::shown::shown;

/// The longest line that is read: `Provides` of the largest packages have some ten thousand bytes.
const LONGEST_LINE: u64 = 1 << 20;
/// The longest stanza that is read.
const LONGEST_STANZA: usize = 4 << 20;

/// Why control data cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line that is neither a field nor the rest of one.
    #[error("line {line}: `{}` is no field of control data", shown(text))]
    Line { line: u64, text: String },
    /// The same field twice.
    #[error("line {line}: the field {} is given twice", shown(field))]
    Twice { line: u64, field: String },
    /// Larger than anything honest.
    #[error("line {line}: a stanza of control data is larger than {limit} bytes")]
    TooLong { line: u64, limit: usize },
    /// It is not UTF-8.
    #[error("line {line}: control data is not UTF-8")]
    Text { line: u64 },
    /// It cannot be read to its end.
    #[error("line {line}: the list breaks off")]
    Read { line: u64, source: io::Error },
}

/// Some fields of one stanza.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stanza {
    /// The line it begins at, counted from 1.
    pub line: u64,
    fields: Vec<(Cow<'static, str>, String)>,
}

impl Stanza {
    /// The value of a field; names are the same in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Takes the value of a field out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(self.fields.swap_remove(at).1)
    }

    /// Gives back the room that reading took: lists have sixty thousand stanzas.
    pub fn settle(&mut self) {
        self.fields.shrink_to_fit();
    }

    /// The lines of a field's value, without the blank that continues them.
    pub fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty())
    }
}

/// Reads stanzas one after the other, keeping only some fields.
pub struct Stanzas<R> {
    reader: R,
    keep: Option<&'static [&'static str]>,
    line: u64,
}

impl<R: BufRead> Stanzas<R> {
    /// Reads with every field.
    pub fn all(reader: R) -> Stanzas<R> {
        Stanzas { reader, keep: None, line: 0 }
    }

    /// Reads with these fields only.
    pub fn only(reader: R, keep: &'static [&'static str]) -> Stanzas<R> {
        Stanzas { reader, keep: Some(keep), line: 0 }
    }

    /// The next stanza; none at the end.
    pub fn read(&mut self) -> Result<Option<Stanza>, Error> {
        let (mut stanza, mut size, mut kept, mut begun) = (Stanza::default(), 0, false, false);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let line = self.line + 1;
            let count = (&mut self.reader).take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
            let count = count.map_err(|source| Error::Read { line, source })?;
            size += count;
            if count as u64 > LONGEST_LINE || size > LONGEST_STANZA {
                return Err(Error::TooLong { line, limit: LONGEST_STANZA });
            }
            if count == 0 {
                return Ok(begun.then_some(stanza));
            }
            self.line = line;
            let text = std::str::from_utf8(&bytes).map_err(|_| Error::Text { line })?.trim_end();
            match text {
                "" if begun => return Ok(Some(stanza)),
                "" => size = 0,
                comment if comment.starts_with('#') => {}
                _ if text.starts_with([' ', '\t']) && begun => {
                    if let Some((_, value)) = stanza.fields.last_mut().filter(|_| kept) {
                        value.push('\n');
                        value.push_str(text);
                    }
                }
                _ => {
                    let field = text.split_once(':').filter(|(name, _)| is_field(name));
                    let (name, value) = field.ok_or_else(|| Error::Line { line, text: shortened(text) })?;
                    if !begun {
                        (stanza.line, begun) = (line, true);
                    }
                    let name = self.name(name);
                    kept = name.is_some();
                    let Some(name) = name else { continue };
                    if stanza.get(&name).is_some() {
                        return Err(Error::Twice { line, field: name.into_owned() });
                    }
                    stanza.fields.push((name, value.trim().to_owned()));
                }
            }
        }
    }

    /// The name of a field that is kept; names that were asked for take no room of their own.
    fn name(&self, name: &str) -> Option<Cow<'static, str>> {
        match self.keep {
            None => Some(Cow::Owned(name.to_owned())),
            Some(keep) => keep.iter().find(|known| known.eq_ignore_ascii_case(name)).map(|known| Cow::Borrowed(*known)),
        }
    }
}

fn is_field(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with('-')
}

/// The beginning of a line, without what a terminal would obey.
fn shortened(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Stanza>, Error> {
        let mut stanzas = Stanzas::only(text.as_bytes(), &["Package", "Depends"]);
        std::iter::from_fn(|| stanzas.read().transpose()).collect()
    }

    #[test]
    fn stanzas_come_one_at_a_time_with_what_was_asked_for() {
        let text = "\n# a remark\nPackage: a\nDescription: x\n more\n .\nDepends: b,\n c\n\n\n \t\nPackage: b\n";
        let stanzas = read(text).unwrap();
        assert_eq!(stanzas.len(), 2);
        assert_eq!((stanzas[0].line, stanzas[1].line), (3, 12));
        assert_eq!((stanzas[0].get("depends"), stanzas[0].get("Description")), (Some("b,\n c"), None));
        assert_eq!(stanzas[0].lines("Depends").collect::<Vec<_>>(), ["b,", "c"]);
    }

    #[test]
    fn garbage_is_told_with_its_line() {
        let told = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(told("Package: a\n\nrubbish \x1b[31m\n"), "line 3: `rubbish ?[31m` is no field of control data");
        assert_eq!(
            told(" begins with the rest of something\n"),
            "line 1: ` begins with the rest of something` is no field of control data"
        );
        assert_eq!(told("Package: a\nPackage: b\n"), "line 2: the field Package is given twice");
        assert!(matches!(read("Package: a\nX: \u{e9}\n").map(|_| ()), Ok(())));
        let mut broken = Stanzas::all(&b"Package: \xff\n"[..]);
        assert!(matches!(broken.read(), Err(Error::Text { line: 1 })));
    }

    #[test]
    fn a_stanza_has_an_end() {
        let endless = format!("Package: a\n{}", " x\n".repeat(2 << 20));
        assert!(matches!(read(&endless), Err(Error::TooLong { .. })));
        assert!(matches!(read(&"x".repeat(2 << 20)), Err(Error::TooLong { line: 1, .. })));
    }
}
