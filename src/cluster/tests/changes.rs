//! What a change of a cluster changes on its nodes, and what it leaves alone.
//! Held against the defaults that the program carries.
//! Not here: how the difference is told in JSON.

use super::*;

#[test]
fn a_setting_changes_only_the_files_that_use_it() {
    let changed = |name: &str, value: &str| -> Vec<String> {
        let (before, after) = (Case::example("pico").done(), Case::example("pico").set(name, value).done());
        let pairs = entries(&before).zip(entries(&after));
        let files = pairs.filter(|(before, after)| before != after && before.0.contains("/files/"));
        files.map(|((path, _), _)| path.trim_start_matches("pico/files").to_owned()).collect()
    };
    assert_eq!(changed("log.redis.port", "6380"), ["/opt/pnda/logstash/shipper.conf"]);
    assert_eq!(changed("flink.parallelism", "2"), ["/etc/pnda/flink/1.20.5/config.yaml"]);
    let history_server = "/etc/pnda/flink-history-server/1.20.5/config.yaml";
    assert_eq!(changed("flink.history_server.port", "8092"), ["/etc/pnda/agent.toml", history_server]);
}

/// The nodes' folders as texts.
pub(super) fn folders(rendered: &Rendered) -> Folders {
    let mut folders = Folders::new();
    for (path, bytes) in entries(rendered) {
        let (node, path) = path.split_once('/').unwrap();
        let texts = folders.entry(node.to_owned()).or_default();
        texts.insert(path.to_owned(), String::from_utf8(bytes).unwrap());
    }
    folders
}

/// The example with workers up to this number.
fn with_workers(count: usize) -> Case {
    let mut case = Case::example("hadoop");
    for number in 3..=count {
        let node =
            format!("name = \"worker-{number}\"\naddress = \"10.77.1.{number}\"\nkinds = [\"hadoop-dn-{number}\"]");
        case.text += &format!("\n[[node]]\n{node}\n");
    }
    case
}

#[test]
fn nodes_that_change_alike_are_told_once() {
    let (before, after) = (with_workers(6), with_workers(6).set("yarn.nodemanager.cores", "6"));
    let changes = difference(&folders(&before.done()), &folders(&after.done()));
    assert_eq!(changes.changed.len(), 9, "{changes}");
    let told = changes.to_string();
    let heads: Vec<&str> = told.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads, ["edge-1, edge-2:", "manager:", "worker-1 ... worker-6 (6 nodes):"]);
    assert_eq!(told.matches("restarts: yarn-nodemanager").count(), 1, "{told}");
}

#[test]
fn a_worker_more_changes_nobody_but_the_log_server_which_takes_records_of_nodes_alone() {
    let changes = difference(&folders(&with_workers(2).done()), &folders(&with_workers(3).done())).to_string();
    let heads: Vec<&str> = changes.lines().filter(|line| !line.starts_with("    ")).collect();
    let server = ["broker-1:", "  /etc/pnda/rsyslog/server.conf", "  restarts: pnda-log-server"];
    assert_eq!(heads, ["worker-3: a new node"].into_iter().chain(server).collect::<Vec<_>>(), "{changes}");
    let without = |workers| {
        let mut case = with_workers(workers);
        case.text = case.text.replace(", \"logs\"", "").replace(", \"logserver\"", "");
        folders(&case.done())
    };
    assert_eq!(difference(&without(2), &without(3)).to_string(), "worker-3: a new node\n");
}
