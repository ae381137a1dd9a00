//! Which of several packages is taken: what dnf would take as a rule, and always the same one.
//! In order: not replaced, of the very name, locked before, of no module, of the first architecture, short, new.
//! Not here: what they are taken for.

use super::universe::Universe;
use crate::rpm::version;
use std::cmp::Ordering;

/// What the order depends on.
#[derive(Debug, Clone, Copy)]
pub struct Taste<'a> {
    /// What can be chosen from.
    pub universe: &'a Universe,
    /// Architectures, the first is preferred; `noarch` is as good as the first.
    pub architectures: &'a [String],
}

impl Taste<'_> {
    /// The best of some offers for something of this name.
    pub fn best(&self, of: &[usize], name: &str) -> Option<usize> {
        of.iter().copied().min_by(|one, other| self.order(*one, *other, name))
    }

    /// The names of other packages that would have done as well as the best, where its name did not decide.
    pub fn rivals(&self, of: &[usize], best: usize, name: &str) -> Vec<String> {
        let universe = self.universe;
        let chosen = universe.offer(best);
        if *chosen.name == *name || chosen.agreed {
            return Vec::new();
        }
        let rank = |at: usize| (universe.replacing(at).next().is_some(), universe.offer(at).is_modular());
        let equal = of.iter().filter(|at| rank(**at) == rank(best) && universe.offer(**at).name != chosen.name);
        let mut names: Vec<String> = equal.map(|at| universe.offer(*at).name.to_string()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn order(&self, one: usize, other: usize, name: &str) -> Ordering {
        let (left, right) = (self.universe.offer(one), self.universe.offer(other));
        let rank = |at: usize| {
            let offer = self.universe.offer(at);
            let replaced = self.universe.replacing(at).next().is_some();
            (replaced, *offer.name != *name, !offer.agreed, offer.is_modular(), self.foreign(&offer.architecture))
        };
        rank(one)
            .cmp(&rank(other))
            .then_with(|| left.name.len().cmp(&right.name.len()))
            .then_with(|| left.name.cmp(&right.name))
            .then_with(|| version::order(&right.evr, &left.evr))
            .then_with(|| left.repository.cmp(&right.repository))
            .then_with(|| left.address.cmp(&right.address))
    }

    /// How far an architecture is from the preferred one.
    fn foreign(&self, architecture: &str) -> usize {
        match architecture {
            "noarch" => 0,
            other => self.architectures.iter().filter(|one| *one != "noarch").position(|one| one == other).unwrap_or(9),
        }
    }
}
