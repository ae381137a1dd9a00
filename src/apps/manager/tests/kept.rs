//! Which savepoints stay, whatever fails and whoever piles up what: nothing that somebody needs goes, and nothing is hidden.
//! On the cluster of the tests of savepoints.
//! Not here: the rule of what is one too many (`decide::retention`).

use super::bed::{alice, application, is_stopped, key, told_of, word};
use super::savepoints::{FOLDER, One, conflict};
use super::wire::Answer;
use crate::decide::dispose;
use crate::journal::Origin;
use crate::orders::{Caller, Refusal};
use serde_json::json;
use std::sync::atomic::Ordering;
use systems::jobmanager::Outcome;
use words::savepoints::{Adopt, Dispose, Kept, KeptState, TakenBy};

#[test]
fn of_those_that_nobody_ordered_so_many_stay_and_never_one_that_is_needed() {
    let mut one = One::running(json!({ "savepoint_interval_sec": "60", "savepoint_keep": "2" }));
    let ordered = one.saved();
    one.passes(60);
    let first = one.list().pop().unwrap();
    one.stop();
    let began = one.start(Some(&first.id));
    assert_eq!(began.restored_from, first.path);
    for _ in 0..4 {
        one.passes(61);
    }
    let list = one.list();
    let periodic: Vec<&Kept> = list.iter().filter(|kept| kept.origin == TakenBy::Periodic).collect();
    // The one that its run began from stays beside those that are wanted.
    assert_eq!(periodic.len(), 3, "{list:?}");
    assert!(periodic[0].id == first.id && one.lies(&first) && one.lies(&ordered));
    assert!(list.iter().all(|kept| kept.state == KeptState::Completed && kept.usable == Some(true)), "{list:?}");
    let folders = one.bed.direct("alice").list(FOLDER).unwrap().unwrap();
    assert_eq!(folders.len(), list.len(), "what went left nothing behind");
}

#[test]
fn nothing_goes_while_the_newest_one_is_not_whole() {
    let mut one = One::running(json!({ "savepoint_interval_sec": "60", "savepoint_keep": "1" }));
    one.passes(60);
    let first = one.list().pop().unwrap();
    // The next one is completed, and its files do not come to be.
    one.clock.ahead_ms.fetch_add(61_000, Ordering::Relaxed);
    for _ in 0..4 {
        one.manager.round();
    }
    let list = one.list();
    assert_eq!((list.len(), list[1].usable), (2, Some(false)), "{list:?}");
    assert!(one.lies(&first) && list[0].state == KeptState::Completed);
    one.rounds(3);
    assert_eq!(one.list().len(), 1);
    assert!(!one.lies(&first));
}

/// Its run kept nothing of its own, so it goes back to the one that it began from.
#[test]
fn one_that_the_next_run_would_begin_from_stays_however_old() {
    let properties = json!({ "savepoint_interval_sec": "3600", "savepoint_keep_days": "1" });
    let mut one = One::running(properties);
    one.passes(3600);
    let old = one.list().pop().unwrap();
    one.passes(3601);
    assert_eq!(one.list().len(), 2);
    one.manager.stop(&application(), false, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    one.start(Some(&old.id));
    one.manager.stop(&application(), false, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    one.passes(3 * 86_400);
    assert!(one.lies(&old), "{:?}", one.list());
    assert_eq!(one.start(None).restored_from, old.path);
}

#[test]
fn a_whole_one_is_found_behind_however_many_that_failed() {
    let mut one = One::running(json!({}));
    let whole = one.saved();
    one.bed.flink.world().outcome = Outcome::Failing("java.io.IOException: no room\n\tat x".into());
    for _ in 0..12 {
        let failed = one.saved();
        assert_eq!(failed.state, KeptState::Failed);
        // Flink leaves nothing of what failed.
        one.bed.direct("alice").delete(&format!("{FOLDER}/{}", failed.id)).unwrap();
    }
    one.bed.flink.world().outcome = Outcome::Done;
    one.manager.stop(&application(), false, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_stopped));
    assert_eq!(one.start(None).restored_from, whole.path);
}

#[test]
fn what_hdfs_never_removes_does_not_pile_up() {
    let mut one = One::running(json!({}));
    let ids: Vec<String> = (0..52).map(|_| one.saved().id).collect();
    let safe_mode = (403, "SafeModeException", "Cannot delete. Name node is in safe mode.");
    one.bed.wire.plan().answers = vec![Answer { to: "op=DELETE", acts: false, says: Some(safe_mode) }];
    for id in &ids[..50] {
        one.dispose(id, Dispose::default()).unwrap();
    }
    assert!(conflict(one.dispose(&ids[50], Dispose::default())).contains("50 others are being removed"));
    one.bed.wire.plan().lines.clear();
    one.manager.round();
    one.bed.wire.plan().answers.clear();
    one.rounds(60);
    assert_eq!(one.list().len(), 2);
    one.dispose(&ids[50], Dispose::default()).unwrap();
}

#[test]
fn one_that_the_journal_has_is_seen_whatever_others_pile_up() {
    let mut one = One::running(json!({}));
    let own = one.saved();
    for number in 0..210 {
        one.bed.leave(&format!("{FOLDER}/savepoint-{number}"));
    }
    let told = one.manager.savepoints(&application()).unwrap();
    assert!(told.notes[0].contains("older folders"), "{:?}", told.notes);
    let found = told.list.iter().find(|kept| kept.id == own.id).unwrap();
    assert_eq!((found.usable, found.bytes), (Some(true), Some(1)));
    one.stop();
    assert_eq!(one.start(Some(&own.id)).restored_from, own.path);
}
#[test]
fn a_state_from_elsewhere_is_where_the_next_run_begins_and_stays_until_then() {
    let mut one = One::running(json!({}));
    let elsewhere = "/user/alice/brought/savepoint-1";
    let adopt = |one: &One, path: &str| {
        let wanted = Adopt { component: None, path: path.to_owned() };
        one.manager.adopt_state(&application(), &wanted, &alice())
    };
    let refused = adopt(&one, elsewhere).unwrap_err();
    assert!(matches!(&refused, Refusal::Conflict(why) if why.contains("pnda app stop words")), "{refused}");
    one.stop();
    let refused = adopt(&one, elsewhere).unwrap_err();
    assert!(matches!(&refused, Refusal::Invalid(why) if why.contains(elsewhere)), "it is not there: {refused}");
    one.bed.hdfs.client().write(&format!("{elsewhere}/_metadata"), "644", 1, &mut &b"m"[..]).unwrap();
    let stranger = Caller { name: word("bob"), is_admin: false };
    let wanted = Adopt { component: None, path: elsewhere.to_owned() };
    let refused = one.manager.adopt_state(&application(), &wanted, &stranger);
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    let refused = adopt(&one, elsewhere).unwrap_err();
    assert!(matches!(&refused, Refusal::Conflict(_)), "its start is ordered: {refused}");
    one.manager.stop(&application(), false, &alice()).unwrap();
    one.rounds(3);
    adopt(&one, elsewhere).unwrap();
    let state = one.bed.journal();
    assert_eq!(dispose::users(&state, &key(), elsewhere), ["the next start of words/word-count begins from it"]);
    let run = one.start(None);
    assert!(run.restored_from.unwrap().ends_with(elsewhere));
    one.stop();
    let newest = one.list().pop().unwrap();
    assert_eq!(one.start(None).restored_from, newest.path, "its own state is newer from then on");
}

/// It was for that one start, which never came to be.
#[test]
fn a_start_without_state_that_never_got_room_leaves_the_state_that_there_is() {
    let mut one = One::running(json!({}));
    one.stop();
    let newest = one.list().pop().unwrap().path;
    let elsewhere = "/user/alice/brought/savepoint-1";
    for adopts in [false, true] {
        if adopts {
            one.stop();
            one.bed.hdfs.client().write(&format!("{elsewhere}/_metadata"), "644", 1, &mut &b"m"[..]).unwrap();
            let wanted = Adopt { component: None, path: elsewhere.to_owned() };
            one.manager.adopt_state(&application(), &wanted, &alice()).unwrap();
        }
        let origin = if adopts { Origin::Newest } else { Origin::Empty };
        one.manager.start(&application(), origin, &alice()).unwrap();
        one.manager.round();
        one.manager.round();
        assert!(one.bed.component().live().is_some_and(|run| run.accepted));
        one.manager.stop(&application(), false, &alice()).unwrap();
        one.manager.round();
        one.manager.round();
        assert!(is_stopped(&told_of(&one.manager).unwrap()));
        let from = one.start(None).restored_from.unwrap();
        assert!(if adopts { from.ends_with(elsewhere) } else { Some(from.clone()) == newest }, "{from}");
    }
}
