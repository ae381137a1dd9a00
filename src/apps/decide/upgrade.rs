//! How an upgrade goes on: what is next for the application, and for a component of a new version that is tried. Pure.
//! The new version is good when each of its components has completed a checkpoint that was asked for after all its tasks ran, and
//! Oozie has taken those that it runs.
//! Nothing is decided on what nobody sees; a new version that nobody sees has its time as one that waits has.
//! Not here: what runs and stops (`next`), and what follows from a record (`journal::upgrading`).

use super::again::{Again, again, may_still_run};
use super::{Job, Seen};
use crate::journal::{Application, Component, Trial, Verdict, Wanted};
use std::collections::BTreeSet;
use systems::yarn::State;
use words::change::Step;
use words::ids::JobId;
use words::names::ComponentName;

/// A new version has this long from where YARN runs it, or so many times what a checkpoint may take.
const LEAST_TIME_MS: u64 = 10 * 60_000;
const TIMES_A_CHECKPOINT: u64 = 3;
/// What takes no checkpoints has to run for this long.
pub const STEADY_MS: u64 = 60_000;
/// A job that failed so often, and never completed a checkpoint that was asked for, is not waited for any longer.
const MOST_FAILURES: u64 = 5;
/// What came to nothing is asked for again after this.
const PAUSE_MS: u64 = 10_000;
/// Each time after twice as long, up to this.
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;
/// A checkpoint may not take longer, whatever a program says.
const LONGEST_CHECKPOINT_MS: u64 = 24 * 3_600_000;

/// What is next for the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing by itself.
    Wait,
    /// Write down where the components stand, and that it is the new version from here on.
    Switch,
    /// Write down that the new version is good.
    Stay,
    /// Write down that it is the old version again.
    Return,
}

/// The components that run or will by themselves, and those that failed beside them: not what has finished, or what a person
/// ended. None where nothing runs or will.
pub fn runs(application: &Application) -> BTreeSet<ComponentName> {
    let has_failed = |component: &Component| {
        let end = component.run.as_ref().and_then(|run| run.end.as_ref());
        end.is_some_and(|end| matches!(end.verdict, Verdict::Failed | Verdict::Lost))
    };
    let is_on = |component: &Component| is_on(&application.wanted, component);
    let any = application.components.values().any(is_on);
    let runs = application.components.iter().filter(|(_, one)| is_on(one) || (any && has_failed(one)));
    let of_oozie = application.workflows.iter().filter(|(_, one)| one.is_wanted(&application.wanted));
    runs.map(|(name, _)| name).chain(of_oozie.map(|(name, _)| name)).cloned().collect()
}

/// Whether a component runs, or will by itself.
fn is_on(wanted: &Wanted, component: &Component) -> bool {
    let Wanted::Started { order, .. } = wanted else { return false };
    let begins = component.given_up.is_none() && component.run.as_ref().is_none_or(|run| run.order != *order);
    let lives = component.live().is_some() || component.attempt.is_some() || component.schedule.is_some();
    lives || begins || matches!(again(wanted, component), Again::At(_))
}

/// Decides what is next for an application.
pub fn turn(application: &Application, now_ms: u64) -> Turn {
    let Some(upgrade) = application.upgrading() else { return Turn::Wait };
    let is_over = !application.is_live() && application.components.values().all(|one| !may_still_run(one, now_ms));
    let is_good = |component: &Component| component.trial.as_ref().is_some_and(|trial| trial.is_good);
    let are_good = || {
        let are_taken = application.workflows.values().all(|one| one.is_taken(&application.wanted));
        are_taken && application.components.values().all(is_good)
    };
    match upgrade.step {
        Step::Stopping if is_over => Turn::Switch,
        Step::Returning if is_over => Turn::Return,
        Step::Trying if are_good() => Turn::Stay,
        _ => Turn::Wait,
    }
}

/// What was seen of a component that is tried, beside its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// How its job takes checkpoints.
    pub checkpoints: Checkpoints,
    /// What became of the one that was asked for.
    pub asked: Outcome,
    /// How often its job failed, and over what the last time.
    pub failures: (u64, String),
}

/// How a job takes checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoints {
    /// Nobody tells.
    Hidden,
    /// Not at all.
    None,
    /// Each may take this long.
    Within { timeout_ms: u64 },
}

/// What became of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody tells, or none was asked for.
    Hidden,
    /// The JobManager does not know of it.
    Unknown,
    /// It is being taken.
    InProgress,
    /// It is complete, under this number.
    Completed(u64),
    /// There is none.
    Failed(String),
}

/// What is next for a component that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prove {
    /// Nothing: what it waits for; may be empty.
    Wait(&'static str),
    /// Write down that YARN runs it.
    Begin,
    /// Write down that its job runs, and ask for a checkpoint, if it takes any.
    Ask { job: JobId, has_checkpoints: bool },
    /// Ask again for the one that was asked for.
    AskAgain,
    /// Write down that it is good: what shows it.
    Good(String),
    /// Write down that it came to nothing.
    NotGood(String),
    /// Write down that the new version has had its time.
    Late(String),
}

/// Decides what is next for a component that is tried and whose run YARN has.
pub fn prove(trial: &Trial, seen: &Seen, tried: &Tried, now_ms: u64) -> Prove {
    if trial.is_good || seen.state != State::Running {
        return Prove::Wait("");
    }
    let Some(since_ms) = trial.since_ms else { return Prove::Begin };
    let next = shown(trial, seen, tried, now_ms);
    let timeout_ms = match tried.checkpoints {
        Checkpoints::Within { timeout_ms } => timeout_ms.min(LONGEST_CHECKPOINT_MS),
        Checkpoints::Hidden | Checkpoints::None => 0,
    };
    let most = LEAST_TIME_MS.max(timeout_ms.saturating_mul(TIMES_A_CHECKPOINT));
    let (count, cause) = &tried.failures;
    match next {
        Prove::Good(by) => Prove::Good(by),
        _ if *count >= MOST_FAILURES => Prove::Late(format!("its job failed {count} times: {cause}")),
        // Nothing is decided on what nobody sees.
        next if now_ms < since_ms.saturating_add(most) || matches!(seen.job, Job::Hidden(_)) => next,
        next => {
            let minutes = most / 60_000;
            let waited = match (&trial.failed, &next) {
                (_, Prove::NotGood(why)) | (Some((_, why)), _) => why.as_str(),
                (None, Prove::Wait(what)) => what,
                (None, _) => "no checkpoint was completed",
            };
            Prove::Late(format!("it was not good {minutes} minutes after YARN ran it: {waited}"))
        }
    }
}

fn shown(trial: &Trial, seen: &Seen, tried: &Tried, now_ms: u64) -> Prove {
    let (id, state, is_running) = match &seen.job {
        Job::Known { id, state, is_running } => (id, state, is_running),
        Job::None => return Prove::Wait("its program has no job"),
        Job::Hidden(_) => return Prove::Wait(""),
    };
    let Some(asked) = &trial.asked else {
        let pause_ms = (PAUSE_MS << trial.failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE_MS);
        let is_soon = trial.failed.as_ref().is_some_and(|(at_ms, _)| (*at_ms..at_ms + pause_ms).contains(&now_ms));
        return match tried.checkpoints {
            _ if is_soon => Prove::Wait("a checkpoint is asked for again in a moment"),
            Checkpoints::Hidden => Prove::Wait("its JobManager does not tell how it takes checkpoints"),
            Checkpoints::None if state != "RUNNING" => Prove::Wait("its job does not run"),
            Checkpoints::Within { .. } if !is_running => Prove::Wait("not all tasks run"),
            checkpoints => {
                Prove::Ask { job: id.clone(), has_checkpoints: matches!(checkpoints, Checkpoints::Within { .. }) }
            }
        };
    };
    if asked.checkpoint.is_none() {
        return match state.as_str() {
            // A program of several jobs has none between two of them.
            "RUNNING" | "FINISHED" | "INITIALIZING" | "CREATED" if now_ms >= asked.at_ms + STEADY_MS => {
                Prove::Good(format!("its job ran for {} s, and takes no checkpoints", STEADY_MS / 1000))
            }
            "RUNNING" | "FINISHED" | "INITIALIZING" | "CREATED" => Prove::Wait("its job runs, not for long enough"),
            other => Prove::NotGood(format!("Flink says {other}")),
        };
    }
    match &tried.asked {
        _ if asked.job != *id => Prove::NotGood("it has another job now".to_owned()),
        Outcome::Hidden => Prove::Wait("its JobManager does not tell of the checkpoint"),
        Outcome::InProgress => Prove::Wait("a checkpoint is being taken"),
        Outcome::Unknown => Prove::AskAgain,
        Outcome::Completed(number) => Prove::Good(format!("checkpoint {number}, asked for after all tasks ran")),
        Outcome::Failed(why) => Prove::NotGood(why.clone()),
    }
}
