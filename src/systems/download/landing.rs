//! The file that is being filled from its beginning, with the digest of what is in it.
//! Opening one takes up what an earlier run left: only the part that has no holes.
//! Not here: where bytes come from.

use super::{Error, journal};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use words::digest::Hasher;
use words::event::{Event, Tell};

/// Large enough to keep a fast disk and a fast network busy, small enough for dozens at once.
pub(super) const BUFFER: usize = 128 * 1024;

/// The file, and what is known of its bytes.
pub(super) struct Landing {
    path: PathBuf,
    file: File,
    hasher: Hasher,
}

impl Landing {
    pub fn open(path: &Path, tell: Tell) -> io::Result<Landing> {
        let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
        if let Some(known) = journal::read(path) {
            file.set_len(known.prefix())?;
        }
        journal::remove(path)?;
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        tell(Event::Bytes(hasher.size()));
        Ok(Landing { path: path.to_owned(), file, hasher })
    }

    /// How many bytes are in it.
    pub fn size(&self) -> u64 {
        self.hasher.size()
    }

    /// The digest of what is in it.
    pub fn hasher(&self) -> Hasher {
        self.hasher.clone()
    }

    /// Empties it.
    pub fn restart(&mut self, tell: Tell) -> Result<(), Error> {
        tell(Event::Lost(self.hasher.size()));
        self.hasher = Hasher::default();
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8], tell: Tell) -> Result<(), Error> {
        let written = |source| Error::Write { path: self.path.clone(), source };
        self.file.write_all(bytes).map_err(written)?;
        self.hasher.update(bytes);
        tell(Event::Bytes(bytes.len() as u64));
        Ok(())
    }
}
