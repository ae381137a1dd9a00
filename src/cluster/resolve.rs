//! The settings of one node: the role's default, then each layer's word, from the flavor to the command line.
//! Each value keeps where it came from, so that `origins.toml` and `pnda cluster explain` can say it.
//! Not here: what templates do with them.

use super::assign::Assigned;
use super::context::Context;
use super::flavor::Flavor;
use super::role::{Role, suggestion};
use super::setting::{Declaration, Default, Kind, Value};
use super::spec::{Narrow, Spec};
use super::template::Engine;
use std::collections::{BTreeMap, BTreeSet};
use words::document::{Given, Raw, Text};
use words::names::Word;
use words::problem::{Origin, Problem, Problems, nearest};

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The settings of a node, by dotted name.
pub(super) type Settings = BTreeMap<String, Resolved>;

/// Every declaration of every role, by name.
pub(super) fn declarations(roles: &BTreeMap<Word, Role>) -> BTreeMap<&str, &Declaration> {
    let all = roles.values().flat_map(|role| &role.lists.settings);
    all.map(|setting| (setting.name.as_str(), setting)).collect()
}

/// What gives settings their values, besides the roles' defaults.
pub(super) struct Layers<'a> {
    pub(super) flavor: &'a Flavor,
    pub(super) spec: &'a Spec,
    pub(super) overrides: &'a BTreeMap<String, (String, Origin)>,
}

/// A value that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Giver {
    Raw(Raw),
    Argument(String),
}

/// One layer's word on a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The layer's name, as people know it.
    pub(super) layer: String,
    pub(super) given: Giver,
    pub(super) origin: Origin,
}

impl Giver {
    fn accept(&self, kind: &Kind) -> Option<Value> {
        match self {
            Giver::Raw(raw) => kind.accept(raw),
            Giver::Argument(text) => kind.accept_argument(text),
        }
    }
}

/// A node as settings see it.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) assigned: &'a Assigned,
    pub(super) roles: &'a [(&'a Word, &'a Role)],
}

impl Layers<'_> {
    /// What every layer says of a setting on a node, the weakest first: the last one counts.
    ///
    /// Flavor, cluster, kind of node, role, node, command line; the role's default stands below all of them.
    pub(super) fn said(&self, place: Place<'_>, name: &str) -> Vec<Said> {
        let raw = |layer: String, (raw, origin): &Given| Said {
            layer,
            given: Giver::Raw(raw.clone()),
            origin: origin.clone(),
        };
        let mut said: Vec<Said> = Vec::new();
        let whole = [("flavor", self.flavor.get(name)), ("cluster", self.spec.settings.get(name))];
        said.extend(whole.into_iter().filter_map(|(layer, given)| Some(raw(layer.to_owned(), given?))));
        let narrow = |all: &Narrow, of: &str| {
            let given = || all.get(&(of.to_owned(), name.to_owned())).cloned();
            if all.is_empty() { None } else { given() }
        };
        for kind in &place.assigned.kinds {
            said.extend(narrow(&self.spec.of_kinds, kind.as_str()).map(|given| raw(format!("kind {kind}"), &given)));
        }
        for (role, _) in place.roles {
            said.extend(narrow(&self.spec.of_roles, role.as_str()).map(|given| raw(format!("role {role}"), &given)));
        }
        let own = self.spec.nodes.get(&place.assigned.node).and_then(|node| node.settings.get(name));
        said.extend(own.map(|given| raw(format!("node {}", place.assigned.node), given)));
        said.extend(self.overrides.get(name).map(|(text, origin)| Said {
            layer: "command line".to_owned(),
            given: Giver::Argument(text.clone()),
            origin: origin.clone(),
        }));
        said
    }

    /// The settings that the roles of a node declare, with the values they have there. A value that is refused is
    /// noted and stood in for by the default, so that what else is wrong is found too.
    pub(super) fn resolve(
        &self,
        place: Place<'_>,
        engine: &Engine<'_>,
        around: &Context,
        problems: &mut Problems,
    ) -> Settings {
        let mut settings = Settings::new();
        let mut derived: Vec<(&Declaration, &Text)> = Vec::new();
        let declared = place.roles.iter().flat_map(|(_, role)| &role.lists.settings);
        let declared: BTreeMap<&str, &Declaration> = declared.map(|one| (one.name.as_str(), one)).collect();
        for setting in declared.into_values() {
            let said = self.said(place, &setting.name);
            self.disagreement(place, &said, problems);
            let value = said.last().and_then(|last| {
                let value = last.given.accept(&setting.kind);
                if value.is_none() {
                    problems.add(misfit(setting, &last.origin));
                }
                Some(Resolved { value: value?, origin: last.origin.clone() })
            });
            match (value, &setting.default) {
                (Some(resolved), _) => drop(settings.insert(setting.name.clone(), resolved)),
                (None, Some(Default::Value(value))) => {
                    let resolved = Resolved { value: value.clone(), origin: setting.origin.clone() };
                    settings.insert(setting.name.clone(), resolved);
                }
                (None, Some(Default::Derived(text))) => derived.push((setting, text)),
                (None, None) => {
                    if said.is_empty() {
                        let what = format!("setting `{}` has no default and no value", setting.name);
                        let remedy = format!("add it to [settings]: {}", setting.kind.form());
                        problems.add(self.spec.origin.problem(what, remedy));
                    }
                    let resolved = Resolved { value: stand_in(), origin: setting.origin.clone() };
                    settings.insert(setting.name.clone(), resolved);
                }
            }
        }
        derive(derived, &mut settings, engine, around, problems);
        self.check_own(place, &settings, problems);
        settings
    }

    /// Two kinds or two roles of one node that say different things: neither is nearer to the node.
    fn disagreement(&self, place: Place<'_>, said: &[Said], problems: &mut Problems) {
        if said.iter().any(|one| one.layer.starts_with("node ") || one.layer == "command line") {
            return;
        }
        for layer in ["kind ", "role "] {
            let mut alike = said.iter().filter(|one| one.layer.starts_with(layer));
            let Some(first) = alike.next() else { continue };
            for other in alike.filter(|other| other.given != first.given) {
                let node = &place.assigned.node;
                let what = format!("`{node}` gets another value from {} ({})", first.layer, first.origin);
                problems.add(other.origin.problem(what, format!("give the setting at the node `{node}` itself")));
            }
        }
    }

    /// What a node says of settings that none of its roles has.
    fn check_own(&self, place: Place<'_>, settings: &Settings, problems: &mut Problems) {
        let node = &place.assigned.node;
        let own = self.spec.nodes.get(node).map(|node| &node.settings);
        for (name, (_, origin)) in own.into_iter().flatten().filter(|(name, _)| !settings.contains_key(*name)) {
            let near = nearest(name, settings.keys().map(String::as_str));
            let remedy =
                suggestion(near, "move it to [settings] of the cluster, or give the node the role that has it");
            problems.add(origin.problem(format!("no role of `{node}` has a setting `{name}`"), remedy));
        }
    }
}

/// What stands in for a value whose lack was noted, so that it is not told again where it is printed.
fn stand_in() -> Value {
    Value::Text("none".to_owned())
}

/// Fills derived defaults, each once all that it names is known.
fn derive(
    mut left: Vec<(&Declaration, &Text)>,
    settings: &mut Settings,
    engine: &Engine<'_>,
    around: &Context,
    problems: &mut Problems,
) {
    while !left.is_empty() {
        let waits: BTreeSet<&str> = left.iter().map(|(setting, _)| setting.name.as_str()).collect();
        let free =
            |(_, text): &(&Declaration, &Text)| engine.names(text).iter().all(|name| !waits.contains(name.as_str()));
        let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(free);
        if now.is_empty() {
            for (setting, text) in later {
                let what = format!("the default of `{}` waits in a circle for itself", setting.name);
                problems.add(text.origin.problem(what, "let one of the defaults name no other"));
            }
            return;
        }
        let context = around.with_settings(settings);
        for (setting, text) in now {
            let filled = engine.fill(text, &context, problems);
            let value = match filled.as_deref() {
                None => None,
                Some("") if setting.optional => Some(Value::Unset),
                Some(filled) => setting.kind.accept_argument(filled).or_else(|| {
                    let what = format!("the default of `{}` comes out as `{filled}`", setting.name);
                    let remedy = format!("give it a value in [settings]: {}", setting.kind.form());
                    problems.add(text.origin.problem(what, remedy));
                    None
                }),
            };
            let resolved = Resolved { value: value.unwrap_or_else(stand_in), origin: text.origin.clone() };
            settings.insert(setting.name.clone(), resolved);
        }
        left = later;
    }
}

/// Settings that must tell nodes apart, and do not.
pub(super) fn check_unique(roles: &BTreeMap<Word, Role>, settings: &BTreeMap<Word, Settings>, problems: &mut Problems) {
    let unique = declarations(roles).into_values().filter(|setting| setting.unique);
    for setting in unique {
        let mut first: BTreeMap<String, &Word> = BTreeMap::new();
        for (node, resolved) in settings.iter().filter_map(|(node, own)| Some((node, own.get(&setting.name)?))) {
            let value = resolved.value.to_string();
            if let Some(other) = first.insert(value.clone(), node) {
                let what = format!("`{other}` and `{node}` have the same `{}`, {value}", setting.name);
                problems.add(resolved.origin.problem(what, "give each node its own in [node.settings]"));
            }
        }
    }
}

fn misfit(setting: &Declaration, origin: &Origin) -> Problem {
    let what = format!("setting `{}` is not of kind {}", setting.name, setting.kind.name());
    origin.problem(what, format!("write {}", setting.kind.form()))
}

/// Settings of any layer that no role declares, or that do not fit, used or not.
pub(super) fn check_given(layers: &Layers<'_>, roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    let known = declarations(roles);
    let spec = layers.spec;
    let raw = |(name, (raw, origin)): (&String, &Given)| (name.clone(), Giver::Raw(raw.clone()), origin.clone());
    let narrow = |((_, name), (raw, origin)): (&(String, String), &Given)| {
        (name.clone(), Giver::Raw(raw.clone()), origin.clone())
    };
    let mut given: Vec<(String, Giver, Origin)> = spec.settings.iter().chain(layers.flavor).map(raw).collect();
    given.extend(spec.of_kinds.iter().chain(&spec.of_roles).map(narrow));
    given.extend(
        layers
            .overrides
            .iter()
            .map(|(name, (text, origin))| (name.clone(), Giver::Argument(text.clone()), origin.clone())),
    );
    for (name, giver, origin) in given {
        match known.get(name.as_str()) {
            Some(setting) if giver.accept(&setting.kind).is_some() => {}
            Some(setting) => problems.add(misfit(setting, &origin)),
            None => {
                let remedy =
                    suggestion(nearest(&name, known.keys().copied()), "see the [[setting]] lists of the roles");
                problems.add(origin.problem(format!("no role has a setting `{name}`"), remedy));
            }
        }
    }
    for ((role, name), (_, origin)) in &spec.of_roles {
        match roles.iter().find(|(known, _)| known.as_str() == role) {
            None => {
                let near = suggestion(nearest(role, roles.keys().map(Word::as_str)), "name a role");
                problems.add(origin.problem(format!("there is no role `{role}`"), near));
            }
            Some((_, has)) if known.contains_key(name.as_str()) && !declares(has, name) => {
                let remedy = "move it to the role that has it, or to [settings] of the cluster";
                problems.add(origin.problem(format!("role `{role}` has no setting `{name}`"), remedy));
            }
            Some(_) => {}
        }
    }
}

fn declares(role: &Role, name: &str) -> bool {
    role.lists.settings.iter().any(|setting| setting.name == name)
}
