//! The library: every POM read once and every model built once, by as many threads as ask.
//! It turns what the caller's source says into values that may be kept and told to several askers.
//! Not here: what a POM means, and which ones are asked for.

use super::coordinate::Coordinate;
use super::environment::Environment;
use super::model::{self, Model, Purpose};
use super::pom::Pom;
use super::{PomError, Poms};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use words::parallel::each;

/// Threads that ask for POMs: as polite to one registry as a fetch is.
const THREADS: usize = 6;

/// POMs that one resolution may read: a registry that invents dependencies ends here.
const MAX_POMS: usize = 20_000;

/// One POM that was read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) pom: Coordinate,
    /// From the POM that was asked for down to the one that names this one.
    pub(super) because: Vec<Coordinate>,
}

impl Read {
    /// As seen from a POM that imports the one that was asked for.
    pub(super) fn below(&self, importer: &Coordinate) -> Read {
        let because = std::iter::once(importer).chain(&self.because).cloned().collect();
        Read { pom: self.pom.clone(), because }
    }
}

/// Why a POM cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    Missing,
    Unreadable {
        line: Option<u32>,
        what: String,
    },
    Unusable(String),
    /// Of parents or of imports.
    Cycle(&'static str),
    Source(String),
}

/// A model that cannot be built.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// The POM at fault: the one that was asked for, a parent or a BOM.
    pub(super) pom: Coordinate,
    /// From the POM that was asked for down to the one that names `pom`.
    pub(super) because: Vec<Coordinate>,
    pub(super) reason: Reason,
    /// The POMs that could be read all the same.
    pub(super) read: Vec<Read>,
}

impl Failure {
    pub(super) fn new(pom: &Coordinate, because: Vec<Coordinate>, reason: Reason, read: &[Read]) -> Box<Failure> {
        Box::new(Failure { pom: pom.clone(), because, reason, read: read.to_vec() })
    }

    /// Of the POM that was asked for itself.
    pub(super) fn here(pom: &Coordinate, reason: Reason, read: &[Read]) -> Box<Failure> {
        Failure::new(pom, Vec::new(), reason, read)
    }

    /// As seen from a POM that imports the one that was asked for, after it read `before`.
    pub(super) fn below(self, importer: &Coordinate, before: &[Read]) -> Box<Failure> {
        let because = match self.reason {
            // The path of a cycle of imports is already told from its beginning.
            Reason::Cycle("imports") => self.because,
            _ => std::iter::once(importer.clone()).chain(self.because).collect(),
        };
        let read = before.iter().cloned().chain(self.read.iter().map(|read| read.below(importer))).collect();
        Box::new(Failure { because, read, ..self })
    }
}

/// What the source said, once; whoever asks meanwhile waits.
type Asked<K, T> = Mutex<BTreeMap<K, Arc<OnceLock<Result<Arc<T>, Reason>>>>>;

/// A model or why there is none.
pub(super) type Built = Result<Arc<Model>, Box<Failure>>;

/// See the module.
pub(super) struct Library<'a> {
    source: &'a dyn Poms,
    pub(super) environment: Environment,
    poms: Asked<Coordinate, Pom>,
    versions: Asked<(String, String), Vec<String>>,
    models: Mutex<BTreeMap<(Coordinate, Purpose), Built>>,
}

impl<'a> Library<'a> {
    /// An empty library over a source.
    pub(super) fn new(source: &'a dyn Poms, java: u32) -> Library<'a> {
        Library {
            source,
            environment: Environment::new(java),
            poms: Mutex::default(),
            versions: Mutex::default(),
            models: Mutex::default(),
        }
    }

    /// A POM as it is written.
    pub(super) fn pom(&self, coordinate: &Coordinate) -> Result<Arc<Pom>, Reason> {
        let cell = {
            let mut poms = self.poms.lock().unwrap_or_else(PoisonError::into_inner);
            if poms.len() >= MAX_POMS && !poms.contains_key(coordinate) {
                return Err(Reason::Unusable(format!("more than {MAX_POMS} POMs would have to be read")));
            }
            poms.entry(coordinate.clone()).or_default().clone()
        };
        cell.get_or_init(|| {
            let bytes = self.source.pom(coordinate).map_err(reason)?;
            let pom = Pom::parse(&bytes).map_err(|error| Reason::Unreadable { line: error.line, what: error.what })?;
            Ok(Arc::new(pom))
        })
        .clone()
    }

    /// The versions that the source has of an artifact.
    pub(super) fn versions(&self, group: &str, artifact: &str) -> Result<Arc<Vec<String>>, Reason> {
        let key = (group.to_owned(), artifact.to_owned());
        let cell = {
            let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
            versions.entry(key).or_default().clone()
        };
        // A name that no artifact can have is not asked for.
        let asked = Coordinate::jar(group, artifact, "0").map_err(|why| Reason::Unusable(why.to_string()))?;
        cell.get_or_init(|| self.source.versions(asked.group(), asked.artifact()).map(Arc::new).map_err(reason)).clone()
    }

    /// Whether a repository that POMs name was asked too.
    pub(super) fn asks(&self, repository: &str) -> bool {
        self.source.asks(repository)
    }

    /// The model of the POM that describes an artifact, for its dependencies.
    pub(super) fn model(&self, coordinate: &Coordinate) -> Built {
        self.model_for(Purpose::Dependencies, &coordinate.pom(), &[])
    }

    /// The model of a BOM, for its management, at the end of a path of imports.
    pub(super) fn management(&self, bom: &Coordinate, importing: &[Coordinate]) -> Built {
        self.model_for(Purpose::Management, bom, importing)
    }

    fn model_for(&self, purpose: Purpose, pom: &Coordinate, importing: &[Coordinate]) -> Built {
        let key = (pom.clone(), purpose);
        let known = self.models.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return known;
        }
        let built = model::build(self, pom, purpose, importing).map(Arc::new);
        // A failure may be a cycle of this path alone, so only one without a path is remembered.
        if built.is_ok() || importing.is_empty() {
            self.models.lock().unwrap_or_else(PoisonError::into_inner).insert(key, built.clone());
        }
        built
    }

    /// Builds the models of POMs that will be asked for, in parallel.
    pub(super) fn prefetch(&self, mut coordinates: Vec<Coordinate>) {
        coordinates.sort();
        coordinates.dedup();
        {
            let models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
            coordinates.retain(|pom| !models.contains_key(&(pom.clone(), Purpose::Dependencies)));
        }
        // The outcome, good or bad, is remembered for the one who asks.
        each(THREADS, &coordinates, |coordinate| drop(self.model(coordinate)));
    }
}

fn reason(error: PomError) -> Reason {
    match error {
        PomError::Missing => Reason::Missing,
        PomError::Other(error) => {
            let chain = std::iter::successors(Some(&*error as &dyn std::error::Error), |error| error.source());
            Reason::Source(chain.map(ToString::to_string).collect::<Vec<_>>().join(": "))
        }
    }
}
