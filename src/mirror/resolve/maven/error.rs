//! Why a request cannot be resolved: everything at once, each with those who wanted it and what would help.
//! The one place that words what went wrong for people.
//! Not here: deciding that something did.

use super::coordinate::Key;
use super::library::{Failure, Library, Reason};
use super::pom::Repository;
use super::version;
use std::collections::BTreeSet;
use std::fmt;
use words::names::Word;

/// A request that cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something in the closure cannot be had or makes no sense.
    #[error("{} of what is wanted cannot be resolved:{}", .0.len(), List(.0))]
    Unresolved(Vec<Trouble>),
    /// The same artifact is asked for twice, not in the same way.
    #[error("the roots `{one}` and `{other}` are the same artifact asked for in two ways; keep one of them")]
    RootsDiffer { one: String, other: String },
}

impl Error {
    /// Sorted, and each thing once however many want it.
    pub fn unresolved(troubles: Vec<Trouble>) -> Error {
        let mut seen = BTreeSet::new();
        let mut troubles: Vec<Trouble> =
            troubles.into_iter().filter(|trouble| seen.insert((trouble.thing.clone(), trouble.what.clone()))).collect();
        troubles.sort();
        Error::Unresolved(troubles)
    }
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The coordinate, or as much of it as is known.
    pub thing: String,
    /// What is wrong with it.
    pub what: What,
    /// Who wants it: from a root down to the one that names it.
    pub because: Vec<String>,
    /// Other repositories that those name, each with the one that names it: the thing may be there.
    pub repositories: Vec<(String, Repository)>,
}

/// What is wrong with a thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// It does not exist.
    Missing {
        /// The existing version that is most like it.
        nearest: Option<String>,
    },
    /// Its POM is not one.
    Unreadable { line: Option<u32>, what: String },
    /// It contradicts itself.
    Unusable(String),
    /// A POM is above itself: by its parents, its imports or its relocations.
    Cycle(&'static str),
    /// No version of it is in this range.
    NoneInRange(String),
    /// The versions that are demanded exclude each other; one text for each that demands.
    Demands(Vec<String>),
    /// The source could not tell.
    Source(String),
}

impl What {
    pub(super) fn of_reason(library: &Library<'_>, key: &Key, reason: Reason) -> What {
        match reason {
            Reason::Missing => What::Missing { nearest: None },
            Reason::Unreadable { line, what } => What::Unreadable { line, what },
            Reason::Unusable(what) => What::Unusable(what),
            Reason::Cycle(of) => What::Cycle(of),
            Reason::Source(error) => What::Source(error),
        }
        .with_nearest(library, key, "")
    }

    /// Asks which versions there are, once something is known to be missing.
    fn with_nearest(self, library: &Library<'_>, key: &Key, wanted: &str) -> What {
        match self {
            What::Missing { .. } => {
                let existing = library.versions(&key.group, &key.artifact).unwrap_or_default();
                What::Missing { nearest: version::nearest(wanted, &existing) }
            }
            other => other,
        }
    }
}

impl Trouble {
    pub(super) fn new(thing: String, because: Vec<String>, what: What) -> Trouble {
        Trouble { thing, what, because, repositories: Vec::new() }
    }

    /// What stands in the way of a model; `above` are those that want what it describes.
    pub(super) fn of_failure(library: &Library<'_>, failure: &Failure, above: &[String]) -> Trouble {
        let key = Key::from(&failure.pom);
        let what = What::of_reason(library, &key, failure.reason.clone());
        let what = what.with_nearest(library, &key, failure.pom.version());
        let because = above.iter().cloned().chain(failure.because.iter().map(ToString::to_string)).collect();
        Trouble::new(failure.pom.to_string(), because, what)
    }

    /// It stands in the way of a tool, which may name repositories too.
    pub(super) fn below(&mut self, tool: &str, repositories: &[Repository]) {
        self.because.insert(0, tool.to_owned());
        let named = repositories.iter().filter(|one| one.id != "central").map(|one| (tool.to_owned(), one.clone()));
        let all = std::mem::take(&mut self.repositories).into_iter().chain(named).collect();
        *self = self.clone().with_repositories(all);
    }

    pub(super) fn with_repositories(mut self, repositories: Vec<(String, Repository)>) -> Trouble {
        if matches!(self.what, What::Missing { .. } | What::NoneInRange(_)) {
            let mut seen = BTreeSet::new();
            self.repositories = repositories;
            self.repositories.retain(|(_, repository)| seen.insert(repository.clone()));
        }
        self
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Missing { nearest: Some(nearest) } => {
                write!(out, "does not exist; the nearest version that does is {nearest}")
            }
            What::Missing { nearest: None } => out.write_str("does not exist, in no version"),
            What::Unreadable { line: Some(line), what } => write!(out, "is not readable: line {line}: {what}"),
            What::Unreadable { line: None, what } => write!(out, "is not readable: {what}"),
            What::Unusable(what) => write!(out, "cannot be used: {what}"),
            What::Cycle(of) => write!(out, "is among its own {of}"),
            What::NoneInRange(range) => write!(out, "has no version in {range}"),
            What::Demands(demands) => {
                write!(out, "is wanted in versions that exclude each other: {}", demands.join(", "))
            }
            What::Source(error) => write!(out, "could not be asked for: {error}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` {}", self.thing, self.what)?;
        if !self.because.is_empty() {
            write!(out, "\n    wanted by {}", self.because.join(" -> "))?;
        }
        for (pom, Repository { id, url }) in &self.repositories {
            write!(out, "\n    `{pom}` names the repository `{id}` ({url}), which is off: ")?;
            match Word::new(id.as_str()) {
                Ok(id) => write!(out, "`--source maven/{id}=URL` or sources.toml turns it on")?,
                Err(_) => {
                    out.write_str("`--source maven/ID=URL` or sources.toml turns it on, under an id of your own")?
                }
            }
        }
        Ok(())
    }
}

/// So many troubles are told; with more, most have one cause.
const MOST_TOLD: usize = 50;

struct List<'a>(&'a [Trouble]);

impl fmt::Display for List<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(MOST_TOLD).try_for_each(|trouble| write!(out, "\n  {trouble}"))?;
        match self.0.len().saturating_sub(MOST_TOLD) {
            0 => Ok(()),
            more => write!(out, "\n  and {more} more"),
        }
    }
}
