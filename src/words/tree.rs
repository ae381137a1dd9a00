//! A tree: a sorted map from safe relative paths to entries, the waist through which everything written passes.
//! Building a tree is a decision; writing it is a dull effect elsewhere.
//! Not here: any touch of the file system.

use super::digest::Sha256;
use super::names::SafePath;
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<SafePath, Entry>);

impl Tree {
    /// Puts an entry; the same bytes twice are fine, different ones are a conflict.
    pub fn insert(&mut self, path: SafePath, entry: Entry) -> Result<(), Conflict> {
        if path.parents().any(|parent| self.0.contains_key(&parent)) {
            return Err(Conflict(path));
        }
        let folder = format!("{path}/");
        let next = self.0.range::<str, _>((Included(folder.as_str()), Unbounded)).next();
        if next.is_some_and(|(next, _)| next.as_str().starts_with(&folder)) {
            return Err(Conflict(path));
        }
        match self.0.get(&path) {
            Some(there) if there.digest() != entry.digest() => Err(Conflict(path)),
            Some(_) => Ok(()),
            None => {
                self.0.insert(path, entry);
                Ok(())
            }
        }
    }

    /// The entry at a path.
    pub fn get(&self, path: &SafePath) -> Option<&Entry> {
        self.0.get(path)
    }

    /// All entries in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&SafePath, &Entry)> {
        self.0.iter()
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
}
