//! What YARN refuses: for good, although it was taken, and with the manager killed while it is written down.
//! A refusal ends a run only where YARN does not know its id.
//! Not here: what is refused before anything is sent.

use super::bed::{Bed, alice, application, is_running, told_of};
use super::faults::{FAULTS, each};
use super::wire::Answer;
use crate::journal::{Origin, Verdict};
use crate::manager::Manager;
use crate::orders::Refusal;
use words::application::{Application, Phase};

const SUBMISSION: &str = "POST /ws/v1/cluster/apps?";

fn start(manager: &Manager) -> Result<(), Refusal> {
    manager.start(&application(), Origin::Newest, &alice())
}

#[test]
fn a_submission_that_is_refused_although_it_was_taken_is_not_over() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    start(&manager).unwrap();
    let says = Some((400, "BadRequestException", "no"));
    bed.wire.plan().answers = vec![Answer { to: SUBMISSION, acts: true, says }];
    assert!(bed.settle(&manager, is_running), "{:?}", told_of(&manager));
    assert!(bed.component().live().is_some_and(|run| run.accepted));
}

#[test]
fn a_refusal_that_passes_does_not_end_the_start() {
    for status in [401, 404, 429] {
        let mut bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        start(&manager).unwrap();
        let says = Some((status, "SomeException", "not now"));
        bed.wire.plan().answers = vec![Answer { to: SUBMISSION, acts: false, says }];
        manager.round();
        manager.round();
        assert!(bed.component().live().is_some(), "{status}");
        bed.wire.plan().answers.clear();
        assert!(bed.settle(&manager, is_running), "{status}: {:?}", told_of(&manager));
    }
}

#[test]
fn a_submission_that_is_refused_for_good_ends_the_order_whatever_becomes_of_any_request() {
    let mut bed = Bed::new();
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    let says = Some((400, "BadRequestException", "too much memory"));
    let points = each(&FAULTS[..3], |point| {
        bed.take_back(&fresh);
        bed.refusals = vec![Answer { to: SUBMISSION, acts: false, says }];
        let is_told = |told: &Application| {
            told.status == Phase::Created
                && told.information.as_ref().is_some_and(|why| why.contains("too much memory"))
                && told.components[0].state.is_over()
        };
        let (manager, hit) = bed.suffer(point, start, is_told);
        let told = told_of(&manager);
        assert!(told.as_ref().is_some_and(is_told), "{point:?}: {told:?}");
        let end = bed.component().run.unwrap().end;
        assert!(end.is_some_and(|end| end.verdict == Verdict::Failed), "{point:?}");
        assert!(bed.yarn.world().applications.is_empty(), "{point:?}");
        hit
    });
    println!("points of a start that is refused: {points:?}, {} in all", points.iter().sum::<usize>());
    assert!(points.iter().all(|count| *count > 30), "{points:?}");
}
