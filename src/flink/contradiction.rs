//! Keys that are each right and together wrong, or that this Flink will not act on without another.
//! Each rule is one function over the whole file; what Flink refuses was measured on real ones of 1.15, 1.20 and 2.3.
//! Not here: memory, which adds up or does not (`memory`), and options of Java (`java`).

use super::catalogue::Catalogue;
use super::file::Entry;
use super::memory::Deployment;
use super::{Configuration, Findings, value};
use std::collections::BTreeSet;

/// A rule over the whole file.
type Rule = fn(&Configuration, &mut Findings);

const RULES: [Rule; 9] = [
    numbers,
    high_availability,
    attempts,
    checkpoints,
    state_backend,
    restart_strategy,
    reporters,
    archives,
    provided_libraries,
];

/// Looks at all of them.
pub(super) fn judge(configuration: &Configuration, findings: &mut Findings) {
    RULES.iter().for_each(|rule| rule(configuration, findings));
}

impl Configuration {
    /// Who sets an option that has had several names: the first of them that this Flink has.
    pub(super) fn any(&self, keys: &[&str]) -> Option<&Entry> {
        keys.iter().find_map(|key| self.setting(key))
    }
}

/// The name of an option that has had several, the newest first, as this Flink has it.
fn name(configuration: &Configuration, names: &[&'static str]) -> &'static str {
    let known = |name: &&&str| Catalogue::get().option(name, configuration.line).is_some();
    names.iter().find(known).or(names.last()).copied().unwrap_or_default()
}

const AVAILABILITY: &[&str] = &["high-availability.type", "high-availability"];
pub(super) const CHECKPOINTS: &[&str] = &["execution.checkpointing.dir", "state.checkpoints.dir"];
const STRATEGY: &[&str] = &["restart-strategy.type", "restart-strategy"];

/// Names that Flink takes in any case.
fn is(entry: &Entry, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(&entry.value))
}

/// Numbers that are of the right type and still none that Flink can use.
fn numbers(configuration: &Configuration, findings: &mut Findings) {
    for Entry { key, value, origin, .. } in &configuration.entries {
        let number: Option<i64> = value.parse().ok();
        let (wrong, remedy) = match (key.as_str(), number) {
            ("taskmanager.numberOfTaskSlots", Some(0 | ..=-2)) => (true, "write 1 or more"),
            ("parallelism.default", Some(0 | ..=-3)) => (true, "write 1 or more"),
            ("taskmanager.memory.segment-size", _) => {
                let bytes = value::bytes(value).unwrap_or(4096);
                (bytes < 4096 || !bytes.is_power_of_two(), "write a power of two from 4k on, as in 32k")
            }
            (key, Some(number)) if key.ends_with(".port") || key.ends_with("-port") => {
                (!(-1..=65535).contains(&number), "write a port, from 0 (any that is free) to 65535")
            }
            _ => continue,
        };
        if wrong {
            findings.error(origin, key, format!("`{key}` cannot be {value}"), remedy);
        }
    }
}

fn availability(configuration: &Configuration) -> Option<&Entry> {
    configuration.any(AVAILABILITY)
}

fn high_availability(configuration: &Configuration, findings: &mut Findings) {
    let kind = availability(configuration).filter(|entry| !is(entry, &["none"]));
    let Some(kind) = kind else {
        let known = |key: &str| key != "high-availability.type" && configuration.known(key).is_some();
        let other = |entry: &&Entry| entry.key.starts_with("high-availability.") && known(&entry.key);
        if let Some(Entry { key, origin, .. }) = configuration.entries.iter().find(other) {
            let what = format!("`{key}` does nothing while high availability is off");
            findings.warning(
                origin,
                key,
                what,
                format!("add `{}: zookeeper`, or leave it out", name(configuration, AVAILABILITY)),
            );
        }
        return;
    };
    let Entry { key, value, origin, .. } = kind;
    if !is(kind, &["zookeeper", "kubernetes"]) && !value.contains('.') {
        let what = format!("`{key}` cannot be `{value}`: Flink takes it for the name of a class");
        findings.error(origin, key, what, "write zookeeper, kubernetes or none");
    }
    let mut needs = |needed: &str, example: &str| {
        if configuration.setting(needed).is_none() {
            let what = format!("high availability with {value} needs `{needed}`: no job manager would start");
            findings.error(origin, key, what, format!("add `{needed}: {example}`"));
        }
    };
    if is(kind, &["zookeeper", "kubernetes"]) {
        needs("high-availability.storageDir", "hdfs:///flink/ha");
    }
    if is(kind, &["zookeeper"]) {
        needs("high-availability.zookeeper.quorum", "host1:2181,host2:2181,host3:2181");
    }
    let shared = configuration.setting("high-availability.cluster-id");
    if let Some(Entry { key, origin, .. }) = shared.filter(|_| configuration.target.deployment == Deployment::Yarn) {
        let what = format!("`{key}` is the same for every application of this file: two would take each other's jobs");
        findings.warning(origin, key, what, "leave it out: on YARN it is the application's own id");
    }
}

/// On YARN the second attempt finds the job only where high availability keeps it.
fn attempts(configuration: &Configuration, findings: &mut Findings) {
    let Some(Entry { key, value, origin, .. }) = configuration.setting("yarn.application-attempts") else { return };
    let available = availability(configuration).is_some_and(|entry| !is(entry, &["none"]));
    match value.parse::<i64>() {
        Ok(2..) if !available => {
            let what =
                format!("`{key}` is {value} without high availability: a second attempt starts the job from scratch");
            findings.warning(
                origin,
                key,
                what,
                format!("write 1, or set `{}: zookeeper`", name(configuration, AVAILABILITY)),
            );
        }
        Ok(1) if available => {
            let what = format!("`{key}` is 1: high availability has no second attempt to recover in");
            findings.warning(origin, key, what, "write 2 or more");
        }
        _ => {}
    }
}

fn checkpoints(configuration: &Configuration, findings: &mut Findings) {
    let folder = configuration.any(CHECKPOINTS);
    let storage = configuration.any(&["execution.checkpointing.storage", "state.checkpoint-storage"]);
    if let Some(entry) = storage.filter(|entry| is(entry, &["filesystem"]) && folder.is_none()) {
        let what = "checkpoints go to a file system, and none is named: no job would start";
        findings.error(
            &entry.origin,
            &entry.key,
            what,
            format!("add `{}: hdfs:///flink/checkpoints`", name(configuration, CHECKPOINTS)),
        );
    }
    if let (Some(entry), Some(folder)) = (storage.filter(|entry| is(entry, &["jobmanager"])), folder) {
        let what =
            format!("checkpoints stay in the job manager's heap, so `{}` gets their description only", folder.key);
        findings.warning(&entry.origin, &entry.key, what, "write filesystem, or leave it out");
    }
    let Some(Entry { key, value, origin, .. }) = configuration.setting("execution.checkpointing.interval") else {
        return;
    };
    if folder.is_none() && storage.is_none() {
        let what = "checkpoints are taken, and kept in the job manager's heap: they are lost with it";
        findings.warning(
            origin,
            key,
            what,
            format!("add `{}: hdfs:///flink/checkpoints`", name(configuration, CHECKPOINTS)),
        );
    }
    let kept = "execution.checkpointing.externalized-checkpoint-retention";
    if folder.is_some() && configuration.setting(kept).is_none() {
        let what = "the last checkpoint is removed when a job is cancelled or fails for good";
        findings.note(origin, key, what, format!("add `{kept}: RETAIN_ON_CANCELLATION` if jobs restart from it"));
    }
    if value::nanoseconds(value, configuration.target.version).is_some_and(|time| time < 10_000_000) {
        findings.error(origin, key, format!("`{key}` cannot be {value}"), "write 10 ms or more");
    }
}

fn state_backend(configuration: &Configuration, findings: &mut Findings) {
    let Some(entry) = configuration.any(&["state.backend.type", "state.backend"]) else { return };
    let Entry { key, value, origin, .. } = entry;
    let second = configuration.target.version.line() >= (2, 0);
    if is(entry, &["jobmanager", "filesystem"]) {
        match second {
            true => findings.error(origin, key, format!("`{key}` cannot be `{value}` from 2.0 on"), "write hashmap"),
            false => {
                findings.note(origin, key, format!("`{value}` is an old name of a state backend"), "write hashmap")
            }
        }
        return;
    }
    let known: &[&str] = if second { &["hashmap", "rocksdb", "forst"] } else { &["hashmap", "rocksdb"] };
    if !is(entry, known) && !value.contains('.') {
        let what = format!("`{key}` cannot be `{value}`: Flink takes it for the name of a class");
        findings.error(origin, key, what, format!("write {}", known.join(" or ")));
    }
}

/// Strategies with the names that Flink takes for each.
const STRATEGIES: [(&str, &[&str]); 4] = [
    ("none", &["none", "off", "disable"]),
    ("fixed-delay", &["fixed-delay", "fixeddelay"]),
    ("failure-rate", &["failure-rate", "failurerate"]),
    ("exponential-delay", &["exponential-delay", "exponentialdelay"]),
];

fn restart_strategy(configuration: &Configuration, findings: &mut Findings) {
    let kind = configuration.any(STRATEGY);
    let chosen = kind.map(|entry| STRATEGIES.iter().find(|(_, names)| is(entry, names)).map(|(name, _)| *name));
    if let (Some(Entry { key, value, origin, .. }), Some(None)) = (kind, chosen) {
        let what = format!("`{key}` cannot be `{value}`: no job would start");
        findings.error(origin, key, what, "write fixed-delay, failure-rate, exponential-delay or none");
        return;
    }
    let of = |key: &str| {
        key.strip_prefix("restart-strategy.").and_then(|rest| rest.split_once('.')).map(|(name, _)| name.to_owned())
    };
    for Entry { key, origin, .. } in &configuration.entries {
        let Some(strategy) = of(key).filter(|name| STRATEGIES.iter().any(|(known, _)| known == name)) else { continue };
        match chosen.flatten() {
            Some(chosen) if chosen == strategy => {}
            Some(chosen) => {
                let what = format!("`{key}` does nothing: the strategy is {chosen}");
                findings.warning(
                    origin,
                    key,
                    what,
                    format!("write `{}: {strategy}`, or leave it out", name(configuration, STRATEGY)),
                );
            }
            None => {
                let what = format!("`{key}` does nothing while no strategy is chosen");
                findings.warning(origin, key, what, format!("add `{}: {strategy}`", name(configuration, STRATEGY)));
            }
        }
    }
}

/// Reporters that are named and not built, or set up and not named.
fn reporters(configuration: &Configuration, findings: &mut Findings) {
    let of = |key: &str| Some(key.strip_prefix("metrics.reporter.")?.split_once('.')?.0.to_owned());
    let set: BTreeSet<String> = configuration.entries.iter().filter_map(|entry| of(&entry.key)).collect();
    let built = |name: &str, how: &str| configuration.entry(&format!("metrics.reporter.{name}.{how}")).is_some();
    let listed = configuration.setting("metrics.reporters");
    let names: Option<BTreeSet<&str>> = listed.map(|entry| entry.value.split(',').map(str::trim).collect());
    if let (Some(Entry { key, origin, .. }), Some(names)) = (listed, &names) {
        for name in names.iter().filter(|name| !built(name, "factory.class") && !built(name, "class")) {
            let what = format!("`{key}` names `{name}`, which has no factory: it reports nothing");
            findings.warning(origin, key, what, format!("add `metrics.reporter.{name}.factory.class`"));
        }
    }
    for name in set.iter().filter(|name| names.as_ref().is_some_and(|names| !names.contains(name.as_str()))) {
        let first = configuration.entries.iter().find(|entry| of(&entry.key).as_ref() == Some(name));
        if let Some(Entry { key, origin, .. }) = first {
            let what = format!("`{name}` is not among `metrics.reporters`: it reports nothing");
            findings.warning(
                origin,
                key,
                what,
                format!("add it to `metrics.reporters`, or leave `metrics.reporter.{name}.*` out"),
            );
        }
    }
}

/// Jobs are archived in one place and looked for in another.
fn archives(configuration: &Configuration, findings: &mut Findings) {
    let [written, read] =
        ["jobmanager.archive.fs.dir", "historyserver.archive.fs.dir"].map(|key| configuration.setting(key));
    let (Some(written), Some(read)) = (written, read) else { return };
    let bare = |text: &str| text.trim().trim_end_matches('/').to_owned();
    if !read.value.split(',').any(|folder| bare(folder) == bare(&written.value)) {
        let what = format!("the history server does not look where job managers archive: `{}`", written.value);
        findings.warning(
            &read.origin,
            &read.key,
            what,
            format!("write the same as in `{}`, {}", written.key, written.origin),
        );
    }
}

/// YARN caches what lies in HDFS.
fn provided_libraries(configuration: &Configuration, findings: &mut Findings) {
    let Some(Entry { key, value, origin, .. }) = configuration.setting("yarn.provided.lib.dirs") else { return };
    if value.split(';').any(|folder| folder.trim().starts_with("file:")) {
        let what = format!("`{key}` cannot be a folder of this machine: Flink refuses to submit");
        findings.error(origin, key, what, "write folders of HDFS, with `;` between them");
    }
}
