//! One try at a closure: what is chosen so far, and what is still needed.
//! Plain needs come before those with alternatives, so that an alternative that comes anyway is seen.
//! Not here: the next try, after a choice turned out to be wrong.

use super::package::{self, Package};
use super::relation::{Relation, shown};
use super::solve::{Chosen, Closure, Error, Limits, Request};
use super::universe::provided;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Links of a chain of reasons that are shown; Debian's longest have ten.
pub(super) const LONGEST_CHAIN: usize = 16;

/// How a try went.
pub(super) enum Step {
    /// Nothing is needed any more.
    Done,
    /// A choice was too wide: next time this must hold, because of this chain.
    Narrow(Relation, String),
}

/// A group of alternatives, and who needs it.
#[derive(Clone)]
struct Need {
    group: Vec<Relation>,
    by: Vec<String>,
    /// Whether it may be left out.
    weak: bool,
    /// Whether what nodes have does not count: it was asked for by name, or must be newer.
    anew: bool,
}

/// What a chosen package says of others.
struct Links {
    provides: Vec<Relation>,
    against: Vec<Relation>,
    needs: Vec<Vec<Relation>>,
}

/// A try.
pub(super) struct State<'a> {
    request: &'a Request<'a>,
    limits: &'a Limits,
    chosen: BTreeMap<String, (Chosen, Links)>,
    plain: VecDeque<Need>,
    open: VecDeque<Need>,
    missing: BTreeSet<String>,
    notes: BTreeSet<String>,
}

impl<'a> State<'a> {
    pub(super) fn new(request: &'a Request<'a>, limits: &'a Limits) -> State<'a> {
        let by = vec![request.entry.to_owned()];
        let root = |root: &Relation| Need { group: vec![root.clone()], by: by.clone(), weak: false, anew: true };
        State {
            request,
            limits,
            chosen: BTreeMap::new(),
            plain: request.roots.iter().map(root).collect(),
            open: VecDeque::new(),
            missing: BTreeSet::new(),
            notes: BTreeSet::new(),
        }
    }

    /// Works until nothing is needed, or a choice must be narrowed.
    pub(super) fn run(&mut self) -> Result<Step, Error> {
        loop {
            while let Some(need) = self.plain.pop_front().or_else(|| self.open.pop_front()) {
                if let Some(step) = self.meet(need)? {
                    return Ok(step);
                }
            }
            self.look_again()?;
            if self.plain.is_empty() && self.open.is_empty() {
                return Ok(Step::Done);
            }
        }
    }

    /// What was chosen.
    pub(super) fn closure(self) -> Result<Closure, Error> {
        if !self.missing.is_empty() {
            return Err(Error::Missing { missing: self.missing.into_iter().collect() });
        }
        let chosen = self.chosen.into_values().map(|(chosen, _)| chosen).collect();
        Ok(Closure { chosen, notes: self.notes.into_iter().collect() })
    }

    fn meet(&mut self, need: Need) -> Result<Option<Step>, Error> {
        let met = |relation: &Relation| self.is_chosen(relation) || (!need.anew && self.is_in_base(relation));
        if need.group.iter().any(met) {
            return Ok(None);
        }
        let (mut excluded, mut narrow) = (None, None);
        for relation in &need.group {
            let candidates = self.request.candidates(relation, self.limits);
            for at in candidates {
                let package = self.request.universe.package(at);
                if self.chosen.contains_key(&package.name) {
                    narrow = narrow.or_else(|| (package.name == relation.name).then(|| relation.clone()));
                    continue;
                }
                let links = links(package, self.architecture())?;
                match self.excludes(package, &links) {
                    Some(why) => excluded = excluded.or(Some((at, why))),
                    None => {
                        self.choose(at, links, &need)?;
                        return Ok(None);
                    }
                }
            }
        }
        let by = need.by.join(" > ");
        // What may be left out does not narrow what must be there.
        if let Some(relation) = narrow.filter(|_| !need.weak) {
            return Ok(Some(Step::Narrow(relation, by)));
        }
        let why = match excluded {
            Some((at, (what, other))) => {
                let one = format!("{by} > {}", self.request.universe.package(at));
                Error::Conflict { what, one, other }
            }
            None => self.refusal(&need, by),
        };
        match why {
            _ if need.weak => {
                self.notes.insert(format!(
                    "{} recommends {}, which is left out",
                    need.by.join(" > "),
                    shown(&need.group)
                ));
                Ok(None)
            }
            Error::Missing { missing } => {
                self.missing.extend(missing);
                Ok(None)
            }
            why => Err(why),
        }
    }

    /// Why a group has no candidate: it does not exist, or others allow only what it does not.
    fn refusal(&self, need: &Need, by: String) -> Error {
        for relation in &need.group {
            let exist = self.request.candidates(relation, &Limits::new());
            let Some(at) = exist.first() else { continue };
            let name = self.request.universe.package(*at).name.clone();
            let Some(limits) = self.limits.get(&name) else { continue };
            let mut wants: Vec<String> = limits.iter().map(|(limit, by)| format!("  {by} wants {limit}")).collect();
            wants.push(format!("  {by} wants {relation}"));
            wants.dedup();
            return Error::Clash { there: self.request.versions(&name), name, wants };
        }
        Error::Missing { missing: vec![self.request.missing(&need.group, &by)] }
    }

    fn choose(&mut self, at: usize, links: Links, need: &Need) -> Result<(), Error> {
        let package = self.request.universe.package(at);
        let because = longer(&need.by, package.to_string());
        for group in &links.needs {
            self.needs(group.clone(), &because, false, false);
        }
        if self.request.recommends {
            for group in package.relations("Recommends", self.architecture())? {
                self.needs(group, &because, true, false);
            }
        }
        self.chosen.insert(package.name.clone(), (Chosen { at, because }, links));
        Ok(())
    }

    fn needs(&mut self, group: Vec<Relation>, by: &[String], weak: bool, anew: bool) {
        let plain = group.len() == 1 && !weak && !self.request.universe.named(&group[0].name).is_empty();
        let need = Need { group, by: by.to_vec(), weak, anew };
        if plain { self.plain.push_back(need) } else { self.open.push_back(need) }
    }

    /// A package that replaces one of the base may leave others of the base, or earlier choices, without what they
    /// had: those need it anew, or must be newer themselves.
    fn look_again(&mut self) -> Result<(), Error> {
        let mut again: Vec<(Vec<Relation>, Vec<String>, bool)> = Vec::new();
        for (chosen, links) in self.chosen.values() {
            let unmet = links.needs.iter().filter(|group| !self.is_met(group));
            again.extend(unmet.map(|group| (group.clone(), chosen.because.clone(), false)));
        }
        let base = self.request.base;
        for package in base.packages().filter(|package| !self.chosen.contains_key(&package.name)) {
            let own = links(package, self.architecture())?;
            let was_met = |group: &&Vec<Relation>| {
                group.iter().any(|relation| base.satisfies(relation, |_| false, self.architecture()))
            };
            let lost = own.needs.iter().filter(was_met).find(|group| !self.is_met(group));
            let replaced = lost.and_then(|group| group.iter().find_map(|relation| self.chosen.get(&relation.name)));
            let broken = self.chosen.values().find(|(chosen, links)| {
                let other = self.request.universe.package(chosen.at);
                excludes(links, package, &own) || excludes(&own, other, links)
            });
            if let Some((by, _)) = replaced.or(broken) {
                let newer = Relation { name: package.name.clone(), qualifier: None, version: None };
                again.push((vec![newer], by.because.clone(), true));
            }
        }
        for (group, by, anew) in again {
            let text = shown(&group);
            if self.missing.iter().any(|known| known.contains(&format!(" needs {text}, "))) {
                continue;
            }
            self.needs(group, &by, false, anew);
        }
        Ok(())
    }

    fn is_met(&self, group: &[Relation]) -> bool {
        group.iter().any(|relation| self.is_chosen(relation) || self.is_in_base(relation))
    }

    fn is_chosen(&self, relation: &Relation) -> bool {
        let own = self.chosen.get(&relation.name).map(|(chosen, _)| self.request.universe.package(chosen.at));
        relation.is_here(self.architecture())
            && (own.is_some_and(|own| relation.allows(&own.version))
                || self.chosen.values().any(|(_, links)| stands(&links.provides, relation)))
    }

    fn is_in_base(&self, relation: &Relation) -> bool {
        relation.is_here(self.architecture())
            && self.request.base.satisfies(relation, |name| self.chosen.contains_key(name), self.architecture())
    }

    /// What was chosen and excludes a package, or is excluded by it.
    fn excludes(&self, package: &Package, links: &Links) -> Option<(String, String)> {
        self.chosen.values().find_map(|(chosen, others)| {
            let other = self.request.universe.package(chosen.at);
            let what = match (excludes(others, package, links), excludes(links, other, others)) {
                (true, _) => format!("{other} and {package}"),
                (_, true) => format!("{package} and {other}"),
                _ => return None,
            };
            Some((what, chosen.because.join(" > ")))
        })
    }

    fn architecture(&self) -> &'a str {
        &self.request.universe.architecture
    }
}

/// A chain of reasons with one more; of a long one the middle goes, for an archive could make it endless.
fn longer(chain: &[String], last: String) -> Vec<String> {
    let mut chain = chain.to_vec();
    if chain.len() > LONGEST_CHAIN {
        chain.splice(2..4, ["…".to_owned()]);
    }
    chain.push(last);
    chain
}

/// Whether the owner of some links cannot stand beside a package.
fn excludes(owner: &Links, package: &Package, of_package: &Links) -> bool {
    owner.against.iter().any(|relation| {
        (relation.name == package.name && relation.allows(&package.version)) || stands(&of_package.provides, relation)
    })
}

/// Whether provided names satisfy a relation.
fn stands(provides: &[Relation], relation: &Relation) -> bool {
    provides
        .iter()
        .any(|name| name.name == relation.name && provided(relation, name.version.as_ref().map(|(_, version)| version)))
}

fn links(package: &Package, architecture: &str) -> Result<Links, package::Error> {
    let flat = |field| package.relations(field, architecture).map(|groups| groups.into_iter().flatten());
    let mut needs = package.relations("Pre-Depends", architecture)?;
    needs.extend(package.relations("Depends", architecture)?);
    Ok(Links {
        provides: package.provides(architecture)?,
        against: flat("Conflicts")?.chain(flat("Breaks")?).collect(),
        needs,
    })
}
