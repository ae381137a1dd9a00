//! What the units of services leave open, as systemd itself counts it: from 0.0, nothing, to 10.0, everything.
//! Held against the defaults that the program carries.
//! Not here: whether the services still start, which tests on real nodes show.

use super::*;
use std::process::Command;

/// What is left to a service that talks to others over the network, and to containers of users.
const MOST: f32 = 2.0;

/// Every unit of every node, by its name, once.
fn units() -> BTreeMap<String, Vec<u8>> {
    let cases = ["pico", "standard", "production", "hadoop"].map(Case::example);
    let cases = cases.into_iter().chain([Case::example("pico").set("stacks", "hadoop,oozie")]);
    let mut units = BTreeMap::new();
    for case in cases {
        let case = case.set("flink.history_server.tls_keystore", "/etc/keystore.p12");
        let rendered = case.set("flink.history_server.tls_password", "file:/etc/password").done();
        let of_systemd = entries(&rendered).filter(|(path, _)| path.contains("/etc/systemd/system/"));
        units.extend(of_systemd.map(|(path, bytes)| (path.rsplit('/').next().unwrap().to_owned(), bytes)));
    }
    units
}

#[test]
fn systemd_finds_little_that_a_service_could_do_beside_its_work() {
    let units = units();
    let names: Vec<&str> = units.keys().map(String::as_str).collect();
    for name in [
        "flink-history-server",
        "hdfs-datanode",
        "kafka",
        "oozie",
        "pnda-agent",
        "pnda-log-server",
        "pnda-log-jobs",
        "yarn-nodemanager",
        "zookeeper",
    ] {
        assert!(names.contains(&&*format!("{name}.service")), "{name} is not among {names:?}");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr(), "left out: what units leave open: systemd-analyze is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in &units {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let output =
            Command::new("systemd-analyze").args(["security", "--offline=yes", "--no-pager"]).arg(&path).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let score = text.split_once("Overall exposure level for ").and_then(|(_, rest)| {
            let (_, score) = rest.split_once(": ")?;
            score.split(' ').next()?.parse::<f32>().ok()
        });
        let complaint = String::from_utf8_lossy(&output.stderr);
        let score = score.unwrap_or_else(|| panic!("{name}: {text}{complaint}"));
        assert!(score <= MOST, "{name} is at {score}:\n{text}");
        assert!(!complaint.contains("Unknown") && !complaint.contains("Failed to parse"), "{name}: {complaint}");
    }
}

#[test]
fn what_a_role_gives_back_stands_behind_the_block() {
    let unit = String::from_utf8(units()["yarn-nodemanager.service"].clone()).unwrap();
    let at = |line: &str| unit.lines().position(|there| there == line).unwrap_or_else(|| panic!("{line}\n{unit}"));
    assert!(at("PrivateTmp=yes") < at("PrivateTmp=no"), "{unit}");
    assert!(at("TasksMax=4096") < at("TasksMax=infinity"), "{unit}");
    assert!(at("SystemCallFilter=~@privileged @resources") < at("SystemCallFilter=@chown @resources"), "{unit}");
}

#[test]
fn a_jvm_may_take_what_its_heap_lets_it() {
    let case = || Case::example("hadoop");
    let line = |case: Case| {
        let unit = text(&case.done(), "manager", "files/etc/systemd/system/hdfs-namenode.service");
        unit.lines().find(|line| line.starts_with("MemoryMax=")).unwrap().to_owned()
    };
    assert_eq!(line(case()), "MemoryMax=1024M");
    assert_eq!(line(case().set("hdfs.namenode.heap", "3g")), "MemoryMax=6656M");
    assert_eq!(line(case().set("hdfs.namenode.most_memory", "1g")), "MemoryMax=1024M");
}
