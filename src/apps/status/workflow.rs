//! How a component is that Oozie runs: what the journal knows times what Oozie said. Pure.
//! A coordinator that waits for its next time is `scheduled`; one that somebody else has suspended waits.
//! Not here: what is to be done about it (`decide::workflow`).

use crate::decide::workflow::{Observed, Seen};
use crate::journal::{OozieJob, Verdict, Wanted, Workflow};
use systems::oozie::{Action, Job, State as OozieState};
use words::application::{Component, OozieKind, OozieRun, OozieTold, State};
use words::moment::utc;
use words::names::ComponentName;
use words::shown::shown;

/// So many runs of a coordinator, or actions of a workflow, are told: the newest.
const MOST_RUNS: usize = 20;

/// A component's state and its reason.
fn state(wanted: &Wanted, workflow: &Workflow, seen: Option<&Seen>) -> (State, String) {
    let said = |state, why: &str| (state, why.to_owned());
    let Some(job) = &workflow.job else {
        return match wanted {
            Wanted::Started { .. } => said(State::Submitting, "it is being prepared"),
            _ => said(State::Stopped, ""),
        };
    };
    if let Some(end) = &job.end {
        let why = end.diagnostics.lines().next().unwrap_or_default();
        return match end.verdict {
            Verdict::Succeeded => said(State::Finished, why),
            Verdict::Killed if !matches!(wanted, Wanted::Started { .. }) => said(State::Stopped, why),
            Verdict::Killed | Verdict::Cancelled => said(State::Killed, why),
            Verdict::Failed => said(State::Failed, why),
            Verdict::Lost => said(State::Lost, why),
            Verdict::Abandoned => said(State::Stopped, "it was never submitted"),
        };
    }
    match seen {
        Some(Seen::Hidden { hop, why }) => (State::CannotSee, format!("{hop} does not answer: {why}")),
        Some(Seen::Found { job: seen, .. }) => of_oozie(wanted, job, seen),
        Some(Seen::Missing { .. }) if job.id.is_some() => said(State::CannotSee, "Oozie does not know it any more"),
        _ if job.id.is_none() => said(State::Submitting, "Oozie does not have it yet"),
        _ => said(State::Unknown, "it was not looked at yet"),
    }
}

fn of_oozie(wanted: &Wanted, job: &OozieJob, seen: &Job) -> (State, String) {
    let said = |state, why: &str| (state, why.to_owned());
    let goes_on = matches!(wanted, Wanted::Started { .. });
    let failed = |with_error: bool| if with_error { "some of its runs did not succeed; " } else { "" };
    match &seen.state {
        state if state.is_final() => said(State::Stopping, "Oozie has ended it"),
        OozieState::Suspended { .. } if !goes_on => {
            said(State::Stopped, "suspended in Oozie; the next start has it go on")
        }
        OozieState::Suspended { .. } if job.is_held => said(State::Starting, "it is being resumed"),
        OozieState::Suspended { .. } => said(State::Waiting, "somebody has suspended it in Oozie"),
        _ if !goes_on => said(State::Stopping, ""),
        OozieState::Prepared if !job.is_coordinator => said(State::Starting, "Oozie has not begun it yet"),
        OozieState::Prepared | OozieState::Running { .. } if job.is_coordinator => {
            let with_error = failed(seen.state == OozieState::Running { with_error: true });
            let runs = seen.actions.iter().any(|run| run.status == "RUNNING");
            let at = |at_ms: Option<u64>| at_ms.map(|at_ms| utc(at_ms / 1000));
            let next = at(seen.next_run_ms()).map(|at| format!("the next run begins at {at}"));
            let end = at(seen.end_ms).map(|at| format!("none after {at}"));
            let times = next.into_iter().chain(end).collect::<Vec<_>>().join(", ");
            (if runs { State::Running } else { State::Scheduled }, format!("{with_error}{times}"))
        }
        OozieState::Other(word) => (State::Unknown, format!("Oozie says {}", shown(word))),
        _ => said(State::Running, ""),
    }
}

/// A component as it is told.
pub fn told(name: &ComponentName, wanted: &Wanted, workflow: &Workflow, observed: Option<&Observed>) -> Component {
    let seen = observed.filter(|observed| observed.as_of >= workflow.changed).map(|observed| &observed.seen);
    let (state, reason) = state(wanted, workflow, seen);
    let job = workflow.job.as_ref();
    let found = match seen {
        Some(Seen::Found { job, .. }) => Some(job.as_ref()),
        _ => None,
    };
    let none = OozieTold { kind: OozieKind::Workflow, id: None, next_ms: None, end_ms: None, runs: Vec::new() };
    let told = job.map(|job| OozieTold {
        id: job.id.as_ref().map(ToString::to_string),
        kind: if job.is_coordinator { OozieKind::Coordinator } else { OozieKind::Workflow },
        next_ms: found.and_then(Job::next_run_ms),
        end_ms: found.filter(|_| job.is_coordinator).and_then(|found| found.end_ms),
        runs: found.map(|found| found.actions.iter().take(MOST_RUNS).map(run).collect()).unwrap_or_default(),
    });
    Component {
        name: name.clone(),
        state,
        reason,
        yarn_id: None,
        queue: None,
        job_id: None,
        restored_from: None,
        started_ms: job.map(|job| job.at_ms),
        ended_ms: job.and_then(|job| job.end.as_ref()?.at_ms),
        savepoints: Vec::new(),
        rescaling: None,
        alarms: Vec::new(),
        details: None,
        oozie: Some(told.unwrap_or(none)),
    }
}

fn run(action: &Action) -> OozieRun {
    let workflow = action.external_id.as_ref().filter(|id| id.ends_with("-W"));
    OozieRun {
        id: action.id.clone(),
        name: action.name.clone(),
        kind: action.kind.clone(),
        status: action.status.clone(),
        workflow: workflow.cloned(),
        yarn_id: action.application().map(|id| id.to_string()),
        error: action.error.clone(),
    }
}
