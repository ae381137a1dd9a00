//! Upgrades of two components: what has stopped begins again where the other one cannot be saved; nothing of a version that goes is
//! begun from; what is set again by records that do not fit is refused.
//! Not here: upgrades of a whole manager.

use super::*;
use crate::decide::upgrade::{Turn, turn};
use crate::decide::{Action, Observed, Rest, Yarn, next};
use serde_json::json;
use std::collections::BTreeSet;
use words::change::{Purpose, Step};

fn other() -> Key {
    Key { component: ComponentName::new("d").unwrap(), ..key() }
}

fn job() -> JobId {
    JobId::new("0".repeat(32)).unwrap()
}

fn trigger(digit: &str) -> TriggerId {
    TriggerId::new(digit.repeat(32)).unwrap()
}

fn upgrade(step: UpgradeFact) -> Fact {
    Fact::Upgrade { application: key().application, step }
}

fn ordered() -> Fact {
    let (package, overrides) = (PackageName::new("p-2.0.0").unwrap(), json!({ "package": "p-2.0.0" }));
    upgrade(UpgradeFact::Ordered { purpose: Purpose::Upgrade, package, overrides, save: true, runs: runs() })
}

/// Both.
fn runs() -> BTreeSet<ComponentName> {
    [key().component, other().component].into()
}

fn end(verdict: Verdict) -> End {
    End::of(verdict, "said")
}

/// Two components that run, and their upgrade is ordered.
fn two() -> Book {
    let mut book = with_two();
    note(&mut book, ordered());
    book
}

/// Two components that run.
fn with_two() -> Book {
    let mut book = book();
    let Fact::ApplicationCreated { application, package, owner, overrides, forked, .. } = created() else { panic!() };
    let components = vec![key().component, other().component];
    note(
        &mut book,
        Fact::ApplicationCreated { application, package, owner, overrides, components, workflows: Vec::new(), forked },
    );
    note(&mut book, Fact::StartOrdered { application: key().application, origin: Origin::Newest });
    for (number, of) in [(1, key()), (2, other())] {
        run(&mut book, number, &of, 2);
    }
    book
}

fn run(book: &mut Book, number: u32, of: &Key, order: u64) {
    let Fact::RunIntended { id, intent, .. } = intended(number, order) else { panic!() };
    note(book, Fact::RunIntended { of: of.clone(), id, intent });
    note(book, Fact::RunAccepted { of: of.clone(), id: super::id(number), is_placeholder: false });
}

/// A component stops with a savepoint.
fn stopped(book: &mut Book, number: u32, of: &Key, digit: &str) {
    saving(book, number, of, digit);
    note(book, Fact::SavepointCompleted { of: of.clone(), id: trigger(digit), path: format!("/s/{digit}") });
    note(book, Fact::RunEnded { of: of.clone(), id: id(number), end: end(Verdict::Succeeded) });
}

fn saving(book: &mut Book, number: u32, of: &Key, digit: &str) {
    let folder = "/s".to_owned();
    let (id, run) = (trigger(digit), id(number));
    let (drain, periodic) = (false, false);
    note(
        book,
        Fact::SavepointIntended { of: of.clone(), id, run, job: job(), folder, goes_on: false, drain, periodic },
    );
}

fn application(book: &Book) -> &Application {
    &book.state.applications[&key().application]
}

fn step(book: &Book) -> Step {
    application(book).upgrade.as_ref().unwrap().step
}

fn action(book: &Book, of: &Key) -> Action {
    let application = application(book);
    let observed = Observed { as_of: book.state.number, yarn: Yarn::NoRun };
    next(&application.wanted, &application.components[&of.component], &observed, 1000)
}

#[test]
fn where_one_component_cannot_be_saved_the_other_one_begins_again_and_that_goes_on() {
    let mut book = two();
    stopped(&mut book, 1, &key(), "a");
    assert_eq!(turn(application(&book), 1000), Turn::Wait, "the other one runs");
    saving(&mut book, 2, &other(), "b");
    note(&mut book, Fact::SavepointFailed { of: other(), id: trigger("b"), why: "no".into(), is_over: false });
    let Wanted::Started { order, .. } = application(&book).wanted else { panic!("{:?}", application(&book).wanted) };
    assert_eq!((step(&book), application(&book).package.as_str()), (Step::Ended, "p-1.0.0"));
    assert_eq!(action(&book, &key()), Action::Intend { due_ms: None });
    let goes_on = &application(&book).components[&other().component];
    assert!(goes_on.live().is_some_and(|run| run.order == order) && !goes_on.respawns(1));
    // What refuses its new run for the moment does not end the other one.
    assert!(application(&book).components[&key().component].respawns(order));
}

#[test]
fn a_component_that_fails_takes_all_of_its_version_along_and_each_begins_from_where_it_stood() {
    let mut book = two();
    stopped(&mut book, 1, &key(), "a");
    stopped(&mut book, 2, &other(), "b");
    assert_eq!(turn(application(&book), 1000), Turn::Switch);
    let states: States = [(key().component, Some("/s/a".to_owned())), (other().component, None)].into_iter().collect();
    note(&mut book, upgrade(UpgradeFact::Switched { states }));
    let order = book.state.number;
    assert_eq!((step(&book), application(&book).package.as_str()), (Step::Trying, "p-2.0.0"));
    run(&mut book, 3, &key(), order);
    run(&mut book, 4, &other(), order);
    note(&mut book, Fact::RunEnded { of: key(), id: id(3), end: end(Verdict::Failed) });
    assert_eq!(step(&book), Step::Returning);
    assert_eq!(application(&book).wanted, Wanted::Stopped { save: false, was: None });
    assert_eq!(turn(application(&book), 1000), Turn::Wait, "the other one still runs");
    note(&mut book, Fact::RunEnded { of: other(), id: id(4), end: end(Verdict::Killed) });
    assert_eq!(turn(application(&book), 1000), Turn::Return);
    note(&mut book, upgrade(UpgradeFact::Returned));
    let begins = |of: &Key| application(&book).components[&of.component].begins.clone();
    assert_eq!((begins(&key()), begins(&other())), (Some(Origin::Path("/s/a".into())), Some(Origin::Empty)));
    assert_eq!((step(&book), application(&book).package.as_str()), (Step::Returned, "p-1.0.0"));
    assert!(application(&book).information.as_ref().is_some_and(|said| said.contains("c failed: said")));
    assert_eq!(action(&book, &key()), Action::Intend { due_ms: None });
}

#[test]
fn what_stops_all_the_same_after_the_other_one_could_not_be_saved_begins_again() {
    let mut book = two();
    saving(&mut book, 1, &key(), "a");
    saving(&mut book, 2, &other(), "b");
    note(&mut book, Fact::SavepointFailed { of: other(), id: trigger("b"), why: "no".into(), is_over: false });
    assert_eq!(step(&book), Step::Ended);
    // The stop of the first one was on its way already.
    note(&mut book, Fact::SavepointCompleted { of: key(), id: trigger("a"), path: "/s/a".into() });
    note(&mut book, Fact::RunEnded { of: key(), id: id(1), end: end(Verdict::Succeeded) });
    assert_eq!(action(&book, &key()), Action::Intend { due_ms: None });
}

#[test]
fn what_goes_on_after_its_own_stop_failed_too_is_of_the_order_in_force() {
    let mut book = two();
    saving(&mut book, 1, &key(), "a");
    saving(&mut book, 2, &other(), "b");
    for (of, digit) in [(other(), "b"), (key(), "a")] {
        note(&mut book, Fact::SavepointFailed { of, id: trigger(digit), why: "no".into(), is_over: false });
    }
    let Wanted::Started { order, .. } = application(&book).wanted else { panic!("{:?}", application(&book).wanted) };
    let orders = application(&book).components.values().map(|one| one.run.as_ref().unwrap().order);
    assert_eq!(orders.collect::<Vec<_>>(), [order, order]);
}

/// A batch job that has finished beside a stream is not begun again.
#[test]
fn what_had_finished_before_is_not_run_again_by_an_upgrade_or_its_way_back() {
    let mut book = with_two();
    note(&mut book, Fact::RunEnded { of: other(), id: id(2), end: end(Verdict::Succeeded) });
    let (package, overrides) = (PackageName::new("p-2.0.0").unwrap(), json!({ "package": "p-2.0.0" }));
    let runs = [key().component].into();
    let purpose = Purpose::Upgrade;
    note(&mut book, upgrade(UpgradeFact::Ordered { purpose, package, overrides, save: true, runs }));
    stopped(&mut book, 1, &key(), "a");
    let states: States = [(key().component, Some("/s/a".to_owned())), (other().component, None)].into_iter().collect();
    note(&mut book, upgrade(UpgradeFact::Switched { states }));
    let order = book.state.number;
    assert_eq!(action(&book, &other()), Action::Rest(Rest::AsWanted));
    run(&mut book, 3, &key(), order);
    note(&mut book, Fact::RunEnded { of: key(), id: id(3), end: end(Verdict::Failed) });
    note(&mut book, upgrade(UpgradeFact::Returned));
    assert_eq!(action(&book, &other()), Action::Rest(Rest::AsWanted));
    assert_eq!(action(&book, &key()), Action::Intend { due_ms: None });
}

/// A node that lost its ResourceManager's word may still run it.
#[test]
fn what_is_lost_is_waited_for_before_another_version_begins() {
    let mut book = two();
    stopped(&mut book, 1, &key(), "a");
    note(&mut book, Fact::RunEnded { of: other(), id: id(2), end: end(Verdict::Lost) });
    assert_eq!([1000, 60_999, 61_000].map(|now| turn(application(&book), now)), [Turn::Wait, Turn::Wait, Turn::Switch]);
}

#[test]
fn steps_that_nothing_leads_to_are_refused() {
    let mut book = two();
    for step in [UpgradeFact::Good, UpgradeFact::Returned, UpgradeFact::Switched { states: States::new() }] {
        assert!(book.note(&word("alice"), 1000, upgrade(step.clone())).is_err(), "{step:?}");
    }
    assert!(book.note(&word("alice"), 1000, ordered()).is_err(), "one at a time");
    let trial = TrialFact::Began { run: id(1) };
    assert!(book.note(&word("alice"), 1000, Fact::Trial { of: key(), step: trial }).is_err(), "nothing is tried");
}
