//! The journal in HDFS: a file a record, named by its number. A record is written beside and renamed to its number;
//! a rename to a name that is taken is declined, so of two writers one learns that it was late.
//! Not here: what records mean.

use super::record::Record;
use super::{AppendError, Journal, ReadError};
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

    /// One after the other until there are no more: a folder of many thousand records is not listed in every round.
    fn newer(&self, from: u64) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        for number in from.. {
            let Some(bytes) = self.get(number).map_err(ReadError::Unavailable)? else { break };
            records.push(Record::read(number, &bytes)?);
        }
        Ok(records)
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
        match settled.map_err(unavailable)? {
            true => Ok(()),
            false => Err(AppendError::Superseded { number }),
        }
    }

    fn read(&self, from: u64) -> Result<Vec<Record>, ReadError> {
        if from > 1 {
            return self.newer(from);
        }
        let listed = self.hdfs.list(&self.folder).map_err(ReadError::Unavailable)?.unwrap_or_default();
        let numbers = listed.iter().filter_map(|status| status.path_suffix.parse().ok());
        let mut numbers: Vec<u64> = numbers.filter(|number| *number >= from).collect();
        numbers.sort_unstable();
        if let Some((missing, _)) = (from..).zip(&numbers).find(|(expected, found)| expected != *found) {
            return Err(ReadError::Missing { number: missing });
        }
        parallel::try_each(AT_ONCE, numbers, |number| {
            let bytes = self.get(number).map_err(ReadError::Unavailable)?.ok_or(ReadError::Missing { number })?;
            Ok(Record::read(number, &bytes)?)
        })
    }

    fn probe(&self) -> Result<(), Error> {
        let beside = format!("{}/.probe-{:016x}", self.folder, fastrand::u64(..));
        let written = self.hdfs.create(&beside, "600", b"");
        self.hdfs.delete(&beside)?;
        written
    }
}
