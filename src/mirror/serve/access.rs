//! The access log: a line for each answer in the combined format, written when the last of its bytes went, or cannot go any more.
//! A line holds no query, no user and no control character; what a client sends cannot forge another line.
//! Not here: what is answered.

use httpdate::fmt_http_date;
use hyper::header::USER_AGENT;
use hyper::http::request::Parts;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// No path or program's name is longer in the log than this many characters.
const LONGEST: usize = 1024;

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To standard error, where systemd's journal takes it.
    Stderr,
    /// To the end of a file.
    File(PathBuf),
}

/// An open log.
pub(super) struct Log {
    place: Place,
    file: Mutex<File>,
}

/// A line that is written when it is dropped.
pub(super) struct Entry {
    log: Arc<Log>,
    begin: String,
    agent: String,
    sent: AtomicU64,
}

impl Log {
    /// Opens it.
    pub(super) fn open(place: Place) -> io::Result<Log> {
        Ok(Log { file: Mutex::new(place.open()?), place })
    }

    /// Opens it anew, after somebody has moved the file away. The old file is used until that works.
    pub(super) fn reopen(&self) -> io::Result<()> {
        let file = self.place.open()?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }

    /// What will be noted of an answer.
    pub(super) fn entry(self: &Arc<Log>, client: IpAddr, request: &Parts, status: u16) -> Entry {
        let (method, version) = (request.method.as_str(), request.version);
        let path = printable(request.uri.path().as_bytes());
        let time = time(SystemTime::now());
        let begin = format!("{client} - - [{time}] \"{} {path} {version:?}\" {status}", printable(method.as_bytes()));
        let agent = request.headers.get(USER_AGENT).map_or("-".to_owned(), |agent| printable(agent.as_bytes()));
        Entry { log: self.clone(), begin, agent, sent: AtomicU64::new(0) }
    }
}

impl Place {
    fn open(&self) -> io::Result<File> {
        match self {
            Place::Stderr => Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?)),
            Place::File(path) => OpenOptions::new().append(true).create(true).open(path),
        }
    }
}

impl Entry {
    /// So many bytes of the answer's body have gone.
    pub(super) fn sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let line = format!("{} {} \"-\" \"{}\"\n", self.begin, self.sent.get_mut(), self.agent);
        // A full disk must not end the service; the line is lost.
        let _ = self.log.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

/// The log's form of a time: `24/Nov/2026:10:00:00 +0000`.
fn time(now: SystemTime) -> String {
    let date = fmt_http_date(now);
    match date.split(' ').collect::<Vec<_>>()[..] {
        [_, day, month, year, clock, _] => format!("{day}/{month}/{year}:{clock} +0000"),
        _ => date,
    }
}

/// Plain ASCII; everything else, quotes and backslashes are written as `\xNN`.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(LONGEST)] {
        match byte {
            b'"' | b'\\' => drop(write!(text, "\\x{byte:02X}")),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => drop(write!(text, "\\x{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;
    use std::time::Duration;

    #[test]
    fn a_line_is_one_line_and_tells_no_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = Arc::new(Log::open(Place::File(path.clone())).unwrap());
        let request = Request::get("http://user:secret@mirror.example/a%0Ab?token=secret");
        let request = request.header(USER_AGENT, "curl\t\"x\" \\").body(()).unwrap().into_parts().0;
        let entry = log.entry("127.0.0.1".parse().unwrap(), &request, 206);
        entry.sent(12);
        drop(entry);
        let text = std::fs::read_to_string(&path).unwrap();
        let after = text.split_once(']').unwrap().1;
        assert_eq!(after, " \"GET /a%0Ab HTTP/1.1\" 206 12 \"-\" \"curl\\x09\\x22x\\x22 \\x5C\"\n");
    }

    #[test]
    fn a_moved_file_is_left_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = Log::open(Place::File(path.clone())).unwrap();
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        log.reopen().unwrap();
        assert!(path.is_file());
    }

    #[test]
    fn times_are_the_log_s() {
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_514_400);
        assert_eq!(time(later), "24/Nov/2026:10:00:00 +0000");
    }
}
