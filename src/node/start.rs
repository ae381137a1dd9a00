//! What happens once the files are in place: preparing what services need, starting them one after another, HDFS.
//! Each step is remembered as it is done, so that a run that was cut off goes on where it was.
//! Not here: deciding any of it, and the files.

use super::hdfs;
use super::home::{self, Home};
use super::observe::Observed;
use super::once::{self, Runner};
use super::plan::{Plan, Step};
use super::state::{OnceRecord, Pending, Prepared, State};
use super::systemd::{self, Systemd};
use super::{gates, tasks};
use disk::root_dir::{self, RootDir};
use std::io;
use std::time::Duration;
use words::event::{Event, Tell};
use words::names::NodePath;
use words::node::{HdfsDirectory, Node, Once, Scope, Service};

/// What is prepared once formats a disk or fills a database; it does not take longer than this.
const LONGEST_ONCE: Duration = Duration::from_secs(900);

/// What is not as it should be although the files are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A service.
    #[error(transparent)]
    Services(systemd::Error),
    /// Something that services need.
    #[error(transparent)]
    Once(once::Error),
    /// What a run that was cut off has left cannot be moved.
    #[error("cannot move {path} aside, which a run that was cut off has left half made")]
    Aside { path: NodePath, source: io::Error },
    /// The path leads nowhere safe.
    #[error("cannot reach {path} on the node")]
    Walk { path: NodePath, source: root_dir::Error },
    /// HDFS.
    #[error(transparent)]
    Hdfs(hdfs::Error),
    /// The installer's own folder.
    #[error(transparent)]
    Home(home::Error),
}

/// Everything that this half of an install needs to know.
pub(super) struct Start<'a> {
    pub node: &'a Node,
    pub ground: &'a RootDir,
    pub home: &'a Home,
    pub observed: &'a Observed,
    pub plan: &'a Plan,
    /// None where services are somebody else's.
    pub systemd: Option<&'a Systemd>,
    pub patience: hdfs::Patience,
    pub tell: Tell<'a>,
}

impl Start<'_> {
    /// Brings everything up; `state` is kept as it changes.
    pub(super) fn bring_up(&self, mut state: State) -> Result<(), Error> {
        let before = state.clone();
        state.once.extend(tasks::adopted(self.node, &state, self.observed));
        if let Some(systemd) = self.systemd
            && self.plan.steps.contains(&Step::Reload)
        {
            systemd.reload().map_err(Error::Services)?;
        }
        for step in &self.plan.steps {
            if let Step::Prepare { once, aside } = step {
                self.prepare(once, aside.as_ref(), &mut state)?;
            }
        }
        let mut folders: Vec<&HdfsDirectory> = self.plan.hdfs_folders().collect();
        let served = |folder: &HdfsDirectory| self.node.services.iter().any(|service| serves(service, folder));
        // Services may live from what another node's HDFS holds: it comes first, if that node lets it.
        self.folders(&mut folders, |folder| !served(folder), self.patience.short)?;
        if let Some(systemd) = self.systemd {
            self.services(systemd, &mut folders, &mut state)?;
        }
        self.folders(&mut folders, |_| true, self.patience.long)?;
        for step in &self.plan.steps {
            if let Step::HdfsUpload(upload, _) = step {
                hdfs::bring_upload(self.node, self.ground, upload, self.patience, self.tell).map_err(Error::Hdfs)?;
            }
        }
        state.pending = if self.systemd.is_some() { Pending::default() } else { state.pending };
        if state == before { Ok(()) } else { self.keep(&state) }
    }

    fn keep(&self, state: &State) -> Result<(), Error> {
        self.home.keep_state(state).map_err(Error::Home)
    }

    fn prepare(&self, once: &Once, aside: Option<&NodePath>, state: &mut State) -> Result<(), Error> {
        if let Some(aside) = aside {
            self.rename(&once.creates, aside)?;
        }
        let record = |how| OnceRecord { creates: once.creates.clone(), how };
        // From here on, what is found there may be half of it.
        state.once.insert(once.name.clone(), record(Prepared::Begun));
        self.keep(state)?;
        (self.tell)(Event::Note(format!("{} prepares {}", once.name, once.creates)));
        let account = match self.node.scope {
            Scope::System => self.observed.owners.accounts.get(&once.user),
            Scope::User => None,
        };
        let runner = Runner { account, lock: self.home.lock(), limit: LONGEST_ONCE };
        let words = once::run(once, runner).map_err(Error::Once)?;
        if !self.is_there(&once.creates)? {
            let program = once.command.first().cloned().unwrap_or_default();
            let (name, creates) = (once.name.clone(), once.creates.to_string());
            return Err(Error::Once(once::Error::Nothing { name, program, creates, words }));
        }
        state.once.insert(once.name.clone(), record(Prepared::Done));
        self.keep(state)
    }

    fn place(&self, path: &NodePath) -> Result<Option<root_dir::PathHandle>, Error> {
        self.ground.place(path).map_err(|source| Error::Walk { path: path.clone(), source })
    }

    fn is_there(&self, path: &NodePath) -> Result<bool, Error> {
        let place = self.place(path)?;
        Ok(place.is_some_and(|place| place.stat().is_ok_and(|found| found.is_some())))
    }

    fn rename(&self, path: &NodePath, aside: &NodePath) -> Result<(), Error> {
        let (Some(from), Some(to)) = (self.place(path)?, self.place(aside)?) else { return Ok(()) };
        from.rename(&to).map_err(|source| Error::Aside { path: path.clone(), source })
    }

    /// One after another, in the document's order; who has a gate is waited for before the next begins.
    fn services(&self, systemd: &Systemd, folders: &mut Vec<&HdfsDirectory>, state: &mut State) -> Result<(), Error> {
        let mut ungated = Vec::new();
        for service in &self.node.services {
            let now = self.observed.services.as_ref().and_then(|all| all.get(&service.name));
            let started = self.start(systemd, service)?;
            if let Some(ready) = &service.ready {
                let life = now.filter(|now| started && now.is_active() && !now.life.0.is_empty());
                let before = life.map(|now| now.life.0.as_str());
                gates::wait(systemd, &service.name, ready, before, self.tell).map_err(Error::Services)?;
                self.folders(folders, |folder| serves(service, folder), self.patience.short)?;
            } else if started {
                ungated.push(service);
            }
            if service.ready.is_some() && state.pending.restart.remove(&service.name) {
                self.keep(state)?;
            }
        }
        match ungated.is_empty() {
            true => Ok(()),
            false => systemd.wait(&ungated).map_err(Error::Services),
        }
    }

    /// Whether it was started.
    fn start(&self, systemd: &Systemd, service: &Service) -> Result<bool, Error> {
        let name = &service.name;
        let mut started = false;
        for step in &self.plan.steps {
            match step {
                Step::Enable(enabled) if enabled == name => systemd.enable(name).map_err(Error::Services)?,
                Step::Start(wanted) | Step::Restart(wanted, _) if wanted == name => {
                    (self.tell)(Event::Note(format!("service {name} starts")));
                    systemd.restart(name).map_err(Error::Services)?;
                    started = true;
                }
                _ => {}
            }
        }
        Ok(started)
    }

    /// Brings about those folders of HDFS that are meant; those that cannot be yet stay for later, but for the last time.
    fn folders(
        &self,
        left: &mut Vec<&HdfsDirectory>,
        meant: impl Fn(&HdfsDirectory) -> bool,
        limit: Duration,
    ) -> Result<(), Error> {
        let mut late = Vec::new();
        for folder in std::mem::take(left) {
            // Where one must wait, none of the others can be made either.
            if !meant(folder) || late.iter().any(|other: &&HdfsDirectory| other.web == folder.web) {
                late.push(folder);
                continue;
            }
            match hdfs::bring_directory(folder, limit, self.patience, self.tell) {
                Err(hdfs::Error::Late { .. }) if limit < self.patience.long => late.push(folder),
                done => done.map_err(Error::Hdfs)?,
            }
        }
        *left = late;
        Ok(())
    }
}

fn serves(service: &Service, folder: &HdfsDirectory) -> bool {
    service.ready.as_ref().is_some_and(|ready| gates::serves(&ready.at, &folder.web))
}
