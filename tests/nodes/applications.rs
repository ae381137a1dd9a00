//! An application on the cluster of nodes through its manager: a package from the mirror, a user without rights, a queue by the
//! map, logs on the log server; and one from another node through the network, with a token over TLS.
//! Not here: one that never ends (endless.rs).

use crate::node::Node;
use crate::shell::until;
use serde_json::Value;
use std::time::Duration;

/// Of `alice`, who is elsewhere.
const TOKEN: &str = "a-token-that-only-alice-has-7f3a";
/// Where the node finds the file of tokens, and where the manager listens.
const TOKENS: &str = "/etc/pnda-tokens";
const PORT: u16 = 5443;

/// What the cluster file says of that listener.
pub(crate) fn settings(edge: &str) -> String {
    format!(
        "settings.applications.api.port = {PORT}\nsettings.applications.api.address = \"{edge}\"\n\
         settings.applications.tokens = \"file:{TOKENS}\"\n"
    )
}

/// Its line in the file of tokens, which is there before anything is installed.
pub(crate) fn has_a_token(edge: &Node) {
    edge.write("/srv/token", TOKEN);
    let line = format!("echo \"alice $(sha256sum < /srv/token | cut -d' ' -f1) dev\" > {TOKENS}");
    edge.run(&format!("umask 077 && {line} && rm /srv/token")).ok();
}

/// Asks the manager on the other node; gives the status and the document. The token comes on standard input.
fn ask(from: &Node, token: &str, words: &str, path: &str) -> (String, Value) {
    let header = format!("printf 'header = \"Authorization: Bearer {token}\"'");
    let curl =
        "curl --silent --show-error --config - --cacert /etc/pnda/tls/authority.pem --write-out '\\n%{http_code}'";
    let said = from.run(&format!("{header} | {curl} {words} https://edge-1:{PORT}{path}")).ok();
    // An order's answer has no body.
    let (body, status) = said.text().rsplit_once('\n').unwrap_or(("", said.text()));
    (status.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// A job from another node, through the network alone; what systemd hands to the manager is nobody else's.
pub(crate) fn runs_through_the_network(edge: &Node, from: &Node) {
    let folder = "/run/credentials/pnda-applications.service";
    let handed = edge.run(&format!("ls {folder}")).ok();
    assert_eq!(handed.text().lines().collect::<Vec<_>>(), ["certificate.pem", "key.pem", "tokens"]);
    for file in ["key.pem", "tokens"] {
        assert_ne!(edge.run_as("alice", &format!("cat {folder}/{file}")).code, Some(0), "{file} is the manager's");
    }
    let files = edge.run("stat --format '%U %a' /etc/pnda/applications /etc/pnda/applications/tokens").ok();
    assert_eq!(files.text(), "root 700\nroot 600");
    let config = edge.run("cat /etc/pnda/applications.toml && systemctl show pnda-applications").ok();
    assert!(config.stdout.contains("/run/credentials/") && !config.told().contains(TOKEN), "{}", config.told());

    for token in ["no-token-of-anybody-here", ""] {
        let (status, body) = ask(from, token, "", "/v1/applications");
        assert_eq!((status.as_str(), &body["error"]), ("401", &"unauthenticated".into()), "{body}");
    }
    let plain = from.run(&format!("curl --silent --fail http://edge-1:{PORT}/v1/applications"));
    assert_ne!(plain.code, Some(0), "not in the clear: {}", plain.told());
    let good = |(status, body): (String, Value)| {
        assert!(status.starts_with('2'), "{status}: {body}");
        body
    };
    for order in ["DELETE", "PUT"] {
        good(ask(from, TOKEN, &format!("--request {order}"), "/packages/wordcount-1.0.0"));
    }
    let made = "--request PUT --data '{\"package\": \"wordcount-1.0.0\"}'";
    good(ask(from, TOKEN, made, "/applications/remote"));
    good(ask(from, TOKEN, "--request POST", "/applications/remote/start"));
    let told = until("the job from afar ends", Duration::from_secs(300), || {
        let told = good(ask(from, TOKEN, "", "/v1/applications/remote"))["components"][0].clone();
        (told["state"] == "finished").then_some(told)
    });
    let id = told["yarn_id"].as_str().expect("it ran");
    let yarn = from.run(&format!("curl --silent http://manager:8088/ws/v1/cluster/apps/{id}")).ok();
    let yarn: Value = serde_json::from_str(&yarn.stdout).expect("YARN answers");
    assert_eq!((&yarn["app"]["user"], &yarn["app"]["finalStatus"]), (&"alice".into(), &"SUCCEEDED".into()), "{yarn}");
    good(ask(from, TOKEN, "--request DELETE", "/applications/remote"));
}

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

/// The same through Flink's own client, which is a JVM as `alice` below a service that may do little.
pub(crate) fn finishes_one_by_client(edge: &Node) {
    let by_client = "--set wordcount.flink_submission=client";
    edge.run_as("alice", &format!("pnda app create by-client --package wordcount-1.0.0 {by_client}")).ok();
    edge.run_as("alice", "pnda app run by-client").ok();
    let told = component(edge, "by-client");
    assert_eq!(told["state"], "finished", "{told}");
    let history = edge.run_as("alice", "pnda app history by-client").ok();
    assert!(history.stdout.contains("client"), "{}", history.told());
    let left = edge.run("ls /var/lib/pnda/applications/clients").ok();
    assert_eq!(left.text(), "", "no files stay on the node");
    edge.run_as("alice", "pnda app delete by-client --yes").ok();
}

/// Whether this edge manages the applications; else it stands by, and shows what it knows and sees.
fn manages(edge: &Node) -> bool {
    let listed = edge.run_as("alice", "pnda app list");
    listed.code == Some(0) && !listed.stderr.contains("this node stands by")
}

/// One edge manages, handed over to if need be; the other one names it, and what is ordered there is taken.
pub(crate) fn one_manages(edge: &Node, other: &Node) {
    if !manages(edge) {
        other.run(&format!("pnda app handover --to {}", edge.name)).ok();
        until("it was handed over", Duration::from_secs(30), || manages(edge).then_some(()));
    }
    until("the other edge stands by", Duration::from_secs(60), || {
        let listed = other.run_as("alice", "pnda app list");
        listed.stderr.contains(&format!("managed on {}", edge.name)).then_some(())
    });
    other.run_as("alice", "pnda app deploy wordcount-1.0.0").ok();
    until("the edge that manages knows it", Duration::from_secs(30), || {
        edge.run_as("alice", "pnda app packages").stdout.contains("wordcount-1.0.0").then_some(())
    });
}

/// The edge goes on where the other one is gone.
pub(crate) fn takes_over(edge: &Node) {
    until("this edge manages", Duration::from_secs(120), || manages(edge).then_some(()));
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
