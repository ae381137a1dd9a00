//! What is to be done next about one component: what is wanted and what is observed go in, one action comes out.
//! Pure: no clock, file, socket or process. *Cannot see it* is never *it is over*, and an intent is completed, never
//! decided anew.
//! Not here: doing it, and in which words it is shown.

pub mod again;
pub mod attempt;
pub mod dispose;
pub mod periodic;
pub mod retention;
#[cfg(test)]
mod tests;
pub mod upgrade;
pub mod workflow;

use crate::journal::{Component, End, Outcome, Run, Savepoint, Verdict, Wanted};
use crate::schedule::Due;
use again::{Again, again, is_due, may_still_run};
use attempt::{Found, Tried};
use systems::yarn::{FinalStatus, State};
use words::ids::{ApplicationId, HostPort, JobId};
use words::names::Word;

/// What was seen of a component's run, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The number of the journal's last record when it was looked at.
    pub as_of: u64,
    /// What YARN says.
    pub yarn: Yarn,
}

impl Observed {
    /// Whether somebody who must be asked did not answer.
    pub fn is_hidden(&self) -> bool {
        match &self.yarn {
            Yarn::Hidden { .. } => true,
            Yarn::Known(seen) => matches!(seen.job, Job::Hidden(_)),
            Yarn::Tried(tried) => matches!(tried.found, Found::Hidden { .. }),
            Yarn::NoRun | Yarn::Unknown { .. } | Yarn::Foreign(_) => false,
        }
    }
}

/// What YARN says of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Yarn {
    /// There is no run to ask for.
    NoRun,
    /// It cannot be seen: who does not answer, and why.
    Hidden { hop: &'static str, why: String },
    /// The ResourceManager does not know the id: it never came, or was forgotten. `saved`: what became of the savepoint that is
    /// pending, as its folder tells; `archived`: how it ended, as Flink's archive tells.
    Unknown { traces: Traces, saved: Saved, archived: Archived },
    /// It is there, and somebody else's: ids are not checked when they are used.
    Foreign(String),
    /// It is there.
    Known(Box<Seen>),
    /// There is no run yet: Flink's own client submits it.
    Tried(Box<Tried>),
}

/// What a run that YARN does not know may have left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Traces {
    /// Nothing: it never ran.
    None,
    /// This.
    Found(String),
    /// They cannot be looked for.
    Hidden(String),
}

/// What Flink's archive tells of a run that YARN does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archived {
    /// Nothing.
    None,
    /// This.
    Ended(End),
    /// It cannot be read.
    Hidden(String),
}

/// An application as YARN has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// YARN's state.
    pub state: State,
    /// Means something only where the state is terminal.
    pub final_status: FinalStatus,
    /// Why it waits, or failed.
    pub diagnostics: String,
    /// Where it was put.
    pub queue: String,
    /// It had a JobManager once, or has.
    pub had_master: bool,
    /// When it ended, in milliseconds since 1970.
    pub finished_ms: Option<u64>,
    /// How long its master was there, in milliseconds, if YARN says so.
    pub ran_ms: Option<u64>,
    /// It is what was sent to take the id of a run.
    pub is_placeholder: bool,
    /// What Flink says of its job.
    pub job: Job,
    /// What became of the savepoint that is pending.
    pub saved: Saved,
    /// Which attempt at it there is, from 1 on.
    pub attempt: Option<u64>,
    /// Where its JobManager answered when it was looked at.
    pub master: Option<HostPort>,
}

/// What Flink says of the job of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// There is none yet, or none any more.
    None,
    /// The JobManager does not answer.
    Hidden(String),
    /// It is there.
    Known {
        /// Its id.
        id: JobId,
        /// Flink's word for its state.
        state: String,
        /// All tasks run.
        is_running: bool,
    },
}

/// What became of a savepoint that is pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// None is pending.
    None,
    /// Nobody can tell now.
    Hidden(String),
    /// The JobManager does not know of it.
    Unknown,
    /// It is being taken.
    InProgress,
    /// It lies here.
    At(String),
    /// There is none.
    Failed(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing: all is as wanted, or will be by itself.
    Rest(Rest),
    /// Choose a state, reserve an id, and write down that it will run; for which time, where it has a schedule.
    Intend { due_ms: Option<u64> },
    /// Submit the run that is intended, under its id.
    Submit,
    /// Have YARN take the id with something that does nothing: a request to submit the run may still be under way, and is
    /// without effect then.
    Occupy,
    /// Have Flink's own client submit what is intended.
    Client,
    /// Write down the id that the client has used; and, where YARN does not have it, why it gave up.
    Found { id: ApplicationId, refused: Option<String> },
    /// Write down that the client has submitted nothing, and whether that is a failure.
    ClientEnded { why: String, has_failed: bool },
    /// Write down that YARN knows it, or what was sent in its place.
    Accept { is_placeholder: bool },
    /// Write down how it ended.
    End(End),
    /// Write down that a savepoint will be asked for, and ask for it; the job stops with it, or goes on.
    Save { job: JobId, goes_on: bool },
    /// The same where nobody ordered it: it is time, and its job goes on.
    SaveInTime { job: JobId },
    /// Ask again for the one that is pending, under its id.
    SaveAgain,
    /// Write down where it lies.
    Saved(String),
    /// Write down that there is none, and whether its job is over.
    NotSaved { why: String, is_over: bool },
    /// Have YARN kill it.
    Kill,
    /// Ask its job to go on with another parallelism.
    Rescale { job: JobId },
    /// Write down that it is killed, for no job of it ever ran that could be saved.
    KillUnsaved,
}

/// Why nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// It is as it should be.
    AsWanted,
    /// Something is under way: what.
    Waits(&'static str),
    /// Another run follows, not yet.
    Pauses,
    /// Somebody does not answer: who, and why. Nothing is done on what nobody sees.
    CannotSee { hop: &'static str, why: String },
    /// The observation is older than what was done since.
    Stale,
}

/// What shall be where a component was given up: nothing of it.
const GIVEN_UP: Wanted = Wanted::Stopped { save: false, was: None };

/// Decides. `now_ms` is the time since 1970 in milliseconds.
pub fn next(wanted: &Wanted, component: &Component, observed: &Observed, now_ms: u64) -> Action {
    if observed.as_of < component.changed {
        return Action::Rest(Rest::Stale);
    }
    match (&component.attempt, &observed.yarn) {
        (Some(attempt), Yarn::Tried(tried)) => return attempt::next(wanted, attempt, tried, now_ms),
        (Some(_), _) | (None, Yarn::Tried(_)) => return Action::Rest(Rest::Stale),
        (None, _) => {}
    }
    let Some(run) = component.live() else { return idle(wanted, component, now_ms) };
    let wanted = if component.given_up.is_some() { &GIVEN_UP } else { wanted };
    match &observed.yarn {
        Yarn::NoRun | Yarn::Tried(_) => Action::Rest(Rest::Stale),
        Yarn::Hidden { hop, why } => cannot_see(hop, why),
        Yarn::Unknown { traces, saved, archived } => unknown(wanted, component, run, (traces, saved, archived)),
        Yarn::Foreign(user) => {
            let diagnostics = format!("its id was taken by {user}, whose application is left alone");
            Action::End(End::of(Verdict::Failed, diagnostics))
        }
        Yarn::Known(seen) => known(wanted, component, run, (seen, now_ms)),
    }
}

/// Flink's words for a job that has ended, or does at once.
const ENDING: [&str; 5] = ["FAILING", "FAILED", "CANCELLING", "CANCELED", "FINISHED"];

/// What a new run waits for that may not begin yet, whoever has ordered it.
const MAY_STILL_RUN: Rest = Rest::Waits("YARN has forgotten the run before, and its nodes end that within a minute");

/// Nothing runs.
fn idle(wanted: &Wanted, component: &Component, now_ms: u64) -> Action {
    let done = |order: u64| component.run.as_ref().is_some_and(|run| run.order == order);
    let at_once = Action::Intend { due_ms: None };
    if attempt::again_at(component).is_some_and(|at_ms| now_ms < at_ms) {
        return Action::Rest(Rest::Pauses);
    }
    match (wanted, again(wanted, component), &component.schedule) {
        (Wanted::Started { order, .. }, _, None) if !done(*order) && component.given_up.is_none() => {
            if may_still_run(component, now_ms) { Action::Rest(MAY_STILL_RUN) } else { at_once }
        }
        (_, Again::At(at_ms), _) if is_due(component, at_ms, now_ms) => at_once,
        (_, Again::At(_), _) => Action::Rest(Rest::Pauses),
        (Wanted::Started { .. }, _, Some(schedule)) => match schedule.due(component.handled_ms, now_ms) {
            Due::Now(_) if may_still_run(component, now_ms) => Action::Rest(MAY_STILL_RUN),
            Due::Now(due_ms) => Action::Intend { due_ms: Some(due_ms) },
            Due::Later(_) | Due::Never => Action::Rest(Rest::AsWanted),
        },
        (_, Again::No | Again::GivenUp(_), _) => Action::Rest(Rest::AsWanted),
    }
}

/// The ResourceManager answers that it does not know the id.
fn unknown(
    wanted: &Wanted,
    component: &Component,
    run: &Run,
    (traces, saved, archived): (&Traces, &Saved, &Archived),
) -> Action {
    let lost = |diagnostics: String| Action::End(End::of(Verdict::Lost, diagnostics));
    let shall_run = matches!(wanted, Wanted::Created | Wanted::Started { .. });
    if let Some(pending) = component.pending().filter(|_| run.accepted) {
        return settle(wanted, pending, saved, true);
    }
    match archived {
        Archived::None => {}
        // It ran, which is written down first: else its state would count for nothing.
        Archived::Ended(_) if !run.accepted => return Action::Accept { is_placeholder: false },
        Archived::Ended(end) => return Action::End(end.clone()),
        Archived::Hidden(why) => return cannot_see("HDFS", why),
    }
    match (run.accepted, traces) {
        (true, _) => lost("YARN has forgotten it, and only forgets what is over".into()),
        (false, Traces::Found(what)) => lost(format!("YARN has forgotten it; it ran, for there is {what}")),
        (false, Traces::Hidden(why)) if shall_run => cannot_see("HDFS", why),
        // What Flink's client submits is not submitted from here.
        (false, Traces::None) if shall_run && run.tag.is_none() => Action::Submit,
        // What takes the id runs nothing, whatever became of the run.
        (false, _) if run.begun => Action::Occupy,
        // Whoever is about to submit it writes that first, and learns that something else was written.
        (false, _) => Action::End(End::of(Verdict::Abandoned, "")),
    }
}

fn known(wanted: &Wanted, component: &Component, run: &Run, (seen, now_ms): (&Seen, u64)) -> Action {
    if !run.accepted {
        return Action::Accept { is_placeholder: seen.is_placeholder };
    }
    if let Some(pending) = component.pending() {
        let action = match (&seen.saved, &seen.job) {
            // What failed with its job: whether the savepoint came to be, its folder tells when all is over.
            (Saved::Failed(_), Job::Known { state, .. })
                if !seen.state.is_final() && ENDING.contains(&state.as_str()) =>
            {
                Action::Rest(Rest::Waits("the job has ended, and YARN has not noticed yet"))
            }
            _ => settle(wanted, pending, &seen.saved, seen.state.is_final()),
        };
        // Whoever has ordered an end without a savepoint by now does not wait for one: its JobManager may hang.
        let is_settled = matches!(action, Action::Saved(_) | Action::NotSaved { .. });
        return if needs_none(wanted) && !is_settled && !seen.state.is_final() { Action::Kill } else { action };
    }
    if seen.state.is_final() {
        return Action::End(end(seen));
    }
    match wanted {
        // Its kill may be under way, whatever was ordered since.
        Wanted::Created | Wanted::Started { .. } if run.is_killed => Action::Kill,
        Wanted::Started { .. } if component.savepoint_ordered => match saving(seen, true) {
            // Too many tasks for the slots that there are may be what keeps it from being saved.
            Action::Rest(Rest::Waits(_)) if component.rescaling.is_some() => rescale(seen),
            action => action,
        },
        Wanted::Started { .. } if component.rescaling.is_some() => rescale(seen),
        Wanted::Started { .. } if periodic::is_due(component, run, now_ms) => match saving(seen, true) {
            Action::Save { job, .. } => Action::SaveInTime { job },
            // Nobody waits for it.
            _ => Action::Rest(Rest::AsWanted),
        },
        Wanted::Created | Wanted::Started { .. } => Action::Rest(Rest::AsWanted),
        Wanted::Stopped { save: true, .. } => save(wanted, component, run, seen),
        Wanted::Deleted | Wanted::Stopped { save: false, .. } => Action::Kill,
    }
}

/// A stop with a savepoint that was not asked for yet.
fn save(wanted: &Wanted, component: &Component, run: &Run, seen: &Seen) -> Action {
    let mut stops = component.savepoints.iter().filter(|one| one.run == run.id && !one.goes_on);
    let is_saved = |savepoint: &Savepoint| matches!(savepoint.outcome, Outcome::Completed(_));
    let has_failed = |savepoint: &Savepoint| matches!(savepoint.outcome, Outcome::Failed(_));
    if matches!(wanted, Wanted::Stopped { was: None, .. }) && stops.clone().next_back().is_some_and(has_failed) {
        return Action::Rest(Rest::Waits("it cannot be saved; a stop without a savepoint kills it"));
    }
    if stops.any(is_saved) {
        return Action::Rest(Rest::Waits("the job has stopped with its savepoint, and YARN has not noticed yet"));
    }
    match seen.state {
        // No job of it ever ran, so there is nothing to save.
        State::New | State::NewSaving | State::Submitted | State::Accepted if !seen.had_master => {
            if run.is_killed {
                Action::Kill
            } else {
                Action::KillUnsaved
            }
        }
        // Between two attempts, and after a restart of YARN, a job that ran for months is accepted again.
        State::New | State::NewSaving | State::Submitted | State::Accepted => {
            Action::Rest(Rest::Waits("YARN has no JobManager for it now; a stop without a savepoint kills it"))
        }
        _ => saving(seen, false),
    }
}

/// A savepoint of what runs.
fn saving(seen: &Seen, goes_on: bool) -> Action {
    if seen.state != State::Running {
        return Action::Rest(Rest::Waits("YARN has no JobManager for it now, and so it cannot be saved"));
    }
    match &seen.job {
        Job::None => Action::Rest(Rest::Waits("the job has not begun, or has just ended")),
        Job::Hidden(why) => cannot_see("the JobManager", why),
        Job::Known { id, is_running: true, .. } => Action::Save { job: id.clone(), goes_on },
        Job::Known { is_running: false, .. } => {
            Action::Rest(Rest::Waits("not all tasks run, and so none can be saved"))
        }
    }
}

/// Another parallelism of what runs. Whether all its tasks run does not matter: those that it has may be too many.
fn rescale(seen: &Seen) -> Action {
    match &seen.job {
        Job::Hidden(why) => cannot_see("the JobManager", why),
        Job::Known { id, state, .. } if state != "INITIALIZING" && !ENDING.contains(&state.as_str()) => {
            Action::Rescale { job: id.clone() }
        }
        Job::None | Job::Known { .. } => {
            Action::Rest(Rest::Waits("there is no job now that could be given another parallelism"))
        }
    }
}

/// Whoever ordered this waits for no savepoint.
fn needs_none(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Deleted | Wanted::Stopped { save: false, .. })
}

/// A savepoint is pending: nothing else is done until it is known what became of it.
fn settle(wanted: &Wanted, pending: &Savepoint, saved: &Saved, over: bool) -> Action {
    match saved {
        Saved::At(path) => Action::Saved(path.clone()),
        Saved::Failed(why) => Action::NotSaved { why: why.clone(), is_over: over },
        Saved::Hidden(why) if over && needs_none(wanted) => {
            let why = format!("nobody waited for it, and {} cannot be looked into: {why}", pending.folder);
            Action::NotSaved { why, is_over: true }
        }
        Saved::Hidden(why) if over => cannot_see("HDFS", why),
        Saved::Hidden(why) => cannot_see("the JobManager", why),
        Saved::InProgress => Action::Rest(Rest::Waits("the savepoint is being taken")),
        Saved::Unknown | Saved::None if over => {
            let why = format!("the application ended, and there is no savepoint in {}", pending.folder);
            Action::NotSaved { why, is_over: over }
        }
        Saved::Unknown | Saved::None => Action::SaveAgain,
    }
}

/// The final status means something only with a state that is terminal.
fn end(seen: &Seen) -> End {
    let verdict = match (&seen.state, &seen.final_status) {
        (State::Killed, _) => Verdict::Killed,
        (State::Finished, FinalStatus::Succeeded) => Verdict::Succeeded,
        (State::Finished, FinalStatus::Killed) => Verdict::Cancelled,
        (State::Failed, _) | (_, FinalStatus::Failed) => Verdict::Failed,
        _ => Verdict::Lost,
    };
    let (at_ms, ran_ms) = (seen.finished_ms, seen.ran_ms);
    End { verdict, diagnostics: seen.diagnostics.clone(), at_ms, ran_ms, never_ran: !seen.had_master, had_state: false }
}

fn cannot_see(hop: &'static str, why: &str) -> Action {
    Action::Rest(Rest::CannotSee { hop, why: why.to_owned() })
}

/// Whether YARN put the run elsewhere than it was asked to; the end of a path stands for the whole.
pub fn is_moved(asked: Option<&Word>, found: &str) -> bool {
    let ends = |path: &str, end: &str| {
        let above = path.strip_suffix(end);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    };
    asked.is_some_and(|asked| !ends(found, asked.as_str()) && !ends(asked.as_str(), found))
}
