//! An application as YARN knows it, as its REST interface writes it in JSON: what is missing, null or new is no error.
//! Only an id must be one, for it becomes part of addresses.
//! Not here: asking for it.

use crate::lenient::{self, Many};
use serde::Deserialize;
use std::fmt;
use words::ids::{ApplicationId, AttemptId, ContainerId, HostPort};

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// Who runs it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub user: String,
    /// What it is called; nothing is decided by it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// Where it runs.
    #[serde(default, deserialize_with = "lenient::text")]
    pub queue: String,
    /// How far it is.
    #[serde(default)]
    pub state: State,
    /// What it says it came to; means something only once `state` is an end.
    #[serde(default, rename = "finalStatus")]
    pub final_status: FinalStatus,
    /// Why, in YARN's words; several lines.
    #[serde(default, deserialize_with = "lenient::text")]
    pub diagnostics: String,
    /// Its page, through YARN's proxy.
    #[serde(default, rename = "trackingUrl", deserialize_with = "lenient::some_text")]
    pub tracking_url: Option<String>,
    /// Where its master answers: with Flink, the JobManager's REST address.
    #[serde(default, rename = "amRPCAddress", deserialize_with = "lenient::host_port")]
    pub am_rpc_address: Option<HostPort>,
    /// The page of its master's logs.
    #[serde(default, rename = "amContainerLogs", deserialize_with = "lenient::some_text")]
    pub am_container_logs: Option<String>,
    /// The NodeManager of its master.
    #[serde(default, rename = "amHostHttpAddress", deserialize_with = "lenient::host_port")]
    pub am_host_http_address: Option<HostPort>,
    /// When it was submitted.
    #[serde(default, rename = "startedTime", deserialize_with = "lenient::moment")]
    pub started_ms: Option<u64>,
    /// When its master was started; Hadoop 3.3 and later say it.
    #[serde(default, rename = "launchTime", deserialize_with = "lenient::moment")]
    pub launched_ms: Option<u64>,
    /// When it ended.
    #[serde(default, rename = "finishedTime", deserialize_with = "lenient::moment")]
    pub finished_ms: Option<u64>,
    /// Its tags, in small letters as YARN keeps them.
    #[serde(default, rename = "applicationTags", deserialize_with = "lenient::list_in_text")]
    pub tags: Vec<String>,
    /// What kind it is; YARN keeps 20 characters.
    #[serde(default, rename = "applicationType", deserialize_with = "lenient::text")]
    pub application_type: String,
    /// Memory that it has, in MB.
    #[serde(default, rename = "allocatedMB", deserialize_with = "lenient::count")]
    pub allocated_mb: Option<u64>,
    /// Cores that it has.
    #[serde(default, rename = "allocatedVCores", deserialize_with = "lenient::count")]
    pub allocated_cores: Option<u64>,
    /// Containers that it has.
    #[serde(default, rename = "runningContainers", deserialize_with = "lenient::count")]
    pub running_containers: Option<u64>,
    /// How far its logs have been brought to HDFS.
    #[serde(default, rename = "logAggregationStatus", deserialize_with = "lenient::some_text")]
    pub log_aggregation_status: Option<String>,
}

impl Application {
    /// Which attempt at it there is now, from 1 on: the container of its master says so. None before there is one.
    pub fn attempt(&self) -> Option<u64> {
        let mut parts = self.am_container_logs.as_deref()?.split('/');
        parts.find_map(|part| ContainerId::new(part).ok()).map(|container| container.attempt())
    }
}

/// How far an application is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Option<String>")]
pub enum State {
    /// It has an id.
    New,
    /// YARN notes it down.
    NewSaving,
    /// It waits to be accepted.
    Submitted,
    /// It waits for its master.
    Accepted,
    /// Its master has registered.
    Running,
    /// It ended by itself; how says the final status.
    Finished,
    /// YARN gave it up.
    Failed,
    /// Somebody ended it.
    Killed,
    /// It does not say.
    #[default]
    Unknown,
    /// A word that is not in this list.
    Other(String),
}

impl State {
    /// Whether nothing more will happen to it.
    pub fn is_final(&self) -> bool {
        matches!(self, State::Finished | State::Failed | State::Killed)
    }

    /// YARN's word for it.
    pub fn as_str(&self) -> &str {
        match self {
            State::New => "NEW",
            State::NewSaving => "NEW_SAVING",
            State::Submitted => "SUBMITTED",
            State::Accepted => "ACCEPTED",
            State::Running => "RUNNING",
            State::Finished => "FINISHED",
            State::Failed => "FAILED",
            State::Killed => "KILLED",
            State::Unknown => "",
            State::Other(word) => word,
        }
    }
}

impl From<Option<String>> for State {
    fn from(word: Option<String>) -> State {
        match word.as_deref().unwrap_or_default() {
            "" => State::Unknown,
            "NEW" => State::New,
            "NEW_SAVING" => State::NewSaving,
            "SUBMITTED" => State::Submitted,
            "ACCEPTED" => State::Accepted,
            "RUNNING" => State::Running,
            "FINISHED" => State::Finished,
            "FAILED" => State::Failed,
            "KILLED" => State::Killed,
            other => State::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::shown::shown(self.as_str()).fmt(out)
    }
}

/// What an application says it came to. Of Flink: a job that was cancelled is `Killed`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Option<String>")]
pub enum FinalStatus {
    /// It has said nothing.
    #[default]
    Undefined,
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
    /// It was ended.
    Killed,
    /// A word that is not in this list.
    Other(String),
}

impl From<Option<String>> for FinalStatus {
    fn from(word: Option<String>) -> FinalStatus {
        match word.as_deref().unwrap_or_default() {
            "" | "UNDEFINED" => FinalStatus::Undefined,
            "SUCCEEDED" => FinalStatus::Succeeded,
            "FAILED" => FinalStatus::Failed,
            "KILLED" => FinalStatus::Killed,
            other => FinalStatus::Other(other.to_owned()),
        }
    }
}

/// An attempt at an application: each has a master of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attempt {
    /// Its id.
    #[serde(rename = "appAttemptId")]
    pub id: AttemptId,
    /// The container of its master.
    #[serde(default, rename = "containerId", deserialize_with = "lenient::container")]
    pub container: Option<ContainerId>,
    /// The NodeManager of its master.
    #[serde(default, rename = "nodeHttpAddress", deserialize_with = "lenient::host_port")]
    pub node_http_address: Option<HostPort>,
    /// When it started.
    #[serde(default, rename = "startTime", deserialize_with = "lenient::moment")]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[serde(default, rename = "finishedTime", deserialize_with = "lenient::moment")]
    pub finished_ms: Option<u64>,
}

/// A container of an attempt that runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Container {
    /// Its id.
    #[serde(rename = "containerId")]
    pub id: ContainerId,
    /// The NodeManager that has it.
    #[serde(default, rename = "nodeHttpAddress", deserialize_with = "lenient::host_port")]
    pub node_http_address: Option<HostPort>,
    /// How far it is.
    #[serde(default, rename = "containerState", deserialize_with = "lenient::text")]
    pub state: String,
    /// What it came to.
    #[serde(default, rename = "containerExitStatus", deserialize_with = "lenient::signed")]
    pub exit_status: Option<i64>,
    /// Why, in YARN's words.
    #[serde(default, rename = "diagnosticsInfo", deserialize_with = "lenient::text")]
    pub diagnostics: String,
}

/// `/apps/ID`.
#[derive(Deserialize)]
pub(super) struct One {
    pub app: Application,
}

/// `/apps`: without any it is null, empty or not there.
#[derive(Deserialize)]
pub(super) struct Apps {
    #[serde(default)]
    pub apps: Option<AppList>,
}

#[derive(Deserialize, Default)]
pub(super) struct AppList {
    #[serde(default)]
    pub app: Many<Application>,
}

/// `/apps/ID/appattempts`.
#[derive(Deserialize)]
pub(super) struct Attempts {
    #[serde(default, rename = "appAttempts")]
    pub attempts: Option<AttemptList>,
}

#[derive(Deserialize, Default)]
pub(super) struct AttemptList {
    #[serde(default, rename = "appAttempt")]
    pub list: Many<Attempt>,
}

/// `/apps/ID/appattempts/ID/containers`: the list itself, seen in 3.4, or within `containers`, as elsewhere.
#[derive(Deserialize, Default)]
pub(super) struct Containers {
    #[serde(default)]
    container: Many<Container>,
    #[serde(default)]
    containers: Option<Box<Containers>>,
}

impl Containers {
    pub fn list(self) -> Vec<Container> {
        self.containers.map_or(self.container.0, |inner| inner.list())
    }
}
