//! The journal with what follows from it, and its copy on this node: facts go in, state comes out.
//! A fact is in the journal before it is believed, and in the copy before anything is done about it.
//! Not here: how records are kept in either.

use super::copy::{Copy, CopyError};
use super::{AppendError, FORMAT, Fact, Journal, Misfit, ReadError, Record, State, fresh_id};
use std::path::Path;
use std::sync::Arc;
use words::names::{ApplicationName, Word};

/// The journal, its state and its copy.
pub struct Book {
    journal: Arc<dyn Journal>,
    /// What follows from all records so far.
    pub state: Arc<State>,
    copy: Option<Copy>,
    /// Records that the copy does not have yet.
    behind: Vec<Record>,
}

/// Why a fact is none, or nothing may be done about it yet.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// It was not written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// It contradicts what is known.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The copy on this node does not take what the journal has, and so the journal gets nothing.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// It is in the journal, and not in the copy.
    #[error("it is recorded, and nothing is done about it until this node's copy of the journal takes it too")]
    Behind(#[source] CopyError),
}

impl Book {
    /// Reads all there is.
    pub fn open(journal: Arc<dyn Journal>) -> Result<Book, ReadError> {
        let mut book = Book { journal, state: Arc::default(), copy: None, behind: Vec::new() };
        book.catch_up()?;
        Ok(book)
    }

    /// Reads the copy, and from the journal only what is newer.
    pub fn open_with_copy(journal: Arc<dyn Journal>, file: &Path) -> Result<Book, ReadError> {
        let copy = Copy::open(file)?;
        let mut book = Book { journal, state: Arc::default(), copy: None, behind: Vec::new() };
        let (mut last, mut added) = (None, Ok(()));
        copy.each(&mut |record| {
            if added.is_ok() {
                added = book.add(std::slice::from_ref(&record));
            }
            book.behind.clear();
            last = Some(record);
        })?;
        added?;
        if let Some(last) = last {
            // A journal that was taken back to an earlier moment would have its numbers written a second time.
            match book.journal.read(last.number)?.first() {
                Some(found) if *found == last => {}
                _ => return Err(ReadError::Ahead { number: last.number, file: file.to_owned() }),
            }
        }
        book.copy = Some(copy);
        book.catch_up()?;
        Ok(book)
    }

    /// Reads what others have written.
    pub fn catch_up(&mut self) -> Result<(), ReadError> {
        let records = self.journal.read(self.state.number + 1)?;
        self.add(&records)?;
        Ok(self.write_copy()?)
    }

    /// Where the records lie: reading them takes time, in which the book may be used.
    pub fn journal(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    /// Goes on by records that were read; those that it has by now are passed over.
    pub fn add(&mut self, records: &[Record]) -> Result<(), Misfit> {
        let known = self.state.number;
        let state = Arc::make_mut(&mut self.state);
        for record in records.iter().filter(|record| record.number > known) {
            state.apply(record)?;
            self.behind.push(record.clone());
        }
        Ok(())
    }

    /// Has the copy take what it does not have yet.
    pub fn write_copy(&mut self) -> Result<(), CopyError> {
        if let (Some(copy), false) = (&mut self.copy, self.behind.is_empty()) {
            copy.add(&self.behind)?;
        }
        self.behind.clear();
        Ok(())
    }

    /// Writes a fact, and only then believes it. While the copy takes nothing, the journal gets nothing.
    pub fn note(&mut self, by: &Word, at_ms: u64, fact: Fact) -> Result<(), NoteError> {
        self.write_copy()?;
        let nonce = fresh_id();
        let record = Record { format: FORMAT, number: self.state.number + 1, nonce, at_ms, by: by.clone(), fact };
        // A fact that does not fit is none, and must not be written.
        let mut next = State::clone(&self.state);
        next.apply(&record)?;
        self.journal.append(&record)?;
        self.state = Arc::new(next);
        self.behind.push(record);
        self.write_copy().map_err(NoteError::Behind)
    }

    /// The last records about an application, oldest first.
    pub fn records_of(&self, name: &ApplicationName) -> Result<Vec<Record>, CopyError> {
        self.copy.as_ref().map_or(Ok(Vec::new()), |copy| copy.of_application(name))
    }
}
