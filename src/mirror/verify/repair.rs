//! Mends what a check found: each damaged or missing file is replaced by whole bytes, and by nothing else.
//! Bytes come from the store, another generation, the lock's sources, or the manifests laid out anew, in that order.
//! Not here: finding the damage, or removing what is too much.

use super::read::{Job, compare};
use super::{Difference, Report};
use crate::generations::{self, list, numbers, place};
use crate::lock::Lock;
use crate::store::{self, Store};
use disk::replace;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as Cause;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::event::{Event, Tell, silent};
use words::generation::{Generation, LOCK, Listed};
use words::names::SafePath;
use words::tree::{Entry, Tree};

/// Why mending was given up; every file is as it was or whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other generations cannot be looked at.
    #[error(transparent)]
    Generations(#[from] generations::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A whole file cannot be put in the place of a damaged one.
    #[error("cannot mend {}", path.display())]
    Place { path: PathBuf, source: io::Error },
}

/// Something that may fail for reasons of its own.
pub type Attempt<T> = Result<T, Box<dyn Cause>>;

/// What a mirror is mended with; the caller has the mirror and the store for itself.
pub struct Means<'a> {
    /// The mirror.
    pub mirror: &'a Path,
    /// Where whole bytes may be, and where they go when they are fetched.
    pub store: &'a Store,
    /// Brings everything that a lock names into the store.
    pub bring: &'a dyn Fn(&Lock) -> Attempt<()>,
    /// Lays out everything that the manifests say now.
    pub lay_out: &'a dyn Fn() -> Attempt<Tree>,
    /// Who listens.
    pub tell: Tell<'a>,
}

/// What mending came to.
#[derive(Debug)]
pub struct Mended {
    /// How many files are whole again, those of other generations that were the same file among them.
    pub files: usize,
    /// What is still not as listed.
    pub left: Vec<Difference>,
    /// What went wrong on the way to whole bytes.
    pub troubles: Vec<Box<dyn Cause>>,
}

/// Mends one generation.
pub fn repair(folder: &Path, generation: &Generation, report: &Report, means: &Means<'_>) -> Result<Mended, Error> {
    let damaged: BTreeMap<&SafePath, Listed> = report
        .differences
        .iter()
        .filter_map(Difference::listed)
        .filter_map(|path| generation.files.get_key_value(path).map(|(path, listed)| (path, *listed)))
        .collect();
    let mut mending = Mending { folder, generation, means, texts: BTreeMap::new(), troubles: Vec::new() };
    let wanted: BTreeSet<Sha256> = damaged.values().map(|listed| listed.sha256).collect();
    mending.drop_damaged_objects(&wanted)?;
    mending.gather(&wanted)?;
    let same = mending.same_files(&damaged)?;
    let mut files = 0;
    for (target, sha256) in damaged.iter().map(|(path, listed)| (path.under(folder), listed.sha256)).chain(same) {
        files += usize::from(mending.put(&target, sha256)?);
    }
    let again = |(path, listed): (&&SafePath, &Listed)| Job { path: (*path).clone(), listed: *listed, read: true };
    let mut left = compare(folder, &silent, |queue| damaged.iter().map(again).for_each(queue));
    left.extend(report.differences.iter().filter(|difference| difference.listed().is_none()).cloned());
    left.sort();
    Ok(Mended { files, left, troubles: mending.troubles })
}

struct Mending<'a> {
    folder: &'a Path,
    generation: &'a Generation,
    means: &'a Means<'a>,
    /// Bytes that the store has no need of: index pages, side files.
    texts: BTreeMap<Sha256, Vec<u8>>,
    troubles: Vec<Box<dyn Cause>>,
}

impl Mending<'_> {
    /// A file of the mirror and the store's object are one file on the disk, so both are damaged.
    fn drop_damaged_objects(&self, wanted: &BTreeSet<Sha256>) -> Result<(), Error> {
        for sha256 in wanted.iter().filter(|sha256| self.means.store.path(**sha256).exists()) {
            match self.means.store.still(*sha256) {
                Err(error @ store::Error::Damaged { .. }) => (self.means.tell)(Event::Note(error.to_string())),
                still => still?,
            }
        }
        Ok(())
    }

    fn is_there(&self, sha256: &Sha256) -> bool {
        self.texts.contains_key(sha256) || self.means.store.path(*sha256).exists()
    }

    /// Finds whole bytes for every digest for which there are any.
    fn gather(&mut self, wanted: &BTreeSet<Sha256>) -> Result<(), Error> {
        self.copy_from_generations(wanted)?;
        let missing = |mending: &Self| wanted.iter().any(|sha256| !mending.is_there(sha256));
        let lock = if missing(self) { self.lock() } else { None };
        if let Some(mut lock) = lock {
            lock.artifacts.retain(|artifact| wanted.contains(&artifact.sha256) && !self.is_there(&artifact.sha256));
            if !lock.artifacts.is_empty() {
                self.troubles.extend((self.means.bring)(&lock).err());
            }
        }
        // What remains was made here: assemblies, index pages, side files, the agent.
        if self.troubles.is_empty() && missing(self) {
            match (self.means.lay_out)() {
                Ok(tree) => self.texts.extend(tree.iter().filter_map(|(_, entry)| match entry {
                    Entry::File { bytes, .. } => Some((Sha256::of(&bytes), bytes)),
                    Entry::Object { .. } => None,
                })),
                Err(trouble) => self.troubles.push(trouble),
            }
        }
        Ok(())
    }

    /// Whole files of other generations; the same path or another one, as long as the bytes are the same.
    fn copy_from_generations(&mut self, wanted: &BTreeSet<Sha256>) -> Result<(), Error> {
        for number in numbers(self.means.mirror)? {
            let folder = place(self.means.mirror, number);
            let Ok(list) = list(&folder) else { continue };
            for (path, listed) in list.files.iter().filter(|(_, listed)| wanted.contains(&listed.sha256)) {
                if self.is_there(&listed.sha256) || !is_whole(&folder, path, listed) {
                    continue;
                }
                // By way of the store, which takes a copy in like any other verified file.
                let copy = |source| Error::Place { path: path.under(&folder), source };
                let mut from = File::open(path.under(&folder)).map_err(copy)?;
                self.means.store.make(|file| io::copy(&mut from, file).map(drop))?;
            }
        }
        Ok(())
    }

    /// The lock that the generation was made from, if it is whole.
    fn lock(&self) -> Option<Lock> {
        let (path, listed) = self.generation.files.get_key_value(LOCK)?;
        let text = match self.texts.get(&listed.sha256) {
            Some(bytes) => bytes.clone(),
            None if is_whole(self.folder, path, listed) => fs::read(path.under(self.folder)).ok()?,
            None => fs::read(self.means.store.path(listed.sha256)).ok()?,
        };
        Lock::parse(&String::from_utf8_lossy(&text)).ok()
    }

    /// Files of other generations that are the damaged files under other names.
    fn same_files(&self, damaged: &BTreeMap<&SafePath, Listed>) -> Result<Vec<(PathBuf, Sha256)>, Error> {
        let file = |path: PathBuf| fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()));
        let files: BTreeMap<_, Sha256> =
            damaged.iter().filter_map(|(path, listed)| Some((file(path.under(self.folder))?, listed.sha256))).collect();
        let mut same = Vec::new();
        for folder in numbers(self.means.mirror)?.into_iter().map(|number| place(self.means.mirror, number)) {
            let Ok(list) = list(&folder) else { continue };
            let here = fs::canonicalize(&folder).ok() == fs::canonicalize(self.folder).ok();
            for (path, listed) in list.files.iter().filter(|(path, _)| !here || !damaged.contains_key(path)) {
                let target = path.under(&folder);
                if file(target.clone()).and_then(|file| files.get(&file)) == Some(&listed.sha256) {
                    same.push((target, listed.sha256));
                }
            }
        }
        Ok(same)
    }

    /// Puts whole bytes in the place of a file, if there are any; says whether there were.
    fn put(&self, target: &Path, sha256: Sha256) -> Result<bool, Error> {
        if !self.is_there(&sha256) {
            return Ok(false);
        }
        // Not beside the file: a run that is killed leaves nothing inside a generation.
        let whole = self.means.mirror.join(".mending");
        let executable = fs::metadata(target).is_ok_and(|there| there.permissions().mode() & 0o111 != 0);
        let place = || {
            match fs::remove_file(&whole) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            match self.texts.get(&sha256) {
                Some(bytes) => {
                    fs::write(&whole, bytes)?;
                    fs::set_permissions(&whole, Permissions::from_mode(0o644))?;
                }
                None if executable => drop(fs::copy(self.means.store.path(sha256), &whole)?),
                None => link_or_copy(&self.means.store.path(sha256), &whole)?,
            }
            if executable {
                fs::set_permissions(&whole, Permissions::from_mode(0o755))?;
            }
            disk::sync(&whole)?;
            let folder = target.parent().unwrap_or(target);
            fs::create_dir_all(folder)?;
            replace::rename(&whole, target)
        };
        place().map_err(|source| Error::Place { path: target.to_owned(), source })?;
        Ok(true)
    }
}

fn is_whole(folder: &Path, path: &SafePath, listed: &Listed) -> bool {
    let job = Job { path: path.clone(), listed: *listed, read: true };
    compare(folder, &silent, |queue| queue(job)).is_empty()
}

fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
}
