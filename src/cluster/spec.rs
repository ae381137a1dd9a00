//! The cluster file: its nodes, what kinds they are, and the settings that differ from the roles' defaults.
//! Reading finds every mistake; the order of nodes in the file means nothing.
//! Not here: which roles a node gets (`assign`), or what a setting may hold (`setting`).

use super::role::suggestion;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::document::{self, Given, Table, Text};
use words::names::{Host, Word};
use words::problem::{Origin, Problem, Problems, Source, nearest};

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// Runs the services that the cluster has once.
    Manager,
    /// Has the clients; people and jobs come in here.
    Edge,
    /// Runs the containers.
    Worker,
    /// Runs Kafka.
    Broker,
    /// Is a member of the ensemble that others agree by.
    Zookeeper,
    /// Takes the logs of all nodes.
    Logserver,
}

impl NodeKind {
    /// All of them.
    pub(super) const ALL: [NodeKind; 6] = [
        NodeKind::Manager,
        NodeKind::Edge,
        NodeKind::Worker,
        NodeKind::Broker,
        NodeKind::Zookeeper,
        NodeKind::Logserver,
    ];

    /// Its name in cluster and role files.
    pub fn as_str(self) -> &'static str {
        match self {
            NodeKind::Manager => "manager",
            NodeKind::Edge => "edge",
            NodeKind::Worker => "worker",
            NodeKind::Broker => "broker",
            NodeKind::Zookeeper => "zookeeper",
            NodeKind::Logserver => "logserver",
        }
    }

    /// The names of all, for messages.
    pub(super) fn names() -> String {
        NodeKind::ALL.map(NodeKind::as_str).join(", ")
    }

    /// What PNDA calls its types of nodes, alone or with a number, as in `hadoop-dn-3`.
    pub(super) const OF_PNDA: [(&str, NodeKind); 5] = [
        ("hadoop-dn", NodeKind::Worker),
        ("hadoop-edge", NodeKind::Edge),
        ("hadoop-mgr", NodeKind::Manager),
        ("kafka", NodeKind::Broker),
        ("zk", NodeKind::Zookeeper),
    ];

    /// The kind that a node is said to be, in our words or in PNDA's.
    fn said(name: &str) -> Option<NodeKind> {
        let numbered = |(_, digits): &(&str, &str)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let plain = name.rsplit_once('-').filter(numbered).map_or(name, |(plain, _)| plain);
        let of_pnda = || NodeKind::OF_PNDA.into_iter().find(|(known, _)| *known == plain);
        NodeKind::parse(name).or_else(|| of_pnda().map(|(_, kind)| kind))
    }

    /// The kind of that name.
    pub(super) fn parse(name: &str) -> Option<NodeKind> {
        NodeKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A cluster as its file describes it.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) name: Word,
    pub(super) mirror: String,
    /// The size it is made for; none leaves every setting at its role's default.
    pub(super) flavor: Option<Text>,
    /// Groups of roles that it wants besides those that every cluster has.
    pub(super) stacks: Vec<Text>,
    pub(super) settings: BTreeMap<String, Given>,
    /// Settings of all nodes of a kind, and of all that have a role; by its name and the setting's.
    pub(super) of_kinds: Narrow,
    pub(super) of_roles: Narrow,
    pub(super) nodes: BTreeMap<Word, SpecNode>,
    /// Whether every node was understood; if not, who is missing cannot be told.
    pub(super) whole: bool,
    pub(super) origin: Origin,
}

/// Settings of a part of the nodes: first the name of the kind or the role.
pub(super) type Narrow = BTreeMap<(String, String), Given>;

/// One of its nodes.
#[derive(Debug)]
pub(super) struct SpecNode {
    pub(super) address: Host,
    pub(super) kinds: BTreeSet<NodeKind>,
    /// Roles that the file names for it.
    pub(super) roles: Vec<Text>,
    pub(super) settings: BTreeMap<String, Given>,
    pub(super) origin: Origin,
}

impl Spec {
    /// Reads a cluster file; what can be understood is given back even when there are problems.
    pub(super) fn read(source: Source<'_>, problems: &mut Problems) -> Option<Spec> {
        document::read_noting(source, problems, |table| {
            let name = table.parsed("name", "pico", Word::new);
            let mirror = read_mirror(table);
            let (flavor, stacks) = (table.optional("flavor"), table.list("stacks"));
            let settings = table.settings("settings");
            let (of_kinds, of_roles) = (read_narrow(table, "kind"), read_narrow(table, "role"));
            check_kinds(table, &of_kinds);
            let mut nodes = BTreeMap::new();
            let noted = table.noted();
            if table.tables("node", |node| read_node(node, &mut nodes)).is_empty() {
                let remedy = "add a [[node]] with name, address and kinds";
                table.add(table.origin().problem("the cluster has no nodes", remedy));
            }
            let whole = table.noted() == noted;
            let origin = table.origin().clone();
            let (name, mirror) = (name?, mirror?);
            Some(Spec { name, mirror, flavor, stacks, settings, of_kinds, of_roles, nodes, whole, origin })
        })
    }
}

/// `[kind.worker]` and `[role.kafka]`: settings below a name.
fn read_narrow(table: &mut Table<'_>, key: &'static str) -> Narrow {
    let flat = table.settings(key).into_iter();
    let split = |(path, given): (String, Given)| match path.split_once('.') {
        Some((name, setting)) => ((name.to_owned(), setting.to_owned()), given),
        None => ((path, String::new()), given),
    };
    flat.map(split).collect()
}

fn check_kinds(table: &Table<'_>, of_kinds: &Narrow) {
    for ((name, _), (_, origin)) in of_kinds {
        if NodeKind::parse(name).is_none() {
            table.add(no_kind(name, origin));
        }
    }
}

fn no_kind(name: &str, origin: &Origin) -> Problem {
    let otherwise = format!("kinds are {}", NodeKind::names());
    let remedy = suggestion(nearest(name, NodeKind::ALL.map(NodeKind::as_str)), &otherwise);
    origin.problem(format!("`{name}` is not a kind of node"), remedy)
}

fn read_mirror(table: &mut Table<'_>) -> Option<String> {
    let mirror = table.table("mirror", |mirror| mirror.parsed("url", "http://mirror:8080", parse_mirror));
    if mirror.is_none() {
        table.add(table.origin().problem("the cluster has no mirror", "add [mirror] with url = \"http://…\""));
    }
    mirror?
}

/// An address that nodes can install from. A password would end up in every node's install.sh.
pub(super) fn parse_mirror(text: String) -> Result<String, String> {
    let bad = |why: &str| Err(format!("`{text}` cannot be a mirror's address: {why}"));
    let Ok(url) = url::Url::parse(&text) else { return bad("it is no URL; write http://host:port/") };
    if !matches!(url.scheme(), "http" | "https" | "file") {
        return bad("only http, https and file are read by nodes");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a mirror's address must not carry a user or a password; nodes verify what they fetch".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("it has a query or a fragment");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn read_node(table: &mut Table<'_>, nodes: &mut BTreeMap<Word, SpecNode>) {
    let origin = table.origin().clone();
    let name = table.parsed("name", "worker-1", Word::new);
    let address = table.parsed("address", "10.0.0.1", Host::new);
    let kinds = read_kinds(table);
    let roles = table.list("roles");
    let settings = table.settings("settings");
    let (Some(name), Some(address)) = (name, address) else { return };
    if let Some(first) = nodes.get(&name) {
        let what = format!("a second node is called `{name}`; the first is at {}", first.origin);
        table.add(origin.problem(what, "give each node its own name"));
        return;
    }
    if let Some((other, node)) = nodes.iter().find(|(_, node)| node.address == address) {
        let what = format!("`{name}` has the address of `{other}` ({}): {address}", node.origin);
        table.add(origin.problem(what, "give each node its own address"));
    }
    nodes.insert(name, SpecNode { address, kinds, roles, settings, origin });
}

fn read_kinds(table: &mut Table<'_>) -> BTreeSet<NodeKind> {
    let texts = table.list("kinds");
    if texts.is_empty() {
        let remedy = "add kinds = [\"manager\"], [\"edge\"] or [\"worker\"], or several";
        table.add(table.origin().problem("a node has no kinds", remedy));
    }
    let kind = |Text { text, origin }: Text| {
        let kind = NodeKind::said(&text);
        if kind.is_none() {
            table.add(no_kind(&text, &origin));
        }
        kind
    };
    texts.into_iter().filter_map(kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let mut problems = Problems::default();
        let _ = Spec::read(Source { file: "c.toml", text }, &mut problems);
        problems.into_result(()).map_or_else(|problems| problems.to_string(), |()| String::new())
    }

    #[test]
    fn a_small_cluster_is_read() {
        let text = "name = \"pico\"\nmirror.url = \"http://mirror:8080/\"\n\
            [[node]]\nname = \"one\"\naddress = \"127.0.0.1\"\nkinds = [\"manager\", \"edge\"]\n";
        let mut problems = Problems::default();
        let spec = Spec::read(Source { file: "c.toml", text }, &mut problems).unwrap();
        assert!(problems.is_empty());
        assert_eq!(spec.mirror, "http://mirror:8080");
        let node = &spec.nodes[&Word::new("one").unwrap()];
        assert_eq!(node.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(), ["manager", "edge"]);
    }

    #[test]
    fn types_of_nodes_may_have_the_names_that_pnda_gives_them() {
        let of_pnda = ["hadoop-edge", "hadoop-mgr-4", "hadoop-dn-0", "kafka-1", "zk", "logserver"];
        let kinds = ["edge", "manager", "worker", "broker", "zookeeper", "logserver"];
        assert_eq!(of_pnda.map(|name| NodeKind::said(name).map(NodeKind::as_str)), kinds.map(Some));
        for name in ["hadoop-cm", "hadoop-dn-", "hadoop-dn-x", "worker-1", "jupyter"] {
            assert_eq!(NodeKind::said(name), None, "{name}");
        }
    }

    #[test]
    fn a_mirror_with_a_password_is_refused_without_repeating_it() {
        let told = told("name = \"a\"\nmirror.url = \"http://u:secret@h/\"\n");
        assert!(told.contains("must not carry") && !told.contains("secret"), "{told}");
    }

    #[test]
    fn an_empty_file_is_told_what_it_lacks() {
        let expected = "c.toml: the cluster has no mirror\n    add [mirror] with url = \"http://…\"\n\
            c.toml: the cluster has no nodes\n    add a [[node]] with name, address and kinds\n\
            c.toml: this file has no `name`\n    add a line like name = \"pico\"";
        assert_eq!(told(""), expected);
    }
}
