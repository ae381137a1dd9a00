//! A selftest whose orders are taken by a table: each step goes well, or fails with what was said,
//! and what is left is as told.
//! Not here: the manager that takes real ones (`tests/trial`).

use super::*;
use crate::clock::Clock;
use std::cell::{Cell, RefCell};
use words::application::Component;

/// Time passes only where it is waited for.
#[derive(Default)]
struct Still(std::sync::atomic::AtomicU64);

impl Clock for Still {
    fn now_ms(&self) -> u64 {
        1000
    }

    fn passed(&self) -> Duration {
        Duration::from_millis(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) {
        self.0.fetch_add(time.as_millis() as u64, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A manager that refuses one kind of order, with an application whose job goes through these states.
struct Table {
    refuses: Option<Name>,
    states: RefCell<Vec<State>>,
    is_there: Cell<bool>,
}

impl Table {
    fn of(states: &[State]) -> Table {
        Table { refuses: None, states: RefCell::new(states.to_vec()), is_there: Cell::new(false) }
    }

    fn order(&self, name: Name) -> Result<(), String> {
        if self.refuses == Some(name) { Err(format!("no {name}")) } else { Ok(()) }
    }
}

impl Orders for Table {
    fn deploy(&self, _: &PackageName) -> Result<(), String> {
        self.order(Name::Deploy)
    }

    fn create(&self, _: &ApplicationName, _: &PackageName) -> Result<(), String> {
        self.order(Name::Create).map(|()| self.is_there.set(true))
    }

    fn start(&self, _: &ApplicationName) -> Result<(), String> {
        self.order(Name::Start)
    }

    fn application(&self, name: &ApplicationName) -> Result<Option<Application>, String> {
        if !self.is_there.get() {
            return Ok(None);
        }
        let mut states = self.states.borrow_mut();
        let state = if states.len() > 1 { states.remove(0) } else { states[0] };
        let component = serde_json::json!({ "name": "c", "state": state, "reason": "why", "savepoints": [] });
        let component: Component = serde_json::from_value(component).unwrap();
        let application = serde_json::json!({
            "name": name, "package": PACKAGE, "owner": "alice", "status": "STARTED", "components": [component],
        });
        Ok(Some(serde_json::from_value(application).unwrap()))
    }

    fn delete(&self, _: &ApplicationName) -> Result<(), String> {
        self.order(Name::Delete).map(|()| self.is_there.set(false))
    }
}

fn run(table: &Table) -> Selftest {
    let (name, package) = (ApplicationName::new("selftest-1").unwrap(), PackageName::new(PACKAGE).unwrap());
    selftest(table, &Still::default(), &Trial { name: &name, package: &package, within: Duration::from_secs(10) })
}

#[test]
fn a_job_that_comes_to_its_end_passes_and_leaves_nothing() {
    let table = Table::of(&[State::Submitting, State::Running, State::Finished]);
    let test = run(&table);
    assert!(test.passed && test.steps.len() == 5 && !table.is_there.get(), "{test:?}");
    assert_eq!((test.failed(), test.steps[3].ms), (None, 2000));
}

#[test]
fn each_step_that_fails_is_named_with_what_was_said() {
    for name in [Name::Deploy, Name::Create, Name::Start, Name::Delete] {
        let test = run(&Table { refuses: Some(name), ..Table::of(&[State::Finished]) });
        assert_eq!((test.passed, test.failed()), (false, Some((name, format!("no {name}").as_str()))));
    }
    let table = Table::of(&[State::Failed]);
    assert_eq!(run(&table).failed(), Some((Name::Finish, "its job is failed: why")));
    assert!(table.is_there.get(), "it is left to be looked at");
}

#[test]
fn what_takes_too_long_is_ended_and_what_was_left_is_taken_away_unless_it_is_under_way() {
    let table = Table::of(&[State::Waiting]);
    assert_eq!(run(&table).failed(), Some((Name::Finish, "it is waiting after 10 s: why")));
    assert!(!table.is_there.get());
    let left = Table::of(&[State::Failed, State::Finished]);
    left.is_there.set(true);
    assert!(run(&left).passed);
    let other = Table::of(&[State::Running]);
    other.is_there.set(true);
    let test = run(&other);
    assert!(test.failed().is_some_and(|(name, why)| name == Name::Create && why.contains("under way")), "{test:?}");
    assert!(other.is_there.get());
}
