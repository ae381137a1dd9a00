//! Why a trial ended.
//! What a service said last is part of it, for nobody knows yet where the logs are.
//! Not here: exit codes.

use disk::tree;
use mirror::serve;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use systems::manager;
use words::application::Application;
use words::names::BadName;
use words::problem::Problems;
use words::tree::Conflict;

/// Why a trial ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A second trial of the same folder would end the services of the first.
    #[error("another trial runs in {}; name another --dir", .0.display())]
    Taken(PathBuf),
    /// Everything runs as the user who runs this.
    #[error("this user has no name, and Hadoop wants one: run it as another")]
    Nameless,
    /// There is no block of ports.
    #[error(
        "each of {blocks} blocks of ports is held by another trial or has one that is taken{taken}: end one of them"
    )]
    NoPorts { blocks: u16, taken: String },
    /// The cluster's file and the settings that were given are wrong.
    #[error(transparent)]
    Cluster(Problems),
    /// The cluster has nobody.
    #[error("{0} has no node")]
    NoNode(&'static str),
    /// The mirror cannot be served.
    #[error(transparent)]
    Serve(#[from] serve::Error),
    /// The rendered node cannot be written.
    #[error(transparent)]
    Folder(#[from] tree::Error),
    /// The rendered node is no tree.
    #[error(transparent)]
    Tree(#[from] Conflict),
    /// The rendered node's document cannot be read.
    #[error(transparent)]
    Document(#[from] toml::de::Error),
    /// The node's own script failed.
    #[error("{} failed: {status}", script.display())]
    Install { script: PathBuf, status: ExitStatus },
    /// A service has nothing to start.
    #[error("{0} has no command")]
    NoCommand(String),
    /// A service cannot be started.
    #[error("cannot start {name} ({program}): {error}")]
    Start { name: String, program: String, error: io::Error },
    /// A service ended, or does not answer.
    #[error("{0}")]
    Service(String),
    /// A file or a process of this machine.
    #[error(transparent)]
    Machine(#[from] io::Error),
    /// What a service answers cannot be read.
    #[error(transparent)]
    Answer(#[from] serde_json::Error),
    /// The manager of applications.
    #[error(transparent)]
    Manager(#[from] manager::Error),
    /// A name that this room gives is none.
    #[error(transparent)]
    Name(#[from] BadName),
    /// Something did not come.
    #[error("{what} after {seconds} s")]
    Late { what: &'static str, seconds: u64 },
    /// The user ended it.
    #[error("stopped")]
    Stopped,
    /// The application ended otherwise than well.
    #[error("the application did not finish")]
    NotFinished(Box<Application>),
}

impl Error {
    /// Whether what was asked for is wrong.
    pub fn is_of_request(&self) -> bool {
        matches!(self, Error::Cluster(_))
    }
}
