//! What is installed on a node, as the installer remembers it: going back, holding the node against it, mending it.
//! Each of these is an install of a folder that was kept; the mirror is only asked for archives that are gone.
//! Not here: installing, and taking everything away.

use super::document::{self, Wanted};
use super::generations::{self, Generations, Kept};
use super::home::Home;
use super::job::Job;
use super::plan::What;
use super::state::State;
use super::systemd::Systemd;
use super::{Depth, Error, KEEP, Older, Origin, Request, findings, install_with, look_with};
use disk::root_dir::RootDir;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use words::event::Tell;
use words::location::Location;
use words::node::Scope;
use words::report::Report;

/// What to do with what is installed, and where.
#[derive(Debug, Clone)]
pub struct Where {
    /// The folder that stands for `/`: the machine's own, an image, or a user's.
    pub root: PathBuf,
    /// A mirror to ask instead of the one that the document names.
    pub mirror: Option<Location>,
}

/// Whether something is done or only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// Nothing is written.
    Dry,
    /// It is done.
    Real,
}

/// A kept install, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Generation {
    /// What is known of it.
    #[serde(flatten)]
    pub kept: Kept,
    /// Whether it is what is installed now.
    pub current: bool,
}

/// The installer's memory of a node.
pub(super) struct Installed {
    pub scope: Scope,
    pub state: State,
    pub kept: Vec<Kept>,
    generations: Generations,
    place: Where,
}

impl Installed {
    pub(super) fn open(place: &Where) -> Result<Installed, Error> {
        // Only reading, and only to learn whose machine it is; from there on everything is walked with that in mind.
        let first = if place.root == Path::new("/") { Scope::System } else { Scope::User };
        let found = Installed::read(place, first)?;
        match found.wanted(found.kept.last()).map(|wanted| wanted.node.scope) {
            Ok(scope) if scope != first => Installed::read(place, scope),
            _ => Ok(found),
        }
    }

    fn read(place: &Where, scope: Scope) -> Result<Installed, Error> {
        let ground = RootDir::open(&place.root, scope).map_err(Error::RootDir)?;
        let home = Home::look(&ground).map_err(Error::Home)?;
        let state = home.state().map_err(Error::Home)?;
        let generations = Generations::of(&home);
        let kept = generations.list().map_err(Error::Generations)?;
        Ok(Installed { scope, state, kept, generations, place: place.clone() })
    }

    /// What is installed now; what worked last, if what is there now was never seen to work.
    pub(super) fn current(&self) -> Option<&Kept> {
        let same = |kept: &&Kept| Some(kept.document) == self.state.document;
        self.kept.iter().rev().find(same).or(self.kept.last())
    }

    /// The document and files of a kept install.
    pub(super) fn wanted(&self, kept: Option<&Kept>) -> Result<Wanted, Error> {
        let missing = || generations::Error::Missing { number: None, kept: Vec::new() };
        let kept = kept.ok_or_else(missing).map_err(Error::Generations)?;
        document::read(&self.generations.node(kept.number), self.root()).map_err(Error::Document)
    }

    /// Another root than the document's is only for images of whole machines.
    pub(super) fn root(&self) -> Option<&Path> {
        (self.scope == Scope::System).then_some(self.place.root.as_path())
    }

    fn request(&self, kept: &Kept, depth: Depth) -> Result<Request, Error> {
        let downloads = self.generations.downloads(kept.number);
        let origin = match &self.place.mirror {
            Some(mirror) => Origin::Mirror(mirror.clone()),
            None => Origin::Kept(Location::parse(&downloads.display().to_string()).map_err(Error::Mirror)?),
        };
        Ok(Request {
            certificates: None,
            folder: self.generations.node(kept.number),
            origin,
            root: self.root().map(Path::to_owned),
            older: Older::Allow,
            again: BTreeSet::new(),
            keep: self.kept.len().max(KEEP),
            depth,
        })
    }

    /// Installs a kept folder; where an archive is gone, the mirror that the document names is asked after all.
    fn install(
        &self,
        kept: &Kept,
        depth: Depth,
        run: Run,
        systemd: Option<Systemd>,
        tell: Tell,
    ) -> Result<Report, Error> {
        let mut request = self.request(kept, depth)?;
        if self.place.mirror.is_none() && self.lacks_archives(&request, systemd.clone(), tell)? {
            request.origin = Origin::Document;
        }
        match run {
            Run::Dry => look_with(&request, systemd, tell),
            Run::Real => install_with(&request, systemd, tell),
        }
    }

    fn lacks_archives(&self, request: &Request, systemd: Option<Systemd>, tell: Tell) -> Result<bool, Error> {
        let wanted = document::read(&request.folder, request.root.as_deref()).map_err(Error::Document)?;
        let root = wanted.root.clone();
        let mut job = Job::prepare(request, wanted, &root, systemd, tell)?;
        let home = Home::look(&job.ground).map_err(Error::Home)?;
        job.find_secrets(request, &home)?;
        let (_, plan) = job.plan(&home, &self.state, request)?;
        let lacks = plan.puts().any(|put| matches!(put.what, What::Archive(_)));
        Ok(lacks)
    }
}

/// Every install that is kept, newest first.
pub fn generations(place: &Where) -> Result<Vec<Generation>, Error> {
    let installed = Installed::open(place)?;
    let now = installed.current().filter(|kept| Some(kept.document) == installed.state.document);
    let now = now.map(|kept| kept.number);
    let shown = |kept: &Kept| Generation { kept: kept.clone(), current: Some(kept.number) == now };
    Ok(installed.kept.iter().rev().map(shown).collect())
}

/// Brings back a kept install; without a number the last one that worked before what is there now.
pub fn rollback(place: &Where, number: Option<u64>, run: Run, tell: Tell) -> Result<Report, Error> {
    rollback_with(place, number, run, Systemd::of_machine(), tell)
}

pub(super) fn rollback_with(
    place: &Where,
    number: Option<u64>,
    run: Run,
    systemd: Option<Systemd>,
    tell: Tell,
) -> Result<Report, Error> {
    let installed = Installed::open(place)?;
    let kept = generations::chosen(&installed.kept, number, installed.state.document).map_err(Error::Generations)?;
    let mut report = installed.install(kept, Depth::Quick, run, systemd, tell)?;
    report.notes.push(format!("generation {} is the one that is brought back", kept.number));
    let wanted = installed.wanted(installed.current())?.node;
    if !wanted.hdfs_uploads.is_empty() || !wanted.hdfs_directories.is_empty() {
        report
            .notes
            .push("folders that were made in HDFS since stay there; uploads are as this generation has them".into());
    }
    Ok(report)
}

/// Holds the node against what is installed: every byte, owner, mode and service. What differs are the report's steps.
pub fn verify(place: &Where, tell: Tell) -> Result<Report, Error> {
    verify_with(place, Systemd::of_machine(), tell)
}

pub(super) fn verify_with(place: &Where, systemd: Option<Systemd>, tell: Tell) -> Result<Report, Error> {
    let installed = Installed::open(&Where { mirror: None, ..place.clone() })?;
    let current = installed.current();
    let wanted = installed.wanted(current)?;
    let kept = current.ok_or(Error::Unfit("nothing is installed"))?;
    let request = installed.request(kept, Depth::Deep)?;
    let root = wanted.root.clone();
    let mut job = Job::prepare(&request, wanted, &root, systemd, tell)?;
    let home = Home::look(&job.ground).map_err(Error::Home)?;
    job.find_secrets(&request, &home)?;
    let observed = job.observe(&home, &installed.state, Depth::Deep)?;
    let planned = job.decide(&home, &installed.state, &request, &observed);
    let interrupted = home.journal().map_err(Error::Home)?.is_some();
    let mut report = findings::report(&job.wanted.node, kept.generation, &observed, planned);
    let settled = Some(kept.document) == installed.state.document;
    if interrupted || !settled {
        report.notes.push("the last install did not come to its end: run it again, or roll it back".into());
    }
    let unlisted = |sha256| home.listing(sha256).is_ok_and(|listing| listing.is_none());
    for (path, record) in installed.state.archive.iter().filter(|(_, record)| unlisted(record.sha256)) {
        let sha256 = record.sha256;
        report.notes.push(format!(
            "{path} was unpacked by an older program ({sha256}): only names, lengths and times are known"
        ));
    }
    Ok(report)
}

/// Restores what differs from what is installed; what somebody changed is kept beside.
pub fn repair(place: &Where, run: Run, tell: Tell) -> Result<Report, Error> {
    repair_with(place, run, Systemd::of_machine(), tell)
}

pub(super) fn repair_with(place: &Where, run: Run, systemd: Option<Systemd>, tell: Tell) -> Result<Report, Error> {
    let installed = Installed::open(place)?;
    let missing = || generations::Error::Missing { number: None, kept: Vec::new() };
    let kept = installed.current().ok_or_else(missing).map_err(Error::Generations)?;
    installed.install(kept, Depth::Deep, run, systemd, tell)
}
