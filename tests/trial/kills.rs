//! One application lives on, on a real cluster, while its manager is killed in the middle of all that is ordered: starts, upgrades,
//! restarts, another parallelism, stops. One of it runs at most, and each run begins from where the one before it stood. Where
//! there is time this goes on for fifty kills, and the cluster itself suffers in between (`mishaps`).
//! Not here: kills spread over all requests of a start and a stop, each of an application of its own (`faults`).

use super::faults::{Bed, FIRST, Manager, is_running, is_stopped, is_taken};
use super::ground::Ground;
use super::mishaps::{MISHAPS, Mishap};
use super::relay::Moment;
use super::{package, pairs};
use pnda::words::application as told;
use pnda::words::change::Step;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

pub(super) const NAME: &str = "life";
/// So often the manager is killed where there is time, and so many times it all begins anew at most.
const KILLS: usize = 50;
const MOST_ROUNDS: usize = 40;
/// A request that never comes.
const NEVER: Moment = Moment::Before(usize::MAX);

/// The application, and what is known of it.
pub(super) struct Life<'a> {
    pub(super) bed: &'a Bed,
    /// Runs that YARN was given.
    runs: usize,
    /// Where the next start begins.
    saved: Option<String>,
    orders: usize,
    hits: usize,
}

/// The path of its newest savepoint.
fn savepoint(told: &told::Application) -> Option<String> {
    told.components[0].savepoints.last()?.path.clone()
}

/// The number of the last order that changed it.
fn change(told: &told::Application) -> Option<u64> {
    told.upgrade.as_ref().map(|upgrade| upgrade.order)
}

impl<'a> Life<'a> {
    fn begin(bed: &'a Bed) -> Life<'a> {
        let set = "machine.flink_config_args=-Dexecution.checkpointing.interval=1s -Dtaskmanager.numberOfTaskSlots=2";
        bed.manager(FIRST, false).does(&["create", NAME, "--package", "states-1.0.0", "--set", set]);
        Life { bed, runs: bed.in_yarn(NAME).len(), saved: None, orders: 0, hits: 0 }
    }

    fn killed(&mut self, moment: Moment, order: &[&str], is_done: &dyn Fn(&told::Application) -> bool) -> Manager {
        let (manager, _, hit) = self.bed.killed(NAME, moment, order, is_done);
        self.orders += 1;
        self.hits += usize::from(hit);
        manager
    }

    /// One lives, the known one, and so many more than before were submitted.
    pub(super) fn is_alone(&mut self, running: &told::Application, more: usize) {
        let all = self.bed.in_yarn(NAME);
        let alive: Vec<&str> = all.iter().filter(|one| !one.state.is_final()).map(|one| one.id.as_str()).collect();
        assert_eq!(alive, [running.components[0].yarn_id.as_deref().unwrap()], "the known one, and no other");
        assert_eq!(all.len(), self.runs + more, "{all:?}");
        self.runs = all.len();
    }

    /// It runs again after something befell it, by itself: in the run that there was, or in another one with state.
    pub(super) fn is_well_again(&mut self, running: &told::Application, more: usize) {
        self.is_alone(running, more);
        assert!(self.bed.restored(&running.components[0]).is_some(), "it began empty: {running:?}");
    }

    pub(super) fn start(&mut self, moment: Moment, meanwhile: impl FnOnce(&Manager)) {
        let manager = self.killed(moment, &["start", NAME], &is_taken);
        meanwhile(&manager);
        let running = manager.wait(NAME, is_running);
        self.is_alone(&running, 1);
        assert_eq!(self.bed.restored(&running.components[0]), self.saved, "Flink says from where it began");
    }

    /// Becomes something else, or the same again, by way of a savepoint.
    fn change(&mut self, moment: Moment, order: &[&str]) {
        let before = self.bed.manager(FIRST, false).wait(NAME, is_running);
        let is_over = |told: &told::Application| {
            let upgrade = told.upgrade.as_ref().filter(|upgrade| Some(upgrade.order) != change(&before));
            // A restart is over when it has switched, and its run follows.
            let is_next = told.components[0].yarn_id != before.components[0].yarn_id && is_taken(told);
            upgrade.is_some_and(|upgrade| !upgrade.step.is_under_way()) && is_next
        };
        let manager = self.killed(moment, order, &is_over);
        let over = manager.wait(NAME, |told| is_over(told) && is_running(told));
        assert_eq!(over.upgrade.as_ref().map(|upgrade| upgrade.step), Some(Step::Good), "{order:?}: {over:?}");
        self.is_alone(&over, 1);
        let saved = savepoint(&over);
        assert_ne!(saved, self.saved, "{order:?}: it was saved");
        assert_eq!(self.bed.restored(&over.components[0]), saved, "{order:?}: Flink says from where it began");
        self.saved = saved;
    }

    fn stop(&mut self, moment: Moment) {
        let manager = self.killed(moment, &["stop", NAME], &is_stopped);
        let saved = savepoint(&manager.wait(NAME, is_stopped));
        assert_ne!(saved, self.saved, "it was saved");
        self.saved = saved;
        let all = self.bed.in_yarn(NAME);
        assert!(all.len() == self.runs && all.iter().all(|one| one.state.is_final()), "{all:?}");
    }

    fn end(self) {
        self.bed.manager(FIRST, false).does(&["delete", NAME, "--yes"]);
    }
}

/// Between the savepoint of an upgrade and its submission, and after that.
pub fn an_upgrade_goes_on_where_its_manager_was_killed(bed: &Bed) {
    let mut life = Life::begin(bed);
    life.start(NEVER, |_| ());
    let other = "machine.application_args=--error-rate 0.02 --sleep 5";
    life.change(Moment::BeforeFirst("new-application"), &["upgrade", NAME, "--set", other]);
    life.change(Moment::AfterFirst("POST /ws/v1/cluster/apps?"), &["restart", NAME]);
    assert_eq!(life.hits, 2, "both came");
    life.stop(NEVER);
    life.end();
}

/// Another moment each time; the words of a request at times, else its number.
fn moment(number: usize) -> Moment {
    let at = 1 + number * 7 % 60;
    match number % 4 {
        0 => Moment::BeforeFirst("new-application"),
        1 => Moment::Before(at),
        2 => Moment::AfterFirst("POST /ws/v1/cluster/apps?"),
        _ => Moment::After(at),
    }
}

/// Starts, is changed, stops; gives what befell it between.
fn round(life: &mut Life<'_>, ground: &mut Ground, number: usize) -> Mishap {
    let mishap = MISHAPS[number % MISHAPS.len()];
    let times = 4 * number + number / 4;
    if mishap == Mishap::FullQueue {
        mishap.befalls(life, ground);
    } else {
        life.start(moment(times), |_| ());
        mishap.befalls(life, ground);
    }
    let other = format!("machine.application_args=--error-rate 0.0{} --sleep 5", number + 2);
    let parallelism = if number.is_multiple_of(4) { "2" } else { "1" };
    if number.is_multiple_of(2) {
        life.change(moment(times + 1), &["rescale", NAME, "--parallelism", parallelism]);
    } else {
        life.change(moment(times + 1), &["upgrade", NAME, "--set", &other]);
    }
    life.change(moment(times + 2), &["restart", NAME]);
    let at = 1 + number % 12;
    life.stop(if number.is_multiple_of(2) { Moment::Before(at) } else { Moment::After(at) });
    mishap
}

/// On what a trial that has ended left.
pub fn fifty_times_nothing_runs_twice_or_begins_empty(folder: &Path) {
    let begun = Instant::now();
    let mut ground = Ground::up(folder, "kills");
    let bed = pairs::bed(folder, "kills-managers", &ground, "");
    bed.manager(FIRST, false).does(&["deploy", package(folder).to_str().unwrap()]);
    let mut life = Life::begin(&bed);
    let mut mishaps = Vec::new();
    for number in 0..MOST_ROUNDS {
        if life.hits >= KILLS {
            break;
        }
        mishaps.push(round(&mut life, &mut ground, number));
        let (hits, orders, seconds) = (life.hits, life.orders, begun.elapsed().as_secs());
        drop(writeln!(std::io::stderr(), "kills: {hits} in {orders} orders, {seconds} s, {:?}", mishaps.last()));
    }
    let (hits, orders, runs) = (life.hits, life.orders, life.runs);
    assert!(hits >= KILLS, "the manager was killed {hits} times only");
    life.end();
    let seconds = begun.elapsed().as_secs();
    drop(writeln!(
        std::io::stderr(),
        "kills: {hits} in {orders} orders, {runs} runs, {} mishaps, {seconds} s",
        mishaps.len()
    ));
}
