//! The assignment: which node has which roles, in the order in which they start.
//! A role that the cluster has once goes where the cluster file names it, or to the only node that fits.
//! Not here: what a role brings to a node (`desired`).

use super::role::{Placement, Role, ranks, suggestion};
use super::spec::{NodeKind, Spec, SpecNode};
use crate::words::document::Text;
use crate::words::names::{Host, Word};
use crate::words::problem::{Origin, Problem, Problems, nearest};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who has what: printable as a table, and as JSON by serde.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The cluster's name.
    pub cluster: Word,
    /// Its nodes, by name.
    pub nodes: Vec<Assigned>,
}

/// One node's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The node's name.
    pub node: Word,
    /// Where it is.
    pub address: Host,
    /// What it is for.
    pub kinds: Vec<NodeKind>,
    /// Its roles, in the order in which they start.
    pub roles: Vec<Word>,
}

/// Decides who has which role.
pub(super) fn assign(spec: &Spec, roles: &BTreeMap<Word, Role>, problems: &mut Problems) -> Assignment {
    check_named(spec, roles, problems);
    let mut chosen: BTreeSet<(&Word, &Word)> = BTreeSet::new();
    for (name, role) in roles {
        chosen.extend(places(spec, name, role, problems).into_iter().map(|node| (node, name)));
    }
    let ranks = ranks(roles);
    let assigned = |(name, node): (&Word, &SpecNode)| {
        let has = |role: &&Word| chosen.contains(&(name, *role));
        let mut roles: Vec<Word> = roles.keys().filter(has).cloned().collect();
        roles.sort_by_key(|role| (ranks[role.as_str()], role.clone()));
        Assigned {
            node: name.clone(),
            address: node.address.clone(),
            kinds: node.kinds.iter().copied().collect(),
            roles,
        }
    };
    Assignment { cluster: spec.name.clone(), nodes: spec.nodes.iter().map(assigned).collect() }
}

fn check_named(spec: &Spec, roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    for Text { text, origin } in spec.nodes.values().flat_map(|node| &node.roles) {
        if !roles.keys().any(|name| name.as_str() == text) {
            let known: Vec<&str> = roles.keys().map(Word::as_str).collect();
            let otherwise = format!("roles are {}", known.join(", "));
            let remedy = suggestion(nearest(text, known.iter().copied()), &otherwise);
            problems.add(origin.problem(format!("there is no role `{text}`"), remedy));
        }
    }
}

fn named<'a>(node: &'a SpecNode, role: &Word) -> Option<&'a Origin> {
    node.roles.iter().find(|text| text.text == role.as_str()).map(|text| &text.origin)
}

fn places<'a>(spec: &'a Spec, name: &Word, role: &Role, problems: &mut Problems) -> Vec<&'a Word> {
    let fits = |node: &SpecNode| match role.placement {
        Placement::EveryNode => true,
        Placement::Every(kind) | Placement::One(kind) => node.kinds.contains(&kind),
    };
    let Placement::One(kind) = role.placement else {
        let wanted = |(_, node): &(&Word, &SpecNode)| fits(node) || named(node, name).is_some();
        return spec.nodes.iter().filter(wanted).map(|(node, _)| node).collect();
    };
    let wanted: Vec<(&Word, &SpecNode)> = spec.nodes.iter().filter(|(_, node)| named(node, name).is_some()).collect();
    let fitting: Vec<&Word> = spec.nodes.iter().filter(|(_, node)| fits(node)).map(|(node, _)| node).collect();
    match (wanted.as_slice(), fitting.as_slice()) {
        ([], [only]) => vec![*only],
        ([(node, _)], _) if fitting.contains(node) => vec![*node],
        ([], _) => {
            if spec.whole {
                problems.add(nobody(spec, name, kind, &fitting));
            }
            Vec::new()
        }
        (several, _) => {
            for (at, (node, there)) in several.iter().enumerate() {
                let origin = named(there, name).unwrap_or(&there.origin);
                if !fitting.contains(node) {
                    let remedy = format!("name it at a {kind}, or add \"{kind}\" to the kinds of `{node}`");
                    problems
                        .add(origin.problem(format!("role `{name}` goes on a {kind}, and `{node}` is none"), remedy));
                } else if at > 0 {
                    let what = format!("role `{name}` is there once, and `{}` has it already", several[0].0);
                    problems.add(origin.problem(what, "name it at one node"));
                }
            }
            Vec::new()
        }
    }
}

fn nobody(spec: &Spec, name: &Word, kind: NodeKind, fitting: &[&Word]) -> Problem {
    if fitting.is_empty() {
        let what = format!("no node can have role `{name}`: it goes on a {kind}, and there is none");
        return spec.origin.problem(what, format!("give one node kinds = [\"{kind}\"]"));
    }
    let names: Vec<&str> = fitting.iter().map(|node| node.as_str()).collect();
    let what = format!("role `{name}` goes on one {kind}, and there are {}: {}", names.len(), names.join(", "));
    spec.origin.problem(what, format!("write roles = [\"{name}\"] at the one that shall have it"))
}

impl fmt::Display for Assignment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |words: Vec<&str>| words.join(" ");
        let rows = self.nodes.iter().map(|node| {
            let kinds = join(node.kinds.iter().map(|kind| kind.as_str()).collect());
            let roles = join(node.roles.iter().map(Word::as_str).collect());
            [node.node.to_string(), node.address.to_string(), kinds, roles]
        });
        let head = ["NODE", "ADDRESS", "KINDS", "ROLES"].map(str::to_owned);
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let (first, second, third) = (width(0), width(1), width(2));
        for [node, address, kinds, roles] in &rows {
            writeln!(out, "{node:first$}  {address:second$}  {kinds:third$}  {roles}")?;
        }
        Ok(())
    }
}
