//! Python packages: one file that a manifest names, or a closure for interpreters and platforms.
//! `page` reads what an index has, `solve` chooses versions, `closure` gathers what all targets need.
//! Not here: what a distribution says of itself (`python`), or downloading what was locked (`fetch`).

use crate::lock::{Artifact, Chains, Lock, Source, Voucher};
use crate::manifest::{PypiFile, PypiRelease, PypiWant, PypiWhat};
use crate::python::{self, BadRequirement, BadTarget, Filename, Form};
use crate::resolve::{Upgrade, World, unseen};
use crate::{sources, store};
use std::collections::BTreeSet;
use systems::http;
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::names::Word;
use words::shown::shown;

mod anchors;
mod closure;
mod conflict;
mod page;
mod shelf;
mod solve;

pub use conflict::Conflict;
pub use page::{Error as PageError, IndexFile, Project, project};
pub use solve::Preferred;

use shelf::Shelf;

/// Why an entry cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index's place is not known.
    #[error(transparent)]
    Source(#[from] sources::Error),
    /// A page is of no use.
    #[error(transparent)]
    Page(#[from] page::Error),
    /// The release has no such file.
    #[error("{project} {version} has no such file: wanted {wanted}{}", offered(near))]
    NoFile { project: Word, version: String, wanted: String, near: Vec<String> },
    /// The manifest leaves open which.
    #[error("{project} {version} has several such files; say more about the wheel{}", offered(found))]
    Several { project: Word, version: String, found: Vec<String> },
    /// Requirements that do not go together.
    #[error(transparent)]
    Conflict(Box<Conflict>),
    /// For one of the targets it cannot be done.
    #[error("for {target}")]
    Target { target: String, source: Box<Error> },
    /// A target is none.
    #[error(transparent)]
    BadTarget(#[from] BadTarget),
    /// A distribution says something else of itself than its name.
    #[error(transparent)]
    Described(#[from] python::Error),
    /// What builds a source distribution is not understood.
    #[error("nobody can say what builds {}", shown(name))]
    Build { name: String, source: BadRequirement },
    /// A file or its metadata is not to be had.
    #[error("cannot look into {}", shown(name))]
    Bring { name: String, source: Missing },
    /// Other bytes than the index promises.
    #[error("{} has sha256 {found}; the index promises {expected}", shown(name))]
    Differs { name: String, expected: Sha256, found: Sha256 },
    /// More than anybody needs, so that a hostile index cannot keep us busy.
    #[error("it takes more than {limit} {what}; name versions more exactly")]
    TooMuch { what: &'static str, limit: usize },
}

/// Why something of an index is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// The metadata beside a file.
    #[error("the index promises metadata that it does not give")]
    Metadata(#[source] http::Error),
    /// A file whose length nobody said.
    #[error(transparent)]
    Unseen(#[from] unseen::Error),
    /// A file of known length and digest.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn offered(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; the nearest it has: {}", names.join(", ")) }
}

/// The artifacts of an entry; versions of `prefer` are kept while they satisfy.
pub fn artifacts(entry: &Word, want: &PypiWant, world: &World<'_>, prefer: &Preferred) -> Result<Vec<Artifact>, Error> {
    let shelf = Shelf::new(world, want);
    let artifact = |project: &Word, file: IndexFile, because: Chains| {
        let identity = shelf.identity(&file)?;
        Ok(Artifact {
            source: Source::Pypi,
            origin: want.source_of(project).cloned(),
            signer: None,
            address: file.address,
            size: identity.size,
            sha256: identity.sha256,
            vouched: if want.names_digests_of(project) { Voucher::Manifest } else { Voucher::IndexSha256 },
            wanted_by: entry.clone().into(),
            because,
        })
    };
    match &want.what {
        PypiWhat::File(release) => {
            let file = shelf.page(&release.project)?.choose(release)?;
            file.tell_yanked(world.tell);
            let because = [format!("{entry} > {}=={}", release.project, release.version)].into_iter().collect();
            Ok(vec![artifact(&release.project, file, because)?])
        }
        PypiWhat::Closure(wanted) => {
            let all = closure::close(wanted, &shelf, prefer, world.tell)?;
            let of =
                |needed: &closure::Needed| artifact(&needed.project, needed.file.clone(), all.because(needed, entry));
            all.needed.values().map(of).collect()
        }
    }
}

/// The versions that the last lock has for an entry.
pub fn preferred(entry: &Word, before: &Lock, upgrade: &Upgrade) -> Preferred {
    let mut preferred = Preferred::new();
    for artifact in before.wanted_by(entry).filter(|artifact| artifact.source == Source::Pypi) {
        let Some((project, name)) = artifact.address.as_str().split_once('/') else { continue };
        let Ok(project) = Word::new(project) else { continue };
        if upgrade.frees(entry, project.as_str()) {
            continue;
        }
        if let Some(Filename { version, .. }) = Filename::read(name, &project) {
            preferred.entry(project).or_default().insert(version);
        }
    }
    preferred
}

impl IndexFile {
    /// Tells of a file that its publisher took back: it is only taken where its version is pinned, as installers do.
    fn tell_yanked(&self, tell: Tell) {
        if let Some(reason) = &self.yanked {
            let reason = if reason.is_empty() { "no reason is given" } else { reason };
            let taken = format!("{} was taken back by its publisher", self.address.file_name());
            tell(Event::Note(format!("{taken} and is here because it is pinned: {reason}")));
        }
    }
}

impl Project {
    /// The one file that a manifest means.
    pub fn choose(&self, want: &PypiRelease) -> Result<IndexFile, Error> {
        let named = self.files.iter().filter_map(|file| Some((file, Filename::read(&file.name, &self.name)?)));
        let release: Vec<_> = named.filter(|(_, name)| name.version == want.version).collect();
        let fitting: Vec<_> = release.iter().filter(|(_, name)| fits(&name.form, &want.file)).collect();
        let (project, version) = (self.name.clone(), want.version.to_string());
        match fitting.as_slice() {
            [(file, _)] => Ok(self.file(file)?),
            [] => {
                let wanted = match &want.file {
                    PypiFile::Sdist => "the source distribution".to_owned(),
                    PypiFile::Wheel { python, platform } => format!("a wheel for {python} on {platform}"),
                };
                let names = || release.iter().take(8).map(|(file, _)| file.name.clone()).collect();
                let near = if release.is_empty() { self.newest() } else { names() };
                Err(Error::NoFile { project, version, wanted, near })
            }
            several => {
                let found = several.iter().take(8).map(|(file, _)| file.name.clone()).collect();
                Err(Error::Several { project, version, found })
            }
        }
    }

    /// The file of a name, wherever it is now.
    pub fn named(&self, name: &str) -> Result<IndexFile, Error> {
        match self.files.iter().find(|file| file.name == name) {
            Some(file) => Ok(self.file(file)?),
            None => {
                let (project, wanted) = (self.name.clone(), name.to_owned());
                Err(Error::NoFile { project, version: String::new(), wanted, near: Vec::new() })
            }
        }
    }

    /// The versions on the page, ascending.
    pub fn versions(&self) -> BTreeSet<pep440_rs::Version> {
        let read = |name: &str| Filename::read(name, &self.name).map(|name| name.version);
        self.files.iter().filter_map(|file| read(&file.name)).collect()
    }

    /// The newest versions on the page, the newest first.
    fn newest(&self) -> Vec<String> {
        self.versions().iter().rev().take(5).map(ToString::to_string).collect()
    }
}

fn fits(form: &Form, wanted: &PypiFile) -> bool {
    match (wanted, form) {
        (PypiFile::Sdist, Form::Sdist) => true,
        (PypiFile::Wheel { python, platform }, Form::Wheel(tags)) => {
            tags.python.contains(python) && tags.platform.contains(platform)
        }
        _ => false,
    }
}
