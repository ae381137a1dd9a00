//! Carrying out what was decided about one component: each act is written down first, and is given up where something else
//! was written meanwhile.
//! Not here: the decision, and the acts themselves.

use super::by_client;
use super::explain::refusals;
use super::rounds::component_of;
use super::{Manager, Trouble, lock, unavailable};
use crate::act::{self, Hands, Part, Shipment};
use crate::decide::{Action, Rest, dispose};
use crate::journal::{Application, End, Fact, Intent, Key, Run, State, Wanted};
use crate::orders::Refusal;
use crate::package::Package;
use crate::prepare::{self, Prepared, Releases, RunOf};
use crate::secrets;
use crate::site::python_jar;
use crate::submit::{Configuration, Distribution, Job, configuration};
use crate::{preflight, restore};
use serde_json::Value;
use std::path::{Path, PathBuf};
use systems::hadoop::User;
use words::chain::chain;
use words::flink::Version;
use words::ids::TriggerId;

/// A reason may quote what a package says.
pub(super) const LONGEST_REASON: usize = 2000;

impl Manager {
    /// Writes a fact about a component, unless something about it was written since it was decided.
    pub(super) fn record(&self, decided: &State, of: &Key, fact: Fact) -> Result<(), Refusal> {
        self.note(&self.site.user, |state| match is_same(decided, state, of) {
            true => Ok((vec![fact], ())),
            false => Err(Refusal::Conflict("it has changed meanwhile".to_owned())),
        })
    }

    /// The same for what begins from a state, unless that is being removed.
    fn record_from(&self, decided: &State, of: &Key, path: Option<&str>, fact: Fact) -> Result<(), Refusal> {
        let is_gone = |state: &State| path.is_some_and(|path| dispose::is_going(state, path));
        self.note(&self.site.user, |state| match is_same(decided, state, of) && !is_gone(state) {
            true => Ok((vec![fact], ())),
            false => Err(Refusal::Conflict("it has changed meanwhile".to_owned())),
        })
    }

    /// Nothing is to be done: what it waits for is told.
    pub(super) fn rest(&self, of: &Key, rest: Rest) {
        let mut troubles = lock(&self.troubles);
        match rest {
            Rest::Waits("") => {}
            Rest::Waits(why) => drop(troubles.insert(of.clone(), Trouble { why: why.to_owned(), since_ms: None })),
            Rest::AsWanted | Rest::Pauses | Rest::CannotSee { .. } => drop(troubles.remove(of)),
            Rest::Stale => {}
        }
    }

    /// Carries out what is more than to rest.
    pub(super) fn perform(&self, state: &State, of: &Key, action: Action) -> Done {
        let Some((application, component)) = component_of(state, of) else { return Done::Asked };
        if let Some(attempt) = &component.attempt {
            let done = self.of_client(state, of, attempt, action);
            return self.told_of(of, done.map(|()| true));
        }
        let (of_run, live) = (|| of.clone(), component.live());
        let is_written = !matches!(action, Action::Kill | Action::SaveAgain);
        let done = match (action, live) {
            (Action::Intend { due_ms }, _) => self.intend(state, of, due_ms),
            (Action::Submit, Some(run)) => self.submit(state, of, run),
            (Action::Occupy, Some(run)) => self.occupy(state, of, run),
            (Action::Accept { is_placeholder }, Some(run)) => {
                // Whoever sent it was killed, or heard nothing.
                let _ = std::fs::remove_dir_all(self.work(run));
                self.record(state, of, Fact::RunAccepted { of: of_run(), id: run.id.clone(), is_placeholder })
            }
            (Action::End(end), Some(run)) => {
                // What stays of it takes room and nothing else.
                let _ = std::fs::remove_dir_all(self.work(run));
                let _ = self.hands().clean(&application.owner, run);
                let end = End { had_state: self.has_saved(of, run), ..end };
                self.record(state, of, Fact::RunEnded { of: of_run(), id: run.id.clone(), end })
            }
            (Action::KillUnsaved, Some(run)) => {
                self.record(state, of, Fact::KillIntended { of: of_run(), id: run.id.clone() })
            }
            (Action::Kill, Some(run)) => {
                self.hands().kill(&application.owner, run).map_err(|error| unavailable(chain(&error)))
            }
            (Action::Save { job, goes_on }, Some(run)) => self.save(state, of, run, (job, goes_on)),
            (Action::SaveInTime { job }, Some(run)) => self.save_in_time(state, of, run, job),
            (Action::Rescale { job }, Some(run)) => self.rescale(state, of, run, &job),
            (Action::SaveAgain, Some(run)) => match component.pending() {
                Some(pending) => self.hands().save(run, pending).map_err(|error| unavailable(chain(&error))),
                None => Ok(()),
            },
            (Action::Saved(path), _) => {
                self.settle(state, of, |id| Fact::SavepointCompleted { of: of_run(), id, path })
            }
            (Action::NotSaved { why, is_over }, _) => {
                self.settle(state, of, |id| Fact::SavepointFailed { of: of_run(), id, why, is_over })
            }
            (Action::Client | Action::Found { .. } | Action::ClientEnded { .. } | Action::Rest(_), _) | (_, None) => {
                return Done::Asked;
            }
        };
        self.told_of(of, done.map(|()| is_written))
    }

    /// What became of an act, of which something was written or not. What did not come to pass is decided again in the next
    /// round, from what is seen then.
    pub(super) fn told_of(&self, of: &Key, done: Result<bool, Refusal>) -> Done {
        match done {
            Ok(_) | Err(Refusal::Conflict(_)) => {
                lock(&self.troubles).remove(of);
                // What was written down may have a consequence; what was only asked for takes its time.
                if done == Ok(true) { Done::Written } else { Done::Asked }
            }
            Err(refusal) => {
                self.trouble(of, refusal.to_string());
                Done::Failed
            }
        }
    }

    /// Notes why an act did not come to pass. It is said once, not each time, and told with since when nothing does.
    pub(super) fn trouble(&self, of: &Key, why: String) {
        let mut troubles = lock(&self.troubles);
        let before = troubles.get(of);
        let since_ms = before.and_then(|before| before.since_ms).unwrap_or_else(|| self.clock.now_ms());
        if before.is_none_or(|before| before.why != why) {
            (self.tell)(&format!("{of}: {why}"));
        }
        troubles.insert(of.clone(), Trouble { why, since_ms: Some(since_ms) });
    }

    fn settle(&self, state: &State, of: &Key, fact: impl FnOnce(TriggerId) -> Fact) -> Result<(), Refusal> {
        let component = state.applications.get(&of.application).and_then(|one| one.components.get(&of.component));
        match component.and_then(|component| component.pending()) {
            Some(pending) => self.record(state, of, fact(pending.id.clone())),
            None => Ok(()),
        }
    }

    /// The folder on this node in which a run's files are made ready.
    fn work(&self, run: &Run) -> PathBuf {
        self.site.folder.join("work").join(run.id.as_str())
    }

    pub(super) fn hands(&self) -> Hands<'_> {
        Hands { yarn: &self.yarn, hdfs: &self.hdfs, flink: &self.network.flink, cluster: &self.site.cluster }
    }

    pub(super) fn prepared(&self, state: &State, of: &Key) -> Result<(Package, Prepared), Failed> {
        let gone = || Failed::ForGood("it is gone".to_owned());
        let application = state.applications.get(&of.application).ok_or_else(gone)?;
        let (package, _) = self.package(state, &application.package).map_err(|error| match error.is_passing() {
            true => Failed::Passing(chain(&error)),
            false => Failed::ForGood(chain(&error)),
        })?;
        let prepared = self.prepare(&package, application, of).map_err(|error| match error.is_passing() {
            true => Failed::Passing(chain(&error)),
            false => Failed::ForGood(chain(&error)),
        })?;
        Ok((package, prepared))
    }

    pub(super) fn prepare(
        &self,
        package: &Package,
        application: &Application,
        of: &Key,
    ) -> Result<Prepared, prepare::Error> {
        let all: Vec<_> = self.site.flinks.keys().copied().collect();
        let usual = self.site.usual().ok_or(prepare::Error::NoFlink)?;
        let releases = Releases { all: &all, usual };
        let layers = self.site.layers(&application.owner).map_err(prepare::Error::Defaults)?;
        let site = (&self.site.environment, &layers);
        let prepared = prepare::prepare(package, application, of, site, &releases)?;
        match prepared.is_by_client() && self.site.client.is_none() {
            true => Err(prepare::Error::NoClient(of.clone())),
            false => Ok(prepared),
        }
    }

    /// Writes down that a component will run, and submits it.
    fn intend(&self, state: &State, of: &Key, due_ms: Option<u64>) -> Result<(), Refusal> {
        let Some(application) = state.applications.get(&of.application) else { return Ok(()) };
        let (Some(component), Wanted::Started { order, origin }) =
            (application.components.get(&of.component), &application.wanted)
        else {
            return Ok(());
        };
        // What fails at one time of a schedule says nothing of the next.
        let goes_on = component.goes_on(*order);
        let failed = |why: String| self.record(state, of, start_failed(of, goes_on, why));
        let (package, prepared) = match self.prepared(state, of) {
            Ok(prepared) => prepared,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => return failed(why),
        };
        let hdfs = self.hdfs.as_user(&User::simple(application.owner.as_str()));
        let restore = match restore::choose(
            &hdfs,
            &self.site.cluster,
            (&application.owner, of),
            component,
            (component.origin(*order, origin), prepared.first_state()),
        ) {
            Ok(restore) => restore,
            Err(error) if error.is_passing() => return Err(unavailable(chain(&error))),
            Err(error) => return failed(chain(&error)),
        };
        let queue = match self.site.queue(&application.owner) {
            Ok(queue) => queue,
            // A map that is being exchanged must not end what has run for months.
            Err(error) if error.is_passing() || goes_on => return Err(unavailable(chain(&error))),
            Err(error) => return failed(chain(&error)),
        };
        let (of_run, from) = (of.clone(), restore.clone());
        let job = prepared.job_id();
        let newest = || restore::newest_before(&hdfs, &self.site.cluster, (&application.owner, of));
        let states_ms = job.is_none().then(newest).transpose().map_err(|error| unavailable(chain(&error)))?;
        let intent = Intent {
            order: *order,
            queue,
            job,
            restore,
            policy: prepared.component.policy,
            due_ms,
            package: Some(package.name),
            saving: prepared.component.saving.clone(),
            states_ms,
            checkpoints: Some(self.site.cluster.checkpoints_of(&application.owner, of)),
        };
        if prepared.is_by_client() {
            let intended = Fact::ClientIntended { of: of_run, tag: by_client::tag()?, intent };
            // What follows is decided from it.
            return self.record_from(state, of, from.as_deref(), intended);
        }
        let new = self.hands().reserve(&application.owner).map_err(|error| unavailable(chain(&error)))?;
        self.record_from(state, of, from.as_deref(), Fact::RunIntended { of: of_run, id: new.id, intent })?;
        let state = self.state()?;
        let run = state.applications.get(&of.application).and_then(|one| one.components.get(&of.component)?.live());
        run.map_or(Ok(()), |run| self.submit(&state, of, run))
    }

    /// What a run is made of, with its files in a folder on this node; or what stands against it by now.
    pub(super) fn made_ready(
        &self,
        state: &State,
        of: &Key,
        (run, is_respawn): (&RunOf<'_>, bool),
        folder: &Path,
    ) -> Result<Ready, Failed> {
        let application = state.applications.get(&of.application).ok_or(Failed::Passing("it is gone".to_owned()))?;
        let (package, prepared) = self.prepared(state, of)?;
        let flink = self.distribution(prepared.flink).map_err(|error| Failed::Passing(chain(&error)))?;
        let job = prepared.job(of, &application.owner, run);
        let configuration =
            configuration(&self.site.cluster, &flink, &job).map_err(|error| Failed::ForGood(chain(&error)))?;
        // What was right when it was ordered may not be so any more, and YARN takes what it fails a moment later.
        let answers = self.answers_of(&of.application);
        let asked = preflight::Wanted::of(&configuration, &job.owner, job.queue.as_ref());
        let against = refusals(self.preflight(&job, prepared.flink, (&configuration, &asked), &answers));
        let refused = |why| if is_respawn { Failed::Passing(why) } else { Failed::ForGood(why) };
        against.map_or(Ok(()), |why| Err(refused(why)))?;
        let secrets = secrets::read(self.site.secrets.as_deref(), &application.owner, &prepared.secrets());
        let secrets = secrets.map_err(|error| refused(chain(&error)))?;
        let (prepared, configuration) = (prepared.with_secrets(&secrets), configuration.with_secrets(&secrets));
        // What a killed agent left of it is older than this try.
        let _ = std::fs::remove_dir_all(folder);
        let digest = state.packages.get(&package.name).map(|package| package.sha256);
        let digest = digest.ok_or_else(|| Failed::ForGood(format!("{} is not deployed any more", package.name)))?;
        let written = prepared.write(&self.repository, (&package, digest), of, folder);
        let files = written.map_err(|error| Failed::Passing(chain(&error)))?;
        let made = self.hands().make_folders(of, &application.owner, &prepared.folders());
        made.map_err(of_act)?;
        Ok(Ready { flink, job, configuration, files })
    }

    /// Brings the files of a run to HDFS; gives what YARN is to get.
    pub(super) fn ship(&self, state: &State, of: &Key, run: &Run) -> Result<Value, Failed> {
        let folder = self.work(run);
        let ready = self.made_ready(state, of, (&RunOf::from(run), run.is_respawn), &folder);
        let shipped = ready.and_then(|Ready { flink, job, configuration, mut files }| {
            files.extend(self.site_parts(&job, flink.version));
            let shipment = Shipment { id: &run.id, job: &job, flink: &flink, configuration: &configuration, files };
            self.hands().prepare(shipment).map_err(of_act)
        });
        let _ = std::fs::remove_dir_all(&folder);
        shipped
    }

    /// What goes into the containers of a job from this node's Flink.
    fn site_parts(&self, job: &Job, version: Version) -> impl Iterator<Item = Part> {
        let log = Some(("log4j.properties".to_owned(), self.site.log_settings(version)));
        let python = self.site.python_jar(version).filter(|_| job.is_python()).map(|jar| (python_jar(version), jar));
        log.into_iter().chain(python).map(|(key, file)| Part { key, file, is_archive: false })
    }
}

fn of_act(error: act::Error) -> Failed {
    match error.is_final() {
        true => Failed::ForGood(chain(&error)),
        false => Failed::Passing(chain(&error)),
    }
}

/// That a component cannot be started, or not again.
pub(super) fn start_failed(of: &Key, is_respawn: bool, why: String) -> Fact {
    let why = why.chars().take(LONGEST_REASON).collect();
    match is_respawn {
        true => Fact::RespawnFailed { of: of.clone(), why },
        false => Fact::StartFailed { of: of.clone(), why },
    }
}

/// What a run is made of.
pub(super) struct Ready {
    pub(super) flink: Distribution,
    pub(super) job: Job,
    pub(super) configuration: Configuration,
    pub(super) files: Vec<Part>,
}

/// What became of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Something was written, from which more may follow at once.
    Written,
    /// Nothing was: what was asked for takes its time.
    Asked,
    /// It did not come to pass.
    Failed,
}

/// Why a submission did not go through.
pub(super) enum Failed {
    /// It may go through later, or has.
    Passing(String),
    /// It never will.
    ForGood(String),
}

/// Nothing about the component was written since, and nothing else was ordered.
pub(super) fn is_same(decided: &State, now: &State, of: &Key) -> bool {
    let about = |state: &State| {
        let application = state.applications.get(&of.application)?;
        let component = application.components.get(&of.component).map(|component| component.changed);
        let workflow = || application.workflows.get(&of.component).map(|workflow| workflow.changed);
        Some((application.wanted.clone(), component.or_else(workflow)?))
    };
    about(decided).is_some() && about(decided) == about(now)
}
