//! The closure of some packages: which ones a machine with a given base needs, of which versions, and why each.
//! Choices are narrowed until all agree: a version that a later relation does not allow is never chosen again.
//! Not here: where packages come from. The same question always has the same answer.

use super::base::Base;
use super::package::{self, Package};
use super::relation::{Relation, shown};
use super::state::{State, Step};
use super::universe::Universe;
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;

/// Times that choices are narrowed before the relations are called impossible.
const MOST_TURNS: usize = 200;

/// Why there is no closure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some relations nobody satisfies.
    #[error("{}", missing.join("\n"))]
    Missing { missing: Vec<String> },
    /// One package is wanted in versions that exclude each other.
    #[error("no version of {name} satisfies everybody (there is {there}):\n{}", wants.join("\n"))]
    Clash { name: String, there: String, wants: Vec<String> },
    /// Two packages cannot be installed together.
    #[error(
        "two packages exclude each other: {what}\n  {one}\n  {other}\n\
         where different nodes are to have them, write two [[apt]] entries"
    )]
    Conflict { what: String, one: String, other: String },
    /// It does not come to an end.
    #[error("the relations between the packages were narrowed {MOST_TURNS} times without an end; pin some versions")]
    Endless,
    /// A package's relations cannot be read.
    #[error("a package of the archive is not readable")]
    Package(#[from] package::Error),
}

/// Which of several versions is liked best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taste {
    /// What a node would install.
    Newest,
    /// What a node surely has.
    Oldest,
}

/// What is asked.
pub struct Request<'a> {
    /// Whose packages they are, for people.
    pub entry: &'a str,
    /// What there is.
    pub universe: &'a Universe,
    /// What is wanted, as relations.
    pub roots: Vec<Relation>,
    /// What is there already.
    pub base: &'a Base,
    /// Packages that are taken rather than others, by digest: those of the last lock.
    pub prefer: &'a BTreeSet<Sha256>,
    /// Whether recommended packages come along.
    pub recommends: bool,
    /// Which versions are liked.
    pub taste: Taste,
}

/// A package that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its number in the universe.
    pub at: usize,
    /// Why: the packages from the root down to itself.
    pub because: Vec<String>,
}

/// The answer.
#[derive(Debug, Default)]
pub struct Closure {
    /// What is needed, by name.
    pub chosen: Vec<Chosen>,
    /// Worth a line each.
    pub notes: Vec<String>,
}

/// A relation that the choice of a package must satisfy, and who says so.
pub(super) type Limits = BTreeMap<String, Vec<(Relation, String)>>;

/// Finds the closure.
pub fn solve(request: &Request<'_>) -> Result<Closure, Error> {
    let mut limits: Limits = BTreeMap::new();
    for root in request.roots.iter().filter(|root| root.version.is_some()) {
        limits.entry(root.name.clone()).or_default().push((root.clone(), request.entry.to_owned()));
    }
    for _ in 0..MOST_TURNS {
        let mut state = State::new(request, &limits);
        match state.run()? {
            Step::Done => return state.closure(),
            Step::Narrow(relation, by) => limits.entry(relation.name.clone()).or_default().push((relation, by)),
        }
    }
    Err(Error::Endless)
}

impl Request<'_> {
    /// The packages that satisfy a relation, the best liked first: those of its name, then those that provide it.
    pub(super) fn candidates(&self, relation: &Relation, limits: &Limits) -> Vec<usize> {
        if !relation.is_here(&self.universe.architecture) {
            return Vec::new();
        }
        let own = self.universe.named(&relation.name).iter().copied();
        let mut own: Vec<usize> = own.filter(|at| relation.allows(&self.universe.package(*at).version)).collect();
        if self.taste == Taste::Oldest {
            own.reverse();
        }
        let mut all = own;
        all.extend(self.universe.providers(relation));
        all.retain(|at| self.within(*at, limits));
        // Stable: among the preferred, and among the others, the order stays.
        all.sort_by_key(|at| !self.is_preferred(self.universe.package(*at)));
        all
    }

    fn within(&self, at: usize, limits: &Limits) -> bool {
        let package = self.universe.package(at);
        let own = limits.get(&package.name).into_iter().flatten();
        own.into_iter().all(|(limit, _)| limit.allows(&package.version))
    }

    fn is_preferred(&self, package: &Package) -> bool {
        package.file.as_ref().is_some_and(|file| self.prefer.contains(&file.expected.sha256))
    }

    /// What to say where nobody satisfies a group.
    pub(super) fn missing(&self, group: &[Relation], by: &str) -> String {
        let name = &group[0].name;
        let there = self.versions(name);
        let why = match (there.is_empty(), self.universe.nearest(name)) {
            (false, _) => format!("there is {there}"),
            (true, Some(near)) if near != name => format!("did you mean `{near}`?"),
            _ => "no suite that the manifest names has such a package".into(),
        };
        format!("{by} needs {}, which is not to be had: {why}", shown(group))
    }

    /// The versions of a name, newest first.
    pub(super) fn versions(&self, name: &str) -> String {
        let all = self.universe.named(name).iter().take(8).map(|at| self.universe.package(*at).version.to_string());
        all.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests;
