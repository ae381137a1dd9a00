//! How far each file was read, for the next start: by the number of its inode, its birth, and how the file begins.
//! A number is given anew as soon as a file is gone, and what is new may begin alike; but it was born later.
//! Not here: reading logs.

use disk::replace;
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
/// How many bytes tell a file from what it is once it was written anew.
const BEGINNING: usize = 256;
/// How long a file is remembered that is not seen.
const KEPT: Duration = Duration::from_secs(120);
/// Files that are followed in all, and of one group.
const FILES: usize = 20_000;
const OF_GROUP: usize = 1_000;
/// The part of all that is kept for groups that have few.
const RESERVE: usize = FILES / 4;
const FEW: usize = 16;

/// Which file: the folder that is sure, the inode's number in it, and what tells the file from others with that number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) base: PathBuf,
    pub(super) inode: u64,
    pub(super) mark: Mark,
}

/// What a later file with the same number has not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mark {
    /// When it was made: seconds since 1970, and nanoseconds. It has this under every name.
    Born(i64, u32),
    /// The path under which it was written first, where the file system does not know when a file was made.
    Live(String),
}

/// How far a file was read.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// Whose share it is of.
    group: String,
    /// The path under which it was written first.
    pub(super) live: String,
    /// The byte at which the next record begins.
    pub(super) offset: u64,
    /// Its size when it was last looked at, and since when it has that.
    pub(super) size: u64,
    pub(super) since: Instant,
    beginning: Beginning,
    seen: Instant,
    /// Whether it is otherwise than it was written down.
    changed: bool,
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
    /// How many are of each group.
    groups: HashMap<String, usize>,
    /// Whether there are others than were written down.
    changed: bool,
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
    #[serde(default)]
    group: String,
    base: PathBuf,
    inode: u64,
    mark: Mark,
    live: String,
    offset: u64,
    beginning: Beginning,
}

impl Note {
    pub(super) fn new(group: String, live: String) -> Note {
        let now = Instant::now();
        let beginning = Beginning::default();
        Note { group, live, offset: 0, size: 0, since: now, beginning, seen: now, changed: true }
    }

    /// Holds a file against what is noted: one that was written anew, or was cut, is read from its start.
    pub(super) fn hold_against(&mut self, file: &File, size: u64) -> io::Result<()> {
        if size != self.size {
            self.size = size;
            self.since = Instant::now();
        }
        if size < self.offset || self.beginning != beginning(file, self.beginning.length)? {
            self.offset = 0;
            self.beginning = Beginning::default();
            self.changed = true;
        }
        Ok(())
    }

    /// Goes on to a byte.
    pub(super) fn advance(&mut self, file: &File, offset: u64) -> io::Result<()> {
        self.changed |= self.offset != offset;
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
        let (lives, groups) = (HashSet::new(), HashMap::new());
        let mut notes = Notes { file, notes: HashMap::new(), lives, groups, changed: true, until };
        for saved in saved.into_iter().flat_map(|saved| saved.files) {
            let note = Note { offset: saved.offset, beginning: saved.beginning, ..Note::new(saved.group, saved.live) };
            notes.add(Key { base: saved.base, inode: saved.inode, mark: saved.mark }, note);
        }
        Ok(notes)
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<&mut Note> {
        let note = self.notes.get_mut(key)?;
        note.seen = Instant::now();
        Some(note)
    }

    /// The files of a group that are followed.
    pub(super) fn count(&self, group: &str) -> usize {
        self.groups.get(group).copied().unwrap_or_default()
    }

    /// Whether another file of a group can be followed.
    pub(super) fn has_room(&self, group: &str) -> bool {
        let own = self.count(group);
        let kept = if own < FEW { 0 } else { RESERVE };
        own < OF_GROUP && self.notes.len() + kept < FILES
    }

    pub(super) fn add(&mut self, key: Key, note: Note) {
        self.changed = true;
        self.lives.insert(note.live.clone());
        *self.groups.entry(note.group.clone()).or_default() += 1;
        self.notes.insert(key, note);
    }

    /// Whether some file was followed under this path.
    pub(super) fn knows(&self, live: &str) -> bool {
        self.lives.contains(live)
    }

    /// Forgets files that are gone, and writes down the others if anything is new.
    pub(super) fn save_what_changed(&mut self, now_seconds: u64) -> io::Result<()> {
        self.forget();
        if !self.changed && !self.notes.values().any(|note| note.changed) {
            return Ok(());
        }
        self.save(now_seconds)
    }

    fn forget(&mut self) {
        let before = self.notes.len();
        self.notes.retain(|_, note| note.seen.elapsed() < KEPT);
        if self.notes.len() == before {
            return;
        }
        self.changed = true;
        self.lives = self.notes.values().map(|note| note.live.clone()).collect();
        self.groups.clear();
        for note in self.notes.values() {
            *self.groups.entry(note.group.clone()).or_default() += 1;
        }
    }

    /// Writes down all.
    pub(super) fn save(&mut self, now_seconds: u64) -> io::Result<()> {
        let saved = |(key, note): (&Key, &Note)| SavedNote {
            group: note.group.clone(),
            base: key.base.clone(),
            inode: key.inode,
            mark: key.mark.clone(),
            live: note.live.clone(),
            offset: note.offset,
            beginning: note.beginning.clone(),
        };
        let saved = Saved { until: now_seconds, files: self.notes.iter().map(saved).collect() };
        replace::replace_own(&self.file, &serde_json::to_vec(&saved).map_err(io::Error::other)?)?;
        self.changed = false;
        self.notes.values_mut().for_each(|note| note.changed = false);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_again_and_one_that_was_written_anew_or_has_its_number_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        fs::write(&log, "2026-01-01 one\n2026-01-01 two\n").unwrap();
        let key = || Key { base: "/logs".into(), inode: 7, mark: Mark::Born(5, 0) };
        let mut notes = Notes::read(folder.path()).unwrap();
        assert!(notes.until.is_none() && notes.get(&key()).is_none());
        let mut note = Note::new("one".to_owned(), "/logs/a.log".to_owned());
        note.advance(&File::open(&log).unwrap(), 15).unwrap();
        notes.add(key(), note);
        notes.save(5).unwrap();

        let mut notes = Notes::read(folder.path()).unwrap();
        assert_eq!((notes.until, notes.knows("/logs/a.log")), (Some(5), true));
        for mark in [Mark::Born(5, 1), Mark::Live("/logs/a.log".to_owned())] {
            assert!(notes.get(&Key { mark, ..key() }).is_none());
        }
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
    fn what_was_written_once_can_always_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../../tests/fixtures/formats/log-notes-1.json").trim_end();
        fs::write(folder.path().join(FILE), text).unwrap();
        let mut notes = Notes::read(folder.path()).unwrap();
        assert_eq!((notes.until, notes.count("yarn-application_1_0002")), (Some(1_700_000_000), 1));
        notes.save(1_700_000_000).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).unwrap(), text);
    }

    #[test]
    fn damaged_notes_are_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{\"until\":5,\"files\":[{").unwrap();
        assert!(Notes::read(folder.path()).unwrap().until.is_none());
    }

    fn fill(notes: &mut Notes, group: &str) -> usize {
        let mut count = 0;
        while notes.has_room(group) {
            let key = Key { base: "/logs".into(), inode: notes.notes.len() as u64, mark: Mark::Born(5, 0) };
            notes.add(key, Note::new(group.to_owned(), format!("/logs/{group}/{count}.log")));
            count += 1;
        }
        count
    }

    #[test]
    fn each_group_has_a_share_of_the_notes() {
        let folder = tempfile::tempdir().unwrap();
        let mut notes = Notes::read(folder.path()).unwrap();
        assert_eq!(fill(&mut notes, "first"), OF_GROUP);
        for number in 0..100 {
            fill(&mut notes, &format!("made-up-{number}"));
        }
        assert_eq!(fill(&mut notes, "honest"), FEW);
        // The next run counts them as well.
        notes.save(5).unwrap();
        let mut notes = Notes::read(folder.path()).unwrap();
        assert_eq!((fill(&mut notes, "first"), fill(&mut notes, "other")), (0, FEW));
    }

    #[test]
    fn notes_are_written_when_something_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (log, file) = (folder.path().join("a.log"), folder.path().join(FILE));
        fs::write(&log, "one\ntwo\n").unwrap();
        let log = File::open(&log).unwrap();
        let key = || Key { base: "/logs".into(), inode: 7, mark: Mark::Born(5, 0) };
        let mut notes = Notes::read(folder.path()).unwrap();
        notes.add(key(), Note::new("one".to_owned(), "/logs/a.log".to_owned()));
        let mut written = |change: &dyn Fn(&mut Note)| {
            notes.save_what_changed(5).unwrap();
            fs::remove_file(&file).unwrap();
            let note = notes.get(&key()).unwrap();
            change(note);
            notes.save_what_changed(6).unwrap();
            let written = file.exists();
            notes.save(7).unwrap();
            notes.changed = true;
            written
        };
        assert!(!written(&|_| {}));
        assert!(written(&|note| note.advance(&log, 4).unwrap()));
        assert!(!written(&|note| note.advance(&log, 4).unwrap()));
        assert!(written(&|note| note.hold_against(&log, 3).unwrap()));
        assert!(!written(&|note| note.seen = Instant::now()));
    }
}
