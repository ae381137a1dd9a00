//! What somebody should look at: what is known of a component goes in, its alarms come out, each with what to do.
//! Pure, and over windows that slide: what has passed is no alarm, and what began once does not hide what begins now.
//! Not here: looking (`observe`, `manager::vitals`), and telling anybody.

pub mod news;
pub mod workflow;

use crate::decide::again::{Again, again};
use crate::decide::attempt;
use crate::decide::{Job, Observed, Yarn};
use crate::journal::{Component, Verdict, Wanted};
use crate::vitals::Vitals;
use words::alarm::{Alarm, Kind, Severity};
use words::application::State;
use words::names::{ApplicationName, ComponentName, Word};
use words::selftest::Name;

const MINUTE_MS: u64 = 60_000;
/// So many runs after others within an hour are too many.
const RESPAWNS: usize = 3;
pub const RESPAWNS_WITHIN_MS: u64 = 60 * MINUTE_MS;
/// So many restarts of tasks, or checkpoints that failed, within the window of `vitals`.
const RISE: u64 = 3;
/// So many intervals without a complete checkpoint are too many, and never less time than this.
const INTERVALS: u64 = 5;
const LEAST_AGE_MS: u64 = MINUTE_MS;
/// So long a step may be held up, YARN have no room, somebody not answer, acts fail.
const HELD_UP_MS: u64 = 5 * MINUTE_MS;
const WAITING_MS: u64 = 10 * MINUTE_MS;
const HIDDEN_MS: u64 = MINUTE_MS;
const FAILING_MS: u64 = MINUTE_MS;

/// Whose alarms.
#[derive(Debug, Clone)]
pub struct Of<'a> {
    /// The application.
    pub application: &'a ApplicationName,
    /// Its component.
    pub component: &'a ComponentName,
    /// Who owns it.
    pub owner: &'a Word,
}

/// What is known of a component. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Signs<'a> {
    /// What shall be.
    pub wanted: &'a Wanted,
    /// As the journal has it.
    pub known: &'a Component,
    /// How it is told.
    pub state: State,
    /// What was seen of it last.
    pub observed: Option<&'a Observed>,
    /// Since when somebody does not answer; since when YARN has no room; since when there is another attempt at it.
    pub since: SinceWhen,
    /// Why acts for it fail, and since when.
    pub trouble: Option<(&'a str, u64)>,
    /// How its job does.
    pub vitals: Option<&'a Vitals>,
    /// Now.
    pub now_ms: u64,
}

/// Since when something was seen to be so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SinceWhen {
    /// Somebody who must be asked does not answer.
    pub hidden_ms: Option<u64>,
    /// YARN has no room for it.
    pub waiting_ms: Option<u64>,
    /// YARN has begun its JobManager again.
    pub another_attempt_ms: Option<u64>,
}

/// An alarm of nobody yet.
struct Found {
    name: Kind,
    severity: Severity,
    since_ms: u64,
    what: String,
    remedy: &'static str,
}

fn critical(name: Kind, since_ms: u64, what: impl Into<String>, remedy: &'static str) -> Found {
    Found { name, severity: Severity::Critical, since_ms, what: what.into(), remedy }
}

fn warning(name: Kind, since_ms: u64, what: impl Into<String>, remedy: &'static str) -> Found {
    Found { severity: Severity::Warning, ..critical(name, since_ms, what, remedy) }
}

/// The alarms of a component, the worst first.
pub fn of(of: &Of<'_>, signs: &Signs<'_>) -> Vec<Alarm> {
    let mut found: Vec<Found> = ended(signs).into_iter().chain(respawns(signs)).collect();
    found.extend(doubt(signs));
    if signs.known.live().is_some() || signs.known.attempt.is_some() {
        found.extend(run(signs));
    }
    if signs.known.live().is_some() {
        found.extend(signs.vitals.into_iter().flat_map(|vitals| job(vitals, signs.now_ms)));
    }
    found.extend(acts(signs.trouble, signs.now_ms).filter(|_| !signs.state.is_over()));
    all(of, found)
}

/// What was found as alarms of a component, the worst first.
fn all(of: &Of<'_>, mut found: Vec<Found>) -> Vec<Alarm> {
    found.sort_by_key(|found| (found.severity, found.name));
    let told = |Found { name, severity, since_ms, what, remedy }: Found| Alarm {
        application: Some(of.application.clone()),
        component: Some(of.component.clone()),
        owner: Some(of.owner.clone()),
        name,
        severity,
        since_ms,
        what: one_line(&what),
        remedy: remedy.to_owned(),
    };
    found.into_iter().map(told).collect()
}

/// The manager can record nothing, and not only for a moment.
pub fn cannot_record((since_ms, now_ms): (u64, u64), why: &str) -> Option<Alarm> {
    (since_ms + FAILING_MS <= now_ms).then(|| Alarm {
        application: None,
        component: None,
        owner: None,
        name: Kind::CannotRecord,
        severity: Severity::Critical,
        since_ms,
        what: one_line(&format!("nothing can be recorded, and so nothing new is begun: {why}")),
        remedy: "look whether HDFS answers and is out of safe mode; what runs goes on".to_owned(),
    })
}

/// The manager's own small job did not get through.
pub fn selftest(since_ms: u64, step: Name, why: &str) -> Alarm {
    Alarm {
        application: None,
        component: None,
        owner: None,
        name: Kind::Selftest,
        severity: Severity::Critical,
        since_ms,
        what: one_line(&format!("the manager's own small job failed at `{step}`: {why}")),
        remedy: "`pnda app selftest` goes the same way as yourself, and says where it ends".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(500).collect()
}

/// Nobody can tell whether Flink's client has submitted it, and nothing is done until somebody can.
fn doubt(signs: &Signs<'_>) -> Option<Found> {
    let (attempt, observed) = (signs.known.attempt.as_ref()?, signs.observed?);
    let Yarn::Tried(tried) = &observed.yarn else { return None };
    let is_open = attempt.begun.is_some() && tried.found == attempt::Found::None && tried.trail == attempt::Trail::None;
    let since = Some(attempt.at_ms).filter(|since| is_open && since + HIDDEN_MS <= signs.now_ms)?;
    let remedy = "look in YARN for an application with its tag; where there is none, `pnda app stop --no-savepoint` ends the doubt";
    Some(critical(Kind::CannotSee, since, attempt::DOUBT, remedy))
}

/// It is over, although it should run; or it was given up before it ever ran by this order.
fn ended(signs: &Signs<'_>) -> Option<Found> {
    let Wanted::Started { order, .. } = signs.wanted else { return None };
    let is_new = signs.known.run.as_ref().is_none_or(|run| run.order != *order);
    if let Some(why) = signs.known.given_up.as_ref().filter(|_| is_new && signs.known.attempt.is_none()) {
        // When is in the history alone.
        let since = signs.known.run.as_ref().map_or(signs.now_ms, |run| run.ended_ms);
        let remedy = "mend what it names, then `pnda app start`; `pnda app history` says when it was given up";
        return Some(critical(Kind::GivenUp, since, format!("it cannot be started: {why}"), remedy));
    }
    let (Wanted::Started { order, .. }, Some(run)) = (signs.wanted, &signs.known.run) else { return None };
    let end = run.end.as_ref().filter(|_| run.order == *order)?;
    let since = end.at_ms.unwrap_or(run.ended_ms);
    match (again(signs.wanted, signs.known), end.verdict) {
        (Again::GivenUp(why), _) => {
            let remedy = "mend what the logs say, then `pnda app start`; `pnda app history` has each run";
            Some(critical(Kind::GivenUp, since, format!("it is not begun again: {why}"), remedy))
        }
        (Again::No, Verdict::Failed | Verdict::Lost) => {
            let remedy = "`pnda app status` and `pnda app logs` say why; `pnda app start` begins it again";
            Some(critical(Kind::Failed, since, "it failed, and its package has no other run follow", remedy))
        }
        (Again::No, verdict @ (Verdict::Cancelled | Verdict::Killed)) => {
            let remedy = "ask who did it; `pnda app start` begins it again, `pnda app stop` says that it shall be so";
            Some(warning(Kind::EndedElsewhere, since, format!("it {verdict} past the manager"), remedy))
        }
        _ => None,
    }
}

fn respawns(signs: &Signs<'_>) -> Option<Found> {
    let times = signs.known.respawned_ms.iter();
    let late: Vec<u64> = times.copied().filter(|at| at + RESPAWNS_WITHIN_MS > signs.now_ms).collect();
    let first = late.first().filter(|_| late.len() >= RESPAWNS)?;
    let what = format!("the manager has begun it again {} times within an hour", late.len());
    Some(warning(Kind::Restarts, *first, what, "`pnda app history` says how each run ended"))
}

/// What YARN and the way to it say.
fn run(signs: &Signs<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let passed = |since: Option<u64>, least: u64| since.filter(|since| since + least <= signs.now_ms);
    let hidden = signs.observed.and_then(|observed| match &observed.yarn {
        Yarn::Hidden { hop, why } => Some((*hop, why.as_str())),
        Yarn::Known(seen) => match &seen.job {
            Job::Hidden(why) => Some(("the JobManager", why.as_str())),
            Job::None | Job::Known { .. } => None,
        },
        Yarn::Tried(tried) => match &tried.found {
            attempt::Found::Hidden { hop, why } => Some((*hop, why.as_str())),
            attempt::Found::None | attempt::Found::Known { .. } => None,
        },
        Yarn::NoRun | Yarn::Unknown { .. } | Yarn::Foreign(_) => None,
    });
    if let (Some((hop, why)), Some(since)) = (hidden, passed(signs.since.hidden_ms, HIDDEN_MS)) {
        let remedy = "look whether it runs and can be reached from this node; nothing is done about the job meanwhile";
        found.push(critical(Kind::CannotSee, since, format!("{hop} does not answer: {why}"), remedy));
    }
    if let Some(since) = passed(signs.since.waiting_ms, WAITING_MS).filter(|_| signs.state == State::Waiting) {
        let remedy = "look at its queue in YARN: room, share of masters, limits of its user; `pnda app status` has YARN's reason";
        found.push(warning(Kind::Waiting, since, "YARN has no room for it", remedy));
    }
    let attempt = signs.observed.and_then(|observed| match &observed.yarn {
        Yarn::Known(seen) => seen.attempt.filter(|attempt| *attempt > 1),
        _ => None,
    });
    if let (Some(attempt), Some(since)) = (attempt, signs.since.another_attempt_ms) {
        let what = format!("YARN has begun its JobManager again: attempt {attempt}");
        let remedy = "`pnda app logs` says why the one before ended; without high availability its job began from where it was started";
        found.push(warning(Kind::Attempts, since, what, remedy));
    }
    found
}

/// What its job's JobManager says.
fn job(vitals: &Vitals, now_ms: u64) -> Vec<Found> {
    let mut found: Vec<Found> = checkpoints(vitals, now_ms).into_iter().collect();
    let (rose, since) = vitals.restarts.rise();
    if let Some(since) = since.filter(|_| rose >= RISE) {
        let what = format!("Flink has restarted its tasks {rose} times within ten minutes");
        found.push(warning(Kind::TaskRestarts, since, what, "`pnda app status` has what failed, the latest first"));
    }
    let held_up = vitals.held_up.as_ref().and_then(|held_up| Some((held_up, held_up.since_ms?)));
    if let Some((held_up, since)) = held_up.filter(|(_, since)| since + HELD_UP_MS <= now_ms) {
        let what = format!("{} waits for the steps after it {} % of its time", held_up.step, held_up.percent);
        let remedy = "find the slow step on Flink's page (`pnda app status`), then give it more tasks or less to do";
        found.push(warning(Kind::BackPressure, since, what, remedy));
    }
    if let Some(metrics) = vitals.metrics.as_ref().filter(|metrics| metrics.are_late) {
        let since = metrics.last_ms.or(vitals.began_ms).unwrap_or(vitals.at_ms);
        let remedy = "look whether Graphite takes values, and what the JobManager's log says of its reporter";
        found.push(warning(Kind::MetricsLate, since, "its metrics do not arrive in Graphite", remedy));
    }
    found
}

/// Checkpoints that fail, and checkpoints that do not come, whatever the reason: the latter is worse.
fn checkpoints(vitals: &Vitals, now_ms: u64) -> Option<Found> {
    let interval = vitals.interval_ms?;
    let most = (INTERVALS * interval).max(LEAST_AGE_MS);
    // What was seen last counts: that nobody answers is told as such.
    let seen_ms = vitals.at_ms.min(now_ms);
    let last = vitals.completed_ms.max(vitals.began_ms)?;
    let remedy =
        "`pnda app status` has the last failure; look at its state's size, at HDFS, and whether its steps are held up";
    if last + most < seen_ms {
        let passed = (seen_ms - last) / 1000;
        let what =
            format!("no checkpoint was completed for {passed} s, and one is due every {} s", interval.div_ceil(1000));
        return Some(critical(Kind::CheckpointsMissing, last + interval, what, remedy));
    }
    let (rose, since) = vitals.failed.rise();
    // One that was asked for before all tasks ran fails, and the next one does not.
    let failing_ms = vitals.failing_ms.filter(|since| since + LEAST_AGE_MS <= seen_ms);
    let what = match (failing_ms, rose >= RISE) {
        (Some(_), _) => "its last checkpoints failed".to_owned(),
        (None, true) => format!("{rose} checkpoints failed within ten minutes"),
        (None, false) => return None,
    };
    Some(warning(Kind::CheckpointsFail, failing_ms.or(since).unwrap_or(vitals.at_ms), what, remedy))
}

fn acts(trouble: Option<(&str, u64)>, now_ms: u64) -> Option<Found> {
    let (why, since) = trouble.filter(|(_, since)| since + FAILING_MS <= now_ms)?;
    let remedy = "it is tried again within a minute; mend what the reason names, or `pnda app stop --no-savepoint`";
    Some(warning(Kind::ActsFail, since, why, remedy))
}

#[cfg(test)]
mod tests;
