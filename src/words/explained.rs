//! What a start would submit, as it is told: program, configuration and properties, each with who says it.
//! Values may be secrets of the owner: it is for him and administrators.
//! Not here: how it is found out.

use crate::application::Finding;
use crate::names::ComponentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a start would submit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// The component.
    pub component: ComponentName,
    /// The release of Flink; empty where Oozie runs it.
    pub flink: String,
    /// The class whose `main` is called; empty where Oozie runs it.
    pub main_class: String,
    /// The jar that has it, or what Oozie reads.
    pub main_jar: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The state from which it would begin.
    pub restore: Option<String>,
    /// Flink's configuration, or what Oozie gets beside the properties.
    pub configuration: Vec<Value>,
    /// What `application.properties` gets, by full names.
    pub properties: BTreeMap<String, String>,
    /// From where each of them comes.
    #[serde(default)]
    pub set_by: BTreeMap<String, SetBy>,
    /// What is worth knowing.
    pub warnings: Vec<String>,
    /// What a look at the cluster found.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// One key of Flink's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// The key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Who says so.
    pub from: SetBy,
}

/// Who sets a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SetBy {
    /// The cluster's configuration of Flink.
    Cluster,
    /// The site's defaults for all applications.
    Site,
    /// The site's defaults for the owner's queue.
    Queue,
    /// The package.
    Package,
    /// What the application sets otherwise.
    Application,
    /// What packages may refer to as `environment_…`.
    Environment,
    /// What only the submission may say.
    Submission,
}

impl fmt::Display for SetBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(out)
    }
}
