//! The visit: every POM that a Maven client reads while it resolves the same request, so that a mirror can hold them.
//! Maven 3 before 3.9 reads the POMs of those who lose mediation too, and of all that those want; so do we.
//! Not here: choosing versions. Where a range allows several, the one that was granted is visited, or the highest.

use super::coordinate::Coordinate;
use super::error::Trouble;
use super::library::{Library, Read, Reason};
use super::mediate::Graph;
use super::model::Model;
use super::relocation::{End, Followed, follow};
use super::scope::Scope;
use super::version::Constraint;
use super::wish::{Exclusions, Management, Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Different exclusions under which one POM is visited; beyond, what all of them exclude is taken.
const MAX_VARIANTS: usize = 16;

/// What was met.
#[derive(Debug, Default)]
pub(super) struct Visited {
    pub(super) poms: BTreeMap<Coordinate, Vec<String>>,
    pub(super) warnings: Vec<String>,
}

struct Visit<'a> {
    library: &'a Library<'a>,
    management: &'a Management,
    graph: &'a Graph,
    /// The places that were entered, with the one above.
    places: Vec<(Coordinate, Option<usize>)>,
    /// The smallest sets of exclusions under which what is below a POM was visited.
    variants: BTreeMap<Coordinate, Vec<Exclusions>>,
    out: Visited,
}

/// Reads everything that a client would.
pub(super) fn visit(library: &Library<'_>, management: &Management, roots: &[Wish], graph: &Graph) -> Visited {
    let (places, variants) = (Vec::new(), BTreeMap::new());
    let mut visit = Visit { library, management, graph, places, variants, out: Visited::default() };
    for bom in &management.boms {
        visit.note(library.management(bom, &[]).iter().flat_map(|model| &model.read), None);
    }
    let mut level: Vec<(Option<usize>, Wish)> = roots.iter().map(|wish| (None, wish.clone())).collect();
    while !level.is_empty() {
        let versioned: Vec<_> =
            level.into_iter().filter_map(|(above, wish)| Some((above, visit.version(&wish)?, wish))).collect();
        let poms = versioned.iter().filter(|(_, _, wish)| wish.scope != Scope::System);
        library.prefetch(poms.filter_map(|(_, version, wish)| Some(wish.key.at(version).ok()?.pom())).collect());
        level = versioned.into_iter().flat_map(|(above, version, wish)| visit.enter(above, &version, wish)).collect();
    }
    visit.out.warnings.sort();
    visit.out.warnings.dedup();
    visit.out
}

impl Visit<'_> {
    fn version(&self, wish: &Wish) -> Option<String> {
        let Ok(Constraint::Hard(ranges)) = wish.constraint() else {
            return Some(wish.plain_version(self.library));
        };
        let granted = self.graph.version_of(&wish.key).filter(|version| ranges.contains(version));
        granted.map(str::to_owned).or_else(|| wish.versions(self.library, &ranges).ok()?.into_iter().next())
    }

    fn enter(&mut self, above: Option<usize>, version: &str, wish: Wish) -> Vec<(Option<usize>, Wish)> {
        let Followed { wish, passed, end, .. } = follow(self.library, self.management, wish, version);
        passed.iter().for_each(|model| self.note(&model.read, above));
        match end {
            End::Excluded | End::Impossible(_) | End::Artifact(_, None) => Vec::new(),
            End::Artifact(coordinate, Some(Ok(model))) => {
                self.note(&model.read, above);
                self.below(above, coordinate, wish, &model)
            }
            End::Artifact(coordinate, Some(Err(failure))) => {
                self.note(&failure.read, above);
                // What is granted has no failure here, so this one lost.
                let stops = failure.reason == Reason::Missing && failure.pom != coordinate.pom();
                let then = if stops { "stop" } else { "warn" };
                let trouble = Trouble::of_failure(self.library, &failure, &self.chain(above));
                let lost = format!("`{coordinate}` lost to another version, yet Maven before 3.9 would read its POM");
                self.out.warnings.push(format!("{lost} and {then}: {trouble}"));
                Vec::new()
            }
        }
    }

    fn below(
        &mut self,
        above: Option<usize>,
        here: Coordinate,
        mut wish: Wish,
        model: &Model,
    ) -> Vec<(Option<usize>, Wish)> {
        if let Some(mistake) = &model.mistake {
            self.out.warnings.push(format!("Maven ignores the dependencies of `{here}`: {mistake}"));
        }
        match self.variant(&here, &wish.inner) {
            Some(exclusions) => wish.inner = exclusions,
            None => return Vec::new(),
        }
        let below = self.management.below(&wish, model);
        self.places.push((here, above));
        let at = Some(self.places.len() - 1);
        below.into_iter().map(|wish| (at, wish)).collect()
    }

    /// The exclusions under which to look below a POM; none if it was looked at with no more than these.
    fn variant(&mut self, here: &Coordinate, exclusions: &Exclusions) -> Option<Exclusions> {
        let variants = self.variants.entry(here.pom()).or_default();
        if variants.iter().any(|known| known.is_subset(exclusions)) {
            return None;
        }
        variants.retain(|known| !exclusions.is_subset(known));
        variants.push(Arc::clone(exclusions));
        if variants.len() > MAX_VARIANTS {
            let all: BTreeSet<_> = variants.iter().skip(1).fold((*variants[0]).clone(), |all, one| &all & one);
            *variants = vec![Arc::new(all)];
        }
        variants.last().cloned()
    }

    fn note<'r>(&mut self, read: impl IntoIterator<Item = &'r Read>, above: Option<usize>) {
        for read in read {
            if !self.out.poms.contains_key(&read.pom) {
                let mut because = self.chain(above);
                because.extend(read.because.iter().map(ToString::to_string));
                self.out.poms.insert(read.pom.clone(), because);
            }
        }
    }

    fn chain(&self, above: Option<usize>) -> Vec<String> {
        let up = std::iter::successors(above, |at| self.places[*at].1);
        let mut chain: Vec<String> = up.map(|at| self.places[at].0.to_string()).collect();
        chain.reverse();
        chain
    }
}
