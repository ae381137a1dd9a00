//! A real job gets another parallelism: as it runs where its scheduler is Flink's adaptive one, whose tasks are counted by Flink
//! itself, and with the state that it had.
//! Not here: another parallelism by way of a savepoint (`upgrades`).

use super::{app_does, component, master};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How many tasks do the steps of the job, the most of any.
fn tasks(folder: &Path) -> u64 {
    let (manager, job) = master(folder, &component(folder, "wide"));
    let job = manager.job(&job).unwrap().unwrap();
    job.vertices.iter().map(|vertex| vertex.parallelism).max().unwrap()
}

pub fn a_job_goes_on_with_another_parallelism(folder: &Path) {
    let set = "machine.flink_config_args=-p 2 -Djobmanager.scheduler=adaptive -Dexecution.checkpointing.interval=1s \
               -Dtaskmanager.numberOfTaskSlots=4 -Djobmanager.adaptive-scheduler.scaling-interval.min=1s";
    app_does(folder, &["create", "wide", "--package", "states-1.0.0", "--set", set]);
    app_does(folder, &["start", "wide", "--wait"]);
    let before = component(folder, "wide");
    assert_eq!(tasks(folder), 2);
    let plan = app_does(folder, &["rescale", "wide", "--parallelism", "4", "--dry-run"]);
    assert!(plan.contains("as it runs: nothing is stopped"), "{plan}");
    app_does(folder, &["rescale", "wide", "--parallelism", "4", "--wait"]);
    let deadline = Instant::now() + Duration::from_secs(120);
    while tasks(folder) != 4 {
        assert!(Instant::now() < deadline, "Flink does not change it");
        sleep(Duration::from_millis(500));
    }
    let after = component(folder, "wide");
    assert_eq!((after.yarn_id, after.job_id, after.savepoints), (before.yarn_id, before.job_id, before.savepoints));
    let history = app_does(folder, &["history", "wide"]);
    assert!(history.contains("another parallelism was ordered, as it runs"), "{history}");
    app_does(folder, &["stop", "wide", "--no-savepoint", "--wait"]);
    let explained = app_does(folder, &["explain", "wide", "--json"]);
    assert!(explained.contains(r#""component_flink_parallelism": "4""#), "{explained}");
    app_does(folder, &["delete", "wide", "--yes"]);
}
