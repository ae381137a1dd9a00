//! `mirror_python`: packages, their metadata beside them (PEP 658), and an index in both forms (PEP 503 and PEP 691).
//! Any pip or uv reads it from a plain web server; PNDA's layout is kept.
//! Not here: how a page is written (`page`), or how a distribution is read (`mirror::python`).

use super::laying::Laying;
use crate::fetch::expected;
use crate::lock::Artifact;
use crate::manifest::Want;
use crate::python::{self, normalise};
use page::File;
use std::collections::{BTreeMap, btree_map};
use systems::download::Expected;
use words::names::{SafePath, Word};

mod page;

/// Why packages cannot be published together.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A package is not what its name says.
    #[error(transparent)]
    Described(#[from] python::Error),
    /// Two indexes give the same project, and an installer could not tell them apart.
    #[error("the project {project} comes from two indexes, {one} and {other}; take it from one of them")]
    TwoSources { project: Word, one: String, other: String },
    /// Two names that some file systems and some people take for one.
    #[error("the packages {one} and {other} look alike; leave one of them out")]
    Alike { one: String, other: String },
    /// An address of the lock is not a package's.
    #[error("{address} is no address of a Python package; make the lock anew with `pnda mirror lock`")]
    Address { address: SafePath },
}

/// What is published of one project.
struct Project {
    origin: Option<Word>,
    files: BTreeMap<String, File>,
}

/// Puts every published package and the pages of the index.
pub(super) fn add(laying: &mut Laying<'_>, artifacts: Vec<(&Artifact, &Want)>) -> Result<(), super::Error> {
    let published = |(_, want): &(&Artifact, &Want)| matches!(want, Want::Pypi(want) if want.publish);
    let mut projects: BTreeMap<Word, Project> = BTreeMap::new();
    let mut folded: BTreeMap<String, String> = BTreeMap::new();
    for (artifact, _) in artifacts.into_iter().filter(published) {
        let (project, name) = split(&artifact.address)?;
        if let Some(one) = folded.insert(name.to_lowercase(), name.clone()).filter(|there| *there != name) {
            return Err(Error::Alike { one, other: name }.into());
        }
        let file = package(laying, &project, &name, expected(artifact))?;
        let there = match projects.entry(project) {
            btree_map::Entry::Vacant(place) => {
                place.insert(Project { origin: artifact.origin.clone(), files: BTreeMap::new() })
            }
            btree_map::Entry::Occupied(there) if there.get().origin != artifact.origin => {
                let of = |origin: &Option<Word>| origin.as_ref().map_or("the registry".to_owned(), Word::to_string);
                let (one, other) = (of(&there.get().origin), of(&artifact.origin));
                return Err(Error::TwoSources { project: there.key().clone(), one, other }.into());
            }
            btree_map::Entry::Occupied(there) => there.into_mut(),
        };
        there.files.insert(name, file);
    }
    if projects.is_empty() {
        return Ok(());
    }
    let root = SafePath::new("mirror_python/simple")?;
    put_pages(laying, &root, page::root_html(projects.keys()), page::root_json(projects.keys()))?;
    for (name, project) in &projects {
        let files: Vec<&File> = project.files.values().collect();
        let folder = root.join(name.as_str())?;
        put_pages(laying, &folder, page::project_html(name, &files), page::project_json(name, &files))?;
    }
    Ok(())
}

fn put_pages(laying: &mut Laying<'_>, folder: &SafePath, html: String, json: String) -> Result<(), super::Error> {
    laying.text(folder.join("index.html")?, html)?;
    laying.text(folder.join("index.v1_json")?, json)
}

/// Puts one package and, if it is a wheel, its metadata.
fn package(laying: &mut Laying<'_>, project: &Word, name: &str, bytes: Expected) -> Result<File, super::Error> {
    let described = python::describe(laying.store, project, name, bytes).map_err(Error::from)?;
    let path = SafePath::new(format!("mirror_python/packages/{name}"))?;
    if let Some((size, sha256)) = described.metadata {
        let beside = SafePath::new(format!("{path}.metadata"))?;
        laying.object(beside, Expected { size, sha256 })?;
    }
    laying.object(path, bytes)?;
    Ok(File {
        name: name.to_owned(),
        size: bytes.size,
        sha256: bytes.sha256,
        requires_python: described.requires_python,
        metadata: described.metadata.map(|(_, sha256)| sha256),
    })
}

/// `project/file name`.
fn split(address: &SafePath) -> Result<(Word, String), Error> {
    let parts = address.as_str().split_once('/').filter(|(_, name)| !name.contains('/'));
    let checked = parts.and_then(|(project, name)| Some((normalise(project).ok()?, name.to_owned())));
    checked.ok_or_else(|| Error::Address { address: address.clone() })
}
