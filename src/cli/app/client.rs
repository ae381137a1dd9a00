//! What `pnda app` asks of the manager, typed.
//! Not here: what is printed of it.
//! A refusal comes back as an error in the manager's own words.

use crate::cli::failure::{FAILED, Failure, USAGE};
use crate::systems::local::{self, Content, LocalServer};
use crate::words::alarm::Alarm;
use crate::words::application::{Application, Details, DryRun, Event, Explained, Finding, Following, Logs};
use crate::words::change::{Difference, Plan};
use crate::words::declared::{Applied, Apply, Declarations};
use crate::words::foreign::{Adopted, Adoption, Foreign};
use crate::words::happened::Page;
use crate::words::housekeeping::{Clean, Cleaning};
use crate::words::ids::ApplicationId;
use crate::words::ids::TriggerId;
use crate::words::names::{ApplicationName, ComponentName, PackageName, Word};
use crate::words::savepoints;
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;

/// The manager.
pub(in crate::cli) struct Client {
    server: LocalServer,
}

/// Why the manager did not do it.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// Nobody is there.
    #[error(
        "the manager of applications does not answer: name its socket with --socket, or run this on the edge that has the role `applications`"
    )]
    Silent(#[source] local::Error),
    /// It says why.
    #[error("{0}")]
    Said(String),
}

#[derive(Deserialize)]
struct Information {
    information: String,
}

/// Nothing can be recorded.
#[derive(Deserialize)]
pub(in crate::cli) struct Silence {
    pub(in crate::cli) since_ms: u64,
    pub(in crate::cli) why: String,
    #[serde(default)]
    pub(in crate::cli) stands_by: bool,
}

#[derive(Deserialize)]
struct ManagerState {
    silence: Option<Silence>,
}

/// What is worth knowing of something that was ordered.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(in crate::cli) struct Taken {
    pub(in crate::cli) notes: Vec<String>,
    pub(in crate::cli) findings: Vec<Finding>,
}

impl Client {
    pub(in crate::cli) fn new(socket: &Path) -> Client {
        Client { server: LocalServer::new(socket) }
    }

    fn ask(&self, method: Method, path: &str, content: Content<'_>) -> Result<Vec<u8>, Failure> {
        let (status, bytes) = self.server.ask(method, path, content).map_err(Refused::Silent)?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        let said = serde_json::from_slice(&bytes).map(|Information { information }| information);
        let said = said.unwrap_or_else(|_| format!("the manager answers with status {status}"));
        let code = if matches!(status, 400 | 404) { USAGE } else { FAILED };
        Err(Failure::new(code, Refused::Said(said)))
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        Ok(serde_json::from_slice(&self.ask(Method::GET, path, Content::None)?)?)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        Ok(serde_json::from_slice(&self.ask(Method::POST, path, Content::Json(body))?)?)
    }

    fn order(&self, path: &str, body: &Value) -> Result<(), Failure> {
        self.ask(Method::POST, path, Content::Json(body)).map(drop)
    }

    /// Deploys a file, which is uploaded under its name, or what is there by its name. Gives what is worth knowing.
    pub(in crate::cli) fn deploy(&self, given: &Path) -> Result<Vec<Finding>, Failure> {
        let text = given.to_str().unwrap_or_default();
        if let Some(package) = PackageName::new(text).ok().filter(|_| !given.exists()) {
            return self.deploy_named(&package);
        }
        let name = given.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".tar.gz"));
        let wrong = || Failure::new(USAGE, format!("{} is not named NAME-VERSION.tar.gz", given.display()));
        let package = PackageName::new(name.ok_or_else(wrong)?).map_err(|error| Failure::new(USAGE, error))?;
        let opened = File::open(given).map_err(|error| Failure::new(USAGE, format!("{}: {error}", given.display())))?;
        self.ask(Method::PUT, &format!("/repository/packages/{package}.tar.gz"), Content::File(opened))?;
        self.deploy_named(&package)
    }

    fn deploy_named(&self, package: &PackageName) -> Result<Vec<Finding>, Failure> {
        let bytes = self.ask(Method::PUT, &format!("/v1/packages/{package}"), Content::None)?;
        Ok(serde_json::from_slice::<Taken>(&bytes)?.findings)
    }

    /// Why nothing can be recorded, and since when.
    pub(in crate::cli) fn silence(&self) -> Result<Option<Silence>, Failure> {
        Ok(self.get::<ManagerState>("/v1/state")?.silence)
    }

    pub(in crate::cli) fn undeploy(&self, package: &PackageName) -> Result<(), Failure> {
        self.ask(Method::DELETE, &format!("/packages/{package}"), Content::None).map(drop)
    }

    pub(in crate::cli) fn packages(&self) -> Result<Vec<PackageName>, Failure> {
        self.get("/packages")
    }

    /// Gives what is worth knowing.
    pub(in crate::cli) fn create(&self, application: &ApplicationName, body: &Value) -> Result<Taken, Failure> {
        let bytes = self.ask(Method::PUT, &format!("/v1/applications/{application}"), Content::Json(body))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(in crate::cli) fn start(
        &self,
        application: &ApplicationName,
        from: Option<&str>,
        empty: bool,
    ) -> Result<Vec<Finding>, Failure> {
        let body = json!({ "from": from, "empty": empty });
        self.ordered(application, "start", &body)
    }

    /// The same without doing anything.
    pub(in crate::cli) fn dry_run(
        &self,
        application: &ApplicationName,
        from: Option<&str>,
        empty: bool,
    ) -> Result<DryRun, Failure> {
        let body = json!({ "from": from, "empty": empty, "dry_run": true });
        self.post(&format!("/v1/applications/{application}/start"), &body)
    }

    /// What a change would do.
    pub(in crate::cli) fn change(
        &self,
        application: &ApplicationName,
        verb: &str,
        body: &Value,
    ) -> Result<Plan, Failure> {
        let path = format!("/v1/applications/{application}/{verb}");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(body))?)?)
    }

    /// Orders a change; gives what is worth knowing.
    pub(in crate::cli) fn ordered(
        &self,
        application: &ApplicationName,
        verb: &str,
        body: &Value,
    ) -> Result<Vec<Finding>, Failure> {
        let path = format!("/v1/applications/{application}/{verb}");
        Ok(self.post::<Taken>(&path, body)?.findings)
    }

    /// What an upgrade would change.
    pub(in crate::cli) fn difference(
        &self,
        application: &ApplicationName,
        body: &Value,
    ) -> Result<Difference, Failure> {
        let path = format!("/v1/applications/{application}/diff");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(body))?)?)
    }

    pub(in crate::cli) fn stop(
        &self,
        application: &ApplicationName,
        savepoint: bool,
        drain: bool,
    ) -> Result<(), Failure> {
        let body = json!({ "savepoint": savepoint, "drain": drain });
        self.order(&format!("/v1/applications/{application}/stop"), &body)
    }

    /// Gives the ids under which they are taken.
    pub(in crate::cli) fn savepoint(&self, application: &ApplicationName) -> Result<savepoints::Taken, Failure> {
        let path = format!("/v1/applications/{application}/savepoint");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&json!({})))?)?)
    }

    pub(in crate::cli) fn savepoints(&self, application: &ApplicationName) -> Result<savepoints::Savepoints, Failure> {
        self.get(&format!("/v1/applications/{application}/savepoints"))
    }

    /// Has the next run of a component begin from a state that lies in HDFS.
    pub(in crate::cli) fn adopt_state(
        &self,
        application: &ApplicationName,
        state: &savepoints::Adopt,
    ) -> Result<(), Failure> {
        let path = format!("/v1/applications/{application}/savepoints/adopt");
        self.order(&path, &serde_json::to_value(state)?)
    }

    /// Has a savepoint removed, or told what that would be.
    pub(in crate::cli) fn dispose(
        &self,
        application: &ApplicationName,
        id: &TriggerId,
        choices: savepoints::Dispose,
    ) -> Result<savepoints::Removed, Failure> {
        let path = format!("/v1/applications/{application}/savepoints/{id}/dispose");
        let body = serde_json::to_value(choices)?;
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&body))?)?)
    }

    pub(in crate::cli) fn clean(&self, choices: Clean) -> Result<Cleaning, Failure> {
        self.post("/v1/clean", &serde_json::to_value(choices)?)
    }

    pub(in crate::cli) fn delete(&self, application: &ApplicationName) -> Result<(), Failure> {
        self.ask(Method::DELETE, &format!("/v1/applications/{application}"), Content::None).map(drop)
    }

    pub(in crate::cli) fn foreign(&self) -> Result<Vec<Foreign>, Failure> {
        self.get("/v1/foreign")
    }

    pub(in crate::cli) fn adopt(&self, application: &ApplicationName, id: &ApplicationId) -> Result<Adopted, Failure> {
        self.post(&format!("/v1/applications/{application}/adopt"), &json!(Adoption { yarn_id: id.clone() }))
    }

    pub(in crate::cli) fn hand_over(&self, to: &Word) -> Result<(), Failure> {
        self.order("/v1/handover", &json!({ "to": to }))
    }

    pub(in crate::cli) fn application(&self, application: &ApplicationName) -> Result<Application, Failure> {
        self.get(&format!("/v1/applications/{application}"))
    }

    /// What Flink says besides of a component; none for those who may not read its logs.
    pub(in crate::cli) fn details(&self, application: &ApplicationName, component: &ComponentName) -> Option<Details> {
        self.get(&format!("/v1/applications/{application}/components/{component}/details")).ok()
    }

    /// What happened to an application, oldest first.
    pub(in crate::cli) fn history(&self, application: &ApplicationName) -> Result<Vec<Event>, Failure> {
        self.get(&format!("/v1/applications/{application}/history"))
    }

    pub(in crate::cli) fn applications(&self) -> Result<Vec<Application>, Failure> {
        self.get("/v1/applications")
    }

    /// What somebody should look at, of one application or of all.
    pub(in crate::cli) fn alarms(&self, application: Option<&ApplicationName>) -> Result<Vec<Alarm>, Failure> {
        match application {
            Some(application) => self.get(&format!("/v1/applications/{application}/alarms")),
            None => self.get("/v1/alarms"),
        }
    }

    /// What happened after a number, or last.
    pub(in crate::cli) fn happened(&self, after: Option<u64>) -> Result<Page, Failure> {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        self.get(&format!("/v1/events{after}"))
    }

    /// The applications of whoever asks, as they would be declared.
    pub(in crate::cli) fn declarations(&self) -> Result<Declarations, Failure> {
        self.get("/v1/declarations")
    }

    /// The same of one, which may be somebody else's for administrators.
    pub(in crate::cli) fn declaration(&self, application: &ApplicationName) -> Result<Declarations, Failure> {
        self.get(&format!("/v1/applications/{application}/declaration"))
    }

    /// Has brought about what is declared, or told what that would be.
    pub(in crate::cli) fn apply(&self, apply: &Apply) -> Result<Applied, Failure> {
        self.post("/v1/apply", &serde_json::to_value(apply)?)
    }

    pub(in crate::cli) fn explain(&self, application: &ApplicationName) -> Result<Vec<Explained>, Failure> {
        self.get(&format!("/v1/applications/{application}/explain"))
    }

    /// The ends of the logs of a component.
    pub(in crate::cli) fn logs(
        &self,
        application: &ApplicationName,
        component: &ComponentName,
        bytes: u64,
    ) -> Result<Logs, Failure> {
        self.get(&format!("/v1/applications/{application}/components/{component}/logs?bytes={bytes}"))
    }

    /// What is new in them.
    pub(in crate::cli) fn follow(
        &self,
        application: &ApplicationName,
        component: &ComponentName,
        following: &Following,
    ) -> Result<Logs, Failure> {
        let path = format!("/v1/applications/{application}/components/{component}/logs");
        let body = serde_json::to_value(following)?;
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&body))?)?)
    }

    /// The component that is meant: there is only one where none is named.
    pub(in crate::cli) fn component(
        &self,
        application: &ApplicationName,
        component: Option<ComponentName>,
    ) -> Result<ComponentName, Failure> {
        component.map_or_else(|| self.only(application), Ok)
    }

    fn only(&self, application: &ApplicationName) -> Result<ComponentName, Failure> {
        let told = self.application(application)?;
        match told.components.as_slice() {
            [one] => Ok(one.name.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|component| component.name.as_str()).collect();
                Err(Failure::new(
                    USAGE,
                    format!("{application} has several components: name one of {}", names.join(", ")),
                ))
            }
        }
    }
}
