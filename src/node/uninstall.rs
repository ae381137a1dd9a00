//! Takes everything away that installs have placed: an install of an empty document, and then the installer's own memory.
//! Data and what somebody changed stay and are named, unless they are to go too.
//! Not here: how files are removed so that a crash leaves nothing half done.

use super::document::Wanted;
use super::installed::{Installed, Run, Where};
use super::job::Job;
use super::plan::{self, Choices, Plan};
use super::secrets::Secrets;
use super::state::State;
use super::systemd::Systemd;
use super::{Depth, Error, Home, KEEP, Older, Origin, Request, owners, recover};
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::location::Location;
use words::names::{NodePath, Word};
use words::node::{Keys, Mirror, Node};
use words::report::{Effect, Kind, Line, Report};

/// What becomes of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// It stays.
    Keep,
    /// It goes, with the users that were made for it.
    Purge,
}

/// Uninstalls; what stays is in the notes.
pub fn uninstall(place: &Where, data: Data, run: Run, tell: Tell) -> Result<Report, Error> {
    uninstall_with(place, data, run, Systemd::of_machine(), tell)
}

pub(super) fn uninstall_with(
    place: &Where,
    data: Data,
    run: Run,
    systemd: Option<Systemd>,
    tell: Tell,
) -> Result<Report, Error> {
    let installed = Installed::open(place)?;
    let last = installed.wanted(installed.current()).ok().map(|wanted| wanted.node);
    let empty = empty(place, &installed, last.as_ref())?;
    let request = Request {
        certificates: None,
        folder: place.root.clone(),
        origin: Origin::Kept(Location::parse(&place.root.display().to_string()).map_err(Error::Mirror)?),
        root: installed.root().map(ToOwned::to_owned),
        older: Older::Allow,
        again: BTreeSet::new(),
        keep: KEEP,
        depth: Depth::Quick,
    };
    let job = Job::prepare(&request, empty, &place.root, systemd, tell)?;
    let removal = Removal { job: &job, last: last.as_ref(), data };
    match run {
        Run::Dry => removal.look(&installed.state),
        Run::Real => {
            let home = Home::hold(&job.ground).map_err(Error::Home)?;
            let done = removal.carry_out(&home, tell);
            if done.is_ok() {
                home.vanish(installed.scope);
            }
            home.leave();
            done
        }
    }
}

/// A document that wants nothing.
fn empty(place: &Where, installed: &Installed, last: Option<&Node>) -> Result<Wanted, Error> {
    let unnamed = || Word::new("unnamed").map_err(|_| Error::Unfit("nothing is installed"));
    let name = |of: fn(&Node) -> &Word| last.map_or_else(unnamed, |node| Ok(of(node).clone()));
    let cluster = name(|node| &node.cluster)?;
    let node = installed.state.node.clone().map_or_else(|| name(|node| &node.node), Ok)?;
    let mirror = Mirror { url: String::new(), public_key: Keys::default() };
    let root = place.root.display().to_string();
    let node = Node::empty(cluster, node, Sha256::of(b""), installed.scope, root, mirror);
    let (text, root, bytes) = (String::new(), place.root.clone(), BTreeMap::new());
    Ok(Wanted { node, text, root, bytes, secrets: Secrets::default() })
}

struct Removal<'a> {
    job: &'a Job,
    /// What was installed last.
    last: Option<&'a Node>,
    data: Data,
}

impl Removal<'_> {
    fn look(&self, state: &State) -> Result<Report, Error> {
        let home = Home::look(&self.job.ground).map_err(Error::Home)?;
        let (_, plan) = self.plan(&home, state)?;
        let interrupted = home.journal().map_err(Error::Home)?.is_some();
        let mut report = self.job.report(plan, state, interrupted);
        report.steps.extend(self.purged(state).into_iter().map(|path| gone(&path)));
        self.tell_of_hdfs(&mut report);
        Ok(report)
    }

    fn plan(&self, home: &Home, state: &State) -> Result<(super::observe::Observed, Plan), Error> {
        let observed = self.job.observe(home, state, Depth::Quick)?;
        let (again, needed) = (BTreeSet::new(), BTreeMap::new());
        let choices = Choices { again: &again, needed: Some(&needed) };
        let plan = plan::plan(&self.job.wanted.node, state, &observed, choices).map_err(Error::Obstacles)?;
        Ok((observed, plan))
    }

    fn carry_out(&self, home: &Home, tell: Tell) -> Result<Report, Error> {
        let ground = &self.job.ground;
        let mut state = home.state().map_err(Error::Home)?;
        let left = home.journal().map_err(Error::Home)?;
        recover::recover(ground, home, left.as_deref(), &state).map_err(Error::Switch)?;
        state = home.state().map_err(Error::Home)?;
        let (observed, plan) = self.plan(home, &state)?;
        // Until everything is gone, what may still go is remembered.
        let next = State {
            run: state.run + 1,
            node: state.node.clone(),
            generation: state.generation,
            folders: state.folders.clone(),
            once: state.once.clone(),
            users: state.users.clone(),
            ..State::default()
        };
        if !plan.is_empty() {
            self.job.place_as(home, &state, &observed, &plan, tell, |_| Ok(next.clone()))?;
            self.job.start(home, &observed, &plan, next, tell)?;
        }
        let purged = self.purged(&state);
        for path in &purged {
            self.remove(path)?;
        }
        super::job::remove_folders(ground, &plan);
        let mut report = self.job.report(plan, &state, false);
        report.steps.extend(purged.iter().map(gone));
        report.notes.extend(self.stays(&state));
        if self.data == Data::Purge && ground.is_machine() {
            let names: Vec<&Word> = state.users.iter().collect();
            owners::remove(&names).map_err(Error::Users)?;
            report
                .steps
                .extend(names.iter().map(|name| Line::new(Kind::User, name.as_str(), Effect::Remove, "removed")));
        } else if !state.users.is_empty() {
            let users: Vec<&str> = state.users.iter().map(Word::as_str).collect();
            report.notes.push(format!("users stay, because files may be theirs: {}", users.join(", ")));
        }
        self.tell_of_hdfs(&mut report);
        home.forget().map_err(Error::Home)?;
        tell(Event::Note("the installer has forgotten this node".into()));
        Ok(report)
    }

    /// What goes only with the data: folders that were made for it, and what was prepared once; the outermost ones.
    fn purged(&self, state: &State) -> Vec<NodePath> {
        if self.data == Data::Keep {
            return Vec::new();
        }
        let declared = self.last.iter().flat_map(|node| &node.directories).map(|directory| &directory.path);
        let made = declared.filter(|path| state.folders.contains(*path));
        let made = made.chain(state.once.values().map(|record| &record.creates));
        // Whatever lies below, the installer's own folder goes in its own way.
        let data: BTreeSet<NodePath> = made.filter(|path| !super::home::is_above(path)).cloned().collect();
        let outermost = |path: &&NodePath| !data.iter().any(|other| path.is_below(other));
        data.iter().filter(outermost).cloned().collect()
    }

    fn remove(&self, path: &NodePath) -> Result<(), Error> {
        let place = self.job.ground.place(path).map_err(Error::RootDir)?;
        let removed = place.map_or(Ok(()), |place| place.remove());
        removed.map_err(|source| Error::Remove { path: path.clone(), source })
    }

    /// Folders that are not empty hold data, logs, or what somebody put there.
    fn stays(&self, state: &State) -> Vec<String> {
        let there = |path: &&NodePath| {
            let place = self.job.ground.place(path).ok().flatten();
            place.is_some_and(|place| place.stat().is_ok_and(|found| found.is_some()))
        };
        let folders = state.folders.iter().filter(|path| !super::home::is_above(path)).filter(there);
        let folders = folders.map(|path| format!("{path} stays: it is not empty"));
        let data = state.once.values().map(|record| &record.creates).filter(there);
        folders.chain(data.map(|path| format!("{path} stays: it is data"))).collect()
    }

    fn tell_of_hdfs(&self, report: &mut Report) {
        let wants = self.last.is_some_and(|node| !node.hdfs_directories.is_empty() || !node.hdfs_uploads.is_empty());
        if wants {
            report.notes.push("what was brought into HDFS stays there".into());
        }
    }
}

fn gone(path: &NodePath) -> Line {
    Line::new(Kind::Data, path.as_str(), Effect::Remove, "removed with everything in it")
}
