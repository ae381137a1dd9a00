//! Our own interface, below `/v1`: typed documents, orders with their choices, logs. `pnda app` speaks it.
//! Reading states is everybody's who has a name here; logs are for the owner, his group and administrators, settings for him
//! and them.
//! Not here: PNDA's interface (`dm`).

use super::failure::Failure;
use super::openapi;
use super::routes::{Answer, Asked, document, fine, invalid, taken};
use super::shapes::{Findings, HandOver, ManagerState, Notes, Silence, Start, StartTold, Stop};
use apps::journal::Origin;
use apps::logs::Wanted;
use apps::manager::Manager;
use apps::orders::{self, Refusal};
use hyper::StatusCode;
use serde_json::Value;
use words::application::{Application, Following};
use words::foreign::Adoption;
use words::housekeeping::Clean;
use words::ids::TriggerId;
use words::names::{ApplicationName, ComponentName};
use words::savepoints::{Adopt, Dispose, Taken};

/// What goes back of each container's logs unless told, and at most.
const USUAL_LOG: u32 = 64 << 10;
pub(super) const MOST_LOG: u32 = 8 << 20;

pub(super) fn interface(_: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&openapi::document())
}

pub(super) fn state(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    let silence = manager.silence().map(|silence| Silence {
        since_ms: silence.since_ms,
        why: silence.why,
        stands_by: silence.stands_by,
    });
    fine(&ManagerState { silence })
}

pub(super) fn hand_over(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let HandOver { to } = asked.typed()?;
    manager.hand_over(&to, asked.caller()?)?;
    taken()
}

pub(super) fn foreign(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&manager.foreign_applications(asked.caller()?)?)
}

pub(super) fn adopt(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let Adoption { yarn_id } = asked.typed()?;
    let adopted = manager.adopt(&asked.name(0)?, &yarn_id, asked.caller()?)?;
    document(StatusCode::ACCEPTED, &adopted)
}

pub(super) fn deploy(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let findings = match manager.deploy_if_right(&asked.name(0)?, asked.caller()?) {
        Ok(findings) => findings,
        // A published version has one content: this is what is deployed already.
        Err(Refusal::Conflict(_)) if manager.state()?.packages.contains_key(&asked.name(0)?) => Vec::new(),
        Err(refusal) => return Err(refusal.into()),
    };
    document(StatusCode::ACCEPTED, &Findings { findings })
}

pub(super) fn applications(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&manager.applications()?)
}

pub(super) fn application(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&told(manager, &asked.name(0)?)?)
}

fn told(manager: &Manager, name: &ApplicationName) -> Result<Application, Failure> {
    let missing = || Refusal::NotFound(format!("application {name}; `pnda app list`")).into();
    manager.application(name)?.ok_or_else(missing)
}

pub(super) fn alarms(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&manager.alarms())
}

pub(super) fn figures(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&manager.figures())
}

pub(super) fn alarms_of(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let components = told(manager, &asked.name(0)?)?.components;
    fine(&components.into_iter().flat_map(|component| component.alarms).collect::<Vec<_>>())
}

pub(super) fn create(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (mut body, one) = (asked.document()?, asked.name(0)?);
    let state_of = state_of(&mut body)?;
    let notes = manager.create_from(&one, &body, state_of.as_ref(), asked.caller()?)?;
    // It is made, whatever stands against its start now.
    let dry = manager.dry_run(&one, &Origin::Newest, asked.caller()?);
    let findings = dry.map_or_else(|_| Vec::new(), |dry| dry.findings);
    document(StatusCode::CREATED, &Notes { notes, findings })
}

/// The application from whose state it is to begin; what else is there is about its package.
fn state_of(body: &mut Value) -> Result<Option<ApplicationName>, Failure> {
    let Some(named) = body.as_object_mut().and_then(|members| members.remove("state_of")) else { return Ok(None) };
    serde_json::from_value(named).map_err(|error| invalid(format!("`state_of`: {error}")))
}

pub(super) fn delete(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.delete(&asked.name(0)?, asked.caller()?)?;
    taken()
}

pub(super) fn start(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (choices, one): (Start, ApplicationName) = (asked.typed()?, asked.name(0)?);
    let origin = match (choices.from, choices.empty) {
        (Some(_), true) => return Err(invalid("a start is either from a state or without one".to_owned())),
        (None, true) => Origin::Empty,
        (Some(from), false) => manager.origin(&one, from, asked.caller()?)?,
        (None, false) => Origin::Newest,
    };
    if choices.dry_run {
        return document(StatusCode::ACCEPTED, &StartTold::Dry(manager.dry_run(&one, &origin, asked.caller()?)?));
    }
    let findings = manager.start_if_ready(&one, origin, asked.caller()?)?;
    document(StatusCode::ACCEPTED, &StartTold::Taken(Findings { findings }))
}

pub(super) fn stop(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let Stop { savepoint, drain } = asked.typed()?;
    let (one, by) = (asked.name(0)?, asked.caller()?);
    match (savepoint, drain) {
        (true, true) => manager.drain(&one, by)?,
        (false, true) => return Err(invalid("a job that is drained is saved, too".to_owned())),
        (savepoint, false) => manager.stop(&one, savepoint, by)?,
    }
    taken()
}

pub(super) fn savepoint(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let ids = manager.savepoint(&asked.name(0)?, asked.caller()?)?;
    let savepoints = ids.into_iter().map(|(component, id)| (component, id.into())).collect();
    document(StatusCode::ACCEPTED, &Taken { savepoints })
}

pub(super) fn savepoints(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&manager.savepoints(&readable(manager, &asked)?)?)
}

pub(super) fn adopt_state(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (wanted, one): (Adopt, ApplicationName) = (asked.typed()?, asked.name(0)?);
    manager.adopt_state(&one, &wanted, asked.caller()?)?;
    taken()
}

pub(super) fn dispose(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (choices, one, id): (Dispose, ApplicationName, TriggerId) = (asked.typed()?, asked.name(0)?, asked.name(1)?);
    document(StatusCode::ACCEPTED, &manager.dispose(&one, &id, choices, asked.caller()?)?)
}

pub(super) fn explain(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let one: ApplicationName = asked.name(0)?;
    // Properties and overrides may be secrets of the owner.
    orders::own(&*manager.state()?, &one, asked.caller()?)?;
    fine(&manager.explain(&one)?)
}

pub(super) fn clean(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let choices: Clean = asked.typed()?;
    document(StatusCode::ACCEPTED, &manager.clean(choices, asked.caller()?)?)
}

/// An application whose logs this caller may read.
pub(super) fn readable(manager: &Manager, asked: &Asked) -> Result<ApplicationName, Failure> {
    let one: ApplicationName = asked.name(0)?;
    let owner = told(manager, &one)?.owner;
    if !asked.person.as_ref().is_some_and(|person| person.shares_with(&owner)) {
        let for_whom = format!("for {owner}, members of {owner}'s group and administrators");
        return Err(Refusal::Forbidden(format!(
            "{one} belongs to {owner}: its logs, history and savepoints are {for_whom}"
        ))
        .into());
    }
    Ok(one)
}

pub(super) fn logs(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let (one, component): (_, ComponentName) = (readable(manager, &asked)?, asked.name(1)?);
    let bytes = asked.number("bytes", USUAL_LOG, MOST_LOG)?.into();
    fine(&manager.logs(&one, &component, &Wanted { bytes, ..Wanted::default() })?)
}

/// The same for who follows: how far he has read comes along.
pub(super) fn more_logs(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let (one, component): (_, ComponentName) = (readable(manager, &asked)?, asked.name(1)?);
    let Following { bytes, read } = asked.typed()?;
    fine(&manager.logs(&one, &component, &Wanted { bytes, follows: true, read })?)
}

pub(super) fn details(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let (one, component): (_, ComponentName) = (readable(manager, &asked)?, asked.name(1)?);
    fine(&manager.details(&one, &component)?)
}

pub(super) fn history(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&manager.history(&readable(manager, &asked)?)?)
}
