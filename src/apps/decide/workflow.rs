//! What is next for a component that Oozie runs: one observation, one action. Pure.
//! Oozie has no ids of ours, so what may have been submitted is looked for before anything is sent again; and what is not
//! found loses its folder, without which a request that is still under way comes to nothing.
//! Not here: components that Flink runs (`next`).

use super::{Rest, cannot_see};
use crate::journal::{End, OozieJob, Verdict, Wanted, Workflow};
use systems::oozie::{Job, JobId, State, Verb};
use words::ids::ApplicationId;

/// A request that nobody answered may be at work in Oozie for as long.
const DOUBT_MS: u64 = 60_000;
/// A container of YARN's has ended so soon after it was killed, with the request that it was sending.
const SETTLES_MS: u64 = 10_000;

/// What was seen of a component's job.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The number of the journal's last record when it was looked at.
    pub as_of: u64,
    /// What was seen.
    pub seen: Seen,
}

/// What Oozie says of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// There is none that it could be asked for.
    NoJob,
    /// Somebody does not answer: who, and why.
    Hidden { hop: &'static str, why: String },
    /// It has no such job; what its actions have submitted goes on in YARN all the same.
    Missing { left: Left },
    /// It has this.
    Found { job: Box<Job>, left: Left },
}

/// What stays of a job that is over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Left {
    /// Applications of YARN of its actions that go on.
    pub applications: Vec<ApplicationId>,
    /// When the last of its runs ended, in milliseconds since 1970.
    pub ended_ms: Option<u64>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Rest(Rest),
    /// Write down that it will be submitted.
    Intend,
    /// Bring its files to HDFS and submit it.
    Submit,
    /// Remove its folder, and write down that nothing was submitted.
    Withdraw,
    /// Write down which job it is.
    Accept(JobId),
    /// Have Oozie do this with it.
    Tell(Verb),
    /// Write down that it stands still.
    Hold,
    /// Write down that it goes on.
    Resume,
    /// Have YARN kill what its actions have left.
    KillLeft(Vec<ApplicationId>),
    /// Write down how it ended.
    End(End),
}

/// Decides. `now_ms` is the time since 1970 in milliseconds.
pub fn next(wanted: &Wanted, workflow: &Workflow, observed: &Observed, now_ms: u64) -> Action {
    if observed.as_of < workflow.changed {
        return Action::Rest(Rest::Stale);
    }
    let order = match wanted {
        Wanted::Started { order, .. } => Some(*order),
        Wanted::Created | Wanted::Stopped { .. } | Wanted::Deleted => None,
    };
    let Some(job) = workflow.live() else {
        return if is_due(workflow.job.as_ref(), order) { Action::Intend } else { Action::Rest(Rest::AsWanted) };
    };
    match (&observed.seen, &job.id, job.begun_ms) {
        (Seen::NoJob, _, None) if order.is_some() && !job.is_outdated => Action::Submit,
        // Whoever is about to submit it writes that first, and learns that something else was written.
        (Seen::NoJob, _, None) => Action::End(End::of(Verdict::Abandoned, "")),
        (Seen::NoJob, ..) => Action::Rest(Rest::Stale),
        (Seen::Hidden { hop, why }, ..) => Action::Rest(hidden(hop, why)),
        (Seen::Found { job, .. }, None, _) => Action::Accept(job.id.clone()),
        // Its database may be an older one for the moment.
        (Seen::Missing { .. }, Some(id), _) if order.is_some() && !job.is_outdated => {
            Action::Rest(hidden("Oozie", &format!("it has no {id} any more: bring its database back, or stop this")))
        }
        (Seen::Missing { left }, Some(_), _) if !left.applications.is_empty() => {
            Action::KillLeft(left.applications.clone())
        }
        (Seen::Missing { .. }, Some(_), _) => Action::End(End::of(Verdict::Lost, "Oozie has forgotten it")),
        (Seen::Missing { .. }, None, begun_ms) if now_ms.saturating_sub(begun_ms.unwrap_or(0)) < DOUBT_MS => {
            Action::Rest(Rest::Waits("Oozie did not answer when it was submitted, and may still take it"))
        }
        (Seen::Missing { .. }, None, _) => Action::Withdraw,
        (Seen::Found { job: seen, left }, Some(_), _) => known((wanted, order), job, (seen, left), now_ms),
    }
}

fn hidden(hop: &'static str, why: &str) -> Rest {
    match cannot_see(hop, why) {
        super::Action::Rest(rest) => rest,
        _ => Rest::Stale,
    }
}

/// Whether an order has no job yet. What was never submitted counts for nothing.
fn is_due(last: Option<&OozieJob>, order: Option<u64>) -> bool {
    let has_one = |job: &OozieJob| {
        let is_abandoned = job.end.as_ref().is_some_and(|end| end.verdict == Verdict::Abandoned);
        Some(job.order) == order && !job.is_outdated && !is_abandoned
    };
    order.is_some() && !last.is_some_and(has_one)
}

fn known((wanted, order): (&Wanted, Option<u64>), job: &OozieJob, (seen, left): (&Job, &Left), now_ms: u64) -> Action {
    // What was told to go on may be over before anybody looks: it was of this order.
    let goes_on = order.is_some() && job.is_held && !job.is_outdated;
    if seen.state.is_final() && goes_on {
        return Action::Resume;
    }
    if seen.state.is_final() {
        // What was killed may have sent something that nobody sees yet.
        let is_recent = left.ended_ms.is_some_and(|ended_ms| now_ms < ended_ms.saturating_add(SETTLES_MS));
        return match left.applications.is_empty() {
            true if is_recent && seen.state == State::Killed => {
                Action::Rest(Rest::Waits("Oozie has killed it, and what it was submitting may come yet"))
            }
            true => Action::End(end(seen)),
            false => Action::KillLeft(left.applications.clone()),
        };
    }
    // A workflow that nobody has started does nothing.
    let is_new = seen.state == State::Prepared && !job.is_coordinator;
    let stands = is_new || matches!(seen.state, State::Suspended { .. });
    match (wanted, order) {
        (Wanted::Deleted, _) => Action::Tell(Verb::Kill),
        (_, Some(_)) if job.is_outdated => Action::Tell(Verb::Kill),
        (_, Some(order)) => {
            let is_other = job.is_held || job.order != order;
            match &seen.state {
                State::Suspended { .. } if is_other => Action::Tell(Verb::Resume),
                _ if is_other => Action::Resume,
                State::Prepared if is_new => Action::Tell(Verb::Start),
                _ => Action::Rest(Rest::AsWanted),
            }
        }
        (_, None) if !stands => Action::Tell(Verb::Suspend),
        (_, None) if !job.is_held => Action::Hold,
        (_, None) => Action::Rest(Rest::AsWanted),
    }
}

/// How it ended, in the words for all runs.
fn end(seen: &Job) -> End {
    let (verdict, more) = match &seen.state {
        State::Succeeded => (Verdict::Succeeded, ""),
        State::DoneWithError => (Verdict::Failed, "some of its runs did not succeed"),
        State::Killed => (Verdict::Killed, ""),
        State::Failed => (Verdict::Failed, ""),
        State::Prepared | State::Running { .. } | State::Suspended { .. } | State::Other(_) => (Verdict::Lost, ""),
    };
    let errors = seen.actions.iter().filter_map(|action| action.error.as_deref()).map(str::trim);
    let why = errors.chain([more]).find(|why| !why.is_empty()).unwrap_or_default();
    End { at_ms: seen.end_ms, ..End::of(verdict, why.chars().take(LONGEST).collect::<String>()) }
}

/// What an action says of its failure, bounded.
const LONGEST: usize = 2000;
