//! A savepoint that was asked for: of which run, where, and what became of it.
//! Pure data, as the journal's records lead to it.
//! Not here: asking for one (`act`), and what is told of it (`words::application`).

use serde::{Deserialize, Serialize};
use words::ids::{ApplicationId, JobId, TriggerId};

/// A savepoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Savepoint {
    /// Its id, under which Flink takes it once.
    pub id: TriggerId,
    /// Of which run.
    pub run: ApplicationId,
    /// Of which job.
    pub job: JobId,
    /// The folder in which Flink makes a folder for it.
    pub folder: String,
    /// When it was asked for.
    pub at_ms: u64,
    /// Its job goes on; else it stops with it.
    pub goes_on: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nobody knows yet.
    Pending,
    /// It lies here.
    Completed(String),
    /// There is none.
    Failed(String),
}
