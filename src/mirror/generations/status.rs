//! How a mirror is: what is current and who signed it, what the last check found, what takes room, what is left over.
//! It only looks: no list is trusted, no byte is read.
//! Not here: whether manifests and lock agree, which is asked where both are known.

use super::listing::{Row, rows};
use super::record::Verified;
use super::{Error, NEW, OLD, current, names, record};
use crate::store::Store;
use disk::regular;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs;
use std::path::Path;
use words::generation::PUBLIC_KEY;

/// How a mirror is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status {
    /// The current generation.
    pub current: Row,
    /// Its key, as the mirror itself names it.
    pub public_key: Option<String>,
    /// What the last check of the current generation found.
    pub verified: Option<Verified>,
    /// The numbers of the generations that are kept.
    pub generations: Vec<u64>,
    /// What killed runs have left; the next build or clean-up removes it.
    pub leftovers: Vec<String>,
    /// Whether a run is changing the mirror now.
    pub busy: bool,
    /// Bytes that the mirror's disk has left for those who may write there.
    pub free: Option<u64>,
    /// The store, if one is looked at.
    pub store: Option<StoreStatus>,
}

/// How a store is.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct StoreStatus {
    /// Its objects.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Downloads that were begun and not finished.
    pub partial: usize,
    /// Their bytes.
    pub partial_bytes: u64,
    /// The mirrors that use it.
    pub mirrors: Vec<String>,
    /// Bytes that its disk has left.
    pub free: Option<u64>,
}

/// Looks at a mirror.
pub fn status(mirror: &Path) -> Result<Status, Error> {
    let rows = rows(mirror)?;
    let served = current(mirror);
    let now = rows.iter().find(|row| row.current).cloned();
    let now = now.ok_or_else(|| Error::Empty { path: mirror.to_owned() })?;
    let key = regular::read_text(&served.join(PUBLIC_KEY)).ok();
    let leftover = |name: &String| name.starts_with(NEW) || name.starts_with(OLD);
    Ok(Status {
        public_key: key.and_then(|key| Some(key.lines().rfind(|line| !line.trim().is_empty())?.trim().to_owned())),
        verified: record::read(mirror, now.number).verified,
        generations: rows.iter().map(|row| row.number).collect(),
        leftovers: names(mirror)?.into_iter().filter(leftover).collect(),
        busy: super::alone::is_busy(mirror),
        free: disk::free(mirror).ok(),
        store: None,
        current: now,
    })
}

/// Looks at a store.
pub fn store_status(store: &Store) -> StoreStatus {
    let (objects, bytes) = count(&store.folder().join("sha256"));
    let (partial, partial_bytes) = count(&store.folder().join("partial"));
    let users = crate::gc::users::all(store).unwrap_or_default();
    let mirrors = users.iter().map(|path| path.display().to_string()).collect();
    StoreStatus { objects, bytes, partial, partial_bytes, mirrors, free: disk::free(store.folder()).ok() }
}

/// The files below a folder and their bytes; what cannot be seen is not counted.
fn count(folder: &Path) -> (usize, u64) {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                let (more, more_bytes) = count(&entry.path());
                (files, bytes) = (files + more, bytes + more_bytes);
            }
            Ok(metadata) => (files, bytes) = (files + 1, bytes + metadata.len()),
            Err(_) => {}
        }
    }
    (files, bytes)
}
