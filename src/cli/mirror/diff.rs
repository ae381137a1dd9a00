//! `pnda mirror diff A B`: what generation or lock B has that A has not, and the other way round, in words.
//! Exit code 0 whatever it finds; with `--exit-code`, 4 if the two differ.
//! Not here: comparing.

use crate::cli::failure::{Failure, Outcome, USAGE, WOULD_CHANGE, say, say_json};
use crate::mirror::generations::difference::{Difference, difference, packages};
use crate::mirror::generations::{chosen, list, lock};
use crate::mirror::lock::Lock;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror diff`.
#[derive(Args)]
pub struct Arguments {
    /// The number of the first generation, or the file of the first lock.
    from: String,
    /// The number of the second [default: the current one], or the file of the second lock.
    to: Option<String>,
    /// The mirror's folder; locks are compared without one.
    #[arg(long, value_name = "FOLDER")]
    mirror: Option<PathBuf>,
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
    let Some(mirror) = &arguments.mirror else { return of_locks(arguments) };
    let number = |text: &String| {
        text.parse::<u64>().map_err(|_| Failure::new(USAGE, format!("`{text}` is no number of a generation")))
    };
    let from = chosen(mirror, Some(number(&arguments.from)?))?;
    let to = chosen(mirror, arguments.to.as_ref().map(number).transpose()?)?;
    let (from_lock, to_lock) = (lock(&from), lock(&to));
    let found = difference((&list(&from)?, from_lock.as_ref()), (&list(&to)?, to_lock.as_ref()));
    if arguments.json {
        say_json(&found)?;
    } else {
        lines(&found, arguments.brief).iter().try_for_each(|line| say(line))?;
    }
    let code = arguments.exit_code && !found.is_empty();
    Ok(if code { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
}

/// Two lock files, in words.
fn of_locks(arguments: &Arguments) -> Outcome {
    let Some(to) = &arguments.to else {
        return Err(Failure::new(USAGE, "name two lock files, or give --mirror to compare generations"));
    };
    let read = |path: &String| -> Result<Lock, Failure> { Ok(Lock::parse(&std::fs::read_to_string(path)?)?) };
    let found = packages(&read(&arguments.from)?, &read(to)?);
    if arguments.json {
        say_json(&found)?;
    } else if found.is_empty() {
        say("both locks name the same files")?;
    } else {
        found.iter().try_for_each(|package| say(&package.to_string()))?;
    }
    let differ = arguments.exit_code && !found.is_empty();
    Ok(if differ { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS })
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
