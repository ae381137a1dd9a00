//! Components with a schedule: nothing runs before its time, one run at a time, and a manager that dies between a time and its
//! submission, or sleeps through several times, makes of each what the component says.
//! Not here: which times a schedule has.

use super::bed::{Bed, TestClock, alice, application, is_running, told_of};
use super::faults::{FAULTS, each};
use crate::clock::Clock;
use crate::journal::Origin;
use crate::manager::Manager;
use crate::package::tests::WORDCOUNT;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use words::application::{Phase, State};

const HOUR_MS: u64 = 3_600_000;

/// One whose only component runs at each full hour.
fn bed(missed: &str) -> Bed {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    let properties = json!({ "flink_job_type": "batch", "schedule": "0 * * * *", "schedule_missed": missed });
    let body = json!({ "package": WORDCOUNT, "flink": { "word-count": properties } });
    manager.create(&application(), &body, &alice()).unwrap();
    drop(manager);
    bed.submitted();
    bed
}

fn clock() -> Arc<TestClock> {
    TestClock::by(3600).into()
}

fn later(clock: &TestClock, ms: u64) {
    clock.ahead_ms.fetch_add(ms, Ordering::Relaxed);
}

/// The run that there is ends well.
fn end(bed: &Bed, manager: &Manager) {
    let id = bed.component().run.unwrap().id;
    bed.yarn.set(&id, "FINISHED", "SUCCEEDED");
    (0..2).for_each(|_| manager.round());
}

#[test]
fn runs_begin_at_their_times_one_at_a_time() {
    for (missed, after) in [("one", 1), ("all", 3), ("none", 0)] {
        let mut bed = bed(missed);
        let clock = clock();
        let manager = bed.manager_by(&clock);
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        (0..3).for_each(|_| manager.round());
        let told = told_of(&manager).unwrap();
        assert_eq!((told.status, told.components[0].state), (Phase::Started, State::Scheduled));
        assert!(told.components[0].reason.starts_with("the next run begins at "), "{told:?}");
        assert!(bed.submitted().is_empty(), "nothing before its time");
        // The agent was away at the full hour, and comes back in time.
        let to_next = HOUR_MS - (&clock as &dyn Clock).now_ms() % HOUR_MS;
        later(&clock, to_next + 60_000);
        assert!(bed.settle(&manager, is_running), "{missed}: {:?}", told_of(&manager));
        assert_eq!(bed.submitted().len(), 1);
        // Three hours pass while it runs, and a little more than the grace.
        later(&clock, 3 * HOUR_MS + 10 * 60_000);
        (0..3).for_each(|_| manager.round());
        assert_eq!(bed.submitted().len(), 0, "{missed}: one at a time");
        end(&bed, &manager);
        let mut runs = 0;
        while bed.settle(&manager, is_running) {
            runs += 1;
            end(&bed, &manager);
        }
        assert_eq!((runs, bed.submitted().len()), (after, after), "{missed}");
        let told = told_of(&manager).unwrap();
        assert!(told.components[0].reason.contains("the next run begins at"), "{missed}: {told:?}");
        manager.stop(&application(), true, &alice()).unwrap();
        manager.round();
        later(&clock, 2 * HOUR_MS);
        (0..3).for_each(|_| manager.round());
        assert_eq!(told_of(&manager).unwrap().status, Phase::Created, "{missed}");
        assert!(bed.submitted().is_empty(), "{missed}: what is stopped does not begin");
    }
}

#[test]
fn a_time_has_one_run_whatever_becomes_of_any_request() {
    let mut bed = bed("one");
    let manager = bed.manager();
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    drop(manager);
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    bed.ahead_ms = HOUR_MS;
    let kills: Vec<_> = FAULTS.into_iter().filter(|(_, kills)| *kills).collect();
    let points = each(&kills, |point| {
        bed.take_back(&fresh);
        bed.yarn.world().applications.clear();
        bed.submitted();
        let (manager, hit) = bed.suffer(point, |_| Ok(()), is_running);
        assert!(told_of(&manager).as_ref().is_some_and(is_running), "{point:?}: {:?}", told_of(&manager));
        assert_eq!((bed.submitted().len(), bed.yarn.world().applications.len()), (1, 1), "{point:?}");
        let known = bed.component();
        assert!(known.run.unwrap().accepted && known.handled_ms > 0);
        hit
    });
    println!("points of a scheduled run: {points:?}, {} in all", points.iter().sum::<usize>());
}
