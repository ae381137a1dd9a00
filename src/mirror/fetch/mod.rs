//! Brings everything the lock names into the store: in parallel, bounded per host, verified while it streams.
//! It asks only for what the lock states; one file that fails does not stop the others.
//! Not here: choosing anything.

use super::lock::{Artifact, Lock};
use super::manifest::Manifest;
use super::resolve::pypi;
use super::sources::{self, Sources};
use super::store::{self, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use systems::download::Expected;
use systems::http::Http;
use words::event::{Event, Tell};
use words::names::SafePath;

mod bring;
mod places;
mod preflight;

pub use preflight::Preflight;

/// Why something is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some artifacts could not be had; the others are in the store.
    #[error("{} of {of} artifacts could not be fetched", failed.len())]
    Some { failed: Vec<Failure>, of: usize },
    /// The disk has no room.
    #[error("{} needs {needed} bytes and its disk has {free}: free some space, or name another store", path.display())]
    Room { path: PathBuf, needed: u64, free: u64 },
    /// The disk has room for the bytes, but not for so many files.
    #[error(
        "{} needs {needed} inodes for files and folders and its disk has {free} free: \
         remove files there, or name a store on a disk that was made with more inodes",
        path.display()
    )]
    Inodes { path: PathBuf, needed: u64, free: u64 },
    /// The store would become larger than it may.
    #[error(
        "{} holds {holds} bytes and needs {needed} more; its quota is {quota}: raise --quota, or remove what no mirror needs",
        path.display()
    )]
    Quota { path: PathBuf, holds: u64, needed: u64, quota: u64 },
}

/// One artifact that could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {address}")]
pub struct Failure {
    /// Its address in the lock.
    pub address: SafePath,
    /// Why.
    pub source: Cause,
}

/// Why one artifact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// Its registry's place is not known.
    #[error(transparent)]
    Source(#[from] sources::Error),
    /// The Python index does not say where it is.
    #[error(transparent)]
    Index(#[from] pypi::Error),
    /// The bytes could not be brought.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An archive of packages keeps its newest alone.
    #[error("upstream has dropped it since it was locked; `pnda mirror lock` agrees to what it has now")]
    Dropped(#[source] store::Error),
    /// The lock and the manifests do not fit.
    #[error("no manifest has a file for it; run `pnda mirror lock`")]
    Unwanted,
}

impl Error {
    /// Whether wrong bytes were offered for something.
    pub fn is_mismatch(&self) -> bool {
        let mismatch = |failure: &Failure| matches!(&failure.source, Cause::Store(error) if error.is_mismatch());
        matches!(self, Error::Some { failed, .. } if failed.iter().any(mismatch))
    }
}

/// What a fetch did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Artifacts that came now.
    pub files: usize,
    /// Their bytes that came over the network now.
    pub bytes: u64,
    /// Artifacts that were there.
    pub kept: usize,
}

/// Where fetching gets its answers.
pub struct Fetch<'a> {
    /// What to bring.
    pub lock: &'a Lock,
    /// The URLs of plain files.
    pub manifest: &'a Manifest,
    /// The registries.
    pub sources: &'a Sources,
    /// The client.
    pub http: &'a Http,
    /// The most bytes that the store may hold.
    pub quota: Option<u64>,
    /// Who listens.
    pub tell: Tell<'a>,
}

/// The size and digest that an artifact must have.
pub fn expected(artifact: &Artifact) -> Expected {
    Expected { size: artifact.size, sha256: artifact.sha256 }
}

impl Fetch<'_> {
    /// What is missing from the store, each content once.
    pub fn plan(&self, store: &Store) -> Vec<&Artifact> {
        let mut by_digest = BTreeMap::new();
        for artifact in self.lock.artifacts.iter().filter(|artifact| !store.has(expected(artifact))) {
            by_digest.entry(artifact.sha256).or_insert(artifact);
        }
        let mut missing: Vec<&Artifact> = by_digest.into_values().collect();
        // The largest first: the last to finish is then a small one.
        missing.sort_by_key(|artifact| (std::cmp::Reverse(artifact.size), &artifact.address));
        missing
    }

    /// How many artifacts need not be brought.
    pub fn kept(&self, store: &Store) -> usize {
        self.lock.artifacts.iter().filter(|artifact| store.has(expected(artifact))).count()
    }

    /// What bringing all of it takes.
    pub fn preflight(&self, store: &Store, missing: &[&Artifact]) -> Preflight {
        let begun: u64 = missing.iter().map(|artifact| store.begun(expected(artifact))).sum();
        let bytes: u64 = missing.iter().map(|artifact| artifact.size).sum();
        let (free, free_files, rate) = (store.free(), store.free_files(), self.http.max_rate());
        let inodes = self.inodes(store, missing);
        Preflight { files: missing.len(), bytes, begun: begun.min(bytes), free, inodes, free_files, rate }
    }

    /// How many files and folders the store will have more, at the most while it is at work.
    fn inodes(&self, store: &Store, missing: &[&Artifact]) -> u64 {
        let paths = missing.iter().map(|artifact| store.path(artifact.sha256));
        let folders: BTreeSet<PathBuf> = paths.filter_map(|path| path.parent().map(Path::to_owned)).collect();
        let folders = folders.iter().filter(|folder| !folder.is_dir()).count();
        let fresh = missing.iter().filter(|artifact| store.begun(expected(artifact)) == 0).count();
        // A large file has a journal beside it while it comes.
        let large = missing.iter().filter(|artifact| artifact.size >= self.http.split().from).count();
        (folders + fresh + large.min(self.http.bounds().at_once)) as u64
    }

    /// Brings all that is missing.
    pub fn run(&self, store: &Store) -> Result<Fetched, Error> {
        let (missing, kept) = (self.plan(store), self.kept(store));
        let preflight = self.preflight(store, &missing);
        preflight.fits(store, self.quota)?;
        let Preflight { files, bytes, .. } = preflight;
        if files > 0 {
            (self.tell)(Event::Note(preflight.to_string()));
        }
        (self.tell)(Event::Stage { name: "fetch".into(), steps: files as u64, bytes });
        let failed = self.bring_all(store, missing);
        if !failed.is_empty() {
            return Err(Error::Some { failed, of: files });
        }
        (self.tell)(Event::Done(format!("fetched {files} files, {kept} were there")));
        Ok(Fetched { files, bytes: preflight.to_come(), kept })
    }
}
