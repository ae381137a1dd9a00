//! A Maven entry of a manifest as artifacts of the lock: the resolver chooses, the registry gives and vouches.
//! Jars come with every POM that a Maven client reads on the way to them; so do plug-ins and what they load.
//! Not here: how Maven chooses (`maven`), or how the registry is asked (`registry`).

use super::maven::{self, BadCoordinate, Closure, Coordinate, Host, Pattern, PomError, Poms};
use super::maven::{Request, Resolver, Root, Tool, Trouble};
use super::registry::{self, Identity, Registry};
use super::signature::{self, Change};
use crate::lock::{Artifact, Source};
use crate::manifest::MavenWant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use words::event::Event;
use words::names::{SafePath, Word};
use words::parallel::each;

/// The Java for which profiles of POMs are chosen: the one that nodes get.
const JAVA: u32 = 17;
/// Tools and artifacts that are worked on at a time; requests are bounded by the registry.
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
    /// Files that its POMs promise do not exist.
    #[error("{} of the closure do not exist, though their POMs do:{}", .0.len(), Lines(.0))]
    Absent(Vec<Absent>),
    /// Something of it is not to be had.
    #[error("a part of the closure is not to be had")]
    Registry(#[from] registry::Error),
    /// Others sign than before.
    #[error(
        "not signed by whom it was signed before:{}\n  ask those who publish it; \
         what they confirm goes into the entry as signers = [\"FINGERPRINT\"]",
        Lines(.0)
    )]
    Signers(Vec<Change>),
}

/// A file that was not published.
#[derive(Debug, PartialEq, Eq)]
pub struct Absent {
    /// Its coordinate.
    pub coordinate: Coordinate,
    /// The other version that is most like it.
    pub nearest: Option<String>,
    /// Who wants it.
    pub because: Vec<String>,
}

impl fmt::Display for Absent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}`", self.coordinate)?;
        match &self.nearest {
            Some(nearest) => write!(out, "; the nearest other version is {nearest}")?,
            None => out.write_str("; there is no other version")?,
        }
        if self.because.is_empty() { Ok(()) } else { write!(out, "\n    wanted by {}", self.because.join(" -> ")) }
    }
}

struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(out, "\n  {line}"))
    }
}

/// The artifacts of an entry.
pub fn artifacts(entry: &Word, want: &MavenWant, registry: &Registry<'_>) -> Result<Vec<Artifact>, Error> {
    let chosen = chosen(want, registry)?;
    let brought = bring(&chosen, registry);
    let absent = |(coordinate, because): (&Coordinate, &Because)| {
        let missing = brought.get(coordinate)?.as_ref().err()?.is_missing();
        missing.then(|| absent(coordinate, &because[0], registry))
    };
    let absent: Vec<Absent> = chosen.iter().filter_map(absent).collect();
    if !absent.is_empty() {
        return Err(Error::Absent(absent));
    }
    let mut artifacts = Vec::new();
    for (coordinate, identity) in brought {
        let because = chosen.get(&coordinate).map(Vec::as_slice).unwrap_or_default();
        artifacts.extend(locked(entry, &coordinate, because, identity?));
    }
    let changes = signature::changes(registry.before, &artifacts, &want.signers);
    if changes.is_empty() { Ok(artifacts) } else { Err(Error::Signers(changes)) }
}

/// Who wants something: chains from a root down, the one that chose it first.
type Because = Vec<Vec<String>>;
type Chosen = BTreeMap<Coordinate, Because>;

/// Everything that belongs to an entry, each with all that want it: a root before a plug-in.
fn chosen(want: &MavenWant, registry: &Registry<'_>) -> Result<Chosen, Error> {
    let resolver = Resolver::new(registry, JAVA);
    let (mut chosen, mut troubles) = (Chosen::new(), Vec::new());
    let mut take = |closure: Result<Closure, maven::Error>| match closure {
        Ok(closure) => {
            closure.warnings.into_iter().for_each(|warning| (registry.tell)(Event::Note(warning)));
            let mut also = closure.also;
            for one in closure.artifacts.into_iter().chain(closure.poms) {
                let more = also.remove(&one.coordinate).unwrap_or_default();
                chosen.entry(one.coordinate).or_default().extend(std::iter::once(one.because).chain(more));
            }
            Ok(())
        }
        Err(maven::Error::Unresolved(more)) => {
            troubles.extend::<Vec<Trouble>>(more);
            Ok(())
        }
        Err(error) => Err(Error::Resolve(Box::new(error))),
    };
    let closure = resolver.closure(&request(want)?);
    let used: Vec<Coordinate> = closure.iter().flat_map(|it| &it.artifacts).map(|one| one.coordinate.clone()).collect();
    take(closure)?;
    if let Some(name) = &want.lifecycle {
        let root = |coordinate| Root { coordinate, exclusions: Vec::new(), transitive: false };
        take(resolver.closure(&Request::of(maven::looked_at(name).into_iter().map(root).collect())))?;
    }
    let tools = tools(want, &used)?;
    for closure in each(PARALLEL, &tools, |tool| resolver.tool(tool)) {
        take(closure)?;
    }
    if troubles.is_empty() { Ok(chosen) } else { Err(Error::Resolve(Box::new(maven::Error::unresolved(troubles)))) }
}

fn request(want: &MavenWant) -> Result<Request, BadCoordinate> {
    let exclusions: Vec<Pattern> = want.exclude.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let root = |coordinate| Root { coordinate, exclusions: Vec::new(), transitive: want.transitive };
    let roots = coordinates(&want.roots)?.into_iter().map(root).collect();
    Ok(Request { roots, managed: coordinates(&want.managed)?, boms: coordinates(&want.boms)?, exclusions })
}

fn coordinates(texts: &[String]) -> Result<Vec<Coordinate>, BadCoordinate> {
    texts.iter().map(|text| text.parse()).collect()
}

/// The plug-ins of an entry and what they load while they run.
fn tools(want: &MavenWant, used: &[Coordinate]) -> Result<Vec<Tool>, BadCoordinate> {
    let mut tools = Vec::new();
    for plugin in &want.plugins {
        let (coordinate, dependencies) = (plugin.plugin.parse()?, coordinates(&plugin.dependencies)?);
        tools.push(Tool { coordinate, dependencies, host: Host::Maven });
    }
    let bound = want.lifecycle.iter().flat_map(|name| maven::lifecycle(name));
    tools.extend(bound.map(|coordinate| Tool { coordinate, dependencies: Vec::new(), host: Host::Maven }));
    let plugins: Vec<Coordinate> = tools.iter().map(|tool| tool.coordinate.clone()).collect();
    let providers = coordinates(&want.providers)?.into_iter().chain(maven::providers(&plugins, used.iter()));
    tools.extend(providers.map(|coordinate| Tool { coordinate, dependencies: Vec::new(), host: Host::Plugin }));
    Ok(tools)
}

fn bring(chosen: &Chosen, registry: &Registry<'_>) -> BTreeMap<Coordinate, Result<Identity, registry::Error>> {
    let brought = |coordinate: &Coordinate| (coordinate.clone(), registry.bring(&coordinate.path()));
    each(PARALLEL, chosen.keys(), brought).into_iter().collect()
}

fn absent(coordinate: &Coordinate, because: &[String], registry: &Registry<'_>) -> Absent {
    let mut existing = registry.versions(coordinate.group(), coordinate.artifact()).unwrap_or_default();
    existing.retain(|version| version != coordinate.version());
    let nearest = maven::nearest(coordinate.version(), &existing);
    Absent { coordinate: coordinate.clone(), nearest, because: because.to_vec() }
}

/// An artifact and, where a trusted key made it, its signature.
fn locked(entry: &Word, coordinate: &Coordinate, because: &[Vec<String>], identity: Identity) -> Vec<Artifact> {
    let own = coordinate.to_string();
    let chain = |because: &Vec<String>| {
        let names = std::iter::once(entry.as_str()).chain(because.iter().map(String::as_str)).chain([own.as_str()]);
        names.collect::<Vec<_>>().join(" > ")
    };
    let chains: BTreeSet<String> = because.iter().map(chain).collect();
    let artifact = Artifact {
        source: Source::Maven,
        origin: identity.origin,
        signer: identity.signer,
        address: coordinate.path(),
        size: identity.expected.size,
        sha256: identity.expected.sha256,
        vouched: identity.vouched,
        wanted_by: entry.clone().into(),
        because: chains.into_iter().collect(),
    };
    let side = SafePath::new(format!("{}.asc", artifact.address)).ok();
    let signature = identity.signature.zip(side).map(|(expected, address)| Artifact {
        address,
        size: expected.size,
        sha256: expected.sha256,
        ..artifact.clone()
    });
    std::iter::once(artifact).chain(signature).collect()
}

impl Poms for Registry<'_> {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        self.read(&coordinate.path()).map(Arc::from).map_err(refused)
    }

    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError> {
        Registry::versions(self, group, artifact).map_err(refused)
    }

    fn asks(&self, repository: &str) -> bool {
        self.has(repository)
    }
}

fn refused(error: registry::Error) -> PomError {
    if error.is_missing() { PomError::Missing } else { PomError::Other(Box::new(error)) }
}
