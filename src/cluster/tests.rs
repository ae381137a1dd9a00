//! Laws of rendering, held against the defaults that the program carries and against one fixture for each defect.
//! `BLESS=1` writes the expected texts anew.
//! Not here: tests of single modules, which are beside them.

use super::facts::FACTS;
use super::role::What;
use super::*;
use crate::words::digest::Sha256;
use crate::words::generation::Listed;
use crate::words::names::SafePath;
use crate::words::node::{Node, Scope};
use crate::words::tree::Entry;
use std::collections::BTreeSet;
use std::path::Path;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn generation() -> Generation {
    let names = [
        "flink-1.20.5.tar.gz",
        "flink-1.18.1.tar.gz",
        "flink-2.3.0.tar.gz",
        "mirror_misc/jre-17.0.9.2.tar.gz",
        "pnda-agent",
    ];
    let listed = |name: &str| Listed { size: name.len() as u64, sha256: Sha256::of(name.as_bytes()) };
    let files = names.iter().map(|name| (SafePath::new(*name).unwrap(), listed(name))).collect();
    Generation { number: 7, lock: Sha256::of(b"lock"), files }
}

struct Case {
    file: String,
    text: String,
    roles: Vec<(String, String)>,
    templates: BTreeMap<String, String>,
    overrides: Vec<(String, String)>,
    root: Option<String>,
}

impl Case {
    fn of(text: &str) -> Case {
        Case {
            file: "cluster.toml".into(),
            text: text.to_owned(),
            roles: default_roles(),
            templates: default_templates(),
            overrides: Vec::new(),
            root: None,
        }
    }

    fn example(name: &str) -> Case {
        Case::of(&example_clusters()[&format!("{name}.toml")])
    }

    fn set(mut self, name: &str, value: &str) -> Case {
        self.overrides.push((name.into(), value.into()));
        self
    }

    fn render(&self) -> Result<Rendered, Problems> {
        render(&Inputs {
            cluster: Source { file: &self.file, text: &self.text },
            roles: self.roles.clone(),
            templates: self.templates.clone(),
            generation: &generation(),
            public_key: KEY,
            overrides: self.overrides.clone(),
            root: self.root.clone(),
        })
    }

    fn done(&self) -> Rendered {
        self.render().unwrap_or_else(|problems| panic!("{problems}"))
    }

    fn told(&self) -> String {
        self.render().map_or_else(|problems| problems.to_string(), |_| String::new())
    }
}

fn text(rendered: &Rendered, node: &str, path: &str) -> String {
    let tree = &rendered.nodes[&Word::new(node).unwrap()];
    match tree.get(&SafePath::new(path).unwrap()) {
        Some(Entry::File { bytes, .. }) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("{node} {path}: {other:?}"),
    }
}

fn node(rendered: &Rendered, name: &str) -> Node {
    toml::from_str(&text(rendered, name, "node.toml")).unwrap()
}

#[test]
fn dump() {
    let Ok(out) = std::env::var("DUMP") else { return };
    for (file, _) in example_clusters() {
        let name = file.trim_end_matches(".toml");
        for scope in ["system", "user"] {
            let mut case = Case::example(name);
            if scope == "user" {
                case.root = Some(std::env::var("DUMP_ROOT").unwrap());
            }
            let rendered = case.done();
            let out = Path::new(&out).join(scope).join(name);
            std::fs::create_dir_all(&out).unwrap();
            std::fs::write(out.join("assignment"), rendered.assignment.to_string()).unwrap();
            for (node, tree) in &rendered.nodes {
                for (path, entry) in tree.iter() {
                    let Entry::File { bytes, .. } = entry else { panic!() };
                    let path = path.under(&out.join(node.as_str()));
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes).unwrap();
                }
            }
        }
    }
}
