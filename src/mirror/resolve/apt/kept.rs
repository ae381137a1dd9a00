//! What upstream has dropped since the last lock: Debian does so with every update. Our store may still hold it.
//! Such a package describes itself: its control file is read from the store.
//! Not here: whether it still fits.

use super::deb;
use super::package::{File as Place, Package};
use super::solve::Closure;
use super::universe::Universe;
use super::version::Version;
use crate::fetch::expected;
use crate::lock::Artifact;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use words::digest::Sha256;
use words::names::Word;

/// The packages of the last lock that no suite lists any more, as far as the store holds them.
pub(super) fn dropped(old: &[&Artifact], there: &BTreeSet<Sha256>, architecture: &str, store: &Store) -> Vec<Package> {
    let gone = old.iter().filter(|artifact| !there.contains(&artifact.sha256) && store.has(expected(artifact)));
    let packages = gone.filter_map(|artifact| {
        let file = File::open(store.path(artifact.sha256)).ok()?;
        let (_, stanza) = deb::control(file).ok()?;
        let mut package = Package::described(stanza).ok()?;
        let address = artifact.address.clone();
        let place = Place { origin: artifact.origin.clone()?, address, expected: expected(artifact) };
        (package.file, package.kept) = (Some(place), true);
        Some(package)
    });
    packages.filter(|package| package.is_for(architecture)).collect()
}

/// What a person should know of a new choice: what upstream dropped, and what it has newer.
pub(super) fn told(
    entry: &Word,
    closure: &Closure,
    universe: &Universe,
    old: &[&Artifact],
    store: &Store,
) -> Vec<String> {
    let chosen = || closure.chosen.iter().map(|chosen| universe.package(chosen.at));
    let taken: BTreeSet<Sha256> = chosen().filter_map(|one| Some(one.file.as_ref()?.expected.sha256)).collect();
    let mut notes = Vec::new();
    let mut newer: Vec<String> = Vec::new();
    for package in chosen() {
        let newest = universe.named(&package.name).iter().map(|at| universe.package(*at)).find(|other| !other.kept);
        match newest {
            Some(newest) if package.kept => notes.push(format!(
                "{entry}: upstream has dropped {package} and has {} now; the store holds it and it stays; \
                 `pnda mirror lock --upgrade` takes the new one",
                newest.version
            )),
            None => notes
                .push(format!("{entry}: upstream has dropped {package} altogether; the store holds it and it stays")),
            Some(newest) if newest.version > package.version => {
                newer.push(format!("{package} (there is {})", newest.version))
            }
            Some(_) => {}
        }
    }
    if !newer.is_empty() && !old.is_empty() {
        notes.push(format!("{entry}: the last lock's versions stay: {}; --upgrade takes newer ones", newer.join(", ")));
    }
    let now: BTreeMap<&str, &Version> = chosen().map(|package| (package.name.as_str(), &package.version)).collect();
    let listed: BTreeSet<Sha256> =
        universe.packages().filter_map(|one| Some(one.file.as_ref()?.expected.sha256)).collect();
    for artifact in
        old.iter().filter(|artifact| !taken.contains(&artifact.sha256) && !listed.contains(&artifact.sha256))
    {
        let name = artifact.address.file_name().split('_').next().unwrap_or_default();
        let Some(version) = now.get(name) else { continue };
        let held =
            if store.has(expected(artifact)) { "it does not fit any more" } else { "the store does not hold it" };
        notes.push(format!(
            "{entry}: upstream has dropped {}, and {held}: {name}={version} takes its place",
            artifact.address.file_name()
        ));
    }
    notes
}
