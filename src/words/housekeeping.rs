//! What housekeeping has found in HDFS, as it is told: each thing with its size, its age, and why it may go or why it stays.
//! A dry run is this list and nothing else.
//! Not here: how it is decided (`apps::housekeeping`).

use crate::names::ApplicationName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cleaning {
    /// What goes first, then what stays.
    pub entries: Vec<Entry>,
    /// What was not looked at, what is left out of the list, and why.
    pub notes: Vec<String>,
    /// So many things are being removed by orders that were given before.
    pub under_way: usize,
}

/// Something that lies in HDFS, or a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Where it lies; of a package, its name.
    pub path: String,
    /// Whose it is in HDFS.
    pub owner: String,
    /// The application that it is of, where there is one.
    pub application: Option<ApplicationName>,
    /// The size of all its files, where that was looked at.
    pub bytes: Option<u64>,
    /// When it was changed last, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether it may go.
    pub goes: bool,
    /// Why it may, or why it stays.
    pub why: String,
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What was sent to HDFS for one application of YARN.
    Staging,
    /// What job managers of one application of YARN keep to take over from one another.
    HighAvailability,
    /// The checkpoints of one job.
    Checkpoints,
    /// What Flink keeps of a job that has finished.
    Archive,
    /// A release of Flink, named by its content.
    Distribution,
    /// What was left of a file that was being written.
    Leftover,
    /// A savepoint: it goes by the rule of its own component.
    Savepoint,
    /// A deployed package, which is undeployed.
    Package,
    /// What lies in the folder for temporary things.
    Temporary,
    /// What job managers of one application of YARN keep in ZooKeeper.
    Znode,
}

/// How it is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clean {
    /// Only say what would be removed, and why.
    pub dry_run: bool,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}
