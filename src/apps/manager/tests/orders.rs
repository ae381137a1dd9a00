//! Orders that come in the middle of a start, before each of its requests in turn: the start is carried to its end or never
//! begun, and what was ordered last comes to pass.
//! Not here: which orders are allowed when.

use super::bed::{Bed, ROUNDS, alice, application, key, told_of};
use crate::journal::{Origin, Verdict};
use crate::manager::Manager;
use crate::orders::Refusal;
use crate::package::tests::WORDCOUNT;
use serde_json::json;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use words::application::{self as told, Application, Phase};
use words::names::ApplicationName;

/// So long a request waits for an order; one that holds the journal is waited for by the order instead.
const WAIT: Duration = Duration::from_millis(20);

/// A start with another order before each request; gives how many there were.
fn before_each(order: fn(&Manager) -> Result<(), Refusal>, is_good: fn(Option<&Application>) -> bool) -> usize {
    let mut bed = Bed::new();
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    let once = |number: &usize| {
        bed.take_back(&fresh);
        bed.yarn.world().applications.clear();
        bed.submitted();
        bed.savepoints.clear();
        let manager = Arc::new(bed.manager());
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        *bed.wire.plan() = Default::default();
        let (ordered, outcome) = mpsc::channel();
        let ordering = manager.clone();
        let before = move || {
            let (done, waits) = mpsc::channel::<()>();
            thread::spawn(move || {
                let _ = ordered.send(order(&ordering));
                drop(done);
            });
            let _ = waits.recv_timeout(WAIT);
        };
        bed.wire.plan().before = Some((*number, Box::new(before)));
        for _ in 0..3 {
            manager.round();
            bed.step();
        }
        let hit = bed.wire.plan().before.take().is_none();
        // Who was told that it is not the time for it orders again.
        let mut taken = outcome.recv().is_ok_and(|outcome| outcome.is_ok());
        for _ in 0..ROUNDS {
            taken = taken || order(&manager).is_ok();
            manager.round();
            bed.step();
        }
        let told = told_of(&manager);
        assert!(taken && is_good(told.as_ref()), "{number}: {told:?}");
        assert_eq!(manager.state().unwrap(), bed.journal(), "{number}");
        assert!(bed.submitted().len() <= 1, "{number}");
        let alive: Vec<String> = bed.yarn.world().applications.values().map(|one| one.state.clone()).collect();
        assert!(alive.iter().all(|state| matches!(state.as_str(), "KILLED" | "FINISHED")), "{number}: {alive:?}");
        hit
    };
    (1..).take_while(once).count()
}

#[test]
fn a_stop_in_the_middle_of_a_start_comes_to_pass() {
    let is_over = |told: Option<&Application>| {
        told.is_some_and(|told| told.status == Phase::Created && told.components[0].state.is_over())
    };
    for (save, order) in [
        (true, (|manager| manager.stop(&application(), true, &alice())) as fn(&Manager) -> Result<(), Refusal>),
        (false, |manager| manager.stop(&application(), false, &alice())),
    ] {
        let points = before_each(order, is_over);
        println!("points of a start before which it was stopped, saving {save}: {points}");
        assert!(points > 25, "{points}");
    }
}

#[test]
fn a_deletion_in_the_middle_of_a_start_comes_to_pass() {
    let points = before_each(|manager| manager.delete(&application(), &alice()), |told| told.is_none());
    println!("points of a start before which it was deleted: {points}");
    assert!(points > 25, "{points}");
}

#[test]
fn what_is_known_is_told_while_a_record_is_being_written() {
    let bed = Bed::new();
    let manager = Arc::new(bed.manager());
    manager.round();
    *bed.wire.plan() = Default::default();
    let (asking, (tells, told)) = (manager.clone(), mpsc::channel());
    let before = move || {
        let (answers, answer) = mpsc::channel();
        thread::spawn(move || answers.send(told_of(&asking)));
        let _ = tells.send(answer.recv_timeout(Duration::from_secs(5)));
    };
    bed.wire.plan().before = Some((1, Box::new(before)));
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    let told = told.recv().unwrap().expect("an answer before the order is written").unwrap();
    assert_eq!(told.status, Phase::Created, "what was so until then");
    assert_eq!(told_of(&manager).unwrap().status, Phase::Starting);
}

#[test]
fn yarn_is_asked_once_in_a_round_for_all_that_waits() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    for name in ["words", "verbs", "nouns"] {
        let name = ApplicationName::new(name).unwrap();
        let _ = manager.create(&name, &json!({ "package": WORDCOUNT }), &alice());
        manager.start(&name, Origin::Newest, &alice()).unwrap();
    }
    manager.round();
    assert_eq!(bed.yarn.world().applications.len(), 3);
    bed.yarn.server.asked();
    manager.round();
    let asked = bed.yarn.server.asked();
    assert!(matches!(asked.as_slice(), [one] if one.starts_with("GET /ws/v1/cluster/apps?applicationTags=pnda-pico&")));
    let waits = |one: &told::Application| one.components[0].state == told::State::Waiting;
    assert!(manager.applications().unwrap().iter().all(waits), "{:?}", manager.applications());
    // What ends is in no list of what is live.
    bed.yarn.set(
        &manager.state().unwrap().applications[&application()].components[&key().component].live().unwrap().id,
        "FAILED",
        "FAILED",
    );
    manager.round();
    assert_eq!(bed.component().run.unwrap().end.unwrap().verdict, Verdict::Failed);
}
