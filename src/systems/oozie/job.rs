//! Jobs as Oozie tells them: workflows and coordinators, how far they are, and what they consist of.
//! What cannot be read is as if it were not there; a state that nobody knows keeps its word.
//! Not here: asking.

use super::JobId;
use crate::lenient;
use serde::{Deserialize, Deserializer};
use std::time::{SystemTime, UNIX_EPOCH};
use words::ids::ApplicationId;

/// A workflow or a coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// As its definition names it.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// The folder of its definition in HDFS, where it is told.
    pub path: String,
    /// How far it is.
    pub state: State,
    /// When a coordinator begins and ends its runs, in milliseconds.
    pub start_ms: Option<u64>,
    /// Of a workflow, when it ended.
    pub end_ms: Option<u64>,
    /// When Oozie makes the next run of a coordinator.
    pub next_ms: Option<u64>,
    /// The actions of a workflow, the runs of a coordinator.
    pub actions: Vec<Action>,
}

/// A step of a workflow, or a run of a coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Action {
    /// What Oozie calls it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub id: String,
    /// As the definition names it; a run of a coordinator has no name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// `shell`, `java`, `fs`, `sub-workflow`, …
    #[serde(default, rename = "type", deserialize_with = "lenient::text")]
    pub kind: String,
    /// Oozie's word.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    /// The application on YARN, or the workflow of a run.
    #[serde(default, rename = "externalId", deserialize_with = "lenient::some_text")]
    pub external_id: Option<String>,
    /// What became of that.
    #[serde(default, rename = "externalStatus", deserialize_with = "lenient::some_text")]
    pub external_status: Option<String>,
    /// The time that a run of a coordinator is for, in milliseconds since 1970.
    #[serde(default, rename = "nominalTime", deserialize_with = "moment")]
    pub due_ms: Option<u64>,
    /// What went wrong.
    #[serde(default, rename = "errorMessage", deserialize_with = "lenient::some_text")]
    pub error: Option<String>,
}

impl Job {
    /// When the next run of a coordinator begins: Oozie makes those of the next hour before.
    pub fn next_run_ms(&self) -> Option<u64> {
        let waits = |run: &&Action| ["WAITING", "READY"].contains(&run.status.as_str());
        self.actions.iter().filter(waits).filter_map(|run| run.due_ms).min().or(self.next_ms)
    }
}

impl Action {
    /// Its application in YARN, which Oozie names as MapReduce did.
    pub fn application(&self) -> Option<ApplicationId> {
        let external = self.external_id.as_deref()?;
        let rest = external.strip_prefix("job_").or_else(|| external.strip_prefix("application_"))?;
        ApplicationId::new(format!("application_{rest}")).ok()
    }
}

/// How far a job is: Oozie's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Taken, and not begun.
    Prepared,
    /// At work, or waiting for its next time.
    Running { with_error: bool },
    /// Held back until somebody resumes it.
    Suspended { with_error: bool },
    /// Ended well.
    Succeeded,
    /// Ended, and some of its runs did not succeed.
    DoneWithError,
    /// Ended by somebody, or by its own definition.
    Killed,
    /// Ended by an error.
    Failed,
    /// Any other word.
    Other(String),
}

impl State {
    fn of(word: &str) -> State {
        match word {
            "PREP" | "PREMATER" => State::Prepared,
            "RUNNING" | "PAUSED" | "PREPPAUSED" => State::Running { with_error: false },
            "RUNNINGWITHERROR" | "PAUSEDWITHERROR" => State::Running { with_error: true },
            "SUSPENDED" | "PREPSUSPENDED" => State::Suspended { with_error: false },
            "SUSPENDEDWITHERROR" => State::Suspended { with_error: true },
            "SUCCEEDED" => State::Succeeded,
            "DONEWITHERROR" => State::DoneWithError,
            "KILLED" => State::Killed,
            "FAILED" => State::Failed,
            other => State::Other(other.to_owned()),
        }
    }

    /// Whether nothing of it comes any more.
    pub fn is_final(&self) -> bool {
        matches!(self, State::Succeeded | State::DoneWithError | State::Killed | State::Failed)
    }
}

/// A job in Oozie's form: the two kinds have other names for the same.
#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default, rename = "id", deserialize_with = "lenient::text")]
    workflow: String,
    #[serde(default, rename = "coordJobId", deserialize_with = "lenient::text")]
    coordinator: String,
    #[serde(default, rename = "appName", deserialize_with = "lenient::text")]
    workflow_name: String,
    #[serde(default, rename = "coordJobName", deserialize_with = "lenient::text")]
    coordinator_name: String,
    #[serde(default, rename = "appPath", deserialize_with = "lenient::text")]
    workflow_path: String,
    #[serde(default, rename = "coordJobPath", deserialize_with = "lenient::text")]
    coordinator_path: String,
    #[serde(default, deserialize_with = "lenient::text")]
    user: String,
    #[serde(default, deserialize_with = "lenient::text")]
    status: String,
    #[serde(default, rename = "startTime", deserialize_with = "moment")]
    start: Option<u64>,
    #[serde(default, rename = "endTime", deserialize_with = "moment")]
    end: Option<u64>,
    #[serde(default, rename = "nextMaterializedTime", deserialize_with = "moment")]
    next: Option<u64>,
    #[serde(default, deserialize_with = "lenient::list")]
    actions: Vec<Action>,
}

impl Written {
    /// The job; none if its id is none.
    pub(super) fn job(self) -> Option<Job> {
        let either = |one: String, other: String| if one.is_empty() { other } else { one };
        Some(Job {
            id: JobId::new(either(self.coordinator, self.workflow)).ok()?,
            name: either(self.coordinator_name, self.workflow_name),
            user: self.user,
            path: either(self.coordinator_path, self.workflow_path),
            state: State::of(&self.status),
            start_ms: self.start,
            end_ms: self.end,
            next_ms: self.next,
            actions: self.actions,
        })
    }
}

/// `Tue, 01 Dec 2026 03:00:00 GMT`; anything else is none.
fn moment<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u64>, D::Error> {
    let text = lenient::some_text(input)?;
    let at = text.and_then(|text| httpdate::parse_http_date(&text).ok());
    Ok(at.and_then(|at: SystemTime| u64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()))
}
