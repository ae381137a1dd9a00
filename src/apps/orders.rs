//! What may be ordered of packages and applications, by whom, and when: rules over the state, before anything is written.
//! Pure. What is refused says why and what would be right, in a kind that HTTP has a status for.
//! Not here: who somebody is, and carrying an order out.

use crate::decide::upgrade::runs;
use crate::journal::{Application, State, Wanted};
use crate::status::phase;
use std::sync::Arc;
use words::application::Phase;
use words::change::Purpose;
use words::names::{ApplicationName, PackageName, Word};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name that the machine vouches for.
    pub name: Word,
    /// Member of the group that may do everything.
    pub is_admin: bool,
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// Not now.
    #[error("{0}")]
    Conflict(String),
    /// Not by this caller.
    #[error("{0}")]
    Forbidden(String),
    /// Not at all.
    #[error("{0}")]
    Invalid(String),
    /// Not so many at once.
    #[error("{0}")]
    TooMany(String),
    /// Not by this version.
    #[error("not yet: {0}")]
    NotYet(String),
    /// Nothing can be recorded or looked up now.
    #[error("{0}")]
    Unavailable(String),
}

/// An application that this caller may change.
pub fn own<'a>(state: &'a State, name: &ApplicationName, caller: &Caller) -> Result<&'a Application, Refusal> {
    let application = state
        .applications
        .get(name)
        .ok_or_else(|| Refusal::NotFound(format!("application {name}; `pnda app list`")))?;
    match application.owner == caller.name || caller.is_admin {
        true => Ok(application),
        false => Err(Refusal::Forbidden(format!(
            "{name} belongs to {owner}: only {owner} and administrators may do this",
            owner = application.owner
        ))),
    }
}

/// An application name that is free. Names that differ in capitals only would be one in YARN's tags.
pub fn free(state: &State, name: &ApplicationName) -> Result<(), Refusal> {
    let same = |other: &&ApplicationName| other.as_str().eq_ignore_ascii_case(name.as_str());
    match state.applications.keys().find(same) {
        None => Ok(()),
        Some(other) if other == name => Err(Refusal::Conflict(format!("application {name} exists already"))),
        Some(other) => Err(Refusal::Conflict(format!(
            "application {other} exists, and names that differ in capital letters only cannot be told apart in YARN"
        ))),
    }
}

/// Jobs are named APPLICATION-COMPONENT-job: `a-b` with `c` and `a` with `b-c` would be one in logs and metrics.
pub fn apart<'a>(
    state: &State,
    name: &ApplicationName,
    components: impl Iterator<Item = &'a words::names::ComponentName>,
) -> Result<(), Refusal> {
    let job = |application: &ApplicationName, component: &str| format!("{application}-{component}").to_lowercase();
    let of_one = |(name, application): (&ApplicationName, &Arc<Application>)| {
        let names = application.components.keys().chain(application.workflows.keys());
        names.map(|component| job(name, component.as_str())).collect::<Vec<_>>()
    };
    let taken: Vec<String> = state.applications.iter().flat_map(of_one).collect();
    for component in components {
        if taken.contains(&job(name, component.as_str())) {
            return Err(Refusal::Conflict(format!(
                "the job of {name}/{component} would have the name of another application's: choose another name"
            )));
        }
    }
    Ok(())
}

/// A start.
pub fn start(name: &ApplicationName, application: &Application) -> Result<(), Refusal> {
    if application.upgrading().is_some() {
        return Err(under_way(name, application));
    }
    match phase(application) {
        Phase::Created => Ok(()),
        Phase::Starting | Phase::Started if is_over(application) => Ok(()),
        other => Err(Refusal::Conflict(format!("{name} is {other}: stop it first, or wait until it has stopped"))),
    }
}

/// Going on with what somebody else submitted.
pub fn adopt(name: &ApplicationName, application: &Application) -> Result<(), Refusal> {
    start(name, application)?;
    match application.components.values().any(|component| component.schedule.is_some()) {
        true => Err(Refusal::Conflict(format!("{name} has a schedule, and what runs is none of its times"))),
        false => Ok(()),
    }
}

/// Another version, other settings, or the same again. Only what runs is started again.
pub fn change(name: &ApplicationName, application: &Application, purpose: Purpose) -> Result<(), Refusal> {
    if application.upgrading().is_some() {
        return Err(under_way(name, application));
    }
    match (phase(application), purpose) {
        (Phase::Created | Phase::Started, Purpose::Restart) if runs(application).is_empty() => {
            Err(Refusal::Conflict(format!("{name} does not run: `pnda app start {name}`")))
        }
        (Phase::Created | Phase::Started | Phase::Starting, _) => Ok(()),
        (other, _) => Err(Refusal::Conflict(format!("{name} is {other}: wait until that is over"))),
    }
}

fn under_way(name: &ApplicationName, application: &Application) -> Refusal {
    let upgrade = application.upgrading().map(|one| format!(" to {} ({})", one.to.package, one.step));
    Refusal::Conflict(format!(
        "{name} is on its way{}: wait until that is over, or end it with `pnda app stop {name}` or `pnda app rollback {name}`",
        upgrade.unwrap_or_default()
    ))
}

/// All that was started has ended by itself.
fn is_over(application: &Application) -> bool {
    phase(application) == Phase::Started && !application.is_live() && !application.has_live_workflow()
}

/// A stop. One that is under way without success may be ordered again, without a savepoint.
pub fn stop(name: &ApplicationName, application: &Application, save: bool) -> Result<(), Refusal> {
    match (phase(application), &application.wanted) {
        (Phase::Starting | Phase::Started, _) => Ok(()),
        (Phase::Stopping, Wanted::Stopped { save: true, .. }) if !save => Ok(()),
        // It shall not run again then.
        (Phase::Stopping, _) if application.upgrading().is_some_and(|upgrade| upgrade.starts) => Ok(()),
        (Phase::Stopping, _) => Err(Refusal::Conflict(format!("{name} is stopping already"))),
        (Phase::Created | Phase::Destroying, _) => {
            Err(Refusal::Conflict(format!("{name} is {}: it does not run", phase(application))))
        }
    }
}

/// Whether the same stop is under way.
pub fn is_stopping(application: &Application, save: bool, drain: bool) -> bool {
    let same = matches!(application.wanted, Wanted::Stopped { save: wanted, .. } if wanted == save);
    let drains = application.components.values().any(|component| component.drains);
    // An upgrade stops what runs to begin it again, which whoever orders a stop does not want.
    let begins_again = application.upgrading().is_some_and(|upgrade| upgrade.starts);
    same && drains == drain && !begins_again && phase(application) == Phase::Stopping
}

/// A savepoint of what runs.
pub fn savepoint(name: &ApplicationName, application: &Application) -> Result<(), Refusal> {
    match phase(application) {
        Phase::Starting | Phase::Started if application.is_live() => Ok(()),
        phase => Err(Refusal::Conflict(format!("{name} is {phase}, and nothing of it runs that could be saved"))),
    }
}

/// A deletion.
pub fn delete(name: &ApplicationName, application: &Application) -> Result<(), Refusal> {
    match phase(application) {
        Phase::Created | Phase::Started => Ok(()),
        other => Err(Refusal::Conflict(format!("{name} is {other}: wait until that is over"))),
    }
}

/// The end of a package.
pub fn undeploy(state: &State, name: &PackageName, caller: &Caller) -> Result<(), Refusal> {
    let Some(package) = state.packages.get(name) else {
        return Err(Refusal::NotFound(format!("package {name} that is deployed")));
    };
    if package.owner != caller.name && !caller.is_admin {
        return Err(Refusal::Forbidden(format!("{name} was deployed by {}: only they may do this", package.owner)));
    }
    let users = state.applications.iter().filter(|(_, application)| application.needs(name));
    let users: Vec<&str> = users.map(|(application, _)| application.as_str()).collect();
    match users.as_slice() {
        [] => Ok(()),
        users => Err(Refusal::Conflict(format!("{name} is used by {}: delete them first", users.join(", ")))),
    }
}
