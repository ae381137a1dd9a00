//! A job as Flink knows it, from 1.5 to 2.x: fields that a version lacks are empty, new ones are passed over.
//! Times are milliseconds; -1 is none.
//! Not here: asking for it.

use crate::lenient;
use serde::Deserialize;
use std::fmt;
use words::ids::JobId;

/// A job in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct JobOverview {
    /// Its id.
    #[serde(rename = "jid")]
    pub id: JobId,
    /// What its program calls it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// How far it is.
    #[serde(default)]
    pub state: JobState,
    /// When it came.
    #[serde(default, rename = "start-time", deserialize_with = "lenient::moment")]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[serde(default, rename = "end-time", deserialize_with = "lenient::moment")]
    pub ended_ms: Option<u64>,
    /// Its tasks.
    #[serde(default)]
    pub tasks: Tasks,
}

/// How many tasks there are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Tasks {
    /// All.
    #[serde(deserialize_with = "lenient::number")]
    pub total: u64,
    /// Those that run.
    #[serde(deserialize_with = "lenient::number")]
    pub running: u64,
    /// Those that have ended well.
    #[serde(deserialize_with = "lenient::number")]
    pub finished: u64,
    /// Those that were ended.
    #[serde(deserialize_with = "lenient::number")]
    pub canceled: u64,
    /// Those that failed.
    #[serde(deserialize_with = "lenient::number")]
    pub failed: u64,
}

/// A job with its vertices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Job {
    /// Its id.
    #[serde(rename = "jid")]
    pub id: JobId,
    /// What its program calls it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// How far it is.
    #[serde(default)]
    pub state: JobState,
    /// When it came.
    #[serde(default, rename = "start-time", deserialize_with = "lenient::moment")]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[serde(default, rename = "end-time", deserialize_with = "lenient::moment")]
    pub ended_ms: Option<u64>,
    /// What time it is by its JobManager's clock.
    #[serde(default, rename = "now", deserialize_with = "lenient::moment")]
    pub now_ms: Option<u64>,
    /// Its vertices.
    #[serde(default, deserialize_with = "lenient::list")]
    pub vertices: Vec<Vertex>,
}

/// A step of a job, which several tasks do alike.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Vertex {
    /// What it is called.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// How many tasks do it.
    #[serde(default, deserialize_with = "lenient::number")]
    pub parallelism: u64,
    /// How far it is, in Flink's word.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: String,
    /// What its tasks have measured.
    #[serde(default)]
    pub metrics: Measured,
}

/// What the tasks of a step have measured, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Measured {
    /// How long they could not go on because those after them were busy, in milliseconds; Flink 1.16 and later say so.
    #[serde(rename = "accumulated-backpressured-time", deserialize_with = "lenient::count")]
    pub back_pressured_ms: Option<u64>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Option<String>")]
pub enum JobState {
    /// Its master starts.
    Initializing,
    /// It has no resources yet.
    Created,
    /// It runs; its tasks perhaps not yet.
    Running,
    /// It fails, and its tasks are ended.
    Failing,
    /// It failed for good.
    Failed,
    /// It is being ended.
    Cancelling,
    /// It was ended.
    Canceled,
    /// It came to its end, or was stopped with a savepoint.
    Finished,
    /// It starts again after a failure.
    Restarting,
    /// Its master is gone; another one takes over.
    Suspended,
    /// Its master finds out what runs.
    Reconciling,
    /// It does not say.
    #[default]
    Unknown,
    /// A word that is not in this list.
    Other(String),
}

impl JobState {
    /// Whether nothing more will happen to it.
    pub fn is_final(&self) -> bool {
        matches!(self, JobState::Failed | JobState::Canceled | JobState::Finished)
    }

    /// Flink's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            JobState::Unknown => "",
            JobState::Other(word) => word,
            known => WORDS.iter().find(|(_, state)| state == known).map_or("", |(word, _)| word),
        }
    }
}

const WORDS: [(&str, JobState); 11] = [
    ("INITIALIZING", JobState::Initializing),
    ("CREATED", JobState::Created),
    ("RUNNING", JobState::Running),
    ("FAILING", JobState::Failing),
    ("FAILED", JobState::Failed),
    ("CANCELLING", JobState::Cancelling),
    ("CANCELED", JobState::Canceled),
    ("FINISHED", JobState::Finished),
    ("RESTARTING", JobState::Restarting),
    ("SUSPENDED", JobState::Suspended),
    ("RECONCILING", JobState::Reconciling),
];

impl From<Option<String>> for JobState {
    fn from(word: Option<String>) -> JobState {
        let word = word.unwrap_or_default();
        if word.is_empty() {
            return JobState::Unknown;
        }
        let known = WORDS.into_iter().find(|(known, _)| *known == word);
        known.map_or_else(|| JobState::Other(word), |(_, state)| state)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::shown::shown(self.as_str()).fmt(out)
    }
}

/// `/jobs/overview`.
#[derive(Deserialize)]
pub(super) struct Jobs {
    pub jobs: Vec<JobOverview>,
}
