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
