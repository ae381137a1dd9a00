//! What an entry comes to: the packages it names, all that those need, and why each is there. Pure.
//! What nodes have already is not taken again; two that cannot stand together are told with both their chains.
//! Not here: which of several is best (`choice`).

use super::choice::Taste;
use super::present::{Clash, Present};
use super::universe::Universe;
use crate::rpm::expression::{BadExpression, Expression};
use crate::rpm::relation::Relation;
use std::collections::VecDeque;
use words::shown::shown;

/// How often choosing starts anew because something chosen early does not fit something needed later.
const MOST_ROUNDS: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The entry, for chains.
    pub entry: String,
    /// What is wanted: `name`, `name >= 2`, `/a/file`, `@group`, `name-1:2.0-3.el9.x86_64`.
    pub packages: Vec<String>,
    /// What nodes have, in the same forms; what they need themselves counts as there.
    pub base: Vec<String>,
    /// Architectures, the first preferred.
    pub architectures: Vec<String>,
    /// Whether what packages recommend comes along.
    pub weak: bool,
}

/// A package that comes along, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its position in the universe.
    pub offer: usize,
    /// The chain from the entry to it.
    pub because: String,
}

/// What an entry comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages, by identity.
    pub chosen: Vec<Chosen>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Why there is no closure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nobody provides it.
    #[error("no package provides `{needed}`, which is wanted by {because}{}", nearest(near))]
    Missing { needed: Relation, because: String, near: Option<String> },
    /// No group of that name.
    #[error("no repository has a group `{}`", shown(group))]
    Group { group: String },
    /// Two packages cannot stand together.
    #[error("{one}\n  {how}\n{other}\n  if no node gets both, name them in two entries")]
    Clash { one: String, how: String, other: String },
    /// A dependency is not understood.
    #[error("{because} needs something that is not understood")]
    Expression { because: String, source: BadExpression },
    /// Every version of something is excluded by somebody.
    #[error("no version of `{name}` suits everybody:\n{}", wanted.join("\n"))]
    Versions { name: String, wanted: Vec<String> },
}

fn nearest(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; the nearest is `{near}`")).unwrap_or_default()
}

/// A version that a name is bound to, and who bound it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    relation: Relation,
    because: String,
}

enum Stop {
    /// Once more, with one more name bound.
    Again(Bound),
    Refused(Refusal),
}

enum Refusal {
    /// Perhaps without one of those that cannot stand together.
    Clash(Clash),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Refused(Refusal::Failed(error))
    }
}

/// Resolves an entry.
pub fn resolve(universe: &Universe, request: &Request) -> Result<Closure, Error> {
    search(universe, request, &mut Vec::new(), &mut { MOST_ROUNDS })
}

/// Resolves without some offers; where two clash that were not named, each is left out in turn.
fn search(
    universe: &Universe,
    request: &Request,
    banned: &mut Vec<usize>,
    budget: &mut usize,
) -> Result<Closure, Error> {
    let clash = match settle(universe, request, banned) {
        Ok(closure) => return Ok(closure),
        Err(Refusal::Failed(error)) => return Err(error),
        Err(Refusal::Clash(clash)) => clash,
    };
    for party in clash.parties {
        if *budget == 0 {
            break;
        }
        *budget -= 1;
        banned.push(party);
        let found = search(universe, request, banned, budget);
        banned.pop();
        if found.is_ok() {
            return found;
        }
    }
    Err(clash.error)
}

/// Resolves again and again, until nothing that was chosen early is too old or too new for what came later.
fn settle(universe: &Universe, request: &Request, banned: &[usize]) -> Result<Closure, Refusal> {
    let mut bounds: Vec<Bound> = Vec::new();
    loop {
        match attempt(universe, request, &bounds, banned) {
            Ok(closure) => return Ok(closure),
            Err(Stop::Again(bound)) if bounds.len() < MOST_ROUNDS && !bounds.contains(&bound) => bounds.push(bound),
            Err(Stop::Again(bound)) => return Err(Refusal::Failed(no_version(&bounds, &bound))),
            Err(Stop::Refused(refusal)) => return Err(refusal),
        }
    }
}

fn no_version(bounds: &[Bound], last: &Bound) -> Error {
    let name = last.relation.name.to_string();
    let of_name = bounds.iter().filter(|one| one.relation.name == last.relation.name);
    let wanted = of_name.chain([last]).map(|one| format!("  `{}` for {}", one.relation, one.because));
    Error::Versions { name, wanted: wanted.collect() }
}

fn attempt(universe: &Universe, request: &Request, bounds: &[Bound], banned: &[usize]) -> Result<Closure, Stop> {
    let mut attempt = Attempt {
        universe,
        taste: Taste { universe, architectures: &request.architectures },
        bounds,
        banned,
        entry: &request.entry,
        present: Present::default(),
        queue: VecDeque::new(),
        waiting: Vec::new(),
        notes: Vec::new(),
        lenient: true,
        weak: false,
    };
    for text in &request.base {
        attempt.wish(text)?;
    }
    attempt.run()?;
    attempt.present.settle();
    (attempt.lenient, attempt.weak) = (false, request.weak);
    attempt.waiting.clear();
    attempt.notes.clear();
    for text in &request.packages {
        attempt.wish(text)?;
    }
    attempt.run()?;
    if let Some(clash) = attempt.present.clash(universe, &request.entry) {
        return Err(Stop::Refused(Refusal::Clash(clash)));
    }
    attempt.notes.extend(banned.iter().map(|at| {
        format!("{} is not taken: it cannot stand beside what else is needed", universe.offer(*at).identity())
    }));
    let mut chosen: Vec<Chosen> = attempt.present.chosen(universe, &request.entry);
    chosen.sort_by_key(|chosen| universe.offer(chosen.offer).identity());
    Ok(Closure { chosen, notes: attempt.notes })
}

struct Attempt<'a> {
    universe: &'a Universe,
    taste: Taste<'a>,
    bounds: &'a [Bound],
    /// Offers that clash with something.
    banned: &'a [usize],
    entry: &'a str,
    present: Present,
    queue: VecDeque<usize>,
    /// Conditions that may come true later, and who has them.
    waiting: Vec<(usize, Expression)>,
    notes: Vec<String>,
    /// Whether what is missing is taken to be there: of what nodes have, not everything is known.
    lenient: bool,
    weak: bool,
}

impl Attempt<'_> {
    /// Takes what a line of the manifest names.
    fn wish(&mut self, text: &str) -> Result<(), Stop> {
        if let Some(id) = text.strip_prefix('@') {
            let Some(names) = self.universe.group(id) else {
                return Err(Error::Group { group: id.to_owned() }.into());
            };
            return names.iter().try_for_each(|name| match self.universe.named(name) {
                // Groups name packages of other editions and architectures too.
                [] => Ok(()),
                _ => self.wish(name),
            });
        }
        let relation = Relation::parse(text).unwrap_or_else(|| Relation::any(text));
        let named = self.universe.named(text);
        let pinned = if named.is_empty() { self.universe.pinned(text) } else { Vec::new() };
        let of = match (named, pinned.as_slice()) {
            ([], []) => self.universe.providers(&relation),
            ([], pinned) => pinned.to_vec(),
            (named, _) => named.to_vec(),
        };
        if of.is_empty() && self.lenient {
            self.present.assume(text);
        }
        if of.is_empty() && self.lenient || of.iter().any(|at| self.present.has(*at)) {
            return Ok(());
        }
        match pinned.first() {
            Some(first) => self.take(&relation, of, &self.universe.offer(*first).name, None),
            None => self.take(&relation, of, &relation.name, None),
        }
    }

    /// Works off what is needed, and what comes to be needed on the way.
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            while let Some(at) = self.queue.pop_front() {
                let offer = self.universe.offer(at);
                for relation in &offer.requires {
                    let expression = self.understood(at, relation)?;
                    self.need(&expression, at)?;
                }
                let recommended = if self.weak { offer.recommends.as_slice() } else { &[] };
                for relation in recommended {
                    let expression = self.understood(at, relation)?;
                    if self.is_possible(&expression) {
                        self.need(&expression, at)?;
                    }
                }
            }
            let waiting = self.waiting.clone();
            for (at, expression) in &waiting {
                if let Some(due) = self.due(expression).filter(|due| !self.holds(due)) {
                    self.need(due, *at)?;
                }
            }
            if self.queue.is_empty() && self.waiting.len() == waiting.len() {
                return Ok(());
            }
        }
    }

    fn understood(&self, at: usize, relation: &Relation) -> Result<Expression, Stop> {
        Expression::of(relation).map_err(|source| Error::Expression { because: self.chain(Some(at)), source }.into())
    }

    fn holds(&self, expression: &Expression) -> bool {
        self.present.holds(self.universe, expression, None)
    }

    /// What a condition demands as things are.
    fn due<'e>(&self, expression: &'e Expression) -> Option<&'e Expression> {
        let (then, otherwise, applies) = match expression {
            Expression::If { then, condition, otherwise } => (then, otherwise, self.holds(condition)),
            Expression::Unless { then, condition, otherwise } => (then, otherwise, !self.holds(condition)),
            _ => return None,
        };
        if applies { Some(then) } else { otherwise.as_deref() }
    }

    /// Makes an expression hold.
    fn need(&mut self, expression: &Expression, by: usize) -> Result<(), Stop> {
        if self.holds(expression) && !matches!(expression, Expression::If { .. } | Expression::Unless { .. }) {
            return Ok(());
        }
        match expression {
            Expression::Plain(relation) => {
                let of = self.universe.providers(relation);
                self.take(relation, of, &relation.name, Some(by))
            }
            Expression::And(all) => all.iter().try_for_each(|one| self.need(one, by)),
            Expression::Or(all) => match all.iter().find(|one| self.is_possible(one)).or(all.first()) {
                Some(one) => self.need(one, by),
                None => Ok(()),
            },
            Expression::With(_) | Expression::Without(..) => {
                let of = self.universe.meeting(expression);
                let shown = Relation::any(expression.to_string());
                self.take(&shown, of, "", Some(by))
            }
            Expression::If { .. } | Expression::Unless { .. } => {
                let known = (by, expression.clone());
                if !self.waiting.contains(&known) {
                    self.waiting.push(known);
                }
                Ok(())
            }
        }
    }

    fn is_possible(&self, expression: &Expression) -> bool {
        match expression {
            Expression::Plain(relation) => self.holds(expression) || !self.universe.providers(relation).is_empty(),
            Expression::And(all) => all.iter().all(|one| self.is_possible(one)),
            Expression::Or(all) => all.iter().any(|one| self.is_possible(one)),
            Expression::With(_) | Expression::Without(..) => {
                self.holds(expression) || !self.universe.meeting(expression).is_empty()
            }
            Expression::If { .. } | Expression::Unless { .. } => true,
        }
    }

    /// Takes the best of some offers.
    fn take(&mut self, needed: &Relation, of: Vec<usize>, name: &str, by: Option<usize>) -> Result<(), Stop> {
        if of.is_empty() {
            let near = self.universe.near(&needed.name).map(str::to_owned);
            let missing = || Error::Missing { needed: needed.clone(), because: self.chain(by), near };
            return if self.lenient { Ok(()) } else { Err(missing().into()) };
        }
        let suits = |at: &usize| {
            let own = self.universe.offer(*at).own();
            (self.lenient || !self.banned.contains(at))
                && self.bounds.iter().all(|bound| bound.relation.name != own.name || bound.relation.meets(&own))
        };
        let suiting: Vec<usize> = of.iter().copied().filter(suits).collect();
        let Some(best) = self.taste.best(&suiting, name).map(|best| self.instead_of(best, needed, by)) else {
            let relation = Relation { name: self.universe.offer(of[0]).name.clone(), ..needed.clone() };
            let bound = Bound { relation, because: self.chain(by) };
            return if self.lenient { Ok(()) } else { Err(no_version(self.bounds, &bound).into()) };
        };
        if let Some(other) = self.present.other_version(self.universe, best).filter(|_| !self.lenient) {
            let relation = self.universe.offer(best).own();
            let because = format!("{}, beside {}", self.chain(by), self.chain(Some(other)));
            return Err(Stop::Again(Bound { relation, because }));
        }
        if !self.present.add(self.universe, best, by) {
            return Ok(());
        }
        self.queue.push_back(best);
        let rivals = self.taste.rivals(&suiting, best, name);
        if !rivals.is_empty() {
            let (taken, all) = (&self.universe.offer(best).name, rivals.join(", "));
            self.notes.push(format!(
                "`{needed}` is provided by {taken}, which is taken, and by {all}: name one of those to have it instead"
            ));
        }
        Ok(())
    }

    /// What replaces a package is taken for it where an entry gives only its name.
    fn instead_of(&self, best: usize, needed: &Relation, by: Option<usize>) -> usize {
        if by.is_some() || self.universe.offer(best).name != needed.name {
            return best;
        }
        let replacing: Vec<usize> = self.universe.replacing(best).collect();
        self.taste.best(&replacing, "").unwrap_or(best)
    }

    fn chain(&self, to: Option<usize>) -> String {
        to.map_or_else(|| self.entry.to_owned(), |at| self.present.chain(self.universe, self.entry, at))
    }
}

#[cfg(test)]
mod tests;
