//! A client of Oozie, by its REST interface: workflows and coordinators are submitted as their owner, looked at, held, ended.
//! A submission has no id of ours: by an external id a workflow is found again, by its folder a coordinator.
//! Not here: what is submitted, and waiting for it.

mod error;
#[cfg(any(test, feature = "testing"))]
mod fake;
mod job;
#[cfg(test)]
mod tests;

pub use error::Error;
#[cfg(any(test, feature = "testing"))]
pub use fake::{Fake, Submitted, World};
pub use job::{Action, Job, State};

use crate::call::{Answer, Caller, Lost, Method, Question};
use crate::hadoop::{self, Servers, User};
use job::Written;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use url::Url;
use words::markup::escaped;

/// A workflow of thousands of actions.
const LONGEST_ANSWER: u64 = 16 << 20;
/// The newest actions of a job that are asked for.
const MOST_ACTIONS: &str = "200";
/// Jobs in one answer, which is a page of a list,
const MOST_JOBS: usize = 1000;
/// and pages.
const MOST_PAGES: usize = 5;
/// The property by which a workflow is found again.
pub const EXTERNAL_ID: &str = "oozie.wf.external.id";

/// An id of Oozie's, as in `0000012-261201030000000-oozie-oozi-C`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(Box<str>);

impl TryFrom<String> for JobId {
    type Error = String;

    fn try_from(text: String) -> Result<JobId, String> {
        JobId::new(text)
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> String {
        id.0.into()
    }
}

impl JobId {
    /// Checks the text: it becomes a segment of an address.
    pub fn new(text: impl Into<String>) -> Result<JobId, String> {
        let text = text.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let ends = ["-W", "-C"].iter().any(|end| text.ends_with(end));
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        match begins && ends && text.len() <= 255 && text.bytes().all(plain) {
            true => Ok(JobId(text.into())),
            false => Err(format!("`{}` is no id of a workflow or a coordinator", words::shown::shown(&text))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What is done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// A workflow begins.
    Start,
    /// It is held back.
    Suspend,
    /// It goes on.
    Resume,
    /// It ends.
    Kill,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Verb::Start => "start",
            Verb::Suspend => "suspend",
            Verb::Resume => "resume",
            Verb::Kill => "kill",
        }
    }
}

/// One Oozie. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Oozie {
    base: Url,
    caller: Caller,
}

impl Oozie {
    /// The one at `http://host:port`, asked by this.
    pub fn through(caller: Caller, address: &str) -> Result<Oozie, Error> {
        let bad = || Error::Address { address: address.to_owned() };
        Servers::new(&[address]).map_err(|_| bad())?;
        Ok(Oozie { base: Url::parse(address).map_err(|_| bad())?, caller })
    }

    /// Where it answers, for people.
    pub fn address(&self) -> &str {
        hadoop::address(&self.base)
    }

    /// Whether it works: `NORMAL`, and no word of its maintenance.
    pub fn is_at_work(&self, user: &User) -> Result<bool, Error> {
        let told: Status = self.read("tell how it is", user, &["admin", "status"], &[])?;
        Ok(told.mode == "NORMAL")
    }

    /// Submits what a configuration describes, as somebody. Twice is two jobs: after a lost answer, look.
    pub fn submit(&self, user: &User, configuration: &BTreeMap<String, String>) -> Result<JobId, Error> {
        let operation = "submit a job";
        let url = self.url(&["jobs"], &[], user);
        let answer = self.caller.send_xml(&url, &document(user, configuration), LONGEST_ANSWER);
        let new: New = self.told(operation, &self.sorted(operation, answer)?)?;
        JobId::new(new.id).map_err(|why| self.odd(operation, why))
    }

    /// Has a job begin, wait, go on or end, as somebody.
    pub fn tell(&self, user: &User, id: &JobId, verb: Verb) -> Result<(), Error> {
        let operation = format!("{} {id}", verb.as_str());
        let url = self.url(&["job", id.as_str()], &[("action", verb.as_str())], user);
        let question = Question { method: Method::Put, url: &url, body: None, longest: LONGEST_ANSWER };
        self.sorted(&operation, self.caller.ask(&question)).map(drop)
    }

    /// A job with its newest actions; none if Oozie does not know it.
    pub fn job(&self, user: &User, id: &JobId) -> Result<Option<Job>, Error> {
        let operation = format!("tell of {id}");
        let query = [("show", "info"), ("len", MOST_ACTIONS), ("order", "desc")];
        match self.read::<Written>(&operation, user, &["job", id.as_str()], &query) {
            // What it does not know is a bad request to it.
            Err(Error::Refused { code, .. }) if code == "E0604" => Ok(None),
            Err(error) => Err(error),
            Ok(written) => match written.job().filter(|job| job.id == *id) {
                Some(job) => Ok(Some(job)),
                None => Err(self.odd(&operation, "it tells of another job".to_owned())),
            },
        }
    }

    /// The workflow that was submitted with this external id, if there is one.
    pub fn workflow_with(&self, user: &User, external: &str) -> Result<Option<JobId>, Error> {
        let operation = "look for a workflow";
        let query = [("jobtype", "wf"), ("external-id", external)];
        let found: Found = self.read(operation, user, &["jobs"], &query)?;
        found.id.map(|id| JobId::new(id).map_err(|why| self.odd(operation, why))).transpose()
    }

    /// The coordinators for which all of this holds, the newest first: `user`, `name`, `status`; one of several `status`.
    pub fn coordinators(&self, user: &User, filter: &[(&str, &str)]) -> Result<Vec<Job>, Error> {
        let filter: Vec<String> = filter.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (filter, len) = (filter.join(";"), MOST_JOBS.to_string());
        let operation = "list coordinators";
        let (mut all, mut ids) = (Vec::new(), BTreeSet::new());
        for page in 0..MOST_PAGES {
            let offset = (page * MOST_JOBS + 1).to_string();
            let query = [("jobtype", "coord"), ("offset", &*offset), ("len", &*len), ("filter", &*filter)];
            let told: List = self.read(operation, user, &["jobs"], &query)?;
            let count = told.coordinators.len();
            // One that was submitted meanwhile moves those after it: the last of a page is the first of the next.
            all.extend(told.coordinators.into_iter().filter_map(Written::job).filter(|job| ids.insert(job.id.clone())));
            if count < MOST_JOBS {
                return Ok(all);
            }
        }
        Err(self.odd(operation, format!("it has more than {} that fit", MOST_PAGES * MOST_JOBS)))
    }

    fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        user: &User,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let url = self.url(path, query, user);
        let question = Question { method: Method::Get, url: &url, body: None, longest: LONGEST_ANSWER };
        self.told(operation, &self.sorted(operation, self.caller.ask(&question))?)
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)], user: &User) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(["oozie", "v2"].iter().chain(path));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        user.sign(&mut url);
        url
    }

    /// What an answer means: the bytes of one that is good.
    fn sorted(&self, operation: &str, answer: Result<Answer, Lost>) -> Result<Vec<u8>, Error> {
        let (operation, address) = (operation.to_owned(), self.address().to_owned());
        let Answer { status, reason, body, .. } = match answer {
            Err(Lost::NotSent(why)) => return Err(Error::NotThere { operation, address, why }),
            Err(Lost::Sent(why)) => return Err(Error::Unanswered { operation, address, why }),
            Ok(answer) => answer,
        };
        match (status, reason, body) {
            (200..300, _, Ok(bytes)) => Ok(bytes),
            (200..300 | 502..=504, _, body) => {
                let why = body.err().map_or_else(|| format!("status {status}"), |cut| cut.to_string());
                Err(Error::Unanswered { operation, address, why })
            }
            (_, Some((code, why)), _) => Err(Error::Refused { operation, address, status, code, why }),
            _ => Err(Error::Answer { operation, address, why: format!("status {status}") }),
        }
    }

    fn told<T: DeserializeOwned>(&self, operation: &str, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| self.odd(operation, error.to_string()))
    }

    fn odd(&self, operation: &str, why: String) -> Error {
        Error::Answer { operation: operation.to_owned(), address: self.address().to_owned(), why }
    }
}

/// A configuration in Oozie's form. Who submits is whose the job is.
fn document(user: &User, configuration: &BTreeMap<String, String>) -> String {
    let own = [("user.name", user.name())];
    let all = configuration.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all = all.filter(|(name, _)| *name != "user.name").chain(own);
    let properties = all.map(|(name, value)| {
        format!("<property><name>{}</name><value>{}</value></property>", escaped(name), escaped(value))
    });
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><configuration>{}</configuration>",
        properties.collect::<String>()
    )
}

#[derive(Deserialize)]
struct Status {
    #[serde(default, rename = "systemMode", deserialize_with = "crate::lenient::text")]
    mode: String,
}

#[derive(Deserialize)]
struct New {
    id: String,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default, deserialize_with = "crate::lenient::some_text")]
    id: Option<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default, rename = "coordinatorjobs", deserialize_with = "crate::lenient::list")]
    coordinators: Vec<Written>,
}
