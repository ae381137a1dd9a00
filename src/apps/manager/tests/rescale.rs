//! Another parallelism as a job runs: Flink is asked, whatever becomes of a request, and nothing is stopped; where its scheduler
//! cannot, or somebody wants it so, it goes by way of a savepoint.
//! Not here: what Flink makes of it (`tests/trial`).

use super::bed::{alice, application, is_running, told_of};
use super::savepoints::One;
use crate::journal::Origin;
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

#[test]
fn whoever_wants_it_begun_anew_or_has_no_such_scheduler_gets_it_by_a_savepoint() {
    let mut one = adaptive(true);
    one.manager.change(&application(), &Change { restarts: true, ..to(4) }, &alice()).unwrap();
    assert!(one.bed.settle(&one.manager, |told| {
        told.upgrade.as_ref().is_some_and(|upgrade| upgrade.step == Step::Good) && is_running(told)
    }));
    assert_eq!((one.bed.savepoints.len(), one.bed.flink.world().tasks.clone()), (1, Some(tasks(2))));
}
