//! What is submitted: from a component, the cluster's facts and what was uploaded to the very document that YARN gets.
//! Pure: the same inputs give the same document, which `explain` prints and the act sends.
//! Not here: uploading and sending, and Flink's own command line.

pub mod client;
mod configuration;
mod context;
pub mod placeholder;
#[cfg(test)]
pub(crate) mod tests;

pub use configuration::{Configuration, LINES, RESTORE, configuration};
use context::tags;
pub use context::{context, tag_of};

use crate::journal::Key;
use crate::package::flink::Program;
use std::collections::BTreeMap;
use words::flink::Version;
use words::ids::{ApplicationId, JobId};
use words::names::Word;

/// What YARN calls applications of Flink.
pub const KIND: &str = "Apache Flink";

/// The cluster, as far as a submission depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// The cluster's name, by which its applications are tagged.
    pub name: Word,
    /// Where HDFS is, as in `hdfs://manager:8020`.
    pub filesystem: String,
    /// What a container finds Hadoop by, as in `yarn.application.classpath`.
    pub class_path: Vec<String>,
    /// The folder of all checkpoints in HDFS.
    pub checkpoints: String,
    /// The folder of all savepoints in HDFS.
    pub savepoints: String,
    /// The folder of the archives of finished jobs in HDFS.
    pub archive: String,
    /// The folder in HDFS where YARN gathers logs.
    pub logs: String,
    /// How often YARN starts the JobManager of a job with high availability.
    pub attempts: u32,
}

/// A release of Flink as it lies in HDFS.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The release.
    pub version: Version,
    /// The cluster's configuration for it.
    pub configuration: BTreeMap<String, String>,
    /// Its files.
    pub files: Vec<Resource>,
}

/// A file in HDFS that a container gets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its path in the container.
    pub key: String,
    /// Its path in HDFS.
    pub path: String,
    /// Its size, which must be this when the container starts.
    pub size: u64,
    /// Its modification time in milliseconds, which must be this too.
    pub time_ms: u64,
    /// For everybody, or for this application only.
    pub is_public: bool,
    /// Whether it is unpacked into a folder at that path.
    pub is_archive: bool,
}

/// Flink's program that runs scripts of Python.
const PYTHON_DRIVER: &str = "org.apache.flink.client.python.PythonDriver";

/// One run of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// How it comes to YARN.
    pub way: Way,
    /// Which component.
    pub of: Key,
    /// As whom it runs.
    pub owner: Word,
    /// The order that it follows: the number of its record in the journal.
    pub order: Option<u64>,
    /// What runs.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What the package and the overrides set.
    pub configuration: BTreeMap<String, String>,
    /// The queue.
    pub queue: Option<Word>,
    /// The job's id, where it has one job.
    pub job: Option<JobId>,
    /// The state from which it begins.
    pub restore: Option<String>,
}

/// How a run comes to YARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// From here, under an id that was reserved for it.
    Native(ApplicationId),
    /// By Flink's own client, which reserves one itself; its application has this tag.
    Client(Word),
}

/// Why something is not submitted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Flink's own client would have to do it.
    #[error(
        "Flink {0} cannot be submitted natively, 1.20 and 2.x can: name another `flink_version`, or write `flink_submission` client"
    )]
    Version(Version),
    /// Its client cannot either.
    #[error("Flink {0} is older than what can be submitted: name a `flink_version` from 1.15 on")]
    TooOld(Version),
    /// Its client gives archives no folder of another name.
    #[error(
        "{0} brings an environment of Python as an archive, which is submitted natively only: write `flink_submission` native, \
         or have the environment on the nodes"
    )]
    Archives(Key),
    /// Flink would refuse the configuration, or do otherwise than was meant.
    #[error("Flink would not start with this configuration:\n{}", .0.join("\n"))]
    Configuration(Vec<String>),
    /// The distribution in HDFS is not whole.
    #[error(
        "the copy of Flink {version} in HDFS has no {what}: `pnda-agent install` on the node that stages it brings it back"
    )]
    Distribution { version: Version, what: &'static str },
    /// A name would be taken apart on its way.
    #[error("the file `{}` cannot be shipped: its name may have letters, digits and . _ + - / only", words::shown::shown(.0))]
    FileName(String),
}

impl Cluster {
    /// Where the checkpoints of a component lie, for whoever owns it: Flink makes a folder for each job id in it.
    pub fn checkpoints_of(&self, owner: &Word, of: &Key) -> String {
        format!("{}/{owner}/{of}", self.checkpoints)
    }

    /// Where its savepoints lie.
    pub fn savepoints_of(&self, owner: &Word, of: &Key) -> String {
        format!("{}/{owner}/{of}", self.savepoints)
    }
}

impl Job {
    /// Its name in YARN, as PNDA's users know it; no identity.
    pub fn name(&self) -> String {
        format!("{}-{}-job", self.of.application, self.of.component)
    }

    /// The class whose `main` is called.
    pub fn main_class(&self) -> &str {
        match &self.program {
            Program::Jar { class, .. } => class,
            Program::Python { .. } => PYTHON_DRIVER,
        }
    }

    /// Whether YARN is to unpack something of it.
    fn brings_archives(&self) -> bool {
        matches!(&self.program, Program::Python { archives, .. } if !archives.is_empty())
    }

    /// Whether it is a script.
    pub fn is_python(&self) -> bool {
        matches!(self.program, Program::Python { .. })
    }
}

/// The folder of a run in HDFS.
pub fn staging(owner: &Word, id: &ApplicationId) -> String {
    format!("/user/{owner}/.flink/{id}")
}
