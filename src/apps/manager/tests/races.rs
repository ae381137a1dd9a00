//! Removals that come in the middle of a start, before each of its requests in turn: what a run begins from is there, and
//! whoever ordered the removal of that is refused.
//! Not here: other orders in the middle of a start (`orders`), and lost requests (`faults`).

use super::bed::{Bed, FILESYSTEM, ROUNDS, alice, application, is_running, is_stopped, key};
use crate::journal::{Origin, Savepoint};
use crate::package::tests::WORDCOUNT;
use serde_json::json;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use words::application::{Application, SavepointState};
use words::names::ApplicationName;
use words::savepoints::Dispose;

/// So long a request waits for an order; one that holds the journal is waited for by the order instead.
const WAIT: Duration = Duration::from_millis(20);
/// What comes after the intent is refused like the first of it.
const MOST: usize = 80;

/// An application that has stopped, with a savepoint that was ordered and the one of its stop, which is given.
fn stopped() -> (Bed, Savepoint) {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    manager.savepoint(&application(), &alice()).unwrap();
    let is_saved = |told: &Application| told.components[0].savepoints[0].state == SavepointState::Completed;
    assert!(bed.settle(&manager, is_saved));
    manager.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&manager, is_stopped));
    let last = bed.component().savepoints.pop().unwrap();
    (bed, last)
}

fn lies(bed: &Bed, path: &str) -> bool {
    let path = format!("{}/_metadata", path.trim_start_matches(FILESYSTEM));
    bed.direct("alice").status(&path).unwrap().is_some()
}

/// Starts an application; before each request of that in turn the savepoint is to be removed. Gives how often it was, and was
/// not.
fn before_each(
    (bed, last): (&mut Bed, &Savepoint),
    name: &ApplicationName,
    is_good: impl Fn(&Bed, &Application, bool) -> bool,
) -> (usize, usize) {
    let nodes = bed.hdfs.world.lock().unwrap().nodes.clone();
    let (mut removed, mut refused) = (0, 0);
    for number in 1..=MOST {
        bed.take_back(&nodes);
        bed.yarn.world().applications.clear();
        let manager = Arc::new(bed.manager());
        manager.round();
        manager.start(name, Origin::Newest, &alice()).unwrap();
        *bed.wire.plan() = Default::default();
        let (ordered, outcome) = mpsc::channel();
        let (ordering, id) = (manager.clone(), last.id.clone());
        let before = move || {
            let (done, waits) = mpsc::channel::<()>();
            thread::spawn(move || {
                let choices = Dispose { newest: true, dry_run: false };
                let is_taken = ordering.dispose(&application(), &id, choices, &alice()).is_ok();
                // As a worker of the manager that has nothing else to do.
                while ordering.serve() {}
                let _ = ordered.send(is_taken);
                drop(done);
            });
            let _ = waits.recv_timeout(WAIT);
        };
        bed.wire.plan().before = Some((number, Box::new(before)));
        for _ in 0..ROUNDS {
            manager.round();
            bed.step();
        }
        if bed.wire.plan().before.take().is_some() {
            break;
        }
        let is_removed = outcome.recv().unwrap();
        (removed, refused) = (removed + usize::from(is_removed), refused + usize::from(!is_removed));
        let told = manager.application(name).unwrap().unwrap();
        assert!(is_good(bed, &told, is_removed), "{number}: {is_removed} {told:?}");
        assert_eq!(lies(bed, last.path().unwrap()), !is_removed, "{number}");
        let known = bed.journal().applications[&application()].components[&key().component].clone();
        assert!(known.disposals.is_empty() && known.savepoints.len() == 2 - usize::from(is_removed), "{number}");
    }
    println!("a start before whose requests its state was to be removed: {removed} removed, {refused} refused");
    (removed, refused)
}

#[test]
fn a_run_never_begins_from_what_is_removed_meanwhile() {
    let (mut bed, last) = stopped();
    let newest = last.path().unwrap().to_owned();
    let is_good = |bed: &Bed, told: &Application, is_removed: bool| {
        let from = told.components[0].restored_from.as_deref().unwrap_or_default();
        // Without the newest one it is the one before.
        is_running(told) && lies(bed, from) && (from == newest) != is_removed
    };
    let (removed, refused) = before_each((&mut bed, &last), &application(), is_good);
    assert!(removed > 3 && refused > 30, "{removed}, {refused}");
}

/// Nothing in the journal says that it would begin from there: its package does.
#[test]
fn nor_does_one_of_another_application() {
    let (mut bed, last) = stopped();
    let other = ApplicationName::new("other").unwrap();
    let manager = bed.manager();
    manager.round();
    let from = json!({ "word-count": { "flink_config_args": format!("-s {}", last.path().unwrap()) } });
    manager.create(&other, &json!({ "package": WORDCOUNT, "flink": from }), &alice()).unwrap();
    drop(manager);
    let is_good = |bed: &Bed, told: &Application, is_removed: bool| match is_removed {
        true => bed.yarn.world().applications.is_empty() && told.information.is_some(),
        false => is_running(told),
    };
    let (removed, refused) = before_each((&mut bed, &last), &other, is_good);
    assert!(removed > 3 && refused > 30, "{removed}, {refused}");
}
