//! All packages that the suites offer a machine of one architecture, by name and by what they provide.
//! The same version from two suites counts once, the first suite's.
//! Not here: choosing among them.

use super::package::{Error, Package};
use super::relation::{Operator, Relation};
use super::version::Version;
use std::collections::HashMap;
use words::problem::nearest;

/// Packages of one architecture.
#[derive(Debug)]
pub struct Universe {
    /// What they are for.
    pub architecture: String,
    packages: Vec<Package>,
    /// Newest first.
    by_name: HashMap<String, Vec<usize>>,
    /// Who provides a name, with the version of it that is provided, if that is said.
    providers: HashMap<String, Vec<(usize, Option<Version>)>>,
}

impl Universe {
    /// Sorts packages in; those for other architectures are left out.
    pub fn of(packages: impl IntoIterator<Item = Package>, architecture: &str) -> Result<Universe, Error> {
        let (mut kept, mut providers): (Vec<Package>, HashMap<_, Vec<_>>) = (Vec::new(), HashMap::new());
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for package in packages.into_iter().filter(|package| package.is_for(architecture)) {
            let at = kept.len();
            let known = by_name.entry(package.name.clone()).or_default();
            if known.iter().any(|other: &usize| kept[*other].version == package.version) {
                continue;
            }
            known.push(at);
            for provided in package.provides(architecture)? {
                let version = provided.version.filter(|(operator, _)| *operator == Operator::Exactly);
                providers.entry(provided.name).or_default().push((at, version.map(|(_, version)| version)));
            }
            kept.push(package);
        }
        for known in by_name.values_mut() {
            known.sort_by(|one, other| kept[*other].version.cmp(&kept[*one].version));
        }
        Ok(Universe { architecture: architecture.to_owned(), packages: kept, by_name, providers })
    }

    /// The same without what upstream has dropped.
    pub fn without_kept(&self) -> Result<Universe, Error> {
        Universe::of(self.packages().filter(|package| !package.kept).cloned(), &self.architecture)
    }

    /// The package of a number that this universe gave.
    pub fn package(&self, at: usize) -> &Package {
        &self.packages[at]
    }

    /// All packages.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter()
    }

    /// The packages of a name, newest first.
    pub fn named(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The packages of other names that stand for a relation: the most common first, then by name, newest first.
    pub fn providers(&self, relation: &Relation) -> Vec<usize> {
        let all = self.providers.get(&relation.name).map_or(&[][..], Vec::as_slice).iter();
        let fits = all.filter(|(_, version)| provided(relation, version.as_ref())).map(|(at, _)| *at);
        let mut fits: Vec<usize> = fits.collect();
        fits.sort_by(|one, other| {
            let (one, other) = (self.package(*one), self.package(*other));
            let common = (one.rarity(), &one.name).cmp(&(other.rarity(), &other.name));
            common.then_with(|| other.version.cmp(&one.version))
        });
        fits
    }

    /// The existing name that a mistyped one most likely meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        // Names that begin alike are tried first: the whole list is long, and its order is nobody's.
        let start: String = name.chars().take(2).collect();
        let mut alike: Vec<&str> = self.by_name.keys().map(String::as_str).filter(|n| n.starts_with(&start)).collect();
        alike.sort_unstable();
        nearest(name, alike)
    }
}

/// Whether a name provided in a version, or in none, satisfies a relation: one with a version needs one with a version.
pub fn provided(relation: &Relation, version: Option<&Version>) -> bool {
    match version {
        Some(version) => relation.allows(version),
        None => relation.version.is_none(),
    }
}
