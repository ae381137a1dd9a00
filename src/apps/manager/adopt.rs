//! Applications of YARN that somebody else submitted: those that no application here has are listed, and one that runs is
//! adopted: its component goes on with it, and a savepoint of it is taken at once, from which what follows can begin.
//! Not here: what is done about it from then on, which is the same as for any other run.

use super::carry_out::Failed;
use super::rounds::LIVE;
use super::save::fresh;
use super::{Manager, unavailable};
use crate::journal::{Application, Fact, Intent, Key, Origin, State};
use crate::observe;
use crate::orders::{self, Caller, Refusal};
use crate::share;
use crate::submit::{KIND, tag_of};
use std::collections::BTreeSet;
use systems::jobmanager::{JobManager, JobOverview};
use systems::yarn;
use words::application::Finding;
use words::chain::chain;
use words::foreign::{Adopted, Foreign};
use words::ids::ApplicationId;
use words::names::{ApplicationName, ComponentName, Word};

/// No folder of checkpoints has a longer name.
const LONGEST_FOLDER: usize = 4096;

impl Manager {
    /// Flink's applications that run or wait, and that no application here has; only an administrator sees those of others.
    pub fn foreign_applications(&self, by: &Caller) -> Result<Vec<Foreign>, Refusal> {
        let all = self.yarn.of_type(KIND, &LIVE).map_err(|error| unavailable(chain(&error)))?;
        // Read after YARN was asked: what was submitted in between is known.
        let state = self.state()?;
        let (known, tag) = (known(&state), tag_of(&self.site.cluster));
        let is_meant = |one: &yarn::Application| {
            !known.contains(&one.id) && !is_submitted(&state, one) && (by.is_admin || one.user == by.name.as_str())
        };
        let told = |one: yarn::Application| Foreign {
            is_lost: one.tags.iter().any(|own| own.eq_ignore_ascii_case(&tag)),
            state: one.state.as_str().to_owned(),
            yarn_id: one.id,
            name: one.name,
            user: one.user,
            queue: one.queue,
            started_ms: one.started_ms,
        };
        Ok(all.into_iter().filter(is_meant).map(told).collect())
    }

    /// Has the one component of an application go on with what runs under an id of YARN.
    pub fn adopt(&self, name: &ApplicationName, id: &ApplicationId, by: &Caller) -> Result<Adopted, Refusal> {
        let state = self.state()?;
        let application = orders::own(&state, name, by)?;
        orders::adopt(name, application)?;
        let component = only_one(name, application)?;
        let (found, running, job) = self.only_job(&application.owner, id)?;
        let told = running.checkpoints(&job.id).map_err(|error| unavailable(chain(&error)))?;
        let states = told.completed.and_then(|completed| completed.external_path);
        let states = states.and_then(|path| self.folder_of_checkpoints(&path));
        let of = Key { application: name.clone(), component: component.clone() };
        let (package, prepared) = self.prepared(&state, &of).map_err(|failed| match failed {
            Failed::Passing(why) => unavailable(why),
            Failed::ForGood(why) => Refusal::Invalid(why),
        })?;
        let dry = self.dry_run(name, &Origin::Empty, by)?;
        let mut findings = dry.findings;
        if states.is_none() {
            let what = "it has no checkpoint in HDFS now, and where it will keep them nobody here knows";
            let remedy =
                "stop it with a savepoint before its next start, or name a state with --from; better adopt it later";
            findings.push(Finding::warning(id.as_str(), what, remedy));
        }
        let savepoint = self.take(&by.name, |state| {
            let application = orders::own(state, name, by)?;
            orders::adopt(name, application)?;
            share::another_start(state, &application.owner, self.share)?;
            if known(state).contains(id) || is_submitted(state, &found) {
                return Err(Refusal::Conflict(format!("an application here has {id} already")));
            }
            self.another_order(&by.name)?;
            let intent = Intent {
                order: state.number + 1,
                queue: None,
                job: Some(job.id.clone()),
                restore: None,
                policy: prepared.component.policy,
                due_ms: None,
                package: Some(package.name.clone()),
                saving: prepared.component.saving.clone(),
                states_ms: None,
                checkpoints: None,
            };
            let (savepoint, states) = (fresh()?, states.clone());
            let (of, id, saved) = (of.clone(), id.clone(), Some(savepoint.clone()));
            let adopted = Fact::RunAdopted { of, id, intent, states, savepoint: saved };
            Ok((vec![adopted], savepoint.to_string()))
        })?;
        self.urge(name);
        Ok(Adopted { component, job_id: job.id.to_string(), savepoint, findings })
    }

    /// The JobManager and the only job of an application of a user's that runs.
    fn only_job(
        &self,
        owner: &Word,
        id: &ApplicationId,
    ) -> Result<(yarn::Application, JobManager, JobOverview), Refusal> {
        let found = self.yarn.application(id).map_err(|error| unavailable(chain(&error)))?;
        let found = found.ok_or_else(|| Refusal::NotFound(format!("application {id} in YARN")))?;
        let refused = |why: String| Err(Refusal::Conflict(format!("{id} {why}")));
        // Whose it is says YARN; whoever may make an application run as himself may not have another one's.
        if found.user != owner.as_str() {
            return Err(Refusal::Forbidden(format!(
                "{id} is not {owner}'s: an application goes on with its owner's alone"
            )));
        }
        if !found.application_type.eq_ignore_ascii_case(KIND) {
            return refused("is none of Flink's".to_owned());
        }
        let Some(manager) = observe::manager(&found, &self.network.flink) else {
            return refused(format!("does not run: YARN says {}", found.state.as_str()));
        };
        let jobs = manager.jobs().map_err(|error| unavailable(chain(&error)))?;
        let mut live: Vec<JobOverview> = jobs.into_iter().filter(|job| !job.state.is_final()).collect();
        match (live.pop(), live.len()) {
            (Some(job), 0) => Ok((found, manager, job)),
            (None, _) => refused("runs no job".to_owned()),
            (Some(_), more) => refused(format!("runs {} jobs, and a component has one", more + 1)),
        }
    }

    /// Where a checkpoint lies, if that is in HDFS: a program of its owner's says so.
    fn folder_of_checkpoints(&self, path: &str) -> Option<String> {
        let local = path.strip_prefix(self.site.cluster.filesystem.as_str())?;
        let (folder, _) = local.rsplit_once('/')?;
        let is_plain = folder.starts_with('/') && folder.len() <= LONGEST_FOLDER;
        (is_plain && folder.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."))).then(|| folder.to_owned())
    }
}

/// The ids of all runs that are known.
fn known(state: &State) -> BTreeSet<ApplicationId> {
    let components = state.applications.values().flat_map(|application| application.components.values());
    components.flat_map(|component| [&component.run, &component.before]).flatten().map(|run| run.id.clone()).collect()
}

/// Whether Flink's own client is submitting it for a component.
fn is_submitted(state: &State, one: &yarn::Application) -> bool {
    let components = state.applications.values().flat_map(|application| application.components.values());
    let mut tags = components.filter_map(|component| Some(component.attempt.as_ref()?.tag.as_str()));
    tags.any(|tag| one.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
}

fn only_one(name: &ApplicationName, application: &Application) -> Result<ComponentName, Refusal> {
    let mut all = application.components.keys();
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one.clone()),
        _ => Err(Refusal::Conflict(format!(
            "{name} has several components, which start together: make one of a package with the one that runs"
        ))),
    }
}
