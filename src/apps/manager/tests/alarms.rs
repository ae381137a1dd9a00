//! Alarms of a whole manager: they come with what is wrong, are the same for whoever asks, and go with it.
//! A look at a job asks little, and only of jobs that run.
//! Not here: each alarm on its edge (`alarms`), and a real job that fails (`tests/trial.rs`).

use super::bed::{Bed, FLINK, HDFS, TestClock, application, told_of};
use super::respawn::Supervised;
use crate::manager::calls::Calling;
use crate::manager::tests::bed::alice;
use crate::manager::{Calls, Manager};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::hook::Hook;
use words::alarm::{Kind, Severity};

fn kinds(manager: &Manager) -> Vec<Kind> {
    let all = manager.alarms();
    let told: Vec<_> =
        told_of(manager).into_iter().flat_map(|told| told.components).flat_map(|one| one.alarms).collect();
    assert!(told.iter().all(|alarm| all.contains(alarm)), "{told:?} {all:?}");
    all.into_iter().map(|alarm| alarm.name).collect()
}

#[test]
fn a_job_that_fails_again_and_again_is_told_and_an_order_ends_the_alarm() {
    let mut one = Supervised::new();
    assert_eq!(kinds(&one.manager), []);
    for _ in 0..3 {
        one.ends("FAILED", 30_000);
        one.goes_on();
    }
    assert_eq!(kinds(&one.manager), [Kind::GivenUp]);
    let alarm = one.manager.alarms().remove(0);
    assert_eq!((alarm.severity, alarm.place().as_str()), (Severity::Critical, "words/word-count"));
    // Another edge that takes over tells the same, since the same moment.
    let other = one.bed.manager_by(&one.clock);
    other.round();
    assert_eq!(other.alarms(), [alarm]);
    one.manager.stop(&application(), false, &alice()).unwrap();
    one.goes_on();
    assert_eq!(kinds(&one.manager), []);
}

#[test]
fn checkpoints_that_do_not_come_are_told_by_a_look_at_the_job() {
    let mut bed = Bed::new();
    let clock = Arc::new(TestClock::by(3600));
    let manager = bed.manager_by(&clock);
    bed.started_by(&manager);
    bed.flink.world().interval = Some(10_000);
    bed.wire.plan().lines.clear();
    manager.look_at_jobs();
    let asked = std::mem::take(&mut bed.wire.plan().lines);
    assert_eq!(asked.len(), 4, "{asked:?}");
    // The job began in 1970, by what its JobManager says.
    assert_eq!(kinds(&manager), [Kind::CheckpointsMissing]);
    let now = clock_now(&clock);
    bed.flink.world().checkpoints =
        json!({ "counts": { "completed": 1 }, "latest": { "completed": { "id": 1, "trigger_timestamp": now } } });
    manager.look_at_jobs();
    assert_eq!((kinds(&manager), bed.wire.plan().lines.len()), (vec![], 3));
    // What is not seen is as it was, and asked for again a minute later.
    bed.wire.plan().hidden.push(FLINK);
    manager.look_at_jobs();
    assert_eq!(kinds(&manager), []);
}

#[test]
fn who_does_not_answer_for_a_minute_is_one_and_a_journal_that_takes_nothing_is_the_manager_s() {
    let mut bed = Bed::new();
    let clock = Arc::new(TestClock::by(0));
    let manager = bed.manager_by(&clock);
    bed.started_by(&manager);
    bed.wire.plan().hidden.push(FLINK);
    manager.round();
    assert_eq!(kinds(&manager), []);
    clock.ahead_ms.fetch_add(60_000, Ordering::Relaxed);
    manager.round();
    assert_eq!(kinds(&manager), [Kind::CannotSee]);
    bed.wire.plan().hidden.push(HDFS);
    manager.round();
    assert_eq!(kinds(&manager), [Kind::CannotSee]);
    clock.ahead_ms.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(kinds(&manager), [Kind::CannotRecord, Kind::CannotSee]);
    bed.wire.plan().hidden.clear();
    manager.round();
    assert_eq!(kinds(&manager), []);
}

fn clock_now(clock: &Arc<TestClock>) -> u64 {
    crate::clock::Clock::now_ms(clock)
}

/// A program that notes what it is told.
fn program(folder: &std::path::Path) -> (Calls, std::path::PathBuf) {
    let (file, out) = (folder.join("hook"), folder.join("out"));
    std::fs::write(&file, format!("#!/bin/sh\ncat >> {}\n", out.display())).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    (Calls { hook: Hook::Program(file), most: 30 }, out)
}

#[test]
fn somebody_is_called_once_when_an_alarm_begins_and_once_when_it_ends_also_by_a_manager_that_begins_anew() {
    let mut one = Supervised::new();
    let folder = tempfile::tempdir().unwrap();
    let (calls, out) = program(folder.path());
    let told = || std::fs::read_to_string(&out).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>();
    let mut calling = Calling::begin(&one.bed.folder.path().join("apps"));
    one.manager.call(&calls, &mut calling);
    assert!(told().is_empty());
    for _ in 0..3 {
        one.ends("FAILED", 30_000);
        one.goes_on();
    }
    one.manager.call(&calls, &mut calling);
    one.manager.call(&calls, &mut calling);
    let mut again = Calling::begin(&one.bed.folder.path().join("apps"));
    one.manager.call(&calls, &mut again);
    let lines = told();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let document: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&document["event"], &document["cluster"]), (&"began".into(), &"pico".into()));
    assert_eq!((&document["alarm"]["name"], &document["alarm"]["owner"]), (&"given-up".into(), &"alice".into()));
    // What nobody can see has not ended.
    let blind = one.bed.manager_by(&one.clock);
    blind.call(&calls, &mut again);
    assert_eq!(told().len(), 1);
    one.manager.stop(&application(), false, &alice()).unwrap();
    one.goes_on();
    one.manager.call(&calls, &mut again);
    let lines = told();
    assert!(lines.len() == 2 && lines[1].contains("\"ended\""), "{lines:?}");
}

#[test]
fn the_manager_counts_what_it_does_and_tells_each_component() {
    let one = Supervised::new();
    one.bed.flink.world().restarts = 2;
    one.manager.look_at_jobs();
    let figures = one.manager.figures();
    assert_eq!(
        figures.states.iter().map(|(state, count)| (state.to_string(), *count)).collect::<Vec<_>>(),
        [("running".to_owned(), 1)]
    );
    assert_eq!((figures.components[0].owner.as_str(), figures.components[0].task_restarts), ("alice", Some(2)));
    assert!(figures.manages && figures.records >= 3 && figures.appends.count >= 3 && figures.looks.count > 0);
    assert!(figures.requests["namenode"].count > 10 && figures.requests["jobmanager"].count > 0);
    assert_eq!((figures.appends.failed, figures.left_out), (0, 0));
    one.bed.wire.plan().hidden.push(FLINK);
    one.manager.round();
    assert!(one.manager.figures().requests["jobmanager"].failed > 0);
}

/// What is begun again because it went well is what was asked for.
#[test]
fn only_runs_that_follow_failures_count_as_begun_again() {
    let mut one = Supervised::new();
    one.ends("FAILED", 30_000);
    one.goes_on();
    assert_eq!(one.manager.figures().components[0].restarts, 1);
    one.clock.ahead_ms.fetch_add(3_600_000, Ordering::Relaxed);
    assert_eq!(one.manager.figures().components[0].restarts, 0);
    assert_eq!(one.bed.component().respawned_ms.len(), 1);
}

#[test]
fn a_selftest_that_does_not_get_through_is_an_alarm_of_the_manager() {
    let one = Supervised::new();
    one.manager.test();
    assert_eq!(kinds(&one.manager), [Kind::Selftest]);
    let (alarm, figures) = (one.manager.alarms().remove(0), one.manager.figures());
    assert!(alarm.what.contains("failed at") && alarm.application.is_none(), "{alarm:?}");
    assert!(figures.selftest.is_some_and(|test| !test.passed));
    one.manager.test();
    assert_eq!(one.manager.alarms()[0].since_ms, alarm.since_ms, "since the first that failed");
}
