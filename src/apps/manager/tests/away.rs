//! Servers that forget, are away, or take no changes for a while: nothing is done meanwhile, it is told, and all goes on.
//! What YARN has forgotten is over, and what never came is sent once.
//! Not here: single requests that fail.

use super::bed::{Bed, FLINK, HDFS, TestClock, YARN, alice, application, is_running, is_stopped, told_of};
use super::wire::Answer;
use crate::archive;
use crate::journal::{Origin, Verdict};
use crate::orders::Refusal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use words::application::{Phase, State};

#[test]
fn what_yarn_forgot_after_it_was_accepted_is_over_and_never_submitted_again() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    bed.submitted();
    bed.yarn.forget(&id);
    let other = bed.manager_elsewhere();
    for manager in [&manager, &other, &manager] {
        manager.round();
        manager.round();
    }
    let told = told_of(&manager).unwrap().components.remove(0);
    assert!(told.state == State::Restarting && told.reason.contains("YARN has forgotten it"), "{told:?}");
    assert_eq!(bed.component().run.unwrap().end.unwrap().verdict, Verdict::Lost);
    assert!(bed.submitted().is_empty() && bed.yarn.world().applications.is_empty());
}

/// As real ones of 1.20.5 and 2.3.0 lay in their folder.
#[test]
fn how_a_run_ended_that_yarn_forgot_is_read_in_flinks_archive() {
    let cases = [
        ("1.20.5-failed-job.json", Verdict::Failed, "RuntimeException"),
        ("2.3.0-job.json", Verdict::Succeeded, "it finished"),
    ];
    for (name, verdict, why) in cases {
        let mut bed = Bed::new();
        let (manager, id) = bed.started();
        let file = format!("{}/../../tests/fixtures/flink-archives/{name}", env!("CARGO_MANIFEST_DIR"));
        let (bytes, job) = (std::fs::read(file).unwrap(), bed.component().run.unwrap().job.unwrap());
        let path = format!("/pnda/flink/completed-jobs/{job}");
        bed.direct("alice").write(&path, "640", bytes.len() as u64, &mut &*bytes).unwrap();
        bed.yarn.forget(&id);
        manager.round();
        let end = bed.component().run.unwrap().end.unwrap();
        assert_eq!((end.verdict, end.at_ms.is_some()), (verdict, true));
        assert!(end.diagnostics.contains(why), "{end:?}");
    }
}

/// A ResourceManager without its memory has its nodes end what it does not know; until then that goes on.
#[test]
fn no_order_begins_another_run_while_one_that_yarn_forgot_may_go_on() {
    for stops_first in [false, true] {
        let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
        let manager = bed.manager_by(&clock);
        let id = bed.started_by(&manager);
        bed.submitted();
        bed.yarn.forget(&id);
        manager.round();
        assert_eq!(bed.component().run.unwrap().end.unwrap().verdict, Verdict::Lost);
        if stops_first {
            manager.stop(&application(), false, &alice()).unwrap();
            manager.round();
        }
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        clock.ahead_ms.fetch_add(50_000, Ordering::Relaxed);
        assert!(!bed.settle(&manager, is_running) && bed.submitted().is_empty(), "{stops_first}");
        let told = told_of(&manager).unwrap();
        assert!(told.components[0].reason.contains("YARN has forgotten the run before"), "{told:?}");
        clock.ahead_ms.fetch_add(10_000, Ordering::Relaxed);
        assert!(bed.settle(&manager, is_running) && bed.submitted().len() == 1, "{stops_first}");
    }
}

/// One of the same name that is made at once would begin beside it.
#[test]
fn what_is_deleted_keeps_its_name_while_a_run_that_yarn_forgot_may_go_on() {
    let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
    let manager = bed.manager_by(&clock);
    let id = bed.started_by(&manager);
    bed.yarn.forget(&id);
    manager.round();
    manager.delete(&application(), &alice()).unwrap();
    manager.round();
    assert_eq!(told_of(&manager).unwrap().status, Phase::Destroying);
    clock.ahead_ms.fetch_add(61_000, Ordering::Relaxed);
    manager.round();
    assert!(told_of(&manager).is_none());
}

#[test]
fn an_intent_that_yarn_does_not_know_is_sent_once_if_it_left_no_traces() {
    let mut bed = Bed::new();
    let (manager, run) = bed.intended();
    drop(manager);
    let manager = bed.manager();
    assert!(bed.settle(&manager, is_running));
    assert_eq!(bed.submitted().into_iter().collect::<Vec<_>>(), [run.id.as_str()]);
    assert_eq!(bed.component().run.unwrap().id, run.id);
}

#[test]
fn an_intent_that_left_traces_ran_and_is_not_sent_again() {
    for trace in ["tfile", "indexedfile", "checkpoints", "archive of 1.20", "archive of 2.x"] {
        let mut bed = Bed::new();
        let (manager, run) = bed.intended();
        drop(manager);
        let job = run.job.as_ref().unwrap();
        let number = run.id.as_str().rsplit('_').next().unwrap();
        let path = match trace {
            "checkpoints" => format!("/pnda/flink/checkpoints/alice/words/word-count/{job}"),
            "archive of 1.20" => format!("/pnda/flink/completed-jobs/{job}"),
            "archive of 2.x" => format!("/pnda/flink/completed-jobs/{}", archive::of_cluster(run.id.as_str())),
            format => format!("/app-logs/alice/bucket-logs-{format}/{number}/{}", run.id),
        };
        bed.direct("alice").make_folder(&path, "750").unwrap();
        let manager = bed.manager();
        for _ in 0..4 {
            manager.round();
        }
        let end = bed.component().run.unwrap().end.unwrap();
        assert!(end.verdict == Verdict::Lost && end.diagnostics.contains(&path), "{trace}: {end:?}");
        assert!(bed.submitted().is_empty(), "{trace}");
    }
}

#[test]
fn an_intent_whose_traces_cannot_be_looked_for_waits() {
    for trace in ["/app-logs/", "/pnda/flink/checkpoints/", "/pnda/flink/completed-jobs/"] {
        let mut bed = Bed::new();
        let (manager, run) = bed.intended();
        drop(manager);
        bed.wire.plan().answers = vec![Answer { to: trace, acts: false, says: None }];
        let manager = bed.manager();
        for _ in 0..4 {
            manager.round();
        }
        assert!(bed.submitted().is_empty(), "{trace}");
        assert!(bed.component().live().is_some(), "{trace}");
        bed.wire.plan().answers.clear();
        assert!(bed.settle(&manager, is_running));
        assert_eq!(bed.submitted().into_iter().collect::<Vec<_>>(), [run.id.as_str()], "{trace}");
    }
}

/// What a NameNode refuses changes with, in its words.
const REFUSALS: [(&str, &str, &str); 3] = [
    ("SafeModeException", "Cannot create file/x. Name node is in safe mode.", "safe mode"),
    ("NSQuotaExceededException", "The NameSpace quota (directories and files) of directory /pnda is exceeded", "quota"),
    ("DSQuotaExceededException", "The DiskSpace quota of /pnda is exceeded: quota = 1 B = 1 B", "quota"),
];

#[test]
fn while_hdfs_takes_no_changes_orders_are_refused_and_what_runs_is_left_alone() {
    for (kind, message, word) in REFUSALS {
        let mut bed = Bed::new();
        let (manager, _) = bed.started();
        bed.submitted();
        bed.hdfs.refuse(kind, message, usize::MAX);
        let refused = manager.stop(&application(), true, &alice());
        assert!(matches!(&refused, Err(Refusal::Unavailable(why)) if why.contains(word)), "{refused:?}");
        for _ in 0..3 {
            manager.round();
            bed.step();
            assert!(told_of(&manager).is_some_and(|told| is_running(&told)), "{kind}");
            assert!(manager.silent().is_some_and(|why| why.contains(word)), "{kind}: {:?}", manager.silent());
        }
        assert!(bed.savepoints.is_empty() && bed.yarn.server.count("PUT ") == 0, "{kind}");
        bed.hdfs.world.lock().unwrap().refuse.clear();
        manager.round();
        assert_eq!(manager.silent(), None, "{kind}: it can be recorded again");
        manager.stop(&application(), true, &alice()).unwrap();
        assert!(bed.settle(&manager, is_stopped), "{kind}");
    }
}

#[test]
fn an_order_from_before_hdfs_took_no_changes_comes_to_pass_after() {
    for (kind, message, word) in REFUSALS {
        let mut bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        bed.hdfs.refuse(kind, message, usize::MAX);
        for _ in 0..3 {
            manager.round();
        }
        let told = told_of(&manager).unwrap();
        assert!(told.components[0].reason.contains(word), "{kind}: it is told why: {told:?}");
        assert!(bed.submitted().is_empty() && manager.silent().is_some(), "{kind}");
        bed.hdfs.world.lock().unwrap().refuse.clear();
        assert!(bed.settle(&manager, is_running), "{kind}: {:?}", told_of(&manager));
        assert_eq!(bed.submitted().len(), 1, "{kind}");
    }
}

#[test]
fn an_owner_whose_quota_is_used_up_waits_and_is_told() {
    for (kind, message, word) in REFUSALS {
        let mut bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        bed.wire.plan().answers =
            vec![Answer { to: "PUT /webhdfs/v1/user/alice", acts: false, says: Some((403, kind, message)) }];
        for _ in 0..3 {
            manager.round();
        }
        let told = told_of(&manager).unwrap();
        assert_eq!((told.status, told.components[0].state), (Phase::Starting, State::Submitting), "{kind}");
        assert!(told.components[0].reason.contains(word), "{kind}: {told:?}");
        bed.wire.plan().answers.clear();
        assert!(bed.settle(&manager, is_running), "{kind}");
        assert_eq!(bed.submitted().len(), 1, "{kind}");
    }
}

#[test]
fn what_nobody_sees_is_told_and_left_alone_and_goes_on_after() {
    for (place, state) in [(YARN, State::CannotSee), (FLINK, State::CannotSee), (HDFS, State::Running)] {
        let mut bed = Bed::new();
        let (manager, id) = bed.started();
        if place != HDFS {
            manager.stop(&application(), true, &alice()).unwrap();
        }
        bed.submitted();
        bed.wire.plan().hidden = vec![place];
        for _ in 0..10 {
            manager.round();
            bed.step();
        }
        assert_eq!(told_of(&manager).unwrap().components[0].state, state, "{place}");
        assert_eq!(manager.silent().is_some(), place == HDFS, "{place}: {:?}", manager.silent());
        assert!(bed.savepoints.is_empty() && bed.submitted().is_empty(), "{place}");
        assert_eq!(bed.yarn.world().applications[id.as_str()].state, "RUNNING", "{place}");
        bed.wire.plan().hidden.clear();
        manager.round();
        if place == HDFS {
            manager.stop(&application(), true, &alice()).unwrap();
        }
        assert!(bed.settle(&manager, is_stopped), "{place}: {:?}", told_of(&manager));
        assert_eq!(bed.places().len(), 1, "{place}");
    }
}

#[test]
fn a_start_waits_for_a_resource_manager_that_is_away() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    bed.wire.plan().hidden = vec![YARN];
    for _ in 0..5 {
        manager.round();
    }
    let told = told_of(&manager).unwrap();
    assert!(told.components[0].reason.contains("ResourceManager"), "{told:?}");
    assert_eq!(bed.component().run, None);
    bed.wire.plan().hidden.clear();
    assert!(bed.settle(&manager, is_running));
    assert_eq!(bed.submitted().len(), 1);
}

#[test]
fn what_failed_is_tried_again_after_pauses_that_grow_and_at_once_when_somebody_orders_it_anew() {
    let mut bed = Bed::new();
    let clock = Arc::new(TestClock::by(0));
    let manager = bed.manager_by(&clock);
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    let reserve = "POST /ws/v1/cluster/apps/new-application";
    bed.yarn.server.drop(reserve, 8);
    let mut tries = Vec::new();
    for second in 0..200 {
        clock.seconds.store(second, Ordering::Relaxed);
        bed.yarn.server.asked();
        manager.round();
        if bed.yarn.server.asked().iter().any(|line| line.starts_with(reserve)) {
            tries.push(second);
        }
    }
    assert_eq!(tries, [0, 2, 6, 14, 30, 62, 122, 182]);
    manager.stop(&application(), false, &alice()).unwrap();
    manager.round();
    manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(bed.settle(&manager, is_running), "an order ends the pause: {:?}", told_of(&manager));
}

#[test]
fn while_the_copy_takes_nothing_nothing_is_done_and_what_runs_is_left_alone() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    let held = rusqlite::Connection::open(bed.folder.path().join("apps/journal.sqlite")).unwrap();
    held.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // The order may be in the journal, or not; nothing follows from it.
    let refused = manager.stop(&application(), false, &alice()).unwrap_err();
    assert!(matches!(&refused, Refusal::Unavailable(why) if why.contains("journal.sqlite")), "{refused:?}");
    manager.round();
    assert!(manager.silence().is_some_and(|silence| silence.why.contains("cannot write the journal's copy")));
    let second = manager.start(&application(), Origin::Newest, &alice()).unwrap_err();
    assert!(matches!(second, Refusal::Unavailable(_) | Refusal::Conflict(_)), "{second:?}");
    let number = bed.journal().number;
    manager.round();
    assert_eq!((bed.journal().number, bed.yarn.world().applications[id.as_str()].state.as_str()), (number, "RUNNING"));
    held.execute_batch("ROLLBACK").unwrap();
    for _ in 0..3 {
        manager.round();
    }
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "KILLED", "it was ordered, and is done now");
    assert!(manager.silence().is_none());
    assert_eq!(manager.state().unwrap(), bed.journal());
}

#[test]
fn why_a_job_failed_is_told_in_flink_s_words() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    let archive = include_bytes!("../../../../tests/fixtures/flink-archives/1.20.5-failed-job.json");
    let job = bed.component().run.unwrap().job.unwrap();
    let place = format!("/pnda/flink/completed-jobs/{job}");
    bed.direct("alice").write(&place, "644", archive.len() as u64, &mut &archive[..]).unwrap();
    bed.yarn.set(&id, "FINISHED", "FAILED");
    manager.round();
    let told = told_of(&manager).unwrap();
    assert_eq!(told.components[0].state, State::Restarting);
    assert!(
        told.components[0].reason.starts_with("java.lang.RuntimeException: boom at 201; the next run begins at"),
        "{told:?}"
    );
    let details = manager.details(&application(), &told.components[0].name).unwrap();
    assert_eq!(details.failures[0].cause, "java.lang.RuntimeException: boom at 201");
}

#[test]
fn while_hdfs_is_silent_only_the_first_order_waits_for_it() {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    bed.wire.plan().hidden = vec![HDFS];
    assert!(matches!(manager.stop(&application(), true, &alice()), Err(Refusal::Unavailable(_))));
    bed.wire.plan().hidden.clear();
    let before = bed.wire.plan().count;
    assert!(matches!(manager.stop(&application(), true, &alice()), Err(Refusal::Unavailable(_))));
    assert_eq!(bed.wire.plan().count, before, "it is told so at once, until a round sees HDFS again");
    manager.round();
    manager.stop(&application(), true, &alice()).unwrap();
}

#[test]
fn what_is_ordered_while_another_node_manages_is_written_down_and_done_when_that_one_is_gone() {
    let mut bed = Bed::new();
    let (manager, id) = bed.started();
    bed.direct("pnda").write("/pnda/apps/manager", "600", 6, &mut &b"edge-9"[..]).unwrap();
    manager.round();
    manager.stop(&application(), false, &alice()).unwrap();
    let silence = manager.silence().unwrap();
    assert!(silence.stands_by && silence.why.contains("managed on edge-9"), "{silence:?}");
    assert_eq!(manager.applications().unwrap().len(), 1, "it shows what it knows and sees");
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "RUNNING");
    // An hour goes by from one look to the next, in which the other one has not written.
    manager.round();
    assert_eq!(bed.yarn.world().applications[id.as_str()].state, "KILLED");
}
