//! A Maven entry of a manifest as artifacts of the lock: the resolver chooses, the registry gives and vouches.
//! Jars come with every POM that a Maven client reads on the way to them.
//! Not here: how Maven chooses (`maven`), or how the registry is asked (`registry`).

use super::maven::{self, BadCoordinate, Chosen, Coordinate, Pattern, PomError, Poms, Request, Root};
use super::registry::{self, Registry};
use crate::mirror::lock::{Artifact, Source};
use crate::mirror::manifest::MavenWant;
use crate::words::event::Event;
use crate::words::names::Word;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The Java for which profiles of POMs are chosen: the one that nodes get.
const JAVA: u32 = 17;
/// Artifacts that are brought at a time.
const PARALLEL: usize = 6;

/// Why an entry has no closure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A coordinate of the manifest is none.
    #[error("the manifest names something that is no artifact")]
    Coordinate(#[from] BadCoordinate),
    /// The closure does not exist.
    #[error("the closure cannot be resolved")]
    Resolve(#[source] Box<maven::Error>),
    /// Something of it is not to be had.
    #[error("a part of the closure is not to be had")]
    Registry(#[from] registry::Error),
}

/// The artifacts of an entry.
pub fn artifacts(entry: &Word, want: &MavenWant, registry: &Registry<'_>) -> Result<Vec<Artifact>, Error> {
    let closure = maven::resolve(&request(want)?, registry).map_err(|error| Error::Resolve(Box::new(error)))?;
    closure.warnings.iter().for_each(|warning| (registry.tell)(Event::Note(warning.clone())));
    let chosen: Vec<&Chosen> = closure.artifacts.iter().chain(&closure.poms).collect();
    let queue = Mutex::new(chosen.into_iter());
    let brought: Mutex<Vec<Result<Artifact, registry::Error>>> = Mutex::default();
    let next = || queue.lock().ok()?.next();
    let worker = || {
        while let Some(chosen) = next() {
            let artifact = artifact(entry, chosen, registry);
            if let Ok(mut brought) = brought.lock() {
                brought.push(artifact);
            }
        }
    };
    std::thread::scope(|scope| (0..PARALLEL).for_each(|_| drop(scope.spawn(worker))));
    let brought = brought.into_inner().unwrap_or_default();
    Ok(brought.into_iter().collect::<Result<_, _>>()?)
}

fn request(want: &MavenWant) -> Result<Request, BadCoordinate> {
    let coordinates = |texts: &[String]| texts.iter().map(|text| text.parse()).collect::<Result<Vec<Coordinate>, _>>();
    let exclusions: Vec<Pattern> = want.exclude.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let root = |coordinate| Root { coordinate, exclusions: Vec::new(), transitive: want.transitive };
    Ok(Request {
        roots: coordinates(&want.roots)?.into_iter().map(root).collect(),
        managed: coordinates(&want.managed)?,
        boms: coordinates(&want.boms)?,
        exclusions,
        java: JAVA,
    })
}

fn artifact(entry: &Word, chosen: &Chosen, registry: &Registry<'_>) -> Result<Artifact, registry::Error> {
    let address = chosen.coordinate.path();
    let identity = registry.bring(&address)?;
    let own = chosen.coordinate.to_string();
    let chain: Vec<&str> = std::iter::once(entry.as_str())
        .chain(chosen.because.iter().map(String::as_str))
        .chain([own.as_str()])
        .collect();
    Ok(Artifact {
        source: Source::Maven,
        origin: None,
        signer: None,
        address,
        size: identity.expected.size,
        sha256: identity.expected.sha256,
        vouched: identity.vouched,
        wanted_by: BTreeSet::from([entry.clone()]),
        because: vec![chain.join(" > ")],
    })
}

impl Poms for Registry<'_> {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        self.read(&coordinate.path()).map(Arc::from).map_err(refused)
    }

    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError> {
        Registry::versions(self, group, artifact).map_err(refused)
    }
}

fn refused(error: registry::Error) -> PomError {
    if error.is_missing() { PomError::Missing } else { PomError::Other(Box::new(error)) }
}
