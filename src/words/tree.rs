//! A tree: a sorted map from safe relative paths to entries, the waist through which everything written passes.
//! Paths share their beginnings and lie side by side in memory, for a mirror has hundreds of thousands of them.
//! Not here: any touch of the file system.

use super::digest::Sha256;
use super::names::SafePath;
use shelf::Shelf;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

mod shelf;

pub use shelf::Spot;

/// One thing at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file whose bytes are here.
    File { bytes: Vec<u8>, executable: bool },
    /// A file whose bytes are in the store.
    Object { digest: Sha256, size: u64, executable: bool },
}

impl Entry {
    /// An ordinary text or binary file.
    pub fn file(bytes: impl Into<Vec<u8>>) -> Entry {
        Entry::File { bytes: bytes.into(), executable: false }
    }

    /// The identity of its bytes.
    pub fn digest(&self) -> Sha256 {
        match self {
            Entry::File { bytes, .. } => Sha256::of(bytes),
            Entry::Object { digest, .. } => *digest,
        }
    }

    /// The number of its bytes.
    pub fn size(&self) -> u64 {
        match self {
            Entry::File { bytes, .. } => bytes.len() as u64,
            Entry::Object { size, .. } => *size,
        }
    }
}

/// Two different things want the same place, or a file stands where a folder is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two different things would be written to `{0}`")]
pub struct Conflict(pub SafePath);

/// Entries by path, sorted.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Each by its first path, none empty.
    shelves: BTreeMap<SafePath, Shelf>,
    /// Where something was put last: no folder above it is a file.
    last: String,
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Tree {}

impl Tree {
    /// Puts an entry; the same bytes twice are fine, different ones are a conflict.
    pub fn insert(&mut self, path: SafePath, entry: Entry) -> Result<(), Conflict> {
        // What is above the last path is a folder, as was seen when that was put.
        let seen =
            |parent: &SafePath| self.last.strip_prefix(parent.as_str()).is_some_and(|rest| rest.starts_with('/'));
        if path.parents().filter(|parent| !seen(parent)).any(|parent| self.get(&parent).is_some()) {
            return Err(Conflict(path));
        }
        if self.has_below(&path) {
            return Err(Conflict(path));
        }
        match self.get(&path) {
            Some(there) if there.digest() != entry.digest() => return Err(Conflict(path)),
            Some(_) => {}
            None => self.put(&path, &entry),
        }
        self.last = String::from(path);
        Ok(())
    }

    /// Whether it stands where a folder is needed.
    fn has_below(&self, path: &SafePath) -> bool {
        let folder = format!("{path}/");
        let shelves = self.shelves.range::<str, _>((Unbounded, Included(folder.as_str()))).next_back();
        let mut cursor = match shelves {
            Some((_, shelf)) => shelf.cursor(),
            None => return self.shelves.keys().next().is_some_and(|first| first.as_str().starts_with(&folder)),
        };
        if cursor.seek(&folder) {
            return cursor.begins(&folder);
        }
        let next = self.shelves.range::<str, _>((Excluded(folder.as_str()), Unbounded)).next();
        next.is_some_and(|(first, _)| first.as_str().starts_with(&folder))
    }

    fn put(&mut self, path: &SafePath, entry: &Entry) {
        let (first, mut shelf) = match self.shelves.range::<str, _>((Unbounded, Included(path.as_str()))).next_back() {
            Some((first, _)) => (first.clone(), None),
            None => (path.clone(), self.shelves.pop_first().map(|(_, shelf)| shelf)),
        };
        let shelf = self.shelves.entry(first).or_insert_with(|| shelf.take().unwrap_or_default());
        shelf.put(path, entry);
        if let Some((first, second)) = shelf.split() {
            self.shelves.insert(first, second);
        }
    }

    /// The entry at a path.
    pub fn get(&self, path: &SafePath) -> Option<Entry> {
        let (_, shelf) = self.shelves.range::<str, _>((Unbounded, Included(path.as_str()))).next_back()?;
        let mut cursor = shelf.cursor();
        (cursor.seek(path.as_str()) && cursor.is_at(path.as_str())).then(|| cursor.entry())
    }

    /// All entries in the order of their paths, each with its spot.
    pub fn spots(&self) -> impl Iterator<Item = (Spot<'_>, Entry)> + '_ {
        self.shelves.values().flat_map(Shelf::spots)
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (SafePath, Entry)> + '_ {
        self.shelves.values().flat_map(|shelf| {
            let mut cursor = shelf.cursor();
            std::iter::from_fn(move || cursor.step().then(|| (cursor.path(), cursor.entry())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SafePath {
        SafePath::new(text).unwrap()
    }

    #[test]
    fn one_place_holds_one_thing() {
        let mut tree = Tree::default();
        tree.insert(path("a/b"), Entry::file("x")).unwrap();
        tree.insert(path("a/b"), Entry::file("x")).unwrap();
        assert_eq!(tree.insert(path("a/b"), Entry::file("y")), Err(Conflict(path("a/b"))));
    }

    #[test]
    fn a_file_is_no_folder() {
        let mut tree = Tree::default();
        tree.insert(path("a/b"), Entry::file("x")).unwrap();
        tree.insert(path("a-b"), Entry::file("y")).unwrap();
        assert!(tree.insert(path("a"), Entry::file("y")).is_err());
        assert!(tree.insert(path("a/b/c"), Entry::file("y")).is_err());
    }

    #[test]
    fn entries_come_back_in_their_order_however_they_came() {
        let paths: Vec<String> = (0..3000).map(|at| format!("m/{}/{}/ä-{at}.jar", at % 7, at / 11)).collect();
        let entry = |at: usize| match at % 3 {
            0 => Entry::file(format!("{at}").repeat(at % 40)),
            1 => Entry::Object { digest: Sha256::of(&[7]), size: at as u64, executable: at.is_multiple_of(2) },
            _ => Entry::File { bytes: vec![0; (at % 5) * 3000], executable: true },
        };
        let mut there = BTreeMap::new();
        let (mut tree, mut other) = (Tree::default(), Tree::default());
        // Some order that is none: 1789 and 3000 have no common divisor.
        for at in (0..3000).map(|at| at * 1789 % 3000) {
            tree.insert(path(&paths[at]), entry(at)).unwrap();
            there.insert(path(&paths[at]), entry(at));
        }
        assert!(tree.iter().eq(there.clone()));
        assert!(tree.spots().map(|(spot, entry)| (spot.path(), entry)).eq(there.clone()));
        there.iter().for_each(|(path, entry)| other.insert(path.clone(), entry.clone()).unwrap());
        assert_eq!(tree, other, "however they are spread over shelves");
        for (one, entry) in &there {
            assert_eq!(tree.get(one).as_ref(), Some(entry));
            assert_eq!(tree.get(&one.join("x").unwrap()), None);
            assert!(other.insert(one.join("x").unwrap(), entry.clone()).is_err());
        }
        for folder in ["m", "m/3", "m/6/272"] {
            assert!(tree.insert(path(folder), Entry::file("")).is_err(), "{folder}");
        }
    }
}
