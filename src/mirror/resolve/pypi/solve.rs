//! Chooses one version of every project that is asked for: the newest that all who ask can live with, as pip does.
//! Where a choice turns out wrong, it goes back to the last choice that had a part in it (conflict-directed backjumping).
//! Not here: the network, files, or platforms. A catalogue gives candidates and what they need.

use super::Error;
use super::conflict::{Conflict, Reason, Told};
use crate::python::Requirement;
use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerEnvironment};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use words::names::Word;

/// Choices after which nobody would wait any longer.
const MOST_STEPS: usize = 50_000;
/// More projects than any closure has.
const MOST_PROJECTS: usize = 1_000;

/// One version that could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) version: Version,
    /// Whether it needs no building.
    pub(super) wheel: bool,
    /// Whether its publisher took it back.
    pub(super) yanked: bool,
    /// Its file, for whoever made the catalogue.
    pub(super) at: usize,
}

/// What a candidate needs.
#[derive(Debug, Clone)]
pub(super) enum Needs {
    /// These, as far as their markers hold.
    Known(Arc<[Requirement]>),
    /// Nobody can say, and why.
    Unknown(String),
    /// Another interpreter.
    OtherPython(String),
}

/// Versions that are taken before newer ones while they satisfy: those of the last lock.
pub type Preferred = BTreeMap<Word, BTreeSet<Version>>;

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) roots: &'a [Requirement],
    pub(super) constraints: &'a [Requirement],
    pub(super) environment: &'a MarkerEnvironment,
    pub(super) prefer: &'a Preferred,
    pub(super) transitive: bool,
}

/// One version that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) candidate: Candidate,
    /// `project==version` from a root down to this.
    pub(super) chain: Vec<String>,
}

/// Answers a question.
pub(super) fn solve(question: &Question<'_>, catalogue: &dyn Catalogue) -> Result<BTreeMap<Word, Choice>, Error> {
    let search = Search { question, catalogue };
    let state = search.begin()?;
    search.run(state)
}

/// Somebody's wish for a project.
#[derive(Debug, Clone)]
struct Wish {
    requirement: Requirement,
    /// Who; none is the manifest.
    by: Option<Word>,
}

#[derive(Debug, Clone)]
struct Pin {
    candidate: Candidate,
    /// The extras for which its needs were added.
    extras: BTreeSet<ExtraName>,
    needs: Arc<[Requirement]>,
}

/// Everything that was wished and chosen up to a point; copied at each choice.
#[derive(Debug, Clone, Default)]
struct State {
    wishes: BTreeMap<Word, Vec<Arc<Wish>>>,
    /// Projects in the order in which they were first met.
    order: Vec<Word>,
    pins: BTreeMap<Word, Pin>,
}

/// A choice that was made, and what is left of it.
struct Frame {
    before: State,
    project: Word,
    left: std::vec::IntoIter<Candidate>,
    /// The projects whose choice had a part in what was refused so far.
    blamed: BTreeSet<Word>,
    /// What was wrong with the best candidate: that is what a person wants to hear.
    told: Option<Told>,
    /// Whether nobody could say of any candidate so far what it needs.
    mute: bool,
}

/// Why a state cannot be.
struct Refusal {
    blamed: BTreeSet<Word>,
    told: Told,
}

struct Search<'a> {
    question: &'a Question<'a>,
    catalogue: &'a dyn Catalogue,
}

/// A step that failed for good, or that only this candidate cannot take.
type Tried<T> = Result<Result<T, Box<Refusal>>, Error>;

/// What exists for one target.
pub(super) trait Catalogue {
    /// The versions of a project that fit the target.
    fn candidates(&self, project: &Word) -> Result<Arc<[Candidate]>, Error>;

    /// What one of them needs.
    fn needs(&self, project: &Word, candidate: &Candidate) -> Result<Needs, Error>;
}

impl Search<'_> {
    fn begin(&self) -> Result<State, Error> {
        let mut state = State::default();
        for requirement in self.question.roots {
            if !requirement.applies(self.question.environment, &BTreeSet::new()) {
                continue;
            }
            if let Err(refusal) = self.wish(&mut state, requirement.clone(), None)? {
                return Err(Error::Conflict(Box::new(Conflict { told: refusal.told })));
            }
        }
        Ok(state)
    }

    fn run(&self, mut state: State) -> Result<BTreeMap<Word, Choice>, Error> {
        let mut frames: Vec<Frame> = Vec::new();
        let mut steps = 0;
        while let Some(project) = state.next() {
            let mut frame = self.open(state, project)?;
            state = loop {
                steps += 1;
                if steps > MOST_STEPS {
                    return Err(Error::TooMuch { what: "choices", limit: MOST_STEPS });
                }
                let Some(candidate) = frame.left.next() else {
                    frame = back(frame, &mut frames)?;
                    continue;
                };
                match self.choose(&frame, candidate)? {
                    Ok(next) => {
                        frames.push(frame);
                        break next;
                    }
                    Err(refusal) => frame.refuse(*refusal),
                }
            };
        }
        Ok(state.choices())
    }

    /// The candidates of a project that all who ask for it so far would accept.
    fn open(&self, before: State, project: Word) -> Result<Frame, Error> {
        let mut left = self.acceptable(&before, &project)?;
        let preferred = self.question.prefer.get(&project);
        let is_preferred = |candidate: &Candidate| preferred.is_some_and(|some| some.contains(&candidate.version));
        left.sort_by(|a, b| {
            let key = |c: &Candidate| (is_preferred(c), c.wheel);
            key(b).cmp(&key(a)).then_with(|| b.version.cmp(&a.version))
        });
        let blamed = before.askers(&project);
        Ok(Frame { before, project, left: left.into_iter(), blamed, told: None, mute: true })
    }

    fn acceptable(&self, state: &State, project: &Word) -> Result<Vec<Candidate>, Error> {
        let candidates = self.catalogue.candidates(project)?;
        let wishes = state.wishes.get(project).map(Vec::as_slice).unwrap_or_default();
        let constraints = self.question.constraints.iter().filter(|one| &one.project == project);
        let environment = self.question.environment;
        let held = constraints.filter(|one| one.applies(environment, &BTreeSet::new()));
        let all: Vec<&Requirement> = wishes.iter().map(|wish| &wish.requirement).chain(held).collect();
        let fits = |candidate: &&Candidate| {
            all.iter().all(|one| one.versions.contains(&candidate.version))
                && (!candidate.yanked || all.iter().any(|one| one.pins(&candidate.version)))
        };
        let mut left: Vec<Candidate> = candidates.iter().filter(fits).cloned().collect();
        // PEP 440: a pre-release only where somebody names one, or where nothing else would do.
        let finals = left.iter().any(|candidate| !candidate.version.any_prerelease());
        if finals && !all.iter().any(|one| one.names_prerelease()) {
            left.retain(|candidate| !candidate.version.any_prerelease());
        }
        Ok(left)
    }

    /// The state after a candidate was chosen.
    fn choose(&self, frame: &Frame, candidate: Candidate) -> Tried<State> {
        let project = &frame.project;
        let refused = |reason| {
            let told = Told { reason, wishes: self.told_wishes(&frame.before, project), project: project.clone() };
            Ok(Err(Box::new(Refusal { blamed: BTreeSet::new(), told })))
        };
        let needs = if self.question.transitive {
            self.catalogue.needs(project, &candidate)?
        } else {
            Needs::Known(Arc::from([]))
        };
        let needs = match needs {
            Needs::Known(needs) => needs,
            Needs::Unknown(why) => return refused(Reason::Unknown { version: candidate.version.clone(), why }),
            Needs::OtherPython(wanted) => {
                return refused(Reason::OtherPython { version: candidate.version.clone(), wanted });
            }
        };
        let mut state = frame.before.clone();
        state.pins.insert(project.clone(), Pin { candidate, extras: BTreeSet::new(), needs: needs.clone() });
        let none = BTreeSet::new();
        for need in needs.iter().filter(|need| need.applies(self.question.environment, &none)) {
            if let Err(refusal) = self.wish(&mut state, need.clone(), Some(project))? {
                return Ok(Err(refusal.without(project)));
            }
        }
        let extras = state.extras_wished(project);
        match self.expand(&mut state, project, extras)? {
            Ok(()) => Ok(Ok(state)),
            Err(refusal) => Ok(Err(refusal.without(project))),
        }
    }

    /// Adds what a project needs for extras that nobody wished before.
    fn expand(&self, state: &mut State, project: &Word, extras: BTreeSet<ExtraName>) -> Tried<()> {
        let Some(pin) = state.pins.get_mut(project) else { return Ok(Ok(())) };
        if extras.is_subset(&pin.extras) {
            return Ok(Ok(()));
        }
        let before = std::mem::replace(&mut pin.extras, extras.clone());
        let (needs, environment) = (pin.needs.clone(), self.question.environment);
        for need in needs.iter().filter(|n| n.applies(environment, &extras) && !n.applies(environment, &before)) {
            if let Err(refusal) = self.wish(state, need.clone(), Some(project))? {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    /// Adds a wish, if it goes together with all that was wished and chosen before.
    fn wish(&self, state: &mut State, requirement: Requirement, by: Option<&Word>) -> Tried<()> {
        let project = requirement.project.clone();
        if !state.wishes.contains_key(&project) {
            if state.order.len() == MOST_PROJECTS {
                return Err(Error::TooMuch { what: "projects", limit: MOST_PROJECTS });
            }
            state.order.push(project.clone());
        }
        let fits = state.pins.get(&project).map(|pin| requirement.versions.contains(&pin.candidate.version));
        let wishes = state.wishes.entry(project.clone()).or_default();
        wishes.push(Arc::new(Wish { requirement, by: by.cloned() }));
        let acceptable = match fits {
            Some(fits) => fits,
            None => !self.acceptable(state, &project)?.is_empty(),
        };
        if !acceptable {
            let mut blamed = state.askers(&project);
            blamed.extend(fits.map(|_| project.clone()));
            let offered = self.catalogue.candidates(&project)?.iter().map(|c| c.version.clone()).collect();
            let wishes = self.told_wishes(state, &project);
            let told = Told { reason: Reason::NoVersion { offered }, wishes, project };
            return Ok(Err(Box::new(Refusal { blamed, told })));
        }
        let extras = state.extras_wished(&project);
        self.expand(state, &project, extras)
    }

    /// Everybody's wishes for a project, constraints as well, as a person would tell them.
    fn told_wishes(&self, state: &State, project: &Word) -> Vec<(String, Vec<String>)> {
        let told = |wish: &Arc<Wish>| {
            let chain = wish.by.as_ref().map(|by| state.chain(by)).unwrap_or_default();
            (wish.requirement.to_string(), chain)
        };
        let mut wishes: Vec<_> = state.wishes.get(project).into_iter().flatten().map(told).collect();
        let constraints = self.question.constraints.iter().filter(|one| &one.project == project);
        wishes.extend(constraints.map(|one| (one.to_string(), vec!["a constraint of the manifest".to_owned()])));
        wishes
    }
}

/// A choice has no candidate left: back to the last one that had a part in it.
fn back(failed: Frame, frames: &mut Vec<Frame>) -> Result<Frame, Error> {
    let Frame { project, mut blamed, told, .. } = failed;
    let nothing = || Reason::NoVersion { offered: Vec::new() };
    let told = told.unwrap_or_else(|| Told { reason: nothing(), wishes: Vec::new(), project: project.clone() });
    let conflict = |told| Error::Conflict(Box::new(Conflict { told }));
    if failed.mute {
        // No other choice would make any version of it speak.
        return Err(conflict(told));
    }
    blamed.remove(&project);
    while let Some(mut frame) = frames.pop() {
        if blamed.contains(&frame.project) {
            frame.refuse(Refusal { blamed, told });
            return Ok(frame);
        }
    }
    Err(conflict(told))
}

impl Frame {
    fn refuse(&mut self, refusal: Refusal) {
        self.mute &= matches!(refusal.told.reason, Reason::Unknown { .. });
        self.blamed.extend(refusal.blamed);
        self.told.get_or_insert(refusal.told);
    }
}

impl Refusal {
    /// The project that is being chosen need not be blamed: its next candidate comes anyway.
    fn without(mut self: Box<Self>, project: &Word) -> Box<Refusal> {
        self.blamed.remove(project);
        self
    }
}

impl State {
    /// The project to choose next: what is pinned or bounded from above decides more, and wastes fewer looks.
    fn next(&self) -> Option<Word> {
        let open = self.order.iter().filter(|project| !self.pins.contains_key(*project));
        let freedom = |project: &&Word| {
            let wishes = self.wishes.get(*project).map(Vec::as_slice).unwrap_or_default();
            let any = |test: fn(&Requirement) -> bool| wishes.iter().any(|wish| test(&wish.requirement));
            (!any(Requirement::is_pin), !any(Requirement::has_upper_bound))
        };
        open.min_by_key(freedom).cloned()
    }

    /// The projects that wish for a project.
    fn askers(&self, project: &Word) -> BTreeSet<Word> {
        self.wishes.get(project).into_iter().flatten().filter_map(|wish| wish.by.clone()).collect()
    }

    fn extras_wished(&self, project: &Word) -> BTreeSet<ExtraName> {
        let wishes = self.wishes.get(project).into_iter().flatten();
        wishes.flat_map(|wish| wish.requirement.extras.iter().cloned()).collect()
    }

    /// `project==version` from a root down to a project: who wished first counts.
    fn chain(&self, project: &Word) -> Vec<String> {
        let mut chain = Vec::new();
        let (mut next, mut seen) = (Some(project.clone()), BTreeSet::new());
        while let Some(project) = next.filter(|project| seen.insert(project.clone())) {
            chain.push(match self.pins.get(&project) {
                Some(pin) => format!("{project}=={}", pin.candidate.version),
                None => project.to_string(),
            });
            next = self.wishes.get(&project).and_then(|wishes| wishes.first()).and_then(|wish| wish.by.clone());
        }
        chain.reverse();
        chain
    }

    fn choices(self) -> BTreeMap<Word, Choice> {
        let choice = |(project, pin): (&Word, &Pin)| {
            (project.clone(), Choice { candidate: pin.candidate.clone(), chain: self.chain(project) })
        };
        self.pins.iter().map(choice).collect()
    }
}

#[cfg(test)]
mod tests;
