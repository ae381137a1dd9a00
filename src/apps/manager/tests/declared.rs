//! What is declared is brought about, in as many goes as it takes, and the same once more does nothing; what stands against any of
//! it keeps all of it from being done.
//! Not here: the document that people write (`words::declared`).

use super::bed::{Bed, TestClock, alice, application, is_running, is_stopped, told_of, word};
use super::upgrades::{SLOTS, is_at};
use crate::manager::Manager;
use crate::orders::{Caller, Refusal};
use crate::package::tests::WORDCOUNT;
use crate::share::Share;
use serde_json::json;
use std::sync::Arc;
use words::application::{Phase, Weight};
use words::change::Step;
use words::declared::{self, Applied, Apply, Declared, Order, StepState, Wanted};
use words::names::{ApplicationName, PackageName};
use words::problem::Source;

fn words() -> Declared {
    let set = serde_json::from_value(json!({})).unwrap();
    Declared {
        package: PackageName::new(WORDCOUNT).unwrap(),
        owner: None,
        wanted: Wanted::Stopped,
        state_of: None,
        set,
    }
}

fn parallel(wanted: Wanted, parallelism: &str) -> Declared {
    let set = json!({ "flink": { "word-count": { "flink_parallelism": parallelism } } });
    Declared { wanted, set: serde_json::from_value(set).unwrap(), ..words() }
}

fn of(declared: Declared) -> Apply {
    Apply { applications: [(application(), declared)].into(), ..Apply::default() }
}

fn steps(applied: &Applied) -> Vec<(Order, StepState)> {
    applied.applications.iter().flat_map(|one| &one.steps).map(|step| (step.order, step.state)).collect()
}

fn apply(manager: &Manager, declared: &Declared) -> Vec<(Order, StepState)> {
    let applied = manager.apply(&of(declared.clone()), &alice()).unwrap();
    assert!(!applied.is_refused(), "{applied:?}");
    steps(&applied)
}

#[test]
fn what_is_exported_is_applied_with_nothing_to_do_and_each_change_is_an_order() {
    let mut bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let all = manager.declarations(&[], &alice()).unwrap();
    let text = declared::text(&all);
    let (read, _) = declared::read(Source { file: "a.toml", text: &text }).unwrap();
    assert_eq!(read, all);
    assert_eq!(all[&application()], Declared { owner: Some(word("alice")), ..words() });
    assert!(manager.apply(&Apply { applications: read, ..Apply::default() }, &alice()).unwrap().is_nothing());

    let wanted = parallel(Wanted::Running, "2");
    let dry = manager.apply(&Apply { dry_run: true, ..of(wanted.clone()) }, &alice()).unwrap();
    assert_eq!(steps(&dry), [(Order::Upgrade, StepState::Planned), (Order::Start, StepState::Waits)]);
    assert_eq!(dry.applications[0].differs, ["flink/word-count/flink_parallelism"]);
    let before = manager.state().unwrap().number;
    manager.apply(&Apply { dry_run: true, ..of(wanted.clone()) }, &alice()).unwrap();
    assert_eq!(manager.state().unwrap().number, before, "a dry run writes nothing");
    assert_eq!(apply(&manager, &wanted), [(Order::Upgrade, StepState::Ordered), (Order::Start, StepState::Waits)]);
    assert_eq!(apply(&manager, &wanted), [(Order::Start, StepState::Waits)], "the upgrade is under way");
    manager.round();
    assert_eq!(apply(&manager, &wanted), [(Order::Start, StepState::Ordered)]);
    let meanwhile = manager.apply(&of(wanted.clone()), &alice()).unwrap();
    assert!(meanwhile.is_nothing() && !meanwhile.is_brought_about(), "who waits waits on: {meanwhile:?}");
    assert!(bed.settle(&manager, is_running), "{:?}", told_of(&manager));
    assert!(manager.apply(&of(wanted.clone()), &alice()).unwrap().is_brought_about());
    let told = manager.declarations(&[application()], &alice()).unwrap();
    assert_eq!(told[&application()], Declared { owner: Some(word("alice")), ..wanted });

    let wanted = parallel(Wanted::Stopped, "3");
    assert_eq!(apply(&manager, &wanted), [(Order::Stop, StepState::Ordered), (Order::Upgrade, StepState::Waits)]);
    assert_eq!(apply(&manager, &wanted), [(Order::Upgrade, StepState::Waits)], "it is stopping");
    assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
    assert_eq!(bed.savepoints.len(), 1, "it was stopped with a savepoint");
    assert_eq!(apply(&manager, &wanted), [(Order::Upgrade, StepState::Ordered)]);
    manager.round();
    assert_eq!(apply(&manager, &wanted), []);
}

#[test]
fn what_is_not_declared_any_more_goes_where_that_is_said_and_what_is_new_is_made() {
    let mut bed = Bed::new();
    let (manager, _) = bed.started();
    let none = Apply::default();
    assert!(manager.apply(&none, &alice()).unwrap().is_nothing(), "nothing goes unless that is said");
    let missing = Apply { delete_missing: true, ..none };
    let bob = Caller { name: word("bob"), is_admin: true };
    assert!(manager.apply(&missing, &bob).unwrap().is_nothing(), "an administrator's own are meant");
    let first = manager.apply(&missing, &alice()).unwrap();
    assert_eq!(steps(&first), [(Order::Stop, StepState::Ordered), (Order::Delete, StepState::Waits)]);
    assert!(bed.settle(&manager, is_stopped));
    assert_eq!(steps(&manager.apply(&missing, &alice()).unwrap()), [(Order::Delete, StepState::Ordered)]);
    assert_eq!((bed.savepoints.len(), manager.declarations(&[], &alice()).unwrap().len()), (1, 0));
    manager.round();
    assert!(manager.apply(&missing, &alice()).unwrap().is_nothing() && told_of(&manager).is_none());

    let wanted = Declared { wanted: Wanted::Running, ..words() };
    let both = [(Order::Create, StepState::Ordered), (Order::Start, StepState::Ordered)];
    assert_eq!(apply(&manager, &wanted), both);
    assert_eq!(told_of(&manager).unwrap().status, Phase::Starting);
    assert!(bed.settle(&manager, is_running));
    assert_eq!(apply(&manager, &wanted), []);
}

#[test]
fn everything_that_stands_against_it_is_told_and_nothing_is_done() {
    let bed = Bed::new();
    let manager = bed.manager();
    manager.round();
    let name = |text: &str| ApplicationName::new(text).unwrap();
    let other = |package: &str| Declared { package: PackageName::new(package).unwrap(), ..words() };
    let unknown = serde_json::from_value(json!({ "flink": { "nobody": { "a": "1" } } })).unwrap();
    let applications = [
        (application(), parallel(Wanted::Running, "many")),
        (name("absent"), other("absent-1.0.0")),
        (name("fine"), words()),
        (name("strange"), Declared { set: unknown, ..words() }),
        (name("bobs"), Declared { owner: Some(word("bob")), ..words() }),
    ];
    let asked = Apply { applications: applications.into(), ..Apply::default() };
    let before = manager.state().unwrap().number;
    let told = manager.apply(&asked, &alice()).unwrap();
    assert!(told.is_refused() && manager.state().unwrap().number == before);
    let text = format!("{told:?}");
    for part in [
        "there is no package absent-1.0.0 that is deployed",
        "has no component `flink/nobody`",
        "it would belong to alice, not to bob",
        "flink_parallelism is `many`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let ordered = told.applications.iter().flat_map(|one| &one.steps).any(|step| step.state == StepState::Ordered);
    assert!(!ordered, "{told:?}");
    let bob = Caller { name: word("bob"), is_admin: false };
    let theirs = manager.apply(&of(Declared { wanted: Wanted::Running, ..words() }), &bob).unwrap();
    assert!(theirs.is_refused(), "{theirs:?}");
    assert!(matches!(manager.declarations(&[application()], &bob), Err(Refusal::Forbidden(_))));
}

#[test]
fn what_is_beyond_a_share_for_the_moment_waits_and_what_never_fits_is_refused_with_all_else() {
    let bed = Bed::new();
    let manager = bed.manager().sharing(Share { applications: 3, waiting: 1, ..Share::default() });
    manager.round();
    let running = Declared { wanted: Wanted::Running, ..words() };
    let asked = |names: &[&str]| {
        let each = names.iter().map(|name| (ApplicationName::new(*name).unwrap(), running.clone()));
        Apply { applications: each.collect(), ..Apply::default() }
    };
    let before = manager.state().unwrap().number;
    let refused = manager.apply(&asked(&["a", "b", "c"]), &alice()).unwrap();
    let all = refused.applications.iter().flat_map(|one| &one.findings);
    let against: Vec<_> = all.filter(|finding| finding.weight == Weight::Refusal).collect();
    assert!(against.len() == 1 && against[0].place == "c", "{against:?}");
    assert!(against[0].what.starts_with("alice would have 4 applications"), "{against:?}");
    assert_eq!(manager.state().unwrap().number, before, "none is made");

    let given = manager.apply(&asked(&["a", "b"]), &alice()).unwrap();
    let [made, waits] = [StepState::Ordered, StepState::Waits];
    let each = [(Order::Create, made), (Order::Start, made), (Order::Create, made), (Order::Start, waits)];
    assert_eq!(steps(&given), each);
    assert!(given.applications[1].reason.as_ref().is_some_and(|why| why.contains("wait for one")), "{given:?}");
}

/// Whoever applies it every minute would stop what runs each time.
#[test]
fn a_version_that_came_to_nothing_is_not_tried_again() {
    let (mut bed, clock) = (Bed::new(), Arc::new(TestClock::by(3600)));
    let manager = bed.manager_by(&clock);
    bed.started_by(&manager);
    (bed.rounds, bed.failing) = (40, Some(SLOTS));
    let set = json!({ "flink": { "word-count": { "flink_config_args": format!("-Dtaskmanager.numberOfTaskSlots={SLOTS}") } } });
    let wanted = Declared { wanted: Wanted::Running, set: serde_json::from_value(set).unwrap(), ..words() };
    assert_eq!(apply(&manager, &wanted), [(Order::Upgrade, StepState::Ordered)]);
    assert!(bed.settle(&manager, |told| is_at(told, Step::Returned) && is_running(told)), "{:?}", told_of(&manager));
    let again = manager.apply(&of(wanted), &alice()).unwrap();
    assert!(again.is_refused(), "{again:?}");
    let why = &again.applications[0].findings[0];
    assert!(why.what.contains("was tried, and came to nothing") && why.remedy.contains("pnda app upgrade"), "{why:?}");
}
