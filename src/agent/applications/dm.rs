//! The paths of PNDA's Deployment Manager and of its package repository, as their clients know them: states in capitals,
//! orders that are taken with 202, reasons under `information`.
//! Not here: what the words are made from; where they differ from PNDA's, guide/compatibility.md says it.

use super::routes::{Answer, Asked, bytes_of, document, name, nowhere, taken};
use apps::journal::Origin;
use apps::manager::Manager;
use apps::orders::Refusal;
use apps::package::repository;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Read;
use words::application::{Application, Component, State};
use words::names::{ApplicationName, PackageName};

const OK: StatusCode = StatusCode::OK;
/// A package that is read back goes through memory.
const MOST_READ: u64 = 32 << 20;

pub(super) fn answer(manager: &Manager, mut asked: Asked, path: &[&str]) -> Result<Answer, Refusal> {
    match (asked.method().clone(), path) {
        (_, ["repository", "packages", ..]) => of_repository(manager, asked, path),
        (Method::GET, ["packages"]) => {
            let names: Vec<PackageName> = manager.state()?.packages.keys().cloned().collect();
            document(OK, &names)
        }
        (Method::GET, ["packages", one]) => document(OK, &package(manager, one)?),
        (Method::GET, ["packages", one, "status"]) => {
            let told = package(manager, one)?;
            document(OK, &json!({ "status": told["status"], "information": told["information"] }))
        }
        (Method::GET, ["packages", one, "applications"]) => {
            let all = manager.applications()?;
            let of = all.iter().filter(|application| application.package.as_str() == *one);
            document(OK, &of.map(|application| &application.name).collect::<Vec<_>>())
        }
        (Method::PUT, ["packages", one]) => match manager.deploy_if_right(&name(one)?, &asked.caller) {
            // Its clients learn from the state that follows what is wrong with a package.
            Ok(_) | Err(Refusal::NotFound(_) | Refusal::Invalid(_)) => Ok(taken()),
            Err(other) => Err(other),
        },
        (Method::DELETE, ["packages", one]) => {
            manager.undeploy(&name(one)?, &asked.caller)?;
            Ok(taken())
        }
        (Method::GET, ["applications"]) => {
            let all = manager.applications()?;
            document(OK, &all.iter().map(|application| &application.name).collect::<Vec<_>>())
        }
        (Method::PUT, ["applications", one]) => {
            let body = asked.document()?;
            manager.create(&name(one)?, &body, &asked.caller)?;
            Ok(taken())
        }
        (Method::DELETE, ["applications", one]) => {
            manager.delete(&name(one)?, &asked.caller)?;
            Ok(taken())
        }
        (Method::POST, ["applications", one, "start"]) => {
            manager.start_if_ready(&name(one)?, Origin::Newest, &asked.caller)?;
            Ok(taken())
        }
        (Method::POST, ["applications", one, "stop"]) => {
            manager.stop(&name(one)?, true, &asked.caller)?;
            Ok(taken())
        }
        (Method::POST, ["applications", _, other]) => {
            Err(Refusal::Invalid(format!("{other} is not a valid action (start|stop)")))
        }
        (Method::GET, ["applications", one, rest @ ..]) => application(manager, &asked, one, rest),
        _ => Err(nowhere(&asked)),
    }
}

/// A package that nobody deployed is told as one that is not.
fn package(manager: &Manager, text: &str) -> Result<Value, Refusal> {
    let name: PackageName = name(text)?;
    let state = manager.state()?;
    let told = |status: &str, user: Value, defaults: Value, information: Value| {
        json!({ "name": name.name(), "version": name.version(), "status": status, "user": user, "defaults": defaults,
                "information": information })
    };
    let Some(package) = state.packages.get(&name) else {
        let why = manager.refused(&name);
        return Ok(told("NOTDEPLOYED", Value::Null, Value::Null, json!(why)));
    };
    let defaults = manager.repository().package(&name).map_or(Value::Null, |(read, _)| read.defaults());
    let at = words::moment::utc_ms(package.at_ms);
    Ok(told("DEPLOYED", json!(package.owner), defaults, json!(format!("Deployed {name} at {at}"))))
}

fn application(manager: &Manager, asked: &Asked, one: &str, rest: &[&str]) -> Result<Answer, Refusal> {
    let name: ApplicationName = name(one)?;
    let found = manager.application(&name)?;
    match (rest, found) {
        ([], None) | (["status"], None) => document(OK, &json!({ "status": "NOTCREATED", "information": null })),
        (["detail"], None) => document(StatusCode::NOT_FOUND, &json!({ "status": "NOTCREATED" })),
        (["summary"], None) => document(OK, &json!({ one: { "status": "Not Created" } })),
        ([], Some(told)) => {
            let state = manager.state()?;
            let own = asked.caller.is_admin || asked.caller.name == told.owner;
            // What an application overrides may be a secret of its owner.
            let overrides = state.applications.get(&name).filter(|_| own).map(|one| one.overrides.clone());
            let defaults = manager.repository().package(&told.package).map_or(Value::Null, |(read, _)| read.defaults());
            document(
                OK,
                &json!({
                    "overrides": overrides, "defaults": defaults, "name": name, "package_name": told.package,
                    "status": told.status, "information": told.information,
                }),
            )
        }
        (["status"], Some(told)) => document(OK, &json!({ "status": told.status, "information": told.information })),
        (["detail"], Some(told)) => document(OK, &detail(&told)),
        (["summary"], Some(told)) => document(OK, &json!({ one: summary(&told) })),
        _ => Err(Refusal::Invalid("an application has status, detail and summary".to_owned())),
    }
}

fn detail(told: &Application) -> Value {
    let of = |component: &Component| {
        let id = component.yarn_id.as_ref()?;
        let value = json!({ "component": component.name, "type": "flink", "yarn-id": id,
                            "yarn-start-time": component.started_ms, "yarn-state": yarn_state(component.state) });
        Some((format!("flink-{}", component.name), value))
    };
    let all: serde_json::Map<_, _> = told.components.iter().filter_map(of).collect();
    json!({ "yarn_applications": all, "status": told.status, "name": told.name })
}

fn yarn_state(state: State) -> &'static str {
    match state {
        State::Submitting => "SUBMITTED",
        State::Waiting => "ACCEPTED",
        State::Starting | State::Running | State::Restarting | State::Stopping => "RUNNING",
        State::Stopped | State::Finished | State::Cancelled => "FINISHED",
        State::Failed => "FAILED",
        State::Killed => "KILLED",
        State::Lost | State::CannotSee | State::Unknown => "NOT_FOUND",
    }
}

/// PNDA's words for a component; the last of a list counts for the whole.
fn summary(told: &Application) -> Value {
    let mut all = serde_json::Map::new();
    for (at, component) in told.components.iter().enumerate() {
        let value = json!({
            "aggregate_status": word(component.state), "yarnId": component.yarn_id.clone().unwrap_or_default(),
            "tracking_url": "", "information": component.reason,
            "name": format!("{}-{}-job", told.name, component.name), "componentType": "Flink",
        });
        all.insert(format!("flink-{}", at + 1), value);
    }
    let worst = told.components.iter().map(|component| component.state).max_by_key(|state| weight(*state));
    all.insert("aggregate_status".to_owned(), json!(worst.map_or("CREATED", word)));
    Value::Object(all)
}

fn word(state: State) -> &'static str {
    match state {
        State::Stopped | State::Unknown => "CREATED",
        State::Submitting | State::Waiting | State::Starting => "STARTING",
        State::Running | State::Stopping => "RUNNING",
        State::Restarting | State::CannotSee => "RUNNING_WITH_ERRORS",
        State::Finished => "COMPLETED",
        State::Cancelled | State::Killed => "KILLED",
        State::Failed | State::Lost => "FAILED",
    }
}

/// Whatever failed is told before what runs, and what runs before what is done.
fn weight(state: State) -> u8 {
    match word(state) {
        "CREATED" => 0,
        "COMPLETED" => 1,
        "STARTING" => 2,
        "RUNNING" => 3,
        "KILLED" => 4,
        "RUNNING_WITH_ERRORS" => 5,
        _ => 6,
    }
}

fn of_repository(manager: &Manager, mut asked: Asked, path: &[&str]) -> Result<Answer, Refusal> {
    let failed = |error: &repository::Error| {
        let text = words::chain::chain(error);
        match error {
            repository::Error::NotFound { .. } => Refusal::NotFound(text),
            repository::Error::Published { .. } => Refusal::Conflict(text),
            repository::Error::Folder { .. } | repository::Error::NoRoom { .. } => Refusal::Unavailable(text),
            _ => Refusal::Invalid(text),
        }
    };
    let file = |text: &str| {
        let wrong = || Refusal::Invalid(format!("`{}` is not NAME-VERSION.tar.gz", words::shown::shown(text)));
        repository::package_name(text).ok_or_else(wrong)
    };
    match (asked.method().clone(), path) {
        (Method::GET, [_, _]) => {
            let recency = asked.parameter("recency")?.map_or(Ok(1), |text| text.parse::<usize>());
            let recency = recency.map_err(|_| Refusal::Invalid("`recency` is not a number".into()))?;
            let listed = manager.repository().list(Some(recency)).map_err(|error| failed(&error))?;
            let version =
                |name: &PackageName| json!({ "version": name.version(), "file": repository::file_name(name) });
            let one = |one: &repository::Listed| json!({ "name": one.name, "latest_versions": one.versions.iter().map(version).collect::<Vec<_>>() });
            document(OK, &listed.iter().map(one).collect::<Vec<_>>())
        }
        (Method::PUT, [_, _, one]) => {
            let (name, length) = (file(one)?, asked.body.length);
            let stored = manager.receive(&name, &mut asked.body, length).map_err(|error| failed(&error))?;
            document(OK, &json!({ "sha256": stored.digest, "size": stored.size }))
        }
        (Method::GET, [_, _, one]) => {
            let mut bytes = Vec::new();
            let opened = manager.repository().open(&file(one)?).map_err(|error| failed(&error))?;
            let read = opened.take(MOST_READ + 1).read_to_end(&mut bytes);
            read.map_err(|error| Refusal::Unavailable(error.to_string()))?;
            if bytes.len() as u64 > MOST_READ {
                return Err(Refusal::Invalid(format!(
                    "{one} is larger than {MOST_READ} bytes and is not given back here"
                )));
            }
            Ok(bytes_of(OK, "application/gzip", bytes))
        }
        (Method::DELETE, [_, _, one]) => {
            let name = file(one)?;
            if !asked.caller.is_admin {
                let why = "only administrators remove packages from the repository".to_owned();
                return Err(Refusal::Forbidden(why));
            }
            manager.remove(&name)?;
            Ok(bytes_of(OK, "application/json", Vec::new()))
        }
        _ => Err(nowhere(&asked)),
    }
}
