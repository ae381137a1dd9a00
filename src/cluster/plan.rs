//! The plan of a cluster: who gets what and why, and in which order nodes are installed.
//! Nodes of one wave do not need each other; each wave needs what the ones before it run.
//! Not here: installing anything.

use super::assign::Assigned;
use super::decide::Decided;
use super::item::What;
use super::role::{Placement, Role};
use super::spec::NodeKind;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::names::{Host, Word};

/// A cluster's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Plan {
    /// The cluster's name.
    pub cluster: String,
    /// Its nodes, in the order in which they are installed.
    pub waves: Vec<Wave>,
    /// Services that every node runs for itself: no other node waits while one of them restarts.
    pub everywhere: BTreeSet<String>,
}

/// Nodes that can be installed at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Wave {
    /// By name.
    pub nodes: Vec<Planned>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Planned {
    /// Its name.
    pub node: String,
    /// Where it is.
    pub address: String,
    /// What it is for.
    pub kinds: Vec<NodeKind>,
    /// Its roles, in the order in which they start.
    pub roles: Vec<Because>,
    /// What it waits for on other nodes.
    pub waits: Vec<Reason>,
}

/// A role, and why the node has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Because {
    /// The role.
    pub role: String,
    /// What it is for.
    pub about: String,
    /// Why the node has it.
    pub why: String,
}

/// Why a node waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Reason {
    /// The node that comes before.
    pub node: String,
    /// The role of that node that is needed.
    pub needs: String,
    /// The role of this node that needs it.
    pub role: String,
}

/// Plans what was decided.
pub(super) fn plan(decided: &Decided<'_>) -> Plan {
    let nodes = &decided.assignment.nodes;
    let waits: BTreeMap<&Word, BTreeSet<Reason>> =
        nodes.iter().map(|node| (&node.node, waits(decided, node))).collect();
    let mut left: Vec<&Assigned> = nodes.iter().collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let open: BTreeSet<&str> = left.iter().map(|node| node.node.as_str()).collect();
        let free = |node: &&Assigned| waits[&node.node].iter().all(|reason| !open.contains(reason.node.as_str()));
        let (mut now, mut later): (Vec<&Assigned>, Vec<&Assigned>) = left.into_iter().partition(free);
        if now.is_empty() {
            // Each needs another: services that wait for one another at their start find each other all the same.
            std::mem::swap(&mut now, &mut later);
        }
        let nodes = now.into_iter().map(|node| planned(decided, node, &waits[&node.node])).collect();
        waves.push(Wave { nodes });
        left = later;
    }
    Plan { cluster: decided.spec.name.to_string(), waves, everywhere: everywhere(decided) }
}

/// The services of roles that every node has.
fn everywhere(decided: &Decided<'_>) -> BTreeSet<String> {
    let roles = decided.roles.values().filter(|role| matches!(role.placement, Placement::EveryNode));
    let services = roles.flat_map(|role| &role.lists.items).filter_map(|item| match &item.what {
        What::Service(service) => Some(service.name.text.clone()),
        _ => None,
    });
    services.collect()
}

/// What the roles of a node need on other nodes.
fn waits(decided: &Decided<'_>, node: &Assigned) -> BTreeSet<Reason> {
    let mut reasons = BTreeSet::new();
    for (role, has) in decided.roles_of(node) {
        for needed in &has.needs {
            let others = decided.assignment.nodes.iter().filter(|other| other.node != node.node);
            let having = others.filter(|other| other.roles.iter().any(|role| role.as_str() == needed.text));
            reasons.extend(having.map(|other| Reason {
                node: other.node.to_string(),
                needs: needed.text.clone(),
                role: role.to_string(),
            }));
        }
    }
    reasons
}

fn planned(decided: &Decided<'_>, node: &Assigned, waits: &BTreeSet<Reason>) -> Planned {
    let because = |(name, role): (&Word, &Role)| Because {
        role: name.to_string(),
        about: role.about.clone(),
        why: why(decided, node, name, role),
    };
    Planned {
        node: node.node.to_string(),
        address: Host::to_string(&node.address),
        kinds: node.kinds.clone(),
        roles: decided.roles_of(node).into_iter().map(because).collect(),
        waits: waits.iter().cloned().collect(),
    }
}

fn why(decided: &Decided<'_>, node: &Assigned, name: &Word, role: &Role) -> String {
    let spec = decided.spec.nodes.get(&node.node);
    if spec.is_some_and(|spec| spec.roles.iter().any(|text| text.text == name.as_str())) {
        return "named at the node".to_owned();
    }
    let stack = role.stack.as_ref().map_or_else(String::new, |stack| format!(" of stack {}", stack.text));
    let placed = match &role.placement {
        Placement::EveryNode => "every node".to_owned(),
        Placement::Every(kinds) => {
            let own = kinds.iter().filter(|kind| node.kinds.contains(kind)).map(|kind| kind.as_str());
            format!("every {}", own.collect::<Vec<_>>().join(" and "))
        }
        Placement::One(kind) => format!("one {kind}, the first by name"),
    };
    format!("{placed}{stack}")
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = self.waves.iter().flat_map(|wave| &wave.nodes).flat_map(|node| &node.roles);
        let width = roles.map(|because| because.role.len()).max().unwrap_or(0);
        for (at, wave) in self.waves.iter().enumerate() {
            for node in &wave.nodes {
                let kinds: Vec<&str> = node.kinds.iter().map(|kind| kind.as_str()).collect();
                writeln!(out, "{}. {} ({}): {}", at + 1, node.node, node.address, kinds.join(", "))?;
                for because in &node.roles {
                    writeln!(out, "   {:width$}  {}", because.role, because.why)?;
                }
                let mut after: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
                for reason in &node.waits {
                    after.entry((&reason.role, &reason.needs)).or_default().push(&reason.node);
                }
                for ((role, needs), nodes) in after {
                    writeln!(out, "   after {}: {role} needs {needs}", nodes.join(", "))?;
                }
            }
        }
        Ok(())
    }
}
