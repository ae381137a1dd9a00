//! Which ranges of a file are there already: a small text beside the partial file, one line for each.
//! A line is written after its bytes; what a killed run leaves is therefore never more than is true.
//! Not here: bytes. Whatever a journal says, only the digest of the whole file is believed.

use disk::replace;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use words::location::Location;

/// The first word of a journal, with the version of its format.
const FORMAT: &str = "pnda-ranges-1";
/// No journal of ours is longer.
const MOST_BYTES: u64 = 1 << 20;

/// A file in pieces, and which of them are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The size of the whole file.
    pub size: u64,
    /// The size of every piece but the last.
    pub piece: u64,
    /// What named the state of the file, and at which address.
    pub of: Option<(String, String)>,
    /// The numbers of the pieces that are there.
    pub done: BTreeSet<u64>,
}

impl Known {
    /// How many pieces there are.
    pub fn pieces(&self) -> u64 {
        self.size.div_ceil(self.piece)
    }

    /// First and last byte but one of a piece.
    pub fn bounds(&self, at: u64) -> (u64, u64) {
        let start = at * self.piece;
        (start, (start + self.piece).min(self.size))
    }

    /// How many bytes are there.
    pub fn bytes(&self) -> u64 {
        self.done.iter().map(|at| self.bounds(*at)).map(|(start, end)| end - start).sum()
    }

    /// How many bytes are there from the beginning without a hole.
    pub fn prefix(&self) -> u64 {
        let whole = (0..self.pieces()).take_while(|at| self.done.contains(at)).count() as u64;
        (whole * self.piece).min(self.size)
    }

    fn render(&self) -> String {
        let mut text = format!("{FORMAT} {} {}\n", self.size, self.piece);
        if let Some((validator, location)) = &self.of {
            text.push_str(&format!("of {validator}\t{location}\n"));
        }
        self.done.iter().for_each(|at| text.push_str(&format!("{at}\n")));
        text
    }

    fn parse(text: &str) -> Option<Known> {
        // The last line may be cut off.
        let whole = &text[..text.rfind('\n')? + 1];
        let mut lines = whole.lines().peekable();
        let mut head = lines.next()?.split(' ');
        if head.next()? != FORMAT {
            return None;
        }
        let (size, piece) = (head.next()?.parse().ok()?, head.next()?.parse().ok().filter(|piece| *piece > 0)?);
        let of = lines.next_if(|line| line.starts_with("of ")).and_then(|line| line[3..].split_once('\t'));
        let mut known = Known { size, piece, of: of.map(|(a, b)| (a.into(), b.into())), done: BTreeSet::new() };
        for line in lines {
            known.done.insert(line.parse().ok().filter(|at| *at < known.pieces())?);
        }
        Some(known)
    }
}

/// Where the journal of a partial file is.
pub(super) fn place(partial: &Path) -> PathBuf {
    let mut name = OsString::from(partial);
    name.push(".ranges");
    name.into()
}

/// What is known of a partial file, if it has a journal that can be read.
pub(super) fn read(partial: &Path) -> Option<Known> {
    let path = place(partial);
    let fits = |size: u64| partial.is_file() && size <= MOST_BYTES;
    fs::metadata(&path).ok().filter(|there| fits(there.len()))?;
    Known::parse(&fs::read_to_string(path).ok()?)
}

/// Removes a journal, if there is one.
pub(super) fn remove(partial: &Path) -> io::Result<()> {
    match fs::remove_file(place(partial)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    /// Begins a journal with what is known.
    pub fn begin(partial: &Path, known: &Known) -> io::Result<Journal> {
        let path = place(partial);
        replace::replace_own(&path, known.render().as_bytes())?;
        OpenOptions::new().append(true).open(&path).map(Journal)
    }

    /// Writes down that a piece is there.
    pub fn done(&mut self, at: u64) -> io::Result<()> {
        self.0.write_all(format!("{at}\n").as_bytes())
    }
}

/// How a place is written in a journal: without anything secret.
pub(super) fn named(location: &Location) -> String {
    location.to_string().replace(['\t', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(done: &[u64]) -> Known {
        let of = Some(("\"tag\"".to_owned(), "http://repo.example/a b".to_owned()));
        Known { size: 25, piece: 10, of, done: done.iter().copied().collect() }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let partial = folder.path().join("p");
        fs::write(&partial, "").unwrap();
        let mut journal = Journal::begin(&partial, &known(&[0])).unwrap();
        journal.done(2).unwrap();
        assert_eq!(read(&partial), Some(known(&[0, 2])));
        assert_eq!((known(&[0, 2]).bytes(), known(&[0, 2]).prefix(), known(&[0, 1, 2]).prefix()), (15, 10, 25));
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_count() {
        let text = known(&[0, 1]).render();
        assert_eq!(Known::parse(&text[..text.len() - 1]), Some(known(&[0])));
    }

    #[test]
    fn what_is_no_journal_is_none() {
        for text in [
            "",
            "\n",
            "pnda-ranges-2 25 10\n",
            "pnda-ranges-1 25 0\n",
            "pnda-ranges-1 25 10\n3\n",
            "pnda-ranges-1 25 10\nx\n",
            "pnda-ranges-1 25",
        ] {
            assert_eq!(Known::parse(text), None, "{text:?}");
        }
    }
}
