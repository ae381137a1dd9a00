//! Facts: what templates print that is more than one setting, computed from the settings named beside each.
//! A fact sees no other setting than those it names, so a file's inputs are known.
//! Not here: how a template prints them.

use super::flink;
use super::resolve::Settings;
use super::setting::{Value as Setting, milliseconds};
use std::collections::BTreeMap;
use tera::Value;
use words::digest::Sha256;
use words::flink::Version;
use words::generation::Generation;
use words::names::SafePath;
use words::problem::Problems;

/// What facts are computed from.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The node's settings.
    pub(super) settings: &'a Settings,
    /// The folder that stands for `/`; empty for `/` itself.
    pub(super) root: &'a str,
    /// What the mirror holds; none where nobody asks whether it does.
    pub(super) generation: Option<&'a Generation>,
}

/// One fact: its name below `facts`, the settings it is made of, and how.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) uses: &'static [&'static str],
    compute: fn(&Seen<'_>) -> Option<Value>,
}

/// Every fact; one that cannot be computed from a node's settings is none there.
pub(super) const FACTS: [Fact; 11] = [
    Fact { name: "agent_interval_seconds", uses: &["agent.interval"], compute: agent_interval },
    Fact { name: "flink", uses: flink::USES, compute: flink_by_version },
    Fact {
        name: "flink_java_options",
        uses: &["flink.version"],
        compute: |seen| seen.text("flink.version").map(|_| flink::JAVA_OPTIONS.join(" ").into()),
    },
    Fact {
        name: "flink_versions",
        uses: &["flink.also", "flink.version"],
        compute: |seen| {
            let versions = flink::versions(seen).into_iter();
            seen.text("flink.version").map(|_| versions.map(|version| version.to_string()).collect::<Vec<_>>().into())
        },
    },
    Fact {
        name: "history_server_authority",
        uses: &["flink.history_server.tls_authority"],
        compute: |seen| seen.text("flink.history_server.tls_authority").map(Value::from),
    },
    Fact { name: "history_server_gate", uses: HISTORY_SERVER, compute: history_server_gate },
    Fact { name: "history_server_url", uses: HISTORY_SERVER, compute: history_server_url },
    Fact { name: "java_home", uses: &["java.home"], compute: |seen| Some(flink::java_home(seen).into()) },
    Fact { name: "log_sources", uses: &["log.clients", "log.containers", "log.flink"], compute: log_sources },
    Fact { name: "log_tags", uses: &[], compute: |_| Some(LOG_TAGS.to_vec().into()) },
    Fact { name: "log_units", uses: &[], compute: |_| Some(LOG_UNITS.to_vec().into()) },
];

const HISTORY_SERVER: &[&str] = &[
    "flink.history_server.address",
    "flink.history_server.name",
    "flink.history_server.port",
    "flink.history_server.tls_keystore",
];

/// The settings that one fact may see.
pub(super) struct Seen<'a> {
    known: Known<'a>,
    uses: &'static [&'static str],
}

impl Seen<'_> {
    fn value(&self, name: &str) -> Option<&Setting> {
        self.uses.contains(&name).then(|| self.known.settings.get(name)).flatten().map(|resolved| &resolved.value)
    }

    /// A text setting, if the node has it and it is set.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value(name)?.text()
    }

    /// A setting as text, if the node has it and it is set.
    pub(super) fn printed(&self, name: &str) -> Option<String> {
        self.value(name).filter(|value| **value != Setting::Unset).map(Setting::to_string)
    }

    /// A path of the node under its root.
    pub(super) fn at(&self, path: &str) -> String {
        at(self.known.root, path)
    }

    /// The digest of a file of the mirror; that of nothing where the mirror is not known or does not hold it, which is told
    /// where the file is placed.
    pub(super) fn digest(&self, file: String) -> Sha256 {
        let listed = SafePath::new(file).ok().and_then(|path| self.known.generation?.files.get(&path).copied());
        listed.map_or_else(|| Sha256::of(b""), |listed| listed.sha256)
    }
}

/// A path of the node under the folder that stands for `/`; empty for `/` itself.
pub(super) fn at(root: &str, path: &str) -> String {
    format!("{root}{path}")
}

/// All facts of a node.
pub(super) fn compute(known: Known<'_>) -> BTreeMap<&'static str, Value> {
    let value = |fact: &Fact| (fact.compute)(&Seen { known, uses: fact.uses }).unwrap_or_else(|| ().into());
    FACTS.iter().map(|fact| (fact.name, value(fact))).collect()
}

/// What Flink would refuse of a node's configuration, at the settings that say so.
pub(super) fn check(known: Known<'_>, problems: &mut Problems) {
    for (setting, what, remedy) in flink::refused(&Seen { known, uses: flink::USES }) {
        known.settings.get(setting).into_iter().for_each(|found| problems.add(found.origin.problem(&*what, &*remedy)));
    }
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    let set = pairs.into_iter().filter(|(_, value)| !value.is_none());
    set.map(|(key, value)| (key.to_owned(), value)).collect::<BTreeMap<String, Value>>().into()
}

/// By version: the name of its configuration file, the lines of clients and of the history server in it, and the name of
/// its folder in HDFS.
fn flink_by_version(seen: &Seen<'_>) -> Option<Value> {
    seen.text("flink.version")?;
    let of = |version: Version| {
        let file = version.configuration_file();
        let line = |(key, value): &flink::Pair| map([("key", (*key).into()), ("value", file.quote(value).into())]);
        let lines = |pairs: Vec<flink::Pair>| Value::from(pairs.iter().map(line).collect::<Vec<_>>());
        let client = lines(flink::configuration(seen, version));
        let history_server = lines(flink::history_server(seen, version));
        let staged = flink::staged(seen, version).into();
        map([("file", file.name().into()), ("client", client), ("history_server", history_server), ("staged", staged)])
    };
    let versions = flink::versions(seen).into_iter().map(|version| (version.to_string(), of(version)));
    Some(versions.collect::<BTreeMap<String, Value>>().into())
}

/// Where the history server is asked on its own node: by loopback where it listens on all addresses.
fn history_server_gate(seen: &Seen<'_>) -> Option<Value> {
    let port = seen.printed("flink.history_server.port")?;
    let host = match seen.text("flink.history_server.address")? {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        address => bracketed(address),
    };
    // Its certificate is not for loopback: that it listens must do.
    Some(match seen.text("flink.history_server.tls_keystore") {
        Some(_) => format!("tcp://{host}:{port}").into(),
        None => format!("http://{host}:{port}/config").into(),
    })
}

/// Where the agent asks it: from the same node, over TLS by the name in its certificate.
fn history_server_url(seen: &Seen<'_>) -> Option<Value> {
    if seen.text("flink.history_server.tls_keystore").is_none() {
        let gate = history_server_gate(seen)?;
        return gate.as_str()?.strip_suffix("/config").map(Value::from);
    }
    let (name, port) = (seen.text("flink.history_server.name")?, seen.printed("flink.history_server.port")?);
    Some(format!("https://{}:{port}", bracketed(name)).into())
}

/// A host as it stands in an address.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn agent_interval(seen: &Seen<'_>) -> Option<Value> {
    // A round cannot be shorter than the second that the agent counts in.
    milliseconds(seen.text("agent.interval")?).map(|ms| ms.div_ceil(1000).into())
}

/// What YARN and Flink write into a container's folder, as PNDA ships it. Its list names four files that end with
/// `.log`; all of them are read, so `flink.log`, which it forgot, and what Python workers write.
const CONTAINER_FILES: [&str; 8] =
    ["*.log", "stdout", "stderr", "syslog", "taskmanager.out", "taskmanager.err", "jobmanager.out", "jobmanager.err"];

/// Folders in which services log that run no code of others: the tag of each, which is the folder's name. What YARN's
/// own user writes is not among them, for containers run as that user.
const SERVICES: [&str; 2] = ["hadoop-hdfs", "kafka"];

/// The tags of all sources: what a log server takes besides units.
const LOG_TAGS: [&str; 5] = ["flink", "yarn", "hadoop-yarn", SERVICES[0], SERVICES[1]];

/// What the names of units begin with whose journal is shipped.
const LOG_UNITS: [&str; 7] = ["flink-", "hdfs-", "yarn-", "kafka", "zookeeper", "pnda-agent", "platform_app"];

/// What a shipper reads: the name and the tag of each source, its globs, and which reader has it, that of `jobs` or that
/// of `services`; the readers' and the shippers' configurations and the plain list of paths are printed from this one list.
fn log_sources(seen: &Seen<'_>) -> Option<Value> {
    let containers = seen.at(seen.text("log.containers")?);
    let clients = seen.at(seen.text("log.clients")?);
    let of_folder = |folder: &str| vec![format!("{}/*.log", seen.at(folder))];
    let source = |name: &str, tag: &str, reader: &str, paths: Vec<String>| {
        // Containers come and go within seconds; services do not.
        let discover = if name == "yarn" { Value::from(5) } else { ().into() };
        let named = [("name", name), ("tag", tag), ("reader", reader)].map(|(key, text)| (key, text.into()));
        map([
            named[0].clone(),
            named[1].clone(),
            named[2].clone(),
            ("paths", paths.into()),
            ("discover_interval", discover),
        ])
    };
    let yarn = CONTAINER_FILES.map(|file| format!("{containers}/application_*/container_*/{file}"));
    let mut sources = vec![
        source("flink", "flink", "services", of_folder(seen.text("log.flink")?)),
        source("flink-clients", "flink", "jobs", vec![format!("{clients}/*/*.log")]),
        source("yarn", "yarn", "jobs", yarn.into()),
        source("hadoop-yarn", "hadoop-yarn", "jobs", of_folder("/var/log/pnda/hadoop-yarn")),
    ];
    let services = SERVICES.map(|tag| source(tag, tag, "services", of_folder(&format!("/var/log/pnda/{tag}"))));
    sources.extend(services);
    Some(sources.into())
}
