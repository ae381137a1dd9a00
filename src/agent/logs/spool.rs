//! The queue on disk: records wait here until rsyslog has read them, in files of each group's own.
//! rsyslog sees one file of a group at a time, and files of so many groups; the others' turn comes as these are read.
//! A group may fill half of what is left and no more, and the last part is for those that hold little: whoever floods the
//! queue leaves room for the others.
//! Not here: sending. rsyslog notes how far it read a file, and that note is what frees it.

use super::handles::{Handles, IDLE};
use super::progress::Progress;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// From this size on records go into the next file.
const PIECE: u64 = 4 << 20;
/// Files that rsyslog sees at a time: it holds each of them open.
const SHOWN: usize = 128;
/// The part of the queue that is kept for groups that hold little.
const RESERVE: u64 = 8;
/// How many groups that hold little have room in that part; with a queue of 1 GiB, little is 256 KiB.
const LITTLE: u64 = 512;

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
    handles: Handles,
    /// The groups with a file that rsyslog sees.
    shown: usize,
    /// The groups whose first file is to be shown, in turn.
    turns: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Queue {
    files: VecDeque<Waiting>,
    /// When the last file got a record; none if it is of the run before, and gets no more.
    added: Option<Instant>,
    /// Whether rsyslog sees the first file.
    shown: bool,
    size: u64,
}

#[derive(Debug)]
struct Waiting {
    name: String,
    inode: u64,
    size: u64,
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
            handles: Handles::default(),
            shown: 0,
            turns: VecDeque::new(),
        };
        for folder in [&spool.out, &spool.later] {
            fs::create_dir_all(folder)?;
        }
        let waited = records_in(&spool.later)?;
        let seen = records_in(&spool.out)?;
        let mut all: Vec<(&String, &Path)> =
            waited.difference(&seen).map(|name| (name, spool.later.as_path())).collect();
        all.extend(seen.iter().map(|name| (name, spool.out.as_path())));
        // By number, which is their age.
        all.sort();
        let mut files = Vec::new();
        for (name, folder) in all {
            files.extend(taken_up(&file_of(folder, name), name)?);
        }
        files.into_iter().for_each(|file| spool.count(file));
        spool.take_turns(&seen)?;
        spool.show()?;
        Ok(spool)
    }

    fn count(&mut self, file: Waiting) {
        let Some((number, group)) = file.name.split_once('-') else { return };
        self.next = self.next.max(number.parse().unwrap_or(0) + 1);
        self.used += file.size;
        let queue = self.queues.entry(group.to_owned()).or_default();
        queue.size += file.size;
        queue.files.push_back(file);
    }

    /// What rsyslog saw comes first, for it may have begun to read that; what is too much of it is put back.
    fn take_turns(&mut self, seen: &HashSet<String>) -> io::Result<()> {
        let mut firsts: Vec<(bool, &str, &String)> = Vec::new();
        for (group, queue) in &self.queues {
            firsts.extend(queue.files.front().map(|file| (!seen.contains(&file.name), file.name.as_str(), group)));
        }
        firsts.sort();
        let stay: HashSet<&str> = firsts.iter().take(SHOWN).map(|(_, name, _)| *name).collect();
        for name in seen.iter().filter(|name| !stay.contains(name.as_str())) {
            rename(&file_of(&self.out, name), &file_of(&self.later, name))?;
        }
        self.turns = firsts.into_iter().map(|(_, _, group)| group.clone()).collect();
        Ok(())
    }

    /// Whether a group may add a record.
    pub(super) fn has_room(&self, group: &str) -> bool {
        let own = self.queues.get(group).map_or(0, |queue| queue.size);
        let left = self.limit.saturating_sub(self.used);
        let reserve = self.limit / RESERVE;
        let kept = if own < reserve / LITTLE { 0 } else { reserve };
        own < left.saturating_sub(kept)
    }

    /// Adds a record, which is a line.
    pub(super) fn add(&mut self, group: &str, line: &str) -> io::Result<()> {
        if self.queues.get(group).is_none_or(|queue| self.ends(queue)) {
            self.begin(group)?;
        }
        let Some(queue) = self.queues.get_mut(group) else { return Err(io::Error::other("a group has no queue")) };
        let folder = if queue.shown && queue.files.len() == 1 { &self.out } else { &self.later };
        let Some(last) = queue.files.back_mut() else { return Err(io::Error::other("a queue has no file")) };
        let mut file = self.handles.of(group, &file_of(folder, &last.name))?;
        if let Err(error) = file.write_all(line.as_bytes()) {
            // What a full disk took of it is no record.
            file.set_len(last.size)?;
            return Err(error);
        }
        queue.added = Some(Instant::now());
        last.size += line.len() as u64;
        queue.size += line.len() as u64;
        self.used += line.len() as u64;
        Ok(())
    }

    /// Whether the last file of a queue gets no more: what rsyslog sees comes to its end while others wait for their turn.
    fn ends(&self, queue: &Queue) -> bool {
        let seen = queue.shown && queue.files.len() == 1;
        let full = queue.files.back().is_none_or(|file| file.size >= PIECE);
        full || queue.added.is_none() || (seen && !self.turns.is_empty())
    }

    /// Begins a file of a group.
    fn begin(&mut self, group: &str) -> io::Result<()> {
        let (waiting, file) = begin(&self.later, self.next, group)?;
        self.next += 1;
        self.handles.put(group, file);
        self.used += waiting.size;
        let queue = self.queues.entry(group.to_owned()).or_default();
        queue.size += waiting.size;
        queue.added = Some(Instant::now());
        queue.files.push_back(waiting);
        if queue.files.len() == 1 {
            self.turns.push_back(group.to_owned());
        }
        self.show()
    }

    /// Removes what rsyslog has read, and shows it what comes next.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        self.handles.close_idle();
        if self.queues.is_empty() {
            return Ok(());
        }
        let progress = Progress::of(&self.shipper)?;
        let others_wait = !self.turns.is_empty();
        for (group, queue) in self.queues.iter_mut().filter(|(_, queue)| queue.shown) {
            let Some(first) = queue.files.front() else { continue };
            let path = file_of(&self.out, &first.name);
            let ended = queue.files.len() > 1 || others_wait || queue.added.is_none_or(|at| at.elapsed() >= IDLE);
            if !ended || !progress.has_read(first.inode, &path, first.size) {
                continue;
            }
            fs::remove_file(&path)?;
            self.used -= first.size;
            queue.size -= first.size;
            queue.files.pop_front();
            queue.shown = false;
            self.shown -= 1;
            if queue.files.is_empty() {
                self.handles.close(group);
            } else {
                // Behind all that wait.
                self.turns.push_back(group.clone());
            }
        }
        self.queues.retain(|_, queue| !queue.files.is_empty());
        self.show()
    }

    /// Moves the first files of those whose turn it is to where rsyslog looks.
    fn show(&mut self) -> io::Result<()> {
        while self.shown < SHOWN {
            let Some(group) = self.turns.front() else { break };
            if let Some(queue) = self.queues.get_mut(group)
                && let Some(first) = queue.files.front()
            {
                rename(&file_of(&self.later, &first.name), &file_of(&self.out, &first.name))?;
                queue.shown = true;
                self.shown += 1;
            }
            self.turns.pop_front();
        }
        Ok(())
    }
}

fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.records"))
}

fn records_in(folder: &Path) -> io::Result<HashSet<String>> {
    let mut names = HashSet::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().and_then(|name| name.strip_suffix(".records")).map(str::to_owned));
    }
    Ok(names)
}

/// A file of the run before; one without a whole line goes, for rsyslog notes nothing of it.
fn taken_up(path: &Path, name: &str) -> io::Result<Option<Waiting>> {
    let size = whole_lines(path)?;
    if size == 0 {
        fs::remove_file(path)?;
        return Ok(None);
    }
    Ok(Some(Waiting { name: name.to_owned(), inode: fs::metadata(path)?.ino(), size }))
}

/// A file for records. It begins with a line of its own: rsyslog knows a file by its first 512 bytes.
fn begin(later: &Path, number: u64, group: &str) -> io::Result<(Waiting, File)> {
    let name = format!("{number:020}-{group}");
    let path = file_of(later, &name);
    let mut file = OpenOptions::new().append(true).create_new(true).open(&path)?;
    let line = format!("#{name}-{:016x}{:600}\n", fastrand::u64(..), "");
    if let Err(error) = file.write_all(line.as_bytes()) {
        fs::remove_file(&path)?;
        return Err(error);
    }
    let inode = file.metadata()?.ino();
    Ok((Waiting { name, inode, size: line.len() as u64 }, file))
}

/// Moves a file that may be there already.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
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

#[cfg(test)]
mod tests {
    use super::super::handles;
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

        /// As rsyslog notes that it has read all that it sees.
        fn read_all(&self) {
            for path in self.out() {
                self.read(&path, fs::metadata(&path).unwrap().len());
            }
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

    #[test]
    fn made_up_groups_take_neither_descriptors_nor_the_turn_of_others() {
        let place = Place::new();
        let mut spool = place.open(1 << 30);
        for number in 0..600 {
            spool.add(&format!("made-up-{number}"), LINE).unwrap();
        }
        spool.add("honest", LINE).unwrap();
        assert_eq!((place.out().len(), spool.handles.count()), (SHOWN, handles::OPEN));
        // Others wait, so what is shown gets no more: whoever writes on and on frees its place all the same.
        for number in 0..SHOWN {
            spool.add(&format!("made-up-{number}"), LINE).unwrap();
        }
        let mut rounds = 0;
        while !place.out().iter().any(|path| path.to_str().unwrap().ends_with("-honest.records")) {
            place.read_all();
            spool.settle().unwrap();
            assert!(place.out().len() == SHOWN && spool.handles.count() <= handles::OPEN);
            rounds += 1;
        }
        assert_eq!(rounds, 600 / SHOWN);
        // The next run holds to it, and goes on with what was shown.
        let shown = place.out();
        let mut spool = place.open(1 << 30);
        assert_eq!((place.out(), spool.handles.count()), (shown, 0));
        for _ in 0..3 {
            place.read_all();
            spool.settle().unwrap();
        }
        assert_eq!((place.out().len(), spool.used, spool.queues.len()), (0, 0, 0));
    }

    #[test]
    fn more_than_may_be_shown_is_put_back() {
        let place = Place::new();
        drop(place.open(1 << 30));
        for number in 0..300 {
            begin(&place.0.path().join("out"), number, &format!("group-{number}")).unwrap();
        }
        fs::write(place.0.path().join("out/00000000000000000300-empty.records"), "cut").unwrap();
        let mut spool = place.open(1 << 30);
        let out = place.out();
        assert_eq!((out.len(), spool.queues.len(), spool.turns.len()), (SHOWN, 300, 300 - SHOWN));
        assert!(out[0].to_str().unwrap().ends_with("00-group-0.records"), "{out:?}");
        for _ in 0..3 {
            place.read_all();
            spool.settle().unwrap();
        }
        assert_eq!((place.out().len(), spool.used), (0, 0));
    }

    #[test]
    fn a_file_that_was_closed_goes_on_where_it_ended() {
        let place = Place::new();
        let mut spool = place.open(1 << 30);
        spool.add("one", LINE).unwrap();
        for number in 0..handles::OPEN {
            spool.add(&format!("other-{number}"), LINE).unwrap();
        }
        assert_eq!(spool.handles.count(), handles::OPEN);
        spool.add("one", LINE).unwrap();
        let text = fs::read_to_string(&place.out()[0]).unwrap();
        assert!(text.ends_with(&LINE.repeat(2)) && text.len() as u64 == spool.queues["one"].size, "{text}");
    }

    #[test]
    fn many_floods_leave_room_for_who_holds_little() {
        let place = Place::new();
        let limit = 8 << 20;
        let mut spool = place.open(limit);
        let long = format!("{}\n", "x".repeat(4 << 10));
        for number in 0..60 {
            let group = format!("made-up-{number}");
            while spool.has_room(&group) {
                spool.add(&group, &long).unwrap();
            }
        }
        assert!(spool.has_room("honest"));
        spool.add("honest", LINE).unwrap();
        assert!(spool.has_room("honest"), "it holds little");
        assert!(spool.used < limit - limit / RESERVE / 2, "{}", spool.used);
    }
}
