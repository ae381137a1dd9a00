//! The journal: numbered records in one order, which is what this program knows; all else it observes.
//! There is one operation, `append` with the number that is expected to be free; whoever is late is told so.
//! Not here: what is decided from it.

mod hdfs;
mod record;
mod state;
#[cfg(test)]
mod tests;

pub use hdfs::HdfsJournal;
pub use record::{End, FORMAT, Fact, Key, Origin, Record, Unreadable, Verdict};
pub use state::{Application, Component, Misfit, Outcome, Package, Run, Savepoint, State, Wanted};

use std::sync::Arc;
use words::names::Word;

/// 32 hexadecimal digits that nobody had before: of a record, a job, a savepoint.
pub fn fresh_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Where records lie.
pub trait Journal: Send + Sync {
    /// Writes a record under its number, if that is free.
    fn append(&self, record: &Record) -> Result<(), AppendError>;

    /// All records from a number on, in their order.
    fn read(&self, from: u64) -> Result<Vec<Record>, ReadError>;

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
    /// It contradicts itself.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

/// The journal with what follows from it: facts go in, state comes out.
pub struct Book {
    journal: Arc<dyn Journal>,
    /// What follows from all records so far.
    pub state: Arc<State>,
}

impl Book {
    /// Reads all there is.
    pub fn open(journal: Arc<dyn Journal>) -> Result<Book, ReadError> {
        let mut book = Book { journal, state: Arc::default() };
        book.catch_up()?;
        Ok(book)
    }

    /// Reads what others have written.
    pub fn catch_up(&mut self) -> Result<(), ReadError> {
        let records = self.journal.read(self.state.number + 1)?;
        Ok(self.add(&records)?)
    }

    /// Where the records lie: reading them takes time, in which the book may be used.
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    /// Goes on by records that were read; those that it has by now are passed over.
    pub fn add(&mut self, records: &[Record]) -> Result<(), Misfit> {
        let known = self.state.number;
        let state = Arc::make_mut(&mut self.state);
        records.iter().filter(|record| record.number > known).try_for_each(|record| state.apply(record))
    }

    /// Writes a fact, and only then believes it.
    pub fn note(&mut self, by: &Word, at_ms: u64, fact: Fact) -> Result<(), NoteError> {
        let nonce = fresh_id();
        let record = Record { format: FORMAT, number: self.state.number + 1, nonce, at_ms, by: by.clone(), fact };
        // A fact that does not fit is none, and must not be written.
        let mut next = State::clone(&self.state);
        next.apply(&record)?;
        self.journal.append(&record)?;
        self.state = Arc::new(next);
        Ok(())
    }
}

/// Why a fact is none.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It was not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// It contradicts what is known.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}
