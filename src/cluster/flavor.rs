//! Flavors: the settings that go with a size of cluster, one file each, as PNDA has `pico`, `standard` and `production`.
//! A flavor is a layer of settings and nothing else; the cluster file wins over it.
//! Not here: which roles a cluster has (`assign`).

use super::role::suggestion;
use super::spec::Spec;
use std::collections::BTreeMap;
use words::document::{self, Given, Text};
use words::problem::{Problems, Source, nearest};

/// The settings of one flavor, by dotted name.
pub(super) type Flavor = BTreeMap<String, Given>;

/// Reads all flavors and gives the one that the cluster asks for.
pub(super) fn chosen(spec: &Spec, files: &[(String, String)], problems: &mut Problems) -> Flavor {
    let mut flavors: BTreeMap<&str, Flavor> = BTreeMap::new();
    for (file, text) in files {
        let name = file.rsplit('/').next().unwrap_or(file);
        let read = document::read_noting(Source { file, text }, problems, |table| {
            table.required("about", "What it is for.");
            Some(table.settings("settings"))
        });
        flavors.insert(name.strip_suffix(".toml").unwrap_or(name), read.unwrap_or_default());
    }
    let Some(Text { text, origin }) = &spec.flavor else { return Flavor::new() };
    flavors.remove(text.as_str()).unwrap_or_else(|| {
        let names: Vec<&str> = flavors.keys().copied().collect();
        let otherwise = format!("flavors are {}", names.join(", "));
        let remedy = suggestion(nearest(text, names.iter().copied()), &otherwise);
        problems.add(origin.problem(format!("there is no flavor `{text}`"), remedy));
        Flavor::new()
    })
}
