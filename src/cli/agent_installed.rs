//! `pnda-agent generations`, `rollback`, `verify`, `repair` and `uninstall`: what is done with what is installed.
//! Options, tables and exit codes only.
//! Not here: any of the doing.

use super::agent_install::{json, refused, table};
use super::failure::{Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say, say_json};
use super::progress::Progress;
use crate::node::{self, Data, Error, Generation, Run, Where};
use crate::words::event::{Tell, silent};
use crate::words::location::Location;
use crate::words::moment;
use crate::words::report::Report;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where something is installed.
#[derive(Args)]
pub(super) struct Place {
    /// The folder that stands for `/`: a user's folder, or the image of a machine.
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    root: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `generations` and `verify`.
#[derive(Args)]
pub(super) struct Look {
    #[command(flatten)]
    place: Place,
}

/// Options of `rollback`.
#[derive(Args)]
pub(super) struct Rollback {
    /// Which one to bring back, as `generations` numbers them [default: the one before]
    number: Option<u64>,
    #[command(flatten)]
    change: Change,
}

/// Options of whatever brings something back.
#[derive(Args)]
pub(super) struct Change {
    #[command(flatten)]
    place: Place,
    /// A mirror, an address or a folder, for what is not on the node any more.
    #[arg(long, value_name = "URL|FOLDER")]
    mirror: Option<String>,
    /// Only print what would be done: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
}

/// Options of `uninstall`.
#[derive(Args)]
pub(super) struct Uninstall {
    #[command(flatten)]
    place: Place,
    /// Only print what would be done: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Remove data, logs and users too.
    #[arg(long)]
    purge: bool,
}

/// Lists what is kept.
pub(super) fn generations(arguments: &Look) -> Outcome {
    let place = place(&arguments.place, None)?;
    let all = node::generations(&place).map_err(refused)?;
    match arguments.place.json {
        true => say_json(&all)?,
        false => say(&list(&all))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings one back.
pub(super) fn rollback(arguments: &Rollback) -> Outcome {
    change(&arguments.change, |place, run, tell| node::rollback(place, arguments.number, run, tell))
}

/// Mends what differs.
pub(super) fn repair(arguments: &Change) -> Outcome {
    change(arguments, node::repair)
}

/// Tells what differs.
pub(super) fn verify(arguments: &Look) -> Outcome {
    let place = place(&arguments.place, None)?;
    let report = node::verify(&place, &silent).map_err(refused)?;
    let text = if arguments.place.json { json(&report)? } else { differences(&report) };
    say(&text)?;
    Ok(if report.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
}

/// Takes everything away.
pub(super) fn uninstall(arguments: &Uninstall) -> Outcome {
    let data = if arguments.purge { Data::Purge } else { Data::Keep };
    let change_of = |place: &Where, run, tell: Tell| node::uninstall(place, data, run, tell);
    carry_out(&arguments.place, None, arguments.dry_run, change_of)
}

fn change(arguments: &Change, act: impl Fn(&Where, Run, Tell) -> Result<Report, Error>) -> Outcome {
    carry_out(&arguments.place, arguments.mirror.as_deref(), arguments.dry_run, act)
}

fn carry_out(
    options: &Place,
    mirror: Option<&str>,
    dry_run: bool,
    act: impl Fn(&Where, Run, Tell) -> Result<Report, Error>,
) -> Outcome {
    let place = place(options, mirror)?;
    let progress = Progress::new(options.json);
    let run = if dry_run { Run::Dry } else { Run::Real };
    let report = act(&place, run, &|event| progress.tell(event)).map_err(refused)?;
    let text = if options.json { json(&report)? } else { table(&report, dry_run) };
    say(&text)?;
    Ok(if dry_run && !report.is_empty() { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

fn place(options: &Place, mirror: Option<&str>) -> Result<Where, Failure> {
    let mirror = mirror.map(Location::parse).transpose().map_err(|error| Failure::new(USAGE, error))?;
    let root = std::path::absolute(&options.root)?;
    Ok(Where { root, mirror })
}

fn list(all: &[Generation]) -> String {
    let mut lines = vec![format!("{:>6}  {:23}  {:>6}  {:12}  {}", "NUMBER", "WHEN", "MIRROR", "INPUTS", "ROLES")];
    lines.extend(all.iter().map(|one| {
        let (kept, now) = (&one.kept, if one.current { "*" } else { "" });
        let inputs: String = kept.inputs.to_string().chars().take(12).collect();
        let roles = kept.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
        let number = format!("{now}{}", kept.number);
        format!("{number:>6}  {:23}  {:>6}  {inputs}  {roles}", moment::utc(kept.when), kept.generation)
    }));
    lines.join("\n")
}

fn differences(report: &Report) -> String {
    let (node, count) = (&report.node, report.steps.len());
    let mut lines: Vec<String> = Vec::new();
    for line in &report.steps {
        lines.push(format!("{:8} {}: {}", line.kind, line.what, line.change));
        lines.extend(line.diff.iter().flat_map(|diff| diff.lines()).map(|line| format!("    {line}")));
    }
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.push(match count {
        0 => format!("node {node} is as it was installed"),
        1 => format!("1 difference on node {node}; pnda-agent repair mends it"),
        count => format!("{count} differences on node {node}; pnda-agent repair mends them"),
    });
    lines.join("\n")
}
