//! Takes in bytes that nobody agreed to yet: whole, counted, hashed, and kept aside until somebody vouches for them.
//! Only locking does this; afterwards every byte is asked for by size and digest.
//! Not here: who vouches.

use crate::store::{self, Store};
use sha1::Digest;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use systems::download::{self, Expected};
use systems::http::{self, Answer, Http};
use words::digest::{Hasher, Sha1, Sha256, sha512_hex};
use words::event::{Event, Tell};
use words::location::Location;

/// The largest file that is taken in unseen.
const MOST_BYTES: u64 = 4 << 30;

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not give it.
    #[error("cannot download it")]
    Http(#[source] http::Error),
    /// A piece of it is not to be had.
    #[error("cannot download it in pieces")]
    Pieces(#[source] download::Error),
    /// The store has no room or no access.
    #[error("cannot keep it aside")]
    Store(#[source] store::Error),
    /// The file cannot be kept.
    #[error("this machine cannot keep it: is its disk full?")]
    Keep(#[source] io::Error),
}

impl Error {
    /// Whether the server simply has no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Http(http::Error::Missing { .. }))
    }
}

/// Bytes that lie aside; dropped, they are gone.
pub struct Taken {
    scratch: tempfile::NamedTempFile,
    /// Their SHA-1.
    pub sha1: Sha1,
    /// Their SHA-256.
    pub sha256: Sha256,
}

/// Receives a whole file, with retries.
pub fn take(http: &Http, from: &Location, store: &Store, tell: Tell) -> Result<Taken, Error> {
    let mut scratch = store.scratch().map_err(Error::Store)?;
    let received = http.retrying(tell, || receive(http, from, &mut scratch, tell));
    let (sha1, sha256) = received.map_err(Error::Http)??;
    Ok(Taken { scratch, sha1, sha256 })
}

impl Taken {
    /// The bytes from their beginning.
    pub fn reader(&self) -> io::Result<File> {
        self.scratch.reopen()
    }

    /// Their SHA-512, in hexadecimal.
    pub fn sha512(&self) -> io::Result<String> {
        sha512_hex(&mut self.reader()?)
    }

    /// Hands all bytes over, piece by piece.
    pub fn each(&self, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let (mut file, mut buffer) = (self.reader()?, vec![0; 128 * 1024]);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(()),
                count => take(&buffer[..count]),
            }
        }
    }

    /// Somebody vouched: the bytes go into the store.
    pub fn keep(self, store: &Store) -> Result<Expected, Error> {
        let (_, path) = self.scratch.keep().map_err(|error| Error::Keep(error.error))?;
        store.keep(&path).map_err(Error::Store)
    }
}

/// Both digests of a whole body, or why another try would not help.
type Received = Result<(Sha1, Sha256), Error>;

fn receive(
    http: &Http,
    from: &Location,
    scratch: &mut tempfile::NamedTempFile,
    tell: Tell,
) -> Result<Received, http::Error> {
    let broke = |source| http::Error::Body { location: from.clone(), source };
    let too_long = || http::Error::TooLong { location: from.clone(), limit: MOST_BYTES };
    let file = scratch.as_file_mut();
    if let Err(error) = file.set_len(0).and_then(|()| file.rewind()) {
        return Ok(Err(Error::Keep(error)));
    }
    let answer = http.get(from, 0, "*/*")?;
    match answer.length.filter(|size| answer.gives_parts && *size >= http.split().from) {
        Some(size) if size > MOST_BYTES => return Err(too_long()),
        Some(size) => return Ok(in_pieces(http, from, answer, size, scratch.path(), tell)),
        None => {}
    }
    let mut body = answer.body;
    let (mut sha1, mut sha256) = (sha1::Sha1::new(), Hasher::default());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = body.read(&mut buffer).map_err(broke)?;
        if count == 0 {
            return Ok(Ok((Sha1::from_bytes(sha1.finalize().into()), sha256.finish())));
        }
        sha1.update(&buffer[..count]);
        sha256.update(&buffer[..count]);
        if sha256.size() > MOST_BYTES {
            return Err(too_long());
        }
        if let Err(error) = file.write_all(&buffer[..count]) {
            return Ok(Err(Error::Keep(error)));
        }
        tell(Event::Bytes(count as u64));
    }
}

/// The same over several connections; each piece has retries of its own.
fn in_pieces(http: &Http, from: &Location, answer: Answer, size: u64, file: &Path, tell: Tell) -> Received {
    let sha256 = download::receive(http, from, answer, size, file, tell).map_err(Error::Pieces)?;
    // Pieces do not come in order, so this one follows when all are there.
    let sha1 = File::open(file).and_then(|mut file| Sha1::of_reader(&mut file)).map_err(Error::Keep)?;
    Ok((sha1, sha256))
}
