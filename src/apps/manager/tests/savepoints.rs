//! Savepoints as objects: listed with what lies in HDFS, joined, removed in two steps,
//! taken when it is time, kept by number.
//! Not here: each request of a removal lost or doubled (`faults`), and real savepoints (`tests/trial.rs`).

use super::bed::{Bed, FILESYSTEM, TestClock, alice, application, is_running, is_stopped, told_of, word};
use super::wire::Answer;
use crate::journal::Origin;
use crate::manager::Manager;
use crate::orders::{Caller, Refusal};
use crate::package::tests::WORDCOUNT;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use systems::jobmanager::Outcome;
use words::application::{Component, State};
use words::ids::TriggerId;
use words::names::ApplicationName;
use words::savepoints::{Dispose, Kept, KeptState, TakenBy};

pub(super) const FOLDER: &str = "/pnda/flink/savepoints/alice/words/word-count";
const NEWEST: Dispose = Dispose { newest: true, dry_run: false };

pub(super) struct One {
    pub(super) bed: Bed,
    pub(super) clock: Arc<TestClock>,
    pub(super) manager: Manager,
}

impl One {
    /// The application runs, with these properties.
    pub(super) fn running(properties: Value) -> One {
        let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
        let manager = bed.manager_by(&clock);
        manager.round();
        manager.delete(&application(), &alice()).unwrap();
        manager.round();
        let body = json!({ "package": WORDCOUNT, "flink": { "word-count": properties } });
        manager.create(&application(), &body, &alice()).unwrap();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        assert!(bed.settle(&manager, is_running), "{:?}", told_of(&manager));
        One { bed, clock, manager }
    }

    pub(super) fn list(&self) -> Vec<Kept> {
        let told = self.manager.savepoints(&application()).unwrap();
        assert_eq!(told.notes, Vec::<String>::new());
        told.list
    }

    pub(super) fn component(&self) -> Component {
        told_of(&self.manager).unwrap().components.remove(0)
    }

    pub(super) fn rounds(&mut self, count: usize) {
        for _ in 0..count {
            self.manager.round();
            self.bed.step();
        }
    }

    pub(super) fn passes(&mut self, seconds: u64) {
        self.clock.ahead_ms.fetch_add(seconds * 1000, Ordering::Relaxed);
        self.rounds(4);
    }

    pub(super) fn saved(&mut self) -> Kept {
        self.manager.savepoint(&application(), &alice()).unwrap();
        self.rounds(4);
        self.list().pop().unwrap()
    }

    pub(super) fn stop(&mut self) {
        self.manager.stop(&application(), true, &alice()).unwrap();
        assert!(self.bed.settle(&self.manager, is_stopped), "{:?}", told_of(&self.manager));
    }

    pub(super) fn start(&mut self, from: Option<&str>) -> Component {
        let from = from.map(|from| self.manager.origin(&application(), from.to_owned(), &alice()).unwrap());
        self.manager.start(&application(), from.unwrap_or(Origin::Newest), &alice()).unwrap();
        assert!(self.bed.settle(&self.manager, is_running), "{:?}", told_of(&self.manager));
        self.component()
    }

    pub(super) fn dispose(&self, id: &str, choices: Dispose) -> Result<Option<String>, Refusal> {
        let id = TriggerId::new(id).unwrap();
        self.manager.dispose(&application(), &id, choices, &alice()).map(|removed| removed.next)
    }

    pub(super) fn lies(&self, kept: &Kept) -> bool {
        let path = kept.path.as_ref().unwrap().trim_start_matches(FILESYSTEM);
        self.bed.direct("alice").status(&format!("{path}/_metadata")).unwrap().is_some()
    }
}

pub(super) fn conflict(refused: Result<Option<String>, Refusal>) -> String {
    match refused {
        Err(Refusal::Conflict(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_of_them_are_listed_and_one_that_others_made_can_be_begun_from() {
    let mut one = One::running(json!({}));
    let ordered = one.saved();
    assert_eq!((ordered.origin, ordered.state, ordered.usable), (TakenBy::Ordered, KeptState::Completed, Some(true)));
    assert_eq!((ordered.bytes, ordered.package.clone().unwrap().as_str()), (Some(1), WORDCOUNT));
    assert_eq!((&ordered.job_id, ordered.in_use.len()), (&one.component().job_id, 0));
    one.stop();
    let path = format!("{FOLDER}/savepoint-by-hand");
    one.bed.leave(&path);
    // What is not whole, and what has a name that is nobody's, is none.
    one.bed.direct("alice").write(&format!("{FOLDER}/savepoint-half/part"), "640", 1, &mut &b"p"[..]).unwrap();
    one.bed.leave(&format!("{FOLDER}/savepoint-[31m"));
    let list = one.list();
    let mut origins: Vec<TakenBy> = list.iter().map(|kept| kept.origin).collect();
    origins.sort_by_key(|origin| *origin as u8);
    assert_eq!(origins, [TakenBy::Ordered, TakenBy::Stop, TakenBy::Foreign]);
    let foreign = list.iter().find(|kept| kept.origin == TakenBy::Foreign).unwrap();
    assert_eq!(foreign.path, Some(format!("{FILESYSTEM}{path}")));
    let began = one.start(Some(&foreign.id));
    assert_eq!(began.restored_from, foreign.path);
    let in_use: Vec<Kept> = one.list().into_iter().filter(|kept| !kept.in_use.is_empty()).collect();
    assert_eq!((in_use.len(), &in_use[0].id), (1, &foreign.id));
    assert!(in_use[0].in_use[0].contains("runs, and began from it"), "{in_use:?}");
    assert!(conflict(one.dispose(&foreign.id, NEWEST)).contains("runs, and began from it"));
    let nobody = one.manager.origin(&application(), "f".repeat(32), &alice());
    assert!(matches!(nobody, Err(Refusal::NotFound(_))), "{nobody:?}");
}

#[test]
fn what_cannot_be_looked_at_is_told_as_not_seen() {
    let mut one = One::running(json!({}));
    one.saved();
    one.bed.wire.plan().hidden.push(super::bed::HDFS);
    let told = one.manager.savepoints(&application()).unwrap();
    assert_eq!((told.list.len(), told.list[0].usable, told.list[0].bytes), (1, None, None));
    assert!(told.notes[0].contains("is not seen"), "{told:?}");
}

#[test]
fn a_second_order_joins_the_first_and_is_told_its_id() {
    let mut one = One::running(json!({}));
    one.bed.flink.world().outcome = Outcome::Pending;
    let first = one.manager.savepoint(&application(), &alice()).unwrap();
    assert_eq!(one.manager.savepoint(&application(), &alice()).unwrap(), first, "before it is asked for");
    one.rounds(2);
    assert_eq!(one.manager.savepoint(&application(), &alice()).unwrap(), first, "while it is taken");
    one.bed.flink.world().outcome = Outcome::Done;
    one.rounds(4);
    let list = one.list();
    let id = first.values().next().unwrap().as_str();
    assert_eq!((list.len(), list[0].id.as_str(), list[0].state), (1, id, KeptState::Completed));
    let second = one.manager.savepoint(&application(), &alice()).unwrap();
    assert_ne!(second, first, "the first one is over");
    one.rounds(4);
    one.manager.stop(&application(), true, &alice()).unwrap();
    for _ in 0..3 {
        one.manager.stop(&application(), true, &alice()).unwrap();
        one.manager.round();
    }
    let refused = one.manager.drain(&application(), &alice());
    assert!(matches!(refused, Err(Refusal::Conflict(_))), "it is another stop: {refused:?}");
    assert!(one.bed.settle(&one.manager, is_stopped));
    assert_eq!(one.list().iter().filter(|kept| kept.origin == TakenBy::Stop).count(), 1);
}

#[test]
fn one_that_is_taken_in_time_is_somebody_s_who_orders_one_meanwhile() {
    let mut one = One::running(json!({ "savepoint_interval_sec": "3600", "savepoint_keep": "1" }));
    one.bed.flink.world().outcome = Outcome::Pending;
    one.passes(3600);
    let id = one.manager.savepoint(&application(), &alice()).unwrap().into_values().next().unwrap();
    one.bed.flink.world().outcome = Outcome::Done;
    one.rounds(4);
    assert_eq!(one.list().len(), 1);
    for _ in 0..3 {
        one.passes(3601);
    }
    let list = one.list();
    let origins: Vec<TakenBy> = list.iter().map(|kept| kept.origin).collect();
    assert_eq!((origins.as_slice(), list[0].id.as_str()), (&[TakenBy::Ordered, TakenBy::Periodic][..], id.as_str()));
}

#[test]
fn a_savepoint_is_removed_with_its_files_and_the_newest_one_only_where_that_is_spelt_out() {
    let mut one = One::running(json!({}));
    let old = one.saved();
    one.stop();
    let last = one.list().pop().unwrap();
    assert_eq!(last.origin, TakenBy::Stop);
    let stranger = Caller { name: word("bob"), is_admin: false };
    let id = TriggerId::new(old.id.clone()).unwrap();
    let refused = one.manager.dispose(&application(), &id, Dispose::default(), &stranger);
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
    // A dry run changes nothing.
    let before = one.manager.state().unwrap().number;
    let next = one.dispose(&old.id, Dispose { dry_run: true, newest: false }).unwrap();
    assert_eq!((next, one.manager.state().unwrap().number), (last.path.clone(), before));
    one.dispose(&old.id, Dispose::default()).unwrap();
    assert!(conflict(one.dispose(&old.id, NEWEST)).contains("removed already"));
    one.rounds(1);
    assert!(!one.lies(&old) && one.lies(&last) && one.list() == [last.clone()]);
    assert_eq!(one.component().state, State::Stopped);

    assert!(conflict(one.dispose(&last.id, Dispose::default())).contains("is the newest state"));
    assert_eq!(one.dispose(&last.id, NEWEST).unwrap(), None);
    one.rounds(1);
    assert!(one.list().is_empty() && one.component().state == State::Stopped);
    // That there was a state stays known: nothing begins empty by itself.
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    one.rounds(3);
    let told = told_of(&one.manager).unwrap();
    assert!(told.information.as_ref().is_some_and(|why| why.contains("where the journal says")), "{told:?}");
    one.manager.start(&application(), Origin::Empty, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    assert_eq!(one.component().restored_from, None);
}

#[test]
fn a_removal_that_hdfs_refuses_is_told_and_done_later() {
    let mut one = One::running(json!({}));
    let old = one.saved();
    one.stop();
    one.dispose(&old.id, Dispose::default()).unwrap();
    one.bed.hdfs.refuse("SafeModeException", "Cannot delete. Name node is in safe mode.", 2);
    one.manager.round();
    let going = one.list().into_iter().find(|kept| kept.id == old.id).unwrap();
    assert_eq!(going.state, KeptState::Disposing);
    assert!(going.reason.as_ref().is_some_and(|why| why.contains("safe mode")), "{going:?}");
    one.rounds(4);
    assert!(!one.lies(&old) && one.list().iter().all(|kept| kept.id != old.id));
}

#[test]
fn one_is_taken_when_it_is_time_and_one_makes_up_for_all_that_were_missed() {
    let mut one = One::running(json!({ "savepoint_interval_sec": "3600" }));
    one.rounds(3);
    assert!(one.list().is_empty());
    one.passes(10 * 3600);
    let list = one.list();
    assert_eq!((list.len(), list[0].origin, list[0].state), (1, TakenBy::Periodic, KeptState::Completed));
    one.passes(3000);
    assert_eq!(one.list().len(), 1);
    one.passes(601);
    assert_eq!((one.list().len(), one.component().state), (2, State::Running));
    // Nothing that runs, nothing that is taken.
    one.stop();
    one.passes(10 * 3600);
    assert_eq!(one.list().len(), 3);
}

#[test]
fn one_that_fails_disturbs_nothing_is_told_and_is_tried_again_when_it_is_time() {
    let mut one = One::running(json!({ "savepoint_interval_sec": "3600" }));
    one.bed.flink.world().outcome = Outcome::Failing("java.io.IOException: no room\n\tat x".into());
    one.passes(3600);
    one.passes(60);
    let (told, list) = (one.component(), one.list());
    assert_eq!((told.state, list.len(), list[0].state), (State::Running, 1, KeptState::Failed));
    assert!(told.reason.contains("failed: ") && told.reason.contains("no room"), "{told:?}");
    one.bed.flink.world().outcome = Outcome::Done;
    one.passes(3600);
    let (told, list) = (one.component(), one.list());
    assert_eq!((told.reason.as_str(), list.last().unwrap().state), ("", KeptState::Completed));
    // A folder that cannot be made is a failure of that one, too.
    let denied = (403, "AccessControlException", "Permission denied");
    one.bed.wire.plan().answers = vec![Answer { to: "op=MKDIRS", acts: false, says: Some(denied) }];
    one.passes(3600);
    let (told, list) = (one.component(), one.list());
    assert_eq!((told.state, list.last().unwrap().state), (State::Running, KeptState::Failed));
    assert!(told.reason.contains("Permission denied"), "{told:?}");
}

#[test]
fn a_stop_for_good_is_drained_and_told_so() {
    let mut one = One::running(json!({}));
    one.manager.drain(&application(), &alice()).unwrap();
    one.manager.round();
    let job = one.component().job_id.unwrap();
    assert_eq!(one.bed.flink.server.count(&format!("POST /jobs/{job}/stop")), 1);
    let (asked, drains) = (one.bed.flink.world().drained.clone(), one.list());
    assert_eq!(asked, [drains[0].id.clone()], "Flink was told so");
    let list = one.list();
    assert!(list.len() == 1 && list[0].drained && list[0].origin == TakenBy::Stop, "{list:?}");
    assert!(one.bed.settle(&one.manager, is_stopped));
    let dry = one.manager.dry_run(&application(), &Origin::Newest, &alice()).unwrap();
    assert!(dry.findings.iter().any(|finding| finding.what.contains("was drained")), "{dry:?}");
}

#[test]
fn a_copy_begins_from_the_state_of_another_one_which_stays_until_it_has_run() {
    let mut one = One::running(json!({}));
    let copy = ApplicationName::new("copy").unwrap();
    let body = json!({ "package": WORDCOUNT });
    let fork = |one: &One, by: &Caller| one.manager.create_from(&copy, &body, Some(&application()), by);
    let refused = fork(&one, &alice()).unwrap_err().to_string();
    assert!(refused.contains("runs, and this run has no savepoint yet"), "{refused}");
    let saved = one.saved();
    let stranger = Caller { name: word("bob"), is_admin: false };
    assert!(matches!(fork(&one, &stranger), Err(Refusal::Forbidden(_))));
    fork(&one, &alice()).unwrap();
    one.stop();
    let refused = conflict(one.dispose(&saved.id, Dispose::default()));
    assert!(refused.contains("copy/word-count is to begin from it"), "{refused}");
    one.manager.start(&copy, Origin::Newest, &alice()).unwrap();
    one.rounds(6);
    let told = one.manager.application(&copy).unwrap().unwrap();
    assert_eq!(told.components[0].restored_from, saved.path);
    let refused = conflict(one.dispose(&saved.id, Dispose::default()));
    assert!(refused.contains("copy/word-count runs, and began from it"), "{refused}");
    one.manager.stop(&copy, false, &alice()).unwrap();
    one.rounds(4);
    let refused = conflict(one.dispose(&saved.id, Dispose::default()));
    assert!(refused.contains("has no savepoint of its own since"), "{refused}");
    one.manager.delete(&copy, &alice()).unwrap();
    one.rounds(2);
    one.dispose(&saved.id, Dispose::default()).unwrap();
    one.rounds(1);
    assert!(!one.lies(&saved));
}
