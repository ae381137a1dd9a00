//! What the manager of applications counts and measures, for the agent of its node, which tells it to Prometheus and Graphite.
//! How many components are in it is bounded; how many there are is told besides.
//! Not here: in which words either is told (`agent`).

use crate::alarm::{Alarm, Kind, Severity};
use crate::application::State;
use crate::names::{ApplicationName, ComponentName, Word};
use crate::selftest::Selftest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Figures {
    /// Whether this node manages; else it stands by.
    pub manages: bool,
    /// How many components are in which state.
    pub states: BTreeMap<State, u64>,
    /// How many alarms there are, by severity.
    pub alarms: BTreeMap<Severity, u64>,
    /// The manager's own alarms.
    pub own_alarms: Vec<Alarm>,
    /// Components: those with alarms first, where there are too many.
    pub components: Vec<Component>,
    /// How many components are not in that list.
    pub left_out: u64,
    /// The number of the journal's last record.
    pub records: u64,
    /// Rounds.
    pub rounds: Tally,
    /// Looks at single components, with what followed from them.
    pub looks: Tally,
    /// Records that were written.
    pub appends: Tally,
    /// What became of the manager's last selftest, where it makes some.
    pub selftest: Option<Selftest>,
    /// Requests, by the kind of server.
    pub requests: BTreeMap<String, Tally>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Its application.
    pub application: ApplicationName,
    /// Its name.
    pub component: ComponentName,
    /// Whose it is.
    pub owner: Word,
    /// How it is.
    pub state: State,
    /// How often the manager began it again within the last hour.
    pub restarts: u64,
    /// How often Flink restarted the tasks of its job.
    pub task_restarts: Option<u64>,
    /// How many checkpoints of its job are complete.
    pub completed: Option<u64>,
    /// How many failed.
    pub failed: Option<u64>,
    /// When the last complete one began, in milliseconds since 1970.
    pub checkpoint_ms: Option<u64>,
    /// From one checkpoint to the next.
    pub interval_ms: Option<u64>,
    /// For how much of its time the step that waits most for others does so, in percent.
    pub held_up: Option<u64>,
    /// Which attempt of YARN at it there is.
    pub attempt: Option<u64>,
    /// Its alarms.
    pub alarms: Vec<(Kind, Severity)>,
}

/// Something that is done again and again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// How often it failed; those are among the others.
    pub failed: u64,
    /// How long all of them took together, in microseconds.
    pub micros: u64,
}
