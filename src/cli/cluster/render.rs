//! `pnda cluster render`: a cluster file to every node's folder with its install script.
//! It reads files, lets the cluster room decide, and writes all or nothing.
//! Not here: any decision.

use super::certificates::remind;
use super::content;
use super::given::Rendering;
use crate::cli::failure::{Failure, Outcome, USAGE, WOULD_CHANGE, say, warn};
use crate::disk::tree as disk_tree;
use crate::words::node;
use crate::words::shown;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda cluster render`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    rendering: Rendering,
    /// Only show who gets what; nothing is written, exit code 4 if something would be.
    #[arg(long)]
    dry_run: bool,
}

/// A folder that holds anything but rendered nodes is somebody's, and is not replaced.
fn refuse_foreign(out: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(out) else { return Ok(()) };
    let foreign = entries.flatten().find(|entry| !entry.path().join(node::DOCUMENT).is_file());
    let text = |path: PathBuf| format!("{} is no rendered node: name a new folder with --out", path.display());
    foreign.map_or(Ok(()), |entry| Err(Failure::new(USAGE, text(entry.path()))))
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let Rendering { out, json, .. } = &arguments.rendering;
    refuse_foreign(out)?;
    let rendered = arguments.rendering.rendered()?;
    let table = match json {
        true => shown::json(&serde_json::to_string_pretty(&rendered.assignment)?),
        false => rendered.assignment.to_string(),
    };
    say(&table)?;
    let tree = rendered.tree()?;
    if arguments.dry_run {
        let change = !disk_tree::holds(&tree, out);
        return Ok(if change { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS });
    }
    for node in content::gone(out, |name| rendered.nodes.keys().any(|node| node.as_str() == name)) {
        warn(&format!("node {node} is no longer in the cluster: run `pnda-agent uninstall` there"))?;
    }
    let written = disk_tree::replace_tree(&tree, out)?;
    if !json {
        let nodes = rendered.nodes.len();
        let what = if written { "rendered" } else { "up to date:" };
        say(&format!("{what} {nodes} nodes in {}", out.display()))?;
    }
    remind(&rendered, &arguments.rendering.given.cluster)?;
    Ok(ExitCode::SUCCESS)
}
