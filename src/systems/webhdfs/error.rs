//! Why HDFS did not do what it was asked to.
//! What may pass by itself (safe mode, no DataNode yet) is told apart from what stays.
//! Not here: waiting.

use crate::hadoop::{Exception, Nobody};
use std::io;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not one.
    #[error("{address} is not where WebHDFS can answer: write http://host:port")]
    Address { address: String },
    /// Nobody answers.
    #[error("HDFS does not answer at {address} ({why})")]
    Silent { address: String, why: String },
    /// It starts, or waits for its DataNodes to report.
    #[error("HDFS at {address} takes no changes yet: {why}")]
    SafeMode { address: String, why: String },
    /// Another NameNode is the active one.
    #[error(
        "the NameNode at {address} is the standby one and answers nothing: make it the active one, or render with the other's address"
    )]
    Standby { address: String },
    /// Of several NameNodes none is the active one.
    #[error("no NameNode that is active answers ({nobody}), so it was not possible to {verb} {path}")]
    NoneActive { verb: &'static str, path: String, nobody: Nobody },
    /// Something is there, or somebody writes it now.
    #[error("{path} is in HDFS already: nothing is put over it")]
    Exists { path: String },
    /// The file has more bytes than were asked for.
    #[error("{path} has more than {limit} bytes, which is more than such a file has")]
    TooLong { path: String, limit: u64 },
    /// Nothing can be written.
    #[error("HDFS at {address} has no DataNode that could take {path}: {why}")]
    NoDataNode { address: String, path: String, why: String },
    /// It refused.
    #[error("HDFS refused to {verb} {path}: {kind}: {why}")]
    Refused { verb: &'static str, path: String, kind: String, why: String },
    /// It said no without a reason.
    #[error("HDFS did not {verb} {path}: it answered with `false`")]
    Declined { verb: &'static str, path: String },
    /// What came back is not what WebHDFS says.
    #[error("the answer of {address} to `{verb} {path}` is not WebHDFS's: {why}")]
    Answer { address: String, verb: &'static str, path: String, why: String },
    /// The local file cannot be read while it is sent.
    #[error("cannot read what is sent to {path}")]
    Read { path: String, source: io::Error },
}

impl Error {
    /// Whether it may pass by itself.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Error::Silent { .. } | Error::NoneActive { .. } | Error::SafeMode { .. } | Error::NoDataNode { .. }
        )
    }
}

/// What a `RemoteException` says, sorted by what it means.
pub(super) fn of_remote(address: &str, verb: &'static str, path: &str, exception: Exception) -> Error {
    let Exception { kind, message: why } = exception;
    let (address, path) = (address.to_owned(), path.to_owned());
    match kind.as_str() {
        "SafeModeException" => Error::SafeMode { address, why },
        "RetriableException" => Error::SafeMode { address, why },
        "StandbyException" => Error::Standby { address },
        "IOException" if why.contains("Failed to find datanode") || why.contains("could only be written to 0") => {
            Error::NoDataNode { address, path, why }
        }
        "NoNodeToChooseException" => Error::NoDataNode { address, path, why },
        _ if why.contains("Name node is in safe mode") => Error::SafeMode { address, why },
        _ => Error::Refused { verb, path, kind, why },
    }
}
