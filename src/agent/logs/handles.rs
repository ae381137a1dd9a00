//! The queue's files that are open for writing: few, however many groups there are, and each no longer than it has news.
//! A file that was closed is opened again at its end when there is more for it.
//! Not here: which files there are, and what is in them.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a file without news is kept open.
pub(super) const IDLE: Duration = Duration::from_secs(5);
/// Files that are open at a time: a job makes up as many groups as it likes, and descriptors are for all of them.
pub(super) const OPEN: usize = 32;

/// The last file of each group that had news lately.
#[derive(Debug, Default)]
pub(super) struct Handles {
    open: HashMap<String, (File, Instant)>,
}

impl Handles {
    /// Keeps a group's file open, instead of the one that had no news for longest.
    pub(super) fn put(&mut self, group: &str, file: File) {
        self.open.remove(group);
        while self.open.len() >= OPEN {
            let longest = self.open.iter().min_by_key(|(_, (_, since))| *since).map(|(group, _)| group.clone());
            let Some(longest) = longest else { break };
            self.open.remove(&longest);
        }
        self.open.insert(group.to_owned(), (file, Instant::now()));
    }

    /// A group's file, which lies at this path.
    pub(super) fn of(&mut self, group: &str, path: &Path) -> io::Result<&File> {
        if !self.open.contains_key(group) {
            self.put(group, OpenOptions::new().append(true).open(path)?);
        }
        let Some((file, since)) = self.open.get_mut(group) else {
            return Err(io::Error::other("a file was closed at once"));
        };
        *since = Instant::now();
        Ok(file)
    }

    pub(super) fn close(&mut self, group: &str) {
        self.open.remove(group);
    }

    pub(super) fn close_idle(&mut self) {
        self.open.retain(|_, (_, since)| since.elapsed() < IDLE);
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }
}
