//! `pnda app upgrade`, `diff`, `rollback`, `restart`, `rescale`: orders that change a version, and what each would do.
//! Not here: any rule; the manager says what is refused and why.
//! What is waited for is the end of the whole, and the exit code is 0 only where what was ordered has come to pass.

use super::settings::{Property, of_file, of_set, property};
use super::wait::{self, Settled};
use super::{checked, settled, table, tell};
use crate::cli::failure::{FAILED, Failure, Outcome, say, say_json};
use crate::systems::manager::Client;
use crate::words::application::{Application, Phase};
use crate::words::change::{Plan, Step};
use crate::words::names::{ApplicationName, ComponentName, PackageName};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(super) enum Change {
    /// Upgrade an application to another package or other settings: saved, stopped, begun from the savepoint, declared good by a
    /// checkpoint of its own, or back by itself.
    Upgrade(Upgrade),
    /// Say what an upgrade would change: components, properties, files, the release of Flink.
    Diff(Diff),
    /// Go back to the version before, from the state that it had then: what was done since is done again.
    Rollback(Rollback),
    /// Stop an application with a savepoint and start it from there, in one order.
    Restart(Restart),
    /// Give an application another parallelism, which stays: saved, stopped, begun from the savepoint.
    Rescale(Rescale),
}

/// What it becomes.
#[derive(Args)]
pub(super) struct Target {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// Another package, as in wordcount-1.2.4.
    #[arg(long, value_parser = checked::<PackageName>)]
    package: Option<PackageName>,
    /// A property of a component that is set besides: COMPONENT.PROPERTY=VALUE; may be given several times.
    #[arg(long, value_name = "COMPONENT.PROPERTY=VALUE", value_parser = property)]
    set: Vec<Property>,
    /// A JSON file of properties that are set instead of those of now; secrets belong here.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    overrides: Option<PathBuf>,
}

/// How it is done.
#[derive(Args)]
pub(super) struct Manner {
    /// Kill what runs without a savepoint: its newest savepoint or checkpoint counts.
    #[arg(long)]
    no_savepoint: bool,
    #[command(flatten)]
    end: End,
}

/// What is waited for.
#[derive(Args)]
pub(super) struct End {
    /// Wait until that is over. Exit code 1 unless it has come to pass.
    #[arg(long)]
    wait: bool,
    /// Only say what would be done and what stands against it. Exit code 1 if it would be refused.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Print the plan as JSON.
    #[arg(long, requires = "dry_run")]
    json: bool,
}

#[derive(Args)]
pub(super) struct Upgrade {
    #[command(flatten)]
    target: Target,
    /// Let a release of Flink try to read the state of one from which Flink does not promise that.
    #[arg(long)]
    allow_state_of_other_flink: bool,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Args)]
pub(super) struct Diff {
    #[command(flatten)]
    target: Target,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Rollback {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    #[command(flatten)]
    end: End,
}

#[derive(Args)]
pub(super) struct Restart {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Args)]
pub(super) struct Rescale {
    /// Its name.
    #[arg(value_parser = checked::<ApplicationName>)]
    application: ApplicationName,
    /// The component; all of them unless told.
    #[arg(long, value_parser = checked::<ComponentName>)]
    component: Option<ComponentName>,
    /// How many tasks do each step.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=32_768))]
    parallelism: u32,
    /// Stop it and begin anew even where Flink could change it as it runs, which its adaptive scheduler can.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    manner: Manner,
}

impl Target {
    fn body(&self) -> Result<Value, Failure> {
        let set = (!self.set.is_empty()).then(|| json!({ "flink": of_set(self.set.clone()) }));
        let overrides = self.overrides.as_ref().map(|file| of_file(file)).transpose()?;
        Ok(json!({ "package": self.package, "set": set, "overrides": overrides }))
    }
}

/// Runs one of them.
pub(super) fn run(client: &Client, change: Change) -> Outcome {
    match change {
        Change::Upgrade(upgrade) => self::upgrade(client, upgrade),
        Change::Diff(diff) => self::diff(client, diff),
        Change::Rollback(rollback) => self::rollback(client, rollback),
        Change::Restart(restart) => self::restart(client, restart),
        Change::Rescale(rescale) => self::rescale(client, rescale),
    }
}

fn upgrade(client: &Client, upgrade: Upgrade) -> Outcome {
    let mut body = upgrade.target.body()?;
    body["allow_state_of_other_flink"] = json!(upgrade.allow_state_of_other_flink);
    body["savepoint"] = json!(!upgrade.manner.no_savepoint);
    order(client, &upgrade.target.application, ("upgrade", body), &upgrade.manner.end)
}

fn diff(client: &Client, diff: Diff) -> Outcome {
    let difference = client.difference(&diff.target.application, &diff.target.body()?)?;
    if diff.json {
        say_json(&difference)?
    } else {
        say(&table::difference(&difference))?
    }
    Ok(ExitCode::SUCCESS)
}

fn rollback(client: &Client, rollback: Rollback) -> Outcome {
    order(client, &rollback.application, ("rollback", json!({})), &rollback.end)
}

fn restart(client: &Client, restart: Restart) -> Outcome {
    let body = json!({ "savepoint": !restart.manner.no_savepoint });
    order(client, &restart.application, ("restart", body), &restart.manner.end)
}

fn rescale(client: &Client, rescale: Rescale) -> Outcome {
    let Rescale { application, component, parallelism, restart, manner } = rescale;
    let save = !manner.no_savepoint;
    let body = json!({ "component": component, "parallelism": parallelism, "savepoint": save, "restart": restart });
    order(client, &application, ("rescale", body), &manner.end)
}

fn order(client: &Client, name: &ApplicationName, (verb, mut body): (&str, Value), end: &End) -> Outcome {
    if end.dry_run {
        body["dry_run"] = json!(true);
        let plan: Plan = client.change(name, verb, &body)?;
        if end.json {
            say_json(&plan)?
        } else {
            say(&table::plan(&plan))?
        }
        return Ok(if plan.is_refused() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    tell(&client.ordered(name, verb, &body)?)?;
    match verb {
        "rescale" => settled(client, name, end.wait, |application| {
            is_rescaled(application).unwrap_or_else(|| is_over(false)(application))
        }),
        _ => settled(client, name, end.wait, is_over(verb == "rollback")),
    }
}

/// What Flink makes otherwise as it runs has no upgrade.
fn is_rescaled(application: &Application) -> Option<Settled> {
    if application.upgrade.is_some() {
        return None;
    }
    let is_asked_for = application.components.iter().any(|component| component.rescaling.is_some());
    Some(match (is_asked_for, &application.information) {
        (true, _) => Settled::No,
        (false, Some(_)) => Settled::Badly(FAILED),
        (false, None) => wait::runs(application),
    })
}

/// It is over, and what was ordered has come to pass, or not. The way back is what a rollback orders.
fn is_over(wants_back: bool) -> impl Fn(&Application) -> Settled {
    move |application| {
        let Some(step) = application.upgrade.as_ref().map(|upgrade| upgrade.step) else { return Settled::No };
        let is_wanted = step == Step::Good || (step == Step::Returned && wants_back);
        match (step.is_under_way(), application.status, is_wanted) {
            (true, ..) => Settled::No,
            (false, Phase::Created, true) => Settled::Well,
            (false, _, true) => wait::runs(application),
            (false, ..) => match wait::runs(application) {
                Settled::No => Settled::No,
                _ => Settled::Badly(FAILED),
            },
        }
    }
}
