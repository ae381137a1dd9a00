//! Brings everything the lock names into the store: in parallel, bounded per host, verified while it streams.
//! It asks only for what the lock states; one file that fails does not stop the others.
//! Not here: choosing anything.

use super::lock::{Artifact, Lock, Source};
use super::manifest::{Manifest, Want};
use super::resolve::pypi;
use super::sources::{self, Sources};
use super::store::{self, Store};
use crate::systems::download::Expected;
use crate::systems::http::Http;
use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use crate::words::names::{SafePath, Word};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

/// Downloads at a time; a polite number for one registry.
const PARALLEL: usize = 6;

/// Why something is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some artifacts could not be had; the others are in the store.
    #[error("{} of {of} artifacts could not be fetched", failed.len())]
    Some { failed: Vec<Failure>, of: usize },
    /// The disk has no room.
    #[error("{} needs {needed} bytes and its disk has {free}: free some space, or name another store", path.display())]
    Room { path: PathBuf, needed: u64, free: u64 },
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

    /// Brings all that is missing.
    pub fn run(&self, store: &Store) -> Result<Fetched, Error> {
        let missing = self.plan(store);
        let begun: u64 = missing.iter().map(|artifact| store.begun(expected(artifact))).sum();
        let bytes: u64 = missing.iter().map(|artifact| artifact.size).sum();
        store.room_for(bytes - begun).map_err(|(path, free)| Error::Room { path, needed: bytes - begun, free })?;
        let files = missing.len();
        (self.tell)(Event::Stage { name: "fetch".into(), steps: files as u64, bytes });
        let failed = self.bring_all(store, missing);
        if !failed.is_empty() {
            return Err(Error::Some { failed, of: files });
        }
        let kept = self.lock.artifacts.len() - files;
        (self.tell)(Event::Done(format!("fetched {files} files, {kept} were there")));
        Ok(Fetched { files, bytes: bytes - begun, kept })
    }

    fn bring_all(&self, store: &Store, missing: Vec<&Artifact>) -> Vec<Failure> {
        let pages = Pages::default();
        let queue = Mutex::new(missing.into_iter());
        let failed = Mutex::new(Vec::new());
        let next = || queue.lock().ok()?.next();
        let worker = || {
            while let Some(artifact) = next() {
                match self.bring(store, artifact, &pages) {
                    Ok(()) => (self.tell)(Event::Step(artifact.address.file_name().to_owned())),
                    Err(source) => {
                        let failure = Failure { address: artifact.address.clone(), source };
                        if let Ok(mut failed) = failed.lock() {
                            failed.push(failure);
                        }
                    }
                }
            }
        };
        std::thread::scope(|scope| (0..PARALLEL).for_each(|_| drop(scope.spawn(worker))));
        let mut failed = failed.into_inner().unwrap_or_default();
        failed.sort_by(|a, b| a.address.cmp(&b.address));
        failed
    }

    fn bring(&self, store: &Store, artifact: &Artifact, pages: &Pages) -> Result<(), Cause> {
        let places = self.places(artifact, pages)?;
        let brought = store.bring(self.http, &places, expected(artifact), self.tell);
        brought.map_err(|error| match artifact.source {
            Source::Apt if error.is_missing() => Cause::Dropped(error),
            _ => Cause::Store(error),
        })
    }

    /// Where an artifact may be now.
    fn places(&self, artifact: &Artifact, pages: &Pages) -> Result<Vec<Location>, Cause> {
        match artifact.source {
            Source::Maven | Source::Apt | Source::Rpm => {
                Ok(vec![self.sources.of(&artifact.key())?.location.join(&artifact.address)])
            }
            Source::Pypi => {
                let index = self.sources.pypi()?;
                let (project, name) = artifact.address.as_str().split_once('/').ok_or(Cause::Unwanted)?;
                let project = Word::new(project).map_err(|_| Cause::Unwanted)?;
                Ok(vec![pages.locate(self, index, &project, name)?])
            }
            Source::File => {
                let wants = artifact.wanted_by.iter().filter_map(|name| self.manifest.wants.get(name));
                let urls = wants.filter_map(|want| match want {
                    Want::File(file) => Some(file.urls.iter()),
                    Want::Maven(_) | Want::Pypi(_) | Want::Apt(_) => None,
                });
                let places: Vec<Location> = urls.flatten().filter_map(|url| Location::parse(url).ok()).collect();
                if places.is_empty() { Err(Cause::Unwanted) } else { Ok(places) }
            }
        }
    }
}

/// The index pages that were read in this run, one request each.
#[derive(Default)]
struct Pages(Mutex<BTreeMap<Word, pypi::Project>>);

impl Pages {
    fn locate(&self, fetch: &Fetch<'_>, index: &Location, project: &Word, name: &str) -> Result<Location, pypi::Error> {
        let mut pages = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !pages.contains_key(project) {
            pages.insert(project.clone(), pypi::project(fetch.http, index, project, fetch.tell)?);
        }
        pages[project].named(name).map(|file| file.location)
    }
}
