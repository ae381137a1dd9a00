//! When runs of a batch component begin: an expression of cron in a time zone, and what becomes of times that were missed.
//! Pure. Where the clocks go forward, a run of the hour that is not there begins at its end; where they go back, once.
//! Not here: reading a component's properties (`package`), and whether something else stands against a run (`decide`).

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who looks every few seconds is not late within this.
const GRACE_MS: u64 = 5 * 60_000;

/// What becomes of times at which nothing could begin: the run before had not ended, or nobody was there to begin it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missed {
    /// Nothing: the next time counts.
    None,
    /// One run, as soon as it can begin, for all of them.
    #[default]
    One,
    /// One run for each, one after the other.
    All,
}

/// When runs begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Schedule {
    text: Text,
}

/// As it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Five fields: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// The name of a time zone, as in `Europe/Berlin`.
    pub zone: String,
    /// What becomes of missed times.
    pub missed: Missed,
}

/// Whether a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Now, for this time in milliseconds since 1970.
    Now(u64),
    /// At this time.
    Later(u64),
    /// There is no such day any more.
    Never,
}

/// Why something is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// Its times.
    #[error("`{0}` is no expression of cron: {1}")]
    Cron(String, String),
    /// Its time zone.
    #[error("`{0}` is no time zone")]
    Zone(String),
}

impl TryFrom<Text> for Schedule {
    type Error = Bad;

    fn try_from(text: Text) -> Result<Schedule, Bad> {
        parse(&text.cron).map_err(|why| Bad::Cron(text.cron.clone(), why))?;
        TimeZone::get(&text.zone).map_err(|_| Bad::Zone(text.zone.clone()))?;
        Ok(Schedule { text })
    }
}

impl From<Schedule> for Text {
    fn from(schedule: Schedule) -> Text {
        schedule.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.text.cron, self.text.zone)
    }
}

fn parse(cron: &str) -> Result<Cron, String> {
    // What runs more often than once a minute is no batch job.
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(cron).map_err(|error| error.to_string())
}

impl Schedule {
    /// What is due now, where times up to `handled_ms` have had their runs. Times are in milliseconds since 1970.
    pub fn due(&self, handled_ms: u64, now_ms: u64) -> Due {
        let next = |after: u64| self.next(after).map_or(Due::Never, Due::Later);
        // A clock that was set back brings no time twice.
        let Some(last) = self.last(now_ms).filter(|last| *last > handled_ms) else {
            return next(handled_ms.max(now_ms));
        };
        match self.text.missed {
            Missed::One => Due::Now(last),
            Missed::All => self.next(handled_ms).map_or(Due::Never, Due::Now),
            Missed::None if now_ms - last <= GRACE_MS => Due::Now(last),
            Missed::None => next(now_ms),
        }
    }

    /// The first time after one.
    pub fn next(&self, after_ms: u64) -> Option<u64> {
        self.parsed(after_ms).and_then(|(cron, at)| millis(&cron.find_next_occurrence(&at, false).ok()?))
    }

    /// The last time up to one.
    fn last(&self, now_ms: u64) -> Option<u64> {
        self.parsed(now_ms).and_then(|(cron, at)| millis(&cron.find_previous_occurrence(&at, true).ok()?))
    }

    fn parsed(&self, at_ms: u64) -> Option<(Cron, Zoned)> {
        let zone = TimeZone::get(&self.text.zone).ok()?;
        let at = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
        Some((parse(&self.text.cron).ok()?, at.to_zoned(zone)))
    }
}

fn millis(at: &Zoned) -> Option<u64> {
    at.timestamp().as_millisecond().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::moment::utc;

    fn schedule(cron: &str, zone: &str, missed: Missed) -> Schedule {
        Text { cron: cron.to_owned(), zone: zone.to_owned(), missed }.try_into().unwrap()
    }

    fn at(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    fn times(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let next = |last: &u64| schedule.next(*last);
        let all = std::iter::successors(schedule.next(at(from)), next);
        all.take(count).map(|time| utc(time / 1000)).collect()
    }

    #[test]
    fn where_the_clocks_go_forward_a_run_begins_after_the_gap_and_where_they_go_back_once() {
        let nightly = schedule("30 2 * * *", "Europe/Berlin", Missed::One);
        let spring = times(&nightly, "2026-03-28T12:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29 01:00:00 UTC", "2026-03-30 00:30:00 UTC"], "02:30 is not there: 03:00 is");
        let autumn = times(&nightly, "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25 00:30:00 UTC", "2026-10-26 01:30:00 UTC"], "02:30 is there twice");
        let hourly = schedule("0 * * * *", "Europe/Berlin", Missed::One);
        assert_eq!(times(&hourly, "2026-10-24T23:30:00Z", 3).len(), 3);
        assert_eq!(times(&hourly, "2026-10-24T23:30:00Z", 2), ["2026-10-25 00:00:00 UTC", "2026-10-25 01:00:00 UTC"]);
    }

    #[test]
    fn missed_times_have_no_run_one_or_each_one() {
        let (handled, now) = (at("2026-06-01T00:00:00Z"), at("2026-06-01T03:20:00Z"));
        let due = |missed, handled, now| schedule("0 * * * *", "UTC", missed).due(handled, now);
        assert_eq!(due(Missed::One, handled, now), Due::Now(at("2026-06-01T03:00:00Z")));
        assert_eq!(due(Missed::All, handled, now), Due::Now(at("2026-06-01T01:00:00Z")));
        assert_eq!(due(Missed::None, handled, now), Due::Later(at("2026-06-01T04:00:00Z")));
        let in_time = at("2026-06-01T03:00:04Z");
        assert_eq!(due(Missed::None, handled, in_time), Due::Now(at("2026-06-01T03:00:00Z")));
        for missed in [Missed::None, Missed::One, Missed::All] {
            let done = at("2026-06-01T03:00:00Z");
            assert_eq!(due(missed, done, now), Due::Later(at("2026-06-01T04:00:00Z")), "{missed:?}");
            // The clock was set back by an hour.
            assert_eq!(due(missed, done, at("2026-06-01T02:10:00Z")), Due::Later(at("2026-06-01T04:00:00Z")));
        }
    }

    #[test]
    fn what_is_no_schedule_is_said_and_some_have_no_next_time() {
        let bad = |cron: &str, zone: &str| {
            let text = Text { cron: cron.to_owned(), zone: zone.to_owned(), missed: Missed::One };
            Schedule::try_from(text).unwrap_err().to_string()
        };
        assert!(bad("61 * * * *", "UTC").starts_with("`61 * * * *` is no expression of cron: "));
        assert!(bad("* * * * * *", "UTC").contains("no expression of cron"));
        assert_eq!(bad("0 3 * * *", "Europe/Brelin"), "`Europe/Brelin` is no time zone");
        assert_eq!(schedule("0 0 30 2 *", "UTC", Missed::One).due(0, 1000), Due::Never);
    }
}
