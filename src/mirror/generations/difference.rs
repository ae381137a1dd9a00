//! How one generation differs from another: files by section of the mirror, and packages by their versions.
//! A pure function of two lists and two locks.
//! Not here: reading them.

use crate::lock::Lock;
use crate::purl::Purl;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::digest::Sha256;
use words::generation::{Generation, Listed};
use words::names::SafePath;

/// The section of files that lie in no folder.
const TOP: &str = "(top)";

/// How the second generation differs from the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The number of the first.
    pub from: u64,
    /// The number of the second.
    pub to: u64,
    /// Packages whose versions or bytes differ; nothing where one of the two keeps no lock.
    pub packages: Vec<Package>,
    /// The sections of the mirror in which files differ.
    pub sections: Vec<Section>,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Package {
    /// Its kind: `maven`, `pypi`, …
    pub kind: String,
    /// Its name, as people of that kind write it.
    pub name: String,
    /// The versions that the first has and the second has not.
    pub before: Vec<String>,
    /// The versions that the second has and the first has not; both are empty if only bytes differ.
    pub after: Vec<String>,
}

/// A top folder of the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Every file that differs, by path.
    pub changes: Vec<Change>,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Its path on the mirror.
    pub path: SafePath,
    /// Its length before; none if it is new.
    pub before: Option<u64>,
    /// Its length after; none if it is gone.
    pub after: Option<u64>,
}

/// Compares two generations; the locks are those that they keep.
pub fn difference(
    (from, from_lock): (&Generation, Option<&Lock>),
    (to, to_lock): (&Generation, Option<&Lock>),
) -> Difference {
    let paths: BTreeSet<&SafePath> = from.files.keys().chain(to.files.keys()).collect();
    let mut sections: BTreeMap<&str, Vec<Change>> = BTreeMap::new();
    for path in paths {
        let (before, after) = (from.files.get(path), to.files.get(path));
        if before != after {
            let size = |listed: Option<&Listed>| listed.map(|listed| listed.size);
            let change = Change { path: path.clone(), before: size(before), after: size(after) };
            sections.entry(path.as_str().split_once('/').map_or(TOP, |(top, _)| top)).or_default().push(change);
        }
    }
    let section = |(name, changes): (&str, Vec<Change>)| Section { name: name.to_owned(), changes };
    Difference {
        from: from.number,
        to: to.number,
        packages: from_lock.zip(to_lock).map(|(from, to)| packages(from, to)).unwrap_or_default(),
        sections: sections.into_iter().map(section).collect(),
    }
}

/// The files of one package by version.
type Versions = BTreeMap<String, BTreeSet<Sha256>>;

fn versions(lock: &Lock) -> BTreeMap<(&'static str, String), Versions> {
    let mut packages: BTreeMap<_, Versions> = BTreeMap::new();
    for artifact in &lock.artifacts {
        let purl = Purl::of(artifact);
        let name = purl.full_name();
        let versions = packages.entry((purl.kind, name)).or_default();
        versions.entry(purl.version.unwrap_or_default()).or_default().insert(artifact.sha256);
    }
    packages
}

/// The packages of which two locks have other versions, or other files.
pub fn packages(from: &Lock, to: &Lock) -> Vec<Package> {
    let (from, to) = (versions(from), versions(to));
    let names: BTreeSet<_> = from.keys().chain(to.keys()).collect();
    let (none, mut packages) = (Versions::new(), Vec::new());
    for name in names {
        let (before, after) = (from.get(name).unwrap_or(&none), to.get(name).unwrap_or(&none));
        let only = |one: &Versions, other: &Versions| {
            one.keys().filter(|version| !other.contains_key(*version)).cloned().collect::<Vec<_>>()
        };
        if before != after {
            let (before, after) = (only(before, after), only(after, before));
            packages.push(Package { kind: name.0.to_owned(), name: name.1.clone(), before, after });
        }
    }
    packages
}

impl Difference {
    /// Whether the two hold the same.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }
}

impl fmt::Display for Package {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)?;
        let list = |versions: &[String]| versions.join(", ");
        match (self.before.as_slice(), self.after.as_slice()) {
            ([], []) => out.write_str(" has other files"),
            ([], [only]) if only.is_empty() => out.write_str(" is new"),
            ([only], []) if only.is_empty() => out.write_str(" is gone"),
            ([], new) => write!(out, " {} is new", list(new)),
            (old, []) => write!(out, " {} is gone", list(old)),
            (old, new) => write!(out, " {} is now {}", list(old), list(new)),
        }
    }
}

impl Section {
    /// In a line: how many files, and how many bytes more or less.
    pub fn summary(&self) -> String {
        let count = |pick: fn(&Change) -> bool| self.changes.iter().filter(|change| pick(change)).count();
        let added = count(|change| change.before.is_none());
        let removed = count(|change| change.after.is_none());
        let changed = self.changes.len() - added - removed;
        let counts = [(added, "added"), (removed, "removed"), (changed, "changed")];
        let said: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let sum = |pick: fn(&Change) -> Option<u64>| self.changes.iter().filter_map(pick).sum::<u64>();
        let (before, after) = (sum(|change| change.before), sum(|change| change.after));
        let bytes = match after.checked_sub(before) {
            Some(0) => "as many bytes".to_owned(),
            Some(more) => format!("{more} bytes more"),
            None => format!("{} bytes less", before - after),
        };
        format!("{}: {}, {bytes}", self.name, said.join(", "))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.after) {
            (None, Some(after)) => write!(out, "+ {} ({after} bytes)", self.path),
            (Some(before), None) => write!(out, "- {} ({before} bytes)", self.path),
            (before, after) => {
                let size = |size: Option<u64>| size.unwrap_or_default();
                write!(out, "! {} ({} bytes, were {})", self.path, size(after), size(before))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Artifact, Entries, Source, Voucher};

    fn list(number: u64, files: &[(&str, &str)]) -> Generation {
        let listed = |text: &str| Listed { size: text.len() as u64, sha256: Sha256::of(text.as_bytes()) };
        let files = files.iter().map(|(path, text)| (SafePath::new(*path).unwrap(), listed(text))).collect();
        Generation { number, lock: Sha256::of(b""), files }
    }

    fn lock(artifacts: &[(Source, &str)]) -> Lock {
        let mut lock = Lock::default();
        for (source, address) in artifacts {
            let (vouched, wanted_by) = (Voucher::Manifest, Entries::default());
            let (address, sha256) = (SafePath::new(*address).unwrap(), Sha256::of(address.as_bytes()));
            lock.add(Artifact {
                source: *source,
                origin: None,
                signer: None,
                address,
                size: 1,
                sha256,
                vouched,
                wanted_by,
                because: Default::default(),
            });
        }
        lock
    }

    #[test]
    fn files_are_told_by_section_and_packages_by_version() {
        let old = lock(&[(Source::Maven, "g/a/1/a-1.jar"), (Source::Maven, "g/a/1/a-1.pom"), (Source::File, "n/x")]);
        let new = lock(&[(Source::Maven, "g/a/2/a-2.jar"), (Source::Pypi, "t/t-1.tar.gz"), (Source::File, "n/x")]);
        let from = list(1, &[("SHA256SUMS", "aa"), ("m/a", "1"), ("m/b", "22")]);
        let to = list(3, &[("SHA256SUMS", "bbb"), ("m/a", "1"), ("m/c", "1")]);
        let found = difference((&from, Some(&old)), (&to, Some(&new)));
        let packages: Vec<String> = found.packages.iter().map(Package::to_string).collect();
        assert_eq!(packages, ["maven g:a 1 is now 2", "pypi t 1 is new"]);
        let sections: Vec<String> = found.sections.iter().map(Section::summary).collect();
        assert_eq!(sections, ["(top): 1 changed, 1 bytes more", "m: 1 added, 1 removed, 1 bytes less"]);
        let changes = |at: usize| found.sections[at].changes.iter().map(Change::to_string).collect::<Vec<_>>();
        assert_eq!(changes(0), ["! SHA256SUMS (3 bytes, were 2)"]);
        assert_eq!(changes(1), ["- m/b (2 bytes)", "+ m/c (1 bytes)"]);
    }

    #[test]
    fn the_same_content_under_another_number_is_no_difference() {
        let found = difference((&list(1, &[("a", "1")]), None), (&list(2, &[("a", "1")]), None));
        assert!(found.is_empty() && found.packages.is_empty());
    }
}
