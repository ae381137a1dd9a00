//! `pnda-agent install`: its options, the table it prints, its exit codes.
//! The table is the plan: what a dry run prints is what an install does.
//! Not here: any of the installing.

use super::failure::{FAILED, Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say};
use super::progress::Progress;
use crate::node::{self, Depth, KEEP, Older, Origin, Request};
use crate::words::location::Location;
use crate::words::names::Word;
use crate::words::report::{Line, Report};
use crate::words::shown;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda-agent install`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The node's folder, as `pnda cluster render` wrote it.
    #[arg(long, value_name = "FOLDER")]
    node: PathBuf,
    /// The mirror, an address or a folder [default: the one in node.toml]
    #[arg(long, value_name = "URL|FOLDER")]
    mirror: Option<String>,
    /// Only print what would be done: exit code 4 if anything would.
    #[arg(long)]
    dry_run: bool,
    /// Print what is done as JSON.
    #[arg(long)]
    json: bool,
    /// Accept a mirror that is older than one this node has seen.
    #[arg(long)]
    allow_older: bool,
    /// Prepare this again although it was prepared once and is gone: its data begins empty.
    #[arg(long, value_name = "NAME")]
    again: Vec<String>,
    /// How many installs are kept to go back to, the last one among them.
    #[arg(long, value_name = "N", default_value_t = KEEP)]
    keep: usize,
    /// Install into the image of a machine below this folder instead of this machine.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// A folder with this node's key.pem, certificate.pem and authority.pem, readable for root alone [default: those
    /// that the node has]
    #[arg(long, value_name = "FOLDER")]
    certificates: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let mirror = arguments.mirror.as_deref().map(Location::parse).transpose();
    let again = arguments.again.iter().map(|name| Word::new(name.as_str())).collect::<Result<_, _>>();
    let request = Request {
        folder: arguments.node.clone(),
        origin: mirror.map_err(|error| Failure::new(USAGE, error))?.map_or(Origin::Document, Origin::Mirror),
        keep: arguments.keep,
        depth: Depth::Quick,
        root: arguments.root.clone(),
        again: again.map_err(|error| Failure::new(USAGE, error))?,
        certificates: arguments.certificates.clone(),
        older: if arguments.allow_older { Older::Allow } else { Older::Refuse },
    };
    // Talk goes elsewhere than the answer, and whoever drives many nodes shows it.
    let progress = Progress::new(false);
    let tell = |event| progress.tell(event);
    let done = if arguments.dry_run { node::look(&request, &tell) } else { node::install(&request, &tell) };
    let report = done.map_err(refused)?;
    let text = if arguments.json { json(&report)? } else { table(&report, arguments.dry_run) };
    say(&text)?;
    let would_change = arguments.dry_run && !report.is_empty();
    Ok(if would_change { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

/// Bytes that are not what was agreed have an exit code of their own.
pub(super) fn refused(error: node::Error) -> Failure {
    Failure::new(if error.is_mismatch() { MISMATCH } else { FAILED }, error)
}

pub(super) fn json(report: &Report) -> Result<String, Failure> {
    Ok(shown::json(&serde_json::to_string_pretty(report)?))
}

pub(super) fn table(report: &Report, dry_run: bool) -> String {
    let width = |column: fn(&Line) -> usize| report.steps.iter().map(column).max().unwrap_or_default();
    let (kinds, things) = (width(|line| line.kind.to_string().len()), width(|line| line.what.len().min(48)));
    let mut lines: Vec<String> = report
        .steps
        .iter()
        .map(|line| {
            let diff = line.diff.iter().flat_map(|diff| diff.lines()).map(|line| format!("\n    {line}"));
            format!("{:kinds$}  {:things$}  {}{}", line.kind, line.what, line.change, diff.collect::<String>())
        })
        .collect();
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(report.commands.iter().map(|command| format!("to be run by you: {}", command.join(" "))));
    let (node, generation, count) = (&report.node, report.generation, report.steps.len());
    let done = if dry_run { "would be made" } else { "made" };
    let changes = if count == 1 { "1 change".to_owned() } else { format!("{count} changes") };
    lines.push(match report.is_empty() {
        true => format!("nothing to do: node {node} is as generation {generation} wants it"),
        false => format!("{changes} {done} on node {node}, from generation {generation}"),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::report::{Effect, FORMAT, Kind};

    fn report(steps: Vec<Line>) -> Report {
        let commands = vec![vec!["/r/opt/x".to_owned(), "run".to_owned()]];
        let notes = vec!["n".into()];
        Report { format: FORMAT, node: Word::new("edge-1").unwrap(), generation: 7, steps, notes, commands }
    }

    #[test]
    fn the_table_is_the_plan() {
        let line = |kind, what, change| Line::new(kind, what, Effect::Create, change);
        let steps = vec![line(Kind::Folder, "/opt/pnda", "new"), line(Kind::Link, "/opt/x", "new, to /opt/y")];
        assert_eq!(
            table(&report(steps), true),
            "folder  /opt/pnda  new\n\
             link    /opt/x     new, to /opt/y\n\
             note: n\n\
             to be run by you: /r/opt/x run\n\
             2 changes would be made on node edge-1, from generation 7"
        );
    }

    #[test]
    fn nothing_to_do_says_so() {
        let text = table(&report(vec![]), false);
        assert!(text.ends_with("nothing to do: node edge-1 is as generation 7 wants it"), "{text}");
    }
}
