//! Runs a target over bent seeds: what panics, hangs or breaks a rule is written down, and the test names the file.
//! An input whose outcome is new joins the seeds, so that later ones start from where earlier ones got to.
//! Not here: how an input is bent.

use crate::corpus;
use crate::mutate::Mutator;
use crate::seed::Seed;
use pnda::words::digest::Sha256;
use std::collections::HashSet;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// Takes hostile bytes; says in a few words what came of them, and panics if a rule is broken.
pub type Target = fn(&[u8]) -> String;

/// Inputs of the short run, and for how long it goes on at most.
const SHORT: (u64, Duration) = (4000, Duration::from_millis(1500));
/// No input of at most `mutate::LONGEST` bytes may take longer, on however slow a machine.
const LONGEST_CALL: Duration = Duration::from_secs(30);
/// An input that is written down because it is slow.
const WORTH_A_LOOK: Duration = Duration::from_secs(2);
/// Inputs that are kept for their new outcome.
const MOST_KEPT: usize = 1000;

pub fn run(name: &'static str, target: Target) {
    let (most, longest) = match env::var("PNDA_FUZZ_SECONDS") {
        Ok(seconds) => (u64::MAX, Duration::from_secs(seconds.parse().unwrap())),
        Err(_) => SHORT,
    };
    let mut files: Vec<PathBuf> = fs::read_dir(corpus(name)).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    let mut seeds: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let seed = Seed::of(name, 1);
    let mut mutator = Mutator::new(seed.number, &seeds);
    let watched = Watched::new(name);
    let (mut outcomes, mut slowest) = (HashSet::new(), Duration::ZERO);
    outcomes.extend(seeds.iter().map(|seed| watched.call(target, seed)));
    let (begun, own) = (Instant::now(), seeds.len());
    let mut count = 0;
    while count < most && begun.elapsed() < longest {
        let input = mutator.bend(&seeds);
        let started = Instant::now();
        let outcome = watched.call(target, &input);
        if started.elapsed() > slowest {
            slowest = started.elapsed();
            if slowest > WORTH_A_LOOK {
                say(&format!("{name}: {} took {slowest:.1?}", save(name, &input)));
            }
        }
        if outcomes.insert(outcome) && seeds.len() < own + MOST_KEPT {
            seeds.push(input);
        }
        count += 1;
    }
    if most > SHORT.0 {
        let (outcomes, took) = (outcomes.len(), begun.elapsed());
        say(&format!("{name}: {count} inputs, {outcomes} outcomes in {took:.1?}, the slowest took {slowest:.1?}"));
    }
}

/// Calls under the eyes of a thread that ends everything if one of them does not return.
struct Watched {
    name: &'static str,
    done: std::sync::mpsc::Sender<Option<Vec<u8>>>,
}

impl Watched {
    fn new(name: &'static str) -> Watched {
        let (done, calls) = channel();
        thread::spawn(move || watch(name, &calls));
        Watched { name, done }
    }

    fn call(&self, target: Target, input: &[u8]) -> String {
        let _ = self.done.send(Some(input.to_owned()));
        let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
        let _ = self.done.send(None);
        match outcome {
            Ok(said) => shape(&said),
            Err(why) => {
                let text = why.downcast_ref::<String>().map(String::as_str).or(why.downcast_ref::<&str>().copied());
                panic!("{}: {} broke it: {}", self.name, save(self.name, input), text.unwrap_or_default())
            }
        }
    }
}

/// Each call is told before it begins and when it is over.
fn watch(name: &str, calls: &Receiver<Option<Vec<u8>>>) {
    while let Ok(call) = calls.recv() {
        let Some(input) = call else { continue };
        if let Err(RecvTimeoutError::Timeout) = calls.recv_timeout(LONGEST_CALL) {
            say(&format!("{name}: {} takes more than {LONGEST_CALL:?}", save(name, &input)));
            std::process::exit(101);
        }
    }
}

/// To the terminal, past the runner's capture.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn save(name: &str, input: &[u8]) -> String {
    let short = &Sha256::of(input).to_string()[..12];
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}-{short}"));
    fs::write(&path, input).unwrap();
    path.display().to_string()
}

/// An outcome without what differs from input to input: its first letters.
fn shape(said: &str) -> String {
    said.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(120).collect()
}
