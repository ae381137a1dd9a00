//! What is newer than the lock: of versions that the manifests pin, and of those that they leave open.
//! Registries are asked; the lock stays, though what has to be read for an answer may come into the store.
//! Not here: taking the newer ones (`Upgrade`).

use super::maven::{self, Coordinate};
use super::registry::Registry;
use super::{Error, Repositories, Trust, Upgrade, World, pypi};
use crate::generations::difference::{Package, packages};
use crate::lock::Lock;
use crate::lock::Source;
use crate::manifest::{Manifest, MavenWant, PypiRelease, PypiWhat, Want};
use crate::sources::Key;
use schemars::JsonSchema;
use serde::Serialize;
use words::digest::Sha256;
use words::names::Word;

/// Something that has a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outdated {
    /// The entry of the manifest.
    pub entry: Word,
    /// The package.
    pub package: String,
    /// The version that is locked.
    pub locked: String,
    /// The newest of the same line: the same first two numbers, and the same ending.
    pub newest_in_line: Option<String>,
    /// The newest of all, pre-releases left out.
    pub newest: String,
}

/// Everything that has a newer version, in the order of the entries.
pub fn outdated<'a>(manifest: &Manifest, before: &'a Lock, world: &World<'a>) -> Result<Vec<Outdated>, Error> {
    let (mut found, repositories) = (Vec::new(), Repositories::new(before, Trust::LastLock));
    for (entry, want) in &manifest.wants {
        match want {
            Want::Maven(want) => found.extend(of_maven(entry, want, repositories.open(entry, world)?)?),
            Want::Pypi(pypi) => match &pypi.what {
                PypiWhat::File(release) => {
                    let key = Key { kind: Source::Pypi, id: pypi.source.clone() };
                    found.extend(of_release(entry, release, &key, world)?);
                }
                PypiWhat::Closure(_) => found.extend(of_open(entry, want, before, world)?),
            },
            Want::Apt(_) | Want::Rpm(_) => found.extend(of_open(entry, want, before, world)?),
            // A plain file has no versions that anybody lists.
            Want::File(_) => {}
        }
    }
    Ok(found)
}

fn of_maven(entry: &Word, want: &MavenWant, registry: &Registry<'_>) -> Result<Vec<Outdated>, Error> {
    let failed = |source| Error::Maven { entry: entry.clone(), source };
    let plugins = want.plugins.iter().map(|plugin| &plugin.plugin);
    let mut found = Vec::new();
    for text in want.roots.iter().chain(plugins).chain(&want.providers) {
        let Ok(root) = text.parse::<Coordinate>() else { continue };
        let listed = registry.versions(root.group(), root.artifact()).map_err(|error| failed(error.into()))?;
        let releases = maven::ascending(listed.into_iter().filter(|version| !is_preview(version)).collect());
        let package = format!("{}:{}", root.group(), root.artifact());
        let newer = |version: &&String| maven::compare_versions(version, root.version()).is_gt();
        found.extend(judged(entry, package, root.version(), releases.iter().filter(newer).cloned().collect()));
    }
    Ok(found)
}

fn of_release(entry: &Word, release: &PypiRelease, key: &Key, world: &World<'_>) -> Result<Option<Outdated>, Error> {
    let failed = |source| Error::Pypi { entry: entry.clone(), source };
    let index = world.sources.of(key).map_err(|source| Error::Source { entry: entry.clone(), source })?;
    let page = pypi::project(world.http, &index.location, &release.project, world.tell);
    let page = page.map_err(|error| failed(error.into()))?;
    let newer = page.versions().into_iter().filter(|version| *version > release.version && !version.any_prerelease());
    let newer = newer.map(|version| version.to_string()).collect();
    Ok(judged(entry, release.project.to_string(), &release.version.to_string(), newer))
}

/// Where the manifest leaves versions open, choosing the newest tells them.
fn of_open(entry: &Word, want: &Want, before: &Lock, world: &World<'_>) -> Result<Vec<Outdated>, Error> {
    let world = World { upgrade: &Upgrade::Everything, ..*world };
    let after = world.artifacts(entry, want, &Repositories::new(before, Trust::LastLock))?;
    let request = Sha256::of(b"");
    let (before, after) = (Lock::of(request, before.wanted_by(entry).cloned())?, Lock::of(request, after)?);
    let changed = packages(&before, &after).into_iter();
    let newer = changed.filter(|package| !package.before.is_empty() && !package.after.is_empty());
    let told = |package: Package| Outdated {
        entry: entry.clone(),
        package: package.name,
        locked: package.before.join(", "),
        newest_in_line: None,
        newest: package.after.join(", "),
    };
    Ok(newer.map(told).collect())
}

/// `newer` ascends.
fn judged(entry: &Word, package: String, locked: &str, newer: Vec<String>) -> Option<Outdated> {
    let newest = newer.last()?.clone();
    let newest_in_line = newer.iter().rev().find(|version| line(version) == line(locked)).cloned();
    Some(Outdated { entry: entry.clone(), package, locked: locked.to_owned(), newest_in_line, newest })
}

/// What stays within a line of releases: `3.4.0-1.20` is of the line `3.4` for `1.20`.
fn line(version: &str) -> (Vec<&str>, &str) {
    let (numbers, ending) = version.split_once('-').unwrap_or((version, ""));
    (numbers.split('.').take(2).collect(), ending)
}

/// Whether people would not take it for a release.
fn is_preview(version: &str) -> bool {
    let lower = version.to_ascii_lowercase();
    let marks = ["alpha", "beta", "snapshot", "preview", "milestone", "-rc", ".rc", "-cr", ".cr", "-m", ".m"];
    marks.iter().any(|mark| lower.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_connector_is_kept_apart() {
        let entry = Word::new("connectors").unwrap();
        let newer = ["3.4.1-1.20", "4.0.1-2.0", "5.0.0-2.2"].map(str::to_owned).to_vec();
        let told = judged(&entry, "g:a".into(), "3.4.0-1.20", newer).unwrap();
        assert_eq!((told.newest_in_line.as_deref(), told.newest.as_str()), (Some("3.4.1-1.20"), "5.0.0-2.2"));
        assert_eq!(judged(&entry, "g:a".into(), "1", Vec::new()), None);
    }

    #[test]
    fn previews_are_no_releases() {
        for version in ["2.0-preview1", "1.0-rc1", "4.0.0-alpha", "6.0.0-M1", "1.0.Beta2"] {
            assert!(is_preview(version), "{version}");
        }
        for version in ["3.4.0-1.20", "1.11.4", "31.1-jre", "2.0.0.RELEASE", "4.1.100.Final"] {
            assert!(!is_preview(version), "{version}");
        }
    }
}
