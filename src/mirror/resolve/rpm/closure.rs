//! What an entry comes to: the packages it names, all that those need, and why each is there. Pure.
//! What nodes have already is not taken again; two that cannot stand together are told with both their chains.
//! Not here: which of several is best (`choice`).

use super::choice::Taste;
use super::present::{Clash, Present};
use super::universe::Universe;
use crate::mirror::rpm::expression::{BadExpression, Expression};
use crate::mirror::rpm::relation::Relation;
use std::collections::VecDeque;

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
    #[error("no repository has a group `{group}`")]
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
mod tests {
    use super::super::primary::tests::{package, primary};
    use super::super::primary::{Texts, read};
    use super::super::{files, xml};
    use super::*;
    use std::collections::{BTreeMap, HashSet};
    use std::sync::Arc;

    /// Packages as `name-version-release.architecture | requires: a, b | provides: c`.
    fn universe(lines: &str) -> Universe {
        let packages = lines.lines().map(|line| {
            let mut parts = line.split('|').map(str::trim);
            let (identity, lists) = (parts.next().unwrap(), parts.collect::<Vec<_>>());
            package(identity, &lists)
        });
        let text = primary(&packages.collect::<Vec<_>>());
        let architectures = ["x86_64".into(), "noarch".into(), "i686".into()];
        let offers = read(xml::read(text.as_bytes()), 0, &architectures, &mut Texts::default()).unwrap();
        let paths: HashSet<Arc<str>> = [Arc::from("/usr/bin/tool")].into();
        let groups = BTreeMap::from([("core".to_owned(), vec!["base".to_owned(), "elsewhere".to_owned()])]);
        let mut universe = Universe::of(offers, groups);
        universe.add_files(0, files::find(xml::read(text.as_bytes()), &paths).unwrap());
        universe
    }

    fn told(lines: &str, packages: &[&str], change: impl Fn(&mut Request)) -> String {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let architectures = texts(&["x86_64", "noarch"]);
        let mut request = Request { entry: "e".into(), packages: texts(packages), architectures, ..Request::default() };
        change(&mut request);
        match resolve(&universe(lines), &request) {
            Ok(closure) => {
                let chains = closure.chosen.into_iter().map(|chosen| chosen.because);
                chains.chain(closure.notes).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    fn check(lines: &str, packages: &[&str], expected: &str) {
        assert_eq!(told(lines, packages, |_| {}), expected);
    }

    #[test]
    fn the_newest_comes_with_all_it_needs() {
        let lines = "a-1-1.noarch\na-1.10-1.noarch | requires: b >= 1, cap, /usr/bin/tool\na-1.9-1.noarch\n\
            b-1-1.x86_64\nb-1-1.i686\nc-1-1.noarch | provides: cap = 3\nt-1-1.noarch | file: /usr/bin/tool";
        let expected = "e > a-1.10-1.noarch\ne > a-1.10-1.noarch > b-1-1.x86_64\ne > a-1.10-1.noarch > c-1-1.noarch\n\
            e > a-1.10-1.noarch > t-1-1.noarch";
        check(lines, &["a"], expected);
    }

    #[test]
    fn a_line_of_the_manifest_has_several_forms() {
        let lines = "a-1-1.noarch\na-1:2-1.el9.noarch\na-1:3-1.noarch\nt-1-1.noarch | file: /usr/bin/tool";
        for (text, wanted) in [
            ("a", "a-1:3-1.noarch"),
            ("a < 1:3", "a-1:2-1.el9.noarch"),
            ("a-1:2-1.el9.noarch", "a-1:2-1.el9.noarch"),
            ("a-2-1.el9", "a-1:2-1.el9.noarch"),
            ("a-2", "a-1:2-1.el9.noarch"),
            ("a-0:1-1", "a-1-1.noarch"),
            ("a.noarch", "a-1:3-1.noarch"),
            ("/usr/bin/tool", "t-1-1.noarch"),
        ] {
            check(lines, &[text], &format!("e > {wanted}"));
        }
        check(lines, &["a-2", "a"], "e > a-1:2-1.el9.noarch");
        check(lines, &["a", "a-2"], "e > a-1:2-1.el9.noarch");
    }

    #[test]
    fn conditions_hold_in_the_end() {
        let lines = "a-1-1.noarch | requires: (x if late), b, (y if never else z), (u unless b else v)\n\
            b-1-1.noarch | requires: (gone or late), (w1 with w2)\nlate-1-1.noarch\nx-1-1.noarch\ny-1-1.noarch\n\
            z-1-1.noarch\nu-1-1.noarch\nv-1-1.noarch\nww-1-1.noarch | provides: w1, w2\nw-1-1.noarch | provides: w1";
        let told = told(lines, &["a"], |_| {});
        let last: Vec<&str> = told.lines().map(|line| line.rsplit(" > ").next().unwrap()).collect();
        assert_eq!(last, ["a", "b", "late", "v", "ww", "x", "z"].map(|name| format!("{name}-1-1.noarch")));
    }

    #[test]
    fn what_is_missing_is_told_with_its_chain_and_the_nearest() {
        let lines = "a-1-1.noarch | requires: b\nb-1-1.noarch | requires: rsyslogg";
        let expected = "no package provides `rsyslogg`, which is wanted by e > a-1-1.noarch > b-1-1.noarch; the nearest is `rsyslog`";
        check(&format!("{lines}\nrsyslog-1-1.noarch"), &["a"], expected);
        check(lines, &["bb"], "no package provides `bb`, which is wanted by e; the nearest is `b`");
        check(lines, &["@none"], "no repository has a group `none`");
    }

    #[test]
    fn what_replaces_a_package_is_taken_for_it() {
        let lines =
            "old-1-1.noarch\nnew-1-1.noarch | obsoletes: old < 2 | provides: old = 1\na-1-1.noarch | requires: old";
        check(lines, &["old"], "e > new-1-1.noarch");
        check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > new-1-1.noarch");
        check(lines, &["old-1-1.noarch"], "e > old-1-1.noarch");
        let told = told(lines, &["old-1-1.noarch", "new"], |_| {});
        assert!(told.starts_with("e > new-1-1.noarch\n  replaces, so that only one"), "{told}");
    }

    #[test]
    fn a_conflict_is_told_with_both_chains() {
        let lines = "a-1-1.noarch | requires: b\nb-1-1.noarch | conflicts: web < 2\nc-1-1.noarch | provides: web = 1";
        check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch");
        let told = told(lines, &["a", "c"], |_| {});
        let expected =
            "e > a-1-1.noarch > b-1-1.noarch\n  conflicts with `web < 2`, which is provided by\ne > c-1-1.noarch";
        assert!(told.starts_with(expected), "{told}");
    }

    #[test]
    fn of_two_that_clash_one_is_left_out_if_another_will_do() {
        let lines = "a-1-1.noarch | requires: so, mini\nful-1-1.noarch | provides: so\n\
            mini-1-1.noarch | provides: so | conflicts: ful";
        let expected = "e > a-1-1.noarch\ne > a-1-1.noarch > mini-1-1.noarch\n\
            ful-1-1.noarch is not taken: it cannot stand beside what else is needed";
        check(lines, &["a"], expected);
        let told = told(lines, &["a", "ful"], |_| {});
        assert!(told.starts_with("e > a-1-1.noarch > mini-1-1.noarch\n  conflicts with `ful`"), "{told}");
    }

    #[test]
    fn an_early_choice_gives_way_to_a_later_need() {
        let lines = "a-1-1.noarch | requires: l, b\nb-1-1.noarch | requires: l = 1\nl-1-1.noarch\nl-2-1.noarch\n\
            c-1-1.noarch | requires: l = 2";
        check(lines, &["a"], "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch\ne > a-1-1.noarch > l-1-1.noarch");
        let told = told(lines, &["b", "c"], |_| {});
        assert!(told.starts_with("no version of `l` suits everybody:\n"), "{told}");
        assert!(told.contains("e > b-1-1.noarch") && told.contains("e > c-1-1.noarch"), "{told}");
    }

    #[test]
    fn what_nodes_have_is_not_taken_again() {
        let lines = "a-1-1.noarch | requires: base, lib >= 2, glibc, inner\nbase-1-1.noarch | requires: inner, gone\n\
            inner-1-1.noarch\nlib-2-1.noarch\nglibc-3-1.x86_64";
        let base = |request: &mut Request| {
            request.base = ["@core", "lib-1-1.noarch", "glibc-2.34-9.x86_64"].map(str::to_owned).to_vec();
        };
        assert_eq!(told(lines, &["a"], base), "e > a-1-1.noarch\ne > a-1-1.noarch > lib-2-1.noarch");
    }

    #[test]
    fn recommended_packages_come_only_when_wanted() {
        let lines = "a-1-1.noarch | recommends: b, gone\nb-1-1.noarch";
        check(lines, &["a"], "e > a-1-1.noarch");
        assert_eq!(
            told(lines, &["a"], |request| request.weak = true),
            "e > a-1-1.noarch\ne > a-1-1.noarch > b-1-1.noarch"
        );
    }

    #[test]
    fn of_several_that_would_do_one_is_taken_and_the_others_named() {
        let lines = "a-1-1.noarch | requires: smtp\nlong-1-1.noarch | provides: smtp\nmx-1-1.noarch | provides: smtp\n\
            aa-2-1.module_el9.noarch | provides: smtp";
        let expected = "e > a-1-1.noarch\ne > a-1-1.noarch > mx-1-1.noarch\n\
            `smtp` is provided by mx, which is taken, and by long: name one of those to have it instead";
        check(lines, &["a"], expected);
        check(lines, &["long", "a"], "e > a-1-1.noarch\ne > long-1-1.noarch");
    }

    #[test]
    fn a_hostile_index_ends_in_an_error_and_not_in_a_loop() {
        let circle: String = (0..500).map(|at| format!("p{at}-1-1.noarch | requires: p{}\n", (at + 1) % 500)).collect();
        assert_eq!(told(circle.trim(), &["p0"], |_| {}).lines().count(), 500);
        let nested = format!("a-1-1.noarch | requires: {}b{}", "(".repeat(100), ")".repeat(100));
        assert!(told(&nested, &["a"], |_| {}).contains("needs something that is not understood"));
    }
}
