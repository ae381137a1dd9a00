//! Runs that were intended and shall not come to be any more: given up where they were surely never sent, ended in YARN where
//! a request may still be under way; whoever was held in between sends nothing that runs.
//! Not here: faults of single requests.

use super::bed::{Bed, ROUNDS, alice, application, is_running, is_stopped, told_of};
use super::wire::Answer;
use crate::journal::{Origin, Verdict};
use crate::manager::Manager;
use std::sync::Arc;
use words::application::{Phase, State};

/// A NameNode that takes nothing of the owner's.
fn no_room() -> Vec<Answer> {
    let says = Some((403, "DSQuotaExceededException", "The DiskSpace quota of /user/alice is exceeded"));
    vec![Answer { to: "PUT /webhdfs/v1/user/alice", acts: false, says }]
}

#[test]
fn a_start_whose_files_can_never_be_shipped_is_told_stopped_and_deleted() {
    for save in [true, false] {
        let mut bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        bed.wire.plan().answers = no_room();
        for _ in 0..3 {
            manager.round();
        }
        let told = told_of(&manager).unwrap();
        let reason = &told.components[0].reason;
        assert_eq!((told.status, told.components[0].state), (Phase::Starting, State::Submitting));
        assert!(reason.contains("quota") && reason.contains("(since 20"), "{reason}");
        manager.round();
        assert_eq!(
            &told_of(&manager).unwrap().components[0].reason,
            reason,
            "since when it fails, not since the last try"
        );
        manager.stop(&application(), save, &alice()).unwrap();
        manager.round();
        let told = told_of(&manager).unwrap();
        assert!(is_stopped(&told) && told.components[0].reason == "it was never submitted", "{told:?}");
        assert_eq!(bed.component().run.unwrap().end.unwrap().verdict, Verdict::Abandoned);
        assert!(bed.submitted().is_empty() && bed.work() == 0);
        if save {
            bed.wire.plan().answers.clear();
            bed.started();
            assert_eq!(bed.submitted().len(), 1);
        } else {
            manager.delete(&application(), &alice()).unwrap();
            manager.round();
            assert_eq!(told_of(&manager), None);
        }
    }
}

#[test]
fn a_submission_that_may_be_under_way_is_ended_in_yarn_without_its_files() {
    for save in [true, false] {
        let mut bed = Bed::new();
        let (manager, run) = bed.intended();
        bed.wire.plan().answers = no_room();
        manager.round();
        manager.stop(&application(), save, &alice()).unwrap();
        assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
        assert_eq!(bed.submitted().into_iter().collect::<Vec<_>>(), [run.id.as_str()]);
        assert!(bed.is_placeholder(&run.id) && bed.yarn.world().applications[run.id.as_str()].state == "KILLED");
        manager.delete(&application(), &alice()).unwrap();
        manager.round();
        assert_eq!(told_of(&manager), None);
    }
}

/// What cannot be run any more may be under way all the same.
#[test]
fn a_start_that_is_refused_while_a_submission_may_be_under_way_ends_in_yarn() {
    let mut bed = Bed::new();
    let (manager, run) = bed.intended();
    let says = Some((403, "AccessControlException", "Permission denied"));
    bed.wire.plan().answers = vec![Answer { to: "PUT /webhdfs/v1/user/alice", acts: false, says }];
    assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
    assert!(told_of(&manager).unwrap().information.is_some_and(|why| why.contains("Permission denied")));
    assert!(bed.is_placeholder(&run.id));
}

/// The first manager is held before each of its requests in turn, while another one takes an order to stop and carries it out.
#[test]
fn a_manager_that_was_held_while_another_one_stopped_the_run_starts_nothing() {
    let mut bed = Bed::new();
    let fresh = bed.hdfs.world.lock().unwrap().nodes.clone();
    let once = |number: &usize| {
        bed.take_back(&fresh);
        let _ = std::fs::remove_dir_all(bed.folder.path().join("elsewhere"));
        bed.yarn.world().applications.clear();
        bed.submitted();
        let (held, other) = (bed.manager(), Arc::new(bed.manager_elsewhere()));
        held.round();
        other.round();
        held.start(&application(), Origin::Newest, &alice()).unwrap();
        *bed.wire.plan() = Default::default();
        let stopping = other.clone();
        let before = move || {
            // Late itself, it learns of the start.
            assert!(stopping.start(&application(), Origin::Newest, &alice()).is_err());
            stopping.stop(&application(), false, &alice()).unwrap();
            stopping.round();
            stopping.round();
        };
        bed.wire.plan().before = Some((*number, Box::new(before)));
        held.round();
        let hit = bed.wire.plan().before.take().is_none();
        let stop = |manager: &Manager| drop(manager.stop(&application(), false, &alice()));
        for _ in 0..ROUNDS {
            held.round();
            other.round();
            bed.step();
            if !hit {
                stop(&other);
            }
        }
        let told = told_of(&held);
        assert!(told.as_ref().is_some_and(is_stopped), "{number}: {told:?}");
        assert_eq!(held.state().unwrap(), bed.journal(), "{number}");
        let states: Vec<_> = bed.yarn.world().applications.values().map(|one| one.state.clone()).collect();
        assert!(states.len() <= 1 && states.iter().all(|state| state == "KILLED"), "{number}: {states:?}");
        assert!(bed.submitted().len() <= 1, "{number}");
        hit
    };
    let points = (1..).take_while(once).count();
    println!("points at which a manager was held: {points}");
    assert!(points > 30, "{points}");
    let (manager, _) = bed.started();
    assert!(told_of(&manager).is_some_and(|told| is_running(&told)));
}
