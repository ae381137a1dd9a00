//! How the job of a run does, from looks at its JobManager that come once in a while: checkpoints, restarts of its tasks, steps
//! that are held up. Pure: one look after the other goes in, and what follows from all of them comes out.
//! Not here: looking (`manager::vitals`), and what is an alarm (`alarms`).

use std::collections::VecDeque;
use systems::jobmanager::{Checkpoints, Job};
use words::application::Metrics;
use words::ids::JobId;

/// What rises within this is counted.
pub const WINDOW_MS: u64 = 10 * 60_000;
/// A step that cannot go on for this share of its time, in percent, is held up.
pub const HELD_UP: u64 = 50;

/// So much of a step's name is kept.
const LONGEST_NAME: usize = 200;

/// One look at a job.
#[derive(Debug, Clone)]
pub struct Look {
    /// When, in milliseconds since 1970 by this node's clock.
    pub at_ms: u64,
    /// The job.
    pub job: Job,
    /// From one checkpoint to the next; none if it takes none by itself.
    pub interval_ms: Option<u64>,
    /// Its checkpoints; none if it takes none.
    pub checkpoints: Option<Checkpoints>,
    /// How often its tasks began again.
    pub restarts: Option<u64>,
    /// Whether its metrics arrive, where that can be known.
    pub metrics: Option<Metrics>,
}

/// What follows from all looks at a job. Times are milliseconds since 1970 by this node's clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Vitals {
    /// The job.
    pub job: JobId,
    /// The last look.
    pub at_ms: u64,
    /// When the job began.
    pub began_ms: Option<u64>,
    /// From one checkpoint to the next; none if it takes none by itself.
    pub interval_ms: Option<u64>,
    /// How many checkpoints are complete, and how many failed.
    pub counts: Option<[u64; 2]>,
    /// When the last complete one began.
    pub completed_ms: Option<u64>,
    /// Since when no checkpoint has become complete after one that failed.
    pub failing_ms: Option<u64>,
    /// Checkpoints that failed.
    pub failed: Window,
    /// Restarts of its tasks.
    pub restarts: Window,
    /// The step that is held up most.
    pub held_up: Option<HeldUp>,
    /// Whether its metrics arrive, where that is known.
    pub metrics: Option<Metrics>,
    /// What each step has measured, and when by the JobManager's clock.
    measured: Option<(u64, Vec<Option<u64>>)>,
}

/// A step that waits for those after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldUp {
    /// What Flink calls it.
    pub step: String,
    /// For how much of its time, in percent.
    pub percent: u64,
    /// Since when it is more than half of its time.
    pub since_ms: Option<u64>,
}

/// A number that only rises, at the times at which it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window(VecDeque<(u64, u64)>);

impl Window {
    fn after(mut self, at_ms: u64, count: u64) -> Window {
        // One that fell is another one: its JobManager began again.
        if self.0.back().is_some_and(|(_, last)| *last > count) {
            self.0.clear();
        }
        self.0.push_back((at_ms, count));
        // The newest of those that are too old says from where it rose.
        while self.0.get(1).is_some_and(|(then, _)| then + WINDOW_MS <= at_ms) {
            self.0.pop_front();
        }
        self
    }

    /// By how much it rose of late, and since when.
    pub fn rise(&self) -> (u64, Option<u64>) {
        let Some((_, first)) = self.0.front() else { return (0, None) };
        let rose = self.last().unwrap_or(*first).saturating_sub(*first);
        (rose, self.0.iter().find(|(_, count)| count > first).map(|(at, _)| *at))
    }

    /// The number.
    pub fn last(&self) -> Option<u64> {
        self.0.back().map(|(_, count)| *count)
    }
}

impl Vitals {
    /// Whether a checkpoint of the job was complete.
    pub fn has_completed(&self) -> bool {
        self.completed_ms.is_some() || self.counts.is_some_and(|[complete, _]| complete > 0)
    }

    /// After a look, and what followed from those before it.
    pub fn after(before: Option<Vitals>, look: Look) -> Vitals {
        let Look { at_ms, job, interval_ms, checkpoints, restarts, metrics } = look;
        let before = before.filter(|before| before.job == job.id);
        // A JobManager whose clock is wrong must not seem to be late.
        // Nor may what it says be later than now, or too large to be counted with: its owner may write it.
        let here = |ms: u64| ms.saturating_add(at_ms).saturating_sub(job.now_ms.unwrap_or(at_ms)).min(at_ms);
        let began_ms = job.started_ms.map(here);
        let completed = checkpoints.as_ref().and_then(|all| all.completed.as_ref());
        let failed = checkpoints.as_ref().and_then(|all| all.failed.as_ref());
        let is_failing = failed.is_some_and(|failed| completed.is_none_or(|last| failed.id > last.id));
        let was_failing = before.as_ref().and_then(|before| before.failing_ms);
        let failed_ms = failed.and_then(|failed| failed.failed_ms).map_or(at_ms, here);
        let counts = checkpoints.as_ref().map(|all| [all.counts.completed, all.counts.failed]);
        // What began within the window rose from nothing.
        let fresh = || {
            let began = began_ms.filter(|began| before.is_none() && began + WINDOW_MS > at_ms);
            began.map_or_else(Window::default, |began| Window::default().after(began, 0))
        };
        let goes_on = |of: fn(&Vitals) -> &Window, count: Option<u64>| {
            let known = before.as_ref().map_or_else(fresh, |before| of(before).clone());
            count.map_or_else(|| known.clone(), |count| known.clone().after(at_ms, count))
        };
        let failed = goes_on(|vitals| &vitals.failed, counts.map(|[_, failed]| failed));
        let restarts = goes_on(|vitals| &vitals.restarts, restarts);
        Vitals {
            at_ms,
            began_ms,
            interval_ms,
            counts,
            completed_ms: completed.and_then(|last| last.triggered_ms).map(here),
            failing_ms: is_failing.then(|| was_failing.unwrap_or(failed_ms)),
            failed,
            restarts,
            held_up: held_up(before.as_ref(), &job, at_ms),
            metrics: metrics.or_else(|| before.and_then(|before| before.metrics)),
            measured: measured(&job),
            job: job.id,
        }
    }
}

fn measured(job: &Job) -> Option<(u64, Vec<Option<u64>>)> {
    Some((job.now_ms?, job.vertices.iter().map(|step| step.metrics.back_pressured_ms).collect()))
}

/// The step that was held up most since the look before.
fn held_up(before: Option<&Vitals>, job: &Job, at_ms: u64) -> Option<HeldUp> {
    let before = before?;
    let ((then, were), (now, are)) = (before.measured.as_ref()?, measured(job)?);
    let passed = now.checked_sub(*then).filter(|passed| *passed > 0)?;
    let shares = job.vertices.iter().zip(were.iter().zip(are)).filter_map(|(step, (was, is))| {
        let waited = is?.checked_sub((*was)?)?;
        let time = passed.checked_mul(step.parallelism.max(1))?;
        Some((waited.saturating_mul(100) / time, step))
    });
    let (percent, step) = shares.max_by_key(|(share, _)| *share)?;
    let since = before.held_up.as_ref().and_then(|before| before.since_ms).unwrap_or(before.at_ms);
    let since_ms = (percent >= HELD_UP).then_some(since.min(at_ms));
    Some(HeldUp { step: step.name.chars().take(LONGEST_NAME).collect(), percent: percent.min(100), since_ms })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) const AT: u64 = 1_796_000_000_000;

    /// A look at a job that began then, at a time of its JobManager's clock.
    pub(crate) fn look(at_ms: u64, began_ms: u64, now_ms: u64) -> Look {
        let job = json!({ "jid": "0".repeat(32), "state": "RUNNING", "start-time": began_ms, "now": now_ms });
        let job = serde_json::from_value(job).unwrap();
        Look { at_ms, job, interval_ms: None, checkpoints: None, restarts: None, metrics: None }
    }

    fn with_step(waited: u64, at_ms: u64) -> Look {
        let job = json!({
            "jid": "0".repeat(32), "state": "RUNNING", "start-time": 1, "now": at_ms,
            "vertices": [{ "name": "Source", "parallelism": 2, "metrics": { "accumulated-backpressured-time": waited } }],
        });
        Look { job: serde_json::from_value(job).unwrap(), ..look(at_ms, 1, at_ms) }
    }

    #[test]
    fn times_are_those_of_this_node_s_clock() {
        let behind = 3_600_000;
        let checkpoints = json!({ "counts": { "completed": 4, "failed": 1 }, "latest": {
            "completed": { "id": 4, "trigger_timestamp": AT - behind - 30_000 },
            "failed": { "id": 5, "failure_timestamp": AT - behind - 10_000 },
        } });
        let checkpoints = Some(serde_json::from_value(checkpoints).unwrap());
        let one = Vitals::after(None, Look { checkpoints, ..look(AT, AT - behind - 60_000, AT - behind) });
        assert_eq!((one.began_ms, one.completed_ms), (Some(AT - 60_000), Some(AT - 30_000)));
        assert_eq!((one.failing_ms, one.counts), (Some(AT - 10_000), Some([4, 1])));
    }

    #[test]
    fn what_rose_within_the_window_counts_and_what_was_before_does_not() {
        let after = |before, minutes: u64, restarts| {
            let at = AT + minutes * 60_000;
            Vitals::after(before, Look { restarts: Some(restarts), ..look(at, AT, at) })
        };
        let mut one = after(None, 1, 3);
        assert_eq!(one.restarts.rise(), (3, Some(AT + 60_000)), "it began within the window, from nothing");
        one = after(Some(one), 20, 3);
        assert_eq!(one.restarts.rise(), (0, None));
        one = after(Some(one), 22, 9);
        assert_eq!(one.restarts.rise(), (6, Some(AT + 22 * 60_000)));
        one = after(Some(one), 23, 0);
        assert_eq!(one.restarts.rise(), (0, None), "its JobManager began again");
        let late = Vitals::after(None, Look { restarts: Some(50), ..look(AT, AT - 86_400_000, AT) });
        assert_eq!(late.restarts.rise(), (0, None), "nobody knows when those were");
    }

    #[test]
    fn a_step_is_held_up_by_its_share_of_the_time_between_two_looks() {
        let first = Vitals::after(None, with_step(5_000, AT));
        assert_eq!(first.held_up, None);
        let second = Vitals::after(Some(first), with_step(5_000 + 90_000, AT + 60_000));
        assert_eq!(second.held_up, Some(HeldUp { step: "Source".into(), percent: 75, since_ms: Some(AT) }));
        let third = Vitals::after(Some(second), with_step(5_000 + 190_000, AT + 120_000));
        assert_eq!(third.held_up.as_ref().unwrap().since_ms, Some(AT));
        let fourth = Vitals::after(Some(third), with_step(5_000 + 200_000, AT + 180_000));
        assert_eq!(fourth.held_up, Some(HeldUp { step: "Source".into(), percent: 8, since_ms: None }));
    }

    /// What a JobManager tells is its owner's to write.
    #[test]
    fn no_number_is_too_large_and_no_name_too_long() {
        let hostile = |now: u64, waited: u64, parallelism: u64| {
            let job = json!({
                "jid": "0".repeat(32), "state": "RUNNING", "start-time": i64::MAX, "now": now,
                "vertices": [{ "name": "x".repeat(9000), "parallelism": parallelism,
                    "metrics": { "accumulated-backpressured-time": waited } }],
            });
            Look { job: serde_json::from_value(job).unwrap(), restarts: Some(u64::MAX), ..look(AT, 1, AT) }
        };
        for (parallelism, waited) in [(1 << 63, 1 << 62), (u64::MAX, u64::MAX), (1, u64::MAX)] {
            let first = Vitals::after(None, hostile(1, 0, parallelism));
            let second = Vitals::after(Some(first), hostile(1 << 62, waited, parallelism));
            assert!(second.began_ms <= Some(AT), "{second:?}");
            assert!(second.held_up.is_none_or(|held_up| held_up.percent <= 100 && held_up.step.len() == 200));
        }
    }
}
