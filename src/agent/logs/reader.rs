//! The loop: each turn looks at every file once, takes a piece of those that have grown, and notes how far it came.
//! What a signal asks for happens between two turns, so a stop loses and repeats nothing.
//! Not here: how a file is opened, read and queued.

use super::config::{Config, Source};
use super::follow::follow;
use super::glob;
use super::notes::{Key, Mark, Note, Notes};
use super::record::{self, Origin};
use super::spool::Spool;
use super::walk::{Folder, Refused, Walk, born_of, plain};
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
    /// Groups with more files than are followed, lately, and those of which that was said.
    crowded: BTreeSet<String>,
    said: BTreeSet<String>,
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
            crowded: BTreeSet::new(),
            said: BTreeSet::new(),
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
            self.failed = self.notes.save_what_changed(began).err().or(self.failed.take());
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
        let live_path = folder.join(live);
        let mark = mark(folder.born(name), &live_path);
        let key = Key { base: source.base.clone(), inode: stat.st_ino, mark };
        let known = self.notes.get(&key).is_some();
        // Nothing is noted of what nobody wrote yet: such files cost nothing.
        if !known && (stat.st_size == 0 || live != text && !self.rolled(&live_path, &stat)) {
            return false;
        }
        if !self.follows_another(folder.group, known) {
            self.crowded.insert(folder.group.to_owned());
            return false;
        }
        if !known {
            self.notes.add(key.clone(), Note::new(folder.group.to_owned(), live_path));
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

    /// Whether a file of a group has room in this turn and, if it is not known, in the notes.
    fn follows_another(&mut self, group: &str, known: bool) -> bool {
        let files = self.files.entry(group.to_owned()).or_default();
        *files += 1;
        *files <= FILES && (known || self.notes.has_room(group))
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
        if stat.st_ino != key.inode || mark(born_of(&file), &note.live) != key.mark {
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
        let crowded = std::mem::take(&mut self.crowded);
        if let Some(last) = crowded.difference(&self.said).last() {
            let count = crowded.difference(&self.said).count();
            log::line(Level::Warn, "files above a group's share are not read", &[("groups", &count), ("last", last)]);
        }
        self.said = crowded;
        for group in std::mem::take(&mut self.full) {
            log::line(Level::Warn, "its share of the queue is full; its files wait", &[("of", &group)]);
        }
        if let Some(error) = &self.failed {
            log::line(Level::Warn, "records cannot be queued", &[("why", error)]);
        }
    }
}

fn mark(born: Option<(i64, u32)>, live: &str) -> Mark {
    born.map_or_else(|| Mark::Live(live.to_owned()), |(seconds, part)| Mark::Born(seconds, part))
}

#[cfg(test)]
mod tests {
    use super::super::config;
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use words::problem::Source as Text;

    fn config(root: &Path) -> Config {
        for name in ["queue", "shipper", "logs"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let at = |name: &str| root.join(name).display().to_string();
        let text = format!(
            "node = \"one\"\nfolder = \"{}\"\nshipper = \"{}\"\nqueue = \"64m\"\nrecord = \"256k\"\n\
             [[source]]\ntag = \"yarn\"\npaths = [\"{}/application_*/*.log\"]\n",
            at("queue"),
            at("shipper"),
            at("logs"),
        );
        config::parse(Text { file: "jobs.toml", text: &text }).unwrap()
    }

    fn write(root: &Path, group: &str, count: usize, text: &str) {
        let folder = root.join("logs").join(group);
        fs::create_dir_all(&folder).unwrap();
        (0..count).for_each(|number| fs::write(folder.join(format!("{number}.log")), text).unwrap());
    }

    #[test]
    fn a_job_with_ever_so_many_files_does_not_hide_the_files_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let config = config(root);
        write(root, "application_empty", 2 * FILES, "");
        write(root, "application_many", FILES + 20, "2026-01-01 00:00 one\n2026-01-01 00:00 two\n");
        let mut reader = Reader::open(&config).unwrap();
        reader.turn();
        assert!(reader.notes.count("yarn-application_empty") == 0 && reader.failed.is_none());
        assert_eq!(reader.notes.count("yarn-application_many"), FILES);
        assert_eq!(Vec::from_iter(&reader.crowded), ["yarn-application_many"]);
        write(root, "application_other", 3, "2026-01-01 00:00 one\n2026-01-01 00:00 two\n");
        reader.turn();
        assert_eq!(reader.notes.count("yarn-application_other"), 3);
        let queued = fs::read_dir(root.join("queue/out")).unwrap();
        let mut names = queued.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.any(|name| name.ends_with("-yarn-application_other.records")));
        // Said once, and no more while it stays so.
        for crowded in [1, 0] {
            assert_eq!(reader.crowded.difference(&reader.said).count(), crowded);
            reader.told = Instant::now().checked_sub(TOLD).unwrap();
            reader.tell();
            reader.turn();
        }
    }

    /// A file in a folder, with this inode if the file system gives it anew.
    fn write_with_inode(folder: &Path, inode: u64, text: &str) -> bool {
        fs::create_dir_all(folder).unwrap();
        let mut others = Vec::new();
        let given = (0..1000).find_map(|number| {
            let path = folder.join(format!("{number}.log"));
            fs::write(&path, "").unwrap();
            let same = fs::metadata(&path).unwrap().ino() == inode;
            others.push(path.clone());
            same.then_some(path)
        });
        others.iter().filter(|path| given.as_ref() != Some(path)).for_each(|path| fs::remove_file(path).unwrap());
        given.is_some_and(|path| fs::write(path, text).is_ok())
    }

    #[test]
    fn a_file_with_the_number_of_one_that_is_gone_is_another_though_it_begins_alike() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let config = config(root);
        let text = "2026-01-01 00:00 one\n2026-01-01 00:00 two\n";
        let mut reader = Reader::open(&config).unwrap();
        // Another file of this machine may be quicker to get the inode.
        let given = (0..5).any(|attempt| {
            let before = format!("application_before{attempt}");
            write(root, &before, 1, text);
            let folder = root.join("logs").join(before);
            let inode = fs::metadata(folder.join("0.log")).unwrap().ino();
            reader.turn();
            fs::remove_dir_all(folder).unwrap();
            write_with_inode(&root.join("logs/application_after"), inode, text)
        });
        if !given {
            return writeln!(io::stderr(), "left out: this file system gives no inode anew").unwrap();
        }
        reader.turn();
        let queued = fs::read_dir(root.join("queue/out")).unwrap().map(|entry| entry.unwrap().path());
        let of_after = queued.filter(|path| path.to_string_lossy().ends_with("-yarn-application_after.records"));
        let records: Vec<String> = of_after.map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(records.len(), 1, "all of it is read");
        assert!(records[0].contains("00:00 one") && records[0].contains("/application_after/"), "{}", records[0]);
        assert!(!records[0].contains("/application_before"), "{}", records[0]);
        assert_eq!((reader.notes.count("yarn-application_after"), reader.turn()), (1, false));
    }
}
