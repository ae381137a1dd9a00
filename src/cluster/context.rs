//! What a template may print: a node's names, its settings, the facts computed from them, and who has each role.
//! A role sees the settings that it declares, and no other.
//! Not here: the values (`facts`, `resolve`), or printing them (`template`).

use super::facts;
use super::members;
use super::resolve::Settings;
use super::setting::Declaration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use tera::Value;
use words::problem::nearest;

/// What a template may print, by dotted name.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    names: BTreeMap<String, Value>,
    /// Which of the names are settings.
    settings: BTreeSet<String>,
    /// The names as maps in maps, once they were asked for.
    nested: OnceLock<tera::Context>,
}

impl Context {
    /// What is known before any setting: the node's name and address, its cluster, and who has each role.
    pub(super) fn around(cluster: &str, node: &str, address: &str, nodes: &Value) -> Context {
        let names = [("cluster", cluster.into()), ("node", node.into()), ("address", address.into())];
        Context::default().with(names).with([("nodes", nodes.clone())])
    }

    /// A copy that takes more names.
    fn open(&self) -> Context {
        Context { names: self.names.clone(), settings: self.settings.clone(), nested: OnceLock::new() }
    }

    /// The names as templates walk them.
    pub(super) fn walked(&self) -> &tera::Context {
        self.nested.get_or_init(|| {
            let mut context = tera::Context::new();
            for (name, branch) in Branch::of(&self.names).below {
                context.insert_value(name, branch.into_value());
            }
            context
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The known name that is most like another.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.names.keys().map(String::as_str))
    }

    /// The same with settings.
    pub(super) fn with_settings(&self, settings: &Settings) -> Context {
        let mut context = self.open();
        let values = settings.iter().map(|(name, resolved)| (name.clone(), members::value(&resolved.value)));
        context.names.extend(values);
        context.settings = settings.keys().cloned().collect();
        context
    }

    /// The same with what is computed from settings.
    pub(super) fn with_facts(&self, known: facts::Known<'_>) -> Context {
        let mut context = self.open();
        let facts = facts::compute(known).into_iter();
        context.names.extend(facts.map(|(name, fact)| (format!("facts.{name}"), fact)));
        context
    }

    /// The same with more names.
    pub(super) fn with<const N: usize>(&self, more: [(&str, Value); N]) -> Context {
        let mut context = self.open();
        context.names.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        context
    }

    /// What a role may use of it: the settings that it or its parts declare, all facts, and the node's names.
    pub(super) fn seen_by(&self, declared: &[Declaration]) -> Context {
        let declared: BTreeSet<&str> = declared.iter().map(|setting| setting.name.as_str()).collect();
        let seen = |name: &str| !self.settings.contains(name) || declared.contains(name);
        let names = self.names.iter().filter(|(name, _)| seen(name));
        Context { names: names.map(|(name, value)| (name.clone(), value.clone())).collect(), ..Context::default() }
    }

    /// The same for each entry of a list, which is then called `each`: none at all where the node has no such list, no
    /// answer if nothing has that name, or it is no list.
    pub(super) fn each(&self, list: &str) -> Option<Vec<Context>> {
        let value = self.names.get(list)?;
        if value.is_none() {
            return Some(Vec::new());
        }
        Some(value.as_array()?.iter().map(|each| self.with([("each", each.clone())])).collect())
    }

    /// Whether a setting is set to anything but `false`, or with `NAME is WORD` to that word; none if there is no such
    /// setting.
    pub(super) fn holds(&self, condition: &str) -> Option<bool> {
        let (name, word) = condition.split_once(" is ").map_or((condition, None), |(name, word)| (name, Some(word)));
        let value = self.names.get(name)?;
        Some(match word {
            Some(word) => *value == Value::from(word),
            None => !value.is_none() && *value != Value::from(false),
        })
    }
}

/// Dotted names as the nested maps that a template walks; what is unset is not there, so that nothing prints it.
pub(super) fn nested(names: &BTreeMap<String, Value>) -> Value {
    Branch::of(names).into_value()
}

#[derive(Default)]
struct Branch {
    leaf: Option<Value>,
    below: BTreeMap<String, Branch>,
}

impl Branch {
    fn of(names: &BTreeMap<String, Value>) -> Branch {
        let mut tree = Branch::default();
        for (name, value) in names {
            let (around, last) = name.rsplit_once('.').map_or((None, name.as_str()), |(all, last)| (Some(all), last));
            let mut branch = &mut tree;
            for part in around.into_iter().flat_map(|around| around.split('.')) {
                branch = branch.below.entry(part.to_owned()).or_default();
            }
            if !value.is_none() {
                branch.below.entry(last.to_owned()).or_default().leaf = Some(value.clone());
            }
        }
        tree
    }

    fn into_value(self) -> Value {
        match self.leaf {
            Some(leaf) => leaf,
            None => {
                let below = self.below.into_iter().map(|(name, branch)| (name, branch.into_value()));
                below.collect::<BTreeMap<String, Value>>().into()
            }
        }
    }
}
