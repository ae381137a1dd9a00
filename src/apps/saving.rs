//! What a component says about savepoints that nobody orders: when one is taken, and how many of them stay.
//! Each is a whole copy of the state.
//! Not here: when the next one is due (`decide::periodic`), and which of them go (`decide::retention`).

use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};

/// No interval is shorter, and none longer than a year.
pub const INTERVAL_SEC: std::ops::RangeInclusive<u64> = 10..=366 * 86_400;
/// So many stay where nobody says how many, and at most: the journal has a place for each.
pub const KEEP: u32 = 10;
pub const MOST_KEEP: u32 = 50;
/// No age is longer, in days.
pub const MOST_DAYS: u64 = 3660;

/// What a run was intended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saving {
    /// When one is taken.
    #[serde(flatten)]
    pub when: When,
    /// So many stay, the newest ones.
    pub keep: u32,
    /// What is older goes too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_ms: Option<u64>,
}

/// When a savepoint is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum When {
    /// So long after the one before.
    Every {
        /// In milliseconds.
        interval_ms: u64,
    },
    /// At these times.
    At {
        /// In the words of cron.
        schedule: Schedule,
    },
}
