//! What differs between two versions of an application, component by component: properties as they are expanded, files, and the
//! release of Flink. Pure.
//! Not here: preparing the two, and what stands against the new one.

use crate::package::{Component, Kind, Package, properties};
use crate::prepare::Prepared;
use std::collections::{BTreeMap, BTreeSet};
use words::change::{Changed, ComponentDifference, Difference, Presence};
use words::names::ComponentName;

/// A version: its package, and its components as far as they can be prepared.
pub(super) struct Version<'a> {
    pub(super) package: &'a Package,
    pub(super) prepared: BTreeMap<ComponentName, Prepared>,
    /// The properties of those that Oozie runs.
    pub(super) workflows: BTreeMap<ComponentName, BTreeMap<String, String>>,
}

impl Version<'_> {
    /// Its components of the types that run.
    fn components(&self) -> impl Iterator<Item = &Component> {
        self.package.components.iter().filter(|one| matches!(one.kind, Kind::Flink | Kind::Oozie))
    }

    fn names(&self) -> BTreeSet<ComponentName> {
        self.components().map(|one| one.name.clone()).collect()
    }

    fn properties(&self, name: &ComponentName) -> BTreeMap<String, String> {
        let of_flink = self.prepared.get(name).map(|prepared| &prepared.properties);
        of_flink.or_else(|| self.workflows.get(name)).map(properties::of_component).unwrap_or_default()
    }

    fn files(&self, name: &ComponentName) -> BTreeMap<String, String> {
        let files = self.components().filter(|one| one.name == *name).flat_map(|component| &component.files);
        files.map(|(path, size)| (path.to_string(), size.to_string())).collect()
    }

    fn flink(&self, name: &ComponentName) -> Option<String> {
        self.prepared.get(name).map(|prepared| prepared.flink.to_string())
    }
}

/// What differs.
pub(super) fn difference(old: &Version<'_>, new: &Version<'_>) -> Difference {
    let (before, after) = (old.names(), new.names());
    let of = |name: &ComponentName| {
        let presence = match (before.contains(name), after.contains(name)) {
            (true, false) => Presence::Removed,
            (false, _) => Presence::Added,
            (true, true) => Presence::Kept,
        };
        let flinks = (old.flink(name), new.flink(name));
        let flink = (flinks.0.is_some() && flinks.1.is_some() && flinks.0 != flinks.1).then(|| Changed {
            name: "Flink".to_owned(),
            old: flinks.0,
            new: flinks.1,
        });
        ComponentDifference {
            component: name.clone(),
            presence,
            flink,
            properties: changed(&old.properties(name), &new.properties(name)),
            files: changed(&old.files(name), &new.files(name)),
        }
    };
    let differs = |one: &ComponentDifference| {
        let parts = !one.properties.is_empty() || !one.files.is_empty() || one.flink.is_some();
        parts || one.presence != Presence::Kept
    };
    let components = before.union(&after).map(of).filter(differs).collect();
    Difference { from: old.package.name.clone(), to: new.package.name.clone(), components }
}

fn changed(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Changed> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differ
        .map(|name| Changed { name: name.clone(), old: old.get(name).cloned(), new: new.get(name).cloned() })
        .collect()
}
