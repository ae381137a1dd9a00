//! The desired state of one node: what `pnda cluster render` decides and `pnda-agent install` brings about.
//! A plain document, `node.toml`, that an operator can read; archives are named by digest, files lie beside it.
//! Not here: how it was decided, or how it is brought about.

use super::digest::Sha256;
use super::names::{NodePath, SafePath, Word};
use super::secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use url::Url;

mod empty;
mod keys;
mod restart;

pub use empty::FORMAT;
pub use keys::Keys;
pub use restart::touches;

/// Where it lies in a node's folder.
pub const DOCUMENT: &str = "node.toml";

/// Everything one node must have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The document's format: 1, or 2 with two keys of the mirror.
    pub format: u32,
    /// The cluster's name.
    pub cluster: Word,
    /// The node's name.
    pub node: Word,
    /// The roles it has, sorted.
    pub roles: Vec<Word>,
    /// The digest of every input it was rendered from.
    pub inputs: Sha256,
    /// Whose machine it is: `system` uses systemd, users and owners; `user` runs as whoever installs.
    pub scope: Scope,
    /// The folder that stands for `/`; `/` itself for a system.
    pub root: String,
    /// The mirror it installs from.
    pub mirror: Mirror,
    /// What the site must have brought; nothing is installed where it is missing.
    #[serde(default, rename = "expected", skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Expected>,
    /// The Hadoop that the site brings; nothing is installed where its configuration or its class path is not right.
    #[serde(default, rename = "site_hadoop", skip_serializing_if = "Vec::is_empty")]
    pub site_hadoops: Vec<SiteHadoop>,
    /// System users, made by systemd-sysusers.
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
    /// Folders with owner and mode.
    #[serde(default, rename = "directory")]
    pub directories: Vec<Directory>,
    /// Archives of the mirror, each unpacked into a folder of its own.
    #[serde(default, rename = "archive")]
    pub archives: Vec<Archive>,
    /// Single files of the mirror.
    #[serde(default, rename = "download")]
    pub downloads: Vec<Download>,
    /// Rendered files, in the node's folder below `files/`.
    #[serde(default, rename = "file")]
    pub files: Vec<File>,
    /// Symbolic links.
    #[serde(default, rename = "link")]
    pub links: Vec<Link>,
    /// Commands that prepare something once, in this order, before services start.
    #[serde(default, rename = "once")]
    pub once: Vec<Once>,
    /// Services, in the order in which they start.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
    /// Folders of HDFS, made in this order as soon as HDFS takes changes: after the service of this node whose gate is at
    /// their `web`, or before every service where another node has the NameNode; what must wait comes after the services.
    #[serde(default, rename = "hdfs_directory")]
    pub hdfs_directories: Vec<HdfsDirectory>,
    /// Folders of the node that are copied into HDFS, after the services.
    #[serde(default, rename = "hdfs_upload")]
    pub hdfs_uploads: Vec<HdfsUpload>,
}

/// Whose machine a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// A machine of its own: root installs, systemd runs.
    System,
    /// A folder of one user: nothing outside it is touched, the installer's caller runs the services.
    User,
}

/// The mirror a node installs from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// Its address.
    pub url: String,
    /// The key that must have signed its list, or two of which either may have.
    pub public_key: Keys,
}

/// A file or a folder that the site brings, not we.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Where it must be; links are followed.
    pub path: NodePath,
    /// What it is for, and what to do where it is missing.
    pub about: String,
}

/// A Hadoop that the site brings, as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteHadoop {
    /// The folder of its configuration.
    pub conf: NodePath,
    /// The command whose `classpath` tells its class path.
    pub command: NodePath,
    /// Its class path where the site says it: jars, folders and `…/*`, joined by colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_path: Option<String>,
}

/// A system user with its group of the same or another name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Its name.
    pub name: Word,
    /// Its primary group.
    pub group: Word,
    /// Its home.
    pub home: NodePath,
}

/// Who owns something, and what others may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The owner; ignored in scope `user`.
    pub owner: Word,
    /// The group; ignored in scope `user`.
    pub group: Word,
    /// The mode: four octal digits.
    pub mode: Mode,
}

/// A file mode without setuid or setgid on files: four octal digits in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(u32);

impl Mode {
    /// Reads four octal digits.
    pub fn parse(text: &str) -> Option<Mode> {
        let octal = text.len() == 4 && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        octal.then(|| u32::from_str_radix(text, 8).ok().map(Mode))?
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Mode, String> {
        Mode::parse(&text).ok_or_else(|| format!("`{text}` is not a mode: write four octal digits, as in \"0644\""))
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> String {
        format!("{:04o}", mode.0)
    }
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Directory {
    /// Where.
    pub path: NodePath,
    /// Whose.
    #[serde(flatten)]
    pub access: Access,
}

/// An archive of the mirror and the folder it becomes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The folder; it holds nothing else.
    pub into: NodePath,
    /// Where the archive lies on the mirror: a gzipped tar.
    pub from: SafePath,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
}

/// One file of the mirror.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Download {
    /// Where it goes.
    pub path: NodePath,
    /// Where it lies on the mirror.
    pub from: SafePath,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
    /// Whose.
    #[serde(flatten)]
    pub access: Access,
}

/// A rendered file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct File {
    /// Where it goes; it lies in the node's folder under `files/` and this path.
    pub path: NodePath,
    /// The identity of its bytes, with a mark for each secret.
    pub sha256: Sha256,
    /// The secrets that the node puts in where their marks are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<Secret>,
    /// Whose.
    #[serde(flatten)]
    pub access: Access,
}

impl File {
    /// Where the bytes lie in the node's folder.
    pub fn source(&self) -> String {
        format!("files{}", self.path)
    }
}

/// A symbolic link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Where it is.
    pub path: NodePath,
    /// What it says: an absolute path on the node.
    pub to: NodePath,
}

/// A program that must run. Its unit file, if systemd runs it, is made from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name; the unit is `<name>.service`.
    pub name: Word,
    /// What it is, in a few words.
    pub about: String,
    /// `exec` or `notify`, as systemd has them.
    pub kind: ServiceKind,
    /// Who runs it.
    pub user: Word,
    /// The program and its arguments; paths are the node's, under its root.
    pub command: Vec<String>,
    /// Its environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Paths whose change means that it must be restarted.
    #[serde(default)]
    pub restart_on: Vec<NodePath>,
    /// Further lines of the unit's [Service] section, written as systemd wants them.
    #[serde(default)]
    pub unit: Vec<String>,
    /// What answers when it does its work; none: it is up when its program is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
}

/// A command that prepares something once on a node: what a service needs before its first start.
///
/// It runs where `creates` is not there. Once it has run, an absent `creates` is data that was lost, and an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// Its name, unique on the node.
    pub name: Word,
    /// Who runs it, with its primary group alone; ignored in scope `user`.
    pub user: Word,
    /// The program, by its whole path, and its arguments. It has 15 minutes.
    pub command: Vec<String>,
    /// Its environment, besides `PATH`, `LANG`, `HOME`, `USER` and `LOGNAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// What is there once it has run, and not before it runs.
    pub creates: NodePath,
}

/// How a service is seen to do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// Where it answers.
    pub at: Gate,
    /// How long that may take after a start, in seconds.
    pub within: u32,
}

/// An address that answers: `http://host:port/path` with a status of 200 to 299, `tcp://host:port` with a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gate(Url);

impl Gate {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Gate, String> {
        let bad = |why: &str| Err(format!("`{text}` is no address that can answer: {why}"));
        let Ok(url) = Url::parse(text) else { return bad("write http://host:port/path or tcp://host:port") };
        match url.scheme() {
            _ if url.host().is_none() || url.port_or_known_default().is_none() => bad("it names no host and port"),
            _ if !url.username().is_empty() || url.password().is_some() => bad("it carries a user or a password"),
            "http" => Ok(Gate(url)),
            "tcp" if matches!(url.path(), "" | "/") && url.query().is_none() => Ok(Gate(url)),
            "tcp" => bad("a connection has no path"),
            _ => bad("only http and tcp can be asked"),
        }
    }

    /// The address; its scheme is `http` or `tcp`.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str())
    }
}

impl TryFrom<String> for Gate {
    type Error = String;

    fn try_from(text: String) -> Result<Gate, String> {
        Gate::parse(&text)
    }
}

impl From<Gate> for String {
    fn from(gate: Gate) -> String {
        gate.0.into()
    }
}

/// A folder of HDFS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HdfsDirectory {
    /// Where WebHDFS answers, as in `http://manager:9870`.
    pub web: String,
    /// The user that may make it: HDFS's superuser.
    pub user: Word,
    /// Where.
    pub path: NodePath,
    /// Whose there.
    #[serde(flatten)]
    pub access: Access,
}

/// A folder of the node with everything in it, copied into HDFS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HdfsUpload {
    /// Where WebHDFS answers, as in `http://manager:9870`.
    pub web: String,
    /// The user that may write there: HDFS's superuser.
    pub user: Word,
    /// The folder on the node.
    pub from: NodePath,
    /// The folder it becomes; it holds nothing else.
    pub to: NodePath,
    /// Whose its files are; folders get the execute bits besides.
    #[serde(flatten)]
    pub access: Access,
}

/// How a service tells that it is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// Up once its program runs.
    Exec,
    /// Says so itself (sd_notify), and feeds a watchdog.
    Notify,
}
