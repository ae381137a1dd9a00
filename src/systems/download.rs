//! Brings one file whose size and digest are known from a web address or a folder to a local path.
//! It counts and hashes while it streams, resumes what an earlier run left, and never leaves wrong bytes behind.
//! Not here: where the file goes in the end, or who chose it.

use super::http::{self, Http};
use crate::words::digest::{Hasher, Sha256};
use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What the bytes must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Their number.
    pub size: u64,
    /// Their identity.
    pub sha256: Sha256,
}

/// Why the file is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not give it.
    #[error("cannot download {location}")]
    Http { location: Location, source: http::Error },
    /// The folder does not give it.
    #[error("cannot read {location}")]
    Read { location: Location, source: io::Error },
    /// This machine cannot keep it.
    #[error("cannot write {}{}", path.display(), full(source))]
    Write { path: PathBuf, source: io::Error },
    /// More bytes than there may be.
    #[error("{location} is longer than the {expected} bytes it must have")]
    TooLong { location: Location, expected: u64 },
    /// Fewer bytes than there must be.
    #[error("{location} has {found} bytes; it must have {expected}")]
    TooShort { location: Location, expected: u64, found: u64 },
    /// Other bytes.
    #[error("{location} has other content: its sha256 is {found}, it must be {expected}")]
    Differs { location: Location, expected: Sha256, found: Sha256 },
}

fn full(source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::StorageFull {
        ": the disk is full; free some space and run it again"
    } else {
        ""
    }
}

impl Error {
    /// Whether the bytes were there but wrong, which no retry mends.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Error::TooLong { .. } | Error::TooShort { .. } | Error::Differs { .. })
    }
}

/// Writes the file to `partial`, which may hold its beginning; durable and verified on success.
/// Wrong bytes are removed; a beginning that is not known to be wrong stays for the next run.
pub fn download(http: &Http, from: &Location, expected: Expected, partial: &Path, tell: Tell) -> Result<(), Error> {
    let written = |source| Error::Write { path: partial.to_owned(), source };
    let mut landing = Landing::open(partial, tell).map_err(written)?;
    let resumed = landing.hasher.size() > 0;
    let mut result = fill(http, from, expected, &mut landing, tell);
    if resumed && result.as_ref().is_err_and(Error::is_mismatch) {
        // What an earlier run left may be of another file: once more from the beginning.
        landing.restart(tell).map_err(written)?;
        result = fill(http, from, expected, &mut landing, tell);
    }
    match result {
        Ok(()) => landing.file.sync_all().map_err(written),
        Err(error) => {
            if error.is_mismatch() {
                fs::remove_file(partial).map_err(written)?;
            }
            Err(error)
        }
    }
}

/// The file that is being filled, with the digest of what is in it.
struct Landing {
    path: PathBuf,
    file: File,
    hasher: Hasher,
}

impl Landing {
    fn open(path: &Path, tell: Tell) -> io::Result<Landing> {
        let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)?;
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 128 * 1024];
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

    fn restart(&mut self, tell: Tell) -> io::Result<()> {
        tell(Event::Lost(self.hasher.size()));
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Hasher::default();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8], tell: Tell) -> Result<(), Error> {
        let written = |source| Error::Write { path: self.path.clone(), source };
        self.file.write_all(bytes).map_err(written)?;
        self.hasher.update(bytes);
        tell(Event::Bytes(bytes.len() as u64));
        Ok(())
    }
}

/// Fills the landing, over as many connections as it takes.
fn fill(http: &Http, from: &Location, expected: Expected, landing: &mut Landing, tell: Tell) -> Result<(), Error> {
    let (mut tried, mut furthest) = (0, landing.hasher.size());
    while landing.hasher.size() < expected.size || expected.size == 0 {
        let Err(error) = fill_once(http, from, expected, landing, tell) else { break };
        let Error::Http { source, .. } = &error else { return Err(error) };
        tried = if landing.hasher.size() > furthest { 1 } else { tried + 1 };
        furthest = furthest.max(landing.hasher.size());
        if tried >= http.patience().tries || !source.is_passing() {
            return Err(error);
        }
        http.wait(tried, source, tell);
    }
    let found = landing.hasher.size();
    if found > expected.size {
        return Err(Error::TooLong { location: from.clone(), expected: expected.size });
    }
    let found = landing.hasher.clone().finish();
    if found != expected.sha256 {
        return Err(Error::Differs { location: from.clone(), expected: expected.sha256, found });
    }
    Ok(())
}

/// One connection's worth.
fn fill_once(http: &Http, from: &Location, expected: Expected, landing: &mut Landing, tell: Tell) -> Result<(), Error> {
    let mut body = open(http, from, expected, landing, tell)?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = body.read(&mut buffer).map_err(|source| broken(from, source))?;
        if count == 0 {
            break;
        }
        if landing.hasher.size() + count as u64 > expected.size {
            return Err(Error::TooLong { location: from.clone(), expected: expected.size });
        }
        landing.append(&buffer[..count], tell)?;
    }
    let found = landing.hasher.size();
    if found == expected.size {
        return Ok(());
    }
    Err(match from {
        Location::Path(_) => Error::TooShort { location: from.clone(), expected: expected.size, found },
        Location::Web(_) => broken(from, io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed early")),
    })
}

fn broken(from: &Location, source: io::Error) -> Error {
    match from {
        Location::Path(_) => Error::Read { location: from.clone(), source },
        Location::Web(_) => {
            Error::Http { location: from.clone(), source: http::Error::Body { location: from.clone(), source } }
        }
    }
}

/// The bytes that are still missing; starts over where the server cannot resume.
fn open(
    http: &Http,
    from: &Location,
    expected: Expected,
    landing: &mut Landing,
    tell: Tell,
) -> Result<Box<dyn Read>, Error> {
    let have = landing.hasher.size();
    if let Location::Path(path) = from {
        let mut file = File::open(path).map_err(|source| Error::Read { location: from.clone(), source })?;
        file.seek(SeekFrom::Start(have)).map_err(|source| Error::Read { location: from.clone(), source })?;
        return Ok(Box::new(file));
    }
    let refused = |source| Error::Http { location: from.clone(), source };
    let mut answer = http.get(from, have, "*/*").map_err(refused)?;
    if answer.start != have {
        landing.restart(tell).map_err(|source| Error::Write { path: landing.path.clone(), source })?;
        if answer.start != 0 {
            answer = http.get(from, 0, "*/*").map_err(refused)?;
        }
    }
    let announced = answer.length.map(|length| landing.hasher.size() + length);
    if announced.is_some_and(|length| length > expected.size) {
        return Err(Error::TooLong { location: from.clone(), expected: expected.size });
    }
    if let Some(found) = announced.filter(|length| *length < expected.size) {
        return Err(Error::TooShort { location: from.clone(), expected: expected.size, found });
    }
    Ok(answer.body)
}
