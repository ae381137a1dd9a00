//! Scopes: what a dependency is for, how that is inherited, and which artifacts a running program needs.
//! Where an artifact is wanted for several things, the widest counts, as in Maven.
//! Not here: which dependencies are followed at all.

use super::coordinate::Coordinate;
use super::mediate::Graph;
use std::collections::{BTreeMap, BTreeSet};

/// What a dependency is for, widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    Compile,
    Runtime,
    /// A word that Maven does not know, such as `optional`: it resolves the artifact and what that needs.
    Unknown,
    Provided,
    Test,
    /// A file of the machine, not of a repository.
    System,
}

impl Scope {
    /// From a POM; nothing means compile.
    pub(super) fn of(text: &str) -> Scope {
        match text {
            "" | "compile" => Scope::Compile,
            "runtime" => Scope::Runtime,
            "test" => Scope::Test,
            "system" => Scope::System,
            "provided" => Scope::Provided,
            _ => Scope::Unknown,
        }
    }

    /// What a dependency is for, seen from the root above its parent.
    fn below(self, parent: Scope) -> Scope {
        match (parent, self) {
            (_, Scope::System | Scope::Test) => self,
            (Scope::Compile, _) => self,
            (Scope::Test | Scope::Runtime, _) => parent,
            (Scope::System | Scope::Provided, _) => Scope::Provided,
            (Scope::Unknown, _) => Scope::Runtime,
        }
    }
}

/// Whether an installation resolves what is for this.
fn is_resolved(scope: Option<Scope>) -> bool {
    matches!(scope, Some(Scope::Compile | Scope::Runtime | Scope::Unknown))
}

/// The artifacts that are resolved for the run time, each with those that want it.
pub(super) fn at_run_time(graph: &Graph) -> BTreeMap<Coordinate, Vec<String>> {
    let scopes = effective(graph);
    let needed = graph.granted.iter().zip(&scopes).enumerate();
    let needed = needed.filter(|(_, (_, scope))| is_resolved(**scope));
    needed.filter_map(|(at, (granted, _))| Some((granted.coordinate.clone()?, graph.chain_to(at)))).collect()
}

/// The chains through all others that want an artifact at run time; the one that granted it is not repeated.
pub(super) fn also_wanted(graph: &Graph) -> BTreeMap<Coordinate, Vec<Vec<String>>> {
    let scopes = effective(graph);
    let mut chains = BTreeMap::new();
    for (at, granted) in graph.granted.iter().enumerate() {
        let (Some(coordinate), true) = (&granted.coordinate, is_resolved(scopes[at])) else { continue };
        let others = granted.wanted.iter().filter_map(|(parent, _)| *parent).filter(|one| is_resolved(scopes[*one]));
        let others: BTreeSet<usize> = others.filter(|one| Some(*one) != granted.parent).collect();
        let told: Vec<Vec<String>> = others.into_iter().map(|one| graph.chain_below(Some(one))).collect();
        if !told.is_empty() {
            chains.insert(coordinate.clone(), told);
        }
    }
    chains
}

/// The scope of each granted wish. Those only widen, so going over them until nothing changes ends.
fn effective(graph: &Graph) -> Vec<Option<Scope>> {
    let mut scopes: Vec<Option<Scope>> = vec![None; graph.granted.len()];
    loop {
        let mut changed = false;
        for at in 0..scopes.len() {
            let scope = widest(graph, &scopes, at);
            changed |= scope != scopes[at];
            scopes[at] = scope;
        }
        if !changed {
            return scopes;
        }
    }
}

fn widest(graph: &Graph, scopes: &[Option<Scope>], at: usize) -> Option<Scope> {
    let granted = &graph.granted[at];
    if granted.wish.depth == 1 || granted.wish.scope == Scope::System {
        return Some(granted.wish.scope);
    }
    let seen = granted.wanted.iter().filter_map(|(parent, scope)| Some(scope.below(scopes[(*parent)?]?)));
    seen.min()
}
