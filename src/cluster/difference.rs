//! What would change on which node: two renderings of a cluster, compared as an operator reads them.
//! Rendered files are compared line by line, everything else by what it is and where; services that would restart are named.
//! Not here: the nodes themselves; what is on them `pnda-agent install --dry-run` says.

use schemars::JsonSchema;
use serde::Serialize;
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::names::NodePath;
use words::node::{DOCUMENT, Node, Service};

/// Nodes' folders as they lie on a disk or were rendered: node, path below its folder, text.
pub type Folders = BTreeMap<String, BTreeMap<String, String>>;

/// How two renderings differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Differences {
    /// Nodes that are only in the new one.
    pub added: Vec<String>,
    /// Nodes that are only in the old one.
    pub removed: Vec<String>,
    /// Nodes that are in both and differ.
    pub changed: Vec<NodeDifference>,
}

/// How a node differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NodeDifference {
    /// The node.
    pub node: String,
    /// What is new, gone or other besides files, in words.
    pub things: Vec<String>,
    /// Its rendered files that differ.
    pub files: Vec<FileDifference>,
    /// Services that would be restarted.
    pub restarts: Vec<String>,
}

/// How a rendered file differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileDifference {
    /// Its path on the node.
    pub path: String,
    /// The difference in unified form, without the line that says what the file was made from.
    pub diff: String,
}

impl Differences {
    /// Nodes that change alike and stand side by side among those that change, with what changes.
    fn grouped(&self) -> Vec<(Vec<&str>, String)> {
        let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
        for node in &self.changed {
            let what = node.to_string();
            match groups.last_mut().filter(|(_, same)| *same == what) {
                Some((nodes, _)) => nodes.push(&node.node),
                None => groups.push((vec![&node.node], what)),
            }
        }
        groups
    }

    /// Whether both are the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares two renderings.
pub fn difference(before: &Folders, after: &Folders) -> Differences {
    let only = |these: &Folders, those: &Folders| -> Vec<String> {
        these.keys().filter(|node| !those.contains_key(*node)).cloned().collect()
    };
    let both = before.iter().filter_map(|(node, old)| Some((node, old, after.get(node)?)));
    let changed = both.map(|(node, old, new)| of_node(node, old, new));
    Differences {
        added: only(after, before),
        removed: only(before, after),
        changed: changed.filter(|one| !one.things.is_empty() || !one.files.is_empty()).collect(),
    }
}

fn of_node(node: &str, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> NodeDifference {
    let read =
        |folder: &BTreeMap<String, String>| folder.get(DOCUMENT).and_then(|text| toml::from_str::<Node>(text).ok());
    let (before, after) = (read(old), read(new));
    let mut things = Vec::new();
    let (was, is) = (before.as_ref().map(places).unwrap_or_default(), after.as_ref().map(places).unwrap_or_default());
    for place in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        let word = match (was.get(place), is.get(place)) {
            (None, Some(_)) => "new",
            (Some(_), None) => "gone",
            (Some(old), Some(new)) if old != new => "other",
            _ => continue,
        };
        things.push(format!("{word}: {place}"));
    }
    let files = files(old, new);
    let restarts = match (&before, &after) {
        (Some(before), Some(after)) => restarts(before, after, &files),
        _ => Vec::new(),
    };
    NodeDifference { node: node.to_owned(), things, files, restarts }
}

/// Services that are on the node before and after, and that the installer would restart.
fn restarts(before: &Node, after: &Node, files: &[FileDifference]) -> Vec<String> {
    let (was, is) = (placed(before), placed(after));
    let mut changed: BTreeSet<NodePath> =
        was.keys().chain(is.keys()).filter(|path| was.get(*path) != is.get(*path)).cloned().collect();
    changed.extend(files.iter().filter_map(|file| NodePath::new(file.path.as_str()).ok()));
    let stays = |service: &&Service| before.services.iter().any(|old| old.name == service.name);
    let touched = |service: &&Service| service.touched_by(&after.links, &changed).is_some();
    after.services.iter().filter(stays).filter(touched).map(|service| service.name.to_string()).collect()
}

/// What an install places, by its path: everything whose change can restart a service, but for the text of files.
fn placed(node: &Node) -> BTreeMap<NodePath, String> {
    let archives = node.archives.iter().map(|one| (one.into.clone(), format!("{one:?}")));
    let downloads = node.downloads.iter().map(|one| (one.path.clone(), format!("{one:?}")));
    let files = node.files.iter().map(|one| (one.path.clone(), format!("{:?}", one.access)));
    let links = node.links.iter().map(|one| (one.path.clone(), format!("{one:?}")));
    archives.chain(downloads).chain(files).chain(links).collect()
}

/// Everything of a node but its rendered files: what and where, and all that is said of it.
fn places(node: &Node) -> BTreeMap<String, String> {
    let mut places = BTreeMap::new();
    let mut put = |kind: &str, at: &str, what: String| drop(places.insert(format!("{kind} {at}"), what));
    node.expected.iter().for_each(|one| put("expected", one.path.as_str(), one.about.clone()));
    node.site_hadoops.iter().for_each(|one| put("site's Hadoop", one.conf.as_str(), format!("{one:?}")));
    node.users.iter().for_each(|one| put("user", one.name.as_str(), format!("{one:?}")));
    node.directories.iter().for_each(|one| put("folder", one.path.as_str(), format!("{one:?}")));
    node.archives.iter().for_each(|one| put("archive", one.into.as_str(), format!("{one:?}")));
    node.downloads.iter().for_each(|one| put("download", one.path.as_str(), format!("{one:?}")));
    node.files.iter().for_each(|one| put("rights of", one.path.as_str(), format!("{:?}", one.access)));
    node.links.iter().for_each(|one| put("link", one.path.as_str(), format!("{one:?}")));
    node.once.iter().for_each(|one| put("prepared", one.name.as_str(), format!("{one:?}")));
    node.services.iter().for_each(|one| put("service", one.name.as_str(), format!("{one:?}")));
    node.hdfs_directories.iter().for_each(|one| put("HDFS folder", one.path.as_str(), format!("{one:?}")));
    node.hdfs_uploads.iter().for_each(|one| put("HDFS upload", one.to.as_str(), format!("{one:?}")));
    places
}

fn files(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<FileDifference> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).filter(|name| name.starts_with("files/")).collect();
    let text =
        |folder: &BTreeMap<String, String>, name: &String| folder.get(name).map_or_else(String::new, |text| bare(text));
    let differ = |name: &String| {
        let (was, is) = (text(old, name), text(new, name));
        let path = format!("/{}", name.trim_start_matches("files/"));
        let diff = TextDiff::from_lines(&was, &is).unified_diff().context_radius(1).to_string();
        (was != is).then_some(FileDifference { path, diff })
    };
    names.into_iter().filter_map(differ).collect()
}

/// A file without the line that says what it was made from.
fn bare(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.contains("Made by pnda for node ")).collect()
}

impl fmt::Display for Differences {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.added.iter().try_for_each(|node| writeln!(out, "{node}: a new node"))?;
        self.removed.iter().try_for_each(|node| writeln!(out, "{node}: no longer a node"))?;
        for (nodes, what) in self.grouped() {
            writeln!(out, "{}:", named(&nodes))?;
            write!(out, "{what}")?;
        }
        Ok(())
    }
}

/// Some nodes by their names; of a long list the first and the last.
fn named(nodes: &[&str]) -> String {
    match nodes {
        [first, _, _, .., last] => format!("{first} ... {last} ({} nodes)", nodes.len()),
        few => few.join(", "),
    }
}

/// What changes on a node, without its name.
impl fmt::Display for NodeDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.things.iter().try_for_each(|thing| writeln!(out, "  {thing}"))?;
        for file in &self.files {
            writeln!(out, "  {}", file.path)?;
            let mut lines = file.diff.lines().filter(|line| !line.starts_with("---") && !line.starts_with("+++"));
            lines.try_for_each(|line| writeln!(out, "    {line}"))?;
        }
        if !self.restarts.is_empty() {
            writeln!(out, "  restarts: {}", self.restarts.join(", "))?;
        }
        Ok(())
    }
}
