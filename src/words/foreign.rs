//! Flink's applications on YARN that no application here has: somebody else's, or ours that nobody knows any more.
//! Names in it are their owners' to choose, and are shown as one line of marks.
//! Not here: how they are found, and how one is adopted.

use crate::application::Finding;
use crate::ids::ApplicationId;
use crate::names::ComponentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Foreign {
    /// YARN's id.
    pub yarn_id: ApplicationId,
    /// What it is called.
    pub name: String,
    /// As whom it runs.
    pub user: String,
    /// Where it runs.
    pub queue: String,
    /// YARN's word for how far it is.
    pub state: String,
    /// When it was submitted, in milliseconds since 1970.
    pub started_ms: Option<u64>,
    /// It has the tag of this cluster's applications, and none of them knows it.
    pub is_lost: bool,
}

/// The application of YARN that an application here is to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adoption {
    /// YARN's id.
    pub yarn_id: ApplicationId,
}

/// What was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Adopted {
    /// The component that has it now.
    pub component: ComponentName,
    /// Flink's id of its job.
    pub job_id: String,
    /// The savepoint that is taken of it.
    pub savepoint: String,
    /// What stands against its next start, and what somebody should know.
    pub findings: Vec<Finding>,
}
