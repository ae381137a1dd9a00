//! Defaults of the site for properties of components, in layers: for all, then for a queue; a package says more than both, and an
//! application more than that. Each value is told with the layer that it comes from.
//! Pure. Not here: reading the file, and what a property means.

use crate::package::flink::KNOWN;
use std::collections::BTreeMap;
use words::application::SetBy;
use words::document::{self, Given, Table};
use words::names::Word;
use words::problem::{Problems, Source};

/// Properties with a meaning that may have a default: the others belong to one program.
const ALLOWED: [&str; 12] = [
    "flink_version",
    "flink_parallelism",
    "flink_submission",
    "log_level",
    "respawn_type",
    "respawn_timeout_sec",
    "respawn_limit",
    "savepoint_interval_sec",
    "savepoint_keep",
    "savepoint_keep_days",
    "savepoint_schedule",
    "savepoint_schedule_zone",
];

/// Properties by name.
type Set = BTreeMap<String, String>;

/// Layers, the weakest first.
pub type Layers = Vec<(SetBy, Set)>;

/// The defaults of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    all: Set,
    queues: BTreeMap<Word, Set>,
}

impl Defaults {
    /// Reads them; every mistake is told at once.
    pub fn parse(source: Source<'_>) -> Result<Defaults, Problems> {
        document::read(source, |table| {
            let all = set(table, "all");
            let mut queues = BTreeMap::new();
            let read = |table: &mut Table<'_>| {
                let name = table.parsed("name", "default", Word::new);
                (name, set(table, "set"), table.origin().clone())
            };
            for (name, set, origin) in table.tables("queue", read) {
                let Some(name) = name else { continue };
                if queues.insert(name.clone(), set).is_some() {
                    table.add(origin.problem(format!("queue {name} is there twice"), "keep one"));
                }
            }
            Some(Defaults { all, queues })
        })
    }

    /// Whether somebody's queue matters.
    pub fn has_queues(&self) -> bool {
        !self.queues.is_empty()
    }

    /// What counts in a queue.
    pub fn layers(&self, queue: Option<&Word>) -> Layers {
        let of_queue = queue.and_then(|queue| self.queues.get(queue)).cloned().unwrap_or_default();
        vec![(SetBy::Site, self.all.clone()), (SetBy::Queue, of_queue)]
    }
}

fn set(table: &mut Table<'_>, key: &'static str) -> Set {
    let mut set = Set::new();
    for (name, (raw, origin)) in table.settings(key) as BTreeMap<String, Given> {
        if KNOWN.contains(&name.as_str()) && !ALLOWED.contains(&name.as_str()) {
            let remedy = format!("a default may be one of the program's own properties, or {}", ALLOWED.join(", "));
            table.add(origin.problem(format!("`{name}` has no default: it belongs to one program"), remedy));
        }
        set.insert(name, raw.to_string());
    }
    set
}

/// Two ways to say one thing: the nearer layer counts, whichever of them it has.
const EITHER: [&str; 2] = ["savepoint_interval_sec", "savepoint_schedule"];

/// All layers as one.
pub fn joined(layers: &Layers, package: &Set, overrides: &Set) -> Set {
    let mut all = Set::new();
    for set in layers.iter().map(|(_, set)| set).chain([package, overrides]) {
        if EITHER.iter().any(|name| set.contains_key(*name)) {
            all.retain(|name, _| !EITHER.contains(&name.as_str()));
        }
        all.extend(set.clone());
    }
    all
}

/// From where each property comes, by its full name.
pub fn origins(expanded: &Set, layers: &Layers, package: &Set, overrides: &Set) -> BTreeMap<String, SetBy> {
    let of = |full: &String| {
        let Some(name) = full.strip_prefix("component_") else {
            return if full.starts_with("environment_") { SetBy::Environment } else { SetBy::Submission };
        };
        let layer = || layers.iter().rev().find(|(_, set)| set.contains_key(name)).map(|(by, _)| *by);
        match (overrides.contains_key(name), package.contains_key(name)) {
            (true, _) => SetBy::Application,
            (false, true) => SetBy::Package,
            (false, false) => layer().unwrap_or(SetBy::Submission),
        }
    };
    expanded.keys().map(|full| (full.clone(), of(full))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Defaults, String> {
        Defaults::parse(Source { file: "d.toml", text }).map_err(|problems| problems.to_string())
    }

    fn of(pairs: &[(&str, &str)]) -> Set {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_nearest_layer_counts_and_is_told() {
        let text = "[all]\nrespawn_limit = 20\ntopic = \"a\"\nb = 1\n[[queue]]\nname = \"dev\"\nset.respawn_limit = 3\nset.topic = \"d\"\n";
        let defaults = parse(text).unwrap();
        assert!(defaults.has_queues());
        let (dev, prod) = (Word::new("dev").unwrap(), Word::new("prod").unwrap());
        let (package, overrides) = (of(&[("topic", "p"), ("x", "p")]), of(&[("x", "o")]));
        let layers = defaults.layers(Some(&dev));
        let all = of(&[("respawn_limit", "3"), ("topic", "p"), ("b", "1"), ("x", "o")]);
        assert_eq!(joined(&layers, &package, &overrides), all);
        assert_eq!(joined(&defaults.layers(Some(&prod)), &package, &overrides)["respawn_limit"], "20");
        assert_eq!(joined(&defaults.layers(None), &package, &overrides)["respawn_limit"], "20");
        let names = ["component_respawn_limit", "component_topic", "component_b", "component_x", "component_name"];
        let expanded = of(&names.map(|name| (name, "")));
        let told = origins(&expanded, &layers, &package, &overrides);
        let told: Vec<SetBy> = names.iter().map(|name| told[*name]).collect();
        use SetBy::{Application, Package, Queue, Site, Submission};
        assert_eq!(told, [Queue, Package, Site, Application, Submission]);
    }

    #[test]
    fn of_two_ways_to_say_one_thing_the_nearer_layer_s_counts() {
        let layers = parse("[all]\nsavepoint_interval_sec = 3600\n").unwrap().layers(None);
        let nightly = of(&[("savepoint_schedule", "0 3 * * *")]);
        assert_eq!(joined(&layers, &nightly, &Set::new()), nightly);
        let often = of(&[("savepoint_interval_sec", "60")]);
        assert_eq!(joined(&layers, &nightly, &often), often);
    }

    #[test]
    fn every_mistake_of_the_file_is_told() {
        let told =
            parse("[all]\nmain_jar = \"a\"\nlist = []\n[[queue]]\nset.schedule = \"x\"\n[[queues]]\n").unwrap_err();
        for part in [
            "d.toml:2: `main_jar` has no default: it belongs to one program",
            "d.toml:3: `list` is of type array",
            "d.toml:4: this [[queue]] has no `name`",
            "d.toml:5: `schedule` has no default",
            "d.toml:6: this file has an unknown key `queues`",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        let twice = "[[queue]]\nname = \"a\"\n[[queue]]\nname = \"a\"\n";
        assert!(parse(twice).unwrap_err().contains("queue a is there twice"));
    }
}
