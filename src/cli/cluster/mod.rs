//! `pnda cluster`: check, plan, render, compare and explain a cluster.
//! One file for each verb; what all of them are given stands in `given`.
//! Not here: any decision; that is the cluster room's.

mod check;
mod diff;
mod explain;
pub mod given;
mod plan;
pub mod render;

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
        Command::Schema => {
            let schema = cluster::schema(&cluster::default_roles(), &cluster::default_flavors());
            say_json(&schema.map_err(|problems| Failure::new(FAILED, problems))?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
