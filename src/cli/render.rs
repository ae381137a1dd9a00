//! `pnda render`: a cluster file to every node's folder with its install script.
//! It reads files, lets the cluster room decide, and writes all or nothing.
//! Not here: any decision.

use super::failure::{Failure, MISMATCH, Outcome, USAGE, WOULD_CHANGE, say, warn};
use super::mirror::own_key;
use crate::cluster::{self, Inputs, Rendered};
use crate::mirror::folder;
use crate::mirror::keys::Signer;
use crate::mirror::publish::generation::current;
use crate::words::generation::{self as list, Generation};
use crate::words::names::SafePath;
use crate::words::node;
use crate::words::problem::Source;
use crate::words::tree::Tree;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Options of `pnda render`.
#[derive(Args)]
pub struct Arguments {
    /// The cluster file.
    cluster: PathBuf,
    /// The mirror that nodes will install from: its list says what there is.
    #[arg(long, value_name = "FOLDER")]
    mirror: PathBuf,
    /// Where the nodes' folders go; the folder is replaced whole.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The public key that must have signed the mirror's list, and that nodes will trust
    /// [default: that of ~/.config/pnda/mirror.key, else the mirror's own copy]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A setting that wins over the cluster file; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Install into this folder of a user's own instead of a system.
    #[arg(long, value_name = "FOLDER")]
    root: Option<String>,
    /// Only show who gets what; nothing is written, exit code 4 if something would be.
    #[arg(long)]
    dry_run: bool,
    /// Print who gets what as JSON.
    #[arg(long)]
    json: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, as in flink.history_server.port=8092")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Renders a cluster against the current generation of a mirror, whose list this key must have signed.
pub fn render(
    cluster: Source<'_>,
    mirror: &Path,
    public_key: &str,
    overrides: Vec<(String, String)>,
    root: Option<String>,
) -> Result<Rendered, Failure> {
    let served = current(mirror);
    let read = |name: &str| {
        let path = served.join(name);
        fs::read_to_string(&path).map_err(|error| {
            let text = format!("cannot read {}: {error}; publish the mirror with `pnda mirror build`", path.display());
            Failure::new(super::failure::FAILED, text)
        })
    };
    let generation = Generation::verify(read(list::LIST)?.as_bytes(), &read(list::SIGNATURE)?, public_key)
        .map_err(|error| Failure::new(MISMATCH, error))?;
    let inputs = Inputs {
        cluster,
        roles: cluster::default_roles(),
        templates: cluster::default_templates(),
        generation: &generation,
        public_key,
        overrides,
        root,
    };
    cluster::render(&inputs).map_err(|problems| Failure::new(USAGE, problems))
}

/// All nodes' folders as one tree.
pub fn one_tree(rendered: &Rendered) -> Result<Tree, Failure> {
    let mut all = Tree::default();
    for (node, tree) in &rendered.nodes {
        for (path, entry) in tree.iter() {
            all.insert(SafePath::new(format!("{node}/{path}"))?, entry)?;
        }
    }
    Ok(all)
}

/// The key that nodes will trust. Whoever may write the mirror may write its copy of the key, so that comes last.
fn trusted_key(arguments: &Arguments) -> Result<String, Failure> {
    match (&arguments.key, own_key().filter(|key| key.exists())) {
        (Some(file), _) => Ok(fs::read_to_string(file)?),
        (None, Some(key)) => Ok(Signer::load_or_make(&key)?.public_key()),
        (None, None) => {
            let copy = current(&arguments.mirror).join(list::PUBLIC_KEY);
            warn(&format!("nodes will trust the key in {}: give --key to say which it must be", copy.display()))?;
            Ok(fs::read_to_string(copy)?)
        }
    }
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
    let file = arguments.cluster.display().to_string();
    let text = fs::read_to_string(&arguments.cluster)
        .map_err(|error| Failure::new(USAGE, format!("cannot read {file}: {error}")))?;
    let source = Source { file: &file, text: &text };
    refuse_foreign(&arguments.out)?;
    let key = trusted_key(arguments)?;
    let rendered = render(source, &arguments.mirror, &key, arguments.set.clone(), arguments.root.clone())?;
    let table = match arguments.json {
        true => serde_json::to_string_pretty(&rendered.assignment)?,
        false => rendered.assignment.to_string(),
    };
    say(&table)?;
    let tree = one_tree(&rendered)?;
    if arguments.dry_run {
        let change = !folder::holds(&tree, &arguments.out);
        return Ok(if change { ExitCode::from(WOULD_CHANGE) } else { ExitCode::SUCCESS });
    }
    let written = folder::replace_tree(&tree, &arguments.out)?;
    if !arguments.json {
        let nodes = rendered.nodes.len();
        let what = if written { "rendered" } else { "up to date:" };
        say(&format!("{what} {nodes} nodes in {}", arguments.out.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
