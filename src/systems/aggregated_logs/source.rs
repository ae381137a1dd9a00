//! A file of which only parts are read, and streams of bytes in it that can be skipped without being fetched.
//! Whatever a file says, only so much is fetched and unpacked of it.
//! Not here: where the file lies, and what is in it.

use flate2::read::ZlibDecoder;
use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;

/// What is fetched first at a place, and at most where reading goes on.
const WINDOWS: Range<u64> = 16 << 10..1 << 20;
/// What one walk through a file fetches, and unpacks, at most.
const MOST_FETCHED: u64 = 1 << 30;
const MOST_UNPACKED: u64 = 4 << 30;

/// A file whose parts can be read.
pub trait Source {
    /// Its bytes.
    fn length(&self) -> u64;
    /// So many of them from a place on; fewer only where it ends.
    fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>>;
}

/// A file in memory.
impl Source for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let from = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        let to = usize::try_from(length).map_or(self.len(), |length| from.saturating_add(length).min(self.len()));
        Ok(self[from..to].to_vec())
    }
}

/// A file and what may still be fetched and unpacked of it, whatever it says of itself.
pub(super) struct Metered<'a> {
    source: &'a dyn Source,
    to_fetch: Cell<u64>,
    to_unpack: Cell<u64>,
}

impl<'a> Metered<'a> {
    pub fn new(source: &'a dyn Source) -> Metered<'a> {
        Metered { source, to_fetch: Cell::new(MOST_FETCHED), to_unpack: Cell::new(MOST_UNPACKED) }
    }

    pub fn length(&self) -> u64 {
        self.source.length()
    }

    pub fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        take(&self.to_fetch, length)?;
        self.source.part(offset, length)
    }
}

fn take(left: &Cell<u64>, count: u64) -> io::Result<()> {
    let rest = left.get().checked_sub(count);
    let rest = rest.ok_or_else(|| io::Error::other("it is too large to be read here; `yarn logs` reads it"))?;
    left.set(rest);
    Ok(())
}

/// Bytes one after the other, some of which are of no interest.
pub(super) trait Stream: Read {
    /// Passes over so many bytes; beyond the end there is nothing to read.
    fn skip(&mut self, count: u64) -> io::Result<()>;
}

/// A range of a file.
pub(super) struct Part<'a> {
    source: &'a Metered<'a>,
    at: u64,
    end: u64,
    window: Vec<u8>,
    /// Where the window begins.
    from: u64,
    /// The next window's size: reading on makes it grow.
    next: u64,
}

impl<'a> Part<'a> {
    /// A range, which must lie in the file.
    pub fn new(source: &'a Metered<'a>, range: Range<u64>) -> io::Result<Part<'a>> {
        if range.start > range.end || range.end > source.length() {
            return Err(wrong("it names a part that it does not have"));
        }
        let (at, end, next) = (range.start, range.end, WINDOWS.start);
        Ok(Part { source, at, end, window: Vec::new(), from: 0, next })
    }

    /// What of the window is still to come.
    fn left(&self) -> &[u8] {
        let passed = self.at.checked_sub(self.from).and_then(|passed| usize::try_from(passed).ok());
        passed.and_then(|passed| self.window.get(passed..)).unwrap_or_default()
    }

    fn fetch(&mut self) -> io::Result<()> {
        let length = self.next.min(self.end - self.at);
        self.window = self.source.part(self.at, length)?;
        self.from = self.at;
        self.next = (self.next * 4).min(WINDOWS.end);
        if self.window.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.end || buffer.is_empty() {
            return Ok(0);
        }
        if self.left().is_empty() {
            self.fetch()?;
        }
        let count = self.left().read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Stream for Part<'_> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        self.at = self.at.saturating_add(count).min(self.end);
        if self.left().is_empty() {
            self.next = WINDOWS.start;
        }
        Ok(())
    }
}

/// A compressed part of a file.
struct Unpacked<'a> {
    bytes: ZlibDecoder<Part<'a>>,
    of: &'a Metered<'a>,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        take(&self.of.to_unpack, count as u64)?;
        Ok(count)
    }
}

impl Stream for Unpacked<'_> {
    fn skip(&mut self, count: u64) -> io::Result<()> {
        io::copy(&mut self.take(count), &mut io::sink()).map(drop)
    }
}

/// A part of a file as it was before it was compressed, by the names that Hadoop has for that.
pub(super) fn unpacked<'a>(
    source: &'a Metered<'a>,
    range: Range<u64>,
    compression: &str,
) -> io::Result<Box<dyn Stream + 'a>> {
    let part = Part::new(source, range)?;
    match compression {
        "none" => Ok(Box::new(part)),
        // Hadoop's word for zlib.
        "gz" => Ok(Box::new(Unpacked { bytes: ZlibDecoder::new(part), of: source })),
        other => {
            let other = words::shown::shown(other);
            Err(io::Error::other(format!("it is compressed with {other}, which is read here by `yarn logs` only")))
        }
    }
}

/// All of a short thing.
pub(super) fn whole(stream: &mut (impl Read + ?Sized), length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A file that is not what it should be.
pub(super) fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
