//! The assignment: which node has which roles, in the order in which they start.
//! A role that the cluster has once goes where the cluster file names it, and else to the first node that fits.
//! Not here: what a role brings to a node (`desired`).

use super::role::{Placement, Role, ranks, suggestion};
use super::spec::{NodeKind, Spec, SpecNode};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use words::document::Text;
use words::names::{Host, Word};
use words::problem::{Origin, Problems, nearest};

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
    check_stacks(spec, roles, problems);
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

fn check_stacks(spec: &Spec, roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    let known: BTreeSet<&str> = roles.values().filter_map(|role| Some(role.stack.as_ref()?.text.as_str())).collect();
    for Text { text, origin } in spec.stacks.iter().filter(|stack| !known.contains(stack.text.as_str())) {
        let names: Vec<&str> = known.iter().copied().collect();
        let otherwise = format!("stacks are {}", names.join(", "));
        let remedy = suggestion(nearest(text, names.iter().copied()), &otherwise);
        problems.add(origin.problem(format!("there is no stack `{text}`"), remedy));
    }
}

/// Whether the cluster has the role at all, if no node names it.
fn asked_for(spec: &Spec, role: &Role) -> bool {
    role.stack.as_ref().is_none_or(|stack| spec.stacks.iter().any(|asked| asked.text == stack.text))
}

fn places<'a>(spec: &'a Spec, name: &Word, role: &Role, problems: &mut Problems) -> Vec<&'a Word> {
    let asked = asked_for(spec, role);
    let fits = |node: &SpecNode| match &role.placement {
        Placement::EveryNode => true,
        Placement::Every(kinds) => !kinds.is_disjoint(&node.kinds),
        Placement::One(kind) => node.kinds.contains(kind),
    };
    let wanted: Vec<(&Word, &SpecNode)> = spec.nodes.iter().filter(|(_, node)| named(node, name).is_some()).collect();
    let fitting: Vec<&Word> = spec.nodes.iter().filter(|(_, node)| fits(node)).map(|(node, _)| node).collect();
    let Placement::One(kind) = role.placement else {
        let fitting = fitting.into_iter().filter(|_| asked);
        return fitting.chain(wanted.into_iter().map(|(node, _)| node)).collect();
    };
    match (wanted.as_slice(), fitting.first()) {
        ([], _) if !asked => Vec::new(),
        ([], Some(first)) => vec![*first],
        ([], None) => {
            if spec.whole {
                let what = format!("no node can have role `{name}`: it goes on one {kind}, and there is none");
                problems.add(spec.origin.problem(what, format!("give one node kinds = [\"{kind}\"]")));
            }
            Vec::new()
        }
        ([(node, _)], _) if fitting.contains(node) => vec![*node],
        (several, _) => {
            misplaced(several, &fitting, name, kind, problems);
            Vec::new()
        }
    }
}

/// A role that is there once is named where it cannot go, or more than once.
fn misplaced(wanted: &[(&Word, &SpecNode)], fitting: &[&Word], name: &Word, kind: NodeKind, problems: &mut Problems) {
    for (at, (node, there)) in wanted.iter().enumerate() {
        let origin = named(there, name).unwrap_or(&there.origin);
        if !fitting.contains(node) {
            let remedy = format!("name it at a {kind}, or add \"{kind}\" to the kinds of `{node}`");
            problems.add(origin.problem(format!("role `{name}` goes on a {kind}, and `{node}` is none"), remedy));
        } else if at > 0 {
            let what = format!("role `{name}` is there once, and `{}` has it already", wanted[0].0);
            problems.add(origin.problem(what, "name it at one node"));
        }
    }
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
