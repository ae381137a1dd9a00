//! The settings of one node: the role's default, then the cluster's, the node's and the command line's word.
//! Each value keeps where it came from, so that `origins.toml` can say it.
//! Not here: what templates do with them.

use super::role::{Role, suggestion};
use super::setting::{Declaration, Value};
use super::spec::Spec;
use crate::words::document::Given;
use crate::words::names::Word;
use crate::words::problem::{Origin, Problem, Problems, nearest};
use std::collections::BTreeMap;

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

/// The settings that the roles of a node declare, with the values they have there. A value that is refused is noted
/// and stood in for by the default, so that what else is wrong is found too.
pub(super) fn resolve(
    spec: &Spec,
    node: &Word,
    roles: &[&Role],
    overrides: &BTreeMap<String, (String, Origin)>,
    problems: &mut Problems,
) -> Settings {
    let mut settings = Settings::new();
    let own = spec.nodes.get(node).map(|node| &node.settings);
    for setting in roles.iter().flat_map(|role| &role.lists.settings) {
        settings.insert(setting.name.clone(), value_of(setting, spec, own, overrides, problems));
    }
    for (name, (_, origin)) in own.into_iter().flatten() {
        if !settings.contains_key(name) && !roles.iter().any(|role| declares(role, name)) {
            let near = nearest(name, settings.keys().map(String::as_str));
            let remedy =
                suggestion(near, "move it to [settings] of the cluster, or give the node the role that has it");
            problems.add(origin.problem(format!("no role of `{node}` has a setting `{name}`"), remedy));
        }
    }
    settings
}

fn declares(role: &Role, name: &str) -> bool {
    role.lists.settings.iter().any(|setting| setting.name == name)
}

fn value_of(
    setting: &Declaration,
    spec: &Spec,
    own: Option<&BTreeMap<String, Given>>,
    overrides: &BTreeMap<String, (String, Origin)>,
    problems: &mut Problems,
) -> Resolved {
    let name = setting.name.as_str();
    let (value, origin) = if let Some((text, origin)) = overrides.get(name) {
        (setting.kind.accept_argument(text), origin)
    } else if let Some((raw, origin)) = own.and_then(|own| own.get(name)).or_else(|| spec.settings.get(name)) {
        (setting.kind.accept(raw), origin)
    } else {
        if setting.default.is_none() {
            let what = format!("setting `{name}` has no default and no value");
            let remedy = format!("add it to [settings]: {}", setting.kind.form());
            problems.add(spec.origin.problem(what, remedy));
        }
        (setting.default.clone(), &setting.origin)
    };
    if value.is_none() && setting.default != value {
        problems.add(misfit(setting, origin));
    }
    Resolved { value: value.or_else(|| setting.default.clone()).unwrap_or(Value::Unset), origin: origin.clone() }
}

fn misfit(setting: &Declaration, origin: &Origin) -> Problem {
    let what = format!("setting `{}` is not of kind {}", setting.name, setting.kind.name());
    origin.problem(what, format!("write {}", setting.kind.form()))
}

/// Settings of the cluster and the command line that no role declares, or that do not fit, used or not.
pub(super) fn check_given(
    spec: &Spec,
    roles: &BTreeMap<Word, Role>,
    overrides: &BTreeMap<String, (String, Origin)>,
    problems: &mut Problems,
) {
    let known = declarations(roles);
    let given = spec.settings.iter().map(|(name, (raw, origin))| {
        (name, known.get(name.as_str()).map(|setting| (*setting, setting.kind.accept(raw))), origin)
    });
    let told = overrides.iter().map(|(name, (text, origin))| {
        (name, known.get(name.as_str()).map(|setting| (*setting, setting.kind.accept_argument(text))), origin)
    });
    for (name, fit, origin) in given.chain(told) {
        match fit {
            Some((_, Some(_))) => {}
            Some((setting, None)) => problems.add(misfit(setting, origin)),
            None => {
                let remedy = suggestion(nearest(name, known.keys().copied()), "see the [[setting]] lists of the roles");
                problems.add(origin.problem(format!("no role has a setting `{name}`"), remedy));
            }
        }
    }
}
