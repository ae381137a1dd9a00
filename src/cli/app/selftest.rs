//! `pnda app selftest`: the whole way of a small job, as whoever runs this, through the manager's socket.
//! Not here: the steps, which the manager's own selftest goes, too (`apps::selftest`).
//! What was found out is the exit code.

use super::client::Client;
use super::wait::SILENCE;
use crate::apps::clock::SystemClock;
use crate::apps::selftest::{Orders, Trial, selftest};
use crate::cli::failure::{FAILED, Failure, Outcome, say, say_json};
use crate::words::application::Application;
use crate::words::chain::chain;
use crate::words::names::{ApplicationName, PackageName};
use crate::words::selftest::{Selftest, Step};
use crate::words::shown::shown;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

impl Orders for Client {
    fn deploy(&self, package: &PackageName) -> Result<(), String> {
        let said = |failure: Failure| chain(failure.error());
        if self.packages().map_err(said)?.contains(package) {
            return Ok(());
        }
        Client::deploy(self, Path::new(package.as_str())).map(drop).map_err(said)
    }

    fn create(&self, name: &ApplicationName, package: &PackageName) -> Result<(), String> {
        Client::create(self, name, &json!({ "package": package })).map(drop).map_err(|failure| chain(failure.error()))
    }

    fn start(&self, name: &ApplicationName) -> Result<(), String> {
        Client::start(self, name, None, false).map(drop).map_err(|failure| chain(failure.error()))
    }

    /// A manager that does not answer for a moment ends no test.
    fn application(&self, name: &ApplicationName) -> Result<Option<Application>, String> {
        let begun = Instant::now();
        loop {
            match self.applications() {
                Ok(all) => return Ok(all.into_iter().find(|application| application.name == *name)),
                Err(failure) if begun.elapsed() > SILENCE => return Err(chain(failure.error())),
                Err(_) => std::thread::sleep(Duration::from_secs(1)),
            }
        }
    }

    fn delete(&self, name: &ApplicationName) -> Result<(), String> {
        Client::delete(self, name).map_err(|failure| chain(failure.error()))
    }
}

/// Runs it, and says how it went.
pub(super) fn run(client: &Client, package: &PackageName, within: u64, json: bool) -> Outcome {
    // One for each user: names are the manager's.
    let name = ApplicationName::new(format!("selftest-{}", rustix::process::geteuid().as_raw()))?;
    let trial = Trial { name: &name, package, within: Duration::from_secs(within) };
    let test = selftest(client, &SystemClock::default(), &trial);
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
