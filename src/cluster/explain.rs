//! Where the value of a setting comes from: what every layer says of it on a node, and which word counts.
//! The same answer on several nodes is told once.
//! Not here: the layers themselves (`resolve`).

use super::decide::Decided;
use super::resolve::{self, Giver, Place};
use super::role::suggestion;
use super::setting::{Declaration, Default};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use words::document::Raw;
use words::problem::{Origin, Problems, nearest};

/// A setting, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Explained {
    /// Its name.
    pub setting: String,
    /// What it does.
    pub about: String,
    /// What it may hold.
    pub kind: String,
    /// What its values look like.
    pub form: String,
    /// What it is where; nodes with the same answer stand together.
    pub nodes: Vec<OnNode>,
}

/// The same answer for some nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OnNode {
    /// The nodes.
    pub nodes: Vec<String>,
    /// The value; none if it is unset.
    pub value: Option<String>,
    /// What each layer says, the weakest first: the last one counts.
    pub layers: Vec<Layer>,
}

/// One layer's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Layer {
    /// The layer: default, flavor, cluster, kind, role, node, command line.
    pub layer: String,
    /// What it says.
    pub says: String,
    /// Where.
    pub origin: String,
}

/// Explains a setting; none if there is no such setting or node, which is noted.
pub(super) fn explain(
    decided: &Decided<'_>,
    name: &str,
    node: Option<&str>,
    problems: &mut Problems,
) -> Option<Explained> {
    let known = resolve::declarations(&decided.roles);
    let Some(setting) = known.get(name) else {
        let remedy = suggestion(nearest(name, known.keys().copied()), "see the [[setting]] lists of the roles");
        problems.add(Origin::of_file("explain").problem(format!("no role has a setting `{name}`"), remedy));
        return None;
    };
    let names = decided.assignment.nodes.iter().map(|assigned| assigned.node.as_str());
    if let Some(node) = node.filter(|node| names.clone().all(|name| name != *node)) {
        let remedy = suggestion(nearest(node, names), "see `pnda cluster plan`");
        problems.add(Origin::of_file("explain").problem(format!("there is no node `{node}`"), remedy));
        return None;
    }
    let mut nodes: Vec<OnNode> = Vec::new();
    for assigned in decided.assignment.nodes.iter().filter(|one| node.is_none_or(|node| one.node.as_str() == node)) {
        let Some(resolved) = decided.settings.get(&assigned.node).and_then(|own| own.get(name)) else { continue };
        let roles = decided.roles_of(assigned);
        let layers = layers(decided, Place { assigned, roles: &roles }, setting);
        let value = Some(resolved.value.to_string()).filter(|text| !text.is_empty());
        match nodes.iter_mut().find(|there| there.value == value && there.layers == layers) {
            Some(there) => there.nodes.push(assigned.node.to_string()),
            None => nodes.push(OnNode { nodes: vec![assigned.node.to_string()], value, layers }),
        }
    }
    Some(Explained {
        setting: name.to_owned(),
        about: setting.about.clone(),
        kind: setting.kind.name().to_owned(),
        form: setting.kind.form(),
        nodes,
    })
}

fn layers(decided: &Decided<'_>, place: Place<'_>, setting: &Declaration) -> Vec<Layer> {
    let default = match &setting.default {
        None => None,
        Some(Default::Value(value)) => Some((value.to_string(), setting.origin.to_string())),
        Some(Default::Derived(text)) => Some((text.text.clone(), text.origin.to_string())),
    };
    let default = default.map(|(says, origin)| Layer { layer: "default".into(), says, origin });
    let said = decided.layers().said(place, &setting.name).into_iter().map(|said| Layer {
        says: match said.given {
            Giver::Raw(Raw::Text(text)) | Giver::Argument(text) => text,
            Giver::Raw(Raw::Integer(number)) => number.to_string(),
            Giver::Raw(Raw::Boolean(flag)) => flag.to_string(),
        },
        layer: said.layer,
        origin: said.origin.to_string(),
    });
    default.into_iter().chain(said).collect()
}

impl fmt::Display for Explained {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} ({}: {})", self.setting, self.kind, self.form)?;
        writeln!(out, "{}", self.about)?;
        if self.nodes.is_empty() {
            writeln!(out, "No node has a role with this setting.")?;
        }
        for on in &self.nodes {
            writeln!(out, "{}: {}", on.nodes.join(", "), on.value.as_deref().unwrap_or("(unset)"))?;
            for (at, layer) in on.layers.iter().enumerate() {
                let mark = if at + 1 == on.layers.len() { '*' } else { ' ' };
                let says = if layer.says.is_empty() { "(unset)" } else { &layer.says };
                writeln!(out, " {mark} {}: {says}  [{}]", layer.layer, layer.origin)?;
            }
        }
        Ok(())
    }
}
