//! The queue on disk: records wait here until rsyslog has read them, in files of each group's own.
//! rsyslog sees one file of each group at a time and takes some records of each in turn, so none waits behind another group's.
//! A group may fill half of what is left and no more: whoever floods the queue leaves room for the others.
//! Not here: sending. rsyslog notes how far it read a file, and that note is what frees it.

use super::record;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// From this size on records go into the next file.
const PIECE: u64 = 4 << 20;
/// How long a file without news is kept open, for each has to be looked at.
const IDLE: Duration = Duration::from_secs(5);

/// The files that wait.
#[derive(Debug)]
pub(super) struct Spool {
    out: PathBuf,
    later: PathBuf,
    shipper: PathBuf,
    limit: u64,
    used: u64,
    next: u64,
    queues: BTreeMap<String, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    files: VecDeque<Waiting>,
    open: Option<(File, Instant)>,
    size: u64,
}

#[derive(Debug)]
struct Waiting {
    name: String,
    inode: u64,
    size: u64,
}

/// What rsyslog notes of a file that it reads.
#[derive(Deserialize)]
struct Progress {
    filename: String,
    curr_offs: u64,
}

impl Spool {
    /// Takes up what the run before left; a record that was cut off is dropped, for its file was not noted as read.
    pub(super) fn open(folder: &Path, shipper: &Path, limit: u64, now_ms: u64) -> io::Result<Spool> {
        let (out, later) = (folder.join("out"), folder.join("later"));
        let mut spool = Spool {
            out,
            later,
            shipper: shipper.to_owned(),
            limit,
            used: 0,
            // Names never come back, whatever was removed.
            next: now_ms,
            queues: BTreeMap::new(),
        };
        for folder in [&spool.out, &spool.later] {
            fs::create_dir_all(folder)?;
        }
        let mut found = BTreeMap::new();
        for folder in [spool.later.clone(), spool.out.clone()] {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".records")) {
                    found.insert(name.to_owned(), entry.path());
                }
            }
        }
        // By number, which is their age.
        for (name, path) in found {
            let size = whole_lines(&path)?;
            let Some((number, group)) = name.split_once('-') else { continue };
            spool.next = spool.next.max(number.parse().unwrap_or(0) + 1);
            spool.used += size;
            let queue = spool.queues.entry(group.to_owned()).or_default();
            queue.size += size;
            queue.files.push_back(Waiting { name, inode: fs::metadata(&path)?.ino(), size });
        }
        for queue in spool.queues.values() {
            show_first(queue, &spool.out, &spool.later)?;
        }
        Ok(spool)
    }

    /// Whether a group may add a record.
    pub(super) fn has_room(&self, group: &str) -> bool {
        let own = self.queues.get(group).map_or(0, |queue| queue.size);
        own < self.limit.saturating_sub(self.used)
    }

    /// Adds a record, which is a line.
    pub(super) fn add(&mut self, group: &str, line: &str) -> io::Result<()> {
        let queue = self.queues.entry(group.to_owned()).or_default();
        if queue.open.is_none() || queue.files.back().is_none_or(|file| file.size >= PIECE) {
            let (waiting, file) = begin(&self.later, self.next, group)?;
            self.next += 1;
            self.used += waiting.size;
            queue.size += waiting.size;
            queue.open = Some((file, Instant::now()));
            queue.files.push_back(waiting);
            show_first(queue, &self.out, &self.later)?;
        }
        let (Some((file, since)), Some(last)) = (&mut queue.open, queue.files.back_mut()) else {
            return Err(io::Error::other("a queue has no file"));
        };
        if let Err(error) = file.write_all(line.as_bytes()) {
            // What a full disk took of it is no record.
            file.set_len(last.size)?;
            file.seek(SeekFrom::Start(last.size))?;
            return Err(error);
        }
        *since = Instant::now();
        last.size += line.len() as u64;
        queue.size += line.len() as u64;
        self.used += line.len() as u64;
        Ok(())
    }

    /// Removes what rsyslog has read, and shows it what comes next.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if self.queues.is_empty() {
            return Ok(());
        }
        let notes = notes_of(&self.shipper)?;
        for queue in self.queues.values_mut() {
            while let Some(first) = queue.files.front() {
                let path = self.out.join(format!("{}.records", first.name));
                let read = |note: &PathBuf| has_read(note, &path, first.size);
                let written =
                    queue.files.len() > 1 || queue.open.as_ref().is_none_or(|(_, since)| since.elapsed() >= IDLE);
                if !written || !notes.get(&first.inode).is_some_and(|notes| notes.iter().any(read)) {
                    break;
                }
                fs::remove_file(&path)?;
                self.used -= first.size;
                queue.size -= first.size;
                queue.files.pop_front();
                if queue.files.is_empty() {
                    queue.open = None;
                }
                show_first(queue, &self.out, &self.later)?;
            }
        }
        self.queues.retain(|_, queue| !queue.files.is_empty());
        Ok(())
    }
}

/// A file for records. It begins with a line of its own: rsyslog knows a file by its first 512 bytes.
fn begin(later: &Path, number: u64, group: &str) -> io::Result<(Waiting, File)> {
    let name = format!("{number:020}-{group}");
    let path = later.join(format!("{name}.records"));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let line = format!("#{name}-{:016x}{:600}\n", fastrand::u64(..), "");
    file.write_all(line.as_bytes())?;
    let inode = file.metadata()?.ino();
    Ok((Waiting { name, inode, size: line.len() as u64 }, file))
}

/// Moves the first file of a queue to where rsyslog looks, if it is not there.
fn show_first(queue: &Queue, out: &Path, later: &Path) -> io::Result<()> {
    let Some(first) = queue.files.front() else { return Ok(()) };
    let name = format!("{}.records", first.name);
    match fs::rename(later.join(&name), out.join(&name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Cuts a file behind its last whole line; its size then.
fn whole_lines(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    let mut end = size;
    let mut block = vec![0; 64 << 10];
    while end > 0 {
        let from = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - from) as usize];
        file.read_exact_at(part, from)?;
        if let Some(at) = part.iter().rposition(|&byte| byte == b'\n') {
            end = from + at as u64 + 1;
            break;
        }
        end = from;
    }
    if end < size {
        file.set_len(end)?;
    }
    Ok(end)
}

/// rsyslog's notes by the inode that each is about: `imfile-state:INODE:DIGEST`.
fn notes_of(shipper: &Path) -> io::Result<HashMap<u64, Vec<PathBuf>>> {
    let mut notes: HashMap<u64, Vec<PathBuf>> = HashMap::new();
    for entry in fs::read_dir(shipper)? {
        let entry = entry?;
        let name = entry.file_name();
        let inode = name.to_str().and_then(|name| name.strip_prefix("imfile-state:")?.split(':').next()?.parse().ok());
        if let Some(inode) = inode {
            notes.entry(inode).or_default().push(entry.path());
        }
    }
    Ok(notes)
}

fn has_read(note: &Path, path: &Path, size: u64) -> bool {
    let mut text = Vec::new();
    let read = File::open(note).and_then(|file| file.take(record::FIELDS as u64).read_to_end(&mut text));
    let note = read.ok().and_then(|_| serde_json::from_slice::<Progress>(&text).ok());
    note.is_some_and(|note| Path::new(&note.filename) == path && note.curr_offs >= size)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"message\":\"a record\"}\n";

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Place {
            let place = Place(tempfile::tempdir().unwrap());
            fs::create_dir(place.0.path().join("shipper")).unwrap();
            place
        }

        fn open(&self, limit: u64) -> Spool {
            Spool::open(self.0.path(), &self.0.path().join("shipper"), limit, 1).unwrap()
        }

        fn out(&self) -> Vec<PathBuf> {
            let mut files: Vec<_> =
                fs::read_dir(self.0.path().join("out")).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files
        }

        /// As rsyslog notes that it has read so much of a file.
        fn read(&self, path: &Path, offset: u64) {
            let inode = fs::metadata(path).unwrap().ino();
            let note = serde_json::json!({ "filename": path.to_str(), "curr_offs": offset });
            fs::write(self.0.path().join(format!("shipper/imfile-state:{inode}:ab")), note.to_string()).unwrap();
        }
    }

    #[test]
    fn whoever_floods_the_queue_leaves_room_for_others() {
        let place = Place::new();
        let mut spool = place.open(100_000);
        for group in ["first", "second", "third"] {
            let mut lines = 0;
            while spool.has_room(group) {
                spool.add(group, LINE).unwrap();
                lines += 1;
            }
            assert!(lines > 100, "{group}: {lines}");
        }
        assert!(spool.used < 100_000);
    }

    #[test]
    fn each_group_shows_one_file_at_a_time_and_what_is_read_goes() {
        let place = Place::new();
        let mut spool = place.open(1 << 30);
        let long = format!("{}\n", "x".repeat(1 << 20));
        (0..6).for_each(|_| spool.add("one", &long).unwrap());
        spool.add("two", LINE).unwrap();
        let [first, other] = place.out().try_into().unwrap();
        let size = fs::metadata(&first).unwrap().len();
        place.read(&first, size - 1);
        spool.settle().unwrap();
        assert!(first.exists());
        place.read(&first, size);
        spool.settle().unwrap();
        let [second, _] = place.out().try_into().unwrap();
        assert!(!first.exists() && other.exists() && second.to_str().unwrap().ends_with("-one.records"));
    }

    #[test]
    fn a_record_that_was_cut_off_is_dropped_and_the_rest_waits_on() {
        let place = Place::new();
        place.open(1 << 20).add("one", LINE).unwrap();
        let [file] = place.out().try_into().unwrap();
        let whole = fs::metadata(&file).unwrap().len();
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"message\":\"cut").unwrap();
        let mut spool = place.open(1 << 20);
        assert_eq!(fs::metadata(&file).unwrap().len(), whole);
        spool.add("one", LINE).unwrap();
        assert_eq!(place.out(), std::slice::from_ref(&file), "the older file comes first");
        place.read(&file, whole);
        spool.settle().unwrap();
        assert_eq!(place.out().len(), 1);
        assert!(!file.exists());
    }
}
