//! A checkpoint that is asked for, Flink 1.17 and later: under one id it is taken once, also where none is taken by itself.
//! Its failures have another key than those of savepoints: `failureCause`.
//! Not here: checkpoints that a job takes by itself (`checkpoints`).

use super::told::{Cause, Stage, Told};
use super::{Asked, Error, JobManager, does_not_know, failure, read};
use crate::call::Method;
use crate::lenient;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use words::ids::{JobId, TriggerId};

/// What became of a checkpoint that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triggered {
    /// It goes on.
    InProgress,
    /// It is complete; its number in the job.
    Completed(u64),
    /// There is none: the innermost cause, in one line.
    Failed(String),
    /// The JobManager does not know it.
    Unknown,
}

impl JobManager {
    /// How long a checkpoint of a job may take; none where no checkpoint can be taken of it, as of a batch job.
    pub fn checkpoint_timeout(&self, id: &JobId) -> Result<Option<Duration>, Error> {
        let path = ["jobs", id.as_str(), "checkpoints", "config"];
        let asked = read(format!("tell how job {id} takes checkpoints"), &path);
        match self.ask(&asked) {
            Ok(bytes) => Ok(Some(Duration::from_millis(self.decode::<Config>(&asked, &bytes)?.timeout))),
            Err(Error::Refused { status: 404, why, .. }) if why.contains("Checkpointing is not enabled") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins a checkpoint. Accepted is not done: one of a job that is not known, or that takes none, is accepted, too.
    pub fn checkpoint(&self, id: &JobId, trigger: &TriggerId) -> Result<(), Error> {
        let (path, body) = (["jobs", id.as_str(), "checkpoints"], json!({ "triggerId": trigger.as_str() }));
        let operation = format!("take a checkpoint of job {id}");
        self.ask(&Asked { method: Method::Post, body: Some(&body), ..read(operation, &path) }).map(drop)
    }

    /// What became of it.
    pub fn triggered(&self, id: &JobId, trigger: &TriggerId) -> Result<Triggered, Error> {
        let path = ["jobs", id.as_str(), "checkpoints", trigger.as_str()];
        let asked = read(format!("tell of checkpoint {trigger} of job {id}"), &path);
        match self.ask(&asked) {
            Ok(bytes) => {
                let told = read_triggered(self.decode(&asked, &bytes)?);
                told.ok_or_else(|| self.odd(&asked, "it says neither which it is nor why not".into()))
            }
            Err(error) if does_not_know(&error, trigger.as_str()) => Ok(Triggered::Unknown),
            Err(error) => Err(error),
        }
    }
}

/// `/jobs/ID/checkpoints/config`.
#[derive(Deserialize)]
struct Config {
    #[serde(default, deserialize_with = "lenient::number")]
    timeout: u64,
}

/// `/jobs/ID/checkpoints/ID`.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default, rename = "checkpointId")]
    number: Option<u64>,
    #[serde(default, rename = "failureCause")]
    cause: Option<Cause>,
}

/// None if it is neither under way, nor well, nor failed.
fn read_triggered(told: Told<Outcome>) -> Option<Triggered> {
    match told.stage()? {
        Stage::UnderWay => Some(Triggered::InProgress),
        Stage::Ended(Outcome { cause: Some(cause), .. }) => Some(Triggered::Failed(failure::cause(&cause.stack))),
        Stage::Ended(Outcome { number, .. }) => number.map(Triggered::Completed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Triggered> {
        read_triggered(serde_json::from_str(text).unwrap())
    }

    /// As Flink 1.20.5 said it.
    #[test]
    fn a_real_job_manager_tells_of_checkpoints_that_were_asked_for() {
        assert_eq!(told(r#"{"status":{"id":"IN_PROGRESS"},"operation":null}"#), Some(Triggered::InProgress));
        let completed = r#"{"status":{"id":"COMPLETED"},"operation":{"checkpointId":14}}"#;
        assert_eq!(told(completed), Some(Triggered::Completed(14)));
        let failed = r#"{"status":{"id":"COMPLETED"},"operation":{"failureCause":{"class":"java.util.concurrent.CompletionException","stack-trace":"java.util.concurrent.CompletionException: java.lang.IllegalStateException: Job 27 is not a streaming job.\n\tat java.base/x\nCaused by: java.lang.IllegalStateException: Job 27 is not a streaming job.\n\t... 1 more"}}}"#;
        let why = "Job 27 is not a streaming job.";
        assert!(matches!(told(failed), Some(Triggered::Failed(said)) if said.contains(why)));
        assert_eq!(told(r#"{"status":{"id":"COMPLETED"},"operation":null}"#), None);
    }
}
