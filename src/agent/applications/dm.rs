//! The paths of PNDA's Deployment Manager, as their clients know them: states in capitals, orders that are taken with 202,
//! reasons under `information`.
//! Not here: the package repository's, and what the words are made from; where they differ from PNDA's,
//! guide/compatibility.md says it.

use super::failure::Failure;
use super::routes::{Answer, Asked, document, fine, invalid, taken};
use super::shapes::{
    ApplicationTold, Deployed, Detail, InYarn, Known, NotCreated, PackageStatus, PackageTold, Properties, Status,
};
use apps::journal::Origin;
use apps::manager::Manager;
use apps::orders::Refusal;
use hyper::StatusCode;
use serde_json::{Value, json};
use words::application::{Application, Component, OozieRun, OozieTold, State};
use words::names::{ApplicationName, PackageName};

pub(super) fn packages(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&manager.state()?.packages.keys().cloned().collect::<Vec<_>>())
}

pub(super) fn package(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&package_told(manager, &asked.name(0)?)?)
}

pub(super) fn package_status(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let told = package_told(manager, &asked.name(0)?)?;
    fine(&PackageStatus { status: told.status, information: told.information })
}

/// A package that nobody deployed is told as one that is not.
fn package_told(manager: &Manager, name: &PackageName) -> Result<PackageTold, Failure> {
    let state = manager.state()?;
    let told = |status, user, defaults, information| PackageTold {
        name: name.name().to_owned(),
        version: name.version().to_owned(),
        status,
        user,
        defaults,
        information,
    };
    let Some(package) = state.packages.get(name) else {
        return Ok(told(Deployed::NotDeployed, None, None, manager.refused(name)));
    };
    let at = words::moment::utc_ms(package.at_ms);
    let information = format!("Deployed {name} at {at}");
    Ok(told(Deployed::Deployed, Some(package.owner.clone()), defaults(manager, name), Some(information)))
}

fn defaults(manager: &Manager, name: &PackageName) -> Option<Properties> {
    let (package, _) = manager.package(&*manager.state().ok()?, name).ok()?;
    serde_json::from_value(package.defaults()).ok()
}

pub(super) fn applications_of(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let package: PackageName = asked.name(0)?;
    let all = manager.applications()?;
    let of = all.iter().filter(|application| application.package == package);
    fine(&of.map(|application| &application.name).collect::<Vec<_>>())
}

pub(super) fn deploy(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    match manager.deploy_if_right(&asked.name(0)?, asked.caller()?) {
        // Its clients learn from the state that follows what is wrong with a package.
        Ok(_) | Err(Refusal::NotFound(_) | Refusal::Invalid(_)) => taken(),
        Err(other) => Err(other.into()),
    }
}

pub(super) fn undeploy(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.undeploy(&asked.name(0)?, asked.caller()?)?;
    taken()
}

pub(super) fn applications(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(&manager.applications()?.into_iter().map(|application| application.name).collect::<Vec<_>>())
}

pub(super) fn create(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let body = asked.document()?;
    manager.create(&asked.name(0)?, &body, asked.caller()?)?;
    taken()
}

pub(super) fn delete(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.delete(&asked.name(0)?, asked.caller()?)?;
    taken()
}

pub(super) fn start(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.start_if_ready(&asked.name(0)?, Origin::Newest, asked.caller()?)?;
    taken()
}

pub(super) fn stop(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    manager.stop(&asked.name(0)?, true, asked.caller()?)?;
    taken()
}

pub(super) fn no_action(_: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let action = asked.captured.get(1).map(String::as_str).unwrap_or_default();
    Err(invalid(format!("{} is not a valid action (start|stop)", words::shown::shown(action))))
}

pub(super) fn no_view(_: &Manager, _: Asked) -> Result<Answer, Failure> {
    Err(invalid("an application has status, detail and summary".to_owned()))
}

pub(super) fn application(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let name: ApplicationName = asked.name(0)?;
    let Some(told) = manager.application(&name)? else {
        return fine(&ApplicationTold::NotThere(NotCreated::new()));
    };
    let state = manager.state()?;
    let own = asked.caller().is_ok_and(|caller| caller.is_admin || caller.name == told.owner);
    // What an application overrides may be a secret of its owner.
    let overrides = state.applications.get(&name).filter(|_| own).map(|one| one.overrides.clone());
    fine(&ApplicationTold::There(Box::new(Known {
        overrides,
        defaults: defaults(manager, &told.package),
        name,
        package_name: told.package,
        status: told.status,
        information: told.information,
    })))
}

pub(super) fn status(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    fine(&match manager.application(&asked.name(0)?)? {
        Some(told) => Status::There { status: told.status, information: told.information },
        None => Status::NotThere(NotCreated::new()),
    })
}

pub(super) fn detail(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let Some(told) = manager.application(&asked.name(0)?)? else {
        return document(StatusCode::NOT_FOUND, &NotCreated::new());
    };
    let of = |component: Component| {
        let in_yarn = InYarn {
            yarn_id: component.yarn_id?,
            r#type: "flink",
            yarn_start_time: component.started_ms,
            yarn_state: yarn_state(component.state),
            component: component.name,
        };
        Some((format!("flink-{}", in_yarn.component), in_yarn))
    };
    let yarn_applications = told.components.into_iter().filter_map(of).collect();
    fine(&Detail { yarn_applications, status: told.status, name: told.name })
}

pub(super) fn summary(manager: &Manager, asked: Asked) -> Result<Answer, Failure> {
    let name: ApplicationName = asked.name(0)?;
    let of = match manager.application(&name)? {
        None => json!({ "status": "Not Created" }),
        Some(told) => components(&told, manager),
    };
    fine(&json!({ name.as_str(): of }))
}

pub(super) fn environment(manager: &Manager, _: Asked) -> Result<Answer, Failure> {
    fine(manager.environment())
}

/// PNDA's words for components; the worst one counts for the whole.
fn components(told: &Application, manager: &Manager) -> Value {
    let mut all = serde_json::Map::new();
    let (workflows, flinks): (Vec<_>, Vec<_>) = told.components.iter().partition(|one| one.oozie.is_some());
    for (at, (component, oozie)) in workflows.iter().filter_map(|one| Some((one, one.oozie.as_ref()?))).enumerate() {
        all.insert(format!("oozie-{}", at + 1), of_oozie(component, oozie));
    }
    for (at, component) in flinks.into_iter().enumerate() {
        let value = json!({
            "aggregate_status": word(component.state), "yarnId": component.yarn_id.clone().unwrap_or_default(),
            "tracking_url": page(component, manager), "information": component.reason,
            "name": format!("{}-{}-job", told.name, component.name), "componentType": "Flink",
        });
        all.insert(format!("flink-{}", at + 1), value);
    }
    let words = told.components.iter().map(word_of);
    all.insert("aggregate_status".to_owned(), json!(words.max_by_key(|word| weight(word)).unwrap_or("CREATED")));
    Value::Object(all)
}

fn is_bad(run: &OozieRun) -> bool {
    ["ERROR", "FAILED", "KILLED", "TIMEDOUT"].contains(&run.status.as_str())
}

/// A coordinator between two runs runs, in PNDA's words.
fn word_of(component: &Component) -> &'static str {
    match (&component.oozie, component.state) {
        (Some(oozie), State::Scheduled | State::Running) if oozie.runs.iter().any(is_bad) => "RUNNING_WITH_ERRORS",
        (Some(_), State::Scheduled) => "RUNNING",
        (_, state) => word(state),
    }
}

/// A job of Oozie's with what it runs: an action that failed is an error, and one among others a warning.
fn of_oozie(component: &Component, oozie: &OozieTold) -> Value {
    let bad = oozie.runs.iter().filter(|run| is_bad(run)).count();
    let status = match bad {
        0 => "OK",
        bad if bad == oozie.runs.len() => "ERROR",
        _ => "WARN",
    };
    let mut actions = serde_json::Map::new();
    for (at, run) in oozie.runs.iter().enumerate() {
        let status = if is_bad(run) { "ERROR" } else { "OK" };
        let (key, value) = match &run.workflow {
            Some(id) => ("workflow", json!({ "oozieId": id, "status": status, "name": run.name, "actions": {} })),
            None => (
                "job",
                json!({ "yarnId": run.yarn_id, "status": status, "name": run.name, "applicationType": run.kind,
                    "information": run.error.clone().unwrap_or_default() }),
            ),
        };
        actions.insert(format!("{key}-{}", at + 1), value);
    }
    json!({
        "aggregate_status": word_of(component), "oozieId": oozie.id, "name": component.name, "componentType": "Oozie",
        "status": status, "information": component.reason, "actions": actions,
    })
}

/// Flink's own page of a job: through YARN while it runs, in the history server afterwards.
fn page(component: &Component, manager: &Manager) -> String {
    let known = |name: &str| manager.environment().get(name).map(String::as_str);
    let job = component.job_id.as_ref().map(|job| format!("#/jobs/{job}")).unwrap_or_default();
    let page = match (component.state.is_over(), &component.yarn_id) {
        (_, None) => None,
        (true, Some(_)) => known("flink_history_server").map(|server| format!("http://{server}/{job}")),
        (false, Some(id)) => known("yarn_resource_manager_host")
            .zip(known("yarn_resource_manager_port"))
            .map(|(host, port)| format!("http://{host}:{port}/proxy/{id}/{job}")),
    };
    page.unwrap_or_default()
}

fn yarn_state(state: State) -> &'static str {
    match state {
        State::Submitting => "SUBMITTED",
        State::Waiting => "ACCEPTED",
        State::Starting | State::Running | State::Restarting | State::Stopping => "RUNNING",
        State::Stopped | State::Finished | State::Cancelled => "FINISHED",
        State::Failed => "FAILED",
        State::Killed => "KILLED",
        State::Scheduled | State::Lost | State::CannotSee | State::Unknown => "NOT_FOUND",
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Stopped | State::Scheduled | State::Unknown => "CREATED",
        State::Submitting | State::Waiting | State::Starting => "STARTING",
        State::Running | State::Stopping => "RUNNING",
        State::Restarting | State::CannotSee => "RUNNING_WITH_ERRORS",
        State::Finished => "COMPLETED",
        State::Cancelled | State::Killed => "KILLED",
        State::Failed | State::Lost => "FAILED",
    }
}

/// Whatever failed is told before what runs, and what runs before what is done.
fn weight(word: &str) -> u8 {
    match word {
        "CREATED" => 0,
        "COMPLETED" => 1,
        "STARTING" => 2,
        "RUNNING" => 3,
        "KILLED" => 4,
        "RUNNING_WITH_ERRORS" => 5,
        _ => 6,
    }
}
