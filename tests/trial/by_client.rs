//! Flink's own client on a real YARN: the manager is killed while it submits, and the one that comes after finds the application;
//! a stop and a start go on with its state; no argument stands in a command line; what somebody submitted by hand is adopted.
//! Not here: everything that a client may do instead, which `src/apps/manager/tests` makes up.

use super::faults::{Bed, FIRST, is_running, is_stopped};
use super::flinks::OTHER;
use super::{app, app_does, component, package, packed, restored};
use pnda::words::application::State;
use pnda::words::foreign::Foreign;
use rustix::process::{Signal, kill_process};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long a client may take on a slow machine before it submits.
const PATIENCE: Duration = Duration::from_secs(120);

/// What somebody submits by hand.
const MAIN: &str = "org.apache.flink.streaming.examples.statemachine.StateMachineExample";

/// Whether a file below a folder has a text.
fn is_said(folder: &Path, file: &str, text: &str) -> bool {
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten();
    folders
        .into_iter()
        .any(|entry| std::fs::read_to_string(entry.path().join(file)).is_ok_and(|log| log.contains(text)))
}

/// The command lines of all processes.
fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let read = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    processes.filter_map(read).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

/// On the cluster of a trial that stays, whose managers may start it.
pub fn flinks_own_client_submits(folder: &Path) {
    let bed = Bed::of(folder, "client", |_| {});
    let manager = bed.manager(FIRST, false);
    manager.does(&["deploy", package(folder).to_str().unwrap()]);
    manager.does(&["create", "by-client", "--package", "states-1.0.0", "--set", "machine.flink_submission=client"]);
    manager.does(&["start", "by-client"]);
    let clients = bed.place(FIRST).join("clients");
    let deadline = Instant::now() + PATIENCE;
    let mut lines = Vec::new();
    while !is_said(&clients, "client.log", "Submitting application master") {
        assert!(Instant::now() < deadline, "{:?}", manager.application("by-client"));
        lines = command_lines();
        thread::sleep(Duration::from_millis(20));
    }
    let client = lines.iter().find(|line| line.contains("java @")).expect("the client runs");
    assert!(!client.contains("--error-rate"), "{client}");
    kill_process(manager.pid(), Signal::KILL).unwrap();
    drop(manager);
    let manager = bed.manager(FIRST, false);
    let running = manager.wait("by-client", is_running);
    let ids: Vec<String> = bed.in_yarn("by-client").iter().map(|one| one.id.to_string()).collect();
    assert_eq!(ids, [running.components[0].yarn_id.clone().unwrap()], "one, and the one that is known");
    manager.does(&["stop", "by-client", "--wait"]);
    let saved = manager.wait("by-client", is_stopped).components[0].savepoints[0].path.clone();
    manager.does(&["start", "by-client"]);
    let again = manager.wait("by-client", is_running);
    assert_eq!(restored(folder, &again.components[0]), saved);
    manager.does(&["stop", "by-client", "--no-savepoint", "--wait"]);
    manager.does(&["delete", "by-client", "--yes"]);
    manager.does(&["undeploy", "states-1.0.0"]);
    assert_eq!(std::fs::read_dir(&clients).unwrap().count(), 0, "no files stay on the node");
}

/// What somebody submits by hand is seen and adopted, stops with its state, and what follows begins from there.
pub fn what_somebody_submitted_is_adopted(folder: &Path) {
    let jar = folder.join("mirror/current/mirror_apps/flink-examples-streaming-1.20.0.jar");
    let mut client = Command::new(folder.join("node/usr/bin/flink"));
    client.args(["run-application", "--target", "yarn-application", "--detached", "-Dyarn.application.name=by hand"]);
    client.args(["-Dexecution.checkpointing.interval=1s", "--class", MAIN]).arg(&jar);
    let submitted = client.output().unwrap();
    assert!(submitted.status.success(), "{}", String::from_utf8_lossy(&submitted.stderr));
    let properties = serde_json::json!({
        "main_jar": jar.file_name().unwrap().to_str(), "main_class": MAIN,
        "flink_config_args": "-Dexecution.checkpointing.interval=1s",
    });
    app_does(folder, &["deploy", packed(folder, "adopted-1.0.0", &jar, &properties).to_str().unwrap()]);
    app_does(folder, &["create", "adopting", "--package", "adopted-1.0.0"]);
    let listed = app_does(folder, &["foreign", "--json"]);
    let all: Vec<Foreign> = serde_json::from_str(&listed).unwrap_or_else(|error| panic!("{error}: {listed}"));
    let found = all.iter().find(|one| one.name == "by hand").unwrap_or_else(|| panic!("{listed}"));
    assert!(!found.is_lost, "{found:?}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (adopted, told) = app(folder, &["adopt", "adopting", found.yarn_id.as_str(), "--wait"]);
        if adopted {
            break;
        }
        // Its tasks may not run yet.
        assert!(Instant::now() < deadline, "{told}");
        thread::sleep(Duration::from_secs(1));
    }
    let running = component(folder, "adopting");
    assert_eq!((running.state, running.yarn_id.as_deref()), (State::Running, Some(found.yarn_id.as_str())));
    app_does(folder, &["stop", "adopting", "--wait"]);
    let saved = component(folder, "adopting").savepoints.last().unwrap().path.clone();
    app_does(folder, &["start", "adopting", "--wait"]);
    let again = component(folder, "adopting");
    assert_eq!(restored(folder, &again), saved, "Flink says so");
    app_does(folder, &["stop", "adopting", "--no-savepoint", "--wait"]);
    app_does(folder, &["delete", "adopting", "--yes"]);
    app_does(folder, &["undeploy", "adopted-1.0.0"]);
}

/// The client of the other release has another command.
pub fn the_other_release_has_a_client_too(folder: &Path, jar: &Path) {
    let properties = serde_json::json!({
        "main_jar": "endless.jar", "main_class": "Endless", "flink_version": OTHER, "flink_submission": "client",
    });
    let bed = Bed::of(folder, "client", |_| {});
    let manager = bed.manager(FIRST, false);
    manager.does(&["deploy", packed(folder, "newer-by-client-1.0.0", jar, &properties).to_str().unwrap()]);
    manager.does(&["create", "newer-by-client", "--package", "newer-by-client-1.0.0"]);
    manager.does(&["start", "newer-by-client", "--wait"]);
    assert_eq!(bed.in_yarn("newer-by-client").len(), 1);
    manager.does(&["stop", "newer-by-client", "--no-savepoint", "--wait"]);
    manager.does(&["delete", "newer-by-client", "--yes"]);
    manager.does(&["undeploy", "newer-by-client-1.0.0"]);
}
