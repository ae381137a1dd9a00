//! A job that never ends and takes checkpoints: submitted from one edge, watched and stopped from another.
//! It is there to be bereaved of its edge, a worker and the manager.
//! Not here: who takes what away (cluster.rs).

use crate::node::Node;
use crate::shell::{self, until};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/endless/Endless.java");
const MANAGER: &str = "http://manager:8088";

/// The job, by its numbers.
pub(crate) struct Endless {
    application: String,
    job: String,
}

/// How far it has come.
struct Checkpoints {
    last: u64,
    restored: Option<u64>,
}

impl Endless {
    /// `alice` submits it from an edge, and leaves.
    pub(crate) fn submit(edge: &Node, folder: &Path) -> Endless {
        let classes = folder.join("classes");
        let path = edge.root().join("opt/pnda/flink-1.20.5/lib");
        let (path, into) = (format!("{}/*", path.display()), classes.to_string_lossy());
        shell::run("javac", &["--release", "17", "-cp", &path, "-d", &into, SOURCE]).ok();
        edge.copy(&classes, "/srv/endless");
        edge.run("cd /srv/endless && /usr/bin/python3 -m zipfile -c endless.jar Endless.class").ok();
        let options = "--detached -Dyarn.application.queue=dev -Dyarn.application.name=endless";
        let job = "--class Endless /srv/endless/endless.jar";
        edge.run_as("alice", &format!("flink run-application --target yarn-application {options} {job}")).ok();
        let application = until("the application runs", Duration::from_secs(120), || {
            let running = ask(edge, &format!("{MANAGER}/ws/v1/cluster/apps?states=RUNNING"))?;
            Some(running["apps"]["app"].get(0)?["id"].as_str()?.to_owned())
        });
        let job = until("its job is there", Duration::from_secs(120), || {
            let overview = ask(edge, &format!("{MANAGER}/proxy/{application}/jobs/overview"))?;
            Some(overview["jobs"].get(0)?["jid"].as_str()?.to_owned())
        });
        let endless = Endless { application, job };
        endless.goes_on(edge);
        endless
    }

    fn checkpoints(&self, seen_from: &Node) -> Option<Checkpoints> {
        let jobs = format!("{MANAGER}/proxy/{}/jobs/{}", self.application, self.job);
        let found = ask(seen_from, &format!("{jobs}/checkpoints"))?;
        let running = ask(seen_from, &jobs)?["state"] == "RUNNING";
        let last = found["latest"]["completed"]["id"].as_u64().filter(|_| running)?;
        Some(Checkpoints { last, restored: found["latest"]["restored"]["id"].as_u64() })
    }

    /// It takes two more checkpoints; gives the one from which it once began again, if it did.
    pub(crate) fn goes_on(&self, seen_from: &Node) -> Option<u64> {
        let ask = || self.checkpoints(seen_from);
        let before = until("the job takes checkpoints", Duration::from_secs(300), ask).last;
        let more = || ask().filter(|now| now.last > before + 1);
        until("the job takes more checkpoints", Duration::from_secs(120), more).restored
    }

    /// Somebody else of its owner's name stops it.
    pub(crate) fn cancel(&self, edge: &Node) {
        let target = format!("--target yarn-application -Dyarn.application.id={}", self.application);
        let listed = edge.run_as("alice", &format!("flink list {target}")).ok();
        assert!(listed.stdout.contains(&self.job), "{}", listed.told());
        edge.run_as("alice", &format!("flink cancel {target} {}", self.job)).ok();
        until("the application ends", Duration::from_secs(120), || {
            let told = ask(edge, &format!("{MANAGER}/ws/v1/cluster/apps/{}", self.application))?;
            matches!(told["app"]["state"].as_str()?, "FINISHED" | "KILLED").then_some(())
        });
    }
}

/// What an address answers, once it does.
fn ask(node: &Node, url: &str) -> Option<Value> {
    serde_json::from_str(&node.run(&format!("curl --silent --location --max-time 10 '{url}'")).stdout).ok()
}
