//! What is brought to a cluster: its plan, and the folder of each of its nodes, rendered now or before.
//! Folders of the last render are read as they are; a node of the plan without one is a mistake that is told.
//! Not here: bringing them anywhere.

use super::given::{Given, Served};
use crate::cli::failure::{FAILED, Failure, USAGE};
use crate::cluster::{self, Plan};
use crate::disk::regular::{self, Links};
use crate::words::names::SafePath;
use crate::words::node::{DOCUMENT, Node};
use crate::words::tree::{Entry, Tree};
use clap::Args;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Nothing that is rendered for a node is longer.
pub const LONGEST: u64 = 64 << 20;

/// The cluster, and where its nodes' folders come from.
#[derive(Args)]
pub struct From {
    #[command(flatten)]
    pub given: Given,
    /// Render now, from this mirror's list.
    #[arg(long, value_name = "FOLDER", required_unless_present = "nodes")]
    mirror: Option<PathBuf>,
    /// The public key that must have signed the mirror's list, and that nodes will trust; given twice while a mirror goes
    /// over to another key [default: that of ~/.config/pnda/mirror.key, else the mirror's own copy]
    #[arg(long = "key", value_name = "FILE", requires = "mirror")]
    keys: Vec<PathBuf>,
    /// Where the last render put the nodes' folders, instead of rendering now.
    #[arg(long, value_name = "FOLDER", conflicts_with = "mirror")]
    nodes: Option<PathBuf>,
}

/// A cluster's plan and the folders of its nodes.
pub struct Content {
    /// Who is where, and whose turn comes when.
    pub plan: Plan,
    /// What each node gets.
    pub nodes: BTreeMap<String, Tree>,
    /// Nodes that were rendered once and are not in the plan.
    pub gone: Vec<String>,
}

impl From {
    /// Reads or renders it.
    pub fn content(&self) -> Result<Content, Failure> {
        let plan = self.given.decide(None, cluster::plan)?;
        if let Some(folder) = &self.nodes {
            return written(plan, folder);
        }
        let served = self.mirror.clone().map(|mirror| Served { mirror, keys: self.keys.clone() });
        let rendered = self.given.decide(served.as_ref(), cluster::render)?;
        let nodes = rendered.nodes.into_iter().map(|(node, tree)| (node.to_string(), tree)).collect();
        Ok(Content { plan, nodes, gone: Vec::new() })
    }
}

/// The plan with the folders of the last render.
fn written(plan: Plan, folder: &Path) -> Result<Content, Failure> {
    let mut nodes = BTreeMap::new();
    for planned in plan.waves.iter().flat_map(|wave| &wave.nodes) {
        let place = folder.join(&planned.node);
        let document = regular::read_text(&place.join(DOCUMENT)).map_err(|error| {
            let text = format!("node {} was not rendered into {}: {error}", planned.node, folder.display());
            Failure::new(USAGE, format!("{text}; render the cluster again"))
        })?;
        let whose = toml::from_str::<Node>(&document).map(|node| node.cluster.to_string())?;
        if whose != plan.cluster {
            let text = format!("{} was rendered for cluster {whose}, not {}", place.display(), plan.cluster);
            return Err(Failure::new(USAGE, text));
        }
        let failed = |error| Failure::new(FAILED, format!("cannot read {}: {error}", place.display()));
        nodes.insert(planned.node.clone(), tree(&place).map_err(failed)?);
    }
    Ok(Content { gone: gone(folder, |name| nodes.contains_key(name)), plan, nodes })
}

/// Rendered nodes in a folder that are not among those that are left.
pub fn gone(folder: &Path, left: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let rendered = entries.filter(|entry| entry.path().join(DOCUMENT).is_file());
    let names = rendered.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut gone: Vec<String> = names.filter(|name| !left(name)).collect();
    gone.sort();
    gone
}

/// The files below a rendered folder, by their paths in it.
pub fn files(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    if !root.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let named = |entry: walkdir::Result<DirEntry>| {
        let path = entry?.into_path();
        Ok((path.strip_prefix(root).unwrap_or(&path).display().to_string(), path))
    };
    let is_folder = |entry: &walkdir::Result<DirEntry>| entry.as_ref().is_ok_and(|entry| entry.file_type().is_dir());
    WalkDir::new(root).follow_links(true).into_iter().filter(|entry| !is_folder(entry)).map(named).collect()
}

/// A folder as a tree.
fn tree(root: &Path) -> io::Result<Tree> {
    let mut tree = Tree::default();
    for (name, path) in files(root)? {
        let executable = fs::metadata(&path)?.permissions().mode() & 0o111 != 0;
        let name = SafePath::new(name).map_err(io::Error::other)?;
        tree.insert(name, Entry::File { bytes: regular::read(&path, Links::Follow, LONGEST)?, executable })
            .map_err(io::Error::other)?;
    }
    Ok(tree)
}
