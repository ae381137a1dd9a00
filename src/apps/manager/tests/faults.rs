//! Every request of a start and of a stop, each in turn dropped, unanswered, doubled, late, or the last of its manager.
//! The manager is real, the three servers are scripted, and after each fault a new manager goes on from the journal.
//! Not here: servers that are away for longer.

use super::bed::{Bed, alice, application, is_running, is_stopped, key, told_of};
use super::wire::Fault;
use crate::journal::{Origin, Outcome, Wanted};
use crate::manager::Manager;
use std::collections::BTreeSet;

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
