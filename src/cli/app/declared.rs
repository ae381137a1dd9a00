//! `pnda app export` and `pnda app apply`: applications as a document, and what it takes to bring one about.
//! Not here: any rule; the manager says what is done, and what stands against it.
//! Values that are set may be secrets: a plan tells their names alone.

use super::wait::PAUSE;
use super::{checked, table};
use crate::cli::failure::{FAILED, Failure, Outcome, USAGE, give, say, say_json};
use crate::disk::regular;
use crate::systems::manager::{Client, Error};
use crate::words::application::{Finding, Weight};
use crate::words::declared::{self, Applied, Apply, Declarations, StepState, Steps};
use crate::words::names::ApplicationName;
use crate::words::problem::{Origin, Problems, Source};
use crate::words::shown::shown;
use clap::{Args, Subcommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the manager takes is shorter.
const LONGEST: u64 = 256 << 10;

#[derive(Subcommand)]
pub(super) enum Declared {
    /// Print applications as a document that `apply` brings about.
    Export(Export),
    /// Bring about what a document declares: make, upgrade, start, stop. Everything that stands against it is told first, and
    /// then nothing is done; what is so already is left alone.
    Apply(Bring),
}

/// Runs one of them.
pub(super) fn run(client: &Client, declared: Declared) -> Outcome {
    match declared {
        Declared::Export(export) => self::export(client, export),
        Declared::Apply(bring) => apply(client, bring),
    }
}

#[derive(Args)]
pub(super) struct Export {
    /// The applications; all of your own unless told.
    #[arg(value_parser = checked::<ApplicationName>)]
    applications: Vec<ApplicationName>,
    /// Print JSON instead of TOML.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Bring {
    /// The document, as `pnda app export` writes it.
    file: PathBuf,
    /// Stop with a savepoint, then forget, applications of your own that are not in it.
    #[arg(long)]
    delete_missing: bool,
    /// Only say what would be done. Exit code 1 if something stands against it.
    #[arg(long)]
    dry_run: bool,
    /// Apply it again until nothing is left to be done or under way.
    #[arg(long, conflicts_with = "dry_run")]
    wait: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn export(client: &Client, Export { applications, json }: Export) -> Outcome {
    let all = match applications.as_slice() {
        [] => client.declarations()?,
        names => {
            let each = names.iter().map(|name| client.declaration(name));
            each.collect::<Result<Vec<Declarations>, Error>>()?.into_iter().flatten().collect()
        }
    };
    match json {
        true => say_json(&all)?,
        // What is set is data: it is written with its escapes, and read again as it is.
        false => give(declared::text(&all).as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn apply(client: &Client, bring: Bring) -> Outcome {
    let file = bring.file.display().to_string();
    let wrong = |error: &dyn std::fmt::Display| Failure::new(USAGE, format!("{file}: {error}"));
    let text = regular::read_short_text(&bring.file, LONGEST).map_err(|error| wrong(&error))?;
    let read = declared::read(Source { file: &file, text: &text });
    let (applications, places) = read.map_err(|problems| Failure::new(USAGE, problems))?;
    let asked = Apply { applications, delete_missing: bring.delete_missing, dry_run: bring.dry_run };
    let (mut last, mut ordered) = (String::new(), BTreeSet::new());
    loop {
        let applied = client.apply(&asked)?;
        if let Some(refused) = refused(&applied, &places) {
            if bring.json {
                say_json(&applied)?;
            }
            return Err(Failure::new(FAILED, refused));
        }
        let (failed, over) = (applied.has(StepState::Failed), applied.is_brought_about() || !bring.wait);
        if over || failed {
            tell(&applied, bring.json)?;
            return Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS });
        }
        for one in &applied.applications {
            let given = one.steps.iter().filter(|step| step.state == StepState::Ordered);
            // What has to be ordered a second time came to nothing the first time, and would again.
            if given.into_iter().any(|step| !ordered.insert((one.application.clone(), step.order.to_string()))) {
                let why = client.application(&one.application)?.information.unwrap_or_default();
                let what =
                    format!("{}: what was ordered came to nothing, and is ordered once more: {why}", one.application);
                return Err(Failure::new(FAILED, shown(&what).to_string()));
            }
        }
        let plan = plan(&applied);
        if !bring.json && plan != last {
            say(&plan)?;
            last = plan;
        }
        std::thread::sleep(PAUSE);
    }
}

fn tell(applied: &Applied, json: bool) -> Result<(), Failure> {
    if json { say_json(applied) } else { Ok(say(&plan(applied))?) }
}

/// What stands against it, each with the line of its application.
fn refused(applied: &Applied, places: &BTreeMap<ApplicationName, Origin>) -> Option<Problems> {
    let mut all = Problems::default();
    for one in &applied.applications {
        let name = &one.application;
        let origin = places.get(name).cloned().unwrap_or_else(|| Origin::of_file(name.as_str()));
        for Finding { place, what, remedy, .. } in one.findings.iter().filter(|finding| is_refusal(finding)) {
            let place = if place == name.as_str() { String::new() } else { format!("{place}: ") };
            all.add(origin.problem(format!("{name}: {place}{what}"), remedy));
        }
    }
    (!all.is_empty()).then(|| all.sorted())
}

fn is_refusal(finding: &Finding) -> bool {
    finding.weight == Weight::Refusal
}

/// An order a line, with what differs below it.
fn plan(applied: &Applied) -> String {
    let row = |one: &Steps| {
        let wait = |state| matches!(state, StepState::Waits | StepState::Failed);
        let reason = |state| one.reason.as_ref().filter(|_| wait(state)).map(|why| format!(": {}", shown(why)));
        let line = |step: &declared::Step| {
            let what = format!("{}{}", step.state, reason(step.state).unwrap_or_default());
            vec![one.application.to_string(), step.order.to_string(), what]
        };
        let under_way = one.reason.as_ref().filter(|_| one.steps.is_empty());
        let under_way = under_way.map(|why| vec![one.application.to_string(), "-".to_owned(), shown(why).to_string()]);
        one.steps.iter().map(line).chain(under_way).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = applied.applications.iter().flat_map(row).collect();
    let differs = |one: &Steps| {
        let line = |name: &String| format!("{}: {} differs\n", one.application, shown(name));
        one.differs.iter().map(line).collect::<String>() + &table::findings(&one.findings)
    };
    let more: String = applied.applications.iter().map(differs).collect();
    let nothing = if applied.is_brought_about() { "nothing to do\n" } else { "" };
    format!("{}{more}{nothing}", table::columns(&rows))
}
