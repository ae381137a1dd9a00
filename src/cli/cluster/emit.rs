//! `pnda cluster emit`: a cluster as a folder for Ansible or for Salt, for sites that drive their machines with those.
//! What nodes get is the same as with `pnda cluster install`, byte for byte.
//! Not here: what the folder holds.

use super::content::From;
use crate::cli::failure::{Failure, Outcome, USAGE, say};
use crate::cluster;
use crate::disk::tree as disk_tree;
use crate::words::names::SafePath;
use crate::words::tree::Tree;
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda cluster emit`.
#[derive(Args)]
pub struct Arguments {
    /// For whom.
    form: Form,
    #[command(flatten)]
    from: From,
    /// Where it goes; the folder is replaced whole.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// Inventory, play and role: `ansible-playbook -i inventory.yml site.yml`.
    Ansible,
    /// States and pillar: `salt-call --local state.apply`, or a master's orchestration.
    Salt,
}

/// A folder that holds anything else than what is written here is somebody's, and is not replaced.
fn refuse_foreign(tree: &Tree, out: &Path) -> Result<(), Failure> {
    let top = |path: SafePath| path.as_str().split('/').next().map(str::to_owned);
    let ours: BTreeSet<String> = tree.iter().filter_map(|(path, _)| top(path)).collect();
    let foreign = fs::read_dir(out)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| !path.file_name().and_then(OsStr::to_str).is_some_and(|name| ours.contains(name)));
    let text = |path: PathBuf| format!("{} would be lost: name a new folder with --out", path.display());
    foreign.map_or(Ok(()), |path| Err(Failure::new(USAGE, text(path))))
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let content = arguments.from.content()?;
    let tree = match arguments.form {
        Form::Ansible => cluster::ansible(&content.plan, &content.nodes)?,
        Form::Salt => cluster::salt(&content.plan, &content.nodes)?,
    };
    refuse_foreign(&tree, &arguments.out)?;
    let written = disk_tree::replace_tree(&tree, &arguments.out)?;
    let what = if written { "written to" } else { "up to date:" };
    say(&format!("{} nodes {what} {}", content.nodes.len(), arguments.out.display()))?;
    Ok(ExitCode::SUCCESS)
}
