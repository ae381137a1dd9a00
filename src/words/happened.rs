//! What happened to packages and applications, one record of the journal after the other: as a page, or as a stream of events.
//! Who, what, when and why; whoever has read up to a number goes on from there.
//! Not here: the history of one application (`application::Event`), and who may see what.

use crate::names::{ApplicationName, ComponentName, Word};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Happened {
    /// The number of its record in the journal.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who ordered it, or the manager itself.
    pub by: Word,
    /// The kind of its record, as in `run-ended`: for programs.
    pub kind: String,
    /// The application; none where it is about a package.
    pub application: Option<ApplicationName>,
    /// The component, where it is about one.
    pub component: Option<ComponentName>,
    /// What happened, and why: for people.
    pub what: String,
}

/// Some of what happened, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// It, as far as whoever asks may see it.
    pub events: Vec<Happened>,
    /// The number up to which it was read: what comes next is after it.
    pub after: u64,
    /// Whether there is more by now.
    pub more: bool,
    /// Whether something after the number that was asked for is not kept any more.
    pub missed: bool,
}
