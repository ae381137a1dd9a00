//! The journal in HDFS: a file a record, named by its number. A record is written beside and renamed to its number;
//! a rename to a name that is taken is declined, so of two writers one learns that it was late.
//! Not here: what records mean.

use super::record::Record;
use super::shelf::{Shelf, number};
use super::{AppendError, Journal, KeepError, PIECE, ReadError, Snapshot, State, Unusable};
use std::sync::Arc;
use systems::webhdfs::{Error, WebHdfs};
use words::parallel;

/// No record is longer.
const LONGEST: u64 = 1 << 20;
/// So often a rename whose answer was lost is settled by looking.
const TRIES: u32 = 4;
/// Records that are read at once.
const AT_ONCE: usize = 8;

/// The journal below one folder.
pub struct HdfsJournal {
    hdfs: WebHdfs,
    folder: String,
}

impl HdfsJournal {
    /// The journal in a folder, which is made if it is not there; only its owner reads it.
    pub fn open(hdfs: WebHdfs, folder: &str) -> Result<HdfsJournal, Error> {
        if hdfs.status(folder)?.is_none() {
            hdfs.make_folder(folder, "700")?;
        }
        Ok(HdfsJournal { hdfs, folder: folder.to_owned() })
    }

    fn place(&self, number: u64) -> String {
        format!("{}/{number:020}", self.folder)
    }

    fn get(&self, number: u64) -> Result<Option<Vec<u8>>, Error> {
        self.hdfs.read(&self.place(number), LONGEST)
    }

    /// Whether the record under this number is ours; none if there is none.
    fn is_ours(&self, record: &Record, text: &str) -> Result<Option<bool>, Error> {
        Ok(self.get(record.number)?.map(|found| found == text.as_bytes()))
    }

    fn shelf(&self) -> Shelf<'_> {
        Shelf { hdfs: &self.hdfs, journal: &self.folder }
    }

    /// Records from a number on, several at once.
    fn newer(&self, from: u64, most: usize) -> Result<Vec<Record>, ReadError> {
        let get = |number| self.get(number).map(|bytes| (number, bytes)).map_err(ReadError::Unavailable);
        let (mut records, mut at_once, mut next) = (Vec::new(), 1, from);
        // In most rounds there is nothing new: first one is asked for.
        while records.len() < most {
            let end = next + at_once.min(most - records.len()) as u64;
            for (number, bytes) in parallel::try_each(AT_ONCE, next..end, get)? {
                let Some(bytes) = bytes else { return Ok(records) };
                records.push(Record::read(number, &bytes)?);
            }
            (next, at_once) = (end, AT_ONCE);
        }
        Ok(records)
    }

    /// What the older of two damaged snapshots had, from the records that it covers: they go only where both were good. A single
    /// one covers nothing that may be gone.
    fn rebuilt(&self, damaged: Unusable) -> Result<Option<Snapshot>, ReadError> {
        let last = self.shelf().removed().map_err(ReadError::Unavailable)?;
        let (mut state, mut nonce) = (State::default(), String::new());
        while state.number < last {
            let next = state.number + 1;
            let most = usize::try_from(last - state.number).unwrap_or(PIECE).min(PIECE);
            let records = self.newer(next, most)?;
            if records.is_empty() {
                return Err(ReadError::Lost { number: next, last, damaged });
            }
            for record in records {
                state.apply(&record)?;
                nonce = record.nonce;
            }
        }
        Ok(Some(Snapshot { nonce, state: Arc::new(state) }).filter(|_| last > 0))
    }

    /// Moves what was written to its number; whatever the answer, what lies there decides.
    fn settle(&self, beside: &str, record: &Record, text: &str) -> Result<bool, Error> {
        let mut tried = 0;
        loop {
            let failed = match self.hdfs.rename(beside, &self.place(record.number)) {
                Ok(()) => return Ok(true),
                Err(failed) => failed,
            };
            if let Some(ours) = self.is_ours(record, text)? {
                return Ok(ours);
            }
            tried += 1;
            if tried == TRIES {
                return Err(failed);
            }
        }
    }
}

impl Journal for HdfsJournal {
    fn append(&self, record: &Record) -> Result<(), AppendError> {
        let number = record.number;
        let unavailable = |source| AppendError::Unavailable { number, source };
        let (text, beside) = (record.text(), format!("{}/.{}", self.folder, record.nonce));
        // What could not be read again would shut everybody out.
        if text.len() as u64 > LONGEST {
            return Err(AppendError::TooLong { number, length: text.len() as u64 });
        }
        let written = self.hdfs.create(&beside, "600", text.as_bytes());
        let settled = written.and_then(|()| self.settle(&beside, record, &text));
        if !matches!(settled, Ok(true)) {
            // While it is there, a rename that is still under way could come true; what cannot be removed is never read.
            let _ = self.hdfs.delete(&beside);
        }
        // A number that is free because its record was removed is no end of the journal.
        let is_last = settled.and_then(|is_ours| Ok(is_ours && self.shelf().removed()? < number));
        match is_last.map_err(unavailable)? {
            true => Ok(()),
            false => Err(AppendError::Superseded { number }),
        }
    }

    fn begin(&self) -> Result<Option<Snapshot>, ReadError> {
        let snapshot = match self.shelf().newest() {
            Err(ReadError::Snapshot(damaged @ Unusable::Damaged { .. })) => self.rebuilt(damaged)?,
            newest => newest?,
        };
        let from = snapshot.as_ref().map_or(1, |snapshot| snapshot.state.number + 1);
        let listed = self.hdfs.list(&self.folder).map_err(ReadError::Unavailable)?.unwrap_or_default();
        let mut numbers: Vec<u64> = listed.iter().filter_map(number).filter(|number| *number >= from).collect();
        numbers.sort_unstable();
        match (from..).zip(numbers).find(|(expected, found)| expected != found) {
            Some((number, _)) => Err(ReadError::Missing { number }),
            None => Ok(snapshot),
        }
    }

    fn read(&self, from: u64, most: usize) -> Result<Vec<Record>, ReadError> {
        let records = self.newer(from, most);
        // What was not removed by now was not when it was read.
        match self.shelf().removed().map_err(ReadError::Unavailable)? >= from {
            true => Err(ReadError::Removed { number: from }),
            false => records,
        }
    }

    fn keep(&self, snapshot: &Snapshot) -> Result<(), KeepError> {
        self.shelf().write(snapshot)?;
        self.shelf().clear()
    }

    fn probe(&self) -> Result<(), Error> {
        let beside = format!("{}/.probe-{:016x}", self.folder, fastrand::u64(..));
        let written = self.hdfs.create(&beside, "600", b"");
        self.hdfs.delete(&beside)?;
        written
    }
}
