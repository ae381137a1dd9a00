//! Savepoints as they are told: all of an application, each with its size, where it comes from, and who needs it.
//! What lies in HDFS and nobody here ordered is told as `foreign`.
//! Not here: how it is found out.

use crate::names::{ApplicationName, ComponentName, PackageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The savepoints of an application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Savepoints {
    /// By component, the oldest first.
    pub list: Vec<Kept>,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
}

/// A savepoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// Of which component.
    pub component: ComponentName,
    /// How far it is.
    pub state: KeptState,
    /// Why there is none, or why it is not removed yet.
    pub reason: Option<String>,
    /// Who took it.
    pub origin: TakenBy,
    /// All windows were closed before it: it is the end of its job's data.
    pub drained: bool,
    /// When it was asked for, or of a foreign one, written, in milliseconds since 1970.
    pub at_ms: u64,
    /// The size of its files, where that can be seen.
    pub bytes: Option<u64>,
    /// Where it lies.
    pub path: Option<String>,
    /// Whether all of it is there; none where nobody can see.
    pub usable: Option<bool>,
    /// Flink's id of its job.
    pub job_id: Option<String>,
    /// The package that its run was made of.
    pub package: Option<PackageName>,
    /// Who needs it, a sentence each: it is not removed.
    pub in_use: Vec<String>,
}

/// How far a savepoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeptState {
    /// Nobody knows yet.
    Pending,
    /// It was taken.
    Completed,
    /// It was not.
    Failed,
    /// It is being removed.
    Disposing,
}

/// Who took a savepoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TakenBy {
    /// Somebody ordered it, and the job went on.
    Ordered,
    /// Its job stopped with it.
    Stop,
    /// It was time.
    Periodic,
    /// It lies in the component's folder, and nobody here knows of it.
    Foreign,
}

/// The savepoints that an order takes, or joins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taken {
    /// Their ids, by component.
    pub savepoints: BTreeMap<ComponentName, String>,
}

/// A state that lies in HDFS, from which the next run of a component begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adopt {
    /// The component; needless where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentName>,
    /// The savepoint or checkpoint: a path, or an address in HDFS.
    pub path: String,
}

/// How a savepoint is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dispose {
    /// Although it is the newest state of its component.
    pub newest: bool,
    /// Only say what would be removed, and what stands against it.
    pub dry_run: bool,
}

/// What is removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// The application.
    pub application: ApplicationName,
    /// The component.
    pub component: ComponentName,
    /// The savepoint.
    pub id: String,
    /// What goes in HDFS, with everything in it.
    pub folder: String,
    /// The size of its files, where that can be seen.
    pub bytes: Option<u64>,
    /// The state from which the component would begin then; none: it would not begin by itself, or empty if it never had one.
    pub next: Option<String>,
}

impl fmt::Display for KeptState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}

impl fmt::Display for TakenBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}
