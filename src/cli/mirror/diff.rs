//! `pnda mirror diff A B`: what generation B has that A has not, and the other way round, in words.
//! Exit code 0 whatever it finds; with `--exit-code`, 4 if the two differ.
//! Not here: comparing.

use crate::cli::failure::{Outcome, WOULD_CHANGE, say};
use crate::mirror::generations::difference::{Difference, difference};
use crate::mirror::generations::{chosen, list, lock};
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror diff`.
#[derive(Args)]
pub struct Arguments {
    /// The number of the first generation.
    from: u64,
    /// The number of the second [default: the current one]
    to: Option<u64>,
    /// The mirror's folder.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Only the packages and a line for each section, not every file.
    #[arg(long)]
    brief: bool,
    /// Print the difference as JSON.
    #[arg(long)]
    json: bool,
    /// Exit with code 4 if the two differ.
    #[arg(long)]
    exit_code: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let from = chosen(&arguments.mirror, Some(arguments.from))?;
    let to = chosen(&arguments.mirror, arguments.to)?;
    let (from_lock, to_lock) = (lock(&from), lock(&to));
    let found = difference((&list(&from)?, from_lock.as_ref()), (&list(&to)?, to_lock.as_ref()));
    if arguments.json {
        say(&serde_json::to_string_pretty(&found)?)?;
    } else {
        lines(&found, arguments.brief).iter().try_for_each(|line| say(line))?;
    }
    let code = arguments.exit_code && !found.is_empty();
    Ok(if code { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

fn lines(found: &Difference, brief: bool) -> Vec<String> {
    if found.is_empty() {
        return vec![format!("generations {} and {} hold the same", found.from, found.to)];
    }
    let mut lines: Vec<String> = found.packages.iter().map(ToString::to_string).collect();
    for section in &found.sections {
        lines.push(section.summary());
        if !brief {
            lines.extend(section.changes.iter().map(|change| format!("  {change}")));
        }
    }
    lines
}
