//! `pnda cluster plan`: who gets what and why, and in which order nodes are installed.
//! It prints for people, and with `--json` for programs.
//! Not here: deciding it.

use super::given::Given;
use crate::cli::failure::{Outcome, say, say_json};
use crate::cluster;
use clap::Args;
use std::process::ExitCode;

/// Options of `pnda cluster plan`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let plan = arguments.given.decide(None, cluster::plan)?;
    match arguments.json {
        true => say_json(&plan)?,
        false => say(&plan.to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
