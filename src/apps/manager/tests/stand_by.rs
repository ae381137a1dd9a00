//! Two nodes with the manager: one acts; the other one knows and sees the same, does nothing, says who acts, and goes on where
//! that one is gone.
//! Not here: which of them acts (`holder`).

use super::bed::{Bed, TestClock, alice, application, is_running, is_stopped, told_of, word};
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::{Caller, Refusal};
use std::sync::Arc;
use words::application::Phase;

/// Two nodes, the first of which manages.
fn two(bed: &Bed) -> [Manager; 2] {
    bed.direct("pnda").delete("/pnda/apps/manager").unwrap();
    let clock = || Arc::new(TestClock::by(1));
    let one = bed.manager_by(&clock()).on_node("edge-1");
    one.round();
    let other = bed.manager_elsewhere_by(&clock()).on_node("edge-2");
    other.round();
    [one, other]
}

#[test]
fn a_node_that_stands_by_shows_what_is_so_and_does_nothing_until_the_other_one_is_gone() {
    let mut bed = Bed::new();
    let [one, other] = two(&bed);
    one.start(&application(), Origin::Newest, &alice()).unwrap();
    for _ in 0..3 {
        other.round();
        bed.step();
    }
    assert!(bed.submitted().is_empty(), "what is ordered on one is done by that one");
    assert_eq!(told_of(&other).unwrap().status, Phase::Starting, "what was ordered is known");
    assert!(bed.settle(&one, is_running));
    other.round();
    assert!(is_running(&told_of(&other).unwrap()), "it looks itself: {:?}", told_of(&other));
    assert_eq!(other.state().unwrap(), one.state().unwrap());
    let silence = other.silence().unwrap();
    assert!(silence.stands_by && silence.why.contains("managed on edge-1"), "{silence:?}");
    // It ends past both of them: who acts writes it down.
    let id = bed.component().run.unwrap().id;
    bed.yarn.set(&id, "KILLED", "KILLED");
    (0..3).for_each(|_| other.round());
    assert!(bed.component().live().is_some(), "who stands by writes nothing");
    drop(one);
    let managed = (0..200).any(|_| {
        other.round();
        other.silence().is_none()
    });
    assert!(managed, "{:?}", other.silence());
    other.round();
    assert!(bed.component().live().is_none(), "it goes on: {:?}", told_of(&other));
    other.stop(&application(), true, &alice()).unwrap();
    assert!(bed.settle(&other, is_stopped));
}

#[test]
fn what_is_ordered_on_a_node_that_stands_by_is_done_by_the_one_that_manages() {
    let mut bed = Bed::new();
    let [one, other] = two(&bed);
    other.start(&application(), Origin::Newest, &alice()).unwrap();
    (0..3).for_each(|_| other.round());
    assert!(bed.submitted().is_empty(), "it only writes it down");
    assert!(bed.settle(&one, is_running), "{:?}", told_of(&one));
    // It has not read what was written since.
    let behind = other.state().unwrap().number;
    assert!(behind < one.state().unwrap().number);
    other.stop(&application(), true, &alice()).unwrap();
    let refused = other.stop(&application(), true, &Caller { name: word("bob"), is_admin: false });
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    assert!(bed.settle(&one, is_stopped), "{:?}", told_of(&one));
    assert_eq!(bed.places().len(), 1);
}

#[test]
fn an_administrator_has_another_node_manage() {
    let mut bed = Bed::new();
    let [one, other] = two(&bed);
    let admin = Caller { name: word("ops"), is_admin: true };
    let to = |manager: &Manager, node: &str, by: &Caller| manager.hand_over(&word(node), by);
    assert!(matches!(to(&one, "edge-2", &alice()), Err(Refusal::Forbidden(_))));
    assert!(
        matches!(to(&one, "edge-1", &admin), Err(Refusal::Conflict(why)) if why.contains("edge-1 manages already"))
    );
    assert!(matches!(to(&other, "edge-2", &admin), Err(Refusal::Conflict(why)) if why.contains("managed on edge-1")));
    one.start(&application(), Origin::Newest, &alice()).unwrap();
    to(&one, "edge-2", &admin).unwrap();
    (0..3).for_each(|_| one.round());
    assert!(bed.submitted().is_empty() && one.silence().unwrap().stands_by);
    assert!(bed.settle(&other, is_running), "{:?}", told_of(&other));
    assert_eq!((bed.submitted().len(), other.silence()), (1, None));
}
