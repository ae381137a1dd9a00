//! What nodes have already, so that a mirror need not bring it: nothing, a kind of Debian installation, or a list.
//! Of a kind, the oldest version that a suite lists is taken: a node may be as old as the release.
//! Not here: reading a manifest.

use super::control::Stanzas;
use super::package::{self, Package};
use super::relation::{Relation, is_name};
use super::solve::{self, Request, Taste};
use super::universe::{Universe, provided};
use super::version::Version;
use crate::manifest::AptBase;
use std::collections::{BTreeMap, BTreeSet};

/// What installers of Debian put in beside what is required since /bin is a link, where the first alternative of the
/// packages that need it, for systems that are converted, would bring the whole of Perl.
const MERGED: &str = "usr-is-merged";

/// Why what nodes have cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line of a list.
    #[error("{file}:{line}: `{text}` is no package with its version")]
    Line { file: String, line: usize, text: String },
    /// A status file that is none.
    #[error("{file} is no status file of dpkg")]
    Status { file: String, source: Box<dyn std::error::Error + Send + Sync> },
    /// The suites do not hold an installation of that kind.
    #[error("the suites do not hold what a {kind} installation has")]
    Kind { kind: String, source: Box<solve::Error> },
    /// Nothing in it.
    #[error("{file} names no installed package of {architecture}")]
    Empty { file: String, architecture: String },
}

/// Packages that are on nodes already, by name.
#[derive(Debug, Default)]
pub struct Base(BTreeMap<String, Package>);

impl Base {
    /// The packages of these names.
    pub fn of(packages: impl IntoIterator<Item = Package>) -> Base {
        Base(packages.into_iter().map(|package| (package.name.clone(), package)).collect())
    }

    /// All of them.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.0.values()
    }

    /// Who of them satisfies a relation, except those of some names.
    pub fn satisfies(&self, relation: &Relation, except: impl Fn(&str) -> bool, architecture: &str) -> bool {
        let own = self.0.get(&relation.name).filter(|own| relation.allows(&own.version) && !except(&own.name));
        own.is_some()
            || self.packages().filter(|package| !except(&package.name)).any(|package| {
                let stands = package.provides(architecture).unwrap_or_default();
                let fits = |name: &Relation| {
                    name.name == relation.name && provided(relation, name.version.as_ref().map(|(_, version)| version))
                };
                stands.iter().any(fits)
            })
    }

    /// What a manifest says nodes have.
    pub fn read(want: &AptBase, universe: &Universe) -> Result<Base, Error> {
        match want {
            AptBase::Nothing => Ok(Base::default()),
            AptBase::Required => Base::kind("required", &[], universe),
            AptBase::Minbase => Base::kind("minbase", &["apt"], universe),
            AptBase::File { name, text } => Ok(listed(name, text, &universe.architecture)?.explained(universe)),
        }
    }

    /// What the suites say of packages that are on nodes in the same version: a list has names and versions alone.
    fn explained(self, universe: &Universe) -> Base {
        let known = |own: Package| {
            let named = universe.named(&own.name).iter().map(|at| universe.package(*at));
            named.into_iter().find(|other| other.version == own.version).cloned().unwrap_or(own)
        };
        Base::of(self.0.into_values().map(known))
    }

    /// Everything required, some more, and what those need.
    fn kind(kind: &str, more: &[&str], universe: &Universe) -> Result<Base, Error> {
        let required = universe.packages().filter(|package| package.is_required()).map(|package| package.name.as_str());
        let merged = Some(MERGED).filter(|name| !universe.named(name).is_empty());
        let names: BTreeSet<&str> = required.chain(more.iter().copied()).chain(merged).collect();
        let root = |name: &&str| Relation { name: (*name).to_owned(), qualifier: None, version: None };
        let (prefer, empty) = (BTreeSet::new(), Base::default());
        let request = Request {
            entry: kind,
            universe,
            roots: names.iter().map(root).collect(),
            base: &empty,
            prefer: &prefer,
            recommends: false,
            taste: Taste::Oldest,
        };
        let failed = |source| Error::Kind { kind: kind.to_owned(), source: Box::new(source) };
        let closure = solve::solve(&request).map_err(failed)?;
        Ok(Base::of(closure.chosen.into_iter().map(|chosen| universe.package(chosen.at).clone())))
    }
}

/// Reads what `dpkg-query -W` printed, or dpkg's own status file.
fn listed(file: &str, text: &str, architecture: &str) -> Result<Base, Error> {
    let packages = if text.lines().any(|line| line.starts_with("Package:")) {
        status(text).map_err(|source| Error::Status { file: file.to_owned(), source })?
    } else {
        lines(file, text, architecture)?
    };
    let base = Base::of(packages.into_iter().filter(|package| package.is_for(architecture)));
    if base.0.is_empty() {
        return Err(Error::Empty { file: file.to_owned(), architecture: architecture.to_owned() });
    }
    Ok(base)
}

fn status(text: &str) -> Result<Vec<Package>, Box<dyn std::error::Error + Send + Sync>> {
    let mut stanzas = Stanzas::only(text.as_bytes(), &package::FIELDS);
    let mut packages = Vec::new();
    while let Some(stanza) = stanzas.read()? {
        let installed = stanza.get("Status").is_some_and(|status| status.ends_with(" installed"));
        if installed {
            packages.push(Package::described(stanza)?);
        }
    }
    Ok(packages)
}

/// `name[:architecture] version`, one a line; further words do not count.
fn lines(file: &str, text: &str, architecture: &str) -> Result<Vec<Package>, Error> {
    let mut packages = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let plain = line.split('#').next().unwrap_or_default();
        let bad = || Error::Line { file: file.to_owned(), line: at + 1, text: line.chars().take(60).collect() };
        let mut words = plain.split_whitespace();
        let Some(name) = words.next() else { continue };
        let (name, of) = name.split_once(':').unwrap_or((name, architecture));
        let version = words.next().and_then(|word| Version::parse(word).ok()).filter(|_| is_name(name));
        packages.push(Package::bare(name, version.ok_or_else(bad)?, of));
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(text: &str) -> Relation {
        Relation::parse(text, "amd64").unwrap().unwrap()
    }

    fn has(base: &Base, text: &str) -> bool {
        base.satisfies(&relation(text), |_| false, "amd64")
    }

    #[test]
    fn a_list_of_dpkg_query_says_what_nodes_have() {
        let base =
            listed("b", "libc6:amd64\t2.36-9\nadduser\t3.134\nlibc6:i386\t2.36-9\n# a remark\n", "amd64").unwrap();
        assert!(base.packages().count() == 2 && has(&base, "libc6 (>= 2.36)") && !has(&base, "libc6 (>= 2.37)"));
        let error = listed("nodes.packages", "libc6\t2.36-9\nadduser\n", "amd64").unwrap_err().to_string();
        assert_eq!(error, "nodes.packages:2: `adduser` is no package with its version");
        assert!(matches!(listed("b", "\n", "amd64"), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_status_file_says_more_and_only_what_is_installed_counts() {
        let text = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nProvides: x (= 2), y\n\n\
            Package: b\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n";
        let base = listed("status", text, "amd64").unwrap();
        assert!(has(&base, "a") && !has(&base, "b"));
        assert!(has(&base, "x (>= 2)") && !has(&base, "x (>= 3)") && has(&base, "y") && !has(&base, "y (>= 1)"));
        assert!(!base.satisfies(&relation("x"), |name| name == "a", "amd64"));
    }
}
