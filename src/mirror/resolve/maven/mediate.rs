//! Mediation: of all versions of an artifact that are wanted, the nearest to a root is granted, the first among equals.
//! Breadth first, so a wish below one that lost is never looked at; ranges are demands on whoever is granted, and since
//! they may stand anywhere, the search is repeated with those it met until they are those it started with.
//! Not here: the POMs of those who lost, which `visit` reads.

use super::Repository;
use super::coordinate::{Coordinate, Key};
use super::error::{Trouble, What};
use super::library::{Failure, Library};
use super::model::Model;
use super::relocation::{End, Followed, follow};
use super::scope::Scope;
use super::version::{Constraint, Ranges};
use super::wish::{Management, Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Searches after which demands are only added and not taken back, so that the search must end.
const PATIENCE: usize = 16;
/// Searches after which it is given up.
const MAX_ROUNDS: usize = 200;

/// The outcome: every artifact once, in the order in which it was granted.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) granted: Vec<Granted>,
    refused: Vec<Refused>,
    /// Those whose version others do not accept, under the name of what they want.
    overruled: Vec<(Key, Wish, Option<usize>)>,
    by_key: BTreeMap<Key, usize>,
}

/// One artifact in the version that was chosen.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) wish: Wish,
    /// None if no such artifact can exist; then there is a trouble.
    pub(super) coordinate: Option<Coordinate>,
    pub(super) parent: Option<usize>,
    /// All that want it: who, and for what.
    pub(super) wanted: Vec<(Option<usize>, Scope)>,
    model: Option<Arc<Model>>,
    trouble: Option<Refusal>,
}

/// A wish that makes the whole request impossible.
#[derive(Debug)]
struct Refused {
    wish: Wish,
    pub(super) parent: Option<usize>,
    why: Refusal,
}

#[derive(Debug, Clone)]
enum Refusal {
    Failure(Box<Failure>),
    Told(What),
}

/// What a search found out that it should have known from its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    demands: BTreeMap<Key, BTreeSet<Ranges>>,
    /// Names that mean the same artifact because of relocations; each points to a smaller one.
    same: BTreeMap<Key, Key>,
}

impl Known {
    /// The one name of an artifact.
    fn name(&self, key: &Key) -> Key {
        let mut name = key;
        while let Some(smaller) = self.same.get(name) {
            name = smaller;
        }
        name.clone()
    }

    fn unite(&mut self, names: &[Key]) {
        for pair in names.windows(2) {
            let (one, other) = (self.name(&pair[0]), self.name(&pair[1]));
            if one != other {
                let (smaller, larger) = if one < other { (one, other) } else { (other, one) };
                self.same.insert(larger, smaller);
            }
        }
    }

    fn accepts(&self, name: &Key, version: &str) -> bool {
        self.demands.get(name).is_none_or(|demands| demands.iter().all(|demand| demand.contains(version)))
    }
}

/// Chooses a version of every artifact that the roots need.
pub(super) fn mediate(library: &Library<'_>, management: &Management, roots: &[Wish]) -> Graph {
    let mut known = Known::default();
    for round in 0..MAX_ROUNDS {
        let mut search =
            Search { library, management, known: &known, found: Known::default(), graph: Graph::default() };
        search.found.same = known.same.clone();
        search.run(roots.to_vec());
        let Search { mut found, mut graph, .. } = search;
        if round >= PATIENCE {
            for (key, demands) in &known.demands {
                found.demands.entry(key.clone()).or_default().extend(demands.iter().cloned());
            }
        }
        if found == known || round + 1 == MAX_ROUNDS {
            graph.settle_overruled();
            return graph;
        }
        known = found;
    }
    Graph::default()
}

struct Search<'a> {
    library: &'a Library<'a>,
    management: &'a Management,
    known: &'a Known,
    found: Known,
    graph: Graph,
}

/// A wish with the granted one that has it, and what came of it.
struct Candidate {
    pub(super) parent: Option<usize>,
    wish: Wish,
    demand: Option<Ranges>,
    version: Result<String, Pick>,
}

/// Why there is no version to look at.
enum Pick {
    /// Others demand another one; they will be granted.
    Overruled,
    Refused(Refusal),
}

impl Search<'_> {
    fn run(&mut self, roots: Vec<Wish>) {
        let mut level: Vec<(Option<usize>, Wish)> = roots.into_iter().map(|wish| (None, wish)).collect();
        while !level.is_empty() {
            let candidates: Vec<Candidate> =
                level.into_iter().map(|(parent, wish)| self.candidate(parent, wish)).collect();
            // The POMs of losers too: only they tell that two names mean one artifact.
            self.library.prefetch(candidates.iter().filter_map(Candidate::pom).collect());
            level = candidates.into_iter().flat_map(|candidate| self.decide(candidate)).collect();
        }
    }

    /// The version of a wish that could be granted.
    fn candidate(&self, parent: Option<usize>, wish: Wish) -> Candidate {
        let told = |what| Err(Pick::Refused(Refusal::Told(what)));
        let name = self.known.name(&wish.key);
        let (demand, version) = match wish.constraint() {
            Err(what) => (None, told(What::Unusable(what))),
            Ok(Constraint::Soft(_)) => {
                let version = wish.plain_version(self.library);
                let accepted = self.known.accepts(&name, &version);
                (None, if accepted { Ok(version) } else { Err(Pick::Overruled) })
            }
            Ok(Constraint::Hard(ranges)) => {
                let version = match wish.versions(self.library, &ranges) {
                    Err(reason) => told(What::of_reason(self.library, &wish.key, reason)),
                    Ok(versions) if versions.is_empty() => told(What::NoneInRange(ranges.to_string())),
                    Ok(versions) => {
                        let accepted = versions.into_iter().find(|version| self.known.accepts(&name, version));
                        accepted.ok_or(Pick::Overruled)
                    }
                };
                (Some(ranges), version)
            }
        };
        Candidate { parent, wish, demand, version }
    }

    /// Grants a wish or not; what it wishes in turn if it is granted.
    fn decide(&mut self, candidate: Candidate) -> Vec<(Option<usize>, Wish)> {
        let Candidate { parent, wish, demand, version } = candidate;
        let followed = match version {
            Ok(version) => follow(self.library, self.management, wish, &version),
            Err(Pick::Overruled) => {
                self.note_demand(&wish.key, demand);
                self.overrule(wish, parent);
                return Vec::new();
            }
            Err(Pick::Refused(why)) => {
                self.graph.refused.push(Refused { wish, parent, why });
                return Vec::new();
            }
        };
        if matches!(followed.end, End::Excluded) {
            return Vec::new();
        }
        if followed.names.len() == 1 {
            self.note_demand(&followed.wish.key, demand);
        }
        self.found.unite(&followed.names);
        self.grant(parent, followed)
    }

    fn note_demand(&mut self, key: &Key, demand: Option<Ranges>) {
        if let Some(demand) = demand {
            self.found.demands.entry(self.known.name(key)).or_default().insert(demand);
        }
    }

    fn overrule(&mut self, wish: Wish, parent: Option<usize>) {
        self.graph.overruled.push((self.known.name(&wish.key), wish, parent));
    }

    /// Grants what is nearest; the search goes level by level, so that is whoever comes first.
    fn grant(&mut self, parent: Option<usize>, followed: Followed) -> Vec<(Option<usize>, Wish)> {
        let Followed { wish, end, .. } = followed;
        let name = self.known.name(&wish.key);
        if let Some(at) = self.graph.by_key.get(&name) {
            self.graph.granted[*at].wanted.push((parent, wish.scope));
            return Vec::new();
        }
        let (coordinate, model, trouble) = match end {
            End::Excluded => return Vec::new(),
            // A relocation may have led to a version that others do not accept.
            End::Artifact(coordinate, _) if !self.known.accepts(&name, coordinate.version()) => {
                self.overrule(wish, parent);
                return Vec::new();
            }
            End::Artifact(coordinate, None) => (Some(coordinate), None, None),
            End::Artifact(coordinate, Some(Ok(model))) => (Some(coordinate), Some(model), None),
            End::Artifact(coordinate, Some(Err(failure))) => (Some(coordinate), None, Some(Refusal::Failure(failure))),
            End::Impossible(why) => (None, None, Some(Refusal::Told(What::Unusable(why)))),
        };
        let at = self.graph.granted.len();
        let below = model.as_ref().map(|model| self.management.below(&wish, model)).unwrap_or_default();
        let wanted = vec![(parent, wish.scope)];
        self.graph.by_key.insert(name, at);
        self.graph.granted.push(Granted { wish, coordinate, parent, wanted, model, trouble });
        below.into_iter().map(|wish| (Some(at), wish)).collect()
    }
}

impl Candidate {
    fn pom(&self) -> Option<Coordinate> {
        let version = self.version.as_ref().ok().filter(|_| self.wish.scope != Scope::System)?;
        self.wish.key.at(version).ok().map(|coordinate| coordinate.pom())
    }
}

impl Graph {
    /// Counts those who were overruled among those who want what was granted in their place;
    /// where nothing was, the demands exclude each other.
    fn settle_overruled(&mut self) {
        let mut unmet: BTreeMap<Key, Vec<(Wish, Option<usize>)>> = BTreeMap::new();
        for (name, wish, parent) in std::mem::take(&mut self.overruled) {
            match self.by_key.get(&name) {
                Some(at) => self.granted[*at].wanted.push((parent, wish.scope)),
                None => unmet.entry(name).or_default().push((wish, parent)),
            }
        }
        for wishes in unmet.into_values() {
            let demand = |(wish, parent): &(Wish, Option<usize>)| {
                let who = parent.map_or("the request".to_owned(), |at| self.granted[at].told());
                format!("{who} wants {}", wish.version)
            };
            let why = Refusal::Told(What::Demands(wishes.iter().map(demand).collect()));
            self.refused.extend(wishes.into_iter().next().map(|(wish, parent)| Refused { wish, parent, why }));
        }
    }

    /// The version of an artifact that was granted.
    pub(super) fn version_of(&self, key: &Key) -> Option<&str> {
        let coordinate = self.granted[*self.by_key.get(key)?].coordinate.as_ref()?;
        Some(coordinate.version())
    }

    /// Those that want a granted artifact, from a root down.
    pub(super) fn chain_to(&self, at: usize) -> Vec<String> {
        self.chain_below(self.granted[at].parent)
    }

    /// A granted artifact and those that want it.
    pub(super) fn chain_below(&self, parent: Option<usize>) -> Vec<String> {
        let mut chain: Vec<String> = self.above(parent).map(Granted::told).collect();
        chain.reverse();
        chain
    }

    /// From a granted artifact up to a root.
    fn above(&self, from: Option<usize>) -> impl Iterator<Item = &Granted> {
        std::iter::successors(from.map(|at| &self.granted[at]), |granted| granted.parent.map(|at| &self.granted[at]))
    }

    fn repositories(&self, library: &Library<'_>, from: Option<usize>) -> Vec<(String, Repository)> {
        let models = self.above(from).filter_map(|granted| Some((granted.told(), granted.model.as_ref()?)));
        let named =
            models.flat_map(|(told, model)| model.repositories.iter().map(move |one| (told.clone(), one.clone())));
        named.filter(|(_, one)| one.id != "central" && !library.asks(&one.id)).collect()
    }

    /// Whether an artifact is in it, in any version.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    /// Everything for which the request cannot be met.
    pub(super) fn troubles(&self, library: &Library<'_>) -> Vec<Trouble> {
        let granted = self.granted.iter().filter_map(|one| Some((&one.wish, one.parent, one.trouble.as_ref()?)));
        let refused = self.refused.iter().map(|refused| (&refused.wish, refused.parent, &refused.why));
        let told = |(wish, parent, why): (&Wish, Option<usize>, &Refusal)| {
            let chain = self.chain_below(parent);
            let trouble = match why {
                Refusal::Failure(failure) => Trouble::of_failure(library, failure, &chain),
                Refusal::Told(what) => Trouble::new(wish.key.to_string(), chain, what.clone()),
            };
            trouble.with_repositories(self.repositories(library, parent))
        };
        granted.chain(refused).map(told).collect()
    }
}

impl Granted {
    /// As told to people.
    fn told(&self) -> String {
        match &self.coordinate {
            Some(coordinate) => coordinate.to_string(),
            None => format!("{}:{}", self.wish.key, self.wish.version),
        }
    }
}
