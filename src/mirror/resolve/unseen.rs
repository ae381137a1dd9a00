//! Takes in bytes that nobody agreed to yet: whole, counted, hashed, and kept aside until somebody vouches for them.
//! Only locking does this; afterwards every byte is asked for by size and digest.
//! Not here: who vouches.

use crate::mirror::store::{self, Store};
use crate::systems::download::Expected;
use crate::systems::http::{self, Http};
use crate::words::digest::{Hasher, Sha1, Sha256, sha512_hex};
use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use sha1::Digest;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// The largest file that is taken in unseen.
const MOST_BYTES: u64 = 4 << 30;

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not give it.
    #[error("cannot download it")]
    Http(#[source] http::Error),
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
    let received = http.retrying(tell, || receive(http, from, scratch.as_file_mut(), tell));
    let (sha1, sha256) = received.map_err(Error::Http)?.map_err(Error::Keep)?;
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

/// Both digests of a whole body, or why this machine could not keep it: only the server's failures are worth a retry.
type Received = Result<(Sha1, Sha256), io::Error>;

fn receive(http: &Http, from: &Location, file: &mut File, tell: Tell) -> Result<Received, http::Error> {
    let broke = |source| http::Error::Body { location: from.clone(), source };
    if let Err(error) = file.set_len(0).and_then(|()| file.rewind()) {
        return Ok(Err(error));
    }
    let mut body = http.get(from, 0, "*/*")?.body;
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
            return Err(http::Error::TooLong { location: from.clone(), limit: MOST_BYTES });
        }
        if let Err(error) = file.write_all(&buffer[..count]) {
            return Ok(Err(error));
        }
        tell(Event::Bytes(count as u64));
    }
}
