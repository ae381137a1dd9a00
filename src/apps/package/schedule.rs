//! The schedule of a component, as its properties say it: `schedule`, `schedule_zone`, `schedule_missed`.
//! All mistakes are told at once.
//! Not here: what a schedule means (`crate::schedule`).

use super::flink::{JobType, Reader};
use crate::schedule::{Missed, Schedule, Text};
use words::shown::shown;

impl Reader<'_> {
    /// When its runs begin, where not with the start.
    pub(super) fn schedule(&mut self, job_type: JobType) -> Option<Schedule> {
        let Some(cron) = self.get("schedule") else {
            for name in ["schedule_zone", "schedule_missed"] {
                if self.get(name).is_none() {
                    continue;
                }
                self.problem(
                    format!("there is a {name} and no schedule"),
                    "write when it runs: schedule \"0 3 * * *\"",
                );
            }
            return None;
        };
        if job_type == JobType::Streaming {
            let remedy = "write flink_job_type batch, or leave the schedule out";
            self.problem("it has a schedule, and a streaming job does not end", remedy);
        }
        if let Some(respawn @ ("always" | "on-success")) = self.get("respawn_type").as_deref() {
            let remedy = "write no or on-failure: its schedule says when the next run begins";
            self.problem(format!("it has a schedule, and respawn_type {respawn} begins another run at once"), remedy);
        }
        let missed = match self.get("schedule_missed").as_deref() {
            None | Some("one") => Missed::One,
            Some("none") => Missed::None,
            Some("all") => Missed::All,
            Some(other) => {
                let what = format!("schedule_missed is `{}`", shown(other));
                self.problem(what, "write none, one or all: how many runs there are for times that were missed");
                Missed::One
            }
        };
        self.times("schedule", cron, missed)
    }

    /// Times in the words of cron, in the zone that the property beside this one names.
    pub(super) fn times(&mut self, name: &str, cron: String, missed: Missed) -> Option<Schedule> {
        let zone = self.get(&format!("{name}_zone")).unwrap_or_else(|| "UTC".to_owned());
        match Schedule::try_from(Text { cron, zone, missed }) {
            Ok(schedule) => Some(schedule),
            Err(error) => {
                let remedy = "write five fields as cron does, as in 0 3 * * *, and a zone as in Europe/Berlin";
                self.problem(format!("{name}: {}", shown(&error.to_string())), remedy);
                None
            }
        }
    }
}
