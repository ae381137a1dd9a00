//! `pnda cluster`: check, plan, render, compare, explain and install a cluster.
//! One file for each verb; what all of them are given stands in `given`.
//! Not here: any decision; that is the cluster room's.

mod certificates;
mod check;
mod content;
mod diff;
mod emit;
mod explain;
mod fleet;
pub mod given;
mod install;
mod plan;
pub mod render;
mod run;

use super::failure::{FAILED, Failure, Outcome, say_json};
use crate::cluster;
use clap::Subcommand;
use std::process::ExitCode;

/// The verbs.
#[derive(Subcommand)]
pub enum Command {
    /// Tell every mistake of a cluster file, its roles and templates at once, with line and remedy.
    Check(check::Arguments),
    /// Show who gets what and why, and in which order nodes are installed.
    Plan(plan::Arguments),
    /// Render every node's files and install script.
    Render(render::Arguments),
    /// Show what would change on which node since the last render.
    Diff(diff::Arguments),
    /// Show where the value of a setting comes from, through every layer.
    Explain(explain::Arguments),
    /// Make an authority, and a key and certificate for each node.
    Certificates(certificates::Arguments),
    /// Install every node over ssh, in order, and wait until each answers.
    Install(install::Arguments),
    /// Write the cluster as a folder for Ansible or Salt.
    Emit(emit::Arguments),
    /// Run a verb of pnda-agent on every node over ssh.
    Run(run::Arguments),
    /// Print the JSON Schema of cluster files, for an editor.
    Schema,
}

/// Does what was asked.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Certificates(arguments) => certificates::run(&arguments),
        Command::Install(arguments) => install::run(&arguments),
        Command::Emit(arguments) => emit::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Schema => {
            let schema = cluster::schema(&cluster::default_roles(), &cluster::default_flavors());
            say_json(&schema.map_err(|problems| Failure::new(FAILED, problems))?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
