//! The loop: each turn looks at every file once, takes a piece of those that have grown, and notes how far it came.
//! What a signal asks for happens between two turns, so a stop loses and repeats nothing.
//! Not here: how a file is opened, read and queued.

use super::config::{Config, Source};
use super::follow::follow;
use super::glob;
use super::notes::{Key, Note, Notes};
use super::record::{self, Origin};
use super::spool::Spool;
use super::walk::{Folder, Refused, Walk, plain};
use crate::clock::now_ms;
use crate::log::{self, Level};
use rustix::fs::Stat;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// From one look to the next.
const INTERVAL: Duration = Duration::from_secs(1);
/// How soon a signal is heeded.
const NAP: Duration = Duration::from_millis(100);
/// Files of one group that are followed.
const FILES: usize = 1_000;
/// From one word on what is refused to the next.
const TOLD: Duration = Duration::from_secs(60);

/// Why logs are not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the run before left cannot be taken up, or a signal cannot be heard.
    #[error("cannot take up the log queue in {}", folder.display())]
    Start { folder: PathBuf, source: io::Error },
    /// Where it came to cannot be written down; the next start repeats some records.
    #[error("cannot note in {} how far logs were read", folder.display())]
    Save { folder: PathBuf, source: io::Error },
}

/// Reads until SIGTERM or SIGINT.
pub fn run(config: &Config) -> Result<(), Error> {
    let start = |source| Error::Start { folder: config.folder.clone(), source };
    let stopped = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, stopped.clone()).map_err(start)?;
    }
    let mut reader = Reader::open(config).map_err(start)?;
    while !stopped.load(Ordering::Relaxed) {
        let began = Instant::now();
        if reader.turn() {
            continue;
        }
        while began.elapsed() < INTERVAL && !stopped.load(Ordering::Relaxed) {
            thread::sleep(NAP);
        }
    }
    reader.save().map_err(|source| Error::Save { folder: config.folder.clone(), source })
}

/// What lasts from turn to turn.
struct Reader<'a> {
    config: &'a Config,
    notes: Notes,
    spool: Spool,
    saved: Instant,
    told: Instant,
    refused: Refused,
    full: BTreeSet<String>,
    failed: Option<io::Error>,
    /// Files of each group that were followed in this turn.
    files: HashMap<String, usize>,
}

impl<'a> Reader<'a> {
    fn open(config: &'a Config) -> io::Result<Reader<'a>> {
        Ok(Reader {
            config,
            notes: Notes::read(&config.folder)?,
            spool: Spool::open(&config.folder, &config.shipper, config.queue, now_ms())?,
            saved: Instant::now(),
            told: Instant::now(),
            refused: Refused::default(),
            full: BTreeSet::new(),
            failed: None,
            files: HashMap::new(),
        })
    }

    /// Whether more can be had at once.
    fn turn(&mut self) -> bool {
        let began = now_ms() / 1000;
        self.failed = self.spool.settle().err();
        self.files.clear();
        let mut more = false;
        let mut refused = std::mem::take(&mut self.refused);
        for source in &self.config.sources {
            Walk::new(source, &mut refused).run(&mut |folder, name, refused| {
                more |= self.visit(source, folder, name, refused);
            });
        }
        self.refused = refused;
        self.notes.until = Some(began);
        if self.saved.elapsed() >= INTERVAL {
            self.saved = Instant::now();
            self.failed = self.save().err().or(self.failed.take());
        }
        self.tell();
        more && self.failed.is_none()
    }

    fn save(&mut self) -> io::Result<()> {
        self.notes.save(self.notes.until.unwrap_or_default())
    }

    fn visit(&mut self, source: &Source, folder: &Folder<'_>, name: &OsStr, refused: &mut Refused) -> bool {
        let text = plain(name);
        let Some(live) = glob::live(&source.files, &text) else { return false };
        let Some(stat) = folder.stat(name) else { return false };
        if let Some(why) = folder.refuses(&stat) {
            refused.add(&folder.join(&text), why);
            return false;
        }
        let key = Key { base: source.base.clone(), inode: stat.st_ino };
        if self.notes.get(&key).is_none() {
            let live_path = folder.join(live);
            if live != text && !self.rolled(&live_path, &stat) {
                return false;
            }
            if !self.notes.has_room() {
                refused.add(&folder.join(&text), "too many files in all");
                return false;
            }
            self.notes.add(key.clone(), Note::new(live_path));
        }
        let files = self.files.entry(folder.group.to_owned()).or_default();
        *files += 1;
        if *files > FILES {
            refused.add(&folder.join(&text), "too many files");
            return false;
        }
        match self.read(source, folder, name, &key, stat.st_size as u64) {
            Ok(more) => more,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                refused.add(&folder.join(&text), &error.to_string());
                false
            }
        }
    }

    /// Whether a file that was not known rolled since the last turn. A clock and a file system count seconds apart.
    fn rolled(&self, live: &str, stat: &Stat) -> bool {
        let recent = |until| stat.st_mtime as u64 + 2 >= until;
        self.notes.knows(live) && self.notes.until.is_some_and(recent)
    }

    fn read(&mut self, source: &Source, folder: &Folder<'_>, name: &OsStr, key: &Key, size: u64) -> io::Result<bool> {
        let Some(note) = self.notes.get(key) else { return Ok(false) };
        if note.size == size && note.offset == size {
            return Ok(false);
        }
        if !self.spool.has_room(folder.group) {
            self.full.insert(folder.group.to_owned());
            return Ok(false);
        }
        let (file, stat) = folder.open(name)?;
        if stat.st_ino != key.inode {
            return Ok(false);
        }
        let Config { node, record: longest, .. } = self.config;
        let origin = Origin { node: node.clone(), source: source.tag.clone(), path: note.live.clone() };
        let (spool, failed) = (&mut self.spool, &mut self.failed);
        follow(&file, stat.st_size as u64, note, *longest, &mut |bytes| {
            let (line, taken) = record::line(&origin, now_ms(), bytes, *longest);
            let Some(line) = line else { return Some(taken) };
            if !spool.has_room(folder.group) {
                return None;
            }
            match spool.add(folder.group, &line) {
                Ok(()) => Some(taken),
                Err(error) => {
                    *failed = Some(error);
                    None
                }
            }
        })
    }

    /// Says now and then what is not read: whoever makes such names must not fill the journal.
    fn tell(&mut self) {
        if self.told.elapsed() < TOLD {
            return;
        }
        self.told = Instant::now();
        if let Some(last) = self.refused.last.take() {
            log::line(Level::Warn, "names are not read", &[("looks", &self.refused.count), ("last", &last)]);
            self.refused = Refused::default();
        }
        for group in std::mem::take(&mut self.full) {
            log::line(Level::Warn, "its share of the queue is full; its files wait", &[("of", &group)]);
        }
        if let Some(error) = &self.failed {
            log::line(Level::Warn, "records cannot be queued", &[("why", error)]);
        }
    }
}
