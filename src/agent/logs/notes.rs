//! How far each file was read, for the next start: by the number of its inode and by how the file begins.
//! A number is given anew once a file is gone; a file that begins otherwise is another one.
//! Not here: reading logs.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use words::digest::Sha256;

/// The file in the reader's folder.
const FILE: &str = "notes.json";
/// How many bytes tell a file from another that has its number.
const BEGINNING: usize = 256;
/// How long a file is remembered that is not seen.
const KEPT: Duration = Duration::from_secs(120);
/// Files that are followed in all.
const FILES: usize = 20_000;

/// Which file: the folder that is sure, and the inode's number in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) base: PathBuf,
    pub(super) inode: u64,
}

/// How far a file was read.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// The path under which it was written first.
    pub(super) live: String,
    /// The byte at which the next record begins.
    pub(super) offset: u64,
    /// Its size when it was last looked at, and since when it has that.
    pub(super) size: u64,
    pub(super) since: Instant,
    beginning: Beginning,
    seen: Instant,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Beginning {
    length: usize,
    digest: String,
}

/// All notes, and when they were last up to date.
#[derive(Debug)]
pub(super) struct Notes {
    file: PathBuf,
    notes: HashMap<Key, Note>,
    lives: HashSet<String>,
    /// Seconds since 1970 of the last turn of the run before; none if there was none.
    pub(super) until: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    until: u64,
    files: Vec<SavedNote>,
}

#[derive(Serialize, Deserialize)]
struct SavedNote {
    base: PathBuf,
    inode: u64,
    live: String,
    offset: u64,
    beginning: Beginning,
}

impl Note {
    pub(super) fn new(live: String) -> Note {
        let now = Instant::now();
        Note { live, offset: 0, size: 0, since: now, beginning: Beginning::default(), seen: now }
    }

    /// Holds a file against what is noted: one that is another by now, or was cut, is read from its start.
    pub(super) fn hold_against(&mut self, file: &File, size: u64) -> io::Result<()> {
        if size != self.size {
            self.size = size;
            self.since = Instant::now();
        }
        if size < self.offset || self.beginning != beginning(file, self.beginning.length)? {
            self.offset = 0;
            self.beginning = Beginning::default();
        }
        Ok(())
    }

    /// Goes on to a byte.
    pub(super) fn advance(&mut self, file: &File, offset: u64) -> io::Result<()> {
        self.offset = offset;
        if self.beginning.length < BEGINNING {
            self.beginning = beginning(file, BEGINNING.min(usize::try_from(offset).unwrap_or(BEGINNING)))?;
        }
        Ok(())
    }
}

fn beginning(file: &File, length: usize) -> io::Result<Beginning> {
    let mut bytes = [0; BEGINNING];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut bytes[read..length], read as u64)? {
            0 => break,
            count => read += count,
        }
    }
    let digest = if read == 0 { String::new() } else { Sha256::of(&bytes[..read]).to_string() };
    Ok(Beginning { length: read, digest })
}

impl Notes {
    /// The notes of the run before; what cannot be understood is as if it were not there, and all is read again.
    pub(super) fn read(folder: &Path) -> io::Result<Notes> {
        let file = folder.join(FILE);
        let saved = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice::<Saved>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let until = saved.as_ref().map(|saved| saved.until);
        let mut notes = Notes { file, notes: HashMap::new(), lives: HashSet::new(), until };
        for saved in saved.into_iter().flat_map(|saved| saved.files) {
            let note = Note { offset: saved.offset, beginning: saved.beginning, ..Note::new(saved.live) };
            notes.add(Key { base: saved.base, inode: saved.inode }, note);
        }
        Ok(notes)
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<&mut Note> {
        let note = self.notes.get_mut(key)?;
        note.seen = Instant::now();
        Some(note)
    }

    /// Whether another file can be followed.
    pub(super) fn has_room(&self) -> bool {
        self.notes.len() < FILES
    }

    pub(super) fn add(&mut self, key: Key, note: Note) {
        self.lives.insert(note.live.clone());
        self.notes.insert(key, note);
    }

    /// Whether some file was followed under this path.
    pub(super) fn knows(&self, live: &str) -> bool {
        self.lives.contains(live)
    }

    /// Forgets files that are gone, and writes down the others.
    pub(super) fn save(&mut self, now_seconds: u64) -> io::Result<()> {
        self.notes.retain(|_, note| note.seen.elapsed() < KEPT);
        self.lives = self.notes.values().map(|note| note.live.clone()).collect();
        let saved = |(key, note): (&Key, &Note)| SavedNote {
            base: key.base.clone(),
            inode: key.inode,
            live: note.live.clone(),
            offset: note.offset,
            beginning: note.beginning.clone(),
        };
        let saved = Saved { until: now_seconds, files: self.notes.iter().map(saved).collect() };
        let part = self.file.with_extension("part");
        fs::write(&part, serde_json::to_vec(&saved).map_err(io::Error::other)?)?;
        fs::rename(part, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_and_another_with_its_number_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        fs::write(&log, "2026-01-01 one\n2026-01-01 two\n").unwrap();
        let key = || Key { base: "/logs".into(), inode: 7 };
        let mut notes = Notes::read(folder.path()).unwrap();
        assert!(notes.until.is_none() && notes.get(&key()).is_none());
        let mut note = Note::new("/logs/a.log".to_owned());
        note.advance(&File::open(&log).unwrap(), 15).unwrap();
        notes.add(key(), note);
        notes.save(5).unwrap();

        let mut notes = Notes::read(folder.path()).unwrap();
        assert_eq!((notes.until, notes.knows("/logs/a.log")), (Some(5), true));
        let mut offset = |text: &str| {
            fs::write(&log, text).unwrap();
            let note = notes.get(&key()).unwrap();
            note.hold_against(&File::open(&log).unwrap(), text.len() as u64).unwrap();
            note.offset
        };
        assert_eq!(offset("2026-01-01 one\n2026-01-01 two and more\n"), 15);
        assert_eq!(offset("2026-01-02 another file that is longer\n"), 0);
    }

    #[test]
    fn damaged_notes_are_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"until\":5,\"files\":[{").unwrap();
        assert!(Notes::read(folder.path()).unwrap().until.is_none());
    }
}
