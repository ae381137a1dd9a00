//! The agent's own file, `/etc/pnda/agent.toml`: who it is, what it looks at, whom it tells.
//! A section that is absent switches its part off; every mistake is told at once, with its line.
//! Not here: what the node should hold; that is the installation's document.

use super::config_file::{self, Error};
use super::coordinators::Watched;
use super::managers::Managers;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use systems::graphite::Address;
use url::Url;
use words::document::{self, Table};
use words::names::{Host, NodePath, Word};
use words::node::SiteHadoop;
use words::problem::{Problems, Source};

/// Where it lies on a node.
pub const FILE: &str = "/etc/pnda/agent.toml";
/// Where the agent listens unless told otherwise: on this machine alone.
const LISTEN: &str = "127.0.0.1:8084";
/// Seconds between two looks unless told otherwise.
const INTERVAL: u64 = 10;

/// Seconds before its end within which a coordinator is told unless told otherwise.
const ENDING: u64 = 86_400;

/// The node among the others; on everything the agent tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The cluster's name.
    pub cluster: Word,
    /// The node's name in it.
    pub node: Word,
}

/// The whole file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Which node this is.
    pub place: Place,
    /// Where the agent's own pages are.
    pub listen: SocketAddr,
    /// A further name by which they may be asked while they are on loopback.
    pub host: Option<Host>,
    /// From one look to the next.
    pub interval: Duration,
    /// The history server of this node, if it has one.
    pub history_server: Option<Url>,
    /// The certificates that the history server's must come from; none: those of the machine.
    pub authority: Option<PathBuf>,
    /// The socket of this node's manager of applications, if it has one.
    pub applications: Option<PathBuf>,
    /// Where the node that manages applications says how they are, if this one tells it with the history server's health.
    pub managers: Option<Managers>,
    /// The Oozie of this node, if it has one.
    pub oozie: Option<Watched>,
    /// The Hadoop that the site brought, if this node uses one.
    pub hadoop: Option<SiteHadoop>,
    /// Where numbers go.
    pub graphite: Option<Address>,
    /// The console's data logger.
    pub console: Option<Url>,
}

/// Reads and checks the file.
pub fn read(file: &Path) -> Result<Config, Error> {
    config_file::read("the agent's configuration", file, config)
}

/// Checks a text.
pub fn parse(source: Source<'_>) -> Result<Config, Problems> {
    document::read(source, config)
}

fn config(table: &mut Table<'_>) -> Option<Config> {
    let cluster = table.parsed("cluster", "pico", Word::new);
    let node = table.parsed("node", "manager", Word::new);
    let listen = match table.optional("listen") {
        Some(text) => table.check(&text, LISTEN, socket),
        None => Some(LISTEN.parse().expect("the default address is one")),
    };
    let host = table.optional_parsed("host", "manager", Host::new);
    let seconds = table.number("interval_seconds", 1..=3600).unwrap_or(INTERVAL);
    let history_server = table.table("history_server", history_server).flatten();
    let (history_server, authority) = history_server.unzip();
    let graphite = section(table, "graphite", "address", "manager:2003", Address::try_from);
    let console = section(table, "console", "url", "http://console:3001/metrics", web);
    let hadoop = table.table("hadoop", site_hadoop).flatten();
    let oozie = table.table("oozie", oozie).flatten();
    let socket = "/var/lib/pnda/applications/socket";
    let applications = section(table, "applications", "socket", socket, NodePath::new);
    let managers = table.table("managers", managers).flatten();
    let place = Place { cluster: cluster?, node: node? };
    let interval = Duration::from_secs(seconds);
    Some(Config {
        place,
        listen: listen?,
        host,
        interval,
        history_server,
        authority: authority.flatten(),
        applications: applications.map(|socket| socket.as_str().into()),
        managers,
        oozie,
        hadoop,
        graphite,
        console,
    })
}

fn history_server(table: &mut Table<'_>) -> Option<(Url, Option<PathBuf>)> {
    let url = table.parsed("url", "http://127.0.0.1:8082", web);
    let authority = table.optional("authority").map(|text| PathBuf::from(text.text));
    Some((url?, authority))
}

fn managers(table: &mut Table<'_>) -> Option<Managers> {
    let name_nodes =
        table.required_list("name_nodes", "http://manager:9870").into_iter().map(|text| text.text).collect();
    let user = table.parsed("user", "pnda", Word::new);
    let file = table.parsed("file", "/pnda/system/deployment-manager/manager", NodePath::new);
    Some(Managers { name_nodes, user: user?, file: file?.as_str().to_owned() })
}

fn oozie(table: &mut Table<'_>) -> Option<Watched> {
    let url = table.parsed("url", "http://127.0.0.1:11000", web);
    let ending_seconds = table.number("ending_seconds", 1..=31_536_000).unwrap_or(ENDING);
    Some(Watched { url: url?, ending_seconds })
}

fn site_hadoop(table: &mut Table<'_>) -> Option<SiteHadoop> {
    let conf = table.parsed("conf", "/etc/hadoop/conf", NodePath::new);
    let command = table.parsed("command", "/usr/bin/hadoop", NodePath::new);
    let class_path = table.optional("class_path").map(|text| text.text);
    Some(SiteHadoop { conf: conf?, command: command?, class_path })
}

/// A section of one key; absent, it is no mistake.
fn section<T, E: Display>(
    table: &mut Table<'_>,
    name: &'static str,
    key: &'static str,
    example: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Option<T> {
    table.table(name, |inner| inner.parsed(key, example, parse))?
}

fn socket(text: String) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an IP address with a port"))
}

/// A plain web address. What it must not hold would be lost when a path is added, or be seen in a log.
fn web(text: String) -> Result<Url, String> {
    let url = Url::parse(&text).map_err(|error| format!("this is not a web address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is not a web address: it begins with neither http:// nor https://", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("this web address holds a user name or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("this web address holds a `?` or `#`".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let problems = parse(Source { file: "agent.toml", text }).unwrap_err();
        assert_eq!(problems.to_string(), expected);
    }

    #[test]
    fn a_full_file_is_read() {
        let text = "cluster = \"pico\"\nnode = \"manager\"\nlisten = \"0.0.0.0:9000\"\ninterval_seconds = 30\n\
                    [history_server]\nurl = \"http://127.0.0.1:8082\"\n[graphite]\naddress = \"manager:2003\"\n\
                    [console]\nurl = \"http://console:3001/metrics\"\n";
        let config = parse(Source { file: "agent.toml", text }).unwrap();
        assert_eq!(config.listen.to_string(), "0.0.0.0:9000");
        assert_eq!(config.interval, Duration::from_secs(30));
        assert_eq!(config.history_server.unwrap().as_str(), "http://127.0.0.1:8082/");
        assert_eq!(config.graphite.unwrap().to_string(), "manager:2003");
        assert_eq!(config.console.unwrap().as_str(), "http://console:3001/metrics");
        let text = "cluster = \"pico\"\nnode = \"manager\"\n[managers]\nname_nodes = [\"http://manager:9870\"]\n\
                    user = \"pnda\"\nfile = \"/pnda/system/deployment-manager/manager\"\n";
        let managers = parse(Source { file: "agent.toml", text }).unwrap().managers.unwrap();
        assert_eq!(
            (managers.name_nodes.as_slice(), managers.user.as_str()),
            (&["http://manager:9870".to_owned()][..], "pnda")
        );
    }

    #[test]
    fn only_a_plain_file_of_text_is_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.toml");
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let told = |file: &Path| match read(file).unwrap_err() {
            Error::Read { source, .. } => source.to_string(),
            Error::Mistakes { problems, .. } => problems.to_string(),
        };
        assert_eq!(told(&file), "it is not a regular file");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, " ".repeat(config_file::LONGEST as usize + 1)).unwrap();
        assert_eq!(told(&file), "it is longer than 1048576 bytes");
        std::fs::write(&file, b"\xff").unwrap();
        assert_eq!(told(&file), "it is not UTF-8 text");
        std::fs::write(&file, "cluster = \"pico\"\nnode = \"edge\"\n").unwrap();
        assert!(read(&file).is_ok());
    }

    #[test]
    fn what_is_absent_is_off_and_the_agent_stays_on_loopback() {
        let config = parse(Source { file: "agent.toml", text: "cluster = \"pico\"\nnode = \"edge\"\n" }).unwrap();
        assert_eq!(config.listen.to_string(), LISTEN);
        assert!(config.history_server.is_none() && config.graphite.is_none() && config.console.is_none());
    }

    #[test]
    fn every_mistake_is_told_at_once_with_line_and_remedy() {
        check(
            "cluster = \"pi co\"\nlisten = \"localhost\"\ninterval_seconds = 0\n[grafite]\n\
             [history_server]\nurl = \"ftp://x\"\nurll = 1\n[console]\n",
            "agent.toml: this file has no `node`\n    add a line like node = \"manager\"\n\
             agent.toml:1: `pi co` cannot be used as a name: only letters, digits and . _ + - are allowed\n    \
             for example: pico\n\
             agent.toml:2: `localhost` is not an IP address with a port\n    for example: 127.0.0.1:8084\n\
             agent.toml:3: `interval_seconds` is 0\n    write a whole number from 1 to 3600\n\
             agent.toml:4: this file has an unknown key `grafite`\n    did you mean `graphite`?\n\
             agent.toml:6: `ftp` is not a web address: it begins with neither http:// nor https://\n    \
             for example: http://127.0.0.1:8082\n\
             agent.toml:7: [history_server] has an unknown key `urll`\n    did you mean `url`?\n\
             agent.toml:8: [console] has no `url`\n    add a line like url = \"http://console:3001/metrics\"",
        );
    }

    #[test]
    fn addresses_with_secrets_are_refused_without_repeating_them() {
        let text = "cluster = \"a\"\nnode = \"b\"\n[console]\nurl = \"http://me:hush@console/metrics\"\n";
        let problems = parse(Source { file: "agent.toml", text }).unwrap_err().to_string();
        assert!(problems.contains("agent.toml:4: this web address holds a user name"), "{problems}");
        assert!(!problems.contains("hush"), "{problems}");
    }
}
