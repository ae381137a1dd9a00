//! `pnda cluster explain KEY`: where the value of a setting comes from, through every layer.
//! It prints for people, and with `--json` for programs.
//! Not here: deciding it.

use super::given::Given;
use crate::cli::failure::{Outcome, say, say_json};
use crate::cluster;
use clap::Args;
use std::process::ExitCode;

/// Options of `pnda cluster explain`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    /// The setting, as in flink.version.
    setting: String,
    /// Only on this node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let node = arguments.node.as_deref();
    let explained = arguments.given.decide(None, |inputs| cluster::explain(inputs, &arguments.setting, node))?;
    match arguments.json {
        true => say_json(&explained)?,
        false => say(&explained.to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
