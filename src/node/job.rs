//! One install from beginning to end, in the order in which it happens.
//! Up to the switch nothing visible has changed, but for users that the staged files need as owners.
//! Not here: any of the stages.

use super::document::Wanted;
use super::generations::Generations;
use super::home::Home;
use super::observe::{self, Observed};
use super::plan::{self, Choices, Over, Plan, Step, What};
use super::recover::{self, Recovered};
use super::stage::Stage;
use super::start::{self, Start};
use super::state::{FileRecord, State, TreeRecord};
use super::systemd::Systemd;
use super::{Depth, Error, Older, Origin, Request, report};
use super::{generations, hdfs, owners, secrets, services, switch, sysctls, tasks, textdiff, trust};
use disk::root_dir::RootDir;
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use systems::http::{Http, Patience};
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::location::Location;
use words::names::NodePath;
use words::node::Scope;
use words::report::Report;

/// Configuration that a person reads is shorter.
const LONGEST_DIFFED: u64 = 256 << 10;

/// Everything that is read and verified before the node is looked at.
pub(super) struct Job {
    pub(super) wanted: Wanted,
    /// The mirror's generation; none if everything was kept here.
    generation: Option<u64>,
    http: Http,
    mirror: Location,
    pub(super) ground: RootDir,
    systemd: Option<Systemd>,
    patience: hdfs::Patience,
}

impl Job {
    pub(super) fn prepare(
        request: &Request,
        wanted: Wanted,
        root: &Path,
        systemd: Option<Systemd>,
        tell: Tell,
    ) -> Result<Job, Error> {
        let systemd = fit(&wanted, request.root.as_deref(), systemd)?;
        let http = Http::new(Patience::default());
        let verified = |mirror: Location| {
            let generation = trust::list(&http, &mirror, &wanted.node, tell).map_err(Error::Trust)?;
            trust::compare(&generation, &wanted.node).map_err(Error::Trust)?;
            Ok((mirror, Some(generation.number)))
        };
        let (mirror, generation) = match &request.origin {
            Origin::Mirror(mirror) => verified(mirror.clone())?,
            Origin::Document => verified(Location::parse(&wanted.node.mirror.url).map_err(Error::Mirror)?)?,
            Origin::Kept(folder) => (folder.clone(), None),
        };
        let ground = RootDir::open(root, wanted.node.scope).map_err(Error::RootDir)?;
        let patience = systemd.as_ref().map_or_else(hdfs::Patience::default, |systemd| systemd.waits.hdfs);
        Ok(Job { wanted, generation, http, mirror, ground, systemd, patience })
    }

    /// An attacker who kept an old, validly signed mirror could bring old mistakes back with it.
    pub(super) fn refuse_older(&self, state: &State, older: Older) -> Result<(), Error> {
        let (offered, last) = (self.generation(state), state.generation);
        match older {
            Older::Refuse if offered < last => Err(Error::Trust(trust::Error::Older { offered, last })),
            _ => Ok(()),
        }
    }

    /// The mirror's generation, or that of the install before where the mirror is not asked.
    fn generation(&self, state: &State) -> u64 {
        self.generation.unwrap_or(state.generation)
    }

    /// Remembers a newer list as soon as it was verified, whatever becomes of this run: no mirror may be older from here on.
    fn raise_floor(&self, home: &Home, state: &mut State) -> Result<(), Error> {
        let seen = self.generation(state);
        // A first install that is refused leaves nothing.
        if state.run == 0 || seen <= state.generation {
            return Ok(());
        }
        state.generation = seen;
        home.keep_state(state).map_err(Error::Home)
    }

    /// Puts the secrets of the node into what is wanted.
    pub(super) fn find_secrets(&mut self, request: &Request, home: &Home) -> Result<(), Error> {
        let sources = secrets::Sources { ground: &self.ground, certificates: request.certificates.as_deref() };
        secrets::fill(&mut self.wanted, &request.folder, sources, home).map_err(Error::Secrets)
    }

    /// What tells what is to be installed from other installs.
    fn document(&self) -> Sha256 {
        self.wanted.identity()
    }

    pub(super) fn observe(&self, home: &Home, state: &State, depth: Depth) -> Result<Observed, Error> {
        let listings = (depth == Depth::Deep).then_some(home);
        observe::observe(&self.ground, &self.wanted, state, self.systemd.as_ref(), listings).map_err(Error::Observe)
    }

    pub(super) fn plan(&self, home: &Home, state: &State, request: &Request) -> Result<(Observed, Plan), Error> {
        let observed = self.observe(home, state, request.depth)?;
        let plan = self.decide(home, state, request, &observed).map_err(Error::Obstacles)?;
        Ok((observed, plan))
    }

    /// What to do about what was seen, or what stands in the way.
    pub(super) fn decide(
        &self,
        home: &Home,
        state: &State,
        request: &Request,
        observed: &Observed,
    ) -> Result<Plan, Vec<String>> {
        let kept = Generations::of(home).list().map_err(|error| vec![error.to_string()])?;
        let needed = generations::needed(&kept, self.document(), request.keep);
        let choices = Choices { again: &request.again, needed: needed.as_ref() };
        let mut plan = plan::plan(&self.wanted.node, state, observed, choices)?;
        self.diffs(&mut plan);
        if self.wanted.root == Path::new("/") && self.wanted.node.scope != Scope::User {
            plan.notes.extend(sysctls::note());
        }
        Ok(plan)
    }

    /// What somebody changed by hand, where everybody may read both what is there and what comes. The others are named.
    fn diffs(&self, plan: &mut Plan) {
        let theirs = plan.puts().filter(|put| matches!(put.over, Over::Theirs(_)));
        let files = theirs.filter_map(|put| if let What::File(file) = &put.what { Some(file) } else { None });
        let (mut diffs, mut notes) = (BTreeMap::new(), Vec::new());
        for file in files {
            let path = &file.path;
            let Some(place) = self.ground.place(path).ok().flatten() else { continue };
            let Ok(old) = place.open() else { continue };
            let open = old.metadata().is_ok_and(|found| found.mode() & 0o004 != 0) && place.is_passable();
            if !open || file.access.mode.bits() & 0o004 == 0 {
                notes.push(format!("what differs in {path} is not shown: not everybody may read it"));
                continue;
            }
            let mut bytes = Vec::new();
            let read = old.take(LONGEST_DIFFED).read_to_end(&mut bytes).ok();
            let diff = read.and_then(|_| textdiff::diff(&bytes, self.wanted.bytes.get(path)?));
            diffs.extend(diff.map(|diff| (path.clone(), diff)));
        }
        plan.diffs = diffs;
        plan.notes.extend(notes);
    }

    pub(super) fn report(&self, plan: Plan, state: &State, interrupted: bool) -> Report {
        report::of_plan(&self.wanted.node, self.generation(state), plan, interrupted)
    }

    /// Remembers that this works, to go back to it.
    fn keep(&self, home: &Home, state: &State, request: &Request) -> Result<(), Error> {
        let generations = Generations::of(home);
        let kept = generations.keep(home, &self.wanted, &self.ground, self.generation(state), request.keep);
        kept.map_err(Error::Generations)?;
        let archives = state.archive.values().chain(state.previous.values()).map(|record| record.sha256);
        home.drop_listings(&archives.collect());
        Ok(())
    }

    pub(super) fn carry_out(&self, home: &Home, request: &Request, tell: Tell) -> Result<Report, Error> {
        let mut state = home.state().map_err(Error::Home)?;
        self.refuse_older(&state, request.older)?;
        self.raise_floor(home, &mut state)?;
        let left = home.journal().map_err(Error::Home)?;
        let recovered = recover::recover(&self.ground, home, left.as_deref(), &state).map_err(Error::Switch)?;
        if recovered != Recovered::Nothing {
            let how = if recovered == Recovered::Undone { "undone" } else { "finished" };
            tell(Event::Note(format!("an interrupted install was {how}")));
        }
        let (observed, plan) = self.plan(home, &state, request)?;
        let interrupted = recovered != Recovered::Nothing;
        if plan.is_empty() {
            // A run that was killed at its very end has left them.
            home.drop_downloads().map_err(Error::Home)?;
            let settled = state.document == Some(self.document());
            if !settled || !tasks::adopted(&self.wanted.node, &state, &observed).is_empty() {
                self.start(home, &observed, &plan, state.clone(), tell)?;
            }
            self.keep(home, &state, request)?;
            return Ok(self.report(plan, &state, interrupted));
        }
        // Before the first change of any kind everything that comes from the mirror is here and verified.
        self.stage(home, &observed, &plan, &state).fetch(tell).map_err(Error::Stage)?;
        let (observed, plan) = self.make_users(home, &state, observed, plan, request)?;
        let placed = if moves_files(&plan) { self.place(home, &state, &observed, &plan, tell)? } else { state.clone() };
        self.start(home, &observed, &plan, placed.clone(), tell)?;
        self.keep(home, &placed, request)?;
        Ok(self.report(plan, &state, interrupted))
    }

    /// Owners must exist before anything is staged for them; a user too many does no harm if staging fails.
    fn make_users(
        &self,
        home: &Home,
        state: &State,
        observed: Observed,
        plan: Plan,
        request: &Request,
    ) -> Result<(Observed, Plan), Error> {
        let users = plan.users();
        if users.is_empty() {
            return Ok((observed, plan));
        }
        owners::make(&self.ground, &users).map_err(Error::Users)?;
        let made: Vec<Step> = users.into_iter().cloned().map(Step::User).collect();
        let (observed, mut plan) = self.plan(home, state, request)?;
        plan.steps.splice(..0, made);
        Ok((observed, plan))
    }

    fn stage<'a>(&'a self, home: &'a Home, observed: &'a Observed, plan: &'a Plan, state: &State) -> Stage<'a> {
        let (ground, wanted, run) = (&self.ground, &self.wanted, state.run + 1);
        Stage { ground, home, wanted, observed, plan, http: &self.http, mirror: &self.mirror, run }
    }

    fn place(&self, home: &Home, state: &State, observed: &Observed, plan: &Plan, tell: Tell) -> Result<State, Error> {
        self.place_as(home, state, observed, plan, tell, |trees| self.next_state(state, plan, trees))
    }

    /// Stages and switches; gives the state that was kept, which `next` makes of the trees that were unpacked.
    pub(super) fn place_as(
        &self,
        home: &Home,
        state: &State,
        observed: &Observed,
        plan: &Plan,
        tell: Tell,
        next: impl FnOnce(BTreeMap<NodePath, TreeRecord>) -> Result<State, switch::Error>,
    ) -> Result<State, Error> {
        let stage = self.stage(home, observed, plan, state);
        let ground = &self.ground;
        let mut journal = stage.journal();
        home.keep_journal(&journal.render()).map_err(Error::Home)?;
        let staged = stage.stage(&mut journal, tell).map_err(Error::Stage);
        // What was downloaded is staged, and need not come to the disk as well when all of it is made durable.
        let staged = staged.and_then(|trees| home.drop_downloads().map_err(Error::Home).map(|()| trees));
        let trees = staged.inspect_err(|_| recover::clear(ground, home, &journal))?;
        if let Some(systemd) = &self.systemd {
            services::retire(systemd, plan).map_err(|error| {
                recover::clear(ground, home, &journal);
                services::restore(systemd, plan);
                Error::Start(start::Error::Services(error))
            })?;
        }
        let mut kept = State::default();
        let keep = || {
            kept = next(trees)?;
            Ok(kept.clone())
        };
        recover::switch(ground, home, &journal, keep).map_err(|error| {
            if let (Some(systemd), recover::Error::Failed(_) | recover::Error::Stuck { .. }) = (&self.systemd, &error) {
                services::restore(systemd, plan);
            }
            Error::Switch(error)
        })?;
        remove_folders(ground, plan);
        Ok(kept)
    }

    /// Brings up what lives on the files.
    pub(super) fn start(
        &self,
        home: &Home,
        observed: &Observed,
        plan: &Plan,
        state: State,
        tell: Tell,
    ) -> Result<(), Error> {
        let (node, ground, systemd) = (&self.wanted.node, &self.ground, self.systemd.as_ref());
        if systemd.is_none() && node.scope == Scope::System {
            return Ok(());
        }
        let start = Start { node, ground, home, observed, plan, systemd, patience: self.patience, tell };
        start.bring_up(State { document: Some(self.document()), ..state }).map_err(Error::Start)
    }

    /// What to remember once everything has its place.
    fn next_state(
        &self,
        state: &State,
        plan: &Plan,
        mut trees: BTreeMap<NodePath, TreeRecord>,
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
            run: state.run + 1,
            node: Some(node.node.clone()),
            generation: self.generation(state).max(state.generation),
            document: Some(self.document()),
            users: state.users.iter().chain(plan.users().into_iter().map(|user| &user.name)).cloned().collect(),
            services: node.services.iter().map(|service| service.name.clone()).collect(),
            folders,
            pending: services::pending(plan),
            once: state.once.clone(),
            previous: previous(state, plan, &archive),
            file,
            link,
            archive,
            ..State::default()
        })
    }
}

/// Archives that are kept for going back: those that were just dropped, and those that were kept before.
fn previous(state: &State, plan: &Plan, used: &BTreeMap<NodePath, TreeRecord>) -> BTreeMap<NodePath, TreeRecord> {
    let removed = |path: &NodePath| plan.steps.contains(&Step::Remove(path.clone()));
    let kept = state.archive.iter().chain(&state.previous);
    let kept = kept.filter(|(path, _)| !used.contains_key(*path) && !removed(path));
    kept.map(|(path, record)| (path.clone(), record.clone())).collect()
}

/// Whether anything but users and services changes.
fn moves_files(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        let places = matches!(step, Step::MakeFolder { .. } | Step::GrantFolder { .. } | Step::Put(_) | Step::Keep(_));
        places || matches!(step, Step::Remove(_) | Step::RemoveFolder(_) | Step::Retire(_))
    })
}

/// Folders that are no longer needed; one that is not empty stays, somebody uses it.
pub(super) fn remove_folders(ground: &RootDir, plan: &Plan) {
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
