//! `pnda` on an edge: the agent's program under that name has what people need there, and nothing that builds mirrors.
//! The same commands as of the whole `pnda`.
//! Not here: what they do.

use super::failure::finish;
use super::{app, complete};
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Flink applications on YARN. The machine that builds the mirror has further commands.
#[derive(Parser)]
#[command(name = "pnda", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Deploy packages, and start, stop and look at applications on YARN.
    App(app::Arguments),
    /// Print completions for a shell.
    Completions(complete::Arguments),
}

/// The command line itself, to hold words against it without running them.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::App(arguments) => app::run(arguments),
        Command::Completions(arguments) => complete::completions(&arguments, command()),
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
