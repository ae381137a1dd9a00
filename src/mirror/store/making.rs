//! Bytes that are made here on their way into the store: one file at once, or many that become durable together.
//! Like anything else they get their name when they are complete, and their digest is taken while they are written.
//! Not here: downloads.

use super::{Error, Store};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use systems::download::Expected;
use words::digest::{Hasher, Sha256};

/// So many files wait for their names at most.
const MOST_WAITING: usize = 4096;

impl Store {
    /// Takes in what is written here.
    pub fn make(&self, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<Expected, Error> {
        let mut scratch = self.scratch()?;
        write(scratch.as_file_mut()).map_err(self.failed("write", scratch.path()))?;
        self.adopt(scratch)
    }

    /// Takes in a file that was made in `scratch`.
    pub fn adopt(&self, scratch: tempfile::NamedTempFile) -> Result<Expected, Error> {
        let path = scratch.into_temp_path();
        let kept = self.keep(&path)?;
        // It has another name now, or is gone; either way nothing of it is left to remove.
        let _ = path.keep();
        Ok(kept)
    }

    /// Takes in many small files that are made one after the other.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, waiting: Vec::new() }
    }
}

/// Files that were made and wait for their names; what is not settled is removed.
pub struct Batch<'a> {
    store: &'a Store,
    waiting: Vec<(tempfile::TempPath, Sha256)>,
}

impl Batch<'_> {
    /// Takes in bytes that are in memory.
    pub fn put(&mut self, bytes: &[u8]) -> Result<Expected, Error> {
        let expected = Expected { size: bytes.len() as u64, sha256: Sha256::of(bytes) };
        if self.store.has(expected) { Ok(expected) } else { self.write(|out| out.write_all(bytes)) }
    }

    /// Takes in what is written here.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Expected, Error> {
        let scratch = self.store.scratch()?;
        let failed = self.store.failed("write", scratch.path());
        let hasher = {
            let mut out = Hashed { out: BufWriter::new(scratch.as_file()), hasher: Hasher::default() };
            write(&mut out).and_then(|()| out.out.flush()).map_err(failed)?;
            out.hasher
        };
        let expected = Expected { size: hasher.size(), sha256: hasher.finish() };
        if !self.store.has(expected) {
            self.waiting.push((scratch.into_temp_path(), expected.sha256));
        }
        if self.waiting.len() >= MOST_WAITING {
            self.settle()?;
        }
        Ok(expected)
    }

    /// Makes all that waits durable, and then gives it its names.
    pub fn settle(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        let paths: Vec<PathBuf> = waiting.iter().map(|(path, _)| path.to_path_buf()).collect();
        self.store.make_durable(&paths)?;
        let mut folders = BTreeSet::new();
        for (path, sha256) in waiting {
            self.store.name(&path, sha256)?;
            let _ = path.keep();
            folders.extend(self.store.path(sha256).parent().map(PathBuf::from));
        }
        self.store.make_durable(&folders.into_iter().collect::<Vec<_>>())
    }
}

/// What is written passes a hasher.
struct Hashed<W: Write> {
    out: W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_made_together_gets_its_names_together_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut batch = store.batch();
        let all: Vec<Expected> = (0..9).map(|at| batch.put(&[at % 8]).unwrap()).collect();
        let streamed = batch.write(|out| out.write_all(b"streamed")).unwrap();
        assert_eq!(streamed, Expected { size: 8, sha256: Sha256::of(b"streamed") });
        assert!(!all.iter().any(|made| store.has(*made)), "nothing has a name that is not durable");
        batch.settle().unwrap();
        assert!(all.iter().chain([&streamed]).all(|made| store.has(*made)));
        drop(store.batch().put(b"never settled"));
        let one = store.make(|file| file.write_all(b"one")).unwrap();
        assert!(store.has(one) && store.make(|file| file.write_all(b"one")).unwrap() == one);
        assert_eq!(fs::read_dir(folder.path().join("partial")).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let failed = store.make(|_| Err(io::Error::other("full"))).unwrap_err();
        assert!(failed.to_string().contains("partial"), "{failed}");
    }
}
