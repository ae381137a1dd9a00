//! The manager's own file, `/etc/pnda/applications.toml`: where the cluster is, and where people reach the manager.
//! Every mistake is told at once, with its line.
//! Not here: applications; those are in the journal.

use super::access::Rules;
use super::entrances::{Entrances, entrances};
use crate::config_file::{self, Error};
use apps::client::Client;
use apps::housekeeping::Rules as Cleaning;
use apps::manager::Callbacks;
use apps::manager::Calls;
use apps::package::mirror::Mirror;
use apps::site::{Release, Site};
use apps::submit::Cluster;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use systems::hook::Hook;
use words::document::{self, Table};
use words::flink::Version;
use words::location::Location;
use words::names::{NodePath, Word};
use words::node::Keys;
use words::problem::{Problems, Source};

/// Seconds between two looks unless told otherwise.
const INTERVAL: u64 = 5;
/// How often in a minute somebody is called at most, unless told otherwise.
const CALLS: u64 = 30;
/// Ten years, in seconds.
const MOST_AGE: u64 = 3660 * 86_400;

/// The whole file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The socket on which the manager answers.
    pub socket: PathBuf,
    /// Where it answers besides, and how much one caller may ask.
    pub entrances: Entrances,
    /// Who may do what.
    pub rules: Rules,
    /// From one look to the next.
    pub interval: Duration,
    /// Who is called when an alarm begins or ends.
    pub calls: Option<Calls>,
    /// How often the manager tests itself.
    pub tests: Option<Duration>,
    /// What housekeeping goes by.
    pub cleaning: Cleaning,
    /// The cluster.
    pub site: Site,
}

/// Reads and checks the file.
pub fn read(file: &Path) -> Result<Config, Error> {
    config_file::read("the manager's configuration", file, config)
}

/// Checks a text.
pub fn parse(source: Source<'_>) -> Result<Config, Problems> {
    document::read(source, config)
}

fn config(table: &mut Table<'_>) -> Option<Config> {
    let cluster = cluster(table);
    let socket = table.parsed("socket", "/var/lib/pnda/applications/socket", NodePath::new);
    let folder = table.parsed("folder", "/var/lib/pnda/applications", NodePath::new);
    let interval = table.number("interval_seconds", 1..=3600).unwrap_or(INTERVAL);
    let user = table.parsed("user", "pnda", Word::new);
    let admins = table.parsed("admins", "pnda-admins", Word::new);
    let deployers = table.optional_parsed("deployers", "developers", Word::new);
    let creators = table.optional_parsed("creators", "developers", Word::new);
    let proxies = table.optional_parsed("proxies", "pnda-proxies", Word::new);
    let entrances = entrances(table);
    let resource_managers = addresses(table.required_list("resource_managers", "http://manager:8088"));
    let name_nodes = addresses(table.required_list("name_nodes", "http://manager:9870"));
    let hdfs_folder = table.parsed("hdfs_folder", "/pnda/system/deployment-manager", NodePath::new);
    let queue_map = table.optional_parsed("queue_map", "/opt/pnda/rm-wrapper/policies/map.txt", NodePath::new);
    let mirror = mirror(table);
    let graphite = table.optional_parsed("graphite", "http://graphite:8080", graphite);
    let flink_home = table.parsed("flink_home", "/opt/pnda/flink", NodePath::new);
    let flinks: Option<BTreeMap<Version, Release>> = table.tables("release", release).into_iter().collect();
    let client = table.table("client", client).flatten();
    let callbacks = table.table("callbacks", callbacks).unwrap_or_default();
    let environment = environment(table);
    let defaults = table.optional_parsed("defaults", "/etc/pnda/application-defaults.toml", NodePath::new);
    let secrets = table.optional_parsed("secrets", "/etc/pnda/application-secrets", NodePath::new);
    let calls = table.table("alarms", calls).flatten();
    let tests = table.number("selftest_seconds", 600..=604_800).map(Duration::from_secs);
    let cleaning = table.table("clean", cleaning).flatten().unwrap_or_default();
    let (user, admins) = (user?, admins?);
    let rules = Rules { admins: admins.clone(), service: user.clone(), deployers, creators, proxies };
    let site = Site {
        cluster: cluster?,
        user,
        admins,
        resource_managers,
        name_nodes,
        folder: folder?.as_str().into(),
        hdfs_folder: hdfs_folder?.to_string(),
        flinks: flinks?,
        flink_home: flink_home?.as_str().into(),
        queue_map: queue_map.map(|map| map.as_str().into()),
        mirror,
        graphite,
        oozie: table.optional_parsed("oozie", "http://edge:11000", address),
        callbacks,
        client,
        defaults: defaults.map(|file| file.as_str().into()),
        secrets: secrets.map(|folder| folder.as_str().into()),
        environment,
    };
    Some(Config {
        socket: socket?.as_str().into(),
        entrances,
        rules,
        interval: Duration::from_secs(interval),
        calls,
        tests,
        cleaning,
        site,
    })
}

/// What submissions depend on.
fn cluster(table: &mut Table<'_>) -> Option<Cluster> {
    let name = table.parsed("cluster", "pico", Word::new);
    let filesystem = table.parsed("filesystem", "hdfs://manager:8020", filesystem);
    let inside = |text: String| inside(filesystem.as_deref().unwrap_or_default(), &text);
    let checkpoints = table.parsed("checkpoints", "hdfs://manager:8020/pnda/flink/checkpoints", inside);
    let savepoints = table.parsed("savepoints", "hdfs://manager:8020/pnda/flink/savepoints", inside);
    let archive = table.parsed("archive", "hdfs://manager:8020/pnda/flink/completed-jobs", inside);
    let logs = table.parsed("logs", "/app-logs", NodePath::new);
    let attempts = table.number("attempts", 1..=100).unwrap_or(1);
    let class_path = addresses(table.required_list("class_path", "/etc/hadoop/conf"));
    Some(Cluster {
        name: name?,
        filesystem: filesystem.clone()?,
        class_path,
        checkpoints: checkpoints?,
        savepoints: savepoints?,
        archive: archive?,
        logs: logs?.to_string(),
        attempts: attempts as u32,
    })
}

fn addresses(list: Vec<document::Text>) -> Vec<String> {
    list.into_iter().map(|text| text.text).collect()
}

/// A program or an address, not both.
fn calls(table: &mut Table<'_>) -> Option<Calls> {
    let program = table.optional_parsed("program", "/usr/local/bin/page-somebody", NodePath::new);
    let address = table.optional_parsed("address_file", "/etc/pnda/applications/alarms-address", NodePath::new);
    let most = table.number("most_a_minute", 1..=1000).unwrap_or(CALLS);
    let hook = match (program, address) {
        (Some(program), _) => Hook::Program(program.as_str().into()),
        (None, file) => Hook::Address(file?.as_str().into()),
    };
    Some(Calls { hook, most: most as usize })
}

/// How old, and how much, becomes what nobody needs; what is not said is as usual.
fn cleaning(table: &mut Table<'_>) -> Option<Cleaning> {
    let usual = Cleaning::default();
    let mut age =
        |name: &'static str, usual: u64| table.number(name, 3600..=MOST_AGE).map_or(usual, |seconds| seconds * 1000);
    let checkpoints_ms = age("checkpoints_seconds", usual.checkpoints_ms);
    let archives_ms = age("archives_seconds", usual.archives_ms);
    let distributions_ms = age("distributions_seconds", usual.distributions_ms);
    let temporary_ms = age("temporary_seconds", usual.temporary_ms);
    let packages_ms = age("packages_seconds", usual.packages_ms);
    let most_packages = table.number("most_packages", 1..=1000).map_or(usual.most_packages, |most| most as usize);
    let most_archives = table.number("most_archives", 0..=1_000_000).map_or(usual.most_archives, |most| most as usize);
    let every = table.number("every_seconds", 600..=2_678_400).map(Duration::from_secs);
    let ages = Cleaning { checkpoints_ms, archives_ms, distributions_ms, temporary_ms, packages_ms, ..usual };
    Some(Cleaning { most_archives, most_packages, every, ..ages })
}

/// Where PNDA's data logger takes changes of state.
fn callbacks(table: &mut Table<'_>) -> Callbacks {
    Callbacks {
        packages: table.optional_parsed("packages", "http://console:3001/packages", address),
        applications: table.optional_parsed("applications", "http://console:3001/applications", address),
    }
}

/// An address of HTTP.
fn address(text: String) -> Result<String, String> {
    Location::parse(&text).map(|_| text).map_err(|error| error.to_string())
}

/// Flink's own client, where the manager may start it.
fn client(table: &mut Table<'_>) -> Option<Client> {
    let java = table.parsed("java", "/usr/lib/jvm/java-17/bin/java", NodePath::new);
    let java_options = table.list("java_options").into_iter().map(|text| text.text).collect();
    let hadoop_conf = table.parsed("hadoop_conf", "/etc/hadoop/conf", NodePath::new);
    Some(Client { java: java?.as_str().into(), java_options, hadoop_conf: hadoop_conf?.as_str().into() })
}

/// The mirror, which is believed by its keys alone.
fn mirror(table: &mut Table<'_>) -> Option<Mirror> {
    let location = table.optional_parsed("mirror", "http://mirror:8080", |text| Location::parse(&text));
    let keys = table.optional_parsed("mirror_keys", "RWQ… RWQ…", Keys::try_from);
    location.zip(keys).map(|(location, keys)| Mirror { location, keys })
}

/// What packages may refer to, as texts.
fn environment(table: &mut Table<'_>) -> BTreeMap<String, String> {
    table.settings("environment").into_iter().map(|(name, (raw, _))| (name, raw.to_string())).collect()
}

fn release(table: &mut Table<'_>) -> Option<(Version, Release)> {
    let version = table.parsed("version", "1.20.5", |text| text.parse::<Version>());
    let configuration = table.parsed("configuration", "/etc/pnda/flink/1.20.5/config.yaml", NodePath::new);
    let log = table.parsed("log", "/etc/pnda/flink/1.20.5/log4j.properties", NodePath::new);
    let staged = table.parsed("staged", "/pnda/flink/1.20.5", NodePath::new);
    let release = Release {
        configuration: configuration?.as_str().into(),
        log: log?.as_str().into(),
        staged: staged?.to_string(),
    };
    Some((version?, release))
}

/// Where Graphite answers people.
fn graphite(text: String) -> Result<String, String> {
    systems::graphite_render::Render::new(&text).map(|_| text).map_err(|error| error.to_string())
}

/// The address of HDFS, without a folder.
fn filesystem(text: String) -> Result<String, String> {
    let plain =
        text.strip_prefix("hdfs://").is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@']));
    if plain { Ok(text) } else { Err(format!("`{text}` is not an address of HDFS without a folder")) }
}

/// A folder of that HDFS: what jobs keep must be found there again.
fn inside(filesystem: &str, url: &str) -> Result<String, String> {
    let path = url.strip_prefix(filesystem).unwrap_or(url);
    NodePath::new(path).map(String::from).map_err(|_| format!("`{url}` is not a folder of {filesystem}"))
}
