//! Alarms of applications, as they are told to people, to Prometheus, and to whoever is called when one begins or ends.
//! A name never changes its meaning: rules of a site refer to it.
//! Not here: when there is one (`apps::alarms`).

use crate::names::{ApplicationName, ComponentName, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// The application; none: it is about the manager itself.
    pub application: Option<ApplicationName>,
    /// Its component.
    pub component: Option<ComponentName>,
    /// Whose it is.
    pub owner: Option<Word>,
    /// What kind.
    pub name: Kind,
    /// How soon somebody should look.
    pub severity: Severity,
    /// Since when it is so, in milliseconds since 1970.
    pub since_ms: u64,
    /// What is so, in one line.
    pub what: String,
    /// What to do, in one line.
    pub remedy: String,
}

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It does not do its work, or what it does is not kept.
    Critical,
    /// It works, and may not for long.
    Warning,
}

/// The kinds of alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It failed, and no other run follows.
    Failed,
    /// It failed, and the manager does not begin it again any more.
    GivenUp,
    /// Somebody cancelled or killed it past the manager.
    EndedElsewhere,
    /// The manager has begun it again several times in an hour.
    Restarts,
    /// Flink has restarted its tasks several times within minutes.
    TaskRestarts,
    /// For a minute no checkpoint was completed after one that failed.
    CheckpointsFail,
    /// Its last complete checkpoint is too long ago.
    CheckpointsMissing,
    /// A step of its job is held up by those after it.
    BackPressure,
    /// YARN has begun its JobManager again.
    Attempts,
    /// YARN has no room for it.
    Waiting,
    /// Somebody who must be asked does not answer.
    CannotSee,
    /// What is to be done for it does not come to pass.
    ActsFail,
    /// Its metrics do not arrive.
    MetricsLate,
    /// The manager can record nothing.
    CannotRecord,
    /// The manager's own small job did not get through.
    Selftest,
}

impl Alarm {
    /// What tells it from all others that there are at the same time.
    pub fn key(&self) -> (Option<&ApplicationName>, Option<&ComponentName>, Kind) {
        (self.application.as_ref(), self.component.as_ref(), self.name)
    }

    /// What it is about, in few words.
    pub fn place(&self) -> String {
        match (&self.application, &self.component) {
            (Some(application), Some(component)) => format!("{application}/{component}"),
            (Some(application), None) => application.to_string(),
            (None, _) => "the manager".to_owned(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}
