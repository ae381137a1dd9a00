//! A few entries side by side in one piece of memory, sorted; of each path only what differs from the one before it.
//! A record is what it shares, the length of the rest, the length of the entry, the rest, the entry.
//! Not here: which entries may stand beside each other.

use super::Entry;
use crate::digest::{Sha256, from_hex, to_hex};
use crate::names::SafePath;

/// The lengths before each record.
const HEAD: usize = 8;
/// A shelf that is longer becomes two, if it has more than one entry.
const LONG: usize = 4096;

const EXECUTABLE: u8 = 1;
const OBJECT: u8 = 2;
/// The bytes are hexadecimal digits, as those of most files on a mirror are: two of them in each byte.
const DIGITS: u8 = 4;

/// Sorted entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf(Vec<u8>);

/// Goes through a shelf; it stands before the first entry at first.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    /// Where the record ends at which it stands.
    end: usize,
    path: Vec<u8>,
    entry: &'a [u8],
}

/// Where an entry of a tree stands: a few bytes from which its path can be made.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    shelf: &'a Shelf,
    end: usize,
}

impl Spot<'_> {
    /// The entry's path.
    pub fn path(&self) -> SafePath {
        let mut cursor = self.shelf.cursor();
        while cursor.end < self.end && cursor.step() {}
        cursor.path()
    }
}

impl Shelf {
    /// Each entry with its spot.
    pub(super) fn spots(&self) -> impl Iterator<Item = (Spot<'_>, Entry)> {
        let mut cursor = self.cursor();
        std::iter::from_fn(move || cursor.step().then(|| (Spot { shelf: self, end: cursor.end }, cursor.entry())))
    }

    /// Stands before the first entry.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor { bytes: &self.0, end: 0, path: Vec::new(), entry: &[] }
    }

    /// Puts an entry at a path that nothing has.
    pub(super) fn put(&mut self, path: &SafePath, entry: &Entry) {
        let (path, entry) = (path.as_str().as_bytes(), pack(entry));
        let (mut cursor, mut before) = (self.cursor(), Vec::new());
        let mut new = Vec::new();
        let place = loop {
            let start = cursor.end;
            if !cursor.step() {
                record(&mut new, &before, path, &entry);
                break start..start;
            }
            if cursor.path.as_slice() > path {
                record(&mut new, &before, path, &entry);
                record(&mut new, path, &cursor.path, cursor.entry);
                break start..cursor.end;
            }
            before.clone_from(&cursor.path);
        };
        self.0.reserve_exact(new.len() - place.len());
        self.0.splice(place, new);
    }

    /// The second half and its first path, if it has become too long for one.
    pub(super) fn split(&mut self) -> Option<(SafePath, Shelf)> {
        if self.0.len() <= LONG {
            return None;
        }
        let mut cursor = self.cursor();
        let mut start = 0;
        while start < self.0.len() / 2 && cursor.step() && cursor.end < self.0.len() {
            start = cursor.end;
        }
        let mut cursor = Cursor { end: 0, ..self.cursor() };
        while cursor.end < start && cursor.step() {}
        if start == 0 || !cursor.step() {
            return None;
        }
        let mut second = Vec::new();
        record(&mut second, &[], &cursor.path, cursor.entry);
        second.extend_from_slice(&self.0[cursor.end..]);
        let first = cursor.path();
        self.0.truncate(start);
        self.0.shrink_to_fit();
        Some((first, Shelf(second)))
    }
}

impl Cursor<'_> {
    /// Goes on by an entry; says whether there was one.
    pub(super) fn step(&mut self) -> bool {
        let Some((head, rest)) = self.bytes[self.end..].split_at_checked(HEAD) else { return false };
        let length = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let (shared, own) = (length(0), length(2));
        let packed = length(4) + (length(6) << 16);
        self.path.truncate(shared);
        self.path.extend_from_slice(&rest[..own]);
        self.entry = &rest[own..own + packed];
        self.end += HEAD + own + packed;
        true
    }

    /// Goes on to the first entry whose path is not before this one; says whether there is one.
    pub(super) fn seek(&mut self, path: &str) -> bool {
        while self.step() {
            if self.path.as_slice() >= path.as_bytes() {
                return true;
            }
        }
        false
    }

    /// Whether it stands at this path.
    pub(super) fn is_at(&self, path: &str) -> bool {
        self.path == path.as_bytes()
    }

    /// Whether the path at which it stands begins so.
    pub(super) fn begins(&self, start: &str) -> bool {
        self.path.starts_with(start.as_bytes())
    }

    /// The path at which it stands.
    pub(super) fn path(&self) -> SafePath {
        let text = String::from_utf8(self.path.clone()).expect("it was text when it was put here");
        SafePath::new(text).expect("it was a safe path when it was put here")
    }

    /// The entry at which it stands.
    pub(super) fn entry(&self) -> Entry {
        let (flags, rest) = self.entry.split_first().expect("every entry begins with its flags");
        let executable = flags & EXECUTABLE != 0;
        if flags & OBJECT == 0 {
            let digits = flags & DIGITS != 0;
            return Entry::File { bytes: if digits { to_hex(rest).into() } else { rest.to_vec() }, executable };
        }
        let (size, digest) = rest.split_first_chunk().expect("an object is a length and a digest");
        let digest = Sha256::from_bytes(digest.try_into().expect("an object is a length and a digest"));
        Entry::Object { digest, size: u64::from_le_bytes(*size), executable }
    }
}

fn pack(entry: &Entry) -> Vec<u8> {
    match entry {
        Entry::File { bytes, executable } => match digits(bytes) {
            Some(packed) => [&[u8::from(*executable) | DIGITS], packed.as_slice()].concat(),
            None => [&[u8::from(*executable)], bytes.as_slice()].concat(),
        },
        Entry::Object { digest, size, executable } => {
            [&[u8::from(*executable) | OBJECT], size.to_le_bytes().as_slice(), digest.as_bytes().as_slice()].concat()
        }
    }
}

/// The bytes that a text of lower-case hexadecimal digits stands for.
fn digits(text: &[u8]) -> Option<Vec<u8>> {
    let lower = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    from_hex(std::str::from_utf8(text).ok().filter(|_| lower)?)
}

/// Writes a record for a path that comes after `before`.
fn record(out: &mut Vec<u8>, before: &[u8], path: &[u8], entry: &[u8]) {
    let shared = before.iter().zip(path).take_while(|(one, other)| one == other).count();
    let own = &path[shared..];
    // A path has up to 1024 bytes; what is too long for four gigabytes does not fit into memory beside the rest.
    for length in [shared, own.len()] {
        out.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
    }
    out.extend_from_slice(&u32::try_from(entry.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(own);
    out.extend_from_slice(entry);
}
