//! The packages that are there so far: what nodes have, and what was chosen, each with who needed it first.
//! It says whether a dependency holds among them, and which of them cannot stand together.
//! Not here: choosing.

use super::closure::{Chosen, Error};
use super::universe::Universe;
use crate::rpm::expression::Expression;
use crate::rpm::relation::Relation;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Why a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The entry names it.
    Named,
    /// Another one needs it.
    NeededBy(usize),
    /// Nodes have it.
    Base,
}

/// Two that cannot stand together, and what could be left out so that another may do.
pub(super) struct Clash {
    pub(super) error: Error,
    pub(super) parties: Vec<usize>,
}

/// The packages that are there.
#[derive(Debug, Default)]
pub(super) struct Present {
    offers: BTreeMap<usize, Why>,
    by_name: HashMap<Arc<str>, Vec<usize>>,
    /// What nodes have that no repository offers.
    assumed: HashMap<Arc<str>, Relation>,
}

impl Present {
    /// Nodes have something that no repository offers: a line of `rpm -qa`, or a bare name.
    pub(super) fn assume(&mut self, text: &str) {
        const ARCHITECTURES: [&str; 6] = [".x86_64", ".noarch", ".i686", ".aarch64", ".ppc64le", ".s390x"];
        let bare = ARCHITECTURES.iter().find_map(|one| text.strip_suffix(one)).unwrap_or(text);
        let counts = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let mut parts = bare.rsplitn(3, '-');
        let (release, version, name) = (parts.next(), parts.next(), parts.next());
        let relation = match (release, version, name) {
            (Some(release), Some(version), Some(name)) if counts(version) && counts(release) => {
                Relation::exactly(name, format!("{version}-{release}"))
            }
            _ => Relation::any(bare),
        };
        self.assumed.insert(relation.name.clone(), relation);
    }

    /// Everything so far is what nodes have.
    pub(super) fn settle(&mut self) {
        self.offers.values_mut().for_each(|why| *why = Why::Base);
    }

    /// Whether it is there.
    pub(super) fn has(&self, at: usize) -> bool {
        self.offers.contains_key(&at)
    }

    /// Another version of the same package that was chosen; what nodes have can be renewed.
    pub(super) fn other_version(&self, universe: &Universe, at: usize) -> Option<usize> {
        let offer = universe.offer(at);
        let same = |there: &&usize| {
            let other = universe.offer(**there);
            **there != at
                && (other.architecture == offer.architecture || "noarch" == &*offer.architecture)
                && other.evr != offer.evr
                && self.offers.get(there) != Some(&Why::Base)
        };
        self.by_name.get(&offer.name).into_iter().flatten().find(same).copied()
    }

    /// Adds a package; says whether it is new. An older one of that name that nodes have is renewed.
    pub(super) fn add(&mut self, universe: &Universe, at: usize, by: Option<usize>) -> bool {
        if self.has(at) {
            return false;
        }
        let offer = universe.offer(at);
        let there = self.by_name.entry(offer.name.clone()).or_default();
        let twin = there.iter().any(|other| {
            let other = universe.offer(*other);
            other.architecture == offer.architecture && other.evr == offer.evr
        });
        if twin {
            return false;
        }
        there.retain(|old| match self.offers.get(old) {
            Some(Why::Base) => {
                self.offers.remove(old);
                false
            }
            _ => true,
        });
        there.push(at);
        self.assumed.remove(&offer.name);
        self.offers.insert(at, by.map_or(Why::Named, Why::NeededBy));
        true
    }

    /// Who of those that are there, but for one, provides this.
    fn provider(&self, universe: &Universe, relation: &Relation, but: Option<usize>) -> Option<usize> {
        let of = universe.providers(relation);
        of.into_iter().find(|at| Some(*at) != but && self.has(*at))
    }

    /// Whether an expression holds among those that are there, but for one.
    pub(super) fn holds(&self, universe: &Universe, expression: &Expression, but: Option<usize>) -> bool {
        let holds = |one: &Expression| self.holds(universe, one, but);
        let otherwise = |one: &Option<Box<Expression>>| one.as_ref().is_none_or(|one| holds(one));
        match expression {
            Expression::Plain(relation) => {
                self.assumed.get(&relation.name).is_some_and(|assumed| assumed.meets(relation))
                    || self.provider(universe, relation, but).is_some()
            }
            Expression::And(all) => all.iter().all(holds),
            Expression::Or(all) => all.iter().any(holds),
            Expression::With(_) | Expression::Without(..) => {
                universe.meeting(expression).into_iter().any(|at| Some(at) != but && self.has(at))
            }
            Expression::If { then, condition, otherwise: other } => {
                if holds(condition) {
                    holds(then)
                } else {
                    otherwise(other)
                }
            }
            Expression::Unless { then, condition, otherwise: other } => {
                if holds(condition) {
                    otherwise(other)
                } else {
                    holds(then)
                }
            }
        }
    }

    /// The chain from the entry to a package.
    pub(super) fn chain(&self, universe: &Universe, entry: &str, at: usize) -> String {
        let (mut chain, mut next) = (Vec::new(), Some(at));
        let mut root = entry;
        while let Some(at) = next.filter(|_| chain.len() < 1000) {
            chain.push(universe.offer(at).identity());
            next = match self.offers.get(&at) {
                Some(Why::NeededBy(by)) => Some(*by),
                Some(Why::Base) => {
                    root = "what nodes have";
                    None
                }
                _ => None,
            };
        }
        chain.push(root.to_owned());
        chain.reverse();
        chain.join(" > ")
    }

    /// What was chosen.
    pub(super) fn chosen(&self, universe: &Universe, entry: &str) -> Vec<Chosen> {
        let chosen = self.offers.iter().filter(|(_, why)| **why != Why::Base);
        chosen.map(|(at, _)| Chosen { offer: *at, because: self.chain(universe, entry, *at) }).collect()
    }

    /// Two that cannot stand together, one of them chosen.
    pub(super) fn clash(&self, universe: &Universe, entry: &str) -> Option<Clash> {
        let mut chosen = self.offers.iter().filter(|(_, why)| **why != Why::Base).map(|(at, _)| *at);
        chosen.find_map(|at| {
            let replaced = self.replaced_by(universe, at).map(|other| {
                let how = "replaces, so that only one of them can be installed,".to_owned();
                (how, Some(other), String::new())
            });
            let conflicts = || universe.offer(at).conflicts.iter().find_map(|one| self.conflict(universe, at, one));
            let (how, other, told) = replaced.or_else(conflicts)?;
            let other_told = other.map_or(told, |other| self.chain(universe, entry, other));
            let error = Error::Clash { one: self.chain(universe, entry, at), how, other: other_told };
            Some(Clash { error, parties: other.into_iter().chain([at]).flat_map(|at| self.unnamed(at)).collect() })
        })
    }

    /// A package and those on the way to it, as far as the entry does not name them.
    fn unnamed(&self, at: usize) -> Vec<usize> {
        let (mut chain, mut next) = (Vec::new(), at);
        while let Some(Why::NeededBy(by)) = self.offers.get(&next).filter(|_| chain.len() < 1000) {
            chain.push(next);
            next = *by;
        }
        chain
    }

    /// How a conflict of a package comes true, with which other, or with what that is not one package.
    fn conflict(&self, universe: &Universe, at: usize, relation: &Relation) -> Option<(String, Option<usize>, String)> {
        let how = format!("conflicts with `{relation}`, which is provided by");
        let expression = Expression::of(relation).ok()?;
        if let Expression::Plain(relation) = &expression {
            if let Some(other) = self.provider(universe, relation, Some(at)) {
                return Some((how, Some(other), String::new()));
            }
            let assumed = self.assumed.get(&relation.name).filter(|assumed| assumed.meets(relation))?;
            return Some((how, None, format!("what nodes have > {assumed}")));
        }
        self.holds(universe, &expression, Some(at)).then(|| (how, None, expression.to_string()))
    }

    /// A chosen package that another one replaces.
    fn replaced_by(&self, universe: &Universe, at: usize) -> Option<usize> {
        let offer = universe.offer(at);
        let names = offer.obsoletes.iter().map(|relation| &relation.name).filter(|name| **name != offer.name);
        let mut there = names.filter_map(|name| self.by_name.get(name)).flatten().copied();
        there.find(|other| self.offers.get(other) != Some(&Why::Base) && universe.replaces(at, *other))
    }
}
