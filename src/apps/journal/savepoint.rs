//! A savepoint that was asked for: of which run, where, and what became of it; and the removal of one.
//! Pure data, as the journal's records lead to it.
//! Not here: asking for one (`act`), and what is told of it (`words::savepoints`).

use serde::{Deserialize, Serialize};
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::PackageName;

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
    /// Nobody ordered it: it was time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub periodic: bool,
    /// All windows were closed before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drain: bool,
    /// The package that its run was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
}

impl Savepoint {
    /// Where it lies, if it is complete.
    pub fn path(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Completed(path) => Some(path),
            Outcome::Pending | Outcome::Failed(_) => None,
        }
    }
}

/// A savepoint that is being removed: first its files, then what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposal {
    /// Its id; of one that the journal does not have, that of its place.
    pub id: TriggerId,
    /// What is removed in HDFS.
    pub folder: String,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
}

/// The last savepoint of the last run that was removed: that there was a state stays known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposed {
    /// Of which run.
    pub run: ApplicationId,
    /// Where it lay.
    pub path: String,
    /// Its run stopped with it.
    pub stopped: bool,
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
