//! What is told of applications: by the agent over HTTP, by `pnda app` to people and as JSON, by the console.
//! A state says what is so; `cannot-see`, `waiting`, `unknown` and everything that is over are different words.
//! Not here: how it is found out.

use crate::alarm::Alarm;
use crate::change::Upgrade;
pub use crate::explained::{Explained, SetBy, Value};
use crate::names::{ApplicationName, ComponentName, PackageName, Word};
use crate::shown::shown;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// An application with its components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    /// Its name.
    pub name: ApplicationName,
    /// The package that it is made of.
    pub package: PackageName,
    /// As whom it runs.
    pub owner: Word,
    /// PNDA's word for the whole: CREATED, STARTING, STARTED, STOPPING, DESTROYING.
    pub status: Phase,
    /// Why the last order did not come to pass, or what is worth knowing.
    pub information: Option<String>,
    /// Its components.
    pub components: Vec<Component>,
    /// Its last upgrade, restart or way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
}

/// A component and its last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Its name.
    pub name: ComponentName,
    /// How it is.
    pub state: State,
    /// Why, in one sentence; may be empty.
    pub reason: String,
    /// YARN's id of the last run.
    pub yarn_id: Option<String>,
    /// The queue in which it is.
    pub queue: Option<String>,
    /// Flink's id of its job.
    pub job_id: Option<String>,
    /// The state from which it began.
    pub restored_from: Option<String>,
    /// When its last run was intended, in milliseconds since 1970.
    pub started_ms: Option<u64>,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: Option<u64>,
    /// Savepoints, oldest first.
    pub savepoints: Vec<Savepoint>,
    /// So many tasks shall do its steps, which Flink was not asked for yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescaling: Option<u32>,
    /// What somebody should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
    /// What Flink says besides, for those who may read its logs and ask for one application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// What Oozie says of it; for one that Oozie runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oozie: Option<OozieTold>,
}

/// A job of Oozie's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OozieTold {
    /// Oozie's id of it, if it was submitted.
    pub id: Option<String>,
    /// What it is.
    pub kind: OozieKind,
    /// When a coordinator begins its next run, in milliseconds since 1970.
    pub next_ms: Option<u64>,
    /// When a coordinator begins no more runs, in milliseconds since 1970.
    pub end_ms: Option<u64>,
    /// The newest runs of a coordinator, the newest actions of a workflow.
    pub runs: Vec<OozieRun>,
}

/// What Oozie runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OozieKind {
    /// Actions, one after the other.
    Workflow,
    /// A workflow at its times.
    Coordinator,
}

/// A run of a coordinator, or an action of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OozieRun {
    /// Oozie's id of it.
    pub id: String,
    /// As the workflow names it; a run has no name.
    pub name: String,
    /// `shell`, `java`, `fs`, …
    pub kind: String,
    /// Oozie's word for how it is.
    pub status: String,
    /// The workflow of a run.
    pub workflow: Option<String>,
    /// Its application in YARN.
    pub yarn_id: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Something that happened to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The number of its record in the journal.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who ordered it, or the manager itself.
    pub by: Word,
    /// The component, where it is about one.
    pub component: Option<ComponentName>,
    /// What happened, and why.
    pub what: String,
}

/// What Flink says of the job of a component's last run, and where more can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// Flink's own page of it, through YARN's proxy; while it runs.
    pub dashboard: Option<String>,
    /// Its checkpoints, if it takes any.
    pub checkpoints: Option<Checkpoints>,
    /// Whether its metrics arrive; while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// What failed in it, the latest first.
    pub failures: Vec<Failure>,
    /// Why something of this is not known.
    pub hidden: Option<String>,
}

/// Whether the metrics of a component arrive where the cluster sends them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// When the last of them came, in milliseconds since 1970, if one came lately.
    pub last_ms: Option<u64>,
    /// Whether none came for longer than there should be between two.
    pub are_late: bool,
    /// Why it is not known.
    pub hidden: Option<String>,
}

/// The checkpoints of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// How many were completed.
    pub completed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many are being taken.
    pub in_progress: u64,
    /// When the last complete one began, in milliseconds since 1970.
    pub last_ms: Option<u64>,
    /// Where it lies.
    pub last_path: Option<String>,
    /// Its size in bytes.
    pub last_bytes: Option<u64>,
    /// Why the last one that failed did so.
    pub last_failure: Option<String>,
}

/// Something that failed in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// The innermost cause.
    pub cause: String,
    /// The step of the job, if it was in one of its tasks.
    pub step: Option<String>,
    /// When it came last, in milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// How often it came.
    pub count: u64,
}

/// A savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Savepoint {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub state: SavepointState,
    /// Where it lies, if it is complete.
    pub path: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_ms: u64,
    /// Its job goes on; else it stops with it.
    #[serde(default)]
    pub goes_on: bool,
}

/// How far a savepoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SavepointState {
    /// Nobody knows yet.
    Pending,
    /// It can be started from.
    Completed,
    /// There is none.
    Failed,
}

/// PNDA's words for an application as a whole; its clients know no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Phase {
    /// Nothing of it runs.
    Created,
    /// Something has still to be submitted.
    Starting,
    /// Everything was submitted.
    Started,
    /// Something has still to end.
    Stopping,
    /// It ends, and is forgotten then.
    Destroying,
}

/// How a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It does not run, and shall not.
    Stopped,
    /// Its schedule says when it runs.
    Scheduled,
    /// It is being submitted.
    Submitting,
    /// YARN has no room for it yet.
    Waiting,
    /// It has a JobManager, and not all tasks run yet.
    Starting,
    /// All tasks run.
    Running,
    /// Flink restarts its tasks after a failure, or the manager will submit it again.
    Restarting,
    /// A savepoint is being taken, or it is ending.
    Stopping,
    /// It ended well.
    Finished,
    /// It failed.
    Failed,
    /// Its job was cancelled.
    Cancelled,
    /// It was killed in YARN.
    Killed,
    /// It is over, and nobody knows how.
    Lost,
    /// Somebody who must be asked does not answer; nothing is done meanwhile.
    CannotSee,
    /// It was not looked at yet.
    Unknown,
}

impl State {
    /// Whether nothing more comes by itself.
    pub fn is_over(self) -> bool {
        use State::{Cancelled, Failed, Finished, Killed, Lost, Stopped};
        matches!(self, Stopped | Finished | Failed | Cancelled | Killed | Lost)
    }
}

/// What a start would do, as it was found without doing anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DryRun {
    /// Everything that stands against it or is worth knowing.
    pub findings: Vec<Finding>,
    /// What would be submitted, as far as that can be said.
    pub components: Vec<Explained>,
}

impl DryRun {
    /// Whether a start would be refused.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Refusal)
    }
}

/// Something that was found before a start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// Where: a component, a queue, a folder, a jar, a key.
    pub place: String,
    /// What is so.
    pub what: String,
    /// What would be right; may be empty.
    pub remedy: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It cannot run: nothing is submitted.
    Refusal,
    /// It may run, and somebody should know.
    Warning,
}

impl Finding {
    /// One that keeps something from running.
    pub fn refusal(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { weight: Weight::Refusal, place: place.into(), what: what.into(), remedy: remedy.into() }
    }

    /// One that somebody should know.
    pub fn warning(place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { weight: Weight::Warning, ..Finding::refusal(place, what, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of queues, jars and classes are anybody's.
        write!(out, "{}: {}: {}", self.weight, shown(&self.place), shown(&self.what))?;
        if self.remedy.is_empty() { Ok(()) } else { write!(out, "\n    {}", shown(&self.remedy)) }
    }
}

/// Logs of a component's last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Logs {
    /// How the component is.
    pub state: State,
    /// The logs, by attempt and process.
    pub files: Vec<LogFile>,
    /// What cannot be read, and what to do about it.
    pub notes: Vec<String>,
    /// Whether more will be there in a moment by itself.
    pub pending: bool,
}

/// A log of a process, or the part of it that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogFile {
    /// Whose it is: `JobManager`, or `TaskManager` and a number.
    pub process: String,
    /// Which attempt of YARN at the application, from 1 on.
    pub attempt: u64,
    /// The container.
    pub container: String,
    /// The file's name.
    pub name: String,
    /// Its size.
    pub size: u64,
    /// Where the text begins in it.
    pub from: u64,
    /// Where the text ends in it.
    pub to: u64,
    /// What is there; what is no UTF-8, and control characters but line ends and tabs, are replaced.
    pub text: String,
}

/// What somebody asks for who follows logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Following {
    /// How many bytes of each container.
    pub bytes: u64,
    /// How far logs were read, by container and name; without it their ends are wanted.
    #[serde(default)]
    pub read: Option<BTreeMap<String, BTreeMap<String, u64>>>,
}

crate::shown::shown_as_in_json!(Phase, State, SavepointState, Weight);
