//! Relocations: a POM may say that its artifact has moved, and the wish moves with it.
//! Every POM on the way is read, also where the way ends at something that is excluded.
//! Not here: that the old and the new name are one artifact, which is for mediation to respect.

use super::coordinate::{Coordinate, Key};
use super::library::{Built, Failure, Library, Reason};
use super::model::Model;
use super::pom::Reference;
use super::scope::Scope;
use super::wish::{Management, Wish};
use std::sync::Arc;

/// Relocations of one wish, one after the other.
const MAX_RELOCATIONS: usize = 16;

/// A wish in one version, at the end of its relocations.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) wish: Wish,
    /// The models of those that it was before.
    pub(super) passed: Vec<Arc<Model>>,
    /// All names under which it went.
    pub(super) names: Vec<Key>,
    pub(super) end: End,
}

/// Where a wish ends.
#[derive(Debug)]
pub(super) enum End {
    /// At an artifact. Without a model there is nothing to read: it is a file of the machine.
    Artifact(Coordinate, Option<Built>),
    /// At what those above leave out.
    Excluded,
    /// At what cannot exist.
    Impossible(String),
}

/// Reads the POM of a wish in a version and goes where it leads.
pub(super) fn follow(library: &Library<'_>, management: &Management, wish: Wish, version: &str) -> Followed {
    let mut version = version.to_owned();
    // Under this name the version was managed already.
    let mut managed = wish.key.clone();
    let names = vec![wish.key.clone()];
    let mut at = Followed { wish, passed: Vec::new(), names, end: End::Excluded };
    loop {
        let coordinate = match at.wish.key.at(&version) {
            Ok(coordinate) => coordinate,
            Err(why) => return Followed { end: End::Impossible(why.to_string()), ..at },
        };
        if at.wish.scope == Scope::System {
            return Followed { end: End::Artifact(coordinate, None), ..at };
        }
        let model = library.model(&coordinate);
        if at.passed.len() >= MAX_RELOCATIONS {
            let failure = Failure::here(&coordinate.pom(), Reason::Cycle("relocations"), &[]);
            return Followed { end: End::Artifact(coordinate, Some(Err(failure))), ..at };
        }
        if let Some(target) = model.as_ref().ok().and_then(|model| model.relocation.clone()) {
            at.passed.extend(model.ok());
            version = at.relocate(target, version);
            continue;
        }
        // Maven goes to the end of the way before it asks again what the request says about this name.
        if at.names.len() > 1 && at.wish.is_excluded() {
            at.passed.extend(model.ok());
            return at;
        }
        let pinned = management.version(&at.wish.key).filter(|_| at.wish.depth > 1 && at.wish.key != managed);
        match pinned.filter(|pinned| *pinned != version) {
            Some(pinned) => {
                version = pinned.to_owned();
                managed = at.wish.key.clone();
                at.passed.extend(model.ok());
            }
            None => return Followed { end: End::Artifact(coordinate, Some(model)), ..at },
        }
    }
}

impl Followed {
    /// Takes the new name; its version.
    fn relocate(&mut self, target: Reference, version: String) -> String {
        let key = &mut self.wish.key;
        key.group = target.group.unwrap_or(std::mem::take(&mut key.group));
        key.artifact = target.artifact.unwrap_or(std::mem::take(&mut key.artifact));
        self.names.push(key.clone());
        target.version.unwrap_or(version)
    }
}
