//! Cleans up: generations beyond the newest few, then bytes of the store that nothing refers to any more.
//! Both are decided first, into lists that can be printed. Killed at any moment, it leaves mirrors and store whole.
//! Not here: reading what is damaged, or mending it (`verify`).

use super::generations::{self, is_pinned, list, numbers, place, sweep};
use super::lock::{self, Lock};
use super::store::{self, Store};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use words::digest::Sha256;
use words::generation::LOCK;

mod objects;
pub mod users;

pub use objects::Object;

/// Why nothing, or not everything, was cleaned up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A mirror's generations cannot be looked at or removed.
    #[error(transparent)]
    Generations(#[from] generations::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A mirror that uses the store cannot be seen: what it refers to is not known.
    #[error(
        "{} uses this store but cannot be seen now: mount it, or say `--forget {}` if it is gone for good; nothing of the store was removed",
        path.display(), path.display()
    )]
    Unseen { path: PathBuf },
    /// The lock of a generation cannot be read: what it refers to is not known.
    #[error("cannot read {}; mend it with `pnda mirror verify --repair`, nothing of the store was removed", path.display())]
    Lock { path: PathBuf, source: io::Error },
    /// The lock of a generation is none.
    #[error("{} is no lock; mend it with `pnda mirror verify --repair`, nothing of the store was removed", path.display())]
    NoLock { path: PathBuf, source: lock::Error },
}

/// Which generations of a mirror go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surplus {
    /// These go.
    pub numbers: Vec<u64>,
    /// These would, but somebody is reading them.
    pub pinned: Vec<u64>,
    /// These stay.
    pub kept: Vec<u64>,
}

/// Decides which generations go: all but the newest `keep`, the current one, and what somebody has pinned.
pub fn surplus(mirror: &Path, keep: usize) -> Result<Surplus, Error> {
    let all = numbers(mirror)?;
    let current = list(&generations::current(mirror))?.number;
    let mut surplus = Surplus::default();
    for (older, number) in all.iter().rev().enumerate() {
        let to = if older < keep || *number == current {
            &mut surplus.kept
        } else if is_pinned(&place(mirror, *number)) {
            &mut surplus.pinned
        } else {
            &mut surplus.numbers
        };
        to.insert(0, *number);
    }
    Ok(surplus)
}

/// Removes these generations, and what killed runs have left; the caller has the mirror for itself.
pub fn remove_generations(mirror: &Path, surplus: &Surplus) -> Result<(), Error> {
    sweep(mirror)?;
    Ok(surplus.numbers.iter().try_for_each(|number| generations::remove(mirror, *number))?)
}

/// What of a store can go.
pub struct Request<'a> {
    /// The store; the caller has it for itself.
    pub store: &'a Store,
    /// Generations that are about to go: mirror and numbers.
    pub going: (&'a Path, &'a Surplus),
    /// Mirrors that are gone for good.
    pub forgotten: &'a [PathBuf],
    /// Locks of builds that are still to come.
    pub locks: &'a [Lock],
    /// What came later than that is left alone: somebody may be about to publish it.
    pub grace: Duration,
}

/// Decides which files of a store go.
pub fn unused(request: &Request<'_>) -> Result<Vec<Object>, Error> {
    let mut live: BTreeSet<Sha256> = request.locks.iter().flat_map(digests).collect();
    let (mirror, surplus) = request.going;
    let mirror = fs::canonicalize(mirror).unwrap_or_else(|_| mirror.to_owned());
    let mut users: BTreeSet<PathBuf> = users::all(request.store)?.into_iter().collect();
    for gone in request.forgotten {
        users.remove(&users::path_of(gone));
    }
    // Known to its store or not, and whatever is said of it: this one is there.
    users.insert(mirror.clone());
    for user in users {
        let kept = numbers_of(&user)?;
        for number in kept.into_iter().filter(|number| user != mirror || !surplus.numbers.contains(number)) {
            refer(&place(&user, number), &mut live)?;
        }
    }
    Ok(objects::unused(request.store, &live, request.grace)?)
}

/// A mirror that uses a store has a folder of generations, if only an empty one; an empty mount point has none.
fn numbers_of(user: &Path) -> Result<Vec<u64>, Error> {
    if !generations::is_mirror(user) {
        return Err(Error::Unseen { path: user.to_owned() });
    }
    Ok(numbers(user)?)
}

/// Everything one generation refers to: what it lists, and what its lock names, parts of assemblies among that.
fn refer(folder: &Path, live: &mut BTreeSet<Sha256>) -> Result<(), Error> {
    let list = list(folder)?;
    live.extend(list.files.values().map(|listed| listed.sha256));
    if list.files.contains_key(LOCK) {
        let path = folder.join(LOCK);
        let text = fs::read_to_string(&path).map_err(|source| Error::Lock { path: path.clone(), source })?;
        live.extend(digests(&Lock::parse(&text).map_err(|source| Error::NoLock { path, source })?));
    }
    Ok(())
}

fn digests(lock: &Lock) -> Vec<Sha256> {
    lock.artifacts.iter().map(|artifact| artifact.sha256).collect()
}

/// Removes files of a store; one that is gone already is no failure.
pub fn remove_objects(objects: &[Object]) -> Result<(), Error> {
    for object in objects {
        match fs::remove_file(&object.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(store::Error::Store { what: "remove", path: object.path.clone(), source }.into());
            }
            _ => {}
        }
    }
    Ok(())
}
