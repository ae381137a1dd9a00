//! The command line of `pnda`: one file per command, no logic.
//! What was parsed here goes to a room as plain values.
//! Not here: what the commands do.

use super::failure::{Outcome, finish, say_json};
use super::{app, cluster, complete, lint, mirror, package, trial};
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// What the exit codes mean, for every command.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong usage or a document with mistakes; \
     3 bytes are not what was agreed; 4 something would change (checks and dry runs).";

/// Flink on Hadoop YARN for sites that cannot reach the internet.
#[derive(Parser)]
#[command(name = "pnda", version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lock, fetch, publish, verify and serve a mirror.
    #[command(subcommand)]
    Mirror(mirror::Command),
    /// Check, plan, render and explain a cluster.
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Deploy packages, and start, stop and look at applications on YARN.
    App(app::Arguments),
    /// Check packages of applications before they are uploaded.
    #[command(subcommand)]
    Package(package::Command),
    /// Say what is wrong with a Flink configuration file, for the version that will read it.
    Lint(lint::Arguments),
    /// Bring everything up on this machine, without root, under one folder.
    Try(trial::Arguments),
    /// Print completions for a shell.
    Completions(complete::Arguments),
    /// Print the JSON Schema of what a verb of `pnda mirror` prints with `--json`, or of all of them.
    Schema {
        /// The verb; without one, all of them in one document.
        #[arg(value_enum)]
        verb: Option<mirror::Verb>,
    },
    /// Print the manual, or write a page for each command.
    Manual(complete::ManualArguments),
}

/// The command line itself, to hold words against it without running them.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let outcome: Outcome = match Arguments::parse().command {
        Command::Mirror(command) => mirror::run(command),
        Command::Cluster(command) => cluster::run(command),
        Command::App(arguments) => app::run(arguments),
        Command::Package(command) => package::run(&command),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Try(arguments) => trial::run(&arguments),
        Command::Completions(arguments) => complete::completions(&arguments, command()),
        Command::Schema { verb } => say_json(&mirror::schema(verb)).map(|()| ExitCode::SUCCESS),
        Command::Manual(arguments) => complete::manual(&arguments, command()),
    };
    finish("pnda", outcome)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
