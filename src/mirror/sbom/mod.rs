//! Bills of materials, one for a generation and one for each role, made from the lock and not by scanning files.
//! A file of the mirror is known by its digest: as an artifact of the lock, an assembly of such, or a program of ours.
//! Not here: the form of the document (`cyclonedx`), or how licences are read (`licences`).

use super::lock::Lock;
use super::manifest::Manifest;
use super::store::Store;
use cyclonedx::Component;
use parts::Parts;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use words::digest::{Hasher, Sha256};
use words::names::{SafePath, Word};
use words::tree::Tree;

pub mod cyclonedx;
mod parts;

/// What everything on a mirror belongs to, in its bill.
const ROOT: &str = "mirror";

/// What a role's nodes take from the mirror, by role.
pub type Roles = BTreeMap<Word, BTreeSet<SafePath>>;

/// The generation's bill in a mirror.
pub fn path() -> SafePath {
    SafePath::new("sbom/generation.cdx.json").expect("a plain path")
}

/// A role's bill in a mirror.
pub fn path_of(role: &Word) -> SafePath {
    SafePath::new(format!("sbom/role-{role}.cdx.json")).expect("a word is a plain segment")
}

/// What bills are made from.
pub struct Sources<'a> {
    /// The recipes of assemblies.
    pub manifest: &'a Manifest,
    /// Everything that was agreed.
    pub lock: &'a Lock,
    /// Where metadata is read.
    pub store: &'a Store,
    /// The mirror, but for the bills themselves.
    pub tree: &'a Tree,
    /// What roles take.
    pub roles: &'a Roles,
    /// Where programs of our own lie.
    pub programs: Vec<&'a SafePath>,
}

/// Writes one bill.
pub type Bill<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// Hands over every bill with its path in the mirror.
pub fn bills<E>(sources: &Sources<'_>, put: &mut dyn FnMut(SafePath, Bill<'_>) -> Result<(), E>) -> Result<(), E> {
    let parts = Parts::of(sources);
    let content = content(sources);
    let excepted = |subject: Component| {
        sources.lock.waivers.iter().fold(subject, |subject, waiver| subject.with("waiver", waiver.to_string()))
    };
    let subject = excepted(Component::named("platform", ROOT, "pnda-mirror"));
    let all: Vec<usize> = (0..parts.things.len()).collect();
    put(path(), &|out| parts.bom(&subject, content, &all, &parts.wanted).write(out))?;
    for (role, paths) in sources.roles {
        let root = format!("role-{role}");
        let taken: BTreeSet<usize> = paths.iter().filter_map(|path| parts.at(path, sources.tree)).collect();
        let all: Vec<usize> = parts.reachable(&taken).into_iter().collect();
        let subject = excepted(Component::named("platform", &root, &root));
        put(path_of(role), &|out| parts.bom(&subject, content, &all, &taken).write(out))?;
    }
    Ok(())
}

/// The digest of everything a mirror holds but its bills.
fn content(sources: &Sources<'_>) -> Sha256 {
    let mut hasher = Hasher::default();
    for (path, entry) in sources.tree.iter() {
        hasher.update(format!("{} {path}\n", entry.digest()).as_bytes());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
