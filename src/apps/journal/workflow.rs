//! A component that Oozie runs, a workflow or a coordinator: its last job there, and what each record of it changes.
//! Oozie chooses the ids of its jobs. A job has a token of ours from before it is submitted, by which it is found again.
//! Not here: components that Flink runs (`application`), and what is to be done next (`decide::workflow`).

use super::application::Wanted;
use super::record::{End, Key, Record, Verdict};
use super::state::State;
use serde::{Deserialize, Serialize};
use systems::oozie::JobId;
use words::names::{PackageName, Word};

/// A component that Oozie runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// The number of the last record about it: an observation from before that is stale.
    pub changed: u64,
    /// The last job, if there was one.
    pub job: Option<OozieJob>,
}

/// A job of Oozie's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OozieJob {
    /// By which it is found: its folder in HDFS ends so, and its external id is this.
    pub token: Word,
    /// The order that it follows: the number of its record.
    pub order: u64,
    /// When it was intended, in milliseconds since 1970.
    pub at_ms: u64,
    /// The package that it is made of.
    pub package: PackageName,
    /// It begins runs at its times; else it is one workflow.
    pub is_coordinator: bool,
    /// When the request to submit it left last: from then on it may be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_ms: Option<u64>,
    /// What Oozie calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<JobId>,
    /// A stop has it stand still; the next start has it go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_held: bool,
    /// The application is made of something else by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_outdated: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// What is so from now on of a job of Oozie's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkflowFact {
    /// It will be submitted.
    Intended { order: u64, package: PackageName, is_coordinator: bool },
    /// Its files are in HDFS, and the request leaves now.
    Begun,
    /// Oozie has it under this id.
    Accepted { id: JobId },
    /// It stands still, as it was ordered.
    Held,
    /// It goes on, by this order.
    Resumed { order: u64 },
    /// It is over.
    Ended { end: End },
}

impl Workflow {
    /// The job that is not over.
    pub fn live(&self) -> Option<&OozieJob> {
        self.job.as_ref().filter(|job| job.end.is_none())
    }

    /// Whether something of it goes on.
    pub fn is_live(&self) -> bool {
        self.live().is_some_and(|job| !job.is_held)
    }

    /// Whether it goes on by the order in force, or will.
    pub fn is_wanted(&self, wanted: &Wanted) -> bool {
        let Wanted::Started { order, .. } = wanted else { return false };
        self.live().is_some() || self.job.as_ref().is_none_or(|job| job.order != *order)
    }

    /// Whether Oozie has had it by the order in force.
    pub fn is_taken(&self, wanted: &Wanted) -> bool {
        let Wanted::Started { order, .. } = wanted else { return false };
        let was_submitted = |job: &OozieJob| job.end.as_ref().is_some_and(|end| end.verdict != Verdict::Abandoned);
        let is_its = |job: &&OozieJob| job.order == *order && !job.is_outdated;
        self.job.as_ref().filter(is_its).is_some_and(|job| job.id.is_some() || was_submitted(job))
    }

    /// The application is made of something else from this record on; what has ended stays so by the order that is in force then.
    pub(super) fn outdate(&mut self, number: u64, order: Option<u64>) {
        self.changed = number;
        self.job.iter_mut().for_each(|job| job.is_outdated = job.end.is_none());
        self.stay_ended(order);
    }

    /// What has ended stays so by another order, too.
    pub(super) fn stay_ended(&mut self, order: Option<u64>) {
        let ended = self.job.iter_mut().filter(|job| job.end.is_some());
        ended.for_each(|job| job.order = order.unwrap_or(job.order));
    }
}

impl State {
    pub(super) fn change_workflow(
        &mut self,
        record: &Record,
        (of, token): (&Key, &Word),
        step: &WorkflowFact,
    ) -> Result<(), String> {
        let workflow = self.of(&of.application)?.workflows.get_mut(&of.component);
        let workflow = workflow.ok_or_else(|| format!("there is no workflow {of}"))?;
        workflow.changed = record.number;
        if let WorkflowFact::Intended { order, package, is_coordinator } = step {
            if let Some(job) = workflow.live() {
                return Err(format!("{of} has the job {} of Oozie that is not over", job.token));
            }
            workflow.job = Some(OozieJob {
                token: token.clone(),
                order: *order,
                at_ms: record.at_ms,
                package: package.clone(),
                is_coordinator: *is_coordinator,
                begun_ms: None,
                id: None,
                is_held: false,
                is_outdated: false,
                end: None,
            });
            return Ok(());
        }
        let job = workflow.job.as_mut().filter(|job| job.token == *token && job.end.is_none());
        let job = job.ok_or_else(|| format!("{of} has no job {token} of Oozie"))?;
        match step {
            WorkflowFact::Intended { .. } => {}
            WorkflowFact::Begun => job.begun_ms = Some(record.at_ms),
            WorkflowFact::Accepted { id } => job.id = Some(id.clone()),
            WorkflowFact::Held => job.is_held = true,
            WorkflowFact::Resumed { order } => (job.is_held, job.order) = (false, *order),
            WorkflowFact::Ended { end } => {
                job.end = Some(end.clone());
                // What was never submitted is submitted again, and the old version's tells nothing of the new one.
                if end.verdict != Verdict::Abandoned && !job.is_outdated {
                    self.of(&of.application)?.mind_end(of, end);
                }
            }
        }
        Ok(())
    }
}

impl WorkflowFact {
    pub(super) fn told(&self) -> String {
        match self {
            WorkflowFact::Intended { is_coordinator: true, .. } => {
                "a coordinator will be submitted to Oozie".to_owned()
            }
            WorkflowFact::Intended { .. } => "a workflow will be submitted to Oozie".to_owned(),
            WorkflowFact::Begun => "it is submitted to Oozie".to_owned(),
            WorkflowFact::Accepted { id } => format!("Oozie has it as {id}"),
            WorkflowFact::Held => "Oozie has suspended it".to_owned(),
            WorkflowFact::Resumed { .. } => "it goes on in Oozie".to_owned(),
            WorkflowFact::Ended { end } => {
                let why = end.diagnostics.lines().next().filter(|why| !why.is_empty());
                format!("in Oozie it {}{}", end.verdict, why.map(|why| format!(": {why}")).unwrap_or_default())
            }
        }
    }
}
