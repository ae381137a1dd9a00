//! A client of YARN's ResourceManager: applications that are submitted, looked at and ended, by its REST interface.
//! Of several addresses the active one is found; a submission whose answer is lost is told as that and never sent again here.
//! Not here: what is submitted, and waiting for it.

mod application;
mod asking;
mod error;
#[cfg(any(test, feature = "testing"))]
mod fake;
pub mod logs;
pub mod scheduler;

pub use crate::call::Times;
pub use application::{Application, Attempt, Container, FinalStatus, State};
pub use error::Error;
#[cfg(any(test, feature = "testing"))]
pub use fake::{Fake, Submitted, World};

use crate::call::{Caller, Method};
use crate::hadoop::{BadAddress, Servers, User};
use crate::lenient;
use asking::{Asked, Got};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use words::ids::{ApplicationId, AttemptId};

/// An application with many requests for containers is smaller.
const LONGEST_ANSWER: u64 = 4 << 20;
/// Some ten thousand applications with one tag.
const LONGEST_LIST: u64 = 32 << 20;

/// The ResourceManagers of a cluster. Cheap to clone; clones share which one is active.
#[derive(Debug, Clone)]
pub struct ResourceManager {
    servers: Servers,
    caller: Caller,
    reader: Option<User>,
}

/// An id to submit with, and the most that a container may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApplication {
    /// The id.
    pub id: ApplicationId,
    /// Memory of the largest container.
    pub most_memory_mb: u64,
    /// Cores of the largest container.
    pub most_cores: u32,
}

/// The active ResourceManager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Information {
    /// `ACTIVE`, where it says.
    pub ha_state: String,
    /// Hadoop's version.
    pub version: String,
    /// When it started; application ids begin with it.
    pub started_ms: Option<u64>,
}

impl ResourceManager {
    /// The ones at `http://host:port` addresses.
    pub fn new<T: AsRef<str>>(addresses: &[T], times: Times) -> Result<ResourceManager, Error> {
        ResourceManager::through(Caller::new(times), addresses)
    }

    /// The same, asked by somebody.
    pub fn through<T: AsRef<str>>(caller: Caller, addresses: &[T]) -> Result<ResourceManager, Error> {
        let servers = Servers::new(addresses).map_err(|BadAddress(address)| Error::Address { address })?;
        Ok(ResourceManager { servers, caller, reader: None })
    }

    /// The same, read as somebody: where YARN has access lists, others do not see where an application answers.
    pub fn reading_as(self, user: User) -> ResourceManager {
        ResourceManager { reader: Some(user), ..self }
    }

    /// Where the one that is asked first answers, for people.
    pub fn address(&self) -> &str {
        self.servers.address()
    }

    /// A new id. One that is not used costs nothing.
    pub fn new_application(&self, user: &User) -> Result<NewApplication, Error> {
        let asked = Asked {
            method: Method::Post,
            user: Some(user),
            ..self.question("give a new application id".into(), vec!["apps", "new-application"])
        };
        let got = self.ask(&asked)?;
        let new: New = read(&asked, &got)?;
        let most = new.most;
        Ok(NewApplication { id: new.id, most_memory_mb: most.memory, most_cores: most.cores })
    }

    /// Submits a context. The same id again is accepted without effect as long as YARN remembers it.
    pub fn submit(&self, user: &User, context: &Value) -> Result<(), Error> {
        let id = context.get("application-id").and_then(Value::as_str).unwrap_or("an application without an id");
        let operation = format!("submit {}", words::shown::shown(id));
        let asked = Asked {
            method: Method::Post,
            user: Some(user),
            body: Some(context),
            repeatable: false,
            ..self.question(operation, vec!["apps"])
        };
        let got = self.ask(&asked)?;
        if got.status == 202 { Ok(()) } else { Err(odd(&asked, &got, format!("status {}", got.status))) }
    }

    /// An application; none if the ResourceManager does not know it, which is not to say that there never was one.
    pub fn application(&self, id: &ApplicationId) -> Result<Option<Application>, Error> {
        let asked = self.question(format!("tell of {id}"), vec!["apps", id.as_str()]);
        match self.ask(&asked) {
            Ok(got) => {
                let app = read::<application::One>(&asked, &got)?.app;
                if app.id == *id { Ok(Some(app)) } else { Err(odd(&asked, &got, format!("it tells of {}", app.id))) }
            }
            Err(Error::Refused { status: 404, kind, .. }) if kind == "NotFoundException" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The applications with a tag, in any of some states; in every state if there are none.
    pub fn applications(&self, tag: &str, states: &[State]) -> Result<Vec<Application>, Error> {
        let list = self.listed("applicationTags", tag, states)?;
        // Whoever does not know the filter gives all; others' applications must not pass for ours.
        Ok(list.into_iter().filter(|app| app.tags.iter().any(|own| own.eq_ignore_ascii_case(tag))).collect())
    }

    /// The applications of a type, in any of some states; in every state if there are none.
    pub fn of_type(&self, kind: &str, states: &[State]) -> Result<Vec<Application>, Error> {
        let list = self.listed("applicationTypes", kind, states)?;
        Ok(list.into_iter().filter(|app| app.application_type.eq_ignore_ascii_case(kind)).collect())
    }

    fn listed(&self, filter: &'static str, value: &str, states: &[State]) -> Result<Vec<Application>, Error> {
        let states: Vec<&str> = states.iter().map(State::as_str).filter(|state| !state.is_empty()).collect();
        let states = states.join(",");
        let all = [(filter, value), ("deSelects", "resourceRequests"), ("states", states.as_str())];
        let query = if states.is_empty() { &all[..2] } else { &all[..] };
        let operation = format!("list the applications with {filter} {}", words::shown::shown(value));
        let asked = Asked { query, longest: LONGEST_LIST, ..self.question(operation, vec!["apps"]) };
        let got = self.ask(&asked)?;
        Ok(read::<application::Apps>(&asked, &got)?.apps.unwrap_or_default().app.0)
    }

    /// The applications of everybody, of any kind, in any of some states. One that is not told is no proof where there are too
    /// many: then that is an error.
    pub fn of_everybody(&self, states: &[State]) -> Result<Vec<Application>, Error> {
        let states: Vec<&str> = states.iter().map(State::as_str).collect();
        let states = states.join(",");
        let query = [("deSelects", "resourceRequests"), ("states", states.as_str())];
        let question = self.question("list the applications of everybody".into(), vec!["apps"]);
        let asked = Asked { query: &query, longest: LONGEST_LIST, ..question };
        let got = self.ask(&asked)?;
        let list = read::<application::Apps>(&asked, &got)?.apps.unwrap_or_default().app.0;
        match list.len() < lenient::MOST_LISTED {
            true => Ok(list),
            false => Err(odd(&asked, &got, "there are more than can be read".to_owned())),
        }
    }

    /// The attempts at an application, as YARN orders them.
    pub fn attempts(&self, id: &ApplicationId) -> Result<Vec<Attempt>, Error> {
        let asked = self.question(format!("list the attempts of {id}"), vec!["apps", id.as_str(), "appattempts"]);
        let got = self.ask(&asked)?;
        Ok(read::<application::Attempts>(&asked, &got)?.attempts.unwrap_or_default().list.0)
    }

    /// The containers that an attempt has now.
    pub fn containers(&self, id: &ApplicationId, attempt: &AttemptId) -> Result<Vec<Container>, Error> {
        let path = vec!["apps", id.as_str(), "appattempts", attempt.as_str(), "containers"];
        let asked = Asked { longest: LONGEST_LIST, ..self.question(format!("list the containers of {attempt}"), path) };
        let got = self.ask(&asked)?;
        Ok(read::<Option<application::Containers>>(&asked, &got)?.unwrap_or_default().list())
    }

    /// Ends an application; it goes on for a while after.
    pub fn kill(&self, user: &User, id: &ApplicationId) -> Result<(), Error> {
        let body = serde_json::json!({ "state": "KILLED" });
        let path = vec!["apps", id.as_str(), "state"];
        let asked = Asked {
            method: Method::Put,
            user: Some(user),
            body: Some(&body),
            ..self.question(format!("kill {id}"), path)
        };
        let got = self.ask(&asked)?;
        if matches!(got.status, 200 | 202) { Ok(()) } else { Err(odd(&asked, &got, format!("status {}", got.status))) }
    }

    /// The active one's version and beginning.
    pub fn information(&self) -> Result<Information, Error> {
        let is_active = |bytes: &[u8]| {
            serde_json::from_slice::<Info>(bytes).map_or(true, |info| info.cluster.ha_state != "STANDBY")
        };
        let asked = Asked { is_active, ..self.question("tell its version".into(), vec!["info"]) };
        let got = self.ask(&asked)?;
        let told = read::<Info>(&asked, &got)?.cluster;
        Ok(Information { ha_state: told.ha_state, version: told.version, started_ms: told.started })
    }

    /// A question that reads.
    fn question<'a>(&'a self, operation: String, path: Vec<&'a str>) -> Asked<'a> {
        Asked {
            operation,
            method: Method::Get,
            below: &["ws", "v1", "cluster"],
            path,
            query: &[],
            user: self.reader.as_ref(),
            body: None,
            longest: LONGEST_ANSWER,
            repeatable: true,
            is_active: |_| true,
        }
    }

    fn ask(&self, asked: &Asked<'_>) -> Result<Got, Error> {
        asking::ask(&self.caller, &self.servers, asked)
    }
}

fn read<T: DeserializeOwned>(asked: &Asked<'_>, got: &Got) -> Result<T, Error> {
    serde_json::from_slice(&got.bytes).map_err(|error| odd(asked, got, error.to_string()))
}

fn odd(asked: &Asked<'_>, got: &Got, why: String) -> Error {
    Error::Answer { operation: asked.operation.clone(), address: got.address.clone(), why }
}

/// `/apps/new-application`.
#[derive(Deserialize)]
struct New {
    #[serde(rename = "application-id")]
    id: ApplicationId,
    #[serde(rename = "maximum-resource-capability")]
    most: Most,
}

#[derive(Deserialize)]
struct Most {
    memory: u64,
    #[serde(rename = "vCores")]
    cores: u32,
}

/// `/info`.
#[derive(Deserialize)]
struct Info {
    #[serde(rename = "clusterInfo")]
    cluster: Cluster,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default, rename = "haState", deserialize_with = "lenient::text")]
    ha_state: String,
    #[serde(default, rename = "resourceManagerVersion", deserialize_with = "lenient::text")]
    version: String,
    #[serde(default, rename = "startedOn", deserialize_with = "lenient::moment")]
    started: Option<u64>,
}

#[cfg(test)]
mod tests;
