//! What is told of one application beyond its state: its history, and what Flink says of its job, from the JobManager while it
//! runs, else from what that left in the archive. Asked when somebody looks, not in rounds.
//! Not here: who may see it (`agent`).

use super::{Manager, lock, unavailable};
use crate::journal::{Application, Key, Record, Run};
use crate::observe::{manager, that_counts};
use crate::orders::Refusal;
use crate::{archive, arrival};
use systems::hadoop::User;
use systems::jobmanager::{Archive, Checkpoints, Failures, JobManager};
use words::application as told;
use words::chain::chain;
use words::names::{ApplicationName, ComponentName};

/// Causes that are told.
const MOST_FAILURES: usize = 10;

impl Manager {
    /// What is known beyond the state of a component.
    pub fn details(&self, name: &ApplicationName, component: &ComponentName) -> Result<told::Details, Refusal> {
        let state = self.state()?;
        let application =
            state.applications.get(name).ok_or_else(|| Refusal::NotFound(format!("application {name}")))?;
        let found = application.components.get(component);
        let found = found.ok_or_else(|| Refusal::NotFound(format!("component {component} of {name}")))?;
        let Some(run) = &found.run else { return Ok(told::Details::default()) };
        let running = match run.end {
            None => self.yarn.application(&run.id).map_err(|error| unavailable(chain(&error)))?,
            Some(_) => None,
        };
        let Some((running, master)) =
            running.as_ref().and_then(|running| Some((running, manager(running, &self.network.flink)?)))
        else {
            return Ok(self.archived(application, run));
        };
        let dashboard = running.tracking_url.clone().filter(|url| url.starts_with("http"));
        let mut details = told::Details { dashboard, ..of_job(&master, run) };
        // A job that just began has told nothing yet.
        let begun = master.jobs().ok().and_then(|jobs| that_counts(&jobs)?.started_ms);
        details.metrics = begun.map(|begun| {
            let of = Key { application: name.clone(), component: component.clone() };
            arrival::of(self.site.graphite.as_deref(), &of, (begun, self.clock.now_ms()))
        });
        Ok(details)
    }

    /// What happened to an application, oldest first: the last thousand records.
    pub fn history(&self, name: &ApplicationName) -> Result<Vec<told::Event>, Refusal> {
        if !self.state()?.applications.contains_key(name) {
            return Err(Refusal::NotFound(format!("application {name}")));
        }
        let records = lock(&self.book).as_ref().map_or(Ok(Vec::new()), |book| book.records_of(name));
        let event = |record: Record| {
            let (component, what) = record.fact.told();
            let (number, at_ms, component) = (record.number, record.at_ms, component.cloned());
            told::Event { number, at_ms, by: record.by, component, what }
        };
        Ok(records.map_err(|error| unavailable(chain(&error)))?.into_iter().map(event).collect())
    }

    /// What lies in the archive of a run that is over.
    fn archived(&self, application: &Application, run: &Run) -> told::Details {
        let hdfs = self.hdfs.as_user(&User::simple(application.owner.as_str()));
        let mut details = told::Details::default();
        match archive::of_run(&hdfs, &self.site.cluster.archive, (&application.owner, run)) {
            Ok(archives) => {
                let found = archives.iter().filter_map(|archive| archive.failures(MOST_FAILURES));
                details.failures = found.flat_map(failures).take(MOST_FAILURES).collect();
                details.checkpoints = archives.iter().find_map(Archive::checkpoints).map(checkpoints);
            }
            Err(error) => details.hidden = Some(chain(&error)),
        }
        details
    }
}

fn of_job(master: &JobManager, run: &Run) -> told::Details {
    let job = match &run.job {
        Some(job) => Ok(Some(job.clone())),
        None => master.jobs().map(|jobs| that_counts(&jobs).map(|job| job.id.clone())),
    };
    let mut details = told::Details::default();
    let asked = job.and_then(|job| {
        let Some(job) = job else { return Ok(()) };
        details.failures = failures(master.exceptions(&job, MOST_FAILURES)?);
        details.checkpoints = Some(checkpoints(master.checkpoints(&job)?));
        Ok(())
    });
    details.hidden = asked.err().map(|error| chain(&error));
    details
}

fn failures(found: Failures) -> Vec<told::Failure> {
    let one = |failure: systems::jobmanager::Failure| told::Failure {
        cause: failure.cause,
        step: failure.step,
        at_ms: failure.at_ms,
        count: failure.count,
    };
    found.list.into_iter().map(one).collect()
}

fn checkpoints(found: Checkpoints) -> told::Checkpoints {
    let last = found.completed;
    told::Checkpoints {
        completed: found.counts.completed,
        failed: found.counts.failed,
        in_progress: found.counts.in_progress,
        last_ms: last.as_ref().and_then(|last| last.triggered_ms),
        last_bytes: last.as_ref().map(|last| last.state_size),
        last_path: last.and_then(|last| last.external_path),
        last_failure: found.failed.map(|failed| failed.message.lines().next().unwrap_or_default().to_owned()),
    }
}
