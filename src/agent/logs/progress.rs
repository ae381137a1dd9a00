//! How far rsyslog has read the queue's files: its own notes, one file each, of which only what counts is read.
//! A note is believed only for the file whose path and inode it tells.
//! Not here: what happens to a file that was read.

use super::record;
use serde::Deserialize;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// rsyslog's notes by the inode that each is about.
pub(super) struct Progress(HashMap<u64, Vec<PathBuf>>);

#[derive(Deserialize)]
struct Note {
    filename: String,
    curr_offs: u64,
}

impl Progress {
    /// The notes in rsyslog's folder: `imfile-state:INODE:DIGEST`.
    pub(super) fn of(shipper: &Path) -> io::Result<Progress> {
        let mut notes: HashMap<u64, Vec<PathBuf>> = HashMap::new();
        for entry in fs::read_dir(shipper)? {
            let entry = entry?;
            let name = entry.file_name();
            let inode =
                name.to_str().and_then(|name| name.strip_prefix("imfile-state:")?.split(':').next()?.parse().ok());
            if let Some(inode) = inode {
                notes.entry(inode).or_default().push(entry.path());
            }
        }
        Ok(Progress(notes))
    }

    /// Whether a file was read up to this size.
    pub(super) fn has_read(&self, inode: u64, path: &Path, size: u64) -> bool {
        let read = |note: &PathBuf| {
            note_in(note).is_some_and(|note| Path::new(&note.filename) == path && note.curr_offs >= size)
        };
        self.0.get(&inode).is_some_and(|notes| notes.iter().any(read))
    }
}

fn note_in(path: &Path) -> Option<Note> {
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(record::FIELDS as u64).read_to_end(&mut text)).ok()?;
    serde_json::from_slice(&text).ok()
}
