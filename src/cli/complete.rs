//! `pnda completions SHELL` and `pnda manual`: both written from the command lines themselves.
//! They are printed, or written into a folder that packages take.
//! Not here: the command lines.

use super::failure::{Failure, Outcome, USAGE, give};
use clap::{Args, Command};
use clap_complete::Shell;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda completions`.
#[derive(Args)]
pub struct Arguments {
    /// The shell they are for.
    shell: Shell,
}

/// Options of `pnda manual`.
#[derive(Args)]
pub struct ManualArguments {
    /// The folder that gets a page for each command; without one, the page of `pnda` itself is printed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the completions.
pub fn completions(arguments: &Arguments, mut command: Command) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "pnda", &mut text);
    give(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints or writes the manual.
pub fn manual(arguments: &ManualArguments, command: Command) -> Outcome {
    let Some(folder) = &arguments.out else {
        let mut text = Vec::new();
        clap_mangen::Man::new(command).render(&mut text)?;
        give(&text)?;
        return Ok(ExitCode::SUCCESS);
    };
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::new(USAGE, format!("{} is no folder", folder.display())));
    }
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(command, folder)?;
    Ok(ExitCode::SUCCESS)
}
