//! A client of Flink's JobManager, 1.5 and later: its jobs, their checkpoints and failures, savepoints, stop and cancel.
//! It asks the JobManager itself; YARN's proxy passes reads only. Nothing is asked twice here.
//! Not here: where the JobManager is, and what an answer means for an application.

mod archive;
mod checkpoints;
mod error;
mod failure;
#[cfg(any(test, feature = "testing"))]
mod fake;
mod job;
mod operation;
mod page;
mod rescale;
mod told;
mod trigger;
mod vitals;

pub use crate::call::Times;
pub use archive::Archive;
pub use checkpoints::{Checkpoint, Checkpoints, Counts, FailedCheckpoint, Restored};
pub use error::Error;
pub use failure::{Failure, Failures};
#[cfg(any(test, feature = "testing"))]
pub use fake::{Fake, Outcome, World};
pub use job::{Job, JobOverview, JobState, Measured, Tasks, Vertex};
pub use operation::{Operation, SavepointRequest, StopRequest};
pub use page::Page;
pub use trigger::Triggered;

use crate::call::{Answer, Caller, Cut, Lost, Method, Question};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use url::Url;
use words::ids::{HostPort, JobId, TriggerId};

/// Failures carry whole exceptions, serialised.
const LONGEST_ANSWER: u64 = 16 << 20;
/// What is kept of a refusal.
const LONGEST_REFUSAL: usize = 1000;

/// One JobManager. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JobManager {
    address: String,
    caller: Caller,
}

/// A question: what is done, how, and where.
struct Asked<'a> {
    /// After "asked to".
    operation: String,
    method: Method,
    path: &'a [&'a str],
    query: Option<&'a str>,
    body: Option<&'a Value>,
}

impl JobManager {
    /// The one at an address: `am_rpc_address` of its application.
    pub fn new(address: &HostPort, times: Times) -> JobManager {
        JobManager::through(Caller::new(times), address)
    }

    /// The same, asked by somebody.
    pub fn through(caller: Caller, address: &HostPort) -> JobManager {
        JobManager { address: format!("http://{address}"), caller }
    }

    /// Where it answers, for people.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All jobs that it knows.
    pub fn jobs(&self) -> Result<Vec<JobOverview>, Error> {
        let asked = read("list its jobs".into(), &["jobs", "overview"]);
        let bytes = self.ask(&asked)?;
        Ok(self.decode::<job::Jobs>(&asked, &bytes)?.jobs)
    }

    /// A job; none if it does not know it.
    pub fn job(&self, id: &JobId) -> Result<Option<Job>, Error> {
        let path = ["jobs", id.as_str()];
        let asked = read(format!("tell of job {id}"), &path);
        match self.ask(&asked) {
            Ok(bytes) => Ok(Some(self.decode(&asked, &bytes)?)),
            Err(error) if does_not_know(&error, id.as_str()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The checkpoints of a job.
    pub fn checkpoints(&self, id: &JobId) -> Result<Checkpoints, Error> {
        let path = ["jobs", id.as_str(), "checkpoints"];
        let asked = read(format!("tell of the checkpoints of job {id}"), &path);
        let bytes = self.ask(&asked)?;
        self.decode(&asked, &bytes)
    }

    /// What failed in a job, the latest first; at most so many lines.
    pub fn exceptions(&self, id: &JobId, most: usize) -> Result<Failures, Error> {
        let path = ["jobs", id.as_str(), "exceptions"];
        let asked = read(format!("tell of the failures of job {id}"), &path);
        let bytes = self.ask(&asked)?;
        Ok(self.decode::<failure::Told>(&asked, &bytes)?.failures(most))
    }

    /// Begins a savepoint of a job that goes on. Accepted is not done: a job that is not known is accepted, too.
    pub fn savepoint(&self, id: &JobId, request: &SavepointRequest) -> Result<TriggerId, Error> {
        let operation = format!("take a savepoint of job {id}");
        self.trigger(operation, ["jobs", id.as_str(), "savepoints"], &request.body(), request.trigger_id.as_ref())
    }

    /// Begins to stop a job with a savepoint. Ask `operation` what becomes of it; soon after, nobody is there to ask.
    pub fn stop(&self, id: &JobId, request: &StopRequest) -> Result<TriggerId, Error> {
        let operation = format!("stop job {id}");
        self.trigger(operation, ["jobs", id.as_str(), "stop"], &request.body(), request.trigger_id.as_ref())
    }

    /// What became of a savepoint or a stop.
    pub fn operation(&self, id: &JobId, trigger: &TriggerId) -> Result<Operation, Error> {
        let path = ["jobs", id.as_str(), "savepoints", trigger.as_str()];
        let asked = read(format!("tell of savepoint {trigger} of job {id}"), &path);
        match self.ask(&asked) {
            Ok(bytes) => {
                let told: told::Told<operation::Outcome> = self.decode(&asked, &bytes)?;
                told.operation().ok_or_else(|| self.odd(&asked, "it says neither where it is nor why not".into()))
            }
            Err(error) if does_not_know(&error, trigger.as_str()) => Ok(Operation::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Ends a job without a savepoint; it goes on for a while after.
    pub fn cancel(&self, id: &JobId) -> Result<(), Error> {
        let path = ["jobs", id.as_str()];
        let asked =
            Asked { method: Method::Patch, query: Some("mode=cancel"), ..read(format!("cancel job {id}"), &path) };
        self.ask(&asked).map(|_| ())
    }

    fn trigger(
        &self,
        operation: String,
        path: [&str; 3],
        body: &Value,
        own: Option<&TriggerId>,
    ) -> Result<TriggerId, Error> {
        let asked = Asked { method: Method::Post, body: Some(body), ..read(operation, &path) };
        let bytes = self.ask(&asked)?;
        match (serde_json::from_slice::<Accepted>(&bytes), own) {
            (Ok(accepted), _) => Ok(accepted.trigger),
            // It was accepted; the id is known all the same.
            (Err(_), Some(own)) => Ok(own.clone()),
            (Err(_), None) => {
                let why = "it accepted, and its answer names no trigger id".to_owned();
                Err(Error::Unanswered { operation: asked.operation.clone(), address: self.address.clone(), why })
            }
        }
    }

    fn url(&self, asked: &Asked<'_>) -> Result<Url, Error> {
        let mut url: Url = self.address.parse().map_err(|_| self.odd(asked, "it is no address".into()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(asked.path);
        }
        url.set_query(asked.query);
        Ok(url)
    }

    /// The body of a good answer.
    fn ask(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Error> {
        let url = self.url(asked)?;
        let question = Question { method: asked.method, url: &url, body: asked.body, longest: LONGEST_ANSWER };
        let (operation, address) = (asked.operation.clone(), self.address.clone());
        match self.caller.ask(&question) {
            Ok(answer) => self.sort(asked, answer),
            Err(Lost::Sent(why)) if asked.method != Method::Get => Err(Error::Unanswered { operation, address, why }),
            Err(Lost::NotSent(why) | Lost::Sent(why)) => Err(Error::Unreachable { operation, address, why }),
        }
    }

    fn sort(&self, asked: &Asked<'_>, answer: Answer) -> Result<Vec<u8>, Error> {
        let (operation, address) = (asked.operation.clone(), self.address.clone());
        let status = answer.status;
        let accepted = asked.method != Method::Get && status == 202;
        match (status, answer.body) {
            (200..300, Ok(bytes)) => Ok(bytes),
            (_, Err(_)) if accepted => Ok(Vec::new()),
            (200..300, Err(Cut::Broken(why))) => Err(Error::Unreachable { operation, address, why }),
            (200..300, Err(why)) => Err(self.odd(asked, why.to_string())),
            (status, body) => match said(&body.unwrap_or_default()) {
                Some(why) if status == 503 => Err(Error::NotReady { operation, address, why }),
                Some(why) if status >= 400 => Err(Error::Refused { operation, address, status, why }),
                _ => Err(self.odd(asked, format!("status {status}"))),
            },
        }
    }

    fn decode<T: DeserializeOwned>(&self, asked: &Asked<'_>, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| self.odd(asked, error.to_string()))
    }

    fn odd(&self, asked: &Asked<'_>, why: String) -> Error {
        Error::Answer { operation: asked.operation.clone(), address: self.address.clone(), why }
    }
}

fn read<'a>(operation: String, path: &'a [&'a str]) -> Asked<'a> {
    Asked { operation, method: Method::Get, path, query: None, body: None }
}

/// Before the exception that a JobManager did not expect, in the same message.
const UNEXPECTED: &str = "<Exception on server side:";

/// What a JobManager refuses with: the first line of each message. Messages end in stacks.
fn said(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        errors: Vec<Cow<'a, str>>,
    }
    let refusal: Refusal<'_> = serde_json::from_slice(bytes).ok()?;
    let first = |text: &'_ str| text.trim_start_matches(UNEXPECTED).trim_start().lines().next().map(str::to_owned);
    let lines: Vec<String> = refusal.errors.iter().filter_map(|text| first(text)).collect();
    Some(lines.join("; ").chars().take(LONGEST_REFUSAL).collect())
}

/// Whether it is a JobManager that names the thing, and not a server that has no such page.
fn does_not_know(error: &Error, id: &str) -> bool {
    matches!(error, Error::Refused { status: 404, why, .. } if why.contains(id) && !why.contains("Unable to load requested file"))
}

/// A savepoint or stop was accepted.
#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "request-id")]
    trigger: TriggerId,
}

#[cfg(test)]
mod tests;
