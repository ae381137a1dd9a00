//! Savepoints and stops: what is sent, and what became of it. Flink says COMPLETED of a failure, too.
//! The keys of the two bodies differ: one is written in kebab case, the other in camel case.
//! Not here: asking.

use super::failure;
use super::told::{Cause, Stage, Told};
use crate::lenient;
use serde::Deserialize;
use serde_json::{Map, Value};
use words::ids::TriggerId;

/// A savepoint of a job that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavepointRequest {
    /// The folder that it is made in; none is the configured one.
    pub target_directory: Option<String>,
    /// The id of the operation (Flink 1.15 and later): the same one again is the same savepoint.
    pub trigger_id: Option<TriggerId>,
}

/// A savepoint with which a job ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StopRequest {
    /// The folder that it is made in; none is the configured one.
    pub target_directory: Option<String>,
    /// Whether all windows are closed first: for a job that will not go on.
    pub drain: bool,
    /// The id of the operation (Flink 1.15 and later): the same one again is the same savepoint.
    pub trigger_id: Option<TriggerId>,
}

impl SavepointRequest {
    pub(super) fn body(&self) -> Value {
        let rest = [("cancel-job", Value::Bool(false))];
        body("target-directory", self.target_directory.as_deref(), rest, self.trigger_id.as_ref())
    }
}

impl StopRequest {
    pub(super) fn body(&self) -> Value {
        let rest = [("drain", Value::Bool(self.drain))];
        body("targetDirectory", self.target_directory.as_deref(), rest, self.trigger_id.as_ref())
    }
}

fn body(key: &str, directory: Option<&str>, rest: [(&str, Value); 1], trigger: Option<&TriggerId>) -> Value {
    let directory = directory.map(|directory| (key, Value::from(directory)));
    let trigger = trigger.map(|trigger| ("triggerId", Value::from(trigger.as_str())));
    let all = directory.into_iter().chain(rest).chain(trigger);
    Value::Object(all.map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
}

/// What became of a savepoint or stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// It goes on.
    InProgress,
    /// The savepoint is there.
    Completed {
        /// Where.
        location: String,
    },
    /// It failed.
    Failed {
        /// The innermost cause, in one line.
        cause: String,
        /// A savepoint that is there all the same: made before stopping failed.
        saved: Option<String>,
    },
    /// The JobManager does not know it: another one answers, it is too old, or it was never asked for.
    Unknown,
}

/// `/jobs/ID/savepoints/ID`.
#[derive(Deserialize)]
pub(super) struct Outcome {
    #[serde(default, deserialize_with = "lenient::some_text")]
    location: Option<String>,
    #[serde(default, rename = "failure-cause")]
    cause: Option<Cause>,
}

impl Told<Outcome> {
    /// None if it is neither under way, nor well, nor failed.
    pub(super) fn operation(self) -> Option<Operation> {
        match self.stage()? {
            Stage::UnderWay => Some(Operation::InProgress),
            Stage::Ended(Outcome { cause: Some(Cause { class, stack }), .. }) => {
                let cause = Some(failure::cause(&stack)).filter(|cause| !cause.is_empty()).unwrap_or(class);
                Some(Operation::Failed { cause, saved: failure::saved(&stack) })
            }
            Stage::Ended(Outcome { location, .. }) => location.map(|location| Operation::Completed { location }),
        }
    }
}
