//! Our own interface, below `/v1`: typed documents, orders with their choices, logs. `pnda app` speaks it.
//! Reading states is everybody's on this machine; logs are for the owner, his groups and administrators, settings for him and
//! them.
//! Not here: PNDA's interface (`dm`).

use super::caller::share_a_group;
use super::routes::{Answer, Asked, document, name, nowhere, taken};
use apps::journal::Origin;
use apps::logs::Wanted;
use apps::manager::Manager;
use apps::orders::{self, Refusal};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use words::application::Following;
use words::names::{ApplicationName, ComponentName};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Start {
    from: Option<String>,
    empty: bool,
    dry_run: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Stop {
    savepoint: bool,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop { savepoint: true }
    }
}

fn typed<T: for<'a> Deserialize<'a>>(asked: &mut Asked) -> Result<T, Refusal> {
    serde_json::from_value(asked.document()?)
        .map_err(|error| Refusal::Invalid(format!("the document is wrong: {error}")))
}

pub(super) fn answer(manager: &Manager, mut asked: Asked, path: &[&str]) -> Result<Answer, Refusal> {
    let application = |text: &str| name::<ApplicationName>(text);
    let ok = StatusCode::OK;
    match (asked.method().clone(), path) {
        (Method::GET, ["state"]) => {
            let silence = manager.silence().map(|silence| json!({ "since_ms": silence.since_ms, "why": silence.why }));
            document(ok, &json!({ "silence": silence }))
        }
        (Method::PUT, ["packages", one]) => {
            let findings = match manager.deploy_if_right(&name(one)?, &asked.caller) {
                Ok(findings) => findings,
                // A published version has one content: this is what is deployed already.
                Err(Refusal::Conflict(_)) => Vec::new(),
                Err(refusal) => return Err(refusal),
            };
            document(StatusCode::ACCEPTED, &json!({ "findings": findings }))
        }
        (Method::GET, ["applications"]) => document(ok, &manager.applications()?),
        (Method::GET, ["applications", one]) => {
            let one = application(one)?;
            let told = manager.application(&one)?;
            document(ok, &told.ok_or_else(|| Refusal::NotFound(format!("application {one}; `pnda app list`")))?)
        }
        (Method::PUT, ["applications", one]) => {
            let body = asked.document()?;
            let one = application(one)?;
            let notes = manager.create(&one, &body, &asked.caller)?;
            // It is made, whatever stands against its start now.
            let dry = manager.dry_run(&one, &Origin::Newest, &asked.caller);
            let findings = dry.map_or_else(|_| Vec::new(), |dry| dry.findings);
            document(StatusCode::CREATED, &json!({ "notes": notes, "findings": findings }))
        }
        (Method::DELETE, ["applications", one]) => {
            manager.delete(&application(one)?, &asked.caller)?;
            Ok(taken())
        }
        (Method::POST, ["applications", one, "start"]) => {
            let (one, asked_for) = (application(one)?, typed::<Start>(&mut asked)?);
            let origin = match (asked_for.from, asked_for.empty) {
                (Some(_), true) => {
                    return Err(Refusal::Invalid("a start is either from a state or without one".into()));
                }
                (None, true) => Origin::Empty,
                (Some(path), false) => Origin::Path(path),
                (None, false) => Origin::Newest,
            };
            if asked_for.dry_run {
                return document(ok, &manager.dry_run(&one, &origin, &asked.caller)?);
            }
            let findings = manager.start_if_ready(&one, origin, &asked.caller)?;
            document(StatusCode::ACCEPTED, &json!({ "findings": findings }))
        }
        (Method::POST, ["applications", one, "stop"]) => {
            let Stop { savepoint } = typed(&mut asked)?;
            manager.stop(&application(one)?, savepoint, &asked.caller)?;
            Ok(taken())
        }
        (Method::GET, ["applications", one, "explain"]) => {
            let one = application(one)?;
            // Properties and overrides may be secrets of the owner.
            orders::own(&*manager.state()?, &one, &asked.caller)?;
            document(ok, &manager.explain(&one)?)
        }
        (Method::GET, ["applications", one, "components", component, "logs"]) => {
            let (one, component) = (application(one)?, name::<ComponentName>(component)?);
            may_read(manager, &one, &asked)?;
            let bytes = asked.parameter("bytes")?.map_or(Ok(64 << 10), |text| text.parse::<u64>());
            let bytes = bytes.map_err(|_| Refusal::Invalid("`bytes` is not a number".into()))?;
            document(ok, &manager.logs(&one, &component, &Wanted { bytes, ..Wanted::default() })?)
        }
        // The same for who follows: how far he has read comes along.
        (Method::POST, ["applications", one, "components", component, "logs"]) => {
            let (one, component) = (application(one)?, name::<ComponentName>(component)?);
            may_read(manager, &one, &asked)?;
            let Following { bytes, read } = typed(&mut asked)?;
            document(ok, &manager.logs(&one, &component, &Wanted { bytes, follows: true, read })?)
        }
        _ => Err(nowhere(&asked)),
    }
}

/// The owner, those of his groups, and administrators.
fn may_read(manager: &Manager, application: &ApplicationName, asked: &Asked) -> Result<(), Refusal> {
    let told = manager.application(application)?;
    let told = told.ok_or_else(|| Refusal::NotFound(format!("application {application}; `pnda app list`")))?;
    match asked.caller.is_admin || share_a_group(&asked.caller.name, &told.owner) {
        true => Ok(()),
        false => Err(Refusal::Forbidden(format!(
            "{application} belongs to {owner}: its logs are for {owner}, members of {owner}'s group and administrators",
            owner = told.owner
        ))),
    }
}
