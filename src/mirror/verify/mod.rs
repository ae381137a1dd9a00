//! Holds a mirror's folder against its signed list: every file's size and digest, what is missing, what is too much.
//! It reads everything, or the sizes of everything and a sample of the bytes, and changes nothing.
//! Not here: mending (`repair`).

use disk::regular::{self, Links};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::generation::{self as list, Generation, Head};
use words::names::SafePath;

mod difference;
mod read;
pub mod repair;
pub mod sample;
mod signed;
mod walk;

pub use difference::Difference;
use read::{Job, LARGE};
use sample::Sample;
use signed::SignedList;
use walk::Walk;

/// Why a mirror cannot be checked at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its list, or a file of it, cannot be read.
    #[error("cannot read {}, which every mirror holds", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// Its list is not to be trusted.
    #[error("the list of {} cannot be trusted: copy it anew, or publish the next with `pnda mirror build`", path.display())]
    List { path: PathBuf, source: list::Error },
    /// A file of it is not as listed.
    #[error("{} is not as listed: mend it with `pnda mirror verify --repair`", path.display())]
    Damaged { path: PathBuf },
    /// Its folders cannot be listed.
    #[error("cannot list {}", path.display())]
    Walk { path: PathBuf, source: io::Error },
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
    /// Of how many of them the bytes were read; of the others only the length was looked at.
    pub read: usize,
    /// What is not as listed, sorted.
    pub differences: Vec<Difference>,
}

/// Checks the folder of one generation with a key; without one the key that lies in it is used, which proves only
/// that nothing was damaged by chance.
pub fn verify(folder: &Path, public_key: Option<&str>, tell: Tell) -> Result<Report, Error> {
    verify_sample(folder, public_key, None, tell)
}

/// The same, reading only the bytes of a sample.
pub fn verify_sample(
    folder: &Path,
    public_key: Option<&str>,
    sample: Option<Sample>,
    tell: Tell,
) -> Result<Report, Error> {
    let list = SignedList::open(folder, public_key)?;
    let mut large = Vec::new();
    let (mut files, mut bytes, mut read, mut read_bytes) = (0, 0, 0, 0);
    let head = list.each(&mut |_, listed| {
        files += 1;
        bytes += listed.size;
    })?;
    let chosen = sample.map(|sample| sample.of(files));
    let is_read = |at: usize| chosen.as_ref().is_none_or(|chosen| chosen.contains(&at));
    let mut at = 0;
    list.each(&mut |path, listed| {
        if is_read(at) {
            (read, read_bytes) = (read + 1, read_bytes + listed.size);
            large.extend((listed.size >= LARGE).then_some(Job { path, listed, read: true }));
        }
        at += 1;
    })?;
    tell(Event::Stage { name: "verify".into(), steps: files as u64, bytes: read_bytes });
    let mut walk = Walk::of(folder);
    let mut passed = Ok(head);
    let mut differences = read::compare(folder, tell, |queue| {
        // No core is to be left alone with a large one at the end.
        large.sort_by_key(|job| Reverse(job.listed.size));
        large.into_iter().for_each(&mut *queue);
        let mut at = 0;
        passed = list.each(&mut |path, listed| {
            walk.pass(&path);
            let read = is_read(at);
            if !(read && listed.size >= LARGE) {
                queue(Job { path, listed, read });
            }
            at += 1;
        });
    });
    passed?;
    differences.extend(walk.end()?.into_iter().map(Difference::Unlisted));
    differences.sort();
    tell(Event::Done(format!("verified {read} files")));
    Ok(Report { number: head.number, files, bytes, read, differences })
}

/// The list of a generation, signed by a key; without one by the key that lies beside it.
pub fn signed_list(folder: &Path, public_key: Option<&str>) -> Result<Generation, Error> {
    let list = SignedList::open(folder, public_key)?;
    let mut files = BTreeMap::new();
    let Head { number, lock } = list.each(&mut |path, listed| {
        files.insert(path, listed);
    })?;
    Ok(Generation { number, lock, files })
}

/// The bytes of one listed file, which must be as listed.
pub fn signed_file(folder: &Path, list: &Generation, path: &SafePath) -> Result<Vec<u8>, Error> {
    let file = path.under(folder);
    let bytes =
        regular::read(&file, Links::Follow, u64::MAX).map_err(|source| Error::Read { path: file.clone(), source })?;
    let listed = list.files.get(path);
    if listed.is_some_and(|listed| listed.sha256 == Sha256::of(&bytes)) {
        return Ok(bytes);
    }
    Err(Error::Damaged { path: file })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Signer;
    use crate::publish::generation::{current, publish};
    use crate::store::Store;
    use std::fs;
    use words::event::silent;
    use words::tree::{Entry, Tree};

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
    fn a_pipe_in_a_mirror_is_told_and_not_waited_for() {
        for name in [list::LIST, list::SIGNATURE, list::PUBLIC_KEY, "a"] {
            let (_folder, served, key) = mirror();
            fs::remove_file(served.join(name)).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(served.join(name)).status().unwrap().success());
            let verified = verify(&served, (name != list::PUBLIC_KEY).then_some(key.as_str()), &silent);
            match verified {
                Ok(report) => assert!(report.differences[0].to_string().contains("ordinary file"), "{name}"),
                Err(Error::Read { source, .. }) => assert_eq!(source.to_string(), "it is not a regular file", "{name}"),
                Err(other) => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_list_signed_by_another_key_is_not_trusted() {
        let (folder, served, _) = mirror();
        let other = Signer::load_or_make(&folder.path().join("other")).unwrap().public_key();
        assert!(matches!(verify(&served, Some(&other), &silent), Err(Error::List { .. })));
    }
}
