//! An index as a closure sees it: pages, and what each distribution needs, each asked for once.
//! Metadata comes from beside the file (PEP 658), else out of the file itself, which the store then has already.
//! Not here: which distribution is chosen.

use super::page::{self, IndexFile, Project};
use super::solve::{Candidate, Catalogue, Needs};
use super::{Error, Missing};
use crate::lock::Source;
use crate::manifest::{PypiClosure, PypiWant, Sdists};
use crate::python::{self, Description, Filename, Form, Requirement, Target};
use crate::resolve::{World, unseen};
use crate::sources::Key;
use pep440_rs::{Version, VersionSpecifiers};
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use systems::download::Expected;
use words::digest::Sha256;
use words::event::Event;
use words::location::Location;
use words::names::Word;

/// More distributions than are ever looked into for one closure.
const MOST_LOOKS: usize = 3_000;
/// The largest metadata that is read.
const MOST_METADATA: u64 = 4 << 20;

/// The indexes of one entry.
pub(super) struct Shelf<'a> {
    world: &'a World<'a>,
    want: &'a PypiWant,
    pages: RefCell<BTreeMap<Word, Arc<Project>>>,
    described: RefCell<BTreeMap<Sha256, Arc<Description>>>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(world: &'a World<'a>, want: &'a PypiWant) -> Shelf<'a> {
        Shelf { world, want, pages: RefCell::default(), described: RefCell::default() }
    }

    /// The page of a project, from the one index that it comes from.
    pub(super) fn page(&self, project: &Word) -> Result<Arc<Project>, Error> {
        if let Some(page) = self.pages.borrow().get(project) {
            return Ok(page.clone());
        }
        let key = Key { kind: Source::Pypi, id: self.want.source_of(project).cloned() };
        let index = &self.world.sources.of(&key)?.location;
        let page = Arc::new(page::project(self.world.http, index, project, self.world.tell)?);
        self.pages.borrow_mut().insert(project.clone(), page.clone());
        Ok(page)
    }

    /// Size and digest of a file. Where the index does not say how long it is, the file is taken in to know.
    pub(super) fn identity(&self, file: &IndexFile) -> Result<Expected, Error> {
        if let Some(size) = file.size {
            return Ok(Expected { size, sha256: file.sha256 });
        }
        if let Ok(there) = std::fs::metadata(self.world.store.path(file.sha256)) {
            return Ok(Expected { size: there.len(), sha256: file.sha256 });
        }
        let name = || file.address.file_name().to_owned();
        let unseen = |source| Error::Bring { name: name(), source: Missing::Unseen(source) };
        let taken = unseen::take(self.world.http, &file.location, self.world.store, self.world.tell).map_err(unseen)?;
        if taken.sha256 != file.sha256 {
            return Err(Error::Differs { name: name(), expected: file.sha256, found: taken.sha256 });
        }
        taken.keep(self.world.store).map_err(unseen)
    }

    /// What a distribution says of itself.
    pub(super) fn description(&self, project: &Word, file: &IndexFile) -> Result<Arc<Description>, Error> {
        if let Some(known) = self.described.borrow().get(&file.sha256) {
            return Ok(known.clone());
        }
        if self.described.borrow().len() == MOST_LOOKS {
            return Err(Error::TooMuch { what: "distributions", limit: MOST_LOOKS });
        }
        let inside = self.world.store.path(file.sha256).is_file();
        let beside = if inside { None } else { self.beside(project, file)? };
        let description = Arc::new(match beside {
            Some(description) => description,
            None => self.inside(project, file)?,
        });
        self.described.borrow_mut().insert(file.sha256, description.clone());
        Ok(description)
    }

    /// The metadata that lies beside the file, if the index offers it.
    fn beside(&self, project: &Word, file: &IndexFile) -> Result<Option<Description>, Error> {
        let Some(digest) = file.metadata else { return Ok(None) };
        let name = file.address.file_name();
        let Some(Filename { version, form: Form::Wheel(_) }) = Filename::read(name, project) else { return Ok(None) };
        let (mut from, name) = (file.location.clone(), format!("{name}.metadata"));
        let url = match &mut from {
            Location::Web(url) => url,
            Location::Led(led) => &mut led.url,
            Location::Path(_) => return Ok(None),
        };
        url.set_path(&format!("{}.metadata", url.path()));
        let text = self.world.http.get_small(&from, "*/*", MOST_METADATA, self.world.tell);
        let text = text.map_err(|source| Error::Bring { name: name.clone(), source: Missing::Metadata(source) })?;
        let found = Sha256::of(&text);
        if let Some(expected) = digest.filter(|expected| *expected != found) {
            return Err(Error::Differs { name, expected, found });
        }
        Ok(Some(python::describe_text(project, &version, &name, &text)?))
    }

    /// The metadata in the file. If the index offers some beside it, both must be the same.
    fn inside(&self, project: &Word, file: &IndexFile) -> Result<Description, Error> {
        let (name, bytes) = (file.address.file_name(), self.identity(file)?);
        let from = std::slice::from_ref(&file.location);
        let brought = self.world.store.bring(self.world.http, from, bytes, self.world.tell);
        brought.map_err(|source| Error::Bring { name: name.to_owned(), source: Missing::Store(source) })?;
        let description = python::describe(self.world.store, project, name, bytes)?;
        if let (Some(Some(expected)), Some((_, found))) = (file.metadata, description.metadata) {
            let name = format!("the METADATA inside {name}");
            return if expected == found { Ok(description) } else { Err(Error::Differs { name, expected, found }) };
        }
        Ok(description)
    }
}

/// The shelf as one target sees it.
pub(super) struct View<'a> {
    shelf: &'a Shelf<'a>,
    closure: &'a PypiClosure,
    target: &'a Target,
    seen: RefCell<BTreeMap<Word, Seen>>,
    passed_over: RefCell<BTreeSet<(Word, Version)>>,
}

/// The candidates of a project, and the files they stand for.
#[derive(Clone)]
struct Seen {
    candidates: Arc<[Candidate]>,
    files: Arc<[IndexFile]>,
}

/// What makes one file of a version better than another: not taken back, the nearer tags, the later build.
type Worth = (bool, Reverse<usize>, u64);

impl<'a> View<'a> {
    pub(super) fn new(shelf: &'a Shelf<'a>, closure: &'a PypiClosure, target: &'a Target) -> View<'a> {
        View { shelf, closure, target, seen: RefCell::default(), passed_over: RefCell::default() }
    }

    /// The file that a candidate stands for.
    pub(super) fn file(&self, project: &Word, candidate: &Candidate) -> Result<IndexFile, Error> {
        Ok(self.look(project)?.files[candidate.at].clone())
    }

    fn look(&self, project: &Word) -> Result<Seen, Error> {
        if let Some(seen) = self.seen.borrow().get(project) {
            return Ok(seen.clone());
        }
        let page = match self.shelf.page(project) {
            // A project that does not exist has no candidates: the conflict then says who wants it.
            Err(Error::Page(page::Error::Page { source: systems::http::Error::Missing { .. }, .. })) => None,
            page => Some(page?),
        };
        let seen = match page {
            Some(page) => self.see(&page)?,
            None => Seen { candidates: Arc::from([]), files: Arc::from([]) },
        };
        self.seen.borrow_mut().insert(project.clone(), seen.clone());
        Ok(seen)
    }

    /// A version that cannot be chosen, which an older one must not hide: it is told, once.
    fn unknown(&self, project: &Word, candidate: &Candidate, why: String) -> Needs {
        let version = &candidate.version;
        if self.passed_over.borrow_mut().insert((project.clone(), version.clone())) {
            let note = format!("{project}=={version} is passed over, for nobody can say what it needs: {why}");
            (self.shelf.world.tell)(Event::Note(note));
        }
        Needs::Unknown(why)
    }

    /// The best file of each version. Where every file has something wrong with it, that is the answer.
    fn see(&self, page: &Project) -> Result<Seen, Error> {
        let mut wrong = None;
        let mut best: BTreeMap<Version, (Worth, IndexFile)> = BTreeMap::new();
        for listed in &page.files {
            let Some(Filename { version, form }) = Filename::read(&listed.name, &page.name) else { continue };
            let (rank, build) = match &form {
                Form::Wheel(tags) => match self.target.rank(tags) {
                    Some(rank) => (rank, tags.build),
                    None => continue,
                },
                Form::Sdist if self.closure.sdists == Sdists::Never => continue,
                Form::Sdist => (usize::MAX, 0),
            };
            let file = match page.file(listed) {
                Ok(file) if self.closure.allows(&page.name, file.sha256) => file,
                Ok(_) => {
                    wrong.get_or_insert(page::Error::Unlisted { project: page.name.clone() });
                    continue;
                }
                Err(error) => {
                    wrong.get_or_insert(error);
                    continue;
                }
            };
            if file.python.as_ref().is_some_and(|python| !python.contains(self.target.version())) {
                continue;
            }
            let worth = (file.yanked.is_none(), Reverse(rank), build);
            if best.get(&version).is_none_or(|(there, _)| *there < worth) {
                best.insert(version, (worth, file));
            }
        }
        if let Some(error) = wrong.filter(|_| best.is_empty()) {
            return Err(error.into());
        }
        let mut files = Vec::new();
        let mut candidates = Vec::new();
        for (version, ((fresh, Reverse(rank), _), file)) in best {
            candidates.push(Candidate { version, wheel: rank != usize::MAX, yanked: !fresh, at: files.len() });
            files.push(file);
        }
        Ok(Seen { candidates: candidates.into(), files: files.into() })
    }
}

impl Catalogue for View<'_> {
    fn candidates(&self, project: &Word) -> Result<Arc<[Candidate]>, Error> {
        Ok(self.look(project)?.candidates)
    }

    fn needs(&self, project: &Word, candidate: &Candidate) -> Result<Needs, Error> {
        let told = self.closure.metadata.get(&(project.clone(), candidate.version.clone()));
        if let Some(requires) = told.and_then(|told| told.requires.as_ref()) {
            return Ok(Needs::Known(requires.as_slice().into()));
        }
        let description = self.shelf.description(project, &self.file(project, candidate)?)?;
        let python = description.requires_python.as_ref();
        let other = python
            .filter(|text| text.parse().is_ok_and(|python: VersionSpecifiers| !python.contains(self.target.version())));
        if let Some(python) = other {
            return Ok(Needs::OtherPython(python.clone()));
        }
        let Some(requires) = &description.requires else {
            let remedy = format!(
                "write [[pypi.metadata]] with package = \"{project}=={}\" and requires = [what it requires]",
                candidate.version
            );
            let why = match candidate.wheel {
                true => format!("the metadata of its wheel cannot be read; {remedy}"),
                false => format!("only its setup.py would tell, which is not run; {remedy}"),
            };
            return Ok(self.unknown(project, candidate, why));
        };
        let requires: Result<Vec<Requirement>, _> = requires.iter().map(|text| Requirement::parse(text)).collect();
        Ok(match requires {
            Ok(requires) => Needs::Known(requires.into()),
            Err(error) => self.unknown(project, candidate, format!("its metadata says {error}")),
        })
    }
}
