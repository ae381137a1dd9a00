//! Holds a mirror's folder against its signed list: every file's size and digest, what is missing, what is too much.
//! It reads everything and changes nothing.
//! Not here: mending.

use crate::words::digest::Sha256;
use crate::words::event::{Event, Tell};
use crate::words::generation::{self as list, Generation, Listed};
use crate::words::names::SafePath;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Why a mirror cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its list cannot be read.
    #[error("{} is no mirror: its list cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Its list is not to be trusted.
    #[error("the list of {} cannot be trusted", path.display())]
    List { path: PathBuf, source: list::Error },
    /// Its folders cannot be listed.
    #[error("cannot list {}", path.display())]
    Walk { path: PathBuf, source: io::Error },
}

/// One difference between a mirror and its list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The list has it, the folder has not.
    Missing(SafePath),
    /// It cannot be read.
    Unreadable(SafePath, String),
    /// Its length is another.
    Size(SafePath, u64, u64),
    /// Its bytes are others.
    Content(SafePath),
    /// The folder has it, the list has not.
    Unlisted(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(path) => write!(out, "missing: {path}"),
            Difference::Unreadable(path, why) => write!(out, "unreadable: {path} ({why})"),
            Difference::Size(path, listed, found) => {
                write!(out, "differs: {path} has {found} bytes, listed are {listed}")
            }
            Difference::Content(path) => write!(out, "differs: {path} has other content"),
            Difference::Unlisted(path) => write!(out, "not in the list: {path}"),
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The generation that was checked.
    pub number: u64,
    /// How many files are in its list.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What is not as listed, sorted.
    pub differences: Vec<Difference>,
}

/// Checks the folder of one generation with a key; without one the key that lies in it is used, which proves only
/// that nothing was damaged by chance.
pub fn verify(folder: &Path, public_key: Option<&str>, tell: Tell) -> Result<Report, Error> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
    };
    let key = public_key.map_or_else(|| read(list::PUBLIC_KEY), |key| Ok(key.to_owned()))?;
    let verified = Generation::verify(read(list::LIST)?.as_bytes(), &read(list::SIGNATURE)?, &key);
    let generation = verified.map_err(|source| Error::List { path: folder.to_owned(), source })?;
    let bytes = generation.files.values().map(|listed| listed.size).sum();
    tell(Event::Stage { name: "verify".into(), steps: generation.files.len() as u64, bytes });
    let mut differences = compare(folder, &generation, tell);
    differences.extend(unlisted(folder, &generation)?);
    differences.sort();
    tell(Event::Done(format!("verified {} files", generation.files.len())));
    Ok(Report { number: generation.number, files: generation.files.len(), bytes, differences })
}

fn compare(folder: &Path, generation: &Generation, tell: Tell) -> Vec<Difference> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let queue = Mutex::new(generation.files.iter());
    let found = Mutex::new(Vec::new());
    let next = || queue.lock().ok()?.next();
    let worker = || {
        while let Some((path, listed)) = next() {
            if let (Some(difference), Ok(mut found)) = (compare_one(folder, path, listed), found.lock()) {
                found.push(difference);
            }
            tell(Event::Bytes(listed.size));
            tell(Event::Step(path.file_name().to_owned()));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    found.into_inner().unwrap_or_default()
}

fn compare_one(folder: &Path, path: &SafePath, listed: &Listed) -> Option<Difference> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Difference::Missing(path.clone()),
        _ => Difference::Unreadable(path.clone(), error.to_string()),
    };
    let open = || {
        let file = File::open(path.under(folder))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    };
    let (mut file, size) = match open() {
        Ok(opened) => opened,
        Err(error) => return Some(unreadable(error)),
    };
    if size != listed.size {
        return Some(Difference::Size(path.clone(), listed.size, size));
    }
    match Sha256::of_reader(&mut file) {
        Ok((sha256, _)) if sha256 == listed.sha256 => None,
        Ok(_) => Some(Difference::Content(path.clone())),
        Err(error) => Some(unreadable(error)),
    }
}

fn unlisted(folder: &Path, generation: &Generation) -> Result<Vec<Difference>, Error> {
    let own: BTreeSet<&str> = [list::LIST, list::SIGNATURE, list::PUBLIC_KEY].into();
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = folders.pop() {
        let walk = |source| Error::Walk { path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(walk)? {
            let entry = entry.map_err(walk)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(walk)?.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if !own.contains(name.as_str()) && !generation.files.contains_key(name.as_str()) {
                found.push(Difference::Unlisted(name));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::keys::Signer;
    use crate::mirror::publish::generation::{current, publish};
    use crate::mirror::store::Store;
    use crate::words::event::silent;
    use crate::words::tree::{Entry, Tree};

    fn mirror() -> (tempfile::TempDir, PathBuf, String) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let signer = Signer::load_or_make(&folder.path().join("key")).unwrap();
        let mut tree = Tree::default();
        for name in ["a", "b/c", "b/d"] {
            tree.insert(SafePath::new(name).unwrap(), Entry::file(name)).unwrap();
        }
        publish(&folder.path().join("mirror"), &tree, Sha256::of(b""), &store, &signer).unwrap();
        let served = current(&folder.path().join("mirror"));
        (folder, served, signer.public_key())
    }

    #[test]
    fn an_untouched_mirror_has_no_differences() {
        let (_folder, served, key) = mirror();
        let report = verify(&served, Some(&key), &silent).unwrap();
        assert_eq!((report.number, report.files, report.differences), (1, 3, vec![]));
    }

    #[test]
    fn every_kind_of_damage_is_told() {
        let (_folder, served, key) = mirror();
        fs::write(served.join("a"), "A").unwrap();
        fs::write(served.join("b/c"), "longer").unwrap();
        fs::remove_file(served.join("b/d")).unwrap();
        fs::write(served.join("b/e"), "more").unwrap();
        let report = verify(&served, Some(&key), &silent).unwrap();
        let told: Vec<String> = report.differences.iter().map(Difference::to_string).collect();
        assert_eq!(
            told,
            [
                "missing: b/d",
                "differs: b/c has 6 bytes, listed are 3",
                "differs: a has other content",
                "not in the list: b/e"
            ]
        );
    }

    #[test]
    fn a_list_signed_by_another_key_is_not_trusted() {
        let (folder, served, _) = mirror();
        let other = Signer::load_or_make(&folder.path().join("other")).unwrap().public_key();
        assert!(matches!(verify(&served, Some(&other), &silent), Err(Error::List { .. })));
    }
}
