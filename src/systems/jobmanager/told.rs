//! What Flink tells of something that was asked for under an id, whatever it is: under way, or ended with an outcome.
//! Savepoints, stops and checkpoints are told this way, each with an outcome of its own.
//! Not here: what an outcome is.

use crate::lenient;
use serde::Deserialize;

/// `/jobs/ID/savepoints/ID` and its like.
#[derive(Deserialize)]
pub(super) struct Told<T> {
    status: Status,
    operation: Option<T>,
}

#[derive(Deserialize)]
struct Status {
    id: String,
}

/// How far it is.
pub(super) enum Stage<T> {
    UnderWay,
    Ended(T),
}

/// Why something failed.
#[derive(Deserialize)]
pub(super) struct Cause {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) class: String,
    #[serde(default, rename = "stack-trace", deserialize_with = "lenient::text")]
    pub(super) stack: String,
}

impl<T> Told<T> {
    /// None if it is neither under way nor ended with an outcome.
    pub(super) fn stage(self) -> Option<Stage<T>> {
        match (self.status.id.as_str(), self.operation) {
            ("IN_PROGRESS", _) => Some(Stage::UnderWay),
            ("COMPLETED", Some(outcome)) => Some(Stage::Ended(outcome)),
            _ => None,
        }
    }
}
