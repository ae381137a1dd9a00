//! Brings a node to the state that its document asks for: read, verify, plan, stage, switch, start.
//! Each stage is a function here; nothing visible changes before everything is staged, and a second run changes nothing.
//! Not here: what a node should have; `pnda cluster render` decided that.
//!
//! Every file of this folder is one stage or one noun: `document` and `trust` read and verify, `observe` looks,
//! `plan`, `services` and `tasks` decide, `stage` and `unpack` prepare, `recover`, `journal` and `switch` carry out,
//! `start` with `once`, `gates` and `hdfs` brings up what lives on the files, and `job` strings all of it together.
//! Going back is installing the folder of the release before: its archives are still there.

mod ahead;
mod census;
mod certificates;
mod document;
mod findings;
mod gates;
mod generations;
mod hdfs;
mod home;
mod installed;
mod job;
mod journal;
mod listing;
mod observe;
mod once;
mod owners;
mod plan;
mod ports;
mod recover;
mod report;
mod secrets;
mod services;
mod space;
mod stage;
mod start;
mod state;
mod step;
mod switch;
mod sysctls;
mod systemd;
mod tasks;
#[cfg(test)]
mod tests;
mod textdiff;
mod trust;
mod uninstall;
pub mod unpack;

use document::Wanted;
use home::Home;
use job::Job;
use std::collections::BTreeSet;
use std::path::PathBuf;
use systemd::Systemd;
use words::event::Tell;
use words::location::{BadLocation, Location};
use words::names::{NodePath, Word};
use words::node::Scope;
use words::report::Report;

pub use installed::{Generation, Run, Where, generations, repair, rollback, verify};
pub use uninstall::{Data, uninstall};

/// What to install, and from where.
#[derive(Debug)]
pub struct Request {
    /// The node's folder: `node.toml` and `files/`.
    pub folder: PathBuf,
    /// Where the bytes come from.
    pub origin: Origin,
    /// Another root than the document's, for images and tests.
    pub root: Option<PathBuf>,
    /// Whether a mirror may be older than one this node has seen.
    pub older: Older,
    /// What is prepared again although it was prepared once and is gone.
    pub again: BTreeSet<Word>,
    /// How many installs are kept to go back to, the last one among them.
    pub keep: usize,
    /// How closely the node is looked at.
    pub depth: Depth,
    /// A folder with the node's key and certificates, which then stand for those that the node has.
    pub certificates: Option<PathBuf>,
}

/// Where an install's bytes come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The mirror that the document names.
    Document,
    /// This mirror.
    Mirror(Location),
    /// What was kept on this node, in a folder that is laid out like a mirror; it was verified when it was kept.
    Kept(Location),
}

/// How closely a node is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What has its length and times is as it was.
    Quick,
    /// Every byte is read.
    Deep,
}

/// How many installs are kept unless told otherwise.
pub const KEEP: usize = 2;

/// What to do with an older mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// It may be an attack.
    Refuse,
    /// The operator wants it.
    Allow,
}

/// Why nothing was installed, or not everything.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node's folder is not right.
    #[error("the node's folder cannot be installed")]
    Document(#[source] document::Error),
    /// The mirror's address is not one.
    #[error("the mirror's address cannot be used")]
    Mirror(#[source] BadLocation),
    /// The mirror is not used.
    #[error("nothing was installed")]
    Trust(#[source] trust::Error),
    /// A secret is not what it must be.
    #[error("nothing was installed")]
    Secrets(#[source] secrets::Error),
    /// This machine cannot be what the document wants.
    #[error("this machine cannot be installed: {0}")]
    Unfit(&'static str),
    /// The node's root cannot be used.
    #[error("the node's root cannot be used")]
    RootDir(#[source] disk::root_dir::Error),
    /// The installer's own folder cannot be used.
    #[error("the installer cannot keep its state")]
    Home(#[source] home::Error),
    /// The node cannot be looked at.
    #[error("the node cannot be looked at")]
    Observe(#[source] observe::Error),
    /// Something stands in the way.
    #[error("something on the node stands in the way:\n    {}", .0.join("\n    "))]
    Obstacles(Vec<String>),
    /// Users cannot be made.
    #[error("the node's users cannot be made")]
    Users(#[source] owners::Error),
    /// Something could not be staged.
    #[error("not everything could be prepared; nothing on the node was changed")]
    Stage(#[source] stage::Error),
    /// Data that should go does not.
    #[error("cannot remove {path}")]
    Remove { path: NodePath, source: std::io::Error },
    /// What was kept cannot be used.
    #[error("the installs that are kept on this node cannot be used")]
    Generations(#[source] generations::Error),
    /// The switch failed.
    #[error("the prepared files could not be put in place")]
    Switch(#[source] recover::Error),
    /// What follows the files did not come about.
    #[error("the files are in place, but not everything works yet; the next run goes on here")]
    Start(#[source] start::Error),
}

impl Error {
    /// Whether bytes were there but not those that were signed or rendered.
    pub fn is_mismatch(&self) -> bool {
        match self {
            Error::Document(error) => matches!(error, document::Error::Differs(_)),
            Error::Trust(error) => error.is_mismatch(),
            Error::Stage(stage::Error::Fetch { source, .. }) => source.is_mismatch(),
            _ => false,
        }
    }
}

/// What an install would do; nothing is written.
pub fn look(request: &Request, tell: Tell) -> Result<Report, Error> {
    look_with(request, Systemd::of_machine(), tell)
}

fn look_with(request: &Request, systemd: Option<Systemd>, tell: Tell) -> Result<Report, Error> {
    let wanted = read(request)?;
    // A user's folder that is not there yet is looked at as an empty one.
    let empty = tempfile::tempdir().map_err(|source| disk::root_dir::Error::Root { path: wanted.root.clone(), source });
    let empty = empty.map_err(Error::RootDir)?;
    let missing = wanted.node.scope == Scope::User && !wanted.root.exists();
    let root = if missing { empty.path().to_owned() } else { wanted.root.clone() };
    let mut job = Job::prepare(request, wanted, &root, systemd, tell)?;
    let home = Home::look(&job.ground).map_err(Error::Home)?;
    job.find_secrets(request, &home)?;
    let state = home.state().map_err(Error::Home)?;
    job.refuse_older(&state, request.older)?;
    let (_, plan) = job.plan(&home, &state, request)?;
    let interrupted = home.journal().map_err(Error::Home)?.is_some();
    Ok(job.report(plan, &state, interrupted))
}

/// Installs; a failure leaves the node as it was.
pub fn install(request: &Request, tell: Tell) -> Result<Report, Error> {
    install_with(request, Systemd::of_machine(), tell)
}

fn install_with(request: &Request, systemd: Option<Systemd>, tell: Tell) -> Result<Report, Error> {
    let wanted = read(request)?;
    let root = wanted.root.clone();
    // A user's folder is made if it is not there; a machine has its root.
    let made = match wanted.node.scope {
        Scope::User => home::make_missing(&root, 0o755).map_err(Error::Home)?,
        Scope::System => home::Made::default(),
    };
    let result = Job::prepare(request, wanted, &root, systemd, tell).and_then(|mut job| {
        let home = Home::hold(&job.ground).map_err(Error::Home)?;
        let result = job.find_secrets(request, &home).and_then(|()| job.carry_out(&home, request, tell));
        home.leave();
        result
    });
    made.remove_empty();
    result
}

fn read(request: &Request) -> Result<Wanted, Error> {
    document::read(&request.folder, request.root.as_deref()).map_err(Error::Document)
}
