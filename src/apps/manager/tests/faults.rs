//! Every request of a start, of a stop, of an upgrade and of its way back, and of taking and removing savepoints, each in turn
//! dropped, unanswered, doubled, late, or the last of its manager.
//! The manager is real, the three servers are scripted, and after each fault a new manager goes on from the journal.
//! Not here: servers that are away for longer.

use super::bed::{Bed, alice, application, is_running, is_stopped, key, told_of};
use super::upgrades::{NEWER, SLOTS, deploy, is_at, newer};
use super::wire::Fault;
use crate::journal::{Origin, Outcome, Wanted};
use crate::manager::Manager;
use crate::package::tests::WORDCOUNT;
use serde_json::json;
use std::collections::BTreeSet;
use systems::jobmanager::Outcome as Triggered;
use words::application::{Application, SavepointState};
use words::change::{Purpose, Step};
use words::savepoints::Dispose;

/// What may happen to one request, and whether the manager is killed then.
pub(super) const FAULTS: [(Fault, bool); 12] = [
    (Fault::None, true),
    (Fault::Dropped, true),
    (Fault::Swallowed, true),
    (Fault::Doubled, true),
    (Fault::Delayed, true),
    (Fault::Dropped, false),
    (Fault::Swallowed, false),
    (Fault::Doubled, false),
    (Fault::Delayed, false),
    (Fault::Late, true),
    (Fault::Late, false),
    (Fault::Outage, false),
];

/// Does it for every fault at every request, until there are no more requests; gives how many there were.
pub(super) fn each(faults: &[(Fault, bool)], mut once: impl FnMut((usize, Fault, bool)) -> bool) -> Vec<usize> {
    let of_one = |(fault, kills): &(Fault, bool)| (1..).take_while(|number| once((*number, *fault, *kills))).count();
    faults.iter().map(of_one).collect()
}

#[test]
fn a_start_runs_once_whatever_becomes_of_any_request() {
    let mut bed = Bed::new();
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    let points = each(&FAULTS, |point| {
        bed.take_back(&fresh);
        bed.yarn.world().applications.clear();
        bed.submitted();
        let _ = std::fs::remove_dir_all(bed.folder.path().join("apps/work"));
        let order = |manager: &Manager| manager.start(&application(), Origin::Newest, &alice());
        let (manager, hit) = bed.suffer(point, order, is_running);
        let told = told_of(&manager);
        assert!(told.as_ref().is_some_and(is_running), "{point:?}: {told:?}");
        let (submitted, state) = (bed.submitted(), bed.journal());
        let accepted: BTreeSet<String> = bed.yarn.world().applications.keys().cloned().collect();
        let id = told.unwrap().components[0].yarn_id.clone().unwrap();
        assert_eq!((accepted.len(), &submitted), (1, &accepted), "{point:?}");
        assert!(accepted.contains(&id), "{point:?}: {id}");
        assert_eq!(manager.state().unwrap(), state, "{point:?}");
        let run = state.applications[&application()].components[&key().component].live().unwrap();
        assert!(run.accepted && run.id.as_str() == id, "{point:?}: {run:?}");
        assert!(matches!(state.applications[&application()].wanted, Wanted::Started { .. }));
        assert_eq!(bed.work(), 0, "{point:?}: no files stay on the node");
        hit
    });
    println!("points of a start by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 30), "{points:?}");
}

#[test]
fn a_stop_saves_once_and_the_next_start_goes_on_from_there_whatever_becomes_of_any_request() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    drop(manager);
    let (nodes, running) = (bed.hdfs.world.lock().unwrap().nodes.clone(), bed.yarn.world().applications.clone());
    let jobs = bed.flink.world().jobs.clone();
    let points = each(&FAULTS, |point| {
        bed.take_back(&nodes);
        bed.yarn.world().applications = running.clone();
        *bed.flink.world() = Default::default();
        bed.flink.world().jobs = jobs.clone();
        bed.savepoints.clear();
        bed.submitted();
        let order = |manager: &Manager| manager.stop(&application(), true, &alice());
        let (manager, hit) = bed.suffer(point, order, is_stopped);
        let told = told_of(&manager);
        assert!(told.as_ref().is_some_and(is_stopped), "{point:?}: {told:?}");
        let places = bed.places();
        assert_eq!(places.len(), 1, "{point:?}: one savepoint: {:?}", bed.savepoints);
        let state = bed.journal();
        assert_eq!(manager.state().unwrap(), state, "{point:?}");
        let component = &state.applications[&application()].components[&key().component];
        let outcomes: Vec<&Outcome> = component.savepoints.iter().map(|savepoint| &savepoint.outcome).collect();
        assert_eq!(outcomes, [&Outcome::Completed(places[0].clone())], "{point:?}");
        assert!(component.run.as_ref().is_some_and(|run| run.id == id && run.end.is_some()), "{point:?}");
        let kills = bed.yarn.server.count("PUT ");
        assert_eq!(kills, 0, "{point:?}: nothing is killed");
        drop(manager);
        let (manager, next) = bed.started();
        assert_eq!(bed.set_for(&next, "execution.state-recovery.path"), Some(places[0].clone()), "{point:?}");
        assert_eq!(bed.submitted().into_iter().collect::<Vec<_>>(), [next.as_str()], "{point:?}");
        drop(manager);
        hit
    });
    println!("points of a stop by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 15), "{points:?}");
}

/// Where the savepoints lie that are whole.
fn whole(bed: &Bed) -> Vec<String> {
    let folder = "/pnda/flink/savepoints/alice/words/word-count";
    crate::savepoints::look(&bed.direct("alice"), folder).unwrap().all.into_iter().map(|one| one.path).collect()
}

#[test]
fn a_removal_takes_the_files_and_then_what_is_known_whatever_becomes_of_any_request() {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    let id = manager.savepoint(&application(), &alice()).unwrap().remove(&key().component).unwrap();
    let is_saved = |told: &Application| told.components[0].savepoints[0].state == SavepointState::Completed;
    assert!(bed.settle(&manager, is_saved));
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    let last = bed.component().savepoints.pop().unwrap();
    drop(manager);
    let nodes = bed.hdfs.world.lock().unwrap().nodes.clone();
    assert_eq!(whole(&bed).len(), 2);
    let points = each(&FAULTS, |point| {
        bed.take_back(&nodes);
        let order = |manager: &Manager| manager.dispose(&application(), &id, Dispose::default(), &alice()).map(drop);
        let is_removed = |told: &Application| told.components[0].savepoints.len() == 1;
        let (manager, hit) = bed.suffer(point, order, is_removed);
        let state = bed.journal();
        assert_eq!(manager.state().unwrap(), state, "{point:?}");
        let component = &state.applications[&application()].components[&key().component];
        assert_eq!((&component.savepoints[..], component.disposals.len()), (&[last.clone()][..], 0), "{point:?}");
        let lies = last.path().unwrap().trim_start_matches(super::bed::FILESYSTEM);
        assert_eq!(whole(&bed), [lies], "{point:?}: the other one stays");
        hit
    });
    println!("points of a removal by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 8), "{points:?}");
}

#[test]
fn one_that_is_due_is_taken_once_and_the_old_one_goes_after_it_whatever_becomes_of_any_request() {
    const HOUR_MS: u64 = 3_600_000;
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    let properties = json!({ "savepoint_interval_sec": "3600", "savepoint_keep": "1" });
    let body = json!({ "package": WORDCOUNT, "flink": { "word-count": properties } });
    manager.create(&application(), &body, &alice()).unwrap();
    drop(manager);
    let (manager, id) = bed.started();
    drop(manager);
    bed.ahead_ms = 2 * HOUR_MS;
    let manager = bed.manager();
    let first = |told: &Application| told.components[0].savepoints.iter().any(|one| one.path.is_some());
    assert!(bed.settle(&manager, first));
    drop(manager);
    bed.ahead_ms = 4 * HOUR_MS;
    let nodes = bed.hdfs.world.lock().unwrap().nodes.clone();
    let old = whole(&bed);
    assert_eq!(old.len(), 1);
    let mut failed = 0;
    let points = each(&FAULTS, |point| {
        bed.take_back(&nodes);
        bed.flink.server.asked();
        let is_good = |told: &Application| match &told.components[0].savepoints[..] {
            [one] => one.path.as_ref().is_some_and(|path| !path.ends_with(&old[0])),
            [_, one] => one.state == SavepointState::Failed,
            _ => false,
        };
        let (manager, hit) = bed.suffer(point, |_| Ok(()), is_good);
        let told = told_of(&manager).unwrap();
        assert!(is_good(&told) && is_running(&told), "{point:?}: {told:?}");
        let state = bed.journal();
        assert_eq!(manager.state().unwrap(), state, "{point:?}");
        let component = &state.applications[&application()].components[&key().component];
        assert!(component.live().is_some_and(|run| run.id == id) && component.disposals.is_empty(), "{point:?}");
        let known: Vec<&str> = component.savepoints.iter().filter_map(|one| one.path()).collect();
        let lie = whole(&bed);
        assert!(known.len() == 1 && lie.len() == 1 && known[0].ends_with(&lie[0]), "{point:?}: {known:?} {lie:?}");
        failed += component.savepoints.len() - 1;
        hit
    });
    println!("points of one in time by fault: {points:?}, {} in all, {failed} failed", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 15) && failed < 20, "{points:?}, {failed}");
}

/// Of a longer way, each request with these: the others hit the same requests in a start and in a stop.
const SOME: [(Fault, bool); 4] =
    [(Fault::None, true), (Fault::Swallowed, true), (Fault::Doubled, false), (Fault::Late, true)];

/// An upgrade from what runs to its end, for faults at every request. `failing`: the newer version fails.
fn upgraded(failing: bool) -> Vec<usize> {
    let mut bed = Bed::new();
    let (manager, old) = bed.started();
    deploy(&manager);
    drop(manager);
    (bed.rounds, bed.is_alone, bed.failing) = (40, true, failing.then_some(SLOTS));
    let (nodes, running) = (bed.hdfs.world.lock().unwrap().nodes.clone(), bed.yarn.world().applications.clone());
    let jobs = bed.flink.world().jobs.clone();
    let (step, package) = if failing { (Step::Returned, WORDCOUNT) } else { (Step::Good, NEWER) };
    each(&SOME, |point| {
        bed.take_back(&nodes);
        bed.yarn.world().applications = running.clone();
        *bed.flink.world() = Default::default();
        (bed.flink.world().jobs, bed.flink.world().triggered) = (jobs.clone(), Some(Triggered::Done));
        bed.savepoints.clear();
        bed.began.clear();
        bed.submitted();
        let order =
            |manager: &Manager| manager.order_change(&application(), (Purpose::Upgrade, newer(), true), &alice());
        let is_good = |told: &Application| is_at(told, step) && is_running(told);
        let (manager, hit) = bed.suffer(point, order, is_good);
        let told = told_of(&manager).unwrap();
        assert!(is_good(&told) && told.package.as_str() == package, "{point:?}: {told:?}");
        let (places, state) = (bed.places(), bed.journal());
        assert_eq!(places.len(), 1, "{point:?}: one savepoint: {:?}", bed.savepoints);
        assert_eq!(manager.state().unwrap(), state, "{point:?}");
        let runs: Vec<String> = bed.yarn.world().applications.keys().cloned().collect();
        assert_eq!(runs.len(), if failing { 3 } else { 2 }, "{point:?}: {runs:?}");
        // Never begun empty, and never from what the version that failed has made of it.
        for run in runs.iter().filter(|run| *run != old.as_str()) {
            assert_eq!(bed.began[run], Some(places[0].clone()), "{point:?}: {run}");
        }
        assert_eq!(bed.work(), 0, "{point:?}: no files stay on the node");
        hit
    })
}

#[test]
fn an_upgrade_runs_once_and_from_its_savepoint_whatever_becomes_of_any_request() {
    let points = upgraded(false);
    println!("points of an upgrade by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 50), "{points:?}");
}

#[test]
fn the_way_back_leads_to_the_savepoint_whatever_becomes_of_any_request() {
    let points = upgraded(true);
    println!("points of a way back by fault: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 80), "{points:?}");
}
