//! Cleanings of a whole manager under way: an order in the middle of one, any request lost or doubled, starts and failures beside
//! it, another node.
//! Not here: what goes and what stays (`housekeeping`), and a real HDFS and YARN (`tests/trial.rs`).

use super::bed::{Bed, FILESYSTEM, ROUNDS, TestClock, alice, application, is_running, is_stopped, key, told_of};
use super::faults::{FAULTS, each};
use super::housekeeping::{CHECKPOINTS, DRY, NOW, admin, all, former, going, lies, littered, paths, put};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::Refusal;
use crate::package::tests::WORDCOUNT;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use words::application::Application;
use words::housekeeping::Entry;
use words::ids::ApplicationId;
use words::names::ApplicationName;

/// So long a request waits for an order; one that holds the journal is waited for by the order instead.
const WAIT: Duration = Duration::from_millis(20);
/// More requests than a start or a cleaning has.
const MOST: usize = 120;

/// An order to begin from what goes, before each request of a cleaning: either it has it, or it is refused with the reason.
fn a_start_before_each_request(
    name: &ApplicationName,
    bed: &mut Bed,
    start: impl Fn(&Manager) + Send + Sync + 'static,
) {
    let (nodes, ended) = (bed.hdfs.world.lock().unwrap().nodes.clone(), bed.yarn.world().applications.clone());
    let start = Arc::new(start);
    let (mut removed, mut stayed) = (0, 0);
    for number in 1..=MOST {
        bed.take_back(&nodes);
        bed.yarn.world().applications = ended.clone();
        let manager = Arc::new(bed.manager());
        manager.round();
        *bed.wire.plan() = Default::default();
        let (ordering, start) = (manager.clone(), start.clone());
        let (begun, starts) = mpsc::channel();
        let before = move || {
            let (done, waits) = mpsc::channel::<()>();
            let ordered = thread::spawn(move || {
                start(&ordering);
                while ordering.serve() {}
                drop(done);
            });
            let _ = begun.send(ordered);
            // What it waits for may be this very request.
            let _ = waits.recv_timeout(WAIT);
        };
        bed.wire.plan().before = Some((number, Box::new(before)));
        let _ = manager.clean(NOW, &admin());
        for _ in 0..2 {
            for _ in 0..ROUNDS {
                manager.round();
                bed.step();
            }
            starts.try_iter().for_each(|ordered| ordered.join().unwrap());
        }
        if bed.wire.plan().before.take().is_some() {
            break;
        }
        let told = manager.application(name).unwrap().unwrap();
        let is_gone = !lies(bed, &former());
        (removed, stayed) = (removed + usize::from(is_gone), stayed + usize::from(!is_gone));
        let from = told.components[0].restored_from.clone();
        match is_running(&told) {
            // What it began from is there.
            true => {
                assert!(from.is_some_and(|from| lies(bed, from.trim_start_matches(FILESYSTEM))), "{number}: {told:?}")
            }
            false => assert!(is_gone && told.information.is_some(), "{number}: {told:?}"),
        }
        assert!(bed.journal().cleanings.is_empty(), "{number}");
        assert_eq!(manager.state().unwrap(), bed.journal(), "{number}");
    }
    println!("a cleaning before whose requests a start was ordered: {removed} removed, {stayed} stayed");
    assert!(removed > 5 && stayed > 5, "{removed}, {stayed}");
}

fn from() -> String {
    format!("{FILESYSTEM}{}/chk-7", former())
}

#[test]
fn a_start_from_what_goes_has_it_or_is_refused() {
    let mut bed = littered();
    a_start_before_each_request(&application(), &mut bed, |manager| {
        let _ = manager.start(&application(), Origin::Path(from()), &alice());
    });
}

#[test]
fn so_does_one_of_another_application() {
    let mut bed = littered();
    let manager = bed.manager();
    manager.round();
    let other = ApplicationName::new("other").unwrap();
    manager.create(&other, &json!({ "package": WORDCOUNT }), &alice()).unwrap();
    drop(manager);
    let name = other.clone();
    a_start_before_each_request(&other, &mut bed, move |manager| {
        let _ = manager.start(&name, Origin::Path(from()), &alice());
    });
}

#[test]
fn a_cleaning_removes_just_that_whatever_becomes_of_any_request() {
    let mut bed = littered();
    let (nodes, ended) = (bed.hdfs.world.lock().unwrap().nodes.clone(), bed.yarn.world().applications.clone());
    let manager = bed.manager();
    manager.round();
    let due = paths(&manager.clean(DRY, &admin()).unwrap());
    drop(manager);
    let kept: Vec<String> =
        nodes.keys().filter(|path| !due.iter().any(|going| path.starts_with(going))).cloned().collect();
    let points = each(&FAULTS, |point| {
        bed.take_back(&nodes);
        bed.yarn.world().applications = ended.clone();
        let goes = |one: &Entry| one.goes || one.why.contains("being removed already");
        let order = |manager: &Manager| {
            let found = manager.clean(NOW, &admin())?;
            let stays = found.entries.iter().find(|one| due.contains(&one.path) && !goes(one));
            // Whoever is told that something was not seen orders it again.
            match stays.map(|one| one.why.clone()).or(found.notes.first().cloned()) {
                Some(why) => Err(Refusal::Unavailable(why)),
                None => Ok(()),
            }
        };
        let hdfs = bed.hdfs.clone();
        let is_done = |_: &Application| {
            let world = hdfs.world.lock().unwrap();
            due.iter().all(|path| !world.nodes.contains_key(path))
        };
        let (manager, hit) = bed.suffer(point, order, is_done);
        assert!(is_done(&told_of(&manager).unwrap()), "{point:?}");
        let state = bed.journal();
        assert!(state.cleanings.is_empty() && manager.state().unwrap() == state, "{point:?}");
        for path in &kept {
            let is_record = path.starts_with("/pnda/apps/");
            assert!(is_record || lies(&bed, path), "{point:?}: {path}");
        }
        hit
    });
    println!("points of a cleaning by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 25), "{points:?}");
}

/// Starts, stops and failures with a cleaning before every round of each.
#[test]
fn nothing_that_a_run_has_goes_through_thirty_starts_and_ten_failures() {
    let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
    let manager = bed.manager_by(&clock);
    manager.round();
    let (mut removed, mut failed) = (0, 0);
    for turn in 0..30 {
        put(&bed, "alice", &format!("{CHECKPOINTS}/{turn:032x}/chk-1/_metadata"));
        // What goes now is removed while the next run starts.
        removed += going(&manager.clean(NOW, &admin()).unwrap()).len();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        let id = cleaned_until(&mut bed, (&manager, &clock), &mut removed, is_running);
        if turn % 3 == 0 {
            bed.yarn.set(&ApplicationId::new(id.clone()).unwrap(), "FAILED", "FAILED");
            let is_other = |told: &Application| is_running(told) && told.components[0].yarn_id.as_ref() != Some(&id);
            cleaned_until(&mut bed, (&manager, &clock), &mut removed, is_other);
            failed += 1;
        }
        manager.stop(&application(), true, &alice()).unwrap();
        cleaned_until(&mut bed, (&manager, &clock), &mut removed, is_stopped);
    }
    println!("{removed} things were removed beside 30 starts and {failed} failures");
    assert!(removed >= 25 && failed == 10, "{removed} {failed}");
}

/// Cleans and does a round until all is well; whatever lives has its files. Gives the last run.
fn cleaned_until(
    bed: &mut Bed,
    (manager, clock): (&Manager, &TestClock),
    removed: &mut usize,
    is_good: impl Fn(&Application) -> bool,
) -> String {
    for _ in 0..2 * ROUNDS {
        // The pause before another run is over.
        clock.ahead_ms.fetch_add(60_000, Ordering::Relaxed);
        *removed += going(&manager.clean(NOW, &admin()).unwrap()).len();
        manager.round();
        bed.step();
        let state = manager.state().unwrap();
        let component = &state.applications[&application()].components[&key().component];
        if let Some(run) = component.live().filter(|run| run.accepted) {
            assert!(lies(bed, &format!("/user/alice/.flink/{}", run.id)), "{run:?}");
            let from = run.restore.as_ref().map(|from| from.trim_start_matches(FILESYSTEM));
            assert!(from.is_none_or(|from| lies(bed, from)), "{run:?}");
        }
        if told_of(manager).is_some_and(|told| is_good(&told)) {
            return told_of(manager).unwrap().components[0].yarn_id.clone().unwrap();
        }
    }
    panic!("{:?}", told_of(manager));
}

/// Any node takes the order; the one that manages carries it out, and the other one touches nothing.
#[test]
fn a_node_that_stands_by_takes_the_order_and_removes_nothing() {
    let bed = littered();
    // No time passes in which one would be taken for gone.
    let clock = Arc::new(TestClock::by(0));
    let (manager, other) = (bed.manager_by(&clock).on_node("one"), bed.manager_elsewhere_by(&clock).on_node("two"));
    bed.direct("pnda").delete("/pnda/apps/manager").unwrap();
    manager.round();
    other.round();
    assert!(other.silent().is_some_and(|why| why.contains("one")), "{:?}", other.silent());
    let due = paths(&other.clean(NOW, &admin()).unwrap());
    assert_eq!(due.len(), 4);
    other.round();
    other.tidy_up();
    assert!(due.iter().all(|path| lies(&bed, path)));
    manager.round();
    assert!(due.iter().all(|path| !lies(&bed, path)));
}

/// Two managers that know of one order both carry it out; neither does more than that.
#[test]
fn one_that_was_overtaken_removes_nothing_that_the_other_needs() {
    let mut bed = littered();
    let sleeper = bed.manager();
    sleeper.round();
    sleeper.clean(NOW, &admin()).unwrap();
    let other = bed.manager_elsewhere();
    other.round();
    assert!(!lies(&bed, &former()) && other.state().unwrap().cleanings.is_empty());
    let id = bed.started_by(&other);
    let before = all(&bed);
    sleeper.tidy_up();
    sleeper.round();
    let gone: Vec<_> = before.difference(&all(&bed)).cloned().collect();
    assert!(gone.iter().all(|path| path.starts_with("/pnda/apps/journal")), "{gone:?}");
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "RUNNING");
}
