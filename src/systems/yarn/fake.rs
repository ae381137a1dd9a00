//! A ResourceManager for tests, in memory: it gives ids, takes submissions once, and tells and ends applications.
//! It answers as Hadoop 3.4 does; the states in between are the test's to set.
//! Not here: anything that runs.

use super::{ResourceManager, Times};
use crate::scripted::{Request, Scripted, http};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use url::Url;
use words::ids::ApplicationId;

/// When it started: ids begin with it.
const STARTED: u64 = 1_796_001_168_688;

/// An application as it was submitted, and what the test says became of it.
#[derive(Debug, Clone, Default)]
pub struct Submitted {
    pub user: String,
    pub context: Value,
    pub state: String,
    pub final_status: String,
    pub diagnostics: String,
    /// Where its master answers.
    pub master: Option<String>,
    /// The NodeManager of its master.
    pub node: Option<String>,
    pub finished: u64,
    /// Whether its logs were brought to HDFS.
    pub logs_are_gathered: bool,
}

/// What it knows and does.
#[derive(Debug, Default)]
pub struct World {
    pub applications: BTreeMap<String, Submitted>,
    /// The next writing requests are refused with status, exception and message.
    pub refuse: Vec<(u16, &'static str, &'static str)>,
    /// Whether another one is the active one.
    pub stands_by: bool,
    /// What it answers besides, by the path and query of a question without its user.
    pub answers: BTreeMap<String, String>,
    given: u64,
}

/// The running server.
#[derive(Debug, Clone)]
pub struct Fake {
    /// Its address, what it was asked, and answers that get lost.
    pub server: Scripted,
    world: Arc<Mutex<World>>,
}

impl Fake {
    pub fn start() -> Fake {
        let world = Arc::<Mutex<World>>::default();
        let served = world.clone();
        let server = Scripted::start(move |request| answer(&mut served.lock().unwrap(), request));
        Fake { server, world }
    }

    pub fn client(&self) -> ResourceManager {
        ResourceManager::new(&[&self.server.address], Times::default()).unwrap()
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Says how far an application is: YARN's words.
    pub fn set(&self, id: &ApplicationId, state: &str, final_status: &str) {
        let mut world = self.world();
        let known = world.applications.get_mut(id.as_str()).expect("an application that was submitted");
        (known.state, known.final_status) = (state.to_owned(), final_status.to_owned());
        known.finished = if matches!(state, "FINISHED" | "FAILED" | "KILLED") { STARTED + 5 } else { 0 };
    }

    /// Has its master run, with Flink's JobManager at `host:port`.
    pub fn run(&self, id: &ApplicationId, master: &str) {
        self.set(id, "RUNNING", "UNDEFINED");
        self.world().applications.get_mut(id.as_str()).unwrap().master = Some(master.to_owned());
    }

    /// Forgets an application, as YARN does with old ones.
    pub fn forget(&self, id: &ApplicationId) {
        self.world().applications.remove(id.as_str());
    }
}

fn answer(world: &mut World, request: &Request) -> Vec<u8> {
    let parts = request.parts();
    if let Some(known) = world.answers.get(&asked(&request.url)) {
        return http(200, "", known);
    }
    let Some(rest) = parts.get(1..4).filter(|start| *start == ["ws", "v1", "cluster"]).map(|_| &parts[4..]) else {
        return http(404, "", "<html>not found</html>");
    };
    if world.stands_by && rest != ["info"] {
        let location = "location: http://active.invalid:8088/\r\n";
        return http(307, location, "This is standby RM. The redirect url is: /\n");
    }
    let user = request.parameter("user.name");
    if parts[0] != "GET" {
        if user.is_empty() {
            let message = "Unable to obtain user name, user not authenticated";
            return exception(401, "AuthorizationException", message);
        }
        if !world.refuse.is_empty() {
            let (status, kind, message) = world.refuse.remove(0);
            return exception(status, kind, message);
        }
    }
    match (parts[0], rest) {
        ("GET", ["info"]) => {
            let state = if world.stands_by { "STANDBY" } else { "ACTIVE" };
            let told = json!({ "haState": state, "resourceManagerVersion": "3.4.2", "startedOn": STARTED });
            http(200, "", &json!({ "clusterInfo": told }).to_string())
        }
        ("POST", ["apps", "new-application"]) => {
            world.given += 1;
            let id = format!("application_{STARTED}_{:04}", world.given);
            let most = json!({ "memory": 8192, "vCores": 4 });
            http(200, "", &json!({ "application-id": id, "maximum-resource-capability": most }).to_string())
        }
        ("POST", ["apps"]) => submit(world, user, &request.body),
        ("GET", ["apps"]) => list(world, request),
        (_, ["apps", id, ..]) if !world.applications.contains_key(*id) => {
            exception(404, "NotFoundException", &format!("java.lang.Exception: app with id: {id} not found"))
        }
        ("GET", ["apps", id]) => http(200, "", &json!({ "app": told(id, &world.applications[*id]) }).to_string()),
        ("PUT", ["apps", id, "state"]) => {
            let known = world.applications.get_mut(*id).unwrap();
            let ended = known.finished != 0;
            if !ended {
                (known.state, known.final_status, known.finished) = ("KILLED".into(), "KILLED".into(), STARTED + 5);
            }
            http(if ended { 200 } else { 202 }, "", &json!({ "state": known.state }).to_string())
        }
        ("GET", ["apps", id, "appattempts"]) => {
            let (number, known) = (id.trim_start_matches("application_"), &world.applications[*id]);
            if known.node.is_none() && known.master.is_none() {
                return http(200, "", r#"{"appAttempts":{}}"#);
            }
            let attempt = json!({
                "appAttemptId": format!("appattempt_{number}_000001"), "startTime": STARTED + 1, "finishedTime": 0,
                "containerId": format!("container_{number}_01_000001"), "nodeHttpAddress": known.node,
            });
            http(200, "", &json!({ "appAttempts": { "appAttempt": [attempt] } }).to_string())
        }
        ("GET", ["apps", _, "appattempts", _, "containers"]) => http(200, "", "{}"),
        _ => http(404, "", "<html>not found</html>"),
    }
}

/// Path and query, without who asks.
fn asked(url: &Url) -> String {
    let query = url.query().unwrap_or_default();
    let query: Vec<&str> = query.split('&').filter(|one| !one.is_empty() && !one.starts_with("user.name=")).collect();
    if query.is_empty() { url.path().to_owned() } else { format!("{}?{}", url.path(), query.join("&")) }
}

/// An id that is known is accepted without effect, whatever comes with it.
fn submit(world: &mut World, user: String, body: &[u8]) -> Vec<u8> {
    let context: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(id) = context["application-id"].as_str().filter(|id| ApplicationId::new(*id).is_ok()) else {
        return exception(400, "BadRequestException", "Could not parse application id");
    };
    let id = id.to_owned();
    let (state, final_status) = ("ACCEPTED".to_owned(), "UNDEFINED".to_owned());
    let new = Submitted { user, context, state, final_status, ..Submitted::default() };
    world.applications.entry(id).or_insert(new);
    http(202, "location: http://x/\r\n", "")
}

fn list(world: &World, request: &Request) -> Vec<u8> {
    let (tags, states) = (request.parameter("applicationTags").to_lowercase(), request.parameter("states"));
    let of_tag =
        |known: &Submitted| tags.is_empty() || tags_of(known).iter().any(|tag| tags.split(',').any(|one| one == tag));
    let in_state = |known: &Submitted| states.is_empty() || states.split(',').any(|one| one == known.state);
    let fitting = world.applications.iter().filter(|(_, known)| of_tag(known) && in_state(known));
    let list: Vec<Value> = fitting.map(|(id, known)| told(id, known)).collect();
    let apps = if list.is_empty() { json!({}) } else { json!({ "app": list }) };
    http(200, "", &json!({ "apps": apps }).to_string())
}

fn tags_of(known: &Submitted) -> Vec<String> {
    let tags = known.context["application-tags"]["tag"].as_array().into_iter().flatten();
    tags.filter_map(|tag| Some(tag.as_str()?.to_lowercase())).collect()
}

/// A master runs on a node, whose NodeManager is there too.
fn node_of_master(known: &Submitted) -> Option<String> {
    let host = known.master.as_ref().and_then(|master| master.rsplit_once(':'));
    known.node.clone().or(host.map(|(host, _)| format!("{host}:8042")))
}

fn told(id: &str, known: &Submitted) -> Value {
    let text = |name: &str| known.context[name].as_str().unwrap_or_default();
    let mut told = json!({
        "id": id, "user": known.user, "name": text("application-name"), "queue": text("queue"),
        "state": known.state, "finalStatus": known.final_status, "diagnostics": known.diagnostics,
        "applicationType": text("application-type"),
        "applicationTags": tags_of(known).join(","), "startedTime": STARTED + 1, "launchTime": STARTED + 2, "finishedTime": known.finished,
        "amRPCAddress": known.master, "amHostHttpAddress": node_of_master(known), "allocatedMB": -1, "runningContainers": -1,
        "logAggregationStatus": if known.logs_are_gathered { "SUCCEEDED" } else { "NOT_START" },
    });
    // Nobody has a page before it has a master.
    if known.master.is_some() || known.finished > 0 {
        told["trackingUrl"] = format!("http://x/proxy/{id}/").into();
    }
    told
}

fn exception(status: u16, kind: &str, message: &str) -> Vec<u8> {
    let exception = json!({ "exception": kind, "message": message, "javaClassName": format!("x.{kind}") });
    http(status, "", &json!({ "RemoteException": exception }).to_string())
}
