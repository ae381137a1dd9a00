//! How a component is, in one word with its reason: what the journal knows times what was seen.
//! Pure. What comes out for each state of YARN, of Flink's job and its tasks stands in `states.tsv`, which is held against it.
//! Not here: what is to be done about it (`decide`).

#[cfg(test)]
mod tests;
pub mod workflow;

use crate::decide::again::{Again, again};
use crate::decide::attempt::{self, Found, Trail};
use crate::decide::{self, Job, Observed, Seen, Yarn, is_moved};
use crate::journal::{Application, Component, End, OozieJob, Outcome, Run, Verdict, Wanted, Workflow};
use systems::yarn::State as YarnState;
use words::application::{self as told, Phase, SavepointState, State};
use words::change::Upgrade;
use words::names::ApplicationName;

/// An application in PNDA's word.
pub fn phase(application: &Application) -> Phase {
    match &application.wanted {
        Wanted::Created => Phase::Created,
        Wanted::Started { order, .. } => {
            let begun = |component: &Component| {
                let begun = |run: &Run| run.order == *order && (run.accepted || run.end.is_some());
                component.given_up.is_some() || component.run.as_ref().is_some_and(begun)
            };
            let begun = |component: &Component| component.schedule.is_some() || begun(component);
            let submitted = |job: &OozieJob| job.order == *order && (job.id.is_some() || job.end.is_some());
            let submitted = |workflow: &Workflow| workflow.job.as_ref().is_some_and(submitted);
            let all = application.components.values().all(begun) && application.workflows.values().all(submitted);
            if all { Phase::Started } else { Phase::Starting }
        }
        Wanted::Stopped { .. } if application.is_live() || application.upgrading().is_some() => Phase::Stopping,
        Wanted::Stopped { .. } if application.has_live_workflow() => Phase::Stopping,
        Wanted::Stopped { .. } => Phase::Created,
        Wanted::Deleted => Phase::Destroying,
    }
}

/// A component's state and its reason.
pub fn state(wanted: &Wanted, component: &Component, observed: Option<&Observed>) -> (State, String) {
    let said = |state, why: &str| (state, why.to_owned());
    if component.attempt.is_some() {
        return of_attempt(observed);
    }
    if let Some(refusals) = component.refusals.as_ref().filter(|_| matches!(wanted, Wanted::Started { .. })) {
        let at = attempt::again_at(component).map(|at_ms| words::moment::utc(at_ms / 1000)).unwrap_or_default();
        let why = format!(
            "Flink's client came to nothing {} times: {}; the next one is due at {at}",
            refusals.count, refusals.why
        );
        return (State::Restarting, why);
    }
    let run = component.run.as_ref();
    let is_next = matches!(wanted, Wanted::Started { order, .. } if run.is_none_or(|run| run.order != *order));
    if let Some(why) = component.given_up.as_ref().filter(|_| is_next) {
        return (State::Failed, why.clone());
    }
    let Some(run) = run else {
        return match wanted {
            Wanted::Started { .. } => to_begin(component),
            _ => said(State::Stopped, ""),
        };
    };
    if let Some(end) = &run.end {
        return match is_next {
            true => to_begin(component),
            false => followed(again(wanted, component), component, over(wanted, end, component)),
        };
    }
    match observed.map(|observed| &observed.yarn) {
        None | Some(Yarn::NoRun | Yarn::Tried(_)) => said(State::Unknown, "it was not looked at yet"),
        Some(Yarn::Hidden { hop, why }) => (State::CannotSee, format!("{hop} does not answer: {why}")),
        Some(Yarn::Foreign(user)) => (State::Submitting, format!("its id was taken by {user}")),
        Some(Yarn::Unknown { .. }) => said(State::Submitting, "YARN does not know it yet"),
        Some(Yarn::Known(seen)) => {
            let (state, reason) = of_seen(wanted, component, seen);
            let all = [Some(reason).filter(|reason| !reason.is_empty()), moved(run, seen), unsaved(component, run)];
            (state, all.into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

/// No run of the order yet.
fn to_begin(component: &Component) -> (State, String) {
    match component.schedule {
        Some(_) => (State::Scheduled, String::new()),
        None => (State::Submitting, "it is being prepared".to_owned()),
    }
}

/// Flink's own client submits it.
fn of_attempt(observed: Option<&Observed>) -> (State, String) {
    let tried = observed.map(|observed| &observed.yarn);
    match tried {
        Some(Yarn::Tried(tried)) => match (&tried.found, &tried.trail) {
            (Found::Hidden { hop, why }, _) => (State::CannotSee, format!("{hop} does not answer: {why}")),
            (Found::None, Trail::None) => (State::Unknown, attempt::DOUBT.to_owned()),
            _ => (State::Submitting, attempt::SUBMITS.to_owned()),
        },
        _ => (State::Submitting, attempt::SUBMITS.to_owned()),
    }
}

/// YARN runs it, but elsewhere.
fn moved(run: &Run, seen: &Seen) -> Option<String> {
    let asked = run.queue.as_ref().filter(|asked| !seen.queue.is_empty() && is_moved(Some(*asked), &seen.queue))?;
    Some(format!("asked for queue {asked}, YARN put it into {}", seen.queue))
}

/// It runs, and nobody who ordered a savepoint would hear that none was taken.
fn unsaved(component: &Component, run: &Run) -> Option<String> {
    let settled = component.savepoints.iter().rev().filter(|one| one.run == run.id && one.outcome != Outcome::Pending);
    match settled.into_iter().next().filter(|last| last.periodic).map(|last| (&last.outcome, last.at_ms)) {
        Some((Outcome::Failed(why), at_ms)) => {
            let at = words::moment::utc(at_ms / 1000);
            let why: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Some(format!("the savepoint that was due at {at} failed: {}", why.join("; ")))
        }
        _ => None,
    }
}

fn of_seen(wanted: &Wanted, component: &Component, seen: &Seen) -> (State, String) {
    let reason = || first_line(&seen.diagnostics);
    let pending = component.pending();
    if pending.is_some_and(|pending| !pending.goes_on) {
        return (State::Stopping, "a savepoint is being taken".to_owned());
    }
    match (&seen.state, &seen.job) {
        (state, _) if state.is_final() => (State::Stopping, format!("YARN says {state}")),
        (YarnState::Running, Job::Hidden(why)) => (State::CannotSee, format!("the JobManager does not answer: {why}")),
        (YarnState::Running, job) if matches!(wanted, Wanted::Started { .. } | Wanted::Created) => of_job(job),
        (YarnState::Running, _) => (State::Stopping, String::new()),
        _ => (State::Waiting, reason()),
    }
}

fn of_job(job: &Job) -> (State, String) {
    match job {
        Job::None => (State::Starting, "its program has not submitted a job yet".to_owned()),
        Job::Hidden(why) => (State::CannotSee, why.clone()),
        Job::Known { state, is_running, .. } => match (state.as_str(), is_running) {
            ("RUNNING", true) => (State::Running, String::new()),
            ("RESTARTING" | "FAILING", _) => (State::Restarting, format!("Flink says {state}")),
            ("CANCELLING" | "FINISHED" | "FAILED" | "CANCELED", _) => (State::Stopping, format!("Flink says {state}")),
            _ => (State::Starting, "not all tasks run yet".to_owned()),
        },
    }
}

/// A run that is over, and what follows it.
fn followed(again: Again, component: &Component, (state, reason): (State, String)) -> (State, String) {
    let with = |more: String| {
        [reason.clone(), more].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    };
    match again {
        Again::No => (state, reason),
        Again::GivenUp(why) => (state, with(why)),
        Again::At(at_ms) => {
            let count = component.streak.failures;
            let failures = if count > 1 { format!(", after {count} failures in a row") } else { String::new() };
            (State::Restarting, with(format!("the next run begins at {}{failures}", words::moment::utc(at_ms / 1000))))
        }
    }
}

/// A run that stopped with a savepoint has stopped; one that ended by itself has finished.
fn over(wanted: &Wanted, end: &End, component: &Component) -> (State, String) {
    let of_run = component.run.as_ref().map(|run| &run.id);
    let stops = |savepoint: &&crate::journal::Savepoint| Some(&savepoint.run) == of_run && !savepoint.goes_on;
    let saved = component.savepoints.last().filter(stops);
    let saved = saved.is_some_and(|savepoint| matches!(savepoint.outcome, Outcome::Completed(_)));
    let removed = component.disposed.as_ref().filter(|disposed| Some(&disposed.run) == of_run && disposed.stopped);
    let saved = saved || removed.is_some();
    let state = match end.verdict {
        Verdict::Succeeded if saved => return (State::Stopped, "with a savepoint".to_owned()),
        Verdict::Succeeded => State::Finished,
        Verdict::Failed => State::Failed,
        Verdict::Cancelled => State::Cancelled,
        Verdict::Killed if matches!(wanted, Wanted::Stopped { .. } | Wanted::Deleted) => {
            return (State::Stopped, "without a savepoint".to_owned());
        }
        Verdict::Killed => State::Killed,
        Verdict::Lost => State::Lost,
        Verdict::Abandoned => return (State::Stopped, "it was never submitted".to_owned()),
    };
    (state, cause(&end.diagnostics))
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// The cause that stands deepest, else the first line: the rest is a stack.
fn cause(diagnostics: &str) -> String {
    let causes = diagnostics.lines().rev().find_map(|line| line.trim().strip_prefix("Caused by: "));
    causes.map_or_else(|| first_line(diagnostics), str::to_owned)
}

/// An application as it is told.
pub fn told(
    name: &ApplicationName,
    application: &Application,
    observed: impl Fn(&words::names::ComponentName) -> Option<Observed>,
    overseen: impl Fn(&words::names::ComponentName) -> Option<decide::workflow::Observed>,
) -> told::Application {
    let component = |(name, component): (&words::names::ComponentName, &Component)| {
        let observed = observed(name);
        let (state, reason) = state(&application.wanted, component, observed.as_ref());
        let seen = observed.as_ref().and_then(|observed| match &observed.yarn {
            Yarn::Known(seen) => Some(seen.as_ref()),
            _ => None,
        });
        let run = component.run.as_ref();
        let job = seen.and_then(|seen| match &seen.job {
            Job::Known { id, .. } => Some(id.to_string()),
            Job::None | Job::Hidden(_) => None,
        });
        // Where YARN put it is seen while YARN has it; before and after, where it was asked to.
        let asked = || Some(run?.queue.as_ref()?.to_string());
        told::Component {
            name: name.clone(),
            state,
            reason,
            yarn_id: run.map(|run| run.id.to_string()),
            queue: seen.map(|seen| seen.queue.clone()).filter(|queue| !queue.is_empty()).or_else(asked),
            job_id: job.or_else(|| run?.job.as_ref().map(ToString::to_string)),
            restored_from: run.and_then(|run| run.restore.clone()),
            started_ms: run.map(|run| run.at_ms),
            ended_ms: run.and_then(|run| run.end.as_ref()?.at_ms),
            savepoints: component.savepoints.iter().map(savepoint).collect(),
            rescaling: component.live().and(component.rescaling.as_ref()).map(|rescaling| rescaling.to),
            alarms: Vec::new(),
            details: None,
            oozie: None,
        }
    };
    let workflows = application.workflows.iter();
    let workflows =
        workflows.map(|(name, one)| workflow::told(name, &application.wanted, one, overseen(name).as_ref()));
    told::Application {
        name: name.clone(),
        package: application.package.clone(),
        owner: application.owner.clone(),
        status: phase(application),
        information: application.information.clone(),
        components: application.components.iter().map(component).chain(workflows).collect(),
        upgrade: application.upgrade.as_ref().map(upgrade),
    }
}

fn upgrade(upgrade: &crate::journal::Upgrade) -> Upgrade {
    let (from, to) = (upgrade.from.package.clone(), upgrade.to.package.clone());
    let (order, purpose, step) = (upgrade.order, upgrade.purpose, upgrade.step);
    Upgrade { order, purpose, from, to, step, reason: upgrade.why.clone() }
}

fn savepoint(savepoint: &crate::journal::Savepoint) -> told::Savepoint {
    let (state, path, reason) = match &savepoint.outcome {
        Outcome::Pending => (SavepointState::Pending, None, None),
        Outcome::Completed(path) => (SavepointState::Completed, Some(path.clone()), None),
        Outcome::Failed(why) => (SavepointState::Failed, None, Some(why.clone())),
    };
    let (id, asked_ms) = (savepoint.id.to_string(), savepoint.at_ms);
    told::Savepoint { id, state, path, reason, asked_ms, goes_on: savepoint.goes_on }
}
