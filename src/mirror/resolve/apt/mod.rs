//! An apt entry of a manifest as artifacts of the lock: suites are verified, the closure is chosen, digests come along.
//! What the last lock chose stays while it satisfies, even when upstream has dropped it and only our store holds it.
//! Not here: an archive's formats and rules, which have a file each.

use super::World;
use crate::lock::{Artifact, Lock, Source, Voucher};
use crate::manifest::AptWant;
use crate::openpgp::Fingerprint;
use archive::{Archive, Suite};
use base::Base;
use package::Package;
use solve::{Closure, Request, Taste};
use std::collections::BTreeSet;
use std::time::SystemTime;
use universe::Universe;
use words::digest::Sha256;
use words::event::Event;
use words::names::{SafePath, Word};

pub mod archive;
pub mod base;
pub mod control;
pub mod deb;
mod kept;
pub mod package;
pub mod relation;
pub mod release;
pub mod solve;
mod state;
pub mod universe;
pub mod version;

/// Why an entry has no closure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A suite cannot be used.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// A list is not usable.
    #[error("the lists for {architecture} are not usable")]
    Package { architecture: Word, source: package::Error },
    /// What nodes have cannot be told.
    #[error("it is not known what nodes have")]
    Base(#[from] base::Error),
    /// There is no closure.
    #[error("the packages cannot be chosen for {architecture}")]
    Solve { architecture: Word, source: solve::Error },
}

/// The artifacts of an entry.
pub fn artifacts(entry: &Word, want: &AptWant, before: &Lock, world: &World<'_>) -> Result<Vec<Artifact>, Error> {
    let archive = Archive {
        sources: world.sources,
        http: world.http,
        store: world.store,
        tell: world.tell,
        now: SystemTime::now(),
    };
    let old: Vec<&Artifact> = before.wanted_by(entry).filter(|artifact| artifact.source == Source::Apt).collect();
    let pinned = |origin: &Word| -> BTreeSet<Fingerprint> {
        let own = old.iter().filter(|artifact| artifact.origin.as_ref() == Some(origin));
        own.filter_map(|artifact| artifact.signer.clone()).collect()
    };
    let suites: Vec<Suite> =
        want.suites.iter().map(|name| archive.suite(want, name, &pinned)).collect::<Result<_, _>>()?;
    // What came from a suite that is not asked for any more is no choice: the manifest went on to another release.
    let asked = |artifact: &Artifact| suites.iter().any(|suite| artifact.origin.as_ref() == Some(&suite.origin));
    let stays = |artifact: &&Artifact| asked(artifact) && !world.upgrade.frees(entry, deb_name(&artifact.address));
    let old: Vec<&Artifact> = old.into_iter().filter(stays).collect();
    let mut artifacts = Vec::new();
    for architecture in &want.architectures {
        let mut packages = Vec::new();
        for suite in &suites {
            packages.extend(archive.packages(suite, &want.components, architecture.as_str())?);
        }
        artifacts.extend(of_architecture(entry, want, architecture, packages, &suites, &old, world)?);
    }
    Ok(artifacts)
}

/// The package in `name_version_architecture.deb`.
pub(super) fn deb_name(address: &SafePath) -> &str {
    let file = address.file_name();
    file.split_once('_').map_or(file, |(name, _)| name)
}

fn of_architecture(
    entry: &Word,
    want: &AptWant,
    architecture: &Word,
    listed: Vec<Package>,
    suites: &[Suite],
    old: &[&Artifact],
    world: &World<'_>,
) -> Result<Vec<Artifact>, Error> {
    let package = |source| Error::Package { architecture: architecture.clone(), source };
    let there: BTreeSet<Sha256> = listed.iter().filter_map(|one| Some(one.file.as_ref()?.expected.sha256)).collect();
    let kept = kept::dropped(old, &there, architecture.as_str(), world.store);
    let universe = Universe::of(listed.into_iter().chain(kept), architecture.as_str()).map_err(package)?;
    let base = Base::read(&want.base, &universe)?;
    let prefer: BTreeSet<Sha256> = old.iter().map(|artifact| artifact.sha256).collect();
    let mut request = Request {
        entry: entry.as_str(),
        universe: &universe,
        roots: want.packages.clone(),
        base: &base,
        prefer: &prefer,
        recommends: want.recommends,
        taste: Taste::Newest,
    };
    let listed_alone: BTreeSet<Sha256> = prefer.intersection(&there).copied().collect();
    let closure = match solve::solve(&request) {
        // What upstream dropped may not fit any more: then it goes.
        Err(_) if listed_alone.len() < prefer.len() => {
            let upstream = universe.without_kept().map_err(package)?;
            request.prefer = &listed_alone;
            let request = Request { universe: &upstream, ..request };
            let closure = solved(&request, architecture)?;
            return Ok(finish(entry, &closure, &upstream, suites, old, world));
        }
        Err(source) => return Err(Error::Solve { architecture: architecture.clone(), source }),
        Ok(closure) => closure,
    };
    Ok(finish(entry, &closure, &universe, suites, old, world))
}

fn solved(request: &Request<'_>, architecture: &Word) -> Result<Closure, Error> {
    solve::solve(request).map_err(|source| Error::Solve { architecture: architecture.clone(), source })
}

/// Tells what a person should know, and writes the artifacts down.
fn finish(
    entry: &Word,
    closure: &Closure,
    universe: &Universe,
    suites: &[Suite],
    old: &[&Artifact],
    world: &World<'_>,
) -> Vec<Artifact> {
    let note = |text: String| (world.tell)(Event::Note(text));
    closure.notes.iter().cloned().for_each(note);
    kept::told(entry, closure, universe, old, world.store).into_iter().for_each(note);
    let artifact = |chosen: &solve::Chosen| {
        let file = universe.package(chosen.at).file.as_ref()?;
        let earlier = old.iter().find(|artifact| artifact.sha256 == file.expected.sha256);
        let suite = suites.iter().find(|suite| suite.origin == file.origin);
        let kept = universe.package(chosen.at).kept;
        let (vouched, signer) = match (earlier.filter(|_| kept), suite.and_then(|suite| suite.signer.clone())) {
            (Some(earlier), _) => (earlier.vouched.clone(), earlier.signer.clone()),
            (None, Some(signer)) => (Voucher::SignedIndex, Some(signer)),
            (None, None) => (Voucher::IndexSha256, None),
        };
        Some(Artifact {
            source: Source::Apt,
            origin: Some(file.origin.clone()),
            address: file.address.clone(),
            size: file.expected.size,
            sha256: file.expected.sha256,
            vouched,
            signer,
            wanted_by: entry.clone().into(),
            because: [chosen.because.join(" > ")].into_iter().collect(),
        })
    };
    closure.chosen.iter().filter_map(artifact).collect()
}

/// The id of a suite among the sources: its name, with `_` where an id has no `/`.
pub fn id(suite: &SafePath) -> String {
    suite.as_str().replace('/', "_")
}
