//! Snapshots in HDFS, in a folder of their own beside the records: the two newest stay, and what the older of them covers goes.
//! Where two stand, no record up to the older one's number counts any more: its name may be free, and is nobody's to take.
//! Not here: what is in a snapshot, and records that are read and written.

use super::snapshot::{Snapshot, Unusable};
use super::{KeepError, ReadError, fresh_id};
use std::io::BufReader;
use systems::webhdfs::{Error, Status, WebHdfs};
use words::parallel;

/// Records that are removed in one go, and at once.
const MOST_REMOVED: usize = 2000;
const AT_ONCE: usize = 8;

/// The snapshots of the journal in a folder.
pub(super) struct Shelf<'a> {
    pub(super) hdfs: &'a WebHdfs,
    /// The journal's folder.
    pub(super) journal: &'a str,
}

impl Shelf<'_> {
    fn folder(&self) -> String {
        format!("{}/snapshots", self.journal)
    }

    fn place(&self, number: u64) -> String {
        format!("{}/{number:020}", self.folder())
    }

    /// Snapshots with their numbers, the newest first.
    fn list(&self) -> Result<Vec<(u64, Status)>, Error> {
        let listed = self.hdfs.list(&self.folder())?.unwrap_or_default();
        let mut all: Vec<_> = listed.into_iter().filter_map(|one| Some((number(&one)?, one))).collect();
        all.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(all)
    }

    /// The last record that may be gone; 0 where none is. It never shrinks: only what is older than two others is removed.
    pub(super) fn removed(&self) -> Result<u64, Error> {
        Ok(self.list()?.get(1).map_or(0, |(number, _)| *number))
    }

    /// The newest that is whole.
    pub(super) fn newest(&self) -> Result<Option<Snapshot>, ReadError> {
        let mut damaged = None;
        // What is older may lack records after it.
        for (number, _) in self.list().map_err(ReadError::Unavailable)?.into_iter().take(2) {
            match self.read(number) {
                Ok(Some(snapshot)) => return Ok(Some(snapshot)),
                Ok(None) => {}
                Err(error @ ReadError::Snapshot(Unusable::Damaged { .. })) => damaged = Some(error),
                Err(error) => return Err(error),
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    fn read(&self, number: u64) -> Result<Option<Snapshot>, ReadError> {
        let found = self.hdfs.open(&self.place(number)).map_err(ReadError::Unavailable)?;
        Ok(found.map(|bytes| Snapshot::read(number, BufReader::new(bytes))).transpose()?)
    }

    /// Writes one beside and gives it its name; another one of the same number says the same.
    pub(super) fn write(&self, snapshot: &Snapshot) -> Result<(), KeepError> {
        let beside = format!("{}/.{}", self.folder(), fresh_id());
        let text: String = snapshot.lines().collect();
        // One that nobody could read again must not stand for records.
        Snapshot::read(snapshot.state.number, text.as_bytes()).map_err(ReadError::from)?;
        self.hdfs.make_folder(&self.folder(), "700")?;
        let written = self.hdfs.create(&beside, "600", text.as_bytes());
        match written.and_then(|()| self.hdfs.rename_to_free(&beside, &self.place(snapshot.state.number))) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.hdfs.delete(&beside)?;
                if matches!(error, Error::Exists { .. }) { Ok(()) } else { Err(error.into()) }
            }
        }
    }

    /// Removes what the older of the two newest covers. Both are read before anything goes.
    pub(super) fn clear(&self) -> Result<(), KeepError> {
        let all = self.list()?;
        let [(newest, _), (older, status), rest @ ..] = all.as_slice() else { return Ok(()) };
        for number in [newest, older] {
            if self.read(*number)?.is_none() {
                return Ok(());
            }
        }
        for (number, _) in rest {
            self.hdfs.delete(&self.place(*number))?;
        }
        let old = |one: &Status| match number(one) {
            Some(number) => number <= *older,
            // What a killed writer left. One that still wants to rename it learns that it is gone.
            None => one.path_suffix.starts_with('.') && one.modification_time < status.modification_time,
        };
        for folder in [self.journal.to_owned(), self.folder()] {
            let listed = self.hdfs.list(&folder)?.unwrap_or_default();
            let is_snapshot = folder != self.journal;
            let gone = listed.iter().filter(|one| !one.is_folder() && old(one));
            let gone = gone.filter(|one| !is_snapshot || number(one).is_none()).take(MOST_REMOVED);
            let paths = gone.map(|one| format!("{folder}/{}", one.path_suffix));
            parallel::try_each(AT_ONCE, paths, |path| self.hdfs.delete(&path))?;
        }
        Ok(())
    }
}

/// The number that is a file's name.
pub(super) fn number(one: &Status) -> Option<u64> {
    one.path_suffix.parse().ok()
}
