//! `pnda app selftest`: the whole way of a small job, as whoever runs this, through the manager's socket.
//! Not here: the steps, which the manager's own selftest goes, too (`apps::selftest`).
//! What was found out is the exit code.

use super::wait::SILENCE;
use crate::apps::clock::SystemClock;
use crate::apps::selftest::{Orders, Trial, selftest};
use crate::cli::failure::{FAILED, Outcome, say, say_json};
use crate::systems::manager::{Client, Error};
use crate::words::application::Application;
use crate::words::chain::chain;
use crate::words::names::{ApplicationName, PackageName};
use crate::words::selftest::{Selftest, Step};
use crate::words::shown::shown;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The orders of a selftest, through the socket.
struct ByClient<'a>(&'a Client);

impl Orders for ByClient<'_> {
    fn deploy(&self, package: &PackageName) -> Result<(), String> {
        let said = |error: Error| chain(&error);
        if self.0.packages().map_err(said)?.contains(package) {
            return Ok(());
        }
        self.0.deploy(Path::new(package.as_str())).map(drop).map_err(said)
    }

    fn create(&self, name: &ApplicationName, package: &PackageName) -> Result<(), String> {
        self.0.create(name, &json!({ "package": package })).map(drop).map_err(|error| chain(&error))
    }

    fn start(&self, name: &ApplicationName) -> Result<(), String> {
        self.0.start(name, None, false).map(drop).map_err(|error| chain(&error))
    }

    /// A manager that does not answer for a moment ends no test.
    fn application(&self, name: &ApplicationName) -> Result<Option<Application>, String> {
        let begun = Instant::now();
        loop {
            match self.0.applications() {
                Ok(all) => return Ok(all.into_iter().find(|application| application.name == *name)),
                Err(error) if begun.elapsed() > SILENCE => return Err(chain(&error)),
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    fn delete(&self, name: &ApplicationName) -> Result<(), String> {
        self.0.delete(name).map_err(|error| chain(&error))
    }
}

/// Runs it, and says how it went.
pub(super) fn run(client: &Client, package: &PackageName, within: u64, json: bool) -> Outcome {
    // One for each user: names are the manager's.
    let name = ApplicationName::new(format!("selftest-{}", rustix::process::geteuid().as_raw()))?;
    let trial = Trial { name: &name, package, within: Duration::from_secs(within) };
    let test = selftest(&ByClient(client), &SystemClock::default(), &trial);
    if json {
        say_json(&test)?
    } else {
        say(&table(&test, &name))?
    }
    Ok(if test.passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn table(test: &Selftest, name: &ApplicationName) -> String {
    let line = |Step { name, ms, failed }: &Step| {
        let failed = failed.as_ref().map(|why| format!("  failed: {}", shown(why))).unwrap_or_default();
        format!("{:8}{:>8}.{} s{failed}\n", name.to_string(), ms / 1000, ms % 1000 / 100)
    };
    let steps: String = test.steps.iter().map(line).collect();
    let end = if test.passed {
        "all of it works\n".to_owned()
    } else {
        format!("`pnda app status {name}` and `pnda app logs {name}` say more, as long as it is there\n")
    };
    steps + &end
}
