//! Waiting for an application: until it runs, until it has stopped, until its end, or for ever; and the exit code that says how.
//! A manager that does not answer for a moment ends no wait.
//! Not here: what is waited for by the manager itself.

use super::table;
use crate::cli::failure::{FAILED, Failure, USAGE, say, warn};
use crate::systems::manager::{self, Client};
use crate::words::application::{Application, Phase, SavepointState, State};
use crate::words::names::{ApplicationName, ComponentName};
use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// It was cancelled or killed.
pub(super) const ENDED_BY_OTHERS: u8 = 5;
/// Nobody knows what became of it, or nobody tells: who takes that for a failure would start it twice.
pub(super) const NOT_SEEN: u8 = 6;
/// For so long the manager may be silent.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
/// From one look to the next where nothing hurries.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Whether a wait is over, and with which exit code.
pub(super) enum Settled {
    /// Not yet.
    No,
    /// It is as it was to be.
    Well,
    /// It will not come to be.
    Badly(u8),
}

/// Everything runs, or has ended.
pub(super) fn runs(application: &Application) -> Settled {
    let done = |state: State| matches!(state, State::Running | State::Scheduled) || state.is_over();
    let failed = application
        .components
        .iter()
        .any(|component| matches!(component.state, State::Failed | State::Killed | State::Lost | State::Cancelled));
    match application.status {
        Phase::Created => Settled::Badly(FAILED),
        Phase::Started if application.components.iter().all(|component| done(component.state)) => match failed {
            true => Settled::Badly(FAILED),
            false => Settled::Well,
        },
        _ => Settled::No,
    }
}

/// Nothing runs; one that runs again could not be stopped.
pub(super) fn has_stopped(application: &Application) -> Settled {
    match application.status {
        Phase::Created => Settled::Well,
        Phase::Started => Settled::Badly(FAILED),
        _ => Settled::No,
    }
}

/// Each savepoint that was ordered, by component, is complete.
pub(super) fn is_saved(ordered: BTreeMap<ComponentName, String>) -> impl Fn(&Application) -> Settled {
    move |application| {
        let mut found = Settled::Well;
        for component in &application.components {
            let Some(id) = ordered.get(&component.name) else { continue };
            let ordered = component.savepoints.iter().find(|savepoint| savepoint.id == *id);
            found = match (ordered.map(|savepoint| savepoint.state), found) {
                (Some(SavepointState::Completed), found) => found,
                (Some(SavepointState::Failed), _) => Settled::Badly(FAILED),
                (None, _) if component.state.is_over() => Settled::Badly(FAILED),
                (Some(SavepointState::Pending) | None, _) => return Settled::No,
            };
        }
        found
    }
}

fn has_ended(application: &Application) -> Settled {
    if matches!(application.status, Phase::Starting | Phase::Stopping | Phase::Destroying) {
        return Settled::No;
    }
    // It was taken, and could not be started then.
    if application.status == Phase::Created && application.information.is_some() {
        return Settled::Badly(USAGE);
    }
    let mut worst = Settled::Well;
    for component in &application.components {
        worst = match (component.state, worst) {
            (state, _) if !state.is_over() => return Settled::No,
            (State::Failed, _) => Settled::Badly(FAILED),
            (State::Stopped, Settled::Well) => Settled::Badly(ENDED_BY_OTHERS),
            (State::Lost, Settled::Well) => Settled::Badly(NOT_SEEN),
            (State::Cancelled | State::Killed, Settled::Well) => Settled::Badly(ENDED_BY_OTHERS),
            (_, worst) => worst,
        };
    }
    worst
}

/// Looks until it is settled.
pub(super) fn until(
    client: &Client,
    name: &ApplicationName,
    pause: Duration,
    settled: impl Fn(&Application) -> Settled,
) -> Result<(Application, ExitCode), Failure> {
    let mut silent: Option<Instant> = None;
    loop {
        match client.application(name) {
            Ok(application) => {
                silent = None;
                match settled(&application) {
                    Settled::No => {}
                    Settled::Well => return Ok((application, ExitCode::SUCCESS)),
                    Settled::Badly(code) => return Ok((application, ExitCode::from(code))),
                }
            }
            Err(failure) if silent.get_or_insert_with(Instant::now).elapsed() > SILENCE => return Err(unseen(failure)),
            Err(_) => {}
        }
        std::thread::sleep(pause);
    }
}

/// The manager was silent for too long, which says nothing about the application.
pub(super) fn unseen(failure: manager::Error) -> Failure {
    Failure::new(NOT_SEEN, failure)
}

/// Waits for the end, and gives the exit code that says how it was.
pub(super) fn to_its_end(client: &Client, name: &ApplicationName) -> Result<ExitCode, Failure> {
    let (application, code) = until(client, name, PAUSE, has_ended)?;
    say(&table::application(&application))?;
    Ok(code)
}

/// Prints an application whenever it has changed, for ever.
pub(super) fn watch(client: &Client, name: &ApplicationName) -> Result<(), Failure> {
    let mut before = None;
    loop {
        let now = client.application(name)?;
        if before.as_ref() != Some(&now) {
            say(&table::application(&now))?;
            say("")?;
            before = Some(now);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until the manager has forgotten it.
pub(super) fn until_gone(client: &Client, name: &ApplicationName) -> Result<(), Failure> {
    while client.applications()?.iter().any(|application| application.name == *name) {
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Asks a person; without one nothing is sure.
pub(super) fn is_sure(what: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(FAILED, format!("{what} Say --yes if that is wanted")));
    }
    warn(&format!("{what} Go on? [y/N]"))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ended(status: &str, information: Option<&str>, states: &[&str]) -> Option<u8> {
        let component = |state: &&str| json!({ "name": "one", "state": state, "reason": "", "savepoints": [] });
        let components: Vec<_> = states.iter().map(component).collect();
        let application = json!({
            "name": "words", "package": "words-1.0.0", "owner": "alice", "status": status,
            "information": information, "components": components,
        });
        match has_ended(&serde_json::from_value(application).unwrap()) {
            Settled::No => None,
            Settled::Well => Some(0),
            Settled::Badly(code) => Some(code),
        }
    }

    #[test]
    fn each_end_has_a_code_of_its_own() {
        assert_eq!(ended("STARTED", None, &["running", "failed"]), None);
        assert_eq!(ended("STARTED", None, &["cannot-see"]), None, "that is no end");
        assert_eq!(ended("STARTED", None, &["finished"]), Some(0));
        assert_eq!(ended("STARTED", None, &["lost", "failed"]), Some(FAILED));
        assert_eq!(ended("STARTED", None, &["killed", "finished"]), Some(ENDED_BY_OTHERS));
        assert_eq!(ended("STARTED", None, &["lost"]), Some(NOT_SEEN));
        assert_eq!(ended("CREATED", Some("Error starting one: its queue is gone"), &["stopped"]), Some(USAGE));
        assert_eq!(ended("CREATED", None, &["stopped"]), Some(ENDED_BY_OTHERS));
    }
}
