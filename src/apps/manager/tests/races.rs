//! Removals that come in the middle of a start, before each of its requests in turn: what a run begins from is there, and
//! whoever ordered the removal of that is refused.
//! Not here: other orders in the middle of a start (`orders`), and lost requests (`faults`).

use super::bed::{Bed, FILESYSTEM, ROUNDS, alice, application, is_running, is_stopped, key, told_of};
use crate::journal::Origin;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use words::application::{Application, SavepointState};
use words::savepoints::Dispose;

/// So long a request waits for an order; one that holds the journal is waited for by the order instead.
const WAIT: Duration = Duration::from_millis(20);

#[test]
fn a_run_never_begins_from_what_is_removed_meanwhile() {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    manager.savepoint(&application(), &alice()).unwrap();
    let is_saved = |told: &Application| told.components[0].savepoints[0].state == SavepointState::Completed;
    assert!(bed.settle(&manager, is_saved));
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    let last = bed.component().savepoints.pop().unwrap();
    drop(manager);
    let nodes = bed.hdfs.world.lock().unwrap().nodes.clone();
    let (mut removed, mut refused) = (0, 0);
    let mut once = |number: &usize| {
        bed.take_back(&nodes);
        bed.yarn.world().applications.clear();
        let manager = Arc::new(bed.manager());
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        *bed.wire.plan() = Default::default();
        let (ordered, outcome) = mpsc::channel();
        let (ordering, id) = (manager.clone(), last.id.clone());
        let before = move || {
            let (done, waits) = mpsc::channel::<()>();
            thread::spawn(move || {
                let choices = Dispose { newest: true, dry_run: false };
                let _ = ordered.send(ordering.dispose(&application(), &id, choices, &alice()));
                drop(done);
            });
            let _ = waits.recv_timeout(WAIT);
        };
        bed.wire.plan().before = Some((*number, Box::new(before)));
        for _ in 0..ROUNDS {
            manager.round();
            bed.step();
        }
        if bed.wire.plan().before.take().is_some() {
            return false;
        }
        let is_removed = outcome.recv().is_ok_and(|outcome| outcome.is_ok());
        (removed, refused) = (removed + usize::from(is_removed), refused + usize::from(!is_removed));
        let told = told_of(&manager).unwrap();
        assert!(is_running(&told), "{number}: {told:?}");
        let from = told.components[0].restored_from.clone().unwrap();
        let lies = |path: &str| {
            let path = format!("{}/_metadata", path.trim_start_matches(FILESYSTEM));
            bed.direct("alice").status(&path).unwrap().is_some()
        };
        assert!(lies(&from), "{number}: it begins from what is there: {from}");
        assert_eq!((lies(last.path().unwrap()), from == last.path().unwrap()), (!is_removed, !is_removed), "{number}");
        let known = bed.journal().applications[&application()].components[&key().component].clone();
        assert!(known.disposals.is_empty() && known.savepoints.len() == 2 - usize::from(is_removed), "{number}");
        true
    };
    // What comes after the intent is refused like the first of it.
    let points = (1..=80).take_while(|number| once(number)).count();
    println!(
        "points of a start before which its state was to be removed: {points}, {removed} removed, {refused} refused"
    );
    assert!(points > 25 && removed > 3 && refused > 3, "{points}: {removed}, {refused}");
}
