//! The same content for other drivers: a play for Ansible, states and pillar for Salt.
//! Either brings a node's folder and runs its `install.sh`, which looks when the driver only looks; nothing is said twice.
//! Not here: writing it.

mod ansible;
mod salt;

pub use ansible::ansible;
pub use salt::salt;

/// The first line of what is made here.
fn stamp(cluster: &str) -> String {
    format!("# Made by pnda for cluster {cluster}.\n")
}

/// A text as a value of YAML: what JSON writes is YAML, and nothing in it means anything else.
fn yaml(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts and lists of them have a form in JSON")
}

#[cfg(test)]
pub(crate) mod tests {
    use crate::{Plan, Planned, Wave};
    use std::collections::{BTreeMap, BTreeSet};
    use words::names::SafePath;
    use words::tree::{Entry, Tree};

    /// Two waves of one node each.
    pub(crate) fn plan() -> Plan {
        let wave = |(node, address): (&str, &str)| Wave {
            nodes: vec![Planned {
                node: node.into(),
                address: address.into(),
                kinds: Vec::new(),
                roles: Vec::new(),
                waits: Vec::new(),
            }],
        };
        let waves = [("a", "10.0.0.1"), ("b", "10.0.0.2")].map(wave).to_vec();
        Plan { cluster: "c".into(), waves, everywhere: BTreeSet::from(["pnda-agent".into()]) }
    }

    /// Their folders.
    pub(super) fn folders() -> BTreeMap<String, Tree> {
        let mut tree = Tree::default();
        tree.insert(SafePath::new("install.sh").unwrap(), Entry::file("exit 0\n")).unwrap();
        ["a", "b"].map(|node| (node.to_owned(), tree.clone())).into()
    }
}
