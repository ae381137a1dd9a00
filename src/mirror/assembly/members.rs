//! The members of an assembly while it is made: their bytes lie one after the other in a file without a name.
//! One place is one thing: the same bytes twice are fine, other bytes are refused.
//! Not here: what is written of them.

use super::{Error, part};
use crate::lock::Artifact;
use crate::manifest::{Assembly, Take};
use crate::store::Store;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use words::digest::Sha256;
use words::names::{SafePath, Word, matches};

/// Members that were taken so far.
pub(super) struct Members<'a> {
    assembly: &'a Word,
    spool: File,
    end: u64,
    index: BTreeMap<SafePath, Member>,
}

/// Where a member's bytes are.
struct Member {
    start: u64,
    size: u64,
    sha256: Sha256,
}

/// What is written at one place.
pub(super) enum Piece<'a> {
    /// A symbolic link with this text.
    Link(&'a str),
    /// A file of so many bytes, and whether it can be run.
    File { start: u64, size: u64, executable: bool },
}

impl<'a> Members<'a> {
    pub(super) fn new(assembly: &'a Word, spool: File) -> Members<'a> {
        Members { assembly, spool, end: 0, index: BTreeMap::new() }
    }

    /// Takes what a manifest wants of one part.
    pub(super) fn take(&mut self, take: &Take, artifact: &Artifact, store: &Store) -> Result<(), Error> {
        let part = &artifact.address;
        let unreadable = |source| Error::Part { part: part.clone(), source };
        let mut file = File::open(store.path(artifact.sha256)).map_err(unreadable)?;
        let Some(folder) = &take.members else {
            let path = format!("{}{}", take.into, part.file_name());
            return self.add(part, path, &mut file);
        };
        let before = self.index.len();
        let wanted = |name: &str| wanted(take, folder, name);
        part::each_file(part, file, &wanted, &mut |name, bytes| {
            self.add(part, format!("{}{}", take.into, &name[folder.len()..]), bytes)
        })?;
        if self.index.len() == before {
            let members = folder.clone();
            return Err(Error::Nothing { assembly: self.assembly.clone(), part: part.clone(), members });
        }
        Ok(())
    }

    /// Adds one member.
    pub(super) fn add(&mut self, part: &SafePath, path: String, bytes: &mut dyn Read) -> Result<(), Error> {
        let path = SafePath::new(path).map_err(|source| Error::Member { part: part.clone(), source })?;
        let start = self.end;
        let mut spooling = Spooling { inner: bytes, spool: &mut self.spool, full: false };
        let read = Sha256::of_reader(&mut spooling);
        let full = spooling.full;
        let (sha256, size) = read.map_err(|source| match full {
            true => Error::Write { assembly: self.assembly.clone(), source },
            false => Error::Part { part: part.clone(), source },
        })?;
        self.end += size;
        match self.index.get(&path) {
            Some(there) if there.sha256 != sha256 => {
                return Err(Error::Twice { assembly: self.assembly.clone(), member: path });
            }
            Some(_) => {}
            None => drop(self.index.insert(path, Member { start, size, sha256 })),
        }
        Ok(())
    }

    /// Refuses a place that is to be a file or a link, and a folder as well.
    pub(super) fn fit(&self, assembly: &Assembly) -> Result<(), Error> {
        let taken = |path: &SafePath| self.index.contains_key(path) || assembly.links.contains_key(path);
        let inside = |path: &&SafePath| path.parents().any(|parent| taken(&parent));
        let twice = assembly.links.keys().find(|path| self.index.contains_key(*path));
        if let Some(path) = twice {
            return Err(Error::Twice { assembly: self.assembly.clone(), member: path.clone() });
        }
        match self.index.keys().chain(assembly.links.keys()).find(inside) {
            Some(path) => Err(Error::Inside { assembly: self.assembly.clone(), member: path.clone() }),
            None => Ok(()),
        }
    }

    /// Everything in the order of its paths.
    pub(super) fn pieces<'s>(&'s self, assembly: &'s Assembly) -> Vec<(&'s SafePath, Piece<'s>)> {
        let executable = |path: &SafePath| assembly.executable.iter().any(|pattern| matches(pattern, path.as_str()));
        let file = |(path, member): (&'s SafePath, &Member)| {
            let (start, size) = (member.start, member.size);
            (path, Piece::File { start, size, executable: executable(path) })
        };
        let links = assembly.links.iter().map(|(path, to)| (path, Piece::Link(to)));
        let mut pieces: Vec<_> = self.index.iter().map(file).chain(links).collect();
        pieces.sort_by_key(|(path, _)| *path);
        pieces
    }

    /// The bytes of a file.
    pub(super) fn bytes(&self, start: u64, size: u64) -> io::Result<io::Take<&File>> {
        let mut spool = &self.spool;
        spool.seek(SeekFrom::Start(start))?;
        Ok(spool.take(size))
    }
}

/// Copies what is read into the spool.
struct Spooling<'a> {
    inner: &'a mut dyn Read,
    spool: &'a mut File,
    /// Whether it was the spool that failed, and not the part.
    full: bool,
}

impl Read for Spooling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.spool.write_all(&buffer[..count]).inspect_err(|_| self.full = true)?;
        Ok(count)
    }
}

fn wanted(take: &Take, folder: &str, name: &str) -> bool {
    let below = name.strip_prefix(folder).filter(|below| !below.is_empty());
    below.is_some_and(|below| !take.except.iter().any(|pattern| matches(pattern, below)))
}
