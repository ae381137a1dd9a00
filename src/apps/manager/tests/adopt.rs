//! Applications that somebody else submitted: who sees them, which of them can be adopted, and that one which is adopted is
//! stopped with its state, or begun again from it, and never begun empty.
//! Not here: real ones (`tests/trial`).

use super::bed::{Bed, FILESYSTEM, FLINK, TestClock, alice, application, is_running, is_stopped, told_of, word};
use crate::manager::Manager;
use crate::orders::{Caller, Refusal};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::jobmanager::Outcome;
use systems::yarn;
use words::application::State;
use words::ids::ApplicationId;

/// Where its job keeps its checkpoints.
const STATES: &str = "/shared/checkpoints/00000000000000000000000000000000";

fn id(number: u32) -> ApplicationId {
    ApplicationId::new(format!("application_1796001168688_{number:04}")).unwrap()
}

/// A job of somebody's runs, which this program has not submitted.
fn submitted(bed: &Bed, number: u32, user: &str, kind: &str) -> ApplicationId {
    let context = json!({ "application-name": "by hand", "application-type": kind, "queue": "default" });
    let (user, state) = (user.to_owned(), "RUNNING".to_owned());
    let one = yarn::Submitted { user, context, state, final_status: "UNDEFINED".into(), ..Default::default() };
    bed.yarn.world().applications.insert(id(number).to_string(), one);
    bed.yarn.run(&id(number), bed.wire.addresses[FLINK].trim_start_matches("http://"));
    id(number)
}

struct Found {
    bed: Bed,
    clock: Arc<TestClock>,
    manager: Manager,
    id: ApplicationId,
}

impl Found {
    fn new() -> Found {
        let (bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
        let manager = bed.manager_by(&clock);
        manager.round();
        let id = submitted(&bed, 7, "alice", "Apache Flink");
        let path = format!("{FILESYSTEM}{STATES}/chk-5");
        let latest = json!({ "completed": { "id": 5, "external_path": path, "status": "COMPLETED" } });
        bed.flink.world().checkpoints = json!({ "counts": {}, "latest": latest });
        Found { bed, clock, manager, id }
    }

    fn adopt(&self, id: &ApplicationId) -> Result<words::foreign::Adopted, Refusal> {
        self.manager.adopt(&application(), id, &alice())
    }

    /// It fails, and an hour passes.
    fn fails(&mut self) {
        self.bed.yarn.set(&self.id, "FAILED", "FAILED");
        self.manager.round();
        self.clock.ahead_ms.fetch_add(3_600_000, Ordering::Relaxed);
        self.bed.settle(&self.manager, |_| false);
    }
}

#[test]
fn what_is_adopted_is_saved_at_once_and_stops_and_starts_with_its_state() {
    let mut found = Found::new();
    let adopted = found.adopt(&found.id).unwrap();
    let saved = |told: &words::application::Application| {
        told.components[0].savepoints.iter().any(|one| one.id == adopted.savepoint && one.path.is_some())
    };
    assert!(found.bed.settle(&found.manager, saved), "{:?}", told_of(&found.manager));
    let told = told_of(&found.manager).unwrap().components.remove(0);
    assert_eq!((told.state, told.yarn_id.as_deref()), (State::Running, Some(found.id.as_str())));
    assert!(found.bed.submitted().is_empty(), "nothing is submitted");
    found.manager.stop(&application(), true, &alice()).unwrap();
    assert!(found.bed.settle(&found.manager, is_stopped));
    let last = told_of(&found.manager).unwrap().components[0].savepoints.last().unwrap().path.clone();
    found.manager.start(&application(), crate::journal::Origin::Newest, &alice()).unwrap();
    assert!(found.bed.settle(&found.manager, is_running));
    assert_eq!(told_of(&found.manager).unwrap().components[0].restored_from, last);
}

#[test]
fn what_was_adopted_and_fails_goes_on_from_its_own_checkpoints() {
    let mut found = Found::new();
    // Its savepoint cannot be taken.
    found.bed.flink.world().outcome = Outcome::Failing("no".to_owned());
    found.adopt(&found.id).unwrap();
    found.bed.leave(&format!("{STATES}/chk-6"));
    found.fails();
    let told = told_of(&found.manager).unwrap().components.remove(0);
    assert_eq!(told.restored_from, Some(format!("{FILESYSTEM}{STATES}/chk-6")), "{told:?}");
    assert_ne!(told.yarn_id.as_deref(), Some(found.id.as_str()));
}

#[test]
fn what_was_adopted_and_left_no_state_is_not_begun_empty() {
    let mut found = Found::new();
    found.bed.flink.world().outcome = Outcome::Failing("no".to_owned());
    found.adopt(&found.id).unwrap();
    found.fails();
    let told = told_of(&found.manager).unwrap().components.remove(0);
    assert!(told.state == State::Failed && told.reason.contains("--empty"), "{told:?}");
    assert!(found.bed.submitted().is_empty());
}

#[test]
fn only_what_runs_is_ones_own_and_is_not_known_can_be_adopted() {
    let found = Found::new();
    let bobs = submitted(&found.bed, 8, "bob", "Apache Flink");
    let spark = submitted(&found.bed, 9, "alice", "SPARK");
    let refused = |id: &ApplicationId| found.adopt(id).unwrap_err().to_string();
    assert!(refused(&bobs).contains("is not alice's"), "{}", refused(&bobs));
    assert!(refused(&spark).contains("none of Flink's"));
    assert!(refused(&id(99)).contains("there is no application application_"), "{}", refused(&id(99)));
    found.bed.flink.world().jobs.insert("1".repeat(32), "RUNNING".to_owned());
    assert!(refused(&found.id).contains("runs 2 jobs"));
    found.bed.flink.world().jobs.remove(&"1".repeat(32));
    found.bed.yarn.set(&found.id, "ACCEPTED", "UNDEFINED");
    assert!(refused(&found.id).contains("YARN says ACCEPTED"), "{}", refused(&found.id));
    found.bed.yarn.set(&found.id, "RUNNING", "UNDEFINED");
    let bob = Caller { name: word("bob"), is_admin: false };
    assert!(
        matches!(found.manager.adopt(&application(), &bobs, &bob), Err(Refusal::Forbidden(_))),
        "not his application"
    );
    found.adopt(&found.id).unwrap();
    assert!(matches!(found.adopt(&found.id), Err(Refusal::Conflict(_))), "it runs by now");
}

#[test]
fn everybody_sees_his_own_and_administrators_all_and_what_is_known_is_none() {
    let found = Found::new();
    let bobs = submitted(&found.bed, 8, "bob", "Apache Flink");
    submitted(&found.bed, 9, "bob", "SPARK");
    let tag = json!({ "tag": ["pnda-pico"] });
    found.bed.yarn.world().applications.get_mut(bobs.as_str()).unwrap().context["application-tags"] = tag;
    let seen = |name: &str, is_admin| {
        let all = found.manager.foreign_applications(&Caller { name: word(name), is_admin }).unwrap();
        all.into_iter().map(|one| (one.yarn_id, one.is_lost)).collect::<Vec<_>>()
    };
    assert_eq!(seen("alice", false), [(found.id.clone(), false)]);
    assert_eq!(seen("ops", true), [(found.id.clone(), false), (bobs.clone(), true)]);
    found.adopt(&found.id).unwrap();
    assert_eq!(seen("ops", true), [(bobs, true)]);
}

#[test]
fn what_keeps_its_checkpoints_nobody_knows_where_is_not_begun_from_an_older_savepoint() {
    let mut found = Found::new();
    found.bed.flink.world().checkpoints = json!({ "counts": {}, "latest": {} });
    let adopted = found.adopt(&found.id).unwrap();
    assert!(adopted.findings.iter().any(|finding| finding.what.contains("no checkpoint in HDFS")), "{adopted:?}");
    let saved =
        |told: &words::application::Application| told.components[0].savepoints.iter().any(|one| one.path.is_some());
    assert!(found.bed.settle(&found.manager, saved), "{:?}", told_of(&found.manager));
    found.fails();
    let told = told_of(&found.manager).unwrap().components.remove(0);
    assert!(told.state == State::Failed && told.reason.contains("--from"), "{told:?}");
    assert!(found.bed.submitted().is_empty());
}
