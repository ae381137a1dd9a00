//! One thing that a role or a part lists: a user, a folder, a file, a service, something of HDFS, as templates of text.
//! Each kind is one table of the role's file, read by one function here.
//! Not here: what its texts become on a node (`desired`).

use super::hardening::Hardening;
use words::document::{Table, Text};
use words::node::{Mode, ServiceKind};
use words::problem::Origin;

/// One thing a node gets, as templates of text.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) what: What,
    /// Only if this setting is set, or with `NAME is WORD` set to that word.
    pub(super) when: Option<Text>,
    /// Only if that does not hold.
    pub(super) unless: Option<Text>,
    /// Once for each entry of this list, which its texts call `each`.
    pub(super) each: Option<Text>,
    pub(super) origin: Origin,
}

impl Item {
    /// Its texts, in no order that means anything.
    pub(super) fn texts(&self) -> Vec<&Text> {
        match &self.what {
            What::Expected { path, about } => vec![path, about],
            What::SiteHadoop { conf, command, class_path } => [conf, command].into_iter().chain(class_path).collect(),
            What::User { name, group, home } => vec![name, group, home],
            What::Directory { path, owner } | What::File { path, owner, .. } => vec![path, &owner.owner, &owner.group],
            What::Archive { from, into } => vec![from, into],
            What::Download { from, path, owner } => vec![from, path, &owner.owner, &owner.group],
            What::Link { path, to } => vec![path, to],
            What::Once(once) => {
                let named = [&once.name, &once.user, &once.creates].into_iter();
                named.chain(&once.command).chain(&once.environment).collect()
            }
            What::Service(service) => {
                let named = [&service.name, &service.about, &service.user].into_iter().chain(&service.ready);
                let lines = [&service.command, &service.environment, &service.restart_on, &service.unit];
                named.chain(lines.into_iter().flatten()).collect()
            }
            What::HdfsDirectory { hdfs, path, owner } => {
                vec![&hdfs.web, &hdfs.user, path, &owner.owner, &owner.group]
            }
            What::HdfsUpload { hdfs, from, to, owner } => {
                vec![&hdfs.web, &hdfs.user, from, to, &owner.owner, &owner.group]
            }
        }
    }
}

/// The kinds of things; names as in `words::node`.
#[derive(Debug, Clone)]
pub(super) enum What {
    Expected { path: Text, about: Text },
    SiteHadoop { conf: Text, command: Text, class_path: Option<Text> },
    User { name: Text, group: Text, home: Text },
    Directory { path: Text, owner: Owner },
    Archive { from: Text, into: Text },
    Download { from: Text, path: Text, owner: Owner },
    File { template: Text, path: Text, owner: Owner },
    Link { path: Text, to: Text },
    Once(OnceText),
    Service(Box<ServiceText>),
    HdfsDirectory { hdfs: HdfsText, path: Text, owner: Owner },
    HdfsUpload { hdfs: HdfsText, from: Text, to: Text, owner: Owner },
}

/// Owner, group and mode of a path; root and an ordinary mode unless told.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) owner: Text,
    pub(super) group: Text,
    pub(super) mode: Mode,
}

/// Where HDFS answers, and who may change it.
#[derive(Debug, Clone)]
pub(super) struct HdfsText {
    pub(super) web: Text,
    pub(super) user: Text,
}

/// A command that runs once, before its texts are filled in.
#[derive(Debug, Clone)]
pub(super) struct OnceText {
    pub(super) name: Text,
    pub(super) user: Text,
    pub(super) command: Vec<Text>,
    pub(super) environment: Vec<Text>,
    pub(super) creates: Text,
}

/// A service before its texts are filled in.
#[derive(Debug, Clone)]
pub(super) struct ServiceText {
    pub(super) name: Text,
    pub(super) about: Text,
    pub(super) kind: ServiceKind,
    pub(super) user: Text,
    pub(super) command: Vec<Text>,
    pub(super) environment: Vec<Text>,
    pub(super) restart_on: Vec<Text>,
    /// The block that stands before the lines of `unit`.
    pub(super) hardening: Option<Hardening>,
    pub(super) unit: Vec<Text>,
    /// Where it answers once it does its work, and how many seconds that may take.
    pub(super) ready: Option<Text>,
    pub(super) within: u32,
}

/// Seconds in which a service answers, unless its role says otherwise.
const READY_WITHIN: u32 = 120;

pub(super) const ABOUT: &str = "What it is for.";

pub(super) type ReadWhat = fn(&mut Table<'_>) -> What;

pub(super) const LISTS: [(&str, ReadWhat); 12] = [
    ("expected", read_expected),
    ("site_hadoop", read_site_hadoop),
    ("user", read_user),
    ("directory", read_directory),
    ("archive", read_archive),
    ("download", read_download),
    ("file", read_file),
    ("link", read_link),
    ("once", read_once),
    ("service", read_service),
    ("hdfs_directory", read_hdfs_directory),
    ("hdfs_upload", read_hdfs_upload),
];

pub(super) fn read_item(table: &mut Table<'_>, read: ReadWhat) -> Item {
    let (when, unless, each) = (table.optional("when"), table.optional("unless"), table.optional("each"));
    Item { what: read(table), when, unless, each, origin: table.origin().clone() }
}

/// A text that must be there; an empty one stands in for it, so that what depends on the item is not missed too.
pub(super) fn needed(table: &mut Table<'_>, key: &'static str, example: &str) -> Text {
    let text = table.required(key, example);
    text.unwrap_or_else(|| Text { text: String::new(), origin: table.origin().clone() })
}

fn read_expected(table: &mut Table<'_>) -> What {
    What::Expected {
        path: needed(table, "path", "/etc/hadoop/conf/core-site.xml"),
        about: needed(table, "about", ABOUT),
    }
}

fn read_site_hadoop(table: &mut Table<'_>) -> What {
    What::SiteHadoop {
        conf: needed(table, "conf", "/etc/hadoop/conf"),
        command: needed(table, "command", "/usr/bin/hadoop"),
        class_path: table.optional("class_path"),
    }
}

fn read_user(table: &mut Table<'_>) -> What {
    let mut needed = |key, example| needed(table, key, example);
    What::User { name: needed("name", "pnda"), group: needed("group", "pnda"), home: needed("home", "/opt/pnda") }
}

fn read_directory(table: &mut Table<'_>) -> What {
    What::Directory { path: needed(table, "path", "/var/log/pnda"), owner: read_owner(table, "0755") }
}

fn read_archive(table: &mut Table<'_>) -> What {
    let from = needed(table, "from", "flink-{{ flink.version }}.tar.gz");
    What::Archive { from, into: needed(table, "into", "/opt/pnda/flink-{{ flink.version }}") }
}

fn read_download(table: &mut Table<'_>) -> What {
    let (from, path) = (needed(table, "from", "programs/agent"), needed(table, "path", "/opt/pnda/agent"));
    What::Download { from, path, owner: read_owner(table, "0644") }
}

fn read_file(table: &mut Table<'_>) -> What {
    let (template, path) =
        (needed(table, "template", "etc/pnda/agent.toml"), needed(table, "path", "/etc/pnda/agent.toml"));
    What::File { template, path, owner: read_owner(table, "0644") }
}

fn read_link(table: &mut Table<'_>) -> What {
    What::Link { path: needed(table, "path", "/opt/pnda/flink"), to: needed(table, "to", "/opt/pnda/flink-1.20.5") }
}

fn read_once(table: &mut Table<'_>) -> What {
    What::Once(OnceText {
        name: needed(table, "name", "format-namenode"),
        user: needed(table, "user", "hdfs"),
        command: table.required_list("command", "/path/of/program"),
        environment: table.list("environment"),
        creates: needed(table, "creates", "/var/lib/hadoop-hdfs/name/current/VERSION"),
    })
}

fn read_hdfs(table: &mut Table<'_>) -> HdfsText {
    HdfsText { web: needed(table, "web", "http://manager:9870"), user: needed(table, "user", "hdfs") }
}

fn read_hdfs_directory(table: &mut Table<'_>) -> What {
    let hdfs = read_hdfs(table);
    What::HdfsDirectory { hdfs, path: needed(table, "path", "/user/pnda"), owner: read_owner(table, "0755") }
}

fn read_hdfs_upload(table: &mut Table<'_>) -> What {
    let hdfs = read_hdfs(table);
    let (from, to) = (needed(table, "from", "/opt/pnda/flink-1.20.5/lib"), needed(table, "to", "/pnda/flink/lib"));
    What::HdfsUpload { hdfs, from, to, owner: read_owner(table, "0644") }
}

fn read_owner(table: &mut Table<'_>, mode: &str) -> Owner {
    let origin = table.origin().clone();
    let mut or_root = |key| table.optional(key).unwrap_or_else(|| Text { text: "root".into(), origin: origin.clone() });
    let (owner, group) = (or_root("owner"), or_root("group"));
    let given = table.optional("mode").unwrap_or(Text { text: mode.to_owned(), origin });
    let mode = Mode::try_from(given.text).unwrap_or_else(|error| {
        table.add(given.origin.problem(error, ""));
        Mode::parse("0600").expect("four octal digits")
    });
    Owner { owner, group, mode }
}

fn read_service(table: &mut Table<'_>) -> What {
    let kind = |text: String| match text.as_str() {
        "exec" => Ok(ServiceKind::Exec),
        "notify" => Ok(ServiceKind::Notify),
        _ => Err(format!("`{text}` is not a kind of service: they are exec and notify")),
    };
    What::Service(Box::new(ServiceText {
        name: needed(table, "name", "flink-history-server"),
        about: needed(table, "about", ABOUT),
        kind: table.optional_parsed("kind", "exec", kind).unwrap_or(ServiceKind::Exec),
        user: needed(table, "user", "pnda"),
        command: table.required_list("command", "/path/of/program"),
        environment: table.list("environment"),
        restart_on: table.list("restart_on"),
        hardening: table.optional_parsed("hardening", "jvm", Hardening::parse),
        unit: table.list("unit"),
        ready: table.optional("ready"),
        within: table
            .number("within", 1..=3600)
            .map_or(READY_WITHIN, |seconds| u32::try_from(seconds).unwrap_or(READY_WITHIN)),
    }))
}
