//! A job that never ends and takes checkpoints: started through the manager of applications, watched from both edges.
//! It is there to be bereaved of its edge, a worker and the manager.
//! Not here: who takes what away (cluster.rs).

use crate::node::Node;
use crate::shell::{self, until};
use serde_json::Value;
use std::fs;
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
    /// `alice` makes a package of it, deploys it on the edge that manages applications, starts it, and leaves.
    pub(crate) fn start(edge: &Node, folder: &Path) -> Endless {
        let component = folder.join("package/endless-1.0.0/flink/endless");
        fs::create_dir_all(&component).expect("the test's folder is writable");
        let path = edge.root().join("opt/pnda/flink-1.20.5/lib");
        let (path, into) = (format!("{}/*", path.display()), folder.join("classes"));
        shell::run("javac", &["--release", "17", "-cp", &path, "-d", &into.to_string_lossy(), SOURCE]).ok();
        let properties = r#"{ "main_jar": "endless.jar", "main_class": "Endless" }"#;
        for (name, text) in [("properties.json", properties), ("application.properties", "")] {
            fs::write(component.join(name), text).expect("the test's folder is writable");
        }
        edge.copy(&folder.join("package"), "/srv/endless");
        edge.copy(&into, "/srv/endless/classes");
        let jar = "/srv/endless/endless-1.0.0/flink/endless/endless.jar";
        edge.run(&format!("cd /srv/endless/classes && /usr/bin/python3 -m zipfile -c {jar} Endless.class")).ok();
        edge.run("cd /srv/endless && tar czf endless-1.0.0.tar.gz endless-1.0.0").ok();
        edge.run_as("alice", "pnda app deploy /srv/endless/endless-1.0.0.tar.gz").ok();
        edge.run_as("alice", "pnda app create endless --package endless-1.0.0").ok();
        edge.run_as("alice", "pnda app start endless --wait").ok();
        let told = told(edge);
        let endless = Endless { application: text(&told, "yarn_id"), job: text(&told, "job_id") };
        endless.goes_on(edge);
        endless
    }

    /// The manager of applications knows it, as it was.
    pub(crate) fn is_known(&self, edge: &Node) {
        until("the manager sees it run", Duration::from_secs(120), || {
            let told = told(edge);
            let is_same = told["yarn_id"] == *self.application && told["job_id"] == *self.job;
            (is_same && told["state"] == "running").then_some(())
        });
    }

    /// Nobody else may touch it or read its logs.
    pub(crate) fn is_its_owners(edge: &Node) {
        for line in
            ["stop endless", "logs endless", "explain endless", "delete endless --yes", "undeploy endless-1.0.0"]
        {
            let refused = edge.run_as("bob", &format!("pnda app {line}"));
            assert!(refused.code != Some(0) && refused.stderr.contains("alice"), "{line}: {}", refused.told());
        }
        assert_eq!(told(edge)["state"], "running");
    }

    /// It stops with a savepoint, begins again from there, and ends.
    pub(crate) fn stops_and_starts(&mut self, edge: &Node) {
        edge.run_as("alice", "pnda app stop endless --wait").ok();
        let stopped = told(edge);
        let savepoint = text(&stopped["savepoints"][0], "path");
        edge.run_as("alice", "pnda app start endless --wait").ok();
        let again = told(edge);
        assert_eq!((&again["restored_from"], &again["state"]), (&savepoint.into(), &"running".into()), "{again}");
        assert_ne!(again["yarn_id"], *self.application);
        *self = Endless { application: text(&again, "yarn_id"), job: text(&again, "job_id") };
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

/// Its only component, as the manager of applications tells it.
fn told(edge: &Node) -> Value {
    let answer = edge.run_as("alice", "pnda app status endless --json");
    let parsed: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    parsed["components"][0].clone()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key}: {value}")).to_owned()
}

/// What an address answers, once it does.
fn ask(node: &Node, url: &str) -> Option<Value> {
    serde_json::from_str(&node.run(&format!("curl --silent --location --max-time 10 '{url}'")).stdout).ok()
}
