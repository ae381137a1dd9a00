//! What Flink knows of a job's checkpoints and savepoints.
//! A checkpoint may be told and be gone: whoever restores looks at `discarded`, and whether the files are there.
//! Not here: the files.

use crate::lenient;
use serde::Deserialize;

/// The checkpoints of a job.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Told")]
pub struct Checkpoints {
    /// How many came to what.
    pub counts: Counts,
    /// The latest one that is complete.
    pub completed: Option<Checkpoint>,
    /// The latest savepoint of this run.
    pub savepoint: Option<Checkpoint>,
    /// The latest one that failed.
    pub failed: Option<FailedCheckpoint>,
    /// What this run began with, or began anew with after a failure.
    pub restored: Option<Restored>,
}

/// How many checkpoints came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Restores.
    #[serde(deserialize_with = "lenient::number")]
    pub restored: u64,
    /// All.
    #[serde(deserialize_with = "lenient::number")]
    pub total: u64,
    /// Those that are under way.
    #[serde(deserialize_with = "lenient::number")]
    pub in_progress: u64,
    /// Those that are complete.
    #[serde(deserialize_with = "lenient::number")]
    pub completed: u64,
    /// Those that failed.
    #[serde(deserialize_with = "lenient::number")]
    pub failed: u64,
}

/// A checkpoint or savepoint that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Checkpoint {
    /// Its number in the job.
    #[serde(deserialize_with = "lenient::number")]
    pub id: u64,
    /// Where it is; none if it cannot be restored by its place.
    #[serde(default, deserialize_with = "place")]
    pub external_path: Option<String>,
    /// Whether Flink has removed it, or does not say that it has not.
    #[serde(default = "yes")]
    pub discarded: bool,
    /// When it began.
    #[serde(default, rename = "trigger_timestamp", deserialize_with = "lenient::moment")]
    pub triggered_ms: Option<u64>,
    /// Its bytes.
    #[serde(default, deserialize_with = "lenient::number")]
    pub state_size: u64,
}

/// A checkpoint that failed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FailedCheckpoint {
    /// Its number in the job.
    #[serde(deserialize_with = "lenient::number")]
    pub id: u64,
    /// When it failed.
    #[serde(default, rename = "failure_timestamp", deserialize_with = "lenient::moment")]
    pub failed_ms: Option<u64>,
    /// Why.
    #[serde(default, rename = "failure_message", deserialize_with = "lenient::text")]
    pub message: String,
}

/// What a run was restored from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Restored {
    /// Its number.
    #[serde(deserialize_with = "lenient::number")]
    pub id: u64,
    /// When.
    #[serde(default, rename = "restore_timestamp", deserialize_with = "lenient::moment")]
    pub restored_ms: Option<u64>,
    /// Whether it is a savepoint.
    #[serde(default)]
    pub is_savepoint: bool,
    /// Where it is.
    #[serde(default, deserialize_with = "place")]
    pub external_path: Option<String>,
}

#[derive(Deserialize)]
struct Told {
    counts: Counts,
    #[serde(default)]
    latest: Option<Latest>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Latest {
    completed: Option<Checkpoint>,
    savepoint: Option<Checkpoint>,
    failed: Option<FailedCheckpoint>,
    restored: Option<Restored>,
}

impl From<Told> for Checkpoints {
    fn from(told: Told) -> Checkpoints {
        let Latest { completed, savepoint, failed, restored } = told.latest.unwrap_or_default();
        Checkpoints { counts: told.counts, completed, savepoint, failed, restored }
    }
}

fn yes() -> bool {
    true
}

/// Flink writes `<checkpoint-not-externally-addressable>` where there is none.
fn place<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(lenient::some_text(input)?.filter(|place| !place.starts_with('<')))
}
