//! A tool: a plug-in as Maven loads it, or a test provider as a plug-in loads it while it runs; resolved by itself, under
//! the management of its own POM. What Maven has itself it asks for all the same: it leaves that out only when it loads.
//! Not here: which tools a build uses.

use super::coordinate::{Coordinate, Key};
use super::crawl::crawl;
use super::error::{Error, Trouble, What};
use super::library::Library;
use super::mediate::mediate;
use super::model::Model;
use super::relocation::{End, follow};
use super::scope::{self, Scope};
use super::visit::visit;
use super::wish::{Management, Wish};
use super::{Closure, closure};
use std::sync::Arc;

/// Something that runs a build, and what it is loaded with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The artifact.
    pub coordinate: Coordinate,
    /// What the project declares below `<plugin>`: it stands before what the tool itself declares.
    pub dependencies: Vec<Coordinate>,
    /// Who loads it.
    pub host: Host,
}

/// Who loads a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Maven, into a realm beside its own.
    Maven,
    /// A plug-in, as a rule for another Java.
    Plugin,
}

/// What Maven before 3.9 gives to a plug-in that has no version of it at all.
const UTILITIES: (&str, &str, &str) = ("org.codehaus.plexus", "plexus-utils", "1.1");

/// Resolves a tool as whoever loads it would.
pub(super) fn resolve(library: &Library<'_>, tool: &Tool) -> Result<Closure, Error> {
    let (coordinate, model, passed) = described(library, &tool.coordinate)?;
    let stated = library.management(&coordinate.pom(), &[]);
    let stated = stated.map_err(|failure| Error::unresolved(vec![Trouble::of_failure(library, &failure, &[])]))?;
    let management = Management::stated(&stated.managed, tool.host == Host::Maven);
    let roots = roots(tool, &model);
    crawl(library, &management, &roots);
    let graph = mediate(library, &management, &roots);
    let own = coordinate.to_string();
    let mut troubles = graph.troubles(library);
    if !troubles.is_empty() {
        troubles.iter_mut().for_each(|trouble| trouble.below(&own, &model.repositories));
        return Err(Error::unresolved(troubles));
    }
    let mut visited = visit(library, &management, &roots, &graph);
    let mut artifacts = scope::at_run_time(&graph);
    if tool.host == Host::Maven {
        artifacts
            .extend(utilities().filter(|utilities| !graph.has(&Key::from(utilities))).map(|one| (one, Vec::new())));
    }
    let below = |because: &mut Vec<String>| because.insert(0, own.clone());
    artifacts.values_mut().chain(visited.poms.values_mut()).for_each(below);
    artifacts.insert(coordinate, Vec::new());
    for read in passed.iter().chain([&model]).flat_map(|model| &model.read) {
        let because = read.because.iter().map(ToString::to_string).collect();
        visited.poms.insert(read.pom.clone(), because);
    }
    Ok(closure(artifacts, visited))
}

type Described = (Coordinate, Arc<Model>, Vec<Arc<Model>>);

/// What a tool is at the end of its relocations, with the models on the way.
fn described(library: &Library<'_>, coordinate: &Coordinate) -> Result<Described, Error> {
    let wish = Wish::alone(coordinate, Scope::Runtime);
    let followed = follow(library, &Management::default(), wish, coordinate.version());
    let trouble = match followed.end {
        End::Artifact(coordinate, Some(Ok(model))) => return Ok((coordinate, model, followed.passed)),
        End::Artifact(_, Some(Err(failure))) => Trouble::of_failure(library, &failure, &[]),
        End::Artifact(_, None) | End::Excluded => {
            Trouble::new(coordinate.to_string(), Vec::new(), What::Unusable("it is no tool".to_owned()))
        }
        End::Impossible(why) => Trouble::new(coordinate.to_string(), Vec::new(), What::Unusable(why)),
    };
    Err(Error::unresolved(vec![trouble]))
}

/// What is loaded with it first: what the project says, then its own dependencies, the optional ones too.
fn roots(tool: &Tool, model: &Model) -> Vec<Wish> {
    let mut roots: Vec<Wish> = tool.dependencies.iter().map(|one| Wish::alone(one, Scope::Runtime)).collect();
    if model.mistake.is_some() {
        return roots;
    }
    for dependency in &model.dependencies {
        let foreign = matches!(dependency.scope.as_deref(), Some("test" | "provided"));
        let key = dependency.key();
        if !foreign && roots.iter().all(|root| root.key != key) {
            roots.push(Wish::declared(dependency));
        }
    }
    roots
}

fn utilities() -> impl Iterator<Item = Coordinate> {
    let (group, artifact, version) = UTILITIES;
    Coordinate::jar(group, artifact, version).into_iter()
}
