//! What a component says about savepoints that nobody orders: `savepoint_interval_sec` or `savepoint_schedule` with its zone,
//! `savepoint_keep`, `savepoint_keep_days`. Those about what stays mean nothing without one of the first two.
//! Not here: what follows from them (`decide::periodic`, `decide::retention`).

use super::flink::Reader;
use crate::saving::{INTERVAL_SEC, KEEP, MOST_DAYS, MOST_KEEP, Saving, When};
use crate::schedule::Missed;
use words::shown::shown;

/// Whoever saves so often should know what it costs.
const OFTEN_SEC: u64 = 60;
const DAY_MS: u64 = 86_400_000;

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Saving> {
    let (least, most) = (*INTERVAL_SEC.start(), *INTERVAL_SEC.end());
    let interval = number(reader, "savepoint_interval_sec", (least, most));
    let keep = number(reader, "savepoint_keep", (1, MOST_KEEP.into()));
    let days = number(reader, "savepoint_keep_days", (1, MOST_DAYS));
    let cron = reader.get("savepoint_schedule");
    let says = |name: &str| reader.get(name).is_some();
    let (by_itself, has_zone) = (says("savepoint_interval_sec") || cron.is_some(), says("savepoint_schedule_zone"));
    let stays = says("savepoint_keep") || says("savepoint_keep_days");
    if cron.is_none() && has_zone {
        reader.note("savepoint_schedule_zone is about savepoint_schedule, which is not there", "leave it out");
    }
    if !by_itself && stays {
        reader.note(
            "savepoint_keep and savepoint_keep_days are about savepoints that are taken by themselves",
            "write savepoint_interval_sec or savepoint_schedule, or leave them out",
        );
    }
    let when = match (interval, cron) {
        (Some(_), Some(_)) => {
            let what = "there are a savepoint_interval_sec and a savepoint_schedule";
            reader.problem(what, "write one of them: seconds between two savepoints, or times");
            None
        }
        (None, Some(cron)) => {
            let schedule = reader.times("savepoint_schedule", cron, Missed::One);
            schedule.map(|schedule| When::At { schedule })
        }
        (interval, None) => interval.map(|interval| every(reader, interval)),
    };
    Some(Saving {
        when: when?,
        keep: keep.and_then(|keep| keep.try_into().ok()).unwrap_or(KEEP),
        keep_ms: days.map(|days| days * DAY_MS),
    })
}

fn every(reader: &mut Reader<'_>, interval: u64) -> When {
    if interval < OFTEN_SEC {
        let what = format!("savepoint_interval_sec is {interval}, and each savepoint is a whole copy of the state");
        reader.note(what, "checkpoints are for what fails: write the hours or days after which a copy is wanted");
    }
    When::Every { interval_ms: interval * 1000 }
}

/// A property that is a whole number within bounds; one that says nothing is none.
fn number(reader: &mut Reader<'_>, name: &str, (least, most): (u64, u64)) -> Option<u64> {
    let text = reader.get(name)?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let found = text.parse().ok().filter(|number| plain && (least..=most).contains(number));
    if found.is_none() {
        reader.problem(format!("{name} is `{}`", shown(&text)), format!("write a whole number from {least} to {most}"));
    }
    found
}
