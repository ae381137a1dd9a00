//! `pnda cluster check`: every mistake of a cluster at once, before anything is rendered.
//! With a mirror it also says what nodes would look for there in vain.
//! Not here: finding the mistakes.

use super::certificates::remind;
use super::given::{Given, Served};
use crate::cli::failure::{Outcome, say};
use crate::cluster;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda cluster check`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    given: Given,
    /// A mirror, to see whether it holds what nodes need.
    #[arg(long, value_name = "FOLDER")]
    mirror: Option<PathBuf>,
    /// The public key that must have signed the mirror's list; given twice while a mirror goes over to another key.
    #[arg(long = "key", value_name = "FILE", requires = "mirror")]
    keys: Vec<PathBuf>,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let keys = arguments.keys.clone();
    let served = arguments.mirror.clone().map(|mirror| Served { mirror, keys });
    let rendered = arguments.given.decide(served.as_ref(), cluster::render)?;
    say(&format!("cluster {} is right: {} nodes", rendered.cluster, rendered.nodes.len()))?;
    remind(&rendered, &arguments.given.cluster)?;
    Ok(ExitCode::SUCCESS)
}
