//! Brings one file whose size and digest are known from a web address or a folder to a local path.
//! It counts and hashes while it streams, resumes what an earlier run left, and never leaves wrong bytes behind.
//! Not here: where the file goes in the end, or who chose it.

use super::http::{self, Http};
use disk::regular::{self, Links};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::event::Tell;
use words::location::Location;

mod journal;
mod landing;
mod ranges;
mod stream;

pub use ranges::receive;

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
    /// Another file appeared there between two answers.
    #[error("{location} changed while it was downloaded")]
    Changed { location: Location },
    /// Wrong bytes that are a page for people.
    #[error("{location} gave a web page instead: a login, a notice of a proxy?")]
    Page { location: Location, source: Box<Error> },
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
        match self {
            Error::TooLong { .. } | Error::TooShort { .. } | Error::Differs { .. } | Error::Changed { .. } => true,
            Error::Page { source, .. } => source.is_mismatch(),
            Error::Http { .. } | Error::Read { .. } | Error::Write { .. } => false,
        }
    }

    /// Whether what an earlier answer left may be of another file than what this answer is about.
    fn doubts_the_beginning(&self) -> bool {
        let unfit = |source: &http::Error| {
            matches!(source, http::Error::Nonsense { .. } | http::Error::Status { status: 416, .. })
        };
        self.is_mismatch() || matches!(self, Error::Http { source, .. } if unfit(source))
    }
}

/// Writes the file to `partial`, which may hold its beginning; verified on success, but not yet durable: who needs that
/// makes many files durable at once.
/// Wrong bytes are removed; a beginning that is not known to be wrong stays for the next run.
pub fn bring(http: &Http, from: &Location, expected: Expected, partial: &Path, tell: Tell) -> Result<(), Error> {
    let written = |source| Error::Write { path: partial.to_owned(), source };
    let resumed = begun(partial, expected.size) > 0;
    if let (Location::Path(source), false) = (from, resumed) {
        clone(source, partial);
    }
    let mut result = fill(http, from, expected, partial, tell);
    let doubtful = |error: &Error| matches!(error, Error::Changed { .. }) || resumed && error.doubts_the_beginning();
    if result.as_ref().is_err_and(doubtful) {
        // Once more from the beginning.
        empty(partial).map_err(written)?;
        result = fill(http, from, expected, partial, tell);
    }
    if result.as_ref().is_err_and(Error::is_mismatch) {
        drop_partial(partial).map_err(written)?;
    }
    result
}

/// How much of a file an earlier, interrupted run has left.
pub fn begun(partial: &Path, size: u64) -> u64 {
    match journal::read(partial) {
        Some(known) => known.bytes(),
        None => fs::metadata(partial).map_or(0, |there| there.len().min(size)),
    }
}

/// Empties a file for another beginning. It stays the same file: whoever holds it goes on holding it.
fn empty(partial: &Path) -> io::Result<()> {
    journal::remove(partial)?;
    match File::options().write(true).open(partial) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        opened => opened?.set_len(0),
    }
}

/// Removes what is left of a file, and what is known of its ranges.
pub fn drop_partial(partial: &Path) -> io::Result<()> {
    for path in [journal::place(partial), partial.to_owned()] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn fill(http: &Http, from: &Location, expected: Expected, partial: &Path, tell: Tell) -> Result<(), Error> {
    match from {
        Location::Web(_) | Location::Led(_) if expected.size >= http.split().from => {
            ranges::fill(http, from, expected, partial, tell)
        }
        _ => stream::fill(http, from, expected, partial, None, tell),
    }
}

/// Shares the bytes of a local file where the file system can; where it cannot, they are copied as from anywhere.
fn clone(source: &Path, partial: &Path) {
    let cloned = regular::open(source, Links::Follow).and_then(|source| {
        let target = OpenOptions::new().create(true).write(true).truncate(true).open(partial)?;
        rustix::fs::ioctl_ficlone(&target, &source).map_err(io::Error::from)
    });
    // What it could not do is done byte by byte, and told there.
    drop(cloned);
}

/// How often a download that gets on is taken up again.
struct Tries {
    tried: u32,
    reached: u64,
}

impl Tries {
    /// So many bytes make a try worth another one; a server that gives a few at a time is given up.
    const WORTH: u64 = 256 * 1024;

    fn new(reached: u64) -> Tries {
        Tries { tried: 0, reached }
    }

    /// Waits before the next try, or gives the error back.
    fn again(&mut self, http: &Http, error: Error, reached: u64, tell: Tell) -> Result<(), Error> {
        let Error::Http { source, .. } = &error else { return Err(error) };
        let worth = reached.saturating_sub(self.reached) >= Tries::WORTH;
        (self.tried, self.reached) = if worth { (1, reached) } else { (self.tried + 1, self.reached) };
        if self.tried >= http.patience().tries || !source.is_passing() {
            return Err(error);
        }
        http.wait(self.tried, source, tell);
        Ok(())
    }
}

fn broken(from: &Location, source: io::Error) -> Error {
    match from {
        Location::Path(_) => Error::Read { location: from.clone(), source },
        Location::Web(_) | Location::Led(_) => {
            Error::Http { location: from.clone(), source: http::Error::Body { location: from.clone(), source } }
        }
    }
}

fn closed_early(from: &Location) -> Error {
    broken(from, io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed early"))
}
