//! What each role's nodes take from the mirror where a cluster says nothing else: by the defaults of the settings.
//! It serves bills of materials; what a node of a real cluster takes stands in its `node.toml`.
//! Not here: whether the mirror has it.

use super::context::Context;
use super::facts::Known;
use super::item::{Item, What};
use super::resolve::{Resolved, Settings};
use super::role::{self, Role};
use super::setting::{Default, Value};
use super::template::Engine;
use std::collections::{BTreeMap, BTreeSet};
use words::document::Text;
use words::names::{SafePath, Word};
use words::problem::Problems;

/// The paths on the mirror that each of these roles takes; a role with mistakes takes what can be understood.
pub fn taken(roles: &[(String, String)]) -> BTreeMap<Word, BTreeSet<SafePath>> {
    let mut problems = Problems::default();
    let templates = BTreeMap::new();
    let engine = Engine::new(&templates, [], "", &mut problems);
    let roles = role::read_all(roles, &mut problems);
    roles.into_iter().map(|(name, role)| (name, of_role(&role, &engine, &mut problems))).collect()
}

fn of_role(role: &Role, engine: &Engine<'_>, problems: &mut Problems) -> BTreeSet<SafePath> {
    let default = |default: &Option<Default>| match default {
        Some(Default::Value(value)) => value.clone(),
        // What depends on the nodes of a cluster is not known here.
        Some(Default::Derived(_)) | None => Value::Unset,
    };
    let declared = role.lists.settings.iter().map(|setting| {
        (setting.name.clone(), Resolved { value: default(&setting.default), origin: setting.origin.clone() })
    });
    let settings: Settings = declared.collect();
    let around = Context::around("", "", "", &().into());
    let context = around.with_settings(&settings).with_facts(Known { settings: &settings, root: "", generation: None });
    let mut paths = BTreeSet::new();
    for item in role.lists.items.iter().filter(|item| applies(item, &context)) {
        let (What::Archive { from, .. } | What::Download { from, .. }) = &item.what else { continue };
        let contexts = match &item.each {
            Some(list) => context.each(&list.text).unwrap_or_default(),
            None => vec![context.clone()],
        };
        let filled = contexts.iter().filter_map(|context| SafePath::new(engine.fill(from, context, problems)?).ok());
        paths.extend(filled);
    }
    paths
}

fn applies(item: &Item, context: &Context) -> bool {
    let set = |name: &Text| context.holds(&name.text) == Some(true);
    item.when.as_ref().is_none_or(set) && !item.unless.as_ref().is_some_and(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_roles_take_what_they_name() {
        let taken = taken(&super::super::default_roles());
        let of = |role: &str| taken[&Word::new(role).unwrap()].iter().map(SafePath::as_str).collect::<Vec<_>>();
        assert_eq!(of("agent"), ["pnda-agent"]);
        assert_eq!(of("flink-history-server").len(), 2, "Flink and its Java");
        assert!(of("flink-client").iter().any(|path| path.starts_with("flink-")));
        assert!(of("log-shipper").is_empty());
    }
}
