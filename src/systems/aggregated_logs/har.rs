//! Hadoop's archive (`mapred archive-logs`, `hadoop archive`): many small files one after the other in a few large ones, and a
//! list that says which is where.
//! Not here: what is in the files, and archives in archives.

use super::source::wrong;
use percent_encoding::percent_decode_str;
use std::io;
use std::ops::Range;

/// The list, and the file that has the version in its first line.
pub(super) const INDEX: &str = "_index";
pub(super) const MASTER: &str = "_masterindex";
/// A list of thousands of files; the other one has a line for each thousand.
pub(super) const LONGEST_INDEX: u64 = 4 << 20;
pub(super) const LONGEST_MASTER: u64 = 1 << 20;
/// What Hadoop has written for as long as it archives logs.
const VERSION: &str = "3";

/// A file, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    pub name: String,
    /// The large file.
    pub part: String,
    pub place: Range<u64>,
}

/// The files that lie in the archive's topmost folder, in the order of their names.
pub(super) fn files(master: &[u8], index: &[u8]) -> io::Result<Vec<Packed>> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| wrong("it is no archive of Hadoop"));
    let version = text(master)?.lines().next().unwrap_or_default().trim();
    if version != VERSION {
        return Err(wrong("it is no archive of Hadoop of the version that is known"));
    }
    let mut files = Vec::new();
    for line in text(index)?.lines() {
        // What else a line has is nobody's here, however much that is.
        let words: Vec<&str> = line.splitn(6, ' ').collect();
        match &words[..] {
            [name, "file", part, from, length, ..] => files.extend(packed(name, part, (from, length))?),
            [_, "dir", ..] => {}
            _ => return Err(wrong("the list of the archive is damaged")),
        }
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}

/// None for what lies deeper.
fn packed(name: &str, part: &str, (from, length): (&str, &str)) -> io::Result<Option<Packed>> {
    let damaged = || wrong("the list of the archive names a file that it cannot have");
    let name = name.replace('+', " ");
    let name = percent_decode_str(&name).decode_utf8().map_err(|_| damaged())?;
    let name = name.strip_prefix('/').filter(|name| !name.is_empty()).ok_or_else(damaged)?;
    let is_part = part.strip_prefix("part-").is_some_and(|number| {
        !number.is_empty() && number.len() < 10 && number.bytes().all(|digit| digit.is_ascii_digit())
    });
    let number = |text: &str| text.parse::<u64>().map_err(|_| damaged());
    let (from, length) = (number(from)?, number(length)?);
    let end = from.checked_add(length).filter(|_| is_part).ok_or_else(damaged)?;
    let found = Packed { name: name.to_owned(), part: part.to_owned(), place: from..end };
    Ok(Some(found).filter(|found| !found.name.contains('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_hadoop_did_not_write_is_told() {
        let of = |line: &str| files(b"3 \n", format!("%2F dir 1+2+r+r 0 0 a \n{line} \n").as_bytes());
        assert_eq!(of("%2Fa+b%25 file part-0 7 5 1+420+r+r").unwrap()[0].name, "a b%");
        assert_eq!(of("%2Fa%2Fb file part-0 7 5 1+420+r+r").unwrap(), [], "it lies deeper");
        for bad in [
            "%2Fa file ..%2Fpart-0 7 5 x",
            "%2Fa file ../x 7 5 x",
            "%2Fa file part- 7 5 x",
            "%2Fa file part-0 7 18446744073709551615 x",
            "%2Fa file part-0 -1 5 x",
            "%ff file part-0 0 5 x",
            "a file part-0 0 5 x",
            "%2Fa link part-0 0 5 x",
            "",
        ] {
            let error = of(bad).unwrap_err().to_string();
            assert!(error.contains("archive"), "{bad}: {error}");
        }
        assert!(files(b"2 \n", b"").is_err() && files(b"", b"").is_err());
    }
}
