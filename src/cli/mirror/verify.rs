//! `pnda mirror verify`: a mirror against its signed list.
//! Every difference is a line; exit code 3 if there is one.
//! Not here: how it is checked.

use crate::cli::failure::{Failure, MISMATCH, Outcome, say};
use crate::cli::progress::Progress;
use crate::mirror::publish::generation::current;
use crate::mirror::verify::{self, verify};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror verify`.
#[derive(Args)]
pub struct Arguments {
    /// The mirror's folder, or a plain copy of one generation.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// A file with the public key that must have signed the list; without it only damage by chance is found.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Tell nothing but the report.
    #[arg(long, short)]
    quiet: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let key = arguments.key.as_ref().map(std::fs::read_to_string).transpose()?;
    let progress = Progress::new(arguments.quiet);
    let report = verify(&current(&arguments.mirror), key.as_deref(), &|event| progress.tell(event));
    let report = report.map_err(|error| match error {
        verify::Error::List { .. } => Failure::new(MISMATCH, error),
        error => error.into(),
    })?;
    let lines: Vec<String> = report.differences.iter().map(verify::Difference::to_string).collect();
    if arguments.json {
        let files = report.files;
        let text = json!({"generation": report.number, "files": files, "bytes": report.bytes, "differences": lines});
        say(&serde_json::to_string_pretty(&text)?)?;
    } else {
        lines.iter().try_for_each(|line| say(line))?;
        let verdict = if lines.is_empty() { "as listed".into() } else { format!("{} differences", lines.len()) };
        say(&format!("generation {}: {} files, {} bytes, {verdict}", report.number, report.files, report.bytes))?;
        if key.is_none() {
            say("the key was taken from the mirror itself: give --key to prove who signed it")?;
        }
    }
    Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(MISMATCH) })
}
