//! Manifest to lock: the only place that asks the network what exists.
//! One file per kind of source; each reads its registry's answers and chooses.
//! Not here: how the rest of the room uses what was agreed.

use super::lock::{self, Artifact, Lock, Source};
use super::manifest::{Manifest, Want};
use super::sources::{self, Sources};
use super::store::Store;
use super::trust;
use registry::Registry;
use std::cell::OnceCell;
use systems::http::Http;
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::names::Word;

pub mod apt;
pub mod checksum;
pub mod closure;
pub mod file;
pub mod maven;
pub mod outdated;
pub mod pypi;
pub mod registry;
pub mod rpm;
pub mod signature;
pub mod unseen;
mod upgrade;

pub use upgrade::{Unknown, Upgrade};

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
    #[error("cannot lock `{entry}`")]
    File { entry: Word, source: file::Error },
    /// Debian packages are not to be had.
    #[error("cannot lock `{entry}`")]
    Apt { entry: Word, source: apt::Error },
    /// RPM packages are not to be had.
    #[error("cannot lock `{entry}`")]
    Rpm { entry: Word, source: Box<rpm::Error> },
    /// The entries do not fit together.
    #[error(transparent)]
    Lock(#[from] lock::Error),
    /// Something is not vouched for as its source demands.
    #[error(transparent)]
    Trust(#[from] trust::Breaches),
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
    /// What may change its version.
    pub upgrade: &'a Upgrade,
    /// Who listens.
    pub tell: Tell<'a>,
}

/// Locks every entry of the manifests.
pub fn lock<'a>(manifest: &Manifest, before: &'a Lock, world: &World<'a>, trust: Trust) -> Result<Lock, Error> {
    let (mut artifacts, repositories) = (Vec::new(), Repositories::new(before, trust));
    for (entry, want) in &manifest.wants {
        (world.tell)(Event::Stage { name: format!("lock {entry}"), steps: 0, bytes: 0 });
        artifacts.extend(world.artifacts(entry, want, &repositories)?);
    }
    let mut lock = Lock::of(Sha256::of(manifest.request().as_bytes()), artifacts)?;
    lock.waivers = manifest.waivers.clone();
    let judgement = trust::judge(&lock, world.sources).passed()?;
    judgement.notes().into_iter().for_each(|note| (world.tell)(Event::Note(note)));
    (world.tell)(Event::Done(format!("resolved {} artifacts", lock.artifacts.len())));
    Ok(lock)
}

impl<'a> World<'a> {
    fn artifacts(&self, entry: &Word, want: &Want, maven: &Repositories<'a>) -> Result<Vec<Artifact>, Error> {
        let Repositories { before, trust, .. } = *maven;
        match want {
            Want::Maven(want) => {
                let failed = |source| Error::Maven { entry: entry.clone(), source };
                closure::artifacts(entry, want, maven.open(entry, self)?).map_err(failed)
            }
            Want::Pypi(want) => {
                let preferred = pypi::preferred(entry, before, self.upgrade);
                let failed = |source| Error::Pypi { entry: entry.clone(), source };
                pypi::artifacts(entry, want, self, &preferred).map_err(failed)
            }
            Want::File(want) => {
                let known = before
                    .artifacts
                    .iter()
                    .find(|artifact| artifact.source == Source::File && artifact.wanted_by.contains(entry));
                let pinned = known.and_then(|artifact| artifact.signer.as_ref());
                let artifact = file::artifact(self, entry, want, pinned);
                Ok(vec![artifact.map_err(|source| Error::File { entry: entry.clone(), source })?])
            }
            Want::Apt(want) => {
                let failed = |source| Error::Apt { entry: entry.clone(), source };
                apt::artifacts(entry, want, before, self).map_err(failed)
            }
            Want::Rpm(want) => {
                let failed = |source| Error::Rpm { entry: entry.clone(), source: Box::new(source) };
                rpm::artifacts(entry, want, before, trust, self).map_err(failed)
            }
        }
    }
}

/// The Maven repositories of one run: entries share most of what they read there, and each thing is asked for once.
struct Repositories<'a> {
    before: &'a Lock,
    trust: Trust,
    registry: OnceCell<Registry<'a>>,
}

impl<'a> Repositories<'a> {
    fn new(before: &'a Lock, trust: Trust) -> Repositories<'a> {
        Repositories { before, trust, registry: OnceCell::new() }
    }

    /// Opened for the first entry that wants anything of them.
    fn open(&self, entry: &Word, world: &World<'a>) -> Result<&Registry<'a>, Error> {
        if let Some(registry) = self.registry.get() {
            return Ok(registry);
        }
        world.sources.maven().map_err(|source| Error::Source { entry: entry.clone(), source })?;
        let failed = |source: registry::Error| Error::Maven { entry: entry.clone(), source: source.into() };
        let registry = Registry::open(world, self.before, self.trust).map_err(failed)?;
        Ok(self.registry.get_or_init(|| registry))
    }
}
