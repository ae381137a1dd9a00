//! Manifest to lock: the only place that asks the network what exists.
//! One file per kind of source; each reads its registry's answers and chooses.
//! Not here: how the rest of the room uses what was agreed.

use super::lock::{Artifact, Lock, Source, Voucher};
use super::manifest::{FileWant, Manifest, MavenWant, PypiWant, Want};
use super::sources::{self, Sources};
use super::store::Store;
use crate::systems::http::Http;
use crate::words::digest::Sha256;
use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use crate::words::names::{SafePath, Word};
use std::collections::BTreeSet;

pub mod closure;
pub mod maven;
pub mod pypi;
pub mod registry;
pub mod signature;
pub mod unseen;

/// Why a manifest could not be locked; the lock stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A registry's place is not known.
    #[error("cannot lock `{entry}`")]
    Source { entry: Word, source: sources::Error },
    /// A Python package is not to be had.
    #[error("cannot lock `{entry}`")]
    Pypi { entry: Word, source: pypi::Error },
    /// A Maven closure is not to be had.
    #[error("cannot lock `{entry}`")]
    Maven { entry: Word, source: closure::Error },
    /// A plain file is not to be had.
    #[error("cannot lock `{entry}`: none of its addresses gives the file")]
    File { entry: Word, source: unseen::Error },
    /// A plain file is not what the manifest says.
    #[error("cannot lock `{entry}`: the file has sha256 {found}, the manifest says {expected}")]
    FileDiffers { entry: Word, expected: Sha256, found: Sha256 },
    /// The manifest gives no usable address.
    #[error("cannot lock `{entry}`: it has no usable address")]
    NoAddress { entry: Word },
}

/// How far the last lock is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// What it has is taken over: released artifacts do not change.
    LastLock,
    /// Every registry is asked again what it vouches for.
    AskAgain,
}

/// What locking may use.
pub struct World<'a> {
    /// Where registries are.
    pub sources: &'a Sources,
    /// The client.
    pub http: &'a Http,
    /// Where bytes that had to be read are kept.
    pub store: &'a Store,
    /// Who listens.
    pub tell: Tell<'a>,
}

/// Locks every entry of the manifests.
pub fn lock(manifest: &Manifest, before: &Lock, world: &World<'_>, trust: Trust) -> Result<Lock, Error> {
    let mut artifacts = Vec::new();
    for (entry, want) in &manifest.wants {
        (world.tell)(Event::Stage { name: format!("lock {entry}"), steps: 0, bytes: 0 });
        artifacts.extend(world.artifacts(entry, want, before, trust)?);
    }
    let lock = Lock::of(Sha256::of(manifest.request().as_bytes()), artifacts);
    (world.tell)(Event::Done(format!("resolved {} artifacts", lock.artifacts.len())));
    Ok(lock)
}

impl World<'_> {
    fn artifacts(&self, entry: &Word, want: &Want, before: &Lock, trust: Trust) -> Result<Vec<Artifact>, Error> {
        match want {
            Want::Maven(want) => self.maven(entry, want, before, trust),
            Want::Pypi(want) => Ok(vec![self.pypi(entry, want)?]),
            Want::File(want) => Ok(vec![self.file(entry, want)?]),
        }
    }

    fn maven(&self, entry: &Word, want: &MavenWant, before: &Lock, trust: Trust) -> Result<Vec<Artifact>, Error> {
        self.sources.maven().map_err(|source| Error::Source { entry: entry.clone(), source })?;
        let failed = |source| Error::Maven { entry: entry.clone(), source };
        let registry = registry::Registry::open(self, before, trust).map_err(|error| failed(error.into()))?;
        closure::artifacts(entry, want, &registry).map_err(failed)
    }

    fn pypi(&self, entry: &Word, want: &PypiWant) -> Result<Artifact, Error> {
        let index = self.sources.pypi().map_err(|source| Error::Source { entry: entry.clone(), source })?;
        let failed = |source| Error::Pypi { entry: entry.clone(), source };
        let project = pypi::project(self.http, index, &want.project, self.tell).map_err(failed)?;
        let file = project.choose(want).map_err(failed)?;
        Ok(Artifact {
            source: Source::Pypi,
            origin: None,
            signer: None,
            address: file.address,
            size: file.size,
            sha256: file.sha256,
            vouched: Voucher::IndexSha256,
            wanted_by: BTreeSet::from([entry.clone()]),
            because: vec![format!("{entry} > {}=={}", want.project, want.version)],
        })
    }

    /// A plain file has a digest but no size: it is read once, from the first address that gives the right bytes.
    fn file(&self, entry: &Word, want: &FileWant) -> Result<Artifact, Error> {
        let no_address = || Error::NoAddress { entry: entry.clone() };
        let address = SafePath::new(format!("{entry}/{}", want.path.file_name())).map_err(|_| no_address())?;
        let mut failure = no_address();
        for location in want.urls.iter().filter_map(|url| Location::parse(url).ok()) {
            let failed = |source| Error::File { entry: entry.clone(), source };
            let taken = match unseen::take(self.http, &location, self.store, self.tell) {
                Ok(taken) if taken.sha256 == want.sha256 => taken,
                Ok(taken) => {
                    let (expected, found) = (want.sha256, taken.sha256);
                    failure = Error::FileDiffers { entry: entry.clone(), expected, found };
                    continue;
                }
                Err(source) => {
                    failure = failed(source);
                    continue;
                }
            };
            let kept = taken.keep(self.store).map_err(failed)?;
            return Ok(Artifact {
                source: Source::File,
                origin: None,
                signer: None,
                address,
                size: kept.size,
                sha256: kept.sha256,
                vouched: Voucher::Manifest,
                wanted_by: BTreeSet::from([entry.clone()]),
                because: vec![format!("{entry} > {}", want.path)],
            });
        }
        Err(failure)
    }
}
