//! Runs that end by themselves: another one follows from the newest state, after a pause, as long as that can help.
//! What a person ended stays ended.
//! Not here: the rule itself (`decide::again`), and a real job that fails (`tests/trial.rs`).

use super::bed::{Bed, FILESYSTEM, TestClock, alice, application, is_running, is_stopped, told_of};
use crate::archive::of_cluster;
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::Refusal;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::jobmanager::Outcome;
use words::application::{Component, SavepointState, State};
use words::ids::ApplicationId;

pub(super) struct Supervised {
    pub(super) bed: Bed,
    pub(super) clock: Arc<TestClock>,
    pub(super) manager: Manager,
}

impl Supervised {
    /// The application runs.
    pub(super) fn new() -> Supervised {
        let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
        let manager = bed.manager_by(&clock);
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        assert!(bed.settle(&manager, is_running));
        Supervised { bed, clock, manager }
    }

    fn component(&self) -> Component {
        told_of(&self.manager).unwrap().components.remove(0)
    }

    fn id(&self) -> ApplicationId {
        ApplicationId::new(self.component().yarn_id.unwrap()).unwrap()
    }

    /// Its run ends, and so much time passes.
    pub(super) fn ends(&mut self, state: &str, after_ms: u64) {
        self.bed.yarn.set(&self.id(), state, state);
        self.manager.round();
        self.clock.ahead_ms.fetch_add(after_ms, Ordering::Relaxed);
    }

    /// Some rounds.
    pub(super) fn goes_on(&mut self) {
        self.bed.settle(&self.manager, |_| false);
    }

    /// A checkpoint of the run's job.
    fn checkpoint(&self, number: u32) -> String {
        let job = self.component().job_id.unwrap();
        let path = format!("/pnda/flink/checkpoints/alice/words/word-count/{job}/chk-{number}");
        self.bed.leave(&path);
        path
    }
}

#[test]
fn a_run_that_fails_is_followed_by_another_one_from_its_newest_checkpoint() {
    let mut one = Supervised::new();
    let (first, path) = (one.id(), one.checkpoint(7));
    one.ends("FAILED", 0);
    let told = one.component();
    assert!(told.state == State::Restarting && told.reason.contains("the next run begins at"), "{told:?}");
    one.clock.ahead_ms.fetch_add(2000, Ordering::Relaxed);
    one.goes_on();
    let told = one.component();
    assert_eq!((told.state, told.restored_from), (State::Running, Some(format!("{FILESYSTEM}{path}"))));
    assert_ne!(one.id(), first);
    assert_eq!(one.bed.yarn.world().applications.len(), 2);
}

/// What was ordered for the first run only: the others would lose what was reached since.
#[test]
fn a_start_without_state_is_without_state_once() {
    let mut one = Supervised::new();
    one.ends("KILLED", 0);
    one.manager.start(&application(), Origin::Empty, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    let path = one.checkpoint(3);
    one.ends("FAILED", 2000);
    one.goes_on();
    assert_eq!(one.component().restored_from, Some(format!("{FILESYSTEM}{path}")));
}

/// The site has another folder for checkpoints by now: those of the last run lie where it kept them.
#[test]
fn a_state_is_looked_for_where_its_run_kept_it() {
    let mut one = Supervised::new();
    let path = one.checkpoint(3);
    one.bed.site.cluster.checkpoints = "/elsewhere/checkpoints".into();
    one.manager = one.bed.manager_by(&one.clock);
    one.manager.round();
    one.ends("FAILED", 2000);
    one.goes_on();
    assert_eq!(one.component().restored_from, Some(format!("{FILESYSTEM}{path}")));
}

/// Somebody has removed the checkpoints of what had completed some: nothing begins without them by itself.
#[test]
fn what_had_a_state_that_is_gone_begins_empty_by_order_alone() {
    let mut one = Supervised::new();
    one.bed.flink.world().interval = Some(10_000);
    one.bed.flink.world().checkpoints =
        json!({ "counts": { "completed": 4 }, "latest": { "completed": { "id": 4, "trigger_timestamp": 1 } } });
    one.manager.look_at_jobs();
    one.ends("FAILED", 2000);
    one.goes_on();
    let told = one.component();
    assert_eq!((told.state, one.bed.yarn.world().applications.len()), (State::Failed, 1), "{told:?}");
    assert!(told.reason.contains("where the journal says that one was kept"), "{told:?}");
    let refused = one.manager.start_if_ready(&application(), Origin::Newest, &alice()).unwrap_err().to_string();
    assert!(refused.contains("--empty"), "{refused}");
    one.manager.start(&application(), Origin::Empty, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.component().restored_from, None);
}

#[test]
fn what_a_person_killed_stays_so_and_a_stop_ends_a_pause() {
    let mut one = Supervised::new();
    one.ends("KILLED", 3_600_000);
    one.goes_on();
    assert_eq!((one.component().state, one.bed.yarn.world().applications.len()), (State::Killed, 1));
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    one.ends("FAILED", 0);
    one.manager.stop(&application(), false, &alice()).unwrap();
    one.clock.ahead_ms.fetch_add(3_600_000, Ordering::Relaxed);
    one.goes_on();
    assert_eq!(one.bed.yarn.world().applications.len(), 2);
}

#[test]
fn what_fails_at_once_is_given_up_after_three_runs_and_an_order_begins_anew() {
    let mut one = Supervised::new();
    for run in 1..=3 {
        assert_eq!(one.bed.yarn.world().applications.len(), run);
        one.ends("FAILED", 30_000);
        one.goes_on();
    }
    let told = one.component();
    assert!(told.state == State::Failed && told.reason.contains("3 times in a row"), "{told:?}");
    // A manager that is new knows the same.
    let other = one.bed.manager_by(&one.clock);
    other.round();
    assert_eq!(told_of(&other).unwrap().components[0].state, State::Failed);
    assert_eq!(one.bed.yarn.world().applications.len(), 3);
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    one.ends("FAILED", 30_000);
    one.goes_on();
    assert_eq!(one.bed.yarn.world().applications.len(), 5);
}

#[test]
fn a_failure_that_cannot_heal_is_given_up_at_once_with_its_cause() {
    let mut one = Supervised::new();
    let archive = std::fs::read_to_string("../../tests/fixtures/flink-archives/1.20.5-failed-job.json").unwrap();
    let archive = archive.replace("java.lang.RuntimeException", "java.lang.ClassNotFoundException");
    assert!(archive.contains("ClassNotFoundException"), "{}", &archive[..2000]);
    let path = format!("/pnda/flink/completed-jobs/{}", of_cluster(one.id().as_str()));
    one.bed.direct("alice").write(&path, "644", archive.len() as u64, &mut archive.as_bytes()).unwrap();
    one.ends("FAILED", 3_600_000);
    one.goes_on();
    let told = one.component();
    assert!(told.state == State::Failed && told.reason.contains("a class is missing"), "{told:?}");
    assert!(told.reason.contains("ClassNotFoundException"), "{told:?}");
    assert_eq!(one.bed.yarn.world().applications.len(), 1);
}

#[test]
fn a_savepoint_is_taken_of_what_goes_on_and_the_newer_state_counts() {
    let mut one = Supervised::new();
    let old = one.checkpoint(1);
    one.manager.savepoint(&application(), &alice()).unwrap();
    one.goes_on();
    let told = one.component();
    let saved = told.savepoints[0].clone();
    assert!(saved.state == SavepointState::Completed && saved.goes_on, "{saved:?}");
    assert_eq!((told.state, one.bed.yarn.world().applications.len()), (State::Running, 1));
    one.ends("FAILED", 2000);
    one.goes_on();
    assert_eq!(one.component().restored_from, saved.path, "newer than {old}");
    // The run that begins from it takes a checkpoint, and that is newer.
    let newer = one.checkpoint(2);
    one.ends("FAILED", 4000);
    one.goes_on();
    assert_eq!(one.component().restored_from, Some(format!("{FILESYSTEM}{newer}")));
    one.manager.stop(&application(), true, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    assert!(matches!(one.manager.savepoint(&application(), &alice()), Err(Refusal::Conflict(_))));
}

/// Flink may complete a savepoint and then say that the stop failed.
#[test]
fn a_savepoint_that_was_told_as_failed_and_lies_there_is_begun_from() {
    let mut one = Supervised::new();
    let old = one.checkpoint(1);
    one.bed.flink.world().outcome = Outcome::Failing("x.StopWithSavepointStoppingException: stopping".into());
    one.manager.stop(&application(), true, &alice()).unwrap();
    for _ in 0..3 {
        one.manager.round();
    }
    let told = one.component();
    assert_eq!((told.state, told.savepoints[0].state), (State::Running, SavepointState::Failed), "{told:?}");
    one.bed.step();
    let place = one.bed.places().remove(0);
    one.bed.leave(&place);
    one.ends("FAILED", 2000);
    one.goes_on();
    assert_eq!(one.component().restored_from, Some(place), "newer than {old}");
}
