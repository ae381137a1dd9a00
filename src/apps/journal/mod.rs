//! The journal: numbered records in one order, which is what this program knows; all else it observes.
//! There is one operation, `append` with the number that is expected to be free; whoever is late is told so.
//! Not here: what is decided from it.

mod application;
mod attempt;
mod book;
mod cleaning;
mod copy;
mod hdfs;
mod record;
mod rescaling;
mod run;
mod savepoint;
mod shelf;
mod snapshot;
mod state;
mod streak;
#[cfg(test)]
mod tests;
mod told;
mod upgrade;
mod upgrading;
mod workflow;

pub use application::{Application, Component, Package, Wanted};
pub use attempt::{Adopted, Attempt, Begun};
pub use book::{Book, EVERY, NoteError, PIECE};
pub use cleaning::{Cleaning, Leaving, Stayed};
pub use copy::CopyError;
pub use hdfs::HdfsJournal;
pub use record::{End, FORMAT, Fact, Fork, Intent, Key, Origin, Record, Unreadable, Verdict};
pub use rescaling::Rescaling;
pub use run::Run;
pub use savepoint::{Disposal, Disposed, Outcome, Savepoint};
pub use snapshot::{Snapshot, Unusable};
pub use state::{Misfit, State};
pub use streak::Streak;
pub use upgrade::{Asked, Previous, Release, States, Trial, TrialFact, Upgrade, UpgradeFact};
pub use workflow::{OozieJob, Workflow, WorkflowFact};

use std::path::PathBuf;

/// 32 hexadecimal digits that nobody had before: of a record, a job, a savepoint.
pub fn fresh_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Where records lie.
pub trait Journal: Send + Sync {
    /// Writes a record under its number, if that is free.
    fn append(&self, record: &Record) -> Result<(), AppendError>;

    /// The newest snapshot, after which reading begins; none where all records are there.
    fn begin(&self) -> Result<Option<Snapshot>, ReadError>;

    /// So many records from a number on, in their order; fewer only where there are no more.
    fn read(&self, from: u64, most: usize) -> Result<Vec<Record>, ReadError>;

    /// Keeps a snapshot, and removes the records that two snapshots cover.
    fn keep(&self, snapshot: &Snapshot) -> Result<(), KeepError>;

    /// Whether something could be written now; nothing is.
    fn probe(&self) -> Result<(), systems::webhdfs::Error>;
}

/// Why a record was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else has written this number: what was decided before that is stale.
    #[error("somebody else has written record {number} of the journal")]
    Superseded { number: u64 },
    /// It is longer than any record may be.
    #[error("record {number} of the journal would have {length} bytes, and none has more than 1 MiB")]
    TooLong { number: u64, length: u64 },
    /// It cannot be written now, or nobody knows whether it was; nothing may be done.
    #[error("record {number} of the journal cannot be written; nothing new begins until it can")]
    Unavailable { number: u64, source: systems::webhdfs::Error },
}

/// Why a snapshot was not kept, or records that it covers stay.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// HDFS does not do it.
    #[error("HDFS does not keep a snapshot of the journal; all records stay until it does")]
    Hdfs(#[from] systems::webhdfs::Error),
    /// One that is there is no good.
    #[error("all records of the journal stay until two snapshots are good")]
    Read(#[from] ReadError),
    /// The copy on this node does not take it.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

/// Why the journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// HDFS does not give it.
    #[error("the journal cannot be read")]
    Unavailable(#[source] systems::webhdfs::Error),
    /// A record is of a later release, or damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A number is missing between two that are there.
    #[error(
        "record {number} of the journal is missing, and later ones are there; bring it back from a snapshot of HDFS"
    )]
    Missing { number: u64 },
    /// A snapshot cannot be used.
    #[error(transparent)]
    Snapshot(#[from] Unusable),
    /// Neither can the one before it, and not all is there from which it was made.
    #[error(
        "both snapshots of the journal are damaged, and record {number} of the {last} that they stand for is gone: bring the \
         journal's folder back from a snapshot of HDFS, or have a node manage whose copy of the journal is whole: it reads neither"
    )]
    Lost {
        number: u64,
        last: u64,
        #[source]
        damaged: Unusable,
    },
    /// Two snapshots cover it, so that it may be gone: whoever is so late begins anew.
    #[error("record {number} of the journal is older than what is kept; reading begins anew from a snapshot")]
    Removed { number: u64 },
    /// It contradicts itself.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The copy on this node cannot be used.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The copy on this node has what the journal does not have.
    #[error(
        "the copy {} has a record {number} that the journal in HDFS does not have, or has otherwise: HDFS was taken back to \
         an earlier moment, or this is another cluster's; what ran meanwhile is known to the copy alone. Bring HDFS back to \
         a later moment, or move the copy away to go on from what HDFS has", file.display()
    )]
    Ahead { number: u64, file: PathBuf },
}
