//! The files of a store that nothing refers to: objects, and what is remembered of objects that are gone.
//! What is younger than the grace stays, and so does everything whose name is not understood.
//! Not here: what is referred to.

use crate::store::{Error, NOTES, Store};
use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use words::digest::Sha256;

/// A file of the store that can go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

/// Every file that can go, sorted.
pub(super) fn unused(store: &Store, live: &BTreeSet<Sha256>, grace: Duration) -> Result<Vec<Object>, Error> {
    let folder = store.folder();
    let mut found = Vec::new();
    let mut gone = BTreeSet::new();
    for prefix in entries(&folder.join("sha256"))? {
        let first = prefix.file_name().to_string_lossy().into_owned();
        for entry in entries(&prefix.path())? {
            let name = format!("{first}{}", entry.file_name().to_string_lossy());
            let Ok(digest) = name.parse::<Sha256>() else { continue };
            if !live.contains(&digest) && add(&entry, grace, &mut found)? {
                gone.insert(digest);
            }
        }
    }
    let there = |digest: Sha256| !gone.contains(&digest) && store.path(digest).exists();
    for notes in NOTES {
        for entry in entries(&folder.join(notes))? {
            let digest = entry.file_name().to_string_lossy().parse::<Sha256>();
            if digest.is_ok_and(|digest| !there(digest)) {
                add(&entry, Duration::ZERO, &mut found)?;
            }
        }
    }
    for entry in entries(&folder.join("assembled"))? {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let made = text.split(' ').next().and_then(|digest| digest.parse::<Sha256>().ok());
        if !made.is_some_and(there) {
            add(&entry, Duration::ZERO, &mut found)?;
        }
    }
    for entry in entries(&folder.join("partial"))? {
        let digest = entry.file_name().to_string_lossy().chars().take(64).collect::<String>().parse::<Sha256>();
        // A beginning whose end is still wanted is worth keeping, however old it is.
        if digest.is_ok_and(|digest| !live.contains(&digest)) {
            add(&entry, grace, &mut found)?;
        }
    }
    found.sort();
    Ok(found)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Store { what, path, source }
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.and_then(Iterator::collect).map_err(failed("list", folder)),
    }
}

/// Adds a file that is old enough; says whether it did.
fn add(entry: &DirEntry, grace: Duration, found: &mut Vec<Object>) -> Result<bool, Error> {
    let path = entry.path();
    let metadata = entry.metadata().map_err(failed("look at", &path))?;
    // A file of the future has no age: its clock cannot be trusted, so it stays, unless there is no grace at all.
    let age = metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    let old = grace.is_zero() || age.is_some_and(|age| age >= grace);
    if old && metadata.is_file() {
        found.push(Object { path, size: metadata.len() });
        return Ok(true);
    }
    Ok(false)
}
