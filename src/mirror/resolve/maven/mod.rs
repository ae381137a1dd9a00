//! The Maven resolver: roots together become the runtime closure that Maven 3 itself would put on a class path.
//! `pom` reads one file, `model` applies parents and management, `mediate` chooses versions, `visit` lists all POMs.
//! Not here: the network and the disk. The caller gives a source of POMs; nothing else is asked.

mod coordinate;
mod crawl;
mod environment;
mod error;
mod library;
mod lifecycle;
mod mediate;
mod model;
mod pom;
mod properties;
mod relocation;
mod scope;
mod tool;
mod version;
mod visit;
mod wish;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod rules;

pub use coordinate::{BadCoordinate, Coordinate, Pattern};
pub use error::{Error, Trouble, What};
pub use lifecycle::{lifecycle, lifecycles, looked_at, providers};
pub use pom::{Licence, Repository};
pub use tool::{Host, Tool};
pub use version::{ascending, nearest};

use library::Library;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a resolution asks the outer world for: a registry, a folder, or the texts of a test.
/// Both are called from several threads; an implementation bounds its own requests.
pub trait Poms: Sync {
    /// The bytes of a POM; `coordinate` always has the extension `pom`.
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError>;

    /// The versions that exist of an artifact, in any order.
    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError>;

    /// Whether a repository that POMs name is asked too, by its id.
    fn asks(&self, _repository: &str) -> bool {
        false
    }
}

/// Why a source has no answer.
#[derive(Debug, thiserror::Error)]
pub enum PomError {
    /// The source was asked and does not have it.
    #[error("it does not exist")]
    Missing,
    /// The source could not be asked, or its answer could not be understood.
    #[error("the source did not answer")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What shall be resolved together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The artifacts that are asked for, in the order in which Maven would find them in a POM.
    pub roots: Vec<Root>,
    /// Versions that hold wherever one of these artifacts is wanted below a root.
    pub managed: Vec<Coordinate>,
    /// BOMs whose managed versions hold likewise, after `managed`.
    pub boms: Vec<Coordinate>,
    /// What no root shall bring in.
    pub exclusions: Vec<Pattern>,
}

impl Request {
    /// Only these, as they are.
    pub fn of(roots: Vec<Root>) -> Request {
        Request { roots, managed: Vec::new(), boms: Vec::new(), exclusions: Vec::new() }
    }
}

/// One artifact that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The artifact.
    pub coordinate: Coordinate,
    /// What it shall not bring in.
    pub exclusions: Vec<Pattern>,
    /// Whether it brings in anything at all.
    pub transitive: bool,
}

/// Everything that belongs to a set of roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The files for the class path at run time, sorted.
    pub artifacts: Vec<Chosen>,
    /// Every POM that a Maven client reads on the way: of the artifacts, their parents and BOMs, and of those that lost
    /// to another version. Sorted.
    pub poms: Vec<Chosen>,
    /// Who else wants an artifact at run time, each as `Chosen::because`.
    pub also: BTreeMap<Coordinate, Vec<Vec<String>>>,
    /// What Maven would warn about and go on.
    pub warnings: Vec<String>,
}

/// One member of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The artifact.
    pub coordinate: Coordinate,
    /// Who wants it: from a root down to the one that names it. Empty for a root.
    pub because: Vec<String>,
}

/// What a POM says of licences: its own, and the parent that is asked where it has none. Nothing if it is no POM.
pub fn licences(pom: &[u8]) -> Option<(Vec<Licence>, Option<Coordinate>)> {
    let pom = pom::Pom::parse(pom).ok()?;
    let parent = pom
        .parent
        .and_then(|parent| Coordinate::new(&parent.group?, &parent.artifact?, "pom", "", &parent.version?).ok());
    Some((pom.licences, parent))
}

/// Which of two versions of a Maven artifact comes first, whatever their texts are.
pub fn compare_versions(one: &str, other: &str) -> std::cmp::Ordering {
    version::Version::new(one).cmp(&version::Version::new(other))
}

/// Resolves requests and tools from one source of POMs, each of which it reads once.
pub struct Resolver<'a>(Library<'a>);

impl<'a> Resolver<'a> {
    /// A resolver that has read nothing; profiles are chosen for this feature release of Java.
    pub fn new(poms: &'a dyn Poms, java: u32) -> Resolver<'a> {
        Resolver(Library::new(poms, java))
    }

    /// Resolves a request as Maven 3 would.
    pub fn closure(&self, request: &Request) -> Result<Closure, Error> {
        refuse_different_roots(&request.roots)?;
        let library = &self.0;
        let (management, mut troubles) = wish::Management::of(library, request);
        let roots = management.roots(request);
        crawl::crawl(library, &management, &roots);
        let graph = mediate::mediate(library, &management, &roots);
        troubles.extend(graph.troubles(library));
        if !troubles.is_empty() {
            return Err(Error::unresolved(troubles));
        }
        let visited = visit::visit(library, &management, &roots, &graph);
        Ok(Closure { also: scope::also_wanted(&graph), ..closure(scope::at_run_time(&graph), visited) })
    }

    /// Resolves a plug-in or a provider as whoever loads it would.
    pub fn tool(&self, tool: &Tool) -> Result<Closure, Error> {
        tool::resolve(&self.0, tool)
    }
}

fn closure(artifacts: BTreeMap<Coordinate, Vec<String>>, visited: visit::Visited) -> Closure {
    let chosen = |coordinates: BTreeMap<Coordinate, Vec<String>>| {
        coordinates.into_iter().map(|(coordinate, because)| Chosen { coordinate, because }).collect()
    };
    Closure {
        artifacts: chosen(artifacts),
        poms: chosen(visited.poms),
        also: BTreeMap::new(),
        warnings: visited.warnings,
    }
}

/// Maven would let the last one win; who asks for two versions shall hear of it.
fn refuse_different_roots(roots: &[Root]) -> Result<(), Error> {
    let mut seen: BTreeMap<coordinate::Key, &Root> = BTreeMap::new();
    for root in roots {
        if let Some(other) = seen.insert((&root.coordinate).into(), root).filter(|other| *other != root) {
            return Err(Error::RootsDiffer { one: other.coordinate.to_string(), other: root.coordinate.to_string() });
        }
    }
    Ok(())
}
