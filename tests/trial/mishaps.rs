//! What befalls a real cluster while an application runs on it, with its manager there or dead: a ResourceManager begins anew, a
//! node loses its power and comes back, a NameNode takes no changes, a queue is full, a JobManager dies.
//! Not here: what is ordered before and after (`kills`).

use super::faults::{FIRST, Manager, has_saved, is_running};
use super::ground::Ground;
use super::kills::{Life, NAME};
use super::relay::Moment;
use super::{kill_job_manager, kill_processes};
use pnda::words::application::{self as told, State};
use std::thread;
use std::time::Duration;

/// What may befall it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The ResourceManager that is active ends, and begins anew.
    ResourceManager,
    /// The node ends with all that runs on it, and begins anew.
    Node,
    /// HDFS takes no changes for some seconds.
    SafeMode,
    /// There is no room for it when it starts.
    FullQueue,
    /// Its JobManager is killed while nobody manages it.
    JobManager,
}

pub(super) const MISHAPS: [Mishap; 5] =
    [Mishap::ResourceManager, Mishap::Node, Mishap::SafeMode, Mishap::FullQueue, Mishap::JobManager];

/// Waits for the run after this one.
fn another(manager: &Manager, before: &told::Application) -> told::Application {
    manager.wait(NAME, |told| is_running(told) && told.components[0].yarn_id != before.components[0].yarn_id)
}

impl Mishap {
    pub(super) fn befalls(self, life: &mut Life<'_>, ground: &mut Ground) {
        match self {
            Mishap::ResourceManager => resource_manager(life, ground),
            Mishap::Node => node(life, ground),
            Mishap::SafeMode => safe_mode(life, ground),
            Mishap::FullQueue => full_queue(life),
            Mishap::JobManager => job_manager(life),
        }
    }
}

fn resource_manager(life: &mut Life<'_>, ground: &mut Ground) {
    let manager = life.bed.manager(FIRST, false);
    let before = manager.wait(NAME, has_saved);
    let active = ["rm1", "rm2"].into_iter().find(|name| ground.is_active(name)).expect("one is active");
    ground.kill(active);
    ground.resource_manager(active);
    ground.wait_for_worker();
    let after = manager.wait(NAME, is_running);
    assert_eq!(after.components[0].yarn_id, before.components[0].yarn_id, "the same run");
    life.is_alone(&after, 0);
}

fn node(life: &mut Life<'_>, ground: &mut Ground) {
    let manager = life.bed.manager(FIRST, false);
    let before = manager.wait(NAME, has_saved);
    ground.kill("nm");
    let place = ground.place.display().to_string();
    kill_processes(|command| command.contains(&place) && command.contains("container_"));
    ground.node_manager();
    ground.wait_for_worker();
    life.is_well_again(&another(&manager, &before), 1);
}

fn safe_mode(life: &mut Life<'_>, ground: &Ground) {
    let manager = life.bed.manager(FIRST, false);
    let before = manager.wait(NAME, has_saved);
    ground.safe_mode("enter");
    let (stopped, why) = manager.app(&["stop", NAME]);
    assert!(!stopped, "nothing can be written down: {why}");
    drop(manager);
    thread::sleep(Duration::from_secs(5));
    ground.safe_mode("leave");
    let manager = life.bed.manager(FIRST, false);
    let after = manager.wait(NAME, is_running);
    assert_eq!(after.components[0].yarn_id, before.components[0].yarn_id, "the same run");
    life.is_alone(&after, 0);
}

/// Others have all the room; the manager is killed as it starts, and the next one waits with it.
fn full_queue(life: &mut Life<'_>) {
    let set =
        "machine.flink_config_args=-p 3 -Dtaskmanager.numberOfTaskSlots=1 -Dtaskmanager.memory.process.size=3500m";
    let manager = life.bed.manager(FIRST, false);
    manager.does(&["create", "filler", "--package", "states-1.0.0", "--set", set]);
    manager.does(&["start", "filler", "--wait"]);
    drop(manager);
    life.start(Moment::AfterFirst("POST /ws/v1/cluster/apps?"), |manager| {
        manager.wait(NAME, |told| told.components[0].state == State::Waiting);
        manager.does(&["stop", "filler", "--no-savepoint", "--wait"]);
        manager.does(&["delete", "filler", "--yes"]);
    });
}

fn job_manager(life: &mut Life<'_>) {
    let manager = life.bed.manager(FIRST, false);
    let before = manager.wait(NAME, has_saved);
    drop(manager);
    let id = before.components[0].yarn_id.clone().unwrap();
    kill_job_manager(&id);
    let manager = life.bed.manager(FIRST, false);
    life.is_well_again(&another(&manager, &before), 1);
}
