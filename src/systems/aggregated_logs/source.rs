//! A file of which only parts are read, and streams of bytes in it that can be skipped without being fetched.
//! Whatever a file says, only so much is fetched and unpacked of it.
//! Not here: where the file lies, and what is in it.

use super::lzo;
use flate2::read::ZlibDecoder;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What is fetched first at a place, and at most where reading goes on.
const WINDOWS: Range<u64> = 16 << 10..1 << 20;
/// What one request fetches, and unpacks, at most, of all files together; and how long it reads.
const MOST_FETCHED: u64 = 1 << 30;
const MOST_UNPACKED: u64 = 4 << 30;
const LONGEST: Duration = Duration::from_secs(60);

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

/// What may still be fetched and unpacked for one request, whatever files say of themselves, and until when.
#[derive(Debug)]
pub(super) struct Allowance {
    to_fetch: AtomicU64,
    to_unpack: AtomicU64,
    /// From the first read on: who is asked before that may take his time.
    until: OnceLock<Instant>,
}

impl Default for Allowance {
    fn default() -> Allowance {
        let (to_fetch, to_unpack) = (MOST_FETCHED.into(), MOST_UNPACKED.into());
        Allowance { to_fetch, to_unpack, until: OnceLock::new() }
    }
}

impl Allowance {
    /// So many bytes more are fetched.
    pub fn fetch(&self, count: u64) -> io::Result<()> {
        self.take(&self.to_fetch, count)
    }

    fn take(&self, left: &AtomicU64, count: u64) -> io::Result<()> {
        if Instant::now() > *self.until.get_or_init(|| Instant::now() + LONGEST) {
            let text = format!("reading took longer than {} s; `yarn logs` reads all of it", LONGEST.as_secs());
            return Err(io::Error::other(text));
        }
        let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count));
        let large = |_| io::Error::other("there is more than is read here at once; `yarn logs` reads all of it");
        taken.map(drop).map_err(large)
    }
}

/// A file, and what it is read within.
pub(super) struct Metered<'a> {
    source: &'a dyn Source,
    within: &'a Allowance,
}

impl<'a> Metered<'a> {
    pub fn new(source: &'a dyn Source, within: &'a Allowance) -> Metered<'a> {
        Metered { source, within }
    }

    pub fn length(&self) -> u64 {
        self.source.length()
    }

    pub fn part(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        self.within.take(&self.within.to_fetch, length)?;
        self.source.part(offset, length)
    }
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

/// A part of a file, read through what unpacks it.
struct Unpacked<'a, T> {
    bytes: T,
    of: &'a Metered<'a>,
}

impl<T: Read> Read for Unpacked<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        self.of.within.take(&self.of.within.to_unpack, count as u64)?;
        Ok(count)
    }
}

impl<T: Read> Stream for Unpacked<'_, T> {
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
        "lzo" => Ok(Box::new(Unpacked { bytes: lzo::Unpacked::new(part), of: source })),
        other => {
            let other = words::shown::shown(other);
            Err(io::Error::other(format!(
                "it is compressed with {other}, which is not read here: `yarn logs` reads it where Hadoop has {other}; with \
                 yarn.nodemanager.log-aggregation.compression-type set to gz or none, later ones are read here too"
            )))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_one_request_share_what_may_be_read() {
        let (bytes, within) = (&[b'x'; 60][..], Allowance { to_fetch: 100.into(), ..Allowance::default() });
        let (one, other) = (Metered::new(&bytes, &within), Metered::new(&bytes, &within));
        assert_eq!(one.part(0, 60).unwrap().len(), 60);
        assert_eq!(other.part(0, 40).unwrap().len(), 40);
        let error = other.part(40, 20).unwrap_err().to_string();
        assert!(error.contains("more than is read here at once") && error.contains("yarn logs"), "{error}");
    }

    #[test]
    fn a_request_ends_however_slow_files_come() {
        let bytes = &b"x"[..];
        let within = Allowance { until: (Instant::now() - Duration::from_secs(1)).into(), ..Allowance::default() };
        let error = Metered::new(&bytes, &within).part(0, 1).unwrap_err().to_string();
        assert!(error.contains("longer than 60 s"), "{error}");
    }
}
