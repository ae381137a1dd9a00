//! Components that Oozie runs: each is looked at, decided about and carried out, as those that Flink runs are in `rounds` and
//! `carry_out`. What Oozie may have is looked for by our token before anything is sent.
//! Not here: the decision (`decide::workflow`), and what Oozie gets (`workflow`).

use super::carry_out::{Done, LONGEST_REASON};
use super::rounds::LIVE;
use super::{Manager, lock, unavailable};
use crate::decide::Rest;
use crate::decide::workflow::{Action, Left, Observed, Seen, next};
use crate::journal::{Application, End, Fact, Key, OozieJob, State, Verdict, Wanted, Workflow, WorkflowFact, fresh_id};
use crate::orders::Refusal;
use crate::package::Package;
use crate::workflow::{self, Error, Facts, FlinkOfJob, Prepared};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use systems::hadoop::User;
use systems::oozie::{self, Action as OfJob, Job, JobId, Oozie};
use systems::yarn;
use words::chain::chain;
use words::flink::Version;
use words::names::Word;

/// What is done at once about one component.
const STEPS: usize = 6;
/// A list of coordinators that is as long as this is not whole.
const MOST_COORDINATORS: usize = 1000;
/// So many of its runs a coordinator may have under way when it is ended.
const MOST_RUNS: usize = 5;
/// Releases that have a client which waits for the job that it submits to a cluster of its own.
const LINES: std::ops::Range<(u32, u32)> = (1, 15)..(2, 0);

pub(super) fn workflow_of<'a>(state: &'a State, of: &Key) -> Option<(&'a Application, &'a Workflow)> {
    let application = state.applications.get(&of.application)?;
    Some((application, application.workflows.get(&of.component)?))
}

/// Why a job is not submitted.
pub(super) enum Failed {
    /// It may be later.
    Passing(String),
    /// It never will.
    ForGood(String),
}

impl Manager {
    pub(super) fn look_after_workflow(&self, of: &Key) {
        for _ in 0..STEPS {
            let Ok(state) = self.state() else { return };
            let Some((application, workflow)) = workflow_of(&state, of) else { return };
            let observed = Observed { as_of: state.number, seen: self.look_into_oozie(of, application, workflow) };
            let action = next(&application.wanted, workflow, &observed, self.clock.now_ms());
            let is_stale = action == Action::Rest(Rest::Stale);
            let is_hidden = matches!(observed.seen, Seen::Hidden { .. });
            lock(&self.since).saw_whether_hidden(of, is_hidden, self.clock.now_ms());
            lock(&self.overseen).insert(of.clone(), observed);
            if self.silent().is_some() {
                return;
            }
            let goes_on = match action {
                Action::Rest(rest) => {
                    self.rest(of, rest);
                    is_stale
                }
                action => self.unless_it_pauses(of, || self.perform_workflow(&state, of, action)),
            };
            if !goes_on {
                return;
            }
        }
    }

    fn look_into_oozie(&self, of: &Key, application: &Application, workflow: &Workflow) -> Seen {
        let Some(job) = workflow.live().filter(|job| job.begun_ms.is_some()) else { return Seen::NoJob };
        let hidden = |why: String| Seen::Hidden { hop: "Oozie", why };
        let Some(oozie) = &self.oozie else { return hidden(Error::NoOozie(of.clone()).to_string()) };
        let owner = User::simple(application.owner.as_str());
        let found = match &job.id {
            Some(id) => oozie.job(&owner, id).map_err(|error| chain(&error)),
            None => self.by_token(oozie, &owner, job),
        };
        match found {
            Err(why) => hidden(why),
            Ok(found) => match (self.left(oozie, &owner, (job, found.as_ref())), found) {
                (Err(hidden), _) => hidden,
                (Ok(left), None) => Seen::Missing { left },
                (Ok(left), Some(found)) => Seen::Found { job: Box::new(found), left },
            },
        }
    }

    /// A workflow has our token as its external id, a coordinator as the end of its folder.
    fn by_token(&self, oozie: &Oozie, owner: &User, job: &OozieJob) -> Result<Option<Job>, String> {
        let failed = |error: oozie::Error| chain(&error);
        if !job.is_coordinator {
            let id = oozie.workflow_with(owner, job.token.as_str()).map_err(failed)?;
            let found = id.map_or(Ok(None), |id| oozie.job(owner, &id).map_err(failed))?;
            // An external id is anybody's to choose.
            return Ok(found.filter(|one| one.user == owner.name() && one.path.contains(job.token.as_str())));
        }
        let all = oozie.coordinators(owner, &[("user", owner.name())]).map_err(failed)?;
        let count = all.len();
        let is_its = |one: &Job| one.path.trim_end_matches('/').rsplit('/').next() == Some(job.token.as_str());
        match all.into_iter().find(is_its) {
            None if count >= MOST_COORDINATORS => Err(format!("{} has more coordinators than it lists", owner.name())),
            found => Ok(found),
        }
    }

    /// What a job that is over has in YARN and goes on there: the Flink jobs of its actions, and the launchers of those, each of
    /// which may be about to submit one. Oozie ends a launcher some time after its job.
    fn left(&self, oozie: &Oozie, owner: &User, (job, found): (&OozieJob, Option<&Job>)) -> Result<Left, Seen> {
        if found.is_some_and(|found| !found.state.is_final()) {
            return Ok(Left::default());
        }
        let of_yarn = |error: yarn::Error| Seen::Hidden { hop: "the ResourceManager", why: chain(&error) };
        let of_oozie = |error: oozie::Error| Seen::Hidden { hop: "Oozie", why: chain(&error) };
        // Tags are anybody's, and so is what Oozie's jobs say of themselves.
        let is_its = |one: &yarn::Application| one.user == owner.name() && !one.state.is_final();
        let mut ended_ms = None;
        let mut left: BTreeSet<_> = self
            .yarn
            .applications(&workflow::tag(&job.token), &LIVE)
            .map_err(of_yarn)?
            .into_iter()
            .filter(is_its)
            .map(|one| one.id)
            .collect();
        for run in found.map_or(Ok(Vec::new()), |found| runs(oozie, owner, found)).map_err(of_oozie)? {
            ended_ms = ended_ms.max(run.end_ms);
            for launcher in run.actions.iter().filter_map(OfJob::application) {
                let known = self.yarn.application(&launcher).map_err(of_yarn)?;
                left.extend(known.filter(is_its).map(|one| one.id));
            }
        }
        Ok(Left { applications: left.into_iter().collect(), ended_ms })
    }

    fn perform_workflow(&self, state: &State, of: &Key, action: Action) -> Done {
        let Some((application, workflow)) = workflow_of(state, of) else { return Done::Asked };
        let owner = &application.owner;
        let write = |job: &OozieJob, step| self.of_workflow(state, of, &job.token, step);
        let done = match (action, workflow.live()) {
            (Action::Intend, _) => self.intend_workflow(state, of, application),
            (Action::Submit, Some(job)) => self.submit_workflow(state, of, (application, job)),
            (Action::Withdraw, Some(job)) => {
                self.end_workflow((state, of), (owner, job), End::of(Verdict::Abandoned, "Oozie never took it"))
            }
            (Action::Accept(id), Some(job)) => write(job, WorkflowFact::Accepted { id }),
            (Action::Hold, Some(job)) => write(job, WorkflowFact::Held),
            (Action::Resume, Some(job)) => match &application.wanted {
                Wanted::Started { order, .. } => write(job, WorkflowFact::Resumed { order: *order }),
                _ => Ok(()),
            },
            (Action::End(end), Some(job)) => self.end_workflow((state, of), (owner, job), end),
            (Action::Tell(verb), Some(job)) => match (&self.oozie, &job.id) {
                (Some(oozie), Some(id)) => {
                    let told = self.hands().tell(oozie, owner, (id, verb));
                    return self.told_of(of, told.map(|()| false).map_err(|error| unavailable(chain(&error))));
                }
                _ => Ok(()),
            },
            (Action::KillLeft(left), Some(_)) => {
                let killed = left.iter().try_for_each(|id| self.hands().kill_application(owner, id));
                return self.told_of(of, killed.map(|()| false).map_err(|error| unavailable(chain(&error))));
            }
            (Action::Rest(_), _) | (_, None) => return Done::Asked,
        };
        self.told_of(of, done.map(|()| true))
    }

    fn of_workflow(&self, state: &State, of: &Key, token: &Word, step: WorkflowFact) -> Result<(), Refusal> {
        self.record(state, of, Fact::Workflow { of: of.clone(), token: token.clone(), step })
    }

    /// Its folder goes first: what was not taken yet comes to nothing then.
    fn end_workflow(
        &self,
        (state, of): (&State, &Key),
        (owner, job): (&Word, &OozieJob),
        end: End,
    ) -> Result<(), Refusal> {
        let gone = self.hands().withdraw(owner, &workflow::folder(owner, &job.token));
        gone.map_err(|error| unavailable(chain(&error)))?;
        self.of_workflow(state, of, &job.token, WorkflowFact::Ended { end })
    }

    fn intend_workflow(&self, state: &State, of: &Key, application: &Application) -> Result<(), Refusal> {
        let Wanted::Started { order, .. } = &application.wanted else { return Ok(()) };
        let token = Word::new(fresh_id()).map_err(unavailable)?;
        let (_, prepared) = match self.prepared_workflow(state, of, &token) {
            Ok(prepared) => prepared,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => return self.record(state, of, workflow_failed(of, why)),
        };
        let (package, is_coordinator) = (application.package.clone(), prepared.is_coordinator());
        let step = WorkflowFact::Intended { order: *order, package, is_coordinator };
        self.of_workflow(state, of, &token, step)
    }

    /// A component as it would be submitted under a token.
    fn prepared_workflow(&self, state: &State, of: &Key, token: &Word) -> Result<(Package, Prepared), Failed> {
        let application = state.applications.get(&of.application);
        let application = application.ok_or_else(|| Failed::ForGood("it is gone".to_owned()))?;
        let (package, _) = self.package(state, &application.package).map_err(|error| match error.is_passing() {
            true => Failed::Passing(chain(&error)),
            false => Failed::ForGood(chain(&error)),
        })?;
        let prepared = self.prepare_workflow(&package, application, (of, token))?;
        Ok((package, prepared))
    }

    pub(super) fn prepare_workflow(
        &self,
        package: &Package,
        application: &Application,
        (of, token): (&Key, &Word),
    ) -> Result<Prepared, Failed> {
        let for_good = |error: Error| Failed::ForGood(chain(&error));
        if self.oozie.is_none() {
            return Err(for_good(Error::NoOozie(of.clone())));
        }
        let queue = self.site.queue(&application.owner).map_err(|error| match error.is_passing() {
            true => Failed::Passing(chain(&error)),
            false => Failed::ForGood(chain(&error)),
        })?;
        let layers = self.site.layers(&application.owner).map_err(Failed::Passing)?;
        let facts = Facts {
            cluster: &self.site.cluster,
            environment: &self.site.environment,
            layers: &layers,
            queue: queue.as_ref(),
            now_ms: self.clock.now_ms(),
        };
        workflow::prepare(package, application, (of, token), &facts).map_err(for_good)
    }

    /// The folder on this node in which its files are made ready.
    pub(super) fn ready_in(&self, token: &Word) -> PathBuf {
        self.site.workflows().join(token.as_str())
    }

    /// Its files, in a folder on this machine.
    pub(super) fn parts(
        &self,
        package: &Package,
        (application, of, token): (&Application, &Key, &Word),
        prepared: &Prepared,
        folder: &Path,
    ) -> Result<Vec<crate::act::Part>, Failed> {
        let found = package.component(&crate::package::Kind::Oozie, &of.component);
        let component = found.ok_or_else(|| Failed::ForGood("the package does not have it any more".to_owned()))?;
        let digest = self.state().ok().and_then(|state| state.packages.get(&package.name).map(|one| one.sha256));
        let digest = digest.ok_or_else(|| Failed::ForGood(format!("{} is not deployed any more", package.name)))?;
        let _ = fs::remove_dir_all(folder);
        let above = folder.parent().unwrap_or(folder);
        fs::create_dir_all(above).map_err(|error| Failed::Passing(format!("{}: {error}", above.display())))?;
        let extracted = self.repository.extract(&package.name, digest, component, folder);
        extracted.map_err(|error| Failed::Passing(chain(&error)))?;
        let for_good = |error: Error| Failed::ForGood(chain(&error));
        let assembled = match &prepared.oozie.flink {
            None => prepared.assembled(package, (of, None), folder),
            Some(job) => {
                let version = self.waiting_release(of, job.version.as_deref()).map_err(for_good)?;
                let flink = self.distribution(version).map_err(|error| Failed::Passing(chain(&error)))?;
                let staged = self.site.flinks.get(&version).map(|release| release.staged.as_str()).unwrap_or_default();
                let (staged, tag) = (format!("{}{staged}", self.site.cluster.filesystem), workflow::tag(token));
                let queue = self.site.queue(&application.owner).ok().flatten();
                let of_job = FlinkOfJob {
                    version,
                    configuration: &flink.configuration,
                    log: self.site.log_settings(version),
                    staged: &staged,
                    name: &format!("{}-{}-job", of.application, of.component),
                    tags: &tag,
                    queue: queue.as_ref().map(Word::as_str),
                };
                prepared.assembled(package, (of, Some(&of_job)), folder)
            }
        };
        assembled.map_err(for_good)
    }

    /// The newest release whose client waits for its job; the one that is named before others.
    fn waiting_release(&self, of: &Key, asked: Option<&str>) -> Result<Version, Error> {
        let fits = |version: &&Version| LINES.contains(&version.line());
        let is_named = |text: &str, asked: &str| {
            text == asked || text.strip_prefix(asked).is_some_and(|rest| rest.starts_with('.'))
        };
        let named = |version: &&Version| asked.is_none_or(|asked| is_named(&version.to_string(), asked));
        let all = || self.site.flinks.keys().filter(fits);
        let usual = self.site.usual().filter(|usual| asked.is_none() && LINES.contains(&usual.line()));
        let found = usual.or_else(|| all().rfind(named).copied()).or_else(|| all().next_back().copied());
        let have = || self.site.flinks.keys().map(Version::to_string).collect::<Vec<_>>().join(" and ");
        found.ok_or_else(|| Error::NoFlink { of: of.clone(), have: have() })
    }

    fn submit_workflow(
        &self,
        state: &State,
        of: &Key,
        (application, job): (&Application, &OozieJob),
    ) -> Result<(), Refusal> {
        let owner = &application.owner;
        let failed = |state: &State, why: String| {
            self.end_workflow((state, of), (owner, job), End::of(Verdict::Failed, short(&why)))
        };
        let Some(oozie) = &self.oozie else { return failed(state, Error::NoOozie(of.clone()).to_string()) };
        // In maintenance it takes nothing, and would be asked again and again.
        match oozie.is_at_work(&User::simple(owner.as_str())) {
            Ok(true) => {}
            Ok(false) => return Err(unavailable("somebody has switched Oozie to maintenance, and it takes nothing")),
            Err(error) => return Err(unavailable(chain(&error))),
        }
        let folder = self.ready_in(&job.token);
        let ready = self.prepared_workflow(state, of, &job.token).and_then(|(package, prepared)| {
            let parts = self.parts(&package, (application, of, &job.token), &prepared, &folder)?;
            Ok((prepared, parts))
        });
        let shipped = ready.and_then(|(prepared, parts)| {
            let hands = self.hands();
            let made = hands.make_folders(of, owner, &prepared.folders());
            let shipped = made.and_then(|()| hands.ship_workflow(of, owner, &prepared.folder, parts));
            shipped.map(|()| prepared).map_err(|error| match error.is_final() {
                true => Failed::ForGood(chain(&error)),
                false => Failed::Passing(chain(&error)),
            })
        });
        let _ = fs::remove_dir_all(&folder);
        let prepared = match shipped {
            Ok(prepared) => prepared,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => return failed(state, why),
        };
        self.of_workflow(state, of, &job.token, WorkflowFact::Begun)?;
        let state = self.state()?;
        match self.hands().submit_workflow(oozie, owner, &prepared.configuration()) {
            Ok(id) => self.of_workflow(&state, of, &job.token, WorkflowFact::Accepted { id }),
            // It says itself that it has not taken it.
            Err(error @ oozie::Error::Refused { .. }) => failed(&state, chain(&error)),
            Err(error) => Err(unavailable(chain(&error))),
        }
    }
}

/// The workflows of a job: itself, or the newest that a coordinator has begun.
fn runs(oozie: &Oozie, owner: &User, job: &Job) -> Result<Vec<Job>, oozie::Error> {
    let ids = job.actions.iter().filter_map(|run| JobId::new(run.external_id.clone()?).ok()).take(MOST_RUNS);
    let runs = ids.map(|id| oozie.job(owner, &id)).collect::<Result<Vec<_>, _>>()?;
    let itself = job.id.as_str().ends_with("-W").then(|| job.clone());
    Ok(runs.into_iter().flatten().chain(itself).collect())
}

fn short(why: &str) -> String {
    why.chars().take(LONGEST_REASON).collect()
}

/// That a component cannot be submitted: the order is over.
fn workflow_failed(of: &Key, why: String) -> Fact {
    Fact::StartFailed { of: of.clone(), why: short(&why) }
}
