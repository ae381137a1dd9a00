//! What is told of upgrades: what one would change and do, and how far it is.
//! Values that differ may be secrets of the owner: they are for him and administrators.
//! Not here: how it is found out.

use crate::application::{Explained, Finding, Weight};
use crate::names::{ApplicationName, ComponentName, PackageName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The last upgrade of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Upgrade {
    /// The number of its order in the journal.
    pub order: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// The package before.
    pub from: PackageName,
    /// The package that it leads to.
    pub to: PackageName,
    /// How far it is.
    pub step: Step,
    /// Why it did not come to pass.
    pub reason: Option<String>,
}

/// What an upgrade is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Another package or other settings.
    Upgrade,
    /// Another parallelism.
    Rescale,
    /// The same again.
    Restart,
    /// The version before, from the state that it had.
    Rollback,
}

/// How far an upgrade is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The old version is saved and stops.
    Stopping,
    /// The new one has to show that it is good.
    Trying,
    /// It is not, and stops.
    Returning,
    /// It is over: the new version stays.
    Good,
    /// It is over: the old version is back.
    Returned,
    /// It is over: somebody ended it, or the old version could not be saved.
    Ended,
}

impl Step {
    /// Whether something is still to be done.
    pub fn is_under_way(self) -> bool {
        matches!(self, Step::Stopping | Step::Trying | Step::Returning)
    }
}

/// What an upgrade would change and do, as it was found without doing anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The application.
    pub application: ApplicationName,
    /// What it is for.
    pub purpose: Purpose,
    /// What would be otherwise.
    pub difference: Difference,
    /// What would happen, in its order, and to the state.
    pub steps: Vec<String>,
    /// Everything that stands against it or is worth knowing.
    pub findings: Vec<Finding>,
    /// What would be submitted, as far as that can be said.
    pub components: Vec<Explained>,
}

impl Plan {
    /// Whether it would be refused.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Refusal)
    }
}

/// What differs between what an application is made of and what it would be made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The package now.
    pub from: PackageName,
    /// The package then.
    pub to: PackageName,
    /// The components that differ.
    pub components: Vec<ComponentDifference>,
}

/// What differs in a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentDifference {
    /// The component.
    pub component: ComponentName,
    /// Whether it is in both.
    pub presence: Presence,
    /// The release of Flink, if it becomes another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flink: Option<Changed>,
    /// Its properties that differ: those of the package with what is set otherwise, expanded.
    pub properties: Vec<Changed>,
    /// Its files that come, go or have another size, with their sizes in bytes.
    pub files: Vec<Changed>,
}

/// Whether a component is in both versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is in both.
    Kept,
    /// It is in the new one only.
    Added,
    /// It is in the old one only.
    Removed,
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// What.
    pub name: String,
    /// What it is now; none if it is not there.
    pub old: Option<String>,
    /// What it would be; none if it would not be there.
    pub new: Option<String>,
}

crate::shown::shown_as_in_json!(Purpose, Step, Presence);
