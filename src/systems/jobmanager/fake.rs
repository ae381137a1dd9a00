//! A JobManager for tests, in memory: its jobs, and savepoints and stops that become what the test says.
//! It answers as Flink 1.20 does: also a savepoint of a job that is not known is accepted and fails later.
//! Not here: anything that runs.

use super::{JobManager, Times};
use crate::scripted::{Request, Scripted, http};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use words::ids::{HostPort, JobId, TriggerId};

/// What becomes of the savepoints and stops that are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Outcome {
    /// They are done at once.
    #[default]
    Done,
    /// They go on until the test says otherwise.
    Pending,
    /// They fail with a stack.
    Failing(String),
}

/// A savepoint or stop that was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub job: String,
    pub stops: bool,
    pub folder: String,
    /// What becomes of it, where that is not what becomes of all.
    pub outcome: Option<Outcome>,
}

/// What it knows and does.
#[derive(Debug, Default)]
pub struct World {
    /// The state of each job.
    pub jobs: BTreeMap<String, String>,
    /// What new and pending operations become.
    pub outcome: Outcome,
    /// The answers of `/checkpoints` and `/exceptions`.
    pub checkpoints: Value,
    /// What checkpoints that are asked for become; without it none can be taken.
    pub triggered: Option<Outcome>,
    pub exceptions: Value,
    /// From one checkpoint to the next, in milliseconds; none: the job takes none.
    pub interval: Option<u64>,
    /// How often its tasks were restarted.
    pub restarts: u64,
    /// By the ids under which they were asked for.
    pub operations: BTreeMap<String, Asked>,
    asked: Vec<String>,
    /// The operations that were to close all windows.
    pub drained: Vec<String>,
    /// How many tasks each step of a job may have, by the steps' names; none: its scheduler does not change them.
    pub tasks: Option<BTreeMap<String, u32>>,
}

/// The running server.
#[derive(Debug, Clone)]
pub struct Fake {
    /// Its address, what it was asked, and answers that get lost.
    pub server: Scripted,
    world: Arc<Mutex<World>>,
}

impl Fake {
    /// One with a job that runs.
    pub fn start(job: &JobId) -> Fake {
        let world = World {
            jobs: BTreeMap::from([(job.to_string(), "RUNNING".to_owned())]),
            triggered: Some(Outcome::Done),
            checkpoints: json!({ "counts": {}, "latest": {} }),
            exceptions: json!({ "exceptionHistory": { "entries": [], "truncated": false } }),
            ..World::default()
        };
        let world = Arc::new(Mutex::new(world));
        let served = world.clone();
        let server = Scripted::start(move |request| answer(&mut served.lock().unwrap(), request));
        Fake { server, world }
    }

    /// What YARN tells as the address of the application's master.
    pub fn host_port(&self) -> HostPort {
        self.server.address.trim_start_matches("http://").parse().unwrap()
    }

    pub fn client(&self) -> JobManager {
        JobManager::new(&self.host_port(), Times::default())
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Where a savepoint is that was asked for with a folder and an id of its own.
    pub fn place(folder: &str, trigger: &TriggerId) -> String {
        format!("{folder}/savepoint-{}", &trigger.as_str()[..12])
    }
}

impl World {
    /// The bytes of the answer to a request.
    pub fn answer(&mut self, request: &Request) -> Vec<u8> {
        answer(self, request)
    }
}

fn answer(world: &mut World, request: &Request) -> Vec<u8> {
    match request.parts()[..] {
        ["GET", "jobs", "overview"] => {
            let list: Vec<Value> = world.jobs.iter().map(|(id, state)| overview(id, state)).collect();
            http(200, "", &json!({ "jobs": list }).to_string())
        }
        ["POST", "jobs", id, what @ ("savepoints" | "stop")] => trigger(world, id, what == "stop", &request.body),
        ["GET", "jobs", id, "savepoints", trigger] => operation(world, id, trigger),
        [_, "jobs", id, ..] if !world.jobs.contains_key(id) => {
            error(404, &format!("org.apache.flink.runtime.rest.NotFoundException: Job {id} not found\n\tat x"))
        }
        ["GET", "jobs", id] => http(200, "", &job(id, &world.jobs[id]).to_string()),
        ["GET", "jobs", _, "checkpoints"] => http(200, "", &world.checkpoints.to_string()),
        ["GET", "jobs", _, "checkpoints", "config"] => match (&world.triggered, world.interval) {
            (Some(_), interval) => {
                http(200, "", &json!({ "interval": interval.unwrap_or(1000), "timeout": 600_000 }).to_string())
            }
            (None, Some(interval)) => http(200, "", &json!({ "interval": interval }).to_string()),
            (None, None) => error(404, "x.RestHandlerException: Checkpointing is not enabled for this job (x)."),
        },
        ["GET", "jobs", _, "metrics"] => {
            http(200, "", &json!([{ "id": "numRestarts", "value": world.restarts.to_string() }]).to_string())
        }
        ["POST", "jobs", _, "checkpoints"] => {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let id = body["triggerId"].as_str().unwrap_or_default().to_owned();
            world.asked.push(id.clone());
            http(202, "", &json!({ "request-id": id }).to_string())
        }
        ["GET", "jobs", _, "checkpoints", trigger] => triggered(world, trigger),
        [method, "jobs", _, "resource-requirements"] => requirements(world, method, &request.body),
        ["GET", "jobs", _, "exceptions"] => http(200, "", &world.exceptions.to_string()),
        ["PATCH", "jobs", id] => {
            world.jobs.insert(id.to_owned(), "CANCELED".to_owned());
            http(202, "", "{}")
        }
        _ => error(404, &format!("Unable to load requested file {}.", request.url.path())),
    }
}

fn job(id: &str, state: &str) -> Value {
    let vertex = json!({ "name": "Source", "parallelism": 1, "status": state });
    json!({ "jid": id, "name": "job", "state": state, "start-time": 1, "end-time": -1, "vertices": [vertex] })
}

fn overview(id: &str, state: &str) -> Value {
    let tasks = json!({ "total": 1, "running": u8::from(state == "RUNNING") });
    json!({ "jid": id, "name": "job", "state": state, "start-time": 1, "end-time": -1, "tasks": tasks })
}

/// The same id again is the same operation.
fn trigger(world: &mut World, job: &str, stops: bool, body: &[u8]) -> Vec<u8> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let count = world.operations.len() + 1;
    let id = body["triggerId"].as_str().map_or_else(|| format!("{count:032x}"), str::to_owned);
    let folder = body[if stops { "targetDirectory" } else { "target-directory" }].as_str();
    let folder = folder.unwrap_or("hdfs:/savepoints").to_owned();
    let asked = Asked { job: job.to_owned(), stops, folder, outcome: None };
    if body["drain"] == true && !world.operations.contains_key(&id) {
        world.drained.push(id.clone());
    }
    world.operations.entry(id.clone()).or_insert(asked);
    http(202, "", &json!({ "request-id": id }).to_string())
}

fn operation(world: &mut World, job: &str, trigger: &str) -> Vec<u8> {
    let Some(asked) = world.operations.get(trigger).filter(|asked| asked.job == job).cloned() else {
        let what = "org.apache.flink.runtime.rest.handler.RestHandlerException: There is no savepoint operation with";
        return error(404, &format!("{what} triggerId={trigger} for job {job}.\n\tat x"));
    };
    let failed = |stack: &str| json!({ "failure-cause": { "class": "x", "stack-trace": stack } });
    let outcome = match asked.outcome.as_ref().unwrap_or(&world.outcome) {
        Outcome::Pending => Value::Null,
        Outcome::Failing(stack) => failed(stack),
        Outcome::Done if !world.jobs.contains_key(job) => failed(&format!("x.FlinkJobNotFoundException: {job}")),
        Outcome::Done => {
            if asked.stops {
                world.jobs.insert(job.to_owned(), "FINISHED".to_owned());
            }
            let trigger = TriggerId::new(trigger).unwrap();
            json!({ "location": Fake::place(&asked.folder, &trigger) })
        }
    };
    let status = if outcome.is_null() { "IN_PROGRESS" } else { "COMPLETED" };
    http(200, "", &json!({ "status": { "id": status }, "operation": outcome }).to_string())
}

fn triggered(world: &World, trigger: &str) -> Vec<u8> {
    let Some(number) = world.asked.iter().position(|asked| asked == trigger) else {
        let what = "org.apache.flink.runtime.rest.handler.RestHandlerException: There is no checkpoint operation with";
        return error(404, &format!("{what} triggerId={trigger} for job x.\n\tat x"));
    };
    let operation = match &world.triggered {
        Some(Outcome::Done) => json!({ "checkpointId": number + 1 }),
        Some(Outcome::Pending) => Value::Null,
        Some(Outcome::Failing(stack)) => json!({ "failureCause": { "class": "x", "stack-trace": stack } }),
        None => json!({ "failureCause": { "class": "x", "stack-trace": "x: Job is not a streaming job." } }),
    };
    let status = if operation.is_null() { "IN_PROGRESS" } else { "COMPLETED" };
    http(200, "", &json!({ "status": { "id": status }, "operation": operation }).to_string())
}

fn requirements(world: &mut World, method: &str, body: &[u8]) -> Vec<u8> {
    let Some(tasks) = &mut world.tasks else {
        let what = "java.lang.UnsupportedOperationException: The DefaultScheduler does not support changing the \
                    parallelism without a job restart.";
        let errors = json!(["Internal server error.", format!("<Exception on server side:\n{what}\n\tat x")]);
        return http(500, "", &json!({ "errors": errors }).to_string());
    };
    if method == "PUT" {
        let all: BTreeMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let upper = |value: &Value| value["parallelism"]["upperBound"].as_u64().unwrap_or(1) as u32;
        *tasks = all.iter().map(|(name, value)| (name.clone(), upper(value))).collect();
        return http(200, "", "{}");
    }
    let bounds = |upper: &u32| json!({ "parallelism": { "lowerBound": 1, "upperBound": upper } });
    let all: BTreeMap<&String, Value> = tasks.iter().map(|(name, upper)| (name, bounds(upper))).collect();
    http(200, "", &json!(all).to_string())
}

fn error(status: u16, message: &str) -> Vec<u8> {
    http(status, "", &json!({ "errors": [message] }).to_string())
}
