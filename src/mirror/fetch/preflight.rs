//! What a fetch will take, before the first byte: files, bytes, room, time.
//! What cannot end well is refused here, with the numbers.
//! Not here: fetching.

use super::Error;
use crate::store::Store;
use std::fmt;
use std::time::Duration;
use words::size::Size;

/// The numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preflight {
    /// Files that are missing.
    pub files: usize,
    /// Their bytes ...
    pub bytes: u64,
    /// ... of which an earlier run has left these.
    pub begun: u64,
    /// What the disk has left, if that is known.
    pub free: Option<u64>,
    /// Files and folders that will be more on the disk ...
    pub inodes: u64,
    /// ... and how many it can still take, where a number bounds them.
    pub free_files: Option<u64>,
    /// Bytes a second, if they are bounded.
    pub rate: Option<u64>,
}

impl Preflight {
    /// Bytes that have to come over the network.
    pub fn to_come(&self) -> u64 {
        self.bytes - self.begun
    }

    /// How long that takes at least, where the rate is bounded.
    pub fn time(&self) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs(self.to_come().div_ceil(rate.max(1))))
    }

    /// Whether disk and quota have room for it.
    pub(super) fn fits(&self, store: &Store, quota: Option<u64>) -> Result<(), Error> {
        let (path, needed) = (store.folder().to_owned(), self.to_come());
        if let Some(free) = self.free.filter(|free| *free < needed) {
            return Err(Error::Room { path, needed, free });
        }
        if let Some(free) = self.free_files.filter(|free| *free < self.inodes) {
            return Err(Error::Inodes { path, needed: self.inodes, free });
        }
        let Some(quota) = quota.filter(|_| self.files > 0) else { return Ok(()) };
        let holds = store.size();
        if holds.saturating_add(self.bytes) > quota {
            return Err(Error::Quota { path, holds, needed: self.bytes, quota });
        }
        Ok(())
    }
}

impl fmt::Display for Preflight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "to fetch: {} files, {}", self.files, Size(self.to_come()))?;
        if self.begun > 0 {
            write!(out, " ({} are there from an earlier run)", Size(self.begun))?;
        }
        if let Some(free) = self.free {
            write!(out, "; the disk has {} free", Size(free))?;
        }
        match self.time() {
            Some(time) => write!(out, "; at least {} at this rate", Lasting(time)),
            None => Ok(()),
        }
    }
}

/// A time for people, in its two largest units.
struct Lasting(Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ ..60 => write!(out, "{seconds} s"),
            seconds @ 60..3600 => write!(out, "{} min {} s", seconds / 60, seconds % 60),
            seconds @ 3600..86_400 => write!(out, "{} h {} min", seconds / 3600, seconds / 60 % 60),
            seconds => write!(out, "{} d {} h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare() -> Preflight {
        Preflight { files: 3, bytes: 3 << 20, begun: 0, free: None, inodes: 5, free_files: None, rate: None }
    }

    #[test]
    fn a_disk_has_room_for_bytes_and_for_files() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let fits = |preflight: Preflight| preflight.fits(&store, None).map_err(|error| error.to_string());
        for enough in [bare(), Preflight { free: Some(3 << 20), free_files: Some(5), ..bare() }] {
            assert_eq!(fits(enough), Ok(()));
        }
        let place = folder.path().display();
        let told = fits(Preflight { free: Some((3 << 20) - 1), ..bare() }).unwrap_err();
        assert!(told.starts_with(&format!("{place} needs 3145728 bytes and its disk has 3145727: ")), "{told}");
        let told = fits(Preflight { free_files: Some(4), ..bare() }).unwrap_err();
        let says = format!("{place} needs 5 inodes for files and folders and its disk has 4 free: remove files there");
        assert!(told.starts_with(&says), "{told}");
    }

    #[test]
    fn the_numbers_stand_in_one_line() {
        let bare = bare();
        assert_eq!(bare.to_string(), "to fetch: 3 files, 3.0 MiB");
        let all = Preflight { begun: 1 << 20, free: Some(5 << 30), rate: Some(1024), ..bare };
        let line = "to fetch: 3 files, 2.0 MiB (1.0 MiB are there from an earlier run); the disk has 5.0 GiB free; \
                    at least 34 min 8 s at this rate";
        assert_eq!(all.to_string(), line);
    }
}
