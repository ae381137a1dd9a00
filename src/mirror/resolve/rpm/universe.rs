//! All packages that some repositories offer, found by what they provide, and what nodes have already.
//! Looking is pure and in one order; the best of several is chosen in `choice`.
//! Not here: what is needed (`closure`).

use super::primary::Offer;
use crate::rpm::expression::Expression;
use crate::rpm::relation::Relation;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use words::digest::Sha256;
use words::problem::nearest;

/// What can be chosen from.
#[derive(Debug, Default)]
pub struct Universe {
    offers: Vec<Offer>,
    by_name: HashMap<Arc<str>, Vec<usize>>,
    by_provided: HashMap<Arc<str>, Vec<usize>>,
    by_replaced: HashMap<Arc<str>, Vec<usize>>,
    by_file: HashMap<Arc<str>, Vec<usize>>,
    groups: BTreeMap<String, Vec<String>>,
}

impl Universe {
    /// All offers of all repositories, and their groups.
    pub fn of(offers: Vec<Offer>, groups: BTreeMap<String, Vec<String>>) -> Universe {
        let mut universe = Universe { groups, ..Universe::default() };
        for (at, offer) in offers.iter().enumerate() {
            universe.by_name.entry(offer.name.clone()).or_default().push(at);
            let put = |map: &mut HashMap<Arc<str>, Vec<usize>>, name: &Arc<str>| {
                let there = map.entry(name.clone()).or_default();
                if there.last() != Some(&at) {
                    there.push(at);
                }
            };
            put(&mut universe.by_provided, &offer.name);
            offer.provides.iter().for_each(|relation| put(&mut universe.by_provided, &relation.name));
            offer.obsoletes.iter().for_each(|relation| put(&mut universe.by_replaced, &relation.name));
        }
        universe.offers = offers;
        universe
    }

    /// Takes in which packages, by digest, bring which files.
    pub fn add_files(&mut self, repository: usize, found: Vec<(Sha256, Arc<str>)>) {
        let mine = self.offers.iter().enumerate().filter(|(_, offer)| offer.repository == repository);
        let by_digest: HashMap<Sha256, usize> = mine.map(|(at, offer)| (offer.expected.sha256, at)).collect();
        for (digest, path) in found {
            let Some(at) = by_digest.get(&digest) else { continue };
            let there = self.by_file.entry(path).or_default();
            if !there.contains(at) {
                there.push(*at);
            }
        }
    }

    /// An offer.
    pub fn offer(&self, at: usize) -> &Offer {
        &self.offers[at]
    }

    /// All offers.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Who provides this, in the order of the repositories.
    pub fn providers(&self, relation: &Relation) -> Vec<usize> {
        let listed = self.by_provided.get(&relation.name).into_iter().flatten().copied();
        let files = self.by_file.get(&relation.name).into_iter().flatten().copied();
        let mut found: Vec<usize> = listed.filter(|at| self.provides(*at, relation)).chain(files).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether an offer provides this.
    pub fn provides(&self, at: usize, relation: &Relation) -> bool {
        let offer = &self.offers[at];
        (offer.name == relation.name && offer.own().meets(relation))
            || offer.provides.iter().any(|provided| provided.meets(relation))
            || self.by_file.get(&relation.name).is_some_and(|there| there.contains(&at))
    }

    /// The offers that meet `(a with b)` or `(a without b)` alone.
    pub fn meeting(&self, expression: &Expression) -> Vec<usize> {
        match expression {
            Expression::Plain(relation) => self.providers(relation),
            Expression::With(all) => {
                let mut sets = all.iter().map(|one| self.meeting(one));
                let first = sets.next().unwrap_or_default();
                sets.fold(first, |left, right| left.into_iter().filter(|at| right.contains(at)).collect())
            }
            Expression::Without(one, other) => {
                let without = self.meeting(other);
                self.meeting(one).into_iter().filter(|at| !without.contains(at)).collect()
            }
            Expression::Or(all) => all.iter().flat_map(|one| self.meeting(one)).collect(),
            Expression::And(_) | Expression::If { .. } | Expression::Unless { .. } => Vec::new(),
        }
    }

    /// The offers of other names that replace this one.
    pub fn replacing(&self, at: usize) -> impl Iterator<Item = usize> {
        let offer = &self.offers[at];
        let there = self.by_replaced.get(&offer.name).into_iter().flatten().copied();
        there.filter(move |other| self.offers[*other].name != offer.name && self.replaces(*other, at))
    }

    /// Whether one offer replaces another.
    pub fn replaces(&self, one: usize, other: usize) -> bool {
        let own = self.offers[other].own();
        self.offers[one].obsoletes.iter().any(|relation| relation.meets(&own))
    }

    /// The packages of a group.
    pub fn group(&self, id: &str) -> Option<&[String]> {
        self.groups.get(id).map(Vec::as_slice)
    }

    /// All offers of a name.
    pub fn named(&self, name: &str) -> &[usize] {
        self.by_name.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The offers that `name.architecture`, `name-version`, `name-1:2.0-3.el9` or with both means.
    pub fn pinned(&self, text: &str) -> Vec<usize> {
        let dashes = text.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let dots = text.rsplit_once('.');
        let mut found: Vec<usize> = dashes.flat_map(|(name, rest)| self.matching(name, rest, version_is)).collect();
        found.extend(dots.into_iter().flat_map(|(name, rest)| {
            self.matching(name, rest, |offer, architecture| *offer.architecture == *architecture)
        }));
        found
    }

    fn matching<'a>(
        &'a self,
        name: &str,
        rest: &'a str,
        fits: fn(&Offer, &str) -> bool,
    ) -> impl Iterator<Item = usize> + 'a {
        self.named(name).iter().copied().filter(move |at| fits(&self.offers[*at], rest))
    }

    /// The nearest that is known to something that nobody provides.
    pub fn near(&self, name: &str) -> Option<&str> {
        let bare = name.split([' ', '-']).next().unwrap_or(name);
        let mut names: Vec<&str> = self.by_name.keys().map(|name| &**name).collect();
        names.sort_unstable();
        let starts = names.iter().copied().find(|known| bare.len() > 2 && known.starts_with(bare));
        nearest(name, names.iter().copied()).or(starts)
    }
}

fn version_is(offer: &Offer, text: &str) -> bool {
    let evr: &str = &offer.evr;
    let without_epoch = evr.split_once(':').map_or(evr, |(_, rest)| rest);
    let version = without_epoch.split('-').next().unwrap_or(without_epoch);
    let text = text.strip_prefix("0:").unwrap_or(text);
    let bare = text.strip_suffix(&*offer.architecture).and_then(|text| text.strip_suffix('.'));
    [Some(text), bare].into_iter().flatten().any(|text| [evr, without_epoch, version].contains(&text))
}
