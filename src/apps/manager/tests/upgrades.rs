//! Upgrades: to a version that is good, to one that is not and back by itself, of what cannot be saved, of what does not run;
//! stopped by a person; restarts, other parallelisms, and the version before on order.
//! Each request of a whole upgrade and of a whole way back is lost, late, doubled, or the last of its manager in `faults`.
//! Not here: the decisions themselves (`decide::upgrade`).

use super::bed::{Bed, TestClock, alice, application, is_running, is_stopped, key, told_of};
use crate::decide::dispose;
use crate::journal::{Fact, Origin, Release, UpgradeFact, Wanted};
use crate::manager::Manager;
use crate::manager::change::Change;
use crate::orders::Refusal;
use crate::package::tests::{WORDCOUNT, wordcount_as, wordcount_of};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::jobmanager::Outcome;
use words::application::{Application, Component, Phase, State};
use words::change::{Purpose, Step};
use words::ids::ApplicationId;
use words::names::PackageName;

pub(super) const NEWER: &str = "flink-socket-streaming-example-app-1.1.0";
/// The newer version has so many slots, by which its runs are known.
pub(super) const SLOTS: &str = "3";

/// The newer version as an order names it.
pub(super) fn newer() -> Release {
    let package = PackageName::new(NEWER).unwrap();
    let slots = format!("-Dtaskmanager.numberOfTaskSlots={SLOTS}");
    let overrides = json!({ "package": NEWER, "flink": { "word-count": { "flink_config_args": slots } } });
    Release { package, overrides }
}

pub(super) fn deploy(manager: &Manager) {
    let package = PackageName::new(NEWER).unwrap();
    manager.receive(&package, &alice(), &*wordcount_as(NEWER), None).unwrap();
    manager.deploy(&package, &alice()).unwrap();
}

pub(super) fn is_at(told: &Application, step: Step) -> bool {
    told.upgrade.as_ref().is_some_and(|upgrade| upgrade.step == step)
}

struct Upgraded {
    bed: Bed,
    clock: Arc<TestClock>,
    manager: Manager,
    old: ApplicationId,
}

impl Upgraded {
    /// The old version runs, and the newer one is deployed.
    fn new() -> Upgraded {
        let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
        bed.is_alone = true;
        let manager = bed.manager_by(&clock);
        manager.round();
        deploy(&manager);
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        assert!(bed.settle(&manager, is_running));
        let old = ApplicationId::new(told_of(&manager).unwrap().components[0].yarn_id.clone().unwrap()).unwrap();
        Upgraded { bed, clock, manager, old }
    }

    fn order(&self) {
        self.manager.order_change(&application(), (Purpose::Upgrade, newer(), true), &alice()).unwrap();
    }

    fn told(&self) -> Application {
        told_of(&self.manager).unwrap()
    }

    fn component(&self) -> Component {
        self.told().components.remove(0)
    }

    fn id(&self) -> ApplicationId {
        ApplicationId::new(self.component().yarn_id.unwrap()).unwrap()
    }

    /// Until the upgrade is there.
    fn until(&mut self, step: Step) {
        let found = self.bed.settle(&self.manager, |told| is_at(told, step));
        assert!(found, "{step:?}: {:?}", self.told());
    }

    /// The new version runs and is not known to be good.
    fn tried(&mut self) {
        self.tried_with(Some(Outcome::Pending));
    }

    fn tried_with(&mut self, triggered: Option<Outcome>) {
        self.bed.flink.world().triggered = triggered;
        self.order();
        self.until(Step::Trying);
        assert!(self.bed.settle(&self.manager, is_running));
        assert_ne!(self.id(), self.old);
    }

    /// The old version is back, from the savepoint that was taken before.
    fn is_back(&mut self, why: &str) {
        self.until(Step::Returned);
        assert!(self.bed.settle(&self.manager, is_running), "{:?}", self.told());
        let told = self.told();
        assert_eq!((told.package.as_str(), self.bed.yarn.world().applications.len()), (WORDCOUNT, 3));
        assert_eq!(self.bed.places(), [self.component().restored_from.unwrap()]);
        assert!(told.information.as_ref().is_some_and(|said| said.contains(why)), "{told:?}");
        assert_eq!(self.bed.set_for(&self.id(), "taskmanager.numberOfTaskSlots"), None);
        let state = self.bed.journal();
        assert_eq!(state.applications[&application()].previous, None);
    }
}

#[test]
fn a_newer_version_begins_from_the_savepoint_and_is_good_with_a_checkpoint_of_its_own() {
    let mut one = Upgraded::new();
    one.tried();
    let told = one.told();
    assert!(is_at(&told, Step::Trying) && told.package.as_str() == NEWER, "{told:?}");
    one.bed.flink.world().triggered = Some(Outcome::Done);
    one.until(Step::Good);
    let told = one.component();
    assert_eq!(one.bed.places(), [told.restored_from.unwrap()]);
    let world = one.bed.yarn.world();
    assert_eq!((world.applications.len(), world.applications[one.old.as_str()].state.as_str()), (2, "FINISHED"));
    drop(world);
    let state = one.bed.journal();
    let application = &state.applications[&application()];
    assert_eq!(application.previous.as_ref().unwrap().release.package.as_str(), WORDCOUNT);
    assert!(application.components[&key().component].trial.is_none());
    // From now on it is supervised as any other.
    one.bed.yarn.set(&one.id(), "FAILED", "FAILED");
    one.manager.round();
    one.clock.ahead_ms.fetch_add(3000, Ordering::Relaxed);
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.bed.yarn.world().applications.len(), 3);
}

#[test]
fn a_version_that_fails_is_followed_by_the_old_one_from_the_savepoint_before_it() {
    let mut one = Upgraded::new();
    one.tried();
    // What it has made of the state is nobody's.
    let job = one.component().job_id.unwrap();
    one.bed.leave(&format!("/pnda/flink/checkpoints/alice/words/word-count/{job}/chk-9"));
    one.bed.yarn.set(&one.id(), "FAILED", "FAILED");
    one.is_back("word-count failed");
}

#[test]
fn a_version_that_never_completes_a_checkpoint_goes_after_its_time() {
    let mut one = Upgraded::new();
    one.tried();
    one.bed.flink.world().triggered = Some(Outcome::Failing("x.CheckpointException: declined".into()));
    one.bed.settle(&one.manager, |_| false);
    assert!(is_at(&one.told(), Step::Trying));
    one.clock.ahead_ms.fetch_add(29 * 60_000, Ordering::Relaxed);
    one.bed.settle(&one.manager, |_| false);
    assert!(is_at(&one.told(), Step::Trying), "three times ten minutes are not over");
    one.clock.ahead_ms.fetch_add(2 * 60_000, Ordering::Relaxed);
    one.is_back("declined");
}

#[test]
fn a_version_whose_job_fails_again_and_again_goes_before_its_time() {
    let mut one = Upgraded::new();
    one.tried();
    let entry = |at: u64| json!({ "exceptionName": "x", "stacktrace": "x.Bad: no", "timestamp": at, "taskName": "a" });
    let told = |count: u64| json!({ "exceptionHistory": { "entries": (0..count).map(entry).collect::<Vec<_>>(), "truncated": false } });
    one.bed.flink.world().exceptions = told(4);
    one.bed.settle(&one.manager, |_| false);
    assert!(is_at(&one.told(), Step::Trying));
    assert_eq!(one.component().reason, "a checkpoint is being taken");
    one.bed.flink.world().exceptions = told(5);
    one.is_back("its job failed 5 times: x.Bad: no");
}

#[test]
fn what_takes_no_checkpoints_is_good_when_it_has_run_for_a_minute() {
    let mut one = Upgraded::new();
    one.tried_with(None);
    one.bed.settle(&one.manager, |_| false);
    assert!(is_at(&one.told(), Step::Trying));
    one.clock.ahead_ms.fetch_add(61_000, Ordering::Relaxed);
    one.until(Step::Good);
}

#[test]
fn what_cannot_be_saved_goes_on_as_it_was() {
    let mut one = Upgraded::new();
    one.bed.flink.world().outcome = Outcome::Failing("x.CheckpointException: no".into());
    one.order();
    one.manager.round();
    one.manager.round();
    one.manager.round();
    let told = one.told();
    assert!(is_at(&told, Step::Ended) && is_running(&told), "{told:?}");
    assert_eq!((told.package.as_str(), one.id()), (WORDCOUNT, one.old.clone()));
    assert!(told.information.unwrap().contains("Error upgrading words"));
    // It is supervised as before.
    one.bed.yarn.set(&one.old, "FAILED", "FAILED");
    one.manager.round();
    one.clock.ahead_ms.fetch_add(3000, Ordering::Relaxed);
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.bed.yarn.world().applications.len(), 2);
}

#[test]
fn a_stop_ends_an_upgrade_and_nothing_else_is_ordered_meanwhile() {
    let mut one = Upgraded::new();
    one.tried();
    let again = one.manager.order_change(&application(), (Purpose::Restart, newer(), true), &alice());
    let start = one.manager.start(&application(), Origin::Newest, &alice());
    assert!(matches!((again, start), (Err(Refusal::Conflict(_)), Err(Refusal::Conflict(_)))));
    let disposed = dispose::users(&one.bed.journal(), &key(), &one.bed.savepoints.values().next().unwrap().clone());
    assert!(disposed.iter().any(|why| why.contains("began from it")), "{disposed:?}");
    let undeploy = |package: &str| one.manager.undeploy(&PackageName::new(package).unwrap(), &alice());
    assert!(undeploy(WORDCOUNT).is_err() && undeploy(NEWER).is_err());
    one.manager.stop(&application(), true, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    let told = one.told();
    assert!(is_at(&told, Step::Ended) && told.package.as_str() == NEWER, "{told:?}");
    assert!(told.upgrade.unwrap().reason.unwrap().contains(NEWER));
    assert_eq!(one.bed.yarn.world().applications.len(), 2);
}

#[test]
fn an_upgrade_that_is_still_saving_is_taken_back_on_order() {
    let mut one = Upgraded::new();
    one.order();
    one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(is_at(&one.told(), Step::Ended));
    assert!(one.bed.settle(&one.manager, is_running), "{:?}", one.told());
    one.bed.settle(&one.manager, |_| false);
    assert!(is_running(&one.told()) && one.told().package.as_str() == WORDCOUNT, "{:?}", one.told());
}

#[test]
fn a_stop_while_the_old_version_is_being_saved_leaves_that_stopped() {
    let mut one = Upgraded::new();
    one.order();
    one.manager.stop(&application(), true, &alice()).unwrap();
    assert!(is_at(&one.told(), Step::Ended));
    one.bed.settle(&one.manager, |_| false);
    let told = one.told();
    assert!(is_stopped(&told) && told.package.as_str() == WORDCOUNT, "{told:?}");
    assert_eq!(one.bed.yarn.world().applications.len(), 1);
}

/// What waits for room is killed for the upgrade, and YARN has not noticed when the way back is ordered.
#[test]
fn what_waited_and_was_killed_for_an_upgrade_runs_again_where_that_is_called_off() {
    for is_late in [false, true] {
        let mut bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        deploy(&manager);
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        manager.round();
        let first = bed.component().run.unwrap();
        assert!(first.accepted && bed.yarn.world().applications[first.id.as_str()].state == "ACCEPTED");
        if is_late {
            bed.yarn.server.drop("PUT /ws/v1/cluster/apps/", 1);
        }
        manager.order_change(&application(), (Purpose::Upgrade, newer(), true), &alice()).unwrap();
        manager.round();
        assert!(bed.component().live().is_some_and(|run| run.is_killed), "it is written down first");
        manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
        let is_another =
            |told: &Application| is_running(told) && told.components[0].yarn_id.as_deref() != Some(first.id.as_str());
        assert!(bed.settle(&manager, is_another), "{is_late}: {:?}", told_of(&manager));
        assert_eq!(told_of(&manager).unwrap().package.as_str(), WORDCOUNT);
        assert_eq!(bed.yarn.world().applications[first.id.as_str()].state, "KILLED");
    }
}

#[test]
fn a_stop_on_the_way_back_leaves_the_old_version_and_its_state_for_the_next_start() {
    let mut one = Upgraded::new();
    one.tried();
    let saved = one.bed.places();
    one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(is_at(&one.told(), Step::Returning));
    one.manager.stop(&application(), true, &alice()).unwrap();
    one.until(Step::Returned);
    one.bed.settle(&one.manager, |_| false);
    let told = one.told();
    assert_eq!((told.status, told.package.as_str()), (Phase::Created, WORDCOUNT));
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(saved, [one.component().restored_from.unwrap()]);
}

#[test]
fn what_does_not_run_only_becomes_another_version() {
    let mut one = Upgraded::new();
    one.manager.stop(&application(), true, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    one.order();
    one.until(Step::Good);
    let told = one.told();
    assert_eq!((told.status, told.package.as_str()), (Phase::Created, NEWER));
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.bed.places(), [one.component().restored_from.unwrap()]);
}

#[test]
fn what_has_ended_by_itself_does_not_run_again_because_it_became_another_version() {
    let mut one = Upgraded::new();
    one.bed.yarn.set(&one.old, "FINISHED", "SUCCEEDED");
    one.manager.round();
    one.order();
    one.until(Step::Good);
    one.bed.settle(&one.manager, |_| false);
    let told = one.told();
    assert_eq!((told.package.as_str(), told.components[0].state), (NEWER, State::Finished));
    assert_eq!(one.bed.yarn.world().applications.len(), 1);
    let restart = one.manager.change(&application(), &Change::to(Purpose::Restart), &alice());
    assert!(matches!(restart, Err(Refusal::Conflict(why)) if why.contains("does not run")));
}

/// A fixed version is ordered while the old one waits for its next try.
#[test]
fn a_version_that_would_be_tried_again_is_not_once_another_one_is_ordered() {
    let mut one = Upgraded::new();
    one.bed.yarn.set(&one.old, "FAILED", "FAILED");
    one.manager.round();
    assert_eq!(one.component().state, State::Restarting);
    one.order();
    one.until(Step::Good);
    let told = one.told();
    assert!(is_running(&told) && told.package.as_str() == NEWER, "{told:?}");
    assert_eq!(one.bed.yarn.world().applications.len(), 2);
}

#[test]
fn the_version_before_comes_back_on_order_from_the_state_that_it_had() {
    let mut one = Upgraded::new();
    one.order();
    one.until(Step::Good);
    let (saved, newer) = (one.bed.places(), one.component().job_id.unwrap());
    let kept = format!("/pnda/flink/checkpoints/alice/words/word-count/{newer}/chk-4");
    one.bed.leave(&kept);
    let plan = one.manager.plan(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(plan.steps.iter().any(|step| step.contains(&saved[0])), "{plan:?}");
    one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, |told| told.package.as_str() == WORDCOUNT && is_running(told)));
    assert_eq!(saved, [one.component().restored_from.unwrap()]);
    // And forward again, from where the newer version stood.
    one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, |told| told.package.as_str() == NEWER && is_running(told)));
    assert!(one.component().restored_from.unwrap().ends_with(&kept));
}

#[test]
fn a_restart_is_one_order_and_another_parallelism_stays_with_the_application() {
    let mut one = Upgraded::new();
    one.manager.change(&application(), &Change::to(Purpose::Restart), &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, |told| is_at(told, Step::Good) && is_running(told)));
    assert_eq!(one.bed.places(), [one.component().restored_from.unwrap()]);
    let rescale = Change { parallelism: Some((None, 4)), ..Change::to(Purpose::Rescale) };
    one.manager.change(&application(), &rescale, &alice()).unwrap();
    one.until(Step::Good);
    assert_eq!(one.bed.set_for(&one.id(), "parallelism.default"), Some("4".to_owned()));
    assert_eq!(one.bed.yarn.world().applications.len(), 3);
    let again = one.manager.change(&application(), &rescale, &alice());
    assert!(matches!(again, Err(Refusal::Invalid(why)) if why.contains("already")));
}

/// What an application sets may be a secret.
#[test]
fn what_is_set_otherwise_is_in_no_log() {
    let Release { package, overrides } = newer();
    let step = UpgradeFact::Ordered {
        purpose: Purpose::Upgrade,
        package,
        overrides,
        save: true,
        runs: [key().component].into(),
    };
    let line = Fact::Upgrade { application: application(), step }.line();
    assert!(line.contains(NEWER) && !line.contains("numberOfTaskSlots"), "{line}");
}

/// A version that runs by a schedule has none to show, and must not begin at once.
#[test]
fn a_version_that_runs_by_a_schedule_waits_for_its_time() {
    let mut one = Upgraded::new();
    let properties = json!({ "flink_job_type": "batch", "schedule": "0 3 29 2 *" });
    let release = Release { overrides: json!({ "package": NEWER, "flink": { "word-count": properties } }), ..newer() };
    one.manager.order_change(&application(), (Purpose::Upgrade, release, true), &alice()).unwrap();
    one.until(Step::Good);
    one.bed.settle(&one.manager, |_| false);
    assert_eq!((one.component().state, one.bed.yarn.world().applications.len()), (State::Scheduled, 1));
    // And back: its times are no more, and it begins at once.
    one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.bed.places(), [one.component().restored_from.unwrap()]);
}

#[test]
fn a_plan_says_what_differs_and_changes_nothing() {
    let one = Upgraded::new();
    let before = one.bed.journal();
    let change = Change {
        package: Some(PackageName::new(NEWER).unwrap()),
        set: Some(json!({ "flink": { "word-count": { "application_args": "--port 1" } } })),
        ..Change::to(Purpose::Upgrade)
    };
    let plan = one.manager.plan(&application(), &change, &alice()).unwrap();
    assert!(!plan.is_refused(), "{plan:?}");
    assert_eq!((plan.difference.from.as_str(), plan.difference.to.as_str()), (WORDCOUNT, NEWER));
    let properties = &plan.difference.components[0].properties;
    assert_eq!(properties.len(), 1, "{properties:?}");
    assert_eq!(properties[0].old.as_deref(), Some("--port 9100 --windowtime 5"));
    assert_eq!(properties[0].new.as_deref(), Some("--port 1"));
    assert_eq!(one.bed.journal(), before);
    assert!(matches!(before.applications[&application()].wanted, Wanted::Started { .. }));
}

/// The name of a package may have another content by now.
#[test]
fn a_version_before_that_was_deployed_anew_as_something_else_does_not_come_back() {
    let mut one = Upgraded::new();
    one.order();
    one.until(Step::Good);
    let old = PackageName::new(WORDCOUNT).unwrap();
    one.manager.undeploy(&old, &alice()).unwrap();
    one.manager.remove(&old).unwrap();
    one.manager.receive(&old, &alice(), &*wordcount_of(WORDCOUNT, "WARN"), None).unwrap();
    one.manager.deploy(&old, &alice()).unwrap();
    let refused = one.manager.change(&application(), &Change::to(Purpose::Rollback), &alice()).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Invalid(why) if why.contains("was deployed anew, and is not what words")),
        "{refused}"
    );
}
