//! What restarts services, over every role that the program carries: what a service's command reads restarts it.
//! Read are its unit, its program, and every file, archive and link of ours that these name.
//! Not here: the rule itself (`words::node`).

use super::changes::folders;
use super::*;
use words::names::NodePath;
use words::node::{Link, Service};

/// Everything that an install places, as `node.toml` names it.
fn placed(node: &Node) -> Vec<NodePath> {
    let files = node.files.iter().map(|file| &file.path).chain(node.downloads.iter().map(|one| &one.path));
    files
        .chain(node.archives.iter().map(|one| &one.into))
        .chain(node.links.iter().map(|one| &one.path))
        .cloned()
        .collect()
}

/// The path with every link of the node on the way taken.
fn resolved(links: &[Link], path: &NodePath) -> NodePath {
    let step = |path: &NodePath| {
        links.iter().find_map(|link| match path.as_str().strip_prefix(link.path.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => NodePath::new(format!("{}{rest}", link.to)).ok(),
            _ => None,
        })
    };
    let mut path = path.clone();
    while let Some(next) = step(&path) {
        path = next;
    }
    path
}

/// The paths that a text names.
fn named(text: &str) -> Vec<NodePath> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| {
        line.split(move |c: char| !is_part(c)).map(|word| word.trim_end_matches(['/', '.'])).collect::<Vec<_>>()
    });
    words.filter(|word| word.starts_with('/')).filter_map(|word| NodePath::new(word).ok()).collect()
}

/// What of ours a service's command reads.
fn reads(node: &Node, texts: &BTreeMap<String, String>, service: &Service) -> BTreeSet<NodePath> {
    let text = |path: &NodePath| texts.get(&format!("files{path}")).cloned().unwrap_or_default();
    let program = NodePath::new(service.command[0].as_str()).unwrap();
    let unit = NodePath::new(service.unit_path()).unwrap();
    let (unit_text, program_text) = (text(&unit), text(&resolved(&node.links, &program)));
    assert!(!unit_text.is_empty(), "{} has no unit", service.name);
    let mut named: Vec<NodePath> = [unit, program].into();
    named.extend(named_in(&[&unit_text, &program_text, &service.command.join("\n")]));
    let behind: Vec<NodePath> = named.iter().map(|path| resolved(&node.links, path)).collect();
    named.extend(behind);
    let reads = |path: &NodePath| named.iter().any(|name| name == path || name.is_below(path));
    placed(node).into_iter().filter(reads).collect()
}

fn named_in(texts: &[&str]) -> Vec<NodePath> {
    texts.iter().flat_map(|text| named(text)).collect()
}

#[test]
fn what_a_services_command_reads_restarts_it() {
    let mut seen = 0;
    let mut missing = BTreeSet::new();
    for example in ["pico", "standard", "hadoop", "production"] {
        let rendered = folders(&Case::example(example).done());
        for texts in rendered.values() {
            let node: Node = toml::from_str(&texts["node.toml"]).unwrap();
            for service in &node.services {
                seen += 1;
                let left = reads(&node, texts, service)
                    .into_iter()
                    .filter(|path| service.touched_by(&node.links, [path]).is_none());
                missing.extend(left.map(|path| format!("{} reads {path}", service.name)));
            }
        }
    }
    assert!(seen > 20, "only {seen} services");
    assert!(missing.is_empty(), "no change of it restarts the service: {missing:#?}");
}

#[test]
fn another_java_restarts_the_daemons_that_run_on_it() {
    let (before, after) = (Case::example("hadoop"), Case::example("hadoop").set("java.home", "/usr/lib/jvm/java-17"));
    let changes = difference(&folders(&before.done()), &folders(&after.done()));
    let manager = changes.changed.iter().find(|node| node.node == "manager").unwrap();
    for daemon in ["hdfs-namenode", "yarn-resourcemanager"] {
        assert!(manager.restarts.iter().any(|name| name == daemon), "{daemon} not in {:?}", manager.restarts);
    }
}
