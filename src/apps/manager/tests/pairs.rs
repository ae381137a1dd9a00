//! Two managers on one journal, which nobody plans and which happens: nothing runs twice, and who is late catches up.
//! They share the scripted servers and nothing else.
//! Not here: which of them answers people.

use super::bed::{Bed, FLINK, alice, application, is_running, is_stopped, told_of};
use crate::journal::{Origin, Verdict};
use crate::manager::Manager;
use crate::orders::Refusal;
use crate::package::tests::{program, wordcount_as};
use std::thread;
use words::application::{Application, Phase, State};
use words::names::PackageName;

/// Both order, both work, one after the other or at once; until both see it done.
fn both(bed: &mut Bed, managers: [&Manager; 2], at_once: bool, is_good: fn(&Application) -> bool) {
    let done = (0..super::bed::ROUNDS).any(|_| {
        match at_once {
            true => thread::scope(|scope| {
                for manager in managers {
                    scope.spawn(|| manager.round());
                }
            }),
            false => managers.iter().for_each(|manager| manager.round()),
        }
        bed.step();
        managers.iter().all(|manager| told_of(manager).is_some_and(|told| is_good(&told)))
    });
    assert!(done, "{:?}", managers.map(told_of));
    for manager in managers {
        manager.round();
    }
    let state = bed.journal();
    assert!(managers.iter().all(|manager| manager.state().unwrap() == state), "both know the same");
}

#[test]
fn two_managers_start_and_stop_once() {
    for turn in 0..12 {
        let (mut bed, at_once) = (Bed::new(), turn > 2);
        let (one, other) = (bed.manager(), bed.manager_elsewhere());
        one.round();
        other.round();
        let start = |manager: &Manager| manager.start(&application(), Origin::Newest, &alice()).is_ok();
        let started = thread::scope(|scope| {
            let late = scope.spawn(|| start(&other));
            [start(&one), late.join().unwrap()]
        });
        assert_eq!(started.iter().filter(|done| **done).count(), 1, "one of two orders: {started:?}");
        both(&mut bed, [&one, &other], at_once, is_running);
        assert_eq!((bed.submitted().len(), bed.yarn.world().applications.len()), (1, 1), "turn {turn}");
        one.stop(&application(), true, &alice()).unwrap();
        both(&mut bed, [&one, &other], at_once, is_stopped);
        assert_eq!(bed.savepoints.len(), 1, "turn {turn}");
    }
}

/// A manager that slept while another one did all there was to do: an id that YARN forgot would run a second time.
#[test]
fn a_manager_that_was_overtaken_does_not_submit_what_is_over() {
    let mut bed = Bed::new();
    let (sleeper, run) = bed.intended();
    let other = bed.manager_elsewhere();
    assert!(bed.settle(&other, is_running));
    bed.yarn.set(&run.id, "FINISHED", "SUCCEEDED");
    other.round();
    assert_eq!(bed.component().run.unwrap().end.unwrap().verdict, Verdict::Succeeded);
    bed.yarn.forget(&run.id);
    bed.submitted();
    for _ in 0..3 {
        sleeper.round();
    }
    assert!(bed.submitted().is_empty() && bed.yarn.world().applications.is_empty());
    assert_eq!(sleeper.state().unwrap(), bed.journal());
}

/// An end that another one has ordered and taken back by a start is not carried out by who slept meanwhile.
#[test]
fn a_manager_that_was_overtaken_kills_nothing() {
    let mut bed = Bed::new();
    let (sleeper, first) = bed.started();
    sleeper.stop(&application(), false, &alice()).unwrap();
    let other = bed.manager_elsewhere();
    assert!(bed.settle(&other, |told| told.components[0].state == State::Stopped));
    let (_, second) = bed.started();
    assert_ne!(first, second);
    for _ in 0..3 {
        sleeper.round();
        bed.step();
    }
    assert_eq!(bed.yarn.world().applications[second.as_str()].state, "RUNNING");
    assert!(told_of(&sleeper).is_some_and(|told| is_running(&told)), "{:?}", told_of(&sleeper));
}

/// Each has its own repository, whose archives of one name may differ.
#[test]
fn a_package_is_deployed_by_one_of_two() {
    let bed = Bed::new();
    let name = PackageName::new("p-1.0.0").unwrap();
    let (one, other) = (bed.manager(), bed.manager_elsewhere());
    one.round();
    other.round();
    let archive = wordcount_as(name.as_str());
    one.receive(&name, &alice(), &*archive, None).unwrap();
    other.receive(&name, &alice(), &*program(name.as_str(), "example.Other", b""), None).unwrap();
    one.deploy(&name, &alice()).unwrap();
    assert!(matches!(other.deploy(&name, &alice()), Err(Refusal::Conflict(_))), "it is late");
    other.round();
    assert_eq!(other.state().unwrap(), bed.journal());
}

/// The savepoint hangs, and somebody orders an end without one.
#[test]
fn a_stop_without_a_savepoint_ends_one_that_hangs() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    manager.stop(&application(), true, &alice()).unwrap();
    manager.round();
    bed.wire.plan().hidden = vec![FLINK];
    for _ in 0..3 {
        manager.round();
    }
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "RUNNING");
    manager.stop(&application(), false, &alice()).unwrap();
    for _ in 0..4 {
        manager.round();
    }
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "KILLED");
    let told = told_of(&manager).unwrap();
    assert_eq!((told.status, told.components[0].state), (Phase::Created, State::Stopped), "{told:?}");
}
