//! What the application of a seed is made of: it goes on for ever, is saved now and then besides, or runs by a schedule; and
//! after how many records of the journal a snapshot follows.
//! Not here: what befalls it (`steps`).

use super::cluster::{is_scheduled, pick};
use crate::journal::{EVERY, Release};
use serde_json::json;
use words::names::PackageName;

/// How its runs come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    GoesOn,
    /// Savepoints are taken now and then, and one of them stays.
    Periodic,
    /// A run begins every two minutes; what becomes of the times that are missed.
    Scheduled(&'static str),
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::GoesOn, Kind::Periodic, Kind::Scheduled("none"), Kind::Scheduled("one"), Kind::Scheduled("all")];

    pub(super) fn of(seed: u64) -> Kind {
        if is_scheduled(seed) {
            return Kind::ALL[2 + pick(seed, "missed", 0, 3) as usize];
        }
        if pick(seed, "periodic", 0, 3) == 0 { Kind::Periodic } else { Kind::GoesOn }
    }

    /// What the application is to be made of.
    pub(super) fn release(self, package: &str, slots: &str) -> Release {
        let mut set = json!({ "flink_config_args": format!("-Dtaskmanager.numberOfTaskSlots={slots}") });
        match self {
            Kind::GoesOn => {}
            Kind::Periodic => {
                (set["savepoint_interval_sec"], set["savepoint_keep"]) = (json!("200"), json!("1"));
            }
            Kind::Scheduled(missed) => {
                (set["flink_job_type"], set["schedule"]) = (json!("batch"), json!("*/2 * * * *"));
                set["schedule_missed"] = json!(missed);
            }
        }
        let overrides = json!({ "package": package, "flink": { "word-count": set } });
        Release { package: PackageName::new(package).unwrap(), overrides }
    }
}

/// After so many records a snapshot follows: with every other seed soon enough for some of them.
pub(super) fn snapshots(seed: u64) -> u64 {
    if pick(seed, "snapshots", 0, 2) == 0 { 3 + pick(seed, "records", 0, 20) } else { EVERY }
}
