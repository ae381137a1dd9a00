//! Brings a node to the state that its document asks for: read, verify, plan, stage, switch, start.
//! Each stage is a function here; nothing visible changes before everything is staged, and a second run changes nothing.
//! Not here: what a node should have; `pnda render` decided that.
//!
//! Every file of this folder is one stage or one noun: `document` and `trust` read and verify, `observe` looks,
//! `plan` and `services` decide, `stage` and `unpack` prepare, `recover`, `journal` and `switch` carry out.
//! Going back is installing the folder of the release before: its archives are still there.

mod census;
mod document;
mod ground;
mod home;
mod journal;
mod observe;
mod owners;
mod plan;
mod recover;
mod report;
mod services;
mod space;
mod stage;
mod state;
mod switch;
mod systemd;
#[cfg(test)]
mod tests;
mod trust;
mod unpack;

use crate::systems::http::{Http, Patience};
use crate::words::event::{Event, Tell};
use crate::words::generation::Generation;
use crate::words::location::{BadLocation, Location};
use crate::words::names::NodePath;
use crate::words::node::Scope;
use document::Wanted;
use ground::Ground;
use home::Home;
use observe::Observed;
use plan::{Plan, Step};
use recover::Recovered;
use stage::Stage;
use state::{FileRecord, State, TreeRecord};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use systemd::Systemd;

pub use report::{Line, Report};

/// What to install, and from where.
#[derive(Debug)]
pub struct Request {
    /// The node's folder: `node.toml` and `files/`.
    pub folder: PathBuf,
    /// The mirror; where the document says if none is given.
    pub mirror: Option<Location>,
    /// Another root than the document's, for images and tests.
    pub root: Option<PathBuf>,
    /// Whether a mirror may be older than the one this node was last installed from.
    pub older: Older,
}

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
    /// This machine cannot be what the document wants.
    #[error("this machine cannot be installed: {0}")]
    Unfit(&'static str),
    /// The node's root cannot be used.
    #[error("the node's root cannot be used")]
    Ground(#[source] ground::Error),
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
    /// The switch failed.
    #[error("the prepared files could not be put in place")]
    Switch(#[source] recover::Error),
    /// A service is not up.
    #[error("the services are not as they should be; the files are in place, run it again to retry")]
    Services(#[source] systemd::Error),
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
    let wanted = read(request)?;
    // A user's folder that is not there yet is looked at as an empty one.
    let empty = tempfile::tempdir().map_err(|source| ground::Error::Root { path: wanted.root.clone(), source });
    let empty = empty.map_err(Error::Ground)?;
    let missing = wanted.node.scope == Scope::User && !wanted.root.exists();
    let root = if missing { empty.path().to_owned() } else { wanted.root.clone() };
    let job = Job::prepare(request, wanted, &root, Systemd::of_machine(), tell)?;
    let home = Home::look(&job.ground).map_err(Error::Home)?;
    let state = home.state().map_err(Error::Home)?;
    job.refuse_older(&state, request.older)?;
    let (_, plan) = job.plan(&state)?;
    let interrupted = home.journal().map_err(Error::Home)?.is_some();
    Ok(job.report(plan, interrupted))
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
        Scope::System => Vec::new(),
    };
    let result = Job::prepare(request, wanted, &root, systemd, tell).and_then(|job| {
        let home = Home::hold(&job.ground).map_err(Error::Home)?;
        let result = job.carry_out(&home, request.older, tell);
        home.leave();
        result
    });
    home::remove_empty(&made);
    result
}

fn read(request: &Request) -> Result<Wanted, Error> {
    document::read(&request.folder, request.root.as_deref()).map_err(Error::Document)
}

/// Everything that is read and verified before the node is looked at.
struct Job {
    wanted: Wanted,
    generation: Generation,
    http: Http,
    mirror: Location,
    ground: Ground,
    systemd: Option<Systemd>,
}

impl Job {
    fn prepare(
        request: &Request,
        wanted: Wanted,
        root: &Path,
        systemd: Option<Systemd>,
        tell: Tell,
    ) -> Result<Job, Error> {
        let systemd = fit(&wanted, request.root.as_deref(), systemd)?;
        let mirror = match &request.mirror {
            Some(mirror) => mirror.clone(),
            None => Location::parse(&wanted.node.mirror.url).map_err(Error::Mirror)?,
        };
        let http = Http::new(Patience::default());
        let generation = trust::list(&http, &mirror, &wanted.node, tell).map_err(Error::Trust)?;
        trust::compare(&generation, &wanted.node).map_err(Error::Trust)?;
        let ground = Ground::open(root, wanted.node.scope).map_err(Error::Ground)?;
        Ok(Job { wanted, generation, http, mirror, ground, systemd })
    }

    /// An attacker who kept an old, validly signed mirror could bring old mistakes back with it.
    fn refuse_older(&self, state: &State, older: Older) -> Result<(), Error> {
        let (offered, last) = (self.generation.number, state.generation);
        match older {
            Older::Refuse if offered < last => Err(Error::Trust(trust::Error::Older { offered, last })),
            _ => Ok(()),
        }
    }

    fn plan(&self, state: &State) -> Result<(Observed, Plan), Error> {
        let observed = observe::observe(&self.ground, &self.wanted, state, self.systemd.as_ref());
        let observed = observed.map_err(Error::Observe)?;
        let plan = plan::plan(&self.wanted.node, state, &observed).map_err(Error::Obstacles)?;
        Ok((observed, plan))
    }

    fn report(&self, plan: Plan, interrupted: bool) -> Report {
        Report::new(&self.wanted.node, self.generation.number, plan, interrupted)
    }

    fn carry_out(&self, home: &Home, older: Older, tell: Tell) -> Result<Report, Error> {
        let state = home.state().map_err(Error::Home)?;
        self.refuse_older(&state, older)?;
        let left = home.journal().map_err(Error::Home)?;
        let recovered = recover::recover(&self.ground, home, left.as_deref(), &state).map_err(Error::Switch)?;
        if recovered != Recovered::Nothing {
            let how = if recovered == Recovered::Undone { "undone" } else { "finished" };
            tell(Event::Note(format!("an interrupted install was {how}")));
        }
        let (observed, plan) = self.plan(&state)?;
        let interrupted = recovered != Recovered::Nothing;
        if plan.is_empty() {
            return Ok(self.report(plan, interrupted));
        }
        let (observed, plan) = self.make_users(&state, observed, plan)?;
        let trees = if moves_files(&plan) { self.place(home, &state, &observed, &plan, tell)? } else { state };
        self.start(home, trees, &plan, tell)?;
        Ok(self.report(plan, interrupted))
    }

    /// Owners must exist before anything is staged for them; a user too many does no harm if staging fails.
    fn make_users(&self, state: &State, observed: Observed, plan: Plan) -> Result<(Observed, Plan), Error> {
        let users = plan.users();
        if users.is_empty() {
            return Ok((observed, plan));
        }
        owners::make(&self.ground, &users).map_err(Error::Users)?;
        let made: Vec<Step> = users.into_iter().cloned().map(Step::User).collect();
        let (observed, mut plan) = self.plan(state)?;
        plan.steps.splice(..0, made);
        Ok((observed, plan))
    }

    /// Stages and switches; gives the state that was kept.
    fn place(&self, home: &Home, state: &State, observed: &Observed, plan: &Plan, tell: Tell) -> Result<State, Error> {
        let run = state.run + 1;
        let (ground, wanted) = (&self.ground, &self.wanted);
        let stage = Stage { ground, home, wanted, observed, plan, http: &self.http, mirror: &self.mirror, run };
        stage.fetch(tell).map_err(Error::Stage)?;
        let mut journal = stage.journal();
        home.keep_journal(&journal.render()).map_err(Error::Home)?;
        let trees = stage.stage(&mut journal, tell).map_err(|error| {
            recover::clear(ground, home, &journal);
            Error::Stage(error)
        })?;
        if let Some(systemd) = &self.systemd {
            services::retire(systemd, plan).map_err(|error| {
                recover::clear(ground, home, &journal);
                services::restore(systemd, plan);
                Error::Services(error)
            })?;
        }
        let mut kept = State::default();
        let next = || {
            kept = self.next_state(state, plan, trees, run)?;
            Ok(kept.clone())
        };
        recover::switch(ground, home, &journal, next).map_err(|error| {
            if let (Some(systemd), recover::Error::Failed(_) | recover::Error::Stuck { .. }) = (&self.systemd, &error) {
                services::restore(systemd, plan);
            }
            Error::Switch(error)
        })?;
        remove_folders(ground, plan);
        home.drop_downloads().map_err(Error::Home)?;
        Ok(kept)
    }

    /// Tells systemd, and forgets what was left to tell once it is told.
    fn start(&self, home: &Home, state: State, plan: &Plan, tell: Tell) -> Result<(), Error> {
        let Some(systemd) = &self.systemd else { return Ok(()) };
        services::bring_up(systemd, plan, tell).map_err(Error::Services)?;
        if state.pending == state::Pending::default() {
            return Ok(());
        }
        let told = State { pending: state::Pending::default(), ..state };
        home.keep_state(&told).map_err(Error::Home)
    }

    /// What to remember once everything has its place.
    fn next_state(
        &self,
        state: &State,
        plan: &Plan,
        mut trees: BTreeMap<NodePath, TreeRecord>,
        run: u64,
    ) -> Result<State, switch::Error> {
        let node = &self.wanted.node;
        let downloads = node.downloads.iter().map(|file| (&file.path, file.sha256));
        let files = node.files.iter().map(|file| (&file.path, file.sha256)).chain(downloads);
        let mut file = BTreeMap::new();
        for (path, sha256) in files {
            file.insert(path.clone(), FileRecord::of(sha256, &switch::stat(&self.ground, path)?));
        }
        let archive: BTreeMap<NodePath, TreeRecord> = node
            .archives
            .iter()
            .filter_map(|one| {
                Some((one.into.clone(), trees.remove(&one.into).or_else(|| state.tree(&one.into).cloned())?))
            })
            .collect();
        let link = node.links.iter().map(|link| (link.path.clone(), plan::link_text(node, link))).collect();
        let made = plan.steps.iter().filter_map(|step| match step {
            Step::MakeFolder { path, .. } => Some(path.clone()),
            _ => None,
        });
        let mut folders = state.folders.clone();
        folders.extend(made);
        folders.retain(|path| !plan.steps.contains(&Step::RemoveFolder(path.clone())));
        Ok(State {
            run,
            node: Some(node.node.clone()),
            generation: self.generation.number,
            services: node.services.iter().map(|service| service.name.clone()).collect(),
            folders,
            pending: services::pending(plan),
            previous: previous(state, plan, &archive),
            file,
            link,
            archive,
            ..State::default()
        })
    }
}

/// Archives that are kept for going back: those that were just dropped, else those that were kept before.
fn previous(state: &State, plan: &Plan, used: &BTreeMap<NodePath, TreeRecord>) -> BTreeMap<NodePath, TreeRecord> {
    let dropped = |path: &NodePath| plan.steps.contains(&Step::Keep(path.clone()));
    let removed = |path: &NodePath| plan.steps.contains(&Step::Remove(path.clone()));
    let any_dropped = plan.steps.iter().any(|step| matches!(step, Step::Keep(_)));
    let before = state.previous.iter().filter(|(path, _)| !any_dropped && !removed(path));
    let kept = state.archive.iter().filter(|(path, _)| dropped(path)).chain(before);
    kept.filter(|(path, _)| !used.contains_key(*path)).map(|(path, record)| (path.clone(), record.clone())).collect()
}

/// Whether anything but users and services changes.
fn moves_files(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        !matches!(step, Step::User(_) | Step::Reload | Step::Enable(_) | Step::Start(_) | Step::Restart(..))
    })
}

/// Folders that are no longer needed; one that is not empty stays, somebody uses it.
fn remove_folders(ground: &Ground, plan: &Plan) {
    for step in &plan.steps {
        if let Step::RemoveFolder(path) = step
            && let Ok(Some(place)) = ground.place(path)
        {
            let _ = place.remove_empty();
        }
    }
}

/// Whether this machine and this user can do it, and which systemd to tell.
fn fit(wanted: &Wanted, root: Option<&Path>, systemd: Option<Systemd>) -> Result<Option<Systemd>, Error> {
    if wanted.node.scope == Scope::User {
        // Rendered files name the root they were rendered for.
        let moved = root.is_some_and(|root| root != Path::new(&wanted.node.root));
        return if moved {
            Err(Error::Unfit("it was rendered for another root; render it again for this one"))
        } else {
            Ok(None)
        };
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Error::Unfit("it was rendered for a whole machine; install it as root"));
    }
    if wanted.root != Path::new("/") {
        // Another root is an image or a test: its services start when it does. Tests bring a systemd of their own.
        return Ok(systemd.filter(|systemd| systemd.programs.is_some()));
    }
    match systemd {
        None if !wanted.node.services.is_empty() => Err(Error::Unfit("systemd does not run here")),
        systemd => Ok(systemd),
    }
}
