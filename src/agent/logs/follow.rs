//! Reads a piece of one file from where it was left: whole records, so many bytes in a turn and no more.
//! Holes are not read, however large: what nobody wrote is no text.
//! Not here: which files, and where records go.

use super::notes::Note;
use super::text;
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// What a file gives in a turn, unless one record is longer.
const WINDOW: u64 = 64 << 10;
/// A record is complete when nothing came behind it for so long.
const QUIET: Duration = Duration::from_secs(2);

/// Takes a record, or its beginning: how many bytes of it; none if there is no room.
pub(super) type Sink<'a> = dyn FnMut(&[u8]) -> Option<usize> + 'a;

/// Gives the next records of a file; whether more can be had at once.
pub(super) fn follow(file: &File, size: u64, note: &mut Note, longest: usize, sink: &mut Sink<'_>) -> io::Result<bool> {
    note.hold_against(file, size)?;
    let Some((start, end)) = written(file, note.offset, size) else { return Ok(false) };
    if start > note.offset {
        note.advance(file, start)?;
    }
    let ends = end < size || note.since.elapsed() >= QUIET;
    let mut bytes = Vec::new();
    for window in [WINDOW.min(longest as u64), longest as u64] {
        read(file, start, window.min(end - start), &mut bytes)?;
        if start + bytes.len() as u64 == end || text::record(&bytes, false, longest).is_some() {
            break;
        }
    }
    let complete = ends && start + bytes.len() as u64 == end;
    let mut at = 0;
    let mut room = true;
    while let Some(length) = text::record(&bytes[at..], complete, longest) {
        match sink(&bytes[at..at + length]) {
            Some(taken) => at += taken,
            None => {
                room = false;
                break;
            }
        }
    }
    note.advance(file, start + at as u64)?;
    Ok(room && at > 0 && note.offset < size)
}

/// Where the next bytes that somebody wrote begin and end; none if there are none yet.
fn written(file: &File, offset: u64, size: u64) -> Option<(u64, u64)> {
    let start = match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(start) => start,
        // A hole up to the end: somebody may still write into it.
        Err(Errno::NXIO) => return None,
        // A file system that knows no holes.
        Err(_) => offset,
    };
    let end = rustix::fs::seek(file, SeekFrom::Hole(start)).unwrap_or(size).min(size);
    (start < end).then_some((start, end))
}

fn read(file: &File, start: u64, length: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut at = bytes.len();
    bytes.resize(length as usize, 0);
    while at < bytes.len() {
        match file.read_at(&mut bytes[at..], start + at as u64)? {
            0 => break,
            count => at += count,
        }
    }
    bytes.truncate(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::Path;
    use std::time::Instant;

    const LONGEST: usize = 100_000;

    fn turn(path: &Path, note: &mut Note) -> (Vec<Vec<u8>>, bool) {
        let file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        let mut records = Vec::new();
        let more = follow(&file, size, note, LONGEST, &mut |record| {
            records.push(record.to_vec());
            Some(record.len())
        });
        (records, more.unwrap())
    }

    fn quiet(note: &mut Note) {
        note.since = Instant::now().checked_sub(QUIET).unwrap();
    }

    #[test]
    fn the_last_record_waits_for_its_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "2026-01-01 00:00:00 a\n\tat b\n2026-01-01 00:00:01 c\n").unwrap();
        let mut note = Note::new("one".to_owned(), "/a.log".to_owned());
        assert_eq!(turn(&path, &mut note).0, [b"2026-01-01 00:00:00 a\n\tat b\n"]);
        assert!(turn(&path, &mut note).0.is_empty());
        quiet(&mut note);
        assert_eq!(turn(&path, &mut note).0, [b"2026-01-01 00:00:01 c\n"]);
        // Written anew under its name, shorter.
        fs::write(&path, "2026-01-01 00:00:02 d\n").unwrap();
        turn(&path, &mut note);
        quiet(&mut note);
        assert_eq!(turn(&path, &mut note).0, [b"2026-01-01 00:00:02 d\n"]);
    }

    #[test]
    fn a_hole_of_a_hundred_gigabytes_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "before\n").unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.set_len(100 << 30).unwrap();
        let mut note = Note::new("one".to_owned(), "/a.log".to_owned());
        let (records, _) = turn(&path, &mut note);
        assert!(records[0].starts_with(b"before\n\0") && records[0].len() <= LONGEST && records.len() == 1);
        assert_eq!(turn(&path, &mut note), (Vec::new(), false));
        file.write_all(b"after\n").unwrap();
        turn(&path, &mut note);
        quiet(&mut note);
        let (records, _) = turn(&path, &mut note);
        let text: Vec<u8> = records.concat().into_iter().filter(|&byte| byte != 0).collect();
        assert_eq!(text, b"after\n");
    }

    #[test]
    fn a_line_without_an_end_comes_in_bounded_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, vec![b'x'; 10 * LONGEST + 5]).unwrap();
        let mut note = Note::new("one".to_owned(), "/a.log".to_owned());
        for piece in 1..=10_u64 {
            let (records, more) = turn(&path, &mut note);
            assert_eq!((records.len(), records[0].len(), more), (1, LONGEST, true), "{piece}");
        }
        assert_eq!(turn(&path, &mut note), (Vec::new(), false));
    }
}
