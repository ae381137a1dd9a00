//! The journal with what follows from it, and its copy on this node: facts go in, state comes out.
//! A fact is in the journal before it is believed, and in the copy before anything is done about it.
//! Not here: how records are kept in either.

use super::copy::{Copy, CopyError, Maker};
use super::{AppendError, FORMAT, Fact, Journal, Misfit, ReadError, Record, Snapshot, State, fresh_id};
use std::path::Path;
use std::sync::Arc;
use words::names::{ApplicationName, Word};

/// So many records are read at a time, and forgotten before the next ones.
pub const PIECE: usize = 64;
/// After so many records more a snapshot is due, unless told otherwise.
pub const EVERY: u64 = 1000;

/// The journal, its state and its copy.
pub struct Book {
    journal: Arc<dyn Journal>,
    /// What follows from all records so far.
    pub state: Arc<State>,
    /// Of the last record.
    nonce: String,
    copy: Option<Copy>,
    /// Records that the copy does not have yet.
    behind: Vec<Record>,
    /// The number of the last snapshot, or of the last try to make one.
    kept: u64,
    every: u64,
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
    fn empty(journal: Arc<dyn Journal>) -> Book {
        let (state, nonce, behind) = Default::default();
        Book { journal, state, nonce, copy: None, behind, kept: 0, every: EVERY }
    }

    /// Reads all there is.
    pub fn open(journal: Arc<dyn Journal>) -> Result<Book, ReadError> {
        let mut book = Book::empty(journal);
        book.begin()?;
        book.catch_up()?;
        Ok(book)
    }

    /// Reads the copy, and from the journal only what is newer.
    pub fn open_with_copy(journal: Arc<dyn Journal>, file: &Path) -> Result<Book, ReadError> {
        let copy = Copy::open(file)?;
        let mut book = Book::empty(journal);
        if let Some(snapshot) = copy.snapshot()? {
            book.go_on_from(snapshot);
        }
        let mut added = Ok(());
        copy.each(book.state.number, &mut |record| {
            if added.is_ok() {
                added = book.add(std::slice::from_ref(&record));
            }
            book.behind.clear();
        })?;
        added?;
        book.copy = Some(copy);
        let number = book.state.number;
        match if number == 0 { Ok(Vec::new()) } else { book.journal.read(number, 1) } {
            Err(ReadError::Removed { .. }) => book.begin()?,
            _ if number == 0 => book.begin()?,
            // A journal that was taken back to an earlier moment would have its numbers written a second time.
            found => match found?.first() {
                Some(found) if found.nonce == book.nonce => {}
                _ => return Err(ReadError::Ahead { number, file: file.to_owned() }),
            },
        }
        book.catch_up()?;
        Ok(book)
    }

    /// The same, of which a snapshot is due after so many records more.
    pub fn keeping(self, every: u64) -> Book {
        Book { every, ..self }
    }

    /// Begins anew, where the journal does.
    fn begin(&mut self) -> Result<(), ReadError> {
        let Some(snapshot) = self.journal.begin()? else { return Ok(()) };
        if let Some(copy) = &mut self.copy {
            copy.begin(&snapshot)?;
        }
        self.go_on_from(snapshot);
        Ok(())
    }

    fn go_on_from(&mut self, snapshot: Snapshot) {
        self.kept = snapshot.state.number;
        (self.state, self.nonce) = (snapshot.state, snapshot.nonce);
    }

    /// Reads what others have written.
    pub fn catch_up(&mut self) -> Result<(), ReadError> {
        loop {
            let records = self.journal.read(self.state.number + 1, PIECE)?;
            self.add(&records)?;
            self.write_copy()?;
            if records.len() < PIECE {
                return Ok(());
            }
        }
    }

    /// What follows from all records so far, where it is time to keep that.
    pub fn due(&mut self) -> Option<Snapshot> {
        if self.state.number < self.kept + self.every {
            return None;
        }
        Some(self.snapshot())
    }

    /// What follows from all records so far.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { nonce: self.nonce.clone(), state: self.state.clone() }
    }

    /// The journal has this snapshot: the copy keeps it too. Where it has not, another one is due after a tenth as many
    /// records.
    pub fn kept(&mut self, snapshot: &Snapshot, is_kept: bool) -> Result<(), CopyError> {
        let number = snapshot.state.number;
        self.kept = if is_kept { number } else { (number + self.every / 10).saturating_sub(self.every) };
        match (&mut self.copy, is_kept) {
            (Some(copy), true) => copy.keep(snapshot),
            _ => Ok(()),
        }
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
            self.nonce.clone_from(&record.nonce);
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
        self.nonce.clone_from(&record.nonce);
        self.behind.push(record);
        self.write_copy().map_err(NoteError::Behind)
    }

    /// The last records about an application, oldest first.
    pub fn records_of(&self, name: &ApplicationName) -> Result<Vec<Record>, CopyError> {
        self.copy.as_ref().map_or(Ok(Vec::new()), |copy| copy.of_application(name))
    }

    /// So many records after a number, in their order, as far as this node has them.
    pub fn records_after(&self, after: u64, most: u32) -> Result<Vec<Record>, CopyError> {
        self.copy.as_ref().map_or(Ok(Vec::new()), |copy| copy.after(after, most))
    }

    /// Whether some of the records after a number may be gone.
    pub fn lacks_after(&self, after: u64) -> Result<bool, CopyError> {
        self.copy.as_ref().map_or(Ok(false), |copy| Ok(after < copy.covered()?))
    }

    /// Whose an application was when this record was written; none where nobody knows.
    pub fn owner_at(&self, name: &ApplicationName, number: u64) -> Result<Option<Word>, CopyError> {
        let Some(copy) = &self.copy else { return Ok(None) };
        match copy.maker(name, number)? {
            Maker::Known(owner) => Ok(Some(owner)),
            // It was made anew since.
            Maker::Later => Ok(None),
            Maker::Covered => Ok(self.state.applications.get(name).map(|application| application.owner.clone())),
        }
    }
}
