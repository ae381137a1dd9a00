//! `pnda cluster install`: every node of a cluster over ssh, wave by wave, from its folder and its own `install.sh`.
//! Exit code 4 says that a dry run has found something to change, 1 that a node is not as it should be.
//! Not here: who comes when, and what an answer means, which the fleet room decides.

use super::certificates::brought;
use super::content::From;
use super::fleet;
use crate::cli::failure::{FAILED, Outcome, WOULD_CHANGE, say, say_json, warn};
use crate::fleet::{Install, Visits};
use crate::words::tree::Tree;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda cluster install`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    reach: fleet::Options,
    /// How many nodes of a wave that restart a running service are changed at the same time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// Bring each node its key and certificates from here, as `pnda cluster certificates` made them.
    #[arg(long, value_name = "FOLDER")]
    certificates: Option<PathBuf>,
    /// Only look at each node: exit code 4 if something would change anywhere.
    #[arg(long)]
    dry_run: bool,
    /// Print what became of each node as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let content = arguments.from.content()?;
    let plan = arguments.reach.plan(&content.plan)?;
    for node in &content.gone {
        warn(&format!(
            "node {node} was rendered once and is no longer in the cluster: run `pnda-agent uninstall` there"
        ))?;
    }
    let install = Install {
        plan,
        reach: arguments.reach.reach(),
        nodes: &content.nodes,
        everywhere: &content.plan.everywhere,
        visits: match arguments.dry_run {
            true => Visits::Looks,
            false => Visits::Changes { at_once: arguments.at_once.into() },
        },
        beside: &|node| match &arguments.certificates {
            Some(folder) => brought(folder, node, "certificates"),
            None => Ok(Tree::default()),
        },
        tell: &|said| arguments.reach.tell(said),
    };
    let driven = install.run()?;
    match arguments.json {
        true => say_json(&driven)?,
        false => say(&driven.to_string())?,
    }
    Ok(ExitCode::from(match driven.went_well() {
        false => FAILED,
        true if driven.would_change() => WOULD_CHANGE,
        true => 0,
    }))
}
