//! An Oozie for tests, in memory: it takes jobs as often as they are sent, tells of them, and does what it is told.
//! It answers as Oozie 5.2.1 does; what the runs of a coordinator come to is the test's to set.
//! Not here: anything that runs.

use crate::scripted::{Request, Scripted, http};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use words::markup::escaped;

/// A job as it was submitted, and what became of it.
#[derive(Debug, Clone, Default)]
pub struct Submitted {
    pub user: String,
    pub configuration: String,
    pub external: String,
    pub path: String,
    pub status: String,
    /// As Oozie tells them.
    pub actions: Vec<Value>,
}

/// What it knows.
#[derive(Debug, Default)]
pub struct World {
    pub jobs: BTreeMap<String, Submitted>,
    /// What goes on is in this state at once.
    pub resumed: Option<&'static str>,
    /// The next submission is refused with this code and these words.
    pub refuses: Option<(&'static str, &'static str)>,
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

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

fn answer(world: &mut World, request: &Request) -> Vec<u8> {
    let user = request.parameter("user.name");
    match request.parts().as_slice() {
        ["GET", "oozie", "v2", "admin", "status"] => fine(&json!({ "systemMode": "NORMAL" })),
        ["POST", "oozie", "v2", "jobs"] => submit(world, user, &String::from_utf8_lossy(&request.body)),
        ["GET", "oozie", "v2", "jobs"] if request.parameter("jobtype") == "wf" => {
            let external = request.parameter("external-id");
            fine(&json!({ "id": world.jobs.iter().find(|(_, job)| job.external == external).map(|(id, _)| id) }))
        }
        ["GET", "oozie", "v2", "jobs"] => {
            let filter = request.parameter("filter");
            let wanted = |name: &str| filter.split(';').filter_map(|one| one.strip_prefix(name)).collect::<Vec<_>>();
            let (users, states) = (wanted("user="), wanted("status="));
            let fits = |words: &[&str], word: &str| words.is_empty() || words.contains(&word);
            let is_wanted = |job: &Submitted| fits(&users, &job.user) && fits(&states, &job.status);
            let coordinators = world.jobs.iter().rev().filter(|(id, job)| id.ends_with("-C") && is_wanted(job));
            fine(&json!({ "coordinatorjobs": coordinators.map(|(id, job)| told(id, job)).collect::<Vec<_>>() }))
        }
        ["GET", "oozie", "v2", "job", id] => match world.jobs.get(*id) {
            Some(job) => fine(&told(id, job)),
            None => refused("E0604", "Job does not exist"),
        },
        ["PUT", "oozie", "v2", "job", id] => {
            let resumed = world.resumed.unwrap_or("RUNNING");
            match world.jobs.get_mut(*id) {
                Some(job) if job.user == user => tell(id, job, (&request.parameter("action"), resumed)),
                Some(_) => refused("E0508", "User not authorized"),
                None => refused("E0604", "Job does not exist"),
            }
        }
        _ => http(404, "", ""),
    }
}

fn submit(world: &mut World, user: String, configuration: &str) -> Vec<u8> {
    if let Some((code, words)) = world.refuses.take() {
        return refused(code, words);
    }
    let set = |name: &str| {
        let (_, rest) = configuration.split_once(&format!("<name>{}</name><value>", escaped(name)))?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let coordinator = set("oozie.coord.application.path");
    let kind = if coordinator.is_some() { 'C' } else { 'W' };
    let id = format!("{:07}-261201030000000-oozie-oozi-{kind}", world.jobs.len());
    let path = coordinator.clone().or_else(|| set("oozie.wf.application.path")).unwrap_or_default();
    // Only workflows have one.
    let external = if coordinator.is_some() { String::new() } else { set(super::EXTERNAL_ID).unwrap_or_default() };
    let status = if coordinator.is_some() { "RUNNING" } else { "PREP" }.to_owned();
    let configuration = configuration.to_owned();
    world.jobs.insert(id.clone(), Submitted { user, configuration, external, path, status, actions: Vec::new() });
    http(201, "", &json!({ "id": id }).to_string())
}

fn tell(id: &str, job: &mut Submitted, (action, resumed): (&str, &str)) -> Vec<u8> {
    job.status = match (action, job.status.as_str()) {
        (_, "SUCCEEDED" | "KILLED" | "FAILED" | "DONEWITHERROR") => return refused("E0607", "it is over"),
        ("kill", _) => "KILLED",
        ("suspend", "RUNNING") => "SUSPENDED",
        ("resume", "SUSPENDED") => resumed,
        ("start", "PREP") if id.ends_with("-W") => "RUNNING",
        _ => return refused("E0606", "not in this state"),
    }
    .to_owned();
    http(200, "", "")
}

fn told(id: &str, job: &Submitted) -> Value {
    let names = match id.ends_with("-C") {
        true => ["coordJobId", "coordJobName", "coordJobPath"],
        false => ["id", "appName", "appPath"],
    };
    let mut told = json!({ "user": job.user, "status": job.status, "actions": job.actions });
    told[names[0]] = id.into();
    told[names[1]] = "counts".into();
    told[names[2]] = job.path.as_str().into();
    if id.ends_with("-C") {
        told["nextMaterializedTime"] = "Tue, 01 Dec 2026 03:00:00 GMT".into();
        told["endTime"] = "Tue, 08 Dec 2026 03:00:00 GMT".into();
    }
    told
}

fn fine(value: &Value) -> Vec<u8> {
    http(200, "", &value.to_string())
}

fn refused(code: &str, words: &str) -> Vec<u8> {
    http(400, &format!("oozie-error-code: {code}\r\noozie-error-message: {code}: {words}\r\n"), "")
}
