//! Another parallelism as a job runs: Flink is asked, whatever becomes of a request, and nothing is stopped; where its scheduler
//! cannot, or somebody wants it so, it goes by way of a savepoint.
//! Not here: what Flink makes of it (`tests/trial`).

use super::bed::{Bed, TestClock, alice, application, is_running, told_of};
use super::savepoints::One;
use super::wire::Answer;
use crate::journal::Origin;
use crate::manager::Manager;
use crate::manager::change::Change;
use serde_json::json;
use std::collections::BTreeMap;
use words::change::{Purpose, Step};

const ADAPTIVE: &str = "-p 2 -Djobmanager.scheduler=adaptive";

fn to(parallelism: u32) -> Change {
    Change { parallelism: Some((None, parallelism)), ..Change::to(Purpose::Rescale) }
}

/// A job that runs, with a source of one task and a step of which the program says nothing.
fn adaptive(is_taken: bool) -> One {
    let one = One::running(json!({ "flink_config_args": ADAPTIVE }));
    one.bed.flink.world().tasks = is_taken.then(|| tasks(2));
    one
}

fn tasks(count: u32) -> BTreeMap<String, u32> {
    BTreeMap::from([("map".to_owned(), count), ("source".to_owned(), 1)])
}

#[test]
fn a_job_that_can_goes_on_with_another_parallelism_which_later_runs_have_too() {
    let mut one = adaptive(true);
    let plan = one.manager.plan(&application(), &to(4), &alice()).unwrap();
    assert!(plan.steps[0].contains("up to 2 tasks do are done by up to 4, as it runs"), "{:?}", plan.steps);
    let before = one.component().yarn_id;
    one.manager.change(&application(), &to(4), &alice()).unwrap();
    let told = told_of(&one.manager).unwrap();
    assert_eq!((told.components[0].rescaling, told.upgrade), (Some(4), None));
    one.rounds(3);
    let told = told_of(&one.manager).unwrap();
    assert_eq!((told.components[0].rescaling, told.information), (None, None));
    assert_eq!((one.bed.flink.world().tasks.clone(), one.component().yarn_id), (Some(tasks(4)), before));
    assert_eq!(one.bed.savepoints.len(), 0, "nothing was stopped");
    one.stop();
    one.manager.start(&application(), Origin::Newest, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, is_running));
    let id = words::ids::ApplicationId::new(one.component().yarn_id.unwrap()).unwrap();
    assert_eq!(one.bed.set_for(&id, "parallelism.default"), Some("4".to_owned()));
}

#[test]
fn what_flink_refuses_is_told_and_the_run_goes_on() {
    let mut one = adaptive(false);
    one.manager.change(&application(), &to(4), &alice()).unwrap();
    one.rounds(3);
    let told = told_of(&one.manager).unwrap();
    let why = told.information.clone().unwrap();
    assert!(
        why.starts_with("Error rescaling words: ") && why.contains("The DefaultScheduler does not support"),
        "{why}"
    );
    assert!(is_running(&told) && told.components[0].rescaling.is_none(), "{told:?}");
    let overrides = one.bed.journal().applications[&application()].overrides.to_string();
    assert!(overrides.contains("adaptive") && !overrides.contains("flink_parallelism"), "as before: {overrides}");
    // Not one of its steps has what the order was about.
    one.bed.flink.world().tasks = Some(tasks(3));
    one.manager.change(&application(), &to(4), &alice()).unwrap();
    one.rounds(3);
    let why = told_of(&one.manager).unwrap().information.unwrap();
    assert!(why.contains("no step of its job is done by up to 2 tasks"), "{why}");
}

/// What passes is asked for again.
#[test]
fn a_job_manager_that_is_not_ready_is_asked_again() {
    let mut one = adaptive(true);
    one.bed.flink.world().jobs.values_mut().for_each(|state| *state = "INITIALIZING".to_owned());
    one.manager.change(&application(), &to(4), &alice()).unwrap();
    one.rounds(3);
    assert_eq!(told_of(&one.manager).unwrap().components[0].rescaling, Some(4));
    one.bed.flink.world().jobs.values_mut().for_each(|state| *state = "RUNNING".to_owned());
    one.rounds(3);
    assert_eq!(one.bed.flink.world().tasks, Some(tasks(4)));
}

/// A request whose answer was lost may come later than the next one, and would undo what was ordered since.
#[test]
fn nothing_else_is_ordered_while_a_request_may_still_be_on_its_way() {
    let One { mut bed, .. } = adaptive(true);
    let manager = bed.manager_by(&TestClock::by(1).into());
    manager.round();
    bed.wire.plan().answers = vec![Answer { to: "PUT /jobs/", acts: false, says: None }];
    manager.change(&application(), &to(4), &alice()).unwrap();
    let rescaling = |manager: &Manager| told_of(manager).unwrap().components[0].rescaling;
    manager.round();
    bed.wire.plan().answers.clear();
    let rounds = |bed: &mut Bed| {
        (1..100).find(|_| {
            manager.round();
            bed.step();
            bed.flink.world().tasks == Some(tasks(4))
        })
    };
    assert!(rounds(&mut bed).is_some() && rescaling(&manager) == Some(4), "{:?}", told_of(&manager));
    let refused = manager.change(&application(), &to(3), &alice()).unwrap_err().to_string();
    assert!(refused.contains("is being given another parallelism: wait for it"), "{refused}");
    // It comes, and so late that the job had something else by now.
    bed.flink.world().tasks = Some(tasks(2));
    assert!(rounds(&mut bed).is_some() && rescaling(&manager) == Some(4));
    let passed = || manager.clock.passed().as_secs();
    let begun = passed();
    while rescaling(&manager).is_some() && passed() < begun + 1000 {
        manager.round();
    }
    assert!(rescaling(&manager).is_none() && bed.flink.world().tasks == Some(tasks(4)), "{:?}", told_of(&manager));
    manager.change(&application(), &to(3), &alice()).unwrap();
}

#[test]
fn whoever_wants_it_begun_anew_or_has_no_such_scheduler_gets_it_by_a_savepoint() {
    let mut one = adaptive(true);
    one.manager.change(&application(), &Change { restarts: true, ..to(4) }, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, |told| {
        told.upgrade.as_ref().is_some_and(|upgrade| upgrade.step == Step::Good) && is_running(told)
    }));
    assert_eq!((one.bed.savepoints.len(), one.bed.flink.world().tasks.clone()), (1, Some(tasks(2))));
}
