//! Savepoints of a real Flink in a real HDFS: listed with their sizes, one that others made among them; removed with their
//! files; taken in time and kept by number; and the last one of a job that ends for good.
//! Not here: lost requests, which the manager's own tests have.

use super::{app, app_does, component, master, restored};
use pnda::systems::hadoop::User;
use pnda::systems::jobmanager::{Operation, SavepointRequest};
use pnda::systems::webhdfs::{Times, WebHdfs};
use pnda::words::application as told;
use pnda::words::savepoints::{Kept, KeptState, Savepoints, TakenBy};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

fn list(folder: &Path, application: &str) -> Vec<Kept> {
    let text = app_does(folder, &["savepoints", application, "--json"]);
    let all: Savepoints = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(all.notes, Vec::<String>::new());
    all.list
}

fn until(folder: &Path, application: &str, what: &str, is_good: impl Fn(&[Kept]) -> bool) -> Vec<Kept> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let found = list(folder, application);
        if is_good(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: {found:?}");
        sleep(Duration::from_millis(500));
    }
}

/// Whether something lies in HDFS at the path of a state.
fn lies(folder: &Path, path: &str) -> bool {
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let (web, user) = (config["name_nodes"][0].as_str().unwrap(), config["user"].as_str().unwrap());
    let hdfs = WebHdfs::of_several(&[web], User::simple(user), Times::default()).unwrap();
    let local = path.strip_prefix(config["filesystem"].as_str().unwrap()).unwrap();
    hdfs.status(local).unwrap().is_some()
}

/// Somebody asks Flink itself for one, into the component's folder.
fn made_by_others(folder: &Path, running: &told::Component, beside: &str) -> String {
    let (manager, job) = master(folder, running);
    let all = beside.rsplitn(3, '/').last().unwrap().to_owned();
    let request = SavepointRequest { target_directory: Some(all), trigger_id: None };
    let trigger = manager.savepoint(&job, &request).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match manager.operation(&job, &trigger).unwrap() {
            Operation::Completed { location } => return location,
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
        sleep(Duration::from_millis(200));
    }
}

/// Of what runs: one of a stop, from which it began, and one that was just ordered.
pub(super) fn are_listed_and_removed(folder: &Path, running: &told::Component) {
    let all = list(folder, "states");
    let origins: Vec<TakenBy> = all.iter().map(|kept| kept.origin).collect();
    assert_eq!(origins, [TakenBy::Stop, TakenBy::Ordered], "{all:?}");
    for kept in &all {
        assert_eq!((kept.state, kept.usable), (KeptState::Completed, Some(true)), "{kept:?}");
        assert!(kept.bytes.is_some_and(|bytes| bytes > 1000) && kept.job_id.is_some(), "{kept:?}");
        assert_eq!(kept.package.as_ref().map(ToString::to_string).as_deref(), Some("states-1.0.0"));
    }
    let (began, ordered) = (&all[0], &all[1]);
    assert!(began.in_use.len() == 1 && ordered.in_use.is_empty(), "{all:?}");
    let (success, refused) = app(folder, &["dispose", "states", &began.id, "--newest"]);
    assert!(!success && refused.contains("states/machine runs, and began from it"), "{refused}");

    let path = made_by_others(folder, running, ordered.path.as_ref().unwrap());
    let all = list(folder, "states");
    let foreign = all.iter().find(|kept| kept.origin == TakenBy::Foreign).unwrap_or_else(|| panic!("{path}: {all:?}"));
    assert_eq!((foreign.path.as_deref(), foreign.usable), (Some(&*path), Some(true)));
    let told = app_does(folder, &["savepoints", "states"]);
    assert!(told.contains("foreign") && told.contains("in use: states/machine runs"), "{told}");

    for one in [ordered, foreign] {
        let path = one.path.as_ref().unwrap();
        let dry = app_does(folder, &["dispose", "states", &one.id, "--newest", "--dry-run"]);
        assert!(dry.contains("would be removed") && lies(folder, path), "{dry}");
        app_does(folder, &["dispose", "states", &one.id, "--newest"]);
        until(folder, "states", "it is removed", |all| all.iter().all(|kept| kept.id != one.id));
        assert!(!lies(folder, path), "{path}");
    }
    assert!(lies(folder, began.path.as_ref().unwrap()));
}

/// A copy of an application that was killed begins from its state; one savepoint follows the other, and it is drained.
pub(super) fn are_taken_in_time_by_a_copy_that_ends_for_good(folder: &Path) {
    let create = ["create", "timed", "--package", "states-1.0.0", "--state-of", "states"];
    let properties = ["--set", "machine.savepoint_interval_sec=10", "--set", "machine.savepoint_keep=1"];
    let noted = app_does(folder, &[&create[..], &properties[..]].concat());
    assert!(noted.contains("each savepoint is a whole copy of the state"), "{noted}");
    app_does(folder, &["start", "timed", "--wait"]);
    let running = component(folder, "timed");
    let from = running.restored_from.clone().unwrap();
    assert!(from.contains("/states/machine/"), "{from}");
    assert_eq!(restored(folder, &running), Some(from), "Flink says so too");

    let is_there = |kept: &Kept| kept.origin == TakenBy::Periodic && kept.state == KeptState::Completed;
    let first = until(folder, "timed", "one in time", |all| all.iter().any(is_there)).remove(0);
    assert!(first.bytes.is_some_and(|bytes| bytes > 1000) && first.usable == Some(true), "{first:?}");
    let next = until(folder, "timed", "the next one", |all| {
        all.iter().any(is_there) && all.iter().all(|kept| kept.id != first.id)
    });
    assert!(next[0].at_ms >= first.at_ms + 10_000, "{first:?} {next:?}");
    assert!(!lies(folder, first.path.as_ref().unwrap()), "{first:?}");

    app_does(folder, &["stop", "timed", "--drain", "--wait"]);
    let last = list(folder, "timed").pop().unwrap();
    assert!(last.drained && last.origin == TakenBy::Stop && last.usable == Some(true), "{last:?}");
    let (success, refused) = app(folder, &["dispose", "timed", &last.id]);
    assert!(!success && refused.contains("is the newest state of timed/machine"), "{refused}");
    app_does(folder, &["delete", "timed", "--yes"]);
}
