//! An application on the cluster of nodes through its manager: a package from the mirror, a user without rights, a queue by the
//! map, logs on the log server.
//! Not here: one that never ends (endless.rs).

use crate::node::Node;
use crate::shell::until;
use serde_json::Value;
use std::time::Duration;

/// `alice` takes the package that the mirror has, runs it, and reads what became of it.
pub(crate) fn finishes_one(edge: &Node, log_server: &Node) {
    edge.run_as("alice", "pnda app deploy wordcount-1.0.0").ok();
    edge.run_as("alice", "pnda app create words --package wordcount-1.0.0").ok();
    edge.run_as("alice", "pnda app run words").ok();
    let told = component(edge, "words");
    assert_eq!(told["state"], "finished", "{told}");
    let id = told["yarn_id"].as_str().expect("it ran");
    let yarn = edge.run(&format!("curl --silent http://manager:8088/ws/v1/cluster/apps/{id}")).ok();
    let yarn: Value = serde_json::from_str(&yarn.stdout).expect("YARN answers");
    let logs = edge.run_as("alice", "pnda app logs words").ok();
    assert!(logs.stdout.contains("JobManager, attempt 1: jobmanager.log"), "{}", logs.told());
    for (field, value) in [("user", "alice"), ("finalStatus", "SUCCEEDED"), ("queue", "root.applications.dev")] {
        assert_eq!(yarn["app"][field], value, "{yarn}");
    }
    crate::logs::arrives_at_the_log_server(log_server, id, "jobmanager.log", "switched from state RUNNING to FINISHED");
    edge.run_as("alice", "pnda app delete words --yes").ok();
}

/// What somebody has done to it with Flink's own client is seen, and nothing is done about it.
pub(crate) fn was_cancelled(edge: &Node, name: &str) {
    until("it is seen as cancelled", Duration::from_secs(60), || {
        let told = component(edge, name);
        matches!(told["state"].as_str(), Some("cancelled" | "killed")).then_some(())
    });
}

/// The only component of an application.
fn component(edge: &Node, name: &str) -> Value {
    let answer = edge.run_as("alice", &format!("pnda app status {name} --json"));
    let parsed: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    parsed["components"][0].clone()
}
