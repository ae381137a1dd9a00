//! What became of a selftest: a small job's way through the manager, YARN and Flink, step by step.
//! Not here: going that way.
//! People and programs read it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selftest {
    /// Whether all of it went well.
    pub passed: bool,
    /// When it began, in milliseconds since 1970.
    pub at_ms: u64,
    /// The steps that were tried, in their order; where one failed it is the last, but for taking away what is left.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which.
    pub name: Name,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Why it failed; none: it went well.
    pub failed: Option<String>,
}

/// The steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// The package is there, or was brought from the mirror.
    Deploy,
    /// An application of it was made.
    Create,
    /// Its start was ordered.
    Start,
    /// Its job came to its end.
    Finish,
    /// It was forgotten.
    Delete,
}

impl Selftest {
    /// Why it did not pass.
    pub fn failed(&self) -> Option<(Name, &str)> {
        self.steps.iter().find_map(|step| Some((step.name, step.failed.as_deref()?)))
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(out)
    }
}
