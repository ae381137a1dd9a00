//! What a component says about savepoints that nobody orders: `savepoint_interval_sec`, `savepoint_keep`, `savepoint_keep_days`.
//! Each is a whole number, and those about what stays mean nothing without an interval.
//! Not here: what follows from them (`decide::periodic`, `decide::retention`).

use super::flink::Reader;
use crate::saving::{INTERVAL_SEC, KEEP, MOST_DAYS, MOST_KEEP, Saving};
use words::shown::shown;

/// Whoever saves so often should know what it costs.
const OFTEN_SEC: u64 = 60;
const DAY_MS: u64 = 86_400_000;

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Saving> {
    let (least, most) = (*INTERVAL_SEC.start(), *INTERVAL_SEC.end());
    let interval = number(reader, "savepoint_interval_sec", (least, most));
    let keep = number(reader, "savepoint_keep", (1, MOST_KEEP.into()));
    let days = number(reader, "savepoint_keep_days", (1, MOST_DAYS));
    let Some(interval) = interval else {
        if reader.get("savepoint_interval_sec").is_none() && (keep.is_some() || days.is_some()) {
            let remedy = "write savepoint_interval_sec, or leave them out";
            reader.note(
                "savepoint_keep and savepoint_keep_days are about savepoints that are taken by themselves",
                remedy,
            );
        }
        return None;
    };
    if interval < OFTEN_SEC {
        let what = format!("savepoint_interval_sec is {interval}, and each savepoint is a whole copy of the state");
        reader.note(what, "checkpoints are for what fails: write the hours or days after which a copy is wanted");
    }
    Some(Saving {
        interval_ms: interval * 1000,
        keep: keep.and_then(|keep| keep.try_into().ok()).unwrap_or(KEEP),
        keep_ms: days.map(|days| days * DAY_MS),
    })
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
