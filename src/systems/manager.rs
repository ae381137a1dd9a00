//! A client of the manager of applications, through its local socket; what it answers is typed.
//! A refusal comes back as an error in the manager's own words.
//! Not here: what is printed of it (`cli/app`).

use crate::local::{self, Content, LocalServer};
use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use words::alarm::Alarm;
use words::application::{Application, Details, DryRun, Event, Explained, Finding, Following, Logs};
use words::change::{Difference, Plan};
use words::declared::{Applied, Apply, Declarations};
use words::foreign::{Adopted, Adoption, Foreign};
use words::happened::Page;
use words::housekeeping::{Clean, Cleaning};
use words::ids::ApplicationId;
use words::ids::TriggerId;
use words::names::{ApplicationName, BadName, ComponentName, PackageName, Word};
use words::savepoints;

/// The manager.
pub struct Client {
    server: LocalServer,
}

/// Why the manager did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is there.
    #[error(
        "the manager of applications does not answer: name its socket with --socket, or run this on the edge that has the role `applications`"
    )]
    Silent(#[source] local::Error),
    /// It says why; `of_request` where what was asked is wrong.
    #[error("{said}")]
    Refused { said: String, of_request: bool },
    /// What it answers is not what was asked for.
    #[error(transparent)]
    Answer(#[from] serde_json::Error),
    /// The file of a package has another name than packages have.
    #[error("{} is not named NAME-VERSION.tar.gz", .0.display())]
    Misnamed(PathBuf),
    /// So has what its name would be.
    #[error(transparent)]
    BadName(#[from] BadName),
    /// The file of a package cannot be read.
    #[error("{}: {error}", file.display())]
    Unreadable { file: PathBuf, error: io::Error },
    /// One component is meant, and there are several.
    #[error("{application} has several components: name one of {names}")]
    Several { application: ApplicationName, names: String },
}

impl Error {
    /// Whether another request is the remedy.
    pub fn is_of_request(&self) -> bool {
        match self {
            Error::Silent(_) | Error::Answer(_) => false,
            Error::Refused { of_request, .. } => *of_request,
            Error::Misnamed(_) | Error::BadName(_) | Error::Unreadable { .. } | Error::Several { .. } => true,
        }
    }
}

#[derive(Deserialize)]
struct Information {
    information: String,
}

/// Nothing can be recorded.
#[derive(Deserialize)]
pub struct Silence {
    pub since_ms: u64,
    pub why: String,
    #[serde(default)]
    pub stands_by: bool,
}

#[derive(Deserialize)]
struct ManagerState {
    silence: Option<Silence>,
}

/// What is worth knowing of something that was ordered.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Taken {
    pub notes: Vec<String>,
    pub findings: Vec<Finding>,
}

impl Client {
    pub fn new(socket: &Path) -> Client {
        Client { server: LocalServer::new(socket) }
    }

    fn ask(&self, method: Method, path: &str, content: Content<'_>) -> Result<Vec<u8>, Error> {
        let (status, bytes) = self.server.ask(method, path, content).map_err(Error::Silent)?;
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        let said = serde_json::from_slice(&bytes).map(|Information { information }| information);
        let said = said.unwrap_or_else(|_| format!("the manager answers with status {status}"));
        Err(Error::Refused { said, of_request: matches!(status, 400 | 404) })
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.ask(Method::GET, path, Content::None)?)?)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Error> {
        Ok(serde_json::from_slice(&self.ask(Method::POST, path, Content::Json(body))?)?)
    }

    fn order(&self, path: &str, body: &Value) -> Result<(), Error> {
        self.ask(Method::POST, path, Content::Json(body)).map(drop)
    }

    /// Deploys a file, which is uploaded under its name, or what is there by its name. Gives what is worth knowing.
    pub fn deploy(&self, given: &Path) -> Result<Vec<Finding>, Error> {
        let text = given.to_str().unwrap_or_default();
        if let Some(package) = PackageName::new(text).ok().filter(|_| !given.exists()) {
            return self.deploy_named(&package);
        }
        let name = given.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".tar.gz"));
        let package = PackageName::new(name.ok_or_else(|| Error::Misnamed(given.to_owned()))?)?;
        let opened = File::open(given).map_err(|error| Error::Unreadable { file: given.to_owned(), error })?;
        self.ask(Method::PUT, &format!("/repository/packages/{package}.tar.gz"), Content::File(opened))?;
        self.deploy_named(&package)
    }

    fn deploy_named(&self, package: &PackageName) -> Result<Vec<Finding>, Error> {
        let bytes = self.ask(Method::PUT, &format!("/v1/packages/{package}"), Content::None)?;
        Ok(serde_json::from_slice::<Taken>(&bytes)?.findings)
    }

    /// Why nothing can be recorded, and since when.
    pub fn silence(&self) -> Result<Option<Silence>, Error> {
        Ok(self.get::<ManagerState>("/v1/state")?.silence)
    }

    pub fn undeploy(&self, package: &PackageName) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("/packages/{package}"), Content::None).map(drop)
    }

    pub fn packages(&self) -> Result<Vec<PackageName>, Error> {
        self.get("/packages")
    }

    /// Gives what is worth knowing.
    pub fn create(&self, application: &ApplicationName, body: &Value) -> Result<Taken, Error> {
        let bytes = self.ask(Method::PUT, &format!("/v1/applications/{application}"), Content::Json(body))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub fn start(&self, application: &ApplicationName, from: Option<&str>, empty: bool) -> Result<Vec<Finding>, Error> {
        let body = json!({ "from": from, "empty": empty });
        self.ordered(application, "start", &body)
    }

    /// The same without doing anything.
    pub fn dry_run(&self, application: &ApplicationName, from: Option<&str>, empty: bool) -> Result<DryRun, Error> {
        let body = json!({ "from": from, "empty": empty, "dry_run": true });
        self.post(&format!("/v1/applications/{application}/start"), &body)
    }

    /// What a change would do.
    pub fn change(&self, application: &ApplicationName, verb: &str, body: &Value) -> Result<Plan, Error> {
        let path = format!("/v1/applications/{application}/{verb}");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(body))?)?)
    }

    /// Orders a change; gives what is worth knowing.
    pub fn ordered(&self, application: &ApplicationName, verb: &str, body: &Value) -> Result<Vec<Finding>, Error> {
        let path = format!("/v1/applications/{application}/{verb}");
        Ok(self.post::<Taken>(&path, body)?.findings)
    }

    /// What an upgrade would change.
    pub fn difference(&self, application: &ApplicationName, body: &Value) -> Result<Difference, Error> {
        let path = format!("/v1/applications/{application}/diff");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(body))?)?)
    }

    pub fn stop(&self, application: &ApplicationName, savepoint: bool, drain: bool) -> Result<(), Error> {
        let body = json!({ "savepoint": savepoint, "drain": drain });
        self.order(&format!("/v1/applications/{application}/stop"), &body)
    }

    /// Gives the ids under which they are taken.
    pub fn savepoint(&self, application: &ApplicationName) -> Result<savepoints::Taken, Error> {
        let path = format!("/v1/applications/{application}/savepoint");
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&json!({})))?)?)
    }

    pub fn savepoints(&self, application: &ApplicationName) -> Result<savepoints::Savepoints, Error> {
        self.get(&format!("/v1/applications/{application}/savepoints"))
    }

    /// Has the next run of a component begin from a state that lies in HDFS.
    pub fn adopt_state(&self, application: &ApplicationName, state: &savepoints::Adopt) -> Result<(), Error> {
        let path = format!("/v1/applications/{application}/savepoints/adopt");
        self.order(&path, &serde_json::to_value(state)?)
    }

    /// Has a savepoint removed, or told what that would be.
    pub fn dispose(
        &self,
        application: &ApplicationName,
        id: &TriggerId,
        choices: savepoints::Dispose,
    ) -> Result<savepoints::Removed, Error> {
        let path = format!("/v1/applications/{application}/savepoints/{id}/dispose");
        let body = serde_json::to_value(choices)?;
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&body))?)?)
    }

    pub fn clean(&self, choices: Clean) -> Result<Cleaning, Error> {
        self.post("/v1/clean", &serde_json::to_value(choices)?)
    }

    pub fn delete(&self, application: &ApplicationName) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("/v1/applications/{application}"), Content::None).map(drop)
    }

    pub fn foreign(&self) -> Result<Vec<Foreign>, Error> {
        self.get("/v1/foreign")
    }

    pub fn adopt(&self, application: &ApplicationName, id: &ApplicationId) -> Result<Adopted, Error> {
        self.post(&format!("/v1/applications/{application}/adopt"), &json!(Adoption { yarn_id: id.clone() }))
    }

    pub fn hand_over(&self, to: &Word) -> Result<(), Error> {
        self.order("/v1/handover", &json!({ "to": to }))
    }

    pub fn application(&self, application: &ApplicationName) -> Result<Application, Error> {
        self.get(&format!("/v1/applications/{application}"))
    }

    /// What Flink says besides of a component; none for those who may not read its logs.
    pub fn details(&self, application: &ApplicationName, component: &ComponentName) -> Option<Details> {
        self.get(&format!("/v1/applications/{application}/components/{component}/details")).ok()
    }

    /// What happened to an application, oldest first.
    pub fn history(&self, application: &ApplicationName) -> Result<Vec<Event>, Error> {
        self.get(&format!("/v1/applications/{application}/history"))
    }

    pub fn applications(&self) -> Result<Vec<Application>, Error> {
        self.get("/v1/applications")
    }

    /// What somebody should look at, of one application or of all.
    pub fn alarms(&self, application: Option<&ApplicationName>) -> Result<Vec<Alarm>, Error> {
        match application {
            Some(application) => self.get(&format!("/v1/applications/{application}/alarms")),
            None => self.get("/v1/alarms"),
        }
    }

    /// What happened after a number, or last.
    pub fn happened(&self, after: Option<u64>) -> Result<Page, Error> {
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        self.get(&format!("/v1/events{after}"))
    }

    /// The applications of whoever asks, as they would be declared.
    pub fn declarations(&self) -> Result<Declarations, Error> {
        self.get("/v1/declarations")
    }

    /// The same of one, which may be somebody else's for administrators.
    pub fn declaration(&self, application: &ApplicationName) -> Result<Declarations, Error> {
        self.get(&format!("/v1/applications/{application}/declaration"))
    }

    /// Has brought about what is declared, or told what that would be.
    pub fn apply(&self, apply: &Apply) -> Result<Applied, Error> {
        self.post("/v1/apply", &serde_json::to_value(apply)?)
    }

    pub fn explain(&self, application: &ApplicationName) -> Result<Vec<Explained>, Error> {
        self.get(&format!("/v1/applications/{application}/explain"))
    }

    /// The ends of the logs of a component.
    pub fn logs(&self, application: &ApplicationName, component: &ComponentName, bytes: u64) -> Result<Logs, Error> {
        self.get(&format!("/v1/applications/{application}/components/{component}/logs?bytes={bytes}"))
    }

    /// What is new in them.
    pub fn follow(
        &self,
        application: &ApplicationName,
        component: &ComponentName,
        following: &Following,
    ) -> Result<Logs, Error> {
        let path = format!("/v1/applications/{application}/components/{component}/logs");
        let body = serde_json::to_value(following)?;
        Ok(serde_json::from_slice(&self.ask(Method::POST, &path, Content::Json(&body))?)?)
    }

    /// The component that is meant: there is only one where none is named.
    pub fn component(
        &self,
        application: &ApplicationName,
        component: Option<ComponentName>,
    ) -> Result<ComponentName, Error> {
        component.map_or_else(|| self.only(application), Ok)
    }

    fn only(&self, application: &ApplicationName) -> Result<ComponentName, Error> {
        let told = self.application(application)?;
        match told.components.as_slice() {
            [one] => Ok(one.name.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|component| component.name.as_str()).collect();
                Err(Error::Several { application: application.clone(), names: names.join(", ") })
            }
        }
    }
}
