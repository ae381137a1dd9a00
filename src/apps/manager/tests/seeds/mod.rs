//! Random scripts of orders, mishaps and faults, each from one seed, on a cluster in memory with a clock of its own: whatever
//! comes, nothing runs twice, begins empty or is lost, and after the last fault all comes to what was ordered last.
//! `PNDA_SEED=N` carries out the script of one seed and tells what happens; with `PNDA_TEST_LONG` there are many more seeds.
//! Not here: each order with one fault at each of its requests (`faults`).

mod cluster;
mod invariants;
mod kind;
mod line;
mod play;
mod steps;
mod told;

use play::Play;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use steps::{Step, script};

/// Seeds of each part, and of each where there is time.
const SEEDS: u64 = 500;
const MANY: u64 = 25_000;
const PARTS: u64 = 4;
/// One of the parts has found something: the others need not go on.
static IS_FOUND: AtomicBool = AtomicBool::new(false);
/// So often a script that fails is tried without some of its steps.
const MOST_TRIES: usize = 300;

fn carry_out(play: &Arc<Play>, seed: u64, steps: &[Step], traces: bool) -> Result<usize, String> {
    catch_unwind(AssertUnwindSafe(|| play.run(seed, steps, traces))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("it panicked: {}", said.unwrap_or_default()))
    })
}

/// The shortest script found that fails, too.
fn shortest(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let (mut size, mut tries) = (steps.len() / 2, 0);
    while size > 0 {
        let mut at = 0;
        while at < steps.len() && tries < MOST_TRIES {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            tries += 1;
            match carry_out(&Play::new(), seed, &fewer, false) {
                Err(_) => steps = fewer,
                Ok(_) => at += size,
            }
        }
        size /= 2;
    }
    steps
}

/// What went wrong, with the shortest script that shows it.
fn explain(seed: u64, steps: Vec<Step>) -> String {
    let steps = shortest(seed, steps);
    let play = Play::new();
    let why = carry_out(&play, seed, &steps, true).err().unwrap_or_default();
    let trace = play.trace();
    format!("seed {seed}: {why}\nscript: {steps:?}\n{}", trace.join("\n"))
}

/// Every `PARTS`th seed from this one on.
fn part(first: u64) {
    let only = std::env::var("PNDA_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    let count = if std::env::var_os("PNDA_TEST_LONG").is_some() { MANY } else { SEEDS };
    let seeds = (0..count).map(|number| number * PARTS + first);
    let seeds: Vec<u64> = seeds.filter(|seed| only.is_none_or(|only| only == *seed)).collect();
    let (play, mut hits) = (Play::new(), 0);
    for (at, seed) in seeds.iter().enumerate() {
        if IS_FOUND.load(Ordering::Relaxed) {
            return;
        }
        match carry_out(&play, *seed, &script(*seed), false) {
            Ok(hit) => hits += hit,
            Err(_) => {
                IS_FOUND.store(true, Ordering::Relaxed);
                panic!("after {at} others that passed\n{}", explain(*seed, script(*seed)));
            }
        }
    }
    println!("{} seeds, {hits} faults came", seeds.len());
    assert!(only.is_some() || hits as u64 > count, "{hits}");
}

#[test]
fn what_a_seed_brings_about_is_the_same_each_time() {
    let traces = |seed: u64| {
        let play = Play::new();
        let outcome = carry_out(&play, seed, &script(seed), true);
        (outcome, play.trace())
    };
    let mut lines = 0;
    for seed in 0..5 {
        let (first, second) = (traces(seed), traces(seed));
        assert!(first.0.is_ok(), "{:?}", first.0);
        assert_eq!(first, second, "seed {seed}");
        lines += first.1.len();
    }
    assert!(lines > 100, "{lines}");
}

#[test]
fn whatever_comes_nothing_runs_twice_or_is_lost_1() {
    part(0);
}

#[test]
fn whatever_comes_nothing_runs_twice_or_is_lost_2() {
    part(1);
}

#[test]
fn whatever_comes_nothing_runs_twice_or_is_lost_3() {
    part(2);
}

#[test]
fn whatever_comes_nothing_runs_twice_or_is_lost_4() {
    part(3);
}
