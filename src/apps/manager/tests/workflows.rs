//! Components that Oozie runs: each order has one job in Oozie, a stop suspends it, the next start has it go on, an end kills it,
//! whatever is lost or dies in between.
//! Not here: what Oozie gets (`workflow`), and a real one.

use super::bed::{Bed, TestClock, alice};
use super::wire::Fault;
use crate::journal::Origin;
use crate::manager::Manager;
use crate::manager::change::Change;
use crate::orders::Refusal;
use crate::workflow::tests::{PACKAGE, TIMES, example, packed, packed_as};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::{oozie, yarn};
use words::application::{Application, Phase, State};
use words::change::{Purpose, Step};
use words::declared::Apply;
use words::names::{ApplicationName, PackageName};

const MINUTES_MS: u64 = 5 * 60_000;

fn hourly() -> ApplicationName {
    ApplicationName::new("hourly").unwrap()
}

/// A bed with an application of a coordinator, or of a workflow.
fn bed(package: &[u8]) -> Bed {
    let mut bed = Bed::new();
    let environment = [("yarn_resource_manager_host", "manager"), ("yarn_resource_manager_mr_port", "8032")];
    bed.site.environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let manager = bed.manager();
    manager.round();
    let name = PackageName::new(PACKAGE).unwrap();
    manager.receive(&name, &alice(), package, None).unwrap();
    manager.deploy(&name, &alice()).unwrap();
    manager.create(&hourly(), &json!({ "package": PACKAGE }), &alice()).unwrap();
    drop(manager);
    bed
}

fn coordinator() -> Vec<u8> {
    let workflow = "<workflow-app name=\"w\" xmlns=\"uri:oozie:workflow:1.0\"><start to=\"end\"/><end name=\"end\"/></workflow-app>";
    packed(
        r#"{"start": "${deployment_start}"}"#,
        &[("workflow.xml", workflow.as_bytes()), ("coordinator.xml", TIMES.as_bytes())],
    )
}

fn workflow() -> Vec<u8> {
    packed("{}", &[("workflow.xml", b"<workflow-app name=\"w\" xmlns=\"uri:oozie:workflow:1.0\"/>")])
}

fn told(manager: &Manager) -> Option<Application> {
    manager.application(&hourly()).ok()?
}

fn rounds(manager: &Manager) -> Application {
    (0..4).for_each(|_| manager.round());
    told(manager).unwrap()
}

/// The jobs in Oozie that go on and have their folder: without it nothing of them runs.
fn live(bed: &Bed) -> Vec<String> {
    let world = bed.oozie.world();
    let hdfs = bed.direct("alice");
    let goes_on = |status: &str| !["KILLED", "SUCCEEDED", "FAILED", "PREP"].contains(&status);
    let has_folder = |path: &str| hdfs.status(path.trim_start_matches(super::bed::FILESYSTEM)).unwrap().is_some();
    let live = world.jobs.iter().filter(|(_, job)| goes_on(&job.status) && has_folder(&job.path));
    live.map(|(id, _)| id.clone()).collect()
}

fn status(bed: &Bed) -> Vec<String> {
    bed.oozie.world().jobs.values().map(|job| job.status.clone()).collect()
}

#[test]
fn a_coordinator_is_submitted_suspended_resumed_and_killed() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    assert_eq!(told(&manager).unwrap().status, Phase::Created);
    manager.start_if_ready(&hourly(), Origin::Newest, &alice()).unwrap();
    let running = rounds(&manager);
    let component = &running.components[0];
    assert_eq!((running.status, component.state), (Phase::Started, State::Scheduled), "{running:?}");
    assert_eq!(component.reason, "the next run begins at 2026-12-01 03:00:00 UTC, none after 2026-12-08 03:00:00 UTC");
    assert!(
        bed.oozie.world().jobs.values().all(|job| job.user == "alice" && job.configuration.contains("<value>alice<"))
    );

    let made = json!({ "id": "c@1", "status": "WAITING", "nominalTime": "Tue, 01 Dec 2026 02:20:00 GMT" });
    bed.oozie.world().jobs.values_mut().for_each(|job| job.actions = vec![made.clone()]);
    assert!(rounds(&manager).components[0].reason.starts_with("the next run begins at 2026-12-01 02:20:00 UTC, "));

    manager.stop(&hourly(), true, &alice()).unwrap();
    let held = rounds(&manager);
    assert_eq!((held.status, held.components[0].state), (Phase::Created, State::Stopped), "{held:?}");
    assert_eq!(status(&bed), ["SUSPENDED"]);

    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    let again = rounds(&manager);
    assert_eq!((again.status, again.components[0].state), (Phase::Started, State::Scheduled), "{again:?}");
    assert_eq!(status(&bed), ["RUNNING"], "the same job goes on");

    let words: Vec<String> = manager.history(&hourly()).unwrap().into_iter().map(|event| event.what).collect();
    assert!(words.iter().any(|what| what.starts_with("Oozie has it as 0000000-")), "{words:?}");
    manager.delete(&hourly(), &alice()).unwrap();
    (0..4).for_each(|_| manager.round());
    assert_eq!((told(&manager), status(&bed)), (None, vec!["KILLED".to_owned()]));
    let left = bed.direct("alice").list("/user/alice/.oozie").unwrap().unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_workflow_is_started_ends_and_is_not_begun_again() {
    let bed = bed(&workflow());
    let manager = bed.manager();
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    assert_eq!(rounds(&manager).components[0].state, State::Running);
    let fail = json!({ "id": "a@count", "name": "count", "type": "shell", "status": "ERROR", "errorMessage": "exit code [1]" });
    for (word, state, actions) in [("KILLED", State::Killed, vec![fail]), ("SUCCEEDED", State::Finished, vec![])] {
        for job in bed.oozie.world().jobs.values_mut().filter(|job| job.status == "RUNNING") {
            (job.status, job.actions) = (word.to_owned(), actions.clone());
        }
        let told = rounds(&manager);
        assert_eq!((told.status, told.components[0].state), (Phase::Started, state), "{told:?}");
        assert!(actions.is_empty() || told.components[0].reason == "exit code [1]", "{told:?}");
        let count = status(&bed).len();
        rounds(&manager);
        assert_eq!(status(&bed).len(), count, "what has ended stays so");
        manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
        assert_eq!(rounds(&manager).components[0].state, State::Running, "another start is another job");
    }
    assert_eq!(status(&bed), ["KILLED", "SUCCEEDED", "RUNNING"]);
}

#[test]
fn a_restart_and_another_package_have_another_job_and_the_old_one_is_killed() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    rounds(&manager);
    manager.change(&hourly(), &Change::to(Purpose::Restart), &alice()).unwrap();
    (0..3).for_each(|_| drop(rounds(&manager)));
    assert_eq!((status(&bed), live(&bed).len()), (vec!["KILLED".to_owned(), "RUNNING".to_owned()], 1));
    // Who says the component alone means the one that there is.
    let set = Some(json!({ "flink": { "counts": { "input": "/data" } } }));
    manager.change(&hourly(), &Change { set, ..Change::to(Purpose::Upgrade) }, &alice()).unwrap();
    (0..3).for_each(|_| drop(rounds(&manager)));
    assert_eq!((status(&bed), live(&bed).len()), (["KILLED", "KILLED", "RUNNING"].map(str::to_owned).into(), 1));
    let world = bed.oozie.world();
    let newest = &world.jobs.values().next_back().unwrap().configuration;
    assert!(newest.contains("<name>component_input</name><value>/data</value>"), "{newest}");
}

#[test]
fn a_version_that_oozie_refuses_gives_way_to_the_one_before() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    rounds(&manager);
    let set = Some(json!({ "oozie": { "counts": { "input": "/data" } } }));
    let change = Change { set, ..Change::to(Purpose::Upgrade) };
    let plan = manager.plan(&hourly(), &change, &alice()).unwrap();
    assert_eq!(plan.difference.components[0].properties.len(), 1, "{:?}", plan.difference);
    let said = [
        "counts is killed in Oozie with what it runs, and submitted anew as counts-1.0.0 has it",
        "counts-1.0.0 is good when Oozie has taken what it is to run",
        "else it is killed, and counts-1.0.0 begins from where it stood, as it was",
    ];
    assert_eq!(plan.steps, said);
    bed.oozie.world().refuses = Some(("E1002", "Invalid coordinator application URI"));
    manager.change(&hourly(), &change, &alice()).unwrap();
    (0..4).for_each(|_| drop(rounds(&manager)));
    let told = told(&manager).unwrap();
    assert_eq!((told.status, told.components[0].state), (Phase::Started, State::Scheduled), "{told:?}");
    let upgrade = told.upgrade.as_ref().unwrap();
    assert_eq!(upgrade.step, Step::Returned);
    assert!(told.information.as_ref().unwrap().contains("E1002: Invalid coordinator"), "{told:?}");
    assert_eq!((status(&bed), live(&bed).len()), (["KILLED", "RUNNING"].map(str::to_owned).into(), 1));
    let world = bed.oozie.world();
    assert!(!world.jobs.values().next_back().unwrap().configuration.contains("/data"));
}

#[test]
fn a_launcher_that_goes_on_after_its_job_was_killed_is_killed_before_the_end() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    rounds(&manager);
    let launcher = "application_1796001168688_0077";
    let run = oozie::Submitted {
        user: "alice".to_owned(),
        status: "KILLED".to_owned(),
        actions: vec![json!({ "id": "w@count", "type": "shell", "status": "KILLED", "externalId": launcher })],
        ..oozie::Submitted::default()
    };
    let made = json!({ "id": "c@1", "status": "KILLED", "externalId": "0000077-1-oozie-W" });
    bed.oozie.world().jobs.values_mut().for_each(|job| job.actions = vec![made.clone()]);
    bed.oozie.world().jobs.insert("0000077-1-oozie-W".to_owned(), run);
    let of = |user: &str| yarn::Submitted { user: user.to_owned(), state: "RUNNING".to_owned(), ..Default::default() };
    bed.yarn.world().applications.insert(launcher.to_owned(), of("alice"));
    manager.delete(&hourly(), &alice()).unwrap();
    (0..4).for_each(|_| manager.round());
    assert_eq!(told(&manager), None);
    assert_eq!(bed.yarn.world().applications[launcher].state, "KILLED");
}

#[test]
fn a_component_of_oozie_that_comes_or_goes_is_refused_as_one_of_flink_is() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    let workflow = b"<workflow-app name=\"w\" xmlns=\"uri:oozie:workflow:1.0\"/>";
    let newer = PackageName::new("counts-1.1.0").unwrap();
    let package = packed_as("counts-1.1.0/oozie/others", "{}", &[("workflow.xml", workflow)]);
    manager.receive(&newer, &alice(), &*package, None).unwrap();
    manager.deploy(&newer, &alice()).unwrap();
    let change = Change { package: Some(newer), ..Change::to(Purpose::Upgrade) };
    let refused = manager.change(&hourly(), &change, &alice()).unwrap_err().to_string();
    assert!(refused.contains("counts-1.1.0 does not have it any more"), "{refused}");
    assert!(refused.contains("counts-1.1.0 has it, and counts-1.0.0 has not"), "{refused}");
}

#[test]
fn what_is_declared_by_the_component_alone_is_so_the_second_time() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    let set = json!({ "flink": { "counts": { "input": "/data" } } });
    let declared = json!({ "applications": { "hourly": { "package": PACKAGE, "wanted": "stopped", "set": set } } });
    let apply: Apply = serde_json::from_value(declared).unwrap();
    let first = manager.apply(&apply, &alice()).unwrap();
    assert_eq!(first.applications.len(), 1, "{first:?}");
    rounds(&manager);
    let second = manager.apply(&apply, &alice()).unwrap();
    assert!(second.applications.is_empty(), "{second:?}");
}

#[test]
fn what_has_ended_stays_so_until_the_next_start() {
    let bed = bed(&workflow());
    let manager = bed.manager();
    manager.round();
    let start = || manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    start();
    rounds(&manager);
    manager.stop(&hourly(), true, &alice()).unwrap();
    assert_eq!(rounds(&manager).components[0].state, State::Stopped);
    // Its last action ended while it was suspended.
    bed.oozie.world().resumed = Some("SUCCEEDED");
    start();
    assert_eq!(rounds(&manager).components[0].state, State::Finished);
    assert_eq!(status(&bed), ["SUCCEEDED"]);
    let set = Some(json!({ "oozie": { "counts": { "input": "/data" } } }));
    manager.change(&hourly(), &Change { set, ..Change::to(Purpose::Upgrade) }, &alice()).unwrap();
    let changed = rounds(&manager);
    assert_eq!((changed.status, changed.components[0].state), (Phase::Started, State::Finished), "{changed:?}");
    assert_eq!(status(&bed), ["SUCCEEDED"], "another version is not begun by itself");
    start();
    assert_eq!(rounds(&manager).components[0].state, State::Running);
}

#[test]
fn what_oozie_has_lost_is_not_seen_and_ends_when_somebody_says_so() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    rounds(&manager);
    let jobs = std::mem::take(&mut bed.oozie.world().jobs);
    assert_eq!(rounds(&manager).components[0].state, State::CannotSee);
    bed.oozie.world().jobs = jobs;
    assert_eq!(rounds(&manager).components[0].state, State::Scheduled, "its database is back");
    bed.oozie.world().jobs.clear();
    manager.stop(&hourly(), true, &alice()).unwrap();
    let stopped = rounds(&manager);
    assert_eq!((stopped.status, stopped.components[0].state), (Phase::Created, State::Lost), "{stopped:?}");
}

#[test]
fn what_oozie_refuses_and_what_it_cannot_run_is_told() {
    let bed = bed(&coordinator());
    let manager = bed.manager();
    manager.round();
    bed.oozie.world().refuses = Some(("E1002", "Invalid coordinator application URI"));
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    let told = rounds(&manager);
    assert_eq!(told.components[0].state, State::Failed);
    assert!(told.components[0].reason.contains("E1002: Invalid coordinator"), "{told:?}");
    rounds(&manager);
    assert!(status(&bed).is_empty(), "it is not sent again by itself");
}

#[test]
fn pnda_s_example_is_made_only_where_a_release_waits_for_its_job() {
    let mut bed = Bed::new();
    let environment = [("yarn_resource_manager_host", "manager"), ("yarn_resource_manager_mr_port", "8032")];
    bed.site.environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let name = PackageName::new(PACKAGE).unwrap();
    let deployed = |bed: &Bed| {
        let manager = bed.manager();
        manager.round();
        let _ = manager.receive(&name, &alice(), &*example(), None);
        let _ = manager.deploy(&name, &alice());
        manager
    };
    let body = json!({ "package": PACKAGE });
    let refused = deployed(&bed).create(&hourly(), &body, &alice()).unwrap_err().to_string();
    assert!(refused.contains("takes Flink 1.15 to 1.20, and this cluster has 2.3.0"), "{refused}");
    let release = bed.site.flinks.values().next().unwrap().clone();
    bed.site
        .flinks
        .insert("1.20.5".parse().unwrap(), crate::site::Release { staged: "/pnda/flink/2.3.0".into(), ..release });
    deployed(&bed).create(&hourly(), &body, &alice()).unwrap();
    bed.site.oozie = None;
    let none = deployed(&bed).start_if_ready(&hourly(), Origin::Newest, &alice()).unwrap_err();
    assert!(
        matches!(&none, Refusal::Invalid(why) if why.contains("add the stack oozie to the cluster file")),
        "{none:?}"
    );
}

#[test]
fn a_start_has_one_job_in_oozie_whatever_is_lost_or_dies() {
    for package in [coordinator(), workflow()] {
        // So many requests has a start to which nothing happens.
        let requests = one_start(&package, (usize::MAX, Fault::None, false));
        assert!(requests > 20, "{requests}");
        let cases = [
            (Fault::None, true),
            (Fault::Dropped, false),
            (Fault::Swallowed, false),
            (Fault::Swallowed, true),
            (Fault::Delayed, true),
            (Fault::Late, false),
        ];
        for (fault, kills) in cases {
            for number in 1..=requests {
                one_start(&package, (number, fault, kills));
            }
        }
    }
}

fn is_good(manager: &Manager) -> bool {
    told(manager).is_some_and(|told| matches!(told.components[0].state, State::Scheduled | State::Running))
}

/// Gives how many requests there were until all was well.
fn one_start(package: &[u8], (number, fault, kills): (usize, Fault, bool)) -> usize {
    let bed = bed(package);
    let clock: Arc<TestClock> = TestClock::by(3600).into();
    let mut manager = bed.manager_by(&clock);
    manager.round();
    manager.start(&hourly(), Origin::Newest, &alice()).unwrap();
    bed.wire.expect(number, fault, kills);
    for _ in 0..12 {
        manager.round();
        if bed.wire.plan().is_dead {
            drop(manager);
            bed.wire.revive();
            manager = bed.manager_by(&clock);
            manager.round();
        }
        if is_good(&manager) {
            break;
        }
        clock.ahead_ms.fetch_add(MINUTES_MS, Ordering::Relaxed);
    }
    let count = bed.wire.plan().count;
    // What was under way comes through meanwhile.
    (0..2).for_each(|_| manager.round());
    bed.wire.plan().fault = None;
    manager.round();
    assert!(is_good(&manager), "{fault:?} {kills} {number}: {:?}", told(&manager));
    let known = told(&manager).unwrap().components[0].oozie.clone().unwrap().id.unwrap();
    assert_eq!(live(&bed), [known], "{fault:?} {kills} {number}: {:?}", bed.wire.plan().lines);
    count
}
