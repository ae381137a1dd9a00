//! The compressions of lists, packages and parts as readers, and what swells beyond a bound is refused while it streams.
//! Memory is bounded too: a frame that asks for a larger window than any list or package has is not opened.
//! Not here: what is inside, and how our own files are packed.

use std::fmt;
use std::io::{self, Read};

/// Kilobytes that decoding may take: `xz -9` needs 65 megabytes.
const MEMORY_KB: u32 = 128 << 10;
/// The same for zstd, as a power of two: `zstd --ultra -22` needs 27.
const WINDOW_LOG: u32 = 27;

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// `.gz`
    Gzip,
    /// `.xz`
    Xz,
    /// `.zst`
    Zstd,
}

impl Compression {
    /// All that can be read, the smallest results first.
    pub const ALL: [Compression; 4] = [Compression::Xz, Compression::Zstd, Compression::Gzip, Compression::Plain];

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Compression::Plain => "",
            Compression::Gzip => ".gz",
            Compression::Xz => ".xz",
            Compression::Zstd => ".zst",
        }
    }

    /// The plain bytes of a packed stream; whoever reads them bounds them.
    pub fn unpack<'a>(self, packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Compression::Plain => Box::new(packed),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(packed, true, MEMORY_KB)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(packed)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }

    /// The plain bytes of a packed stream, at most `limit` of them.
    pub fn open<'a>(self, packed: impl Read + 'a, limit: u64) -> io::Result<Bounded<'a>> {
        Ok(Bounded { inner: self.unpack(packed)?, left: limit, limit })
    }
}

/// More came out than may.
#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than the {0} bytes that it may have")]
pub struct TooMuch(u64);

/// A reader that fails when more comes than was agreed.
pub struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    left: u64,
    limit: u64,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.inner.read(&mut buffer[..most])?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, TooMuch(self.limit))),
        }
        Ok(count)
    }
}

impl fmt::Debug for Bounded<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a reader of at most {} bytes", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    /// A million zeros, as `head -c 1000000 /dev/zero | xz` packs them: 260 bytes.
    const BOMB: &[u8] = include_bytes!("../../tests/fixtures/apt/million-zeros.xz");

    #[test]
    fn what_was_packed_comes_out() {
        let zstd = zstd::encode_all(&b"text"[..], 3).unwrap();
        for (compression, packed) in
            [(Compression::Plain, b"text".to_vec()), (Compression::Gzip, gzip(b"text")), (Compression::Zstd, zstd)]
        {
            let mut text = String::new();
            compression.open(&packed[..], 4).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "text");
        }
        assert_eq!(io::copy(&mut Compression::Xz.open(BOMB, 1_000_000).unwrap(), &mut io::sink()).unwrap(), 1_000_000);
    }

    #[test]
    fn a_bomb_is_stopped_while_it_swells() {
        let zeros = vec![0; 1_000_000];
        for (compression, packed) in [
            (Compression::Xz, BOMB.to_vec()),
            (Compression::Gzip, gzip(&zeros)),
            (Compression::Zstd, zstd::encode_all(&zeros[..], 3).unwrap()),
        ] {
            let error = io::copy(&mut compression.open(&packed[..], 999_999).unwrap(), &mut io::sink()).unwrap_err();
            assert!(error.to_string().contains("more than the 999999 bytes"), "{error}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_end() {
        for (compression, packed) in [(Compression::Xz, BOMB.to_vec()), (Compression::Gzip, gzip(b"text"))] {
            let cut = &packed[..packed.len() - 3];
            assert!(io::copy(&mut compression.open(cut, 1 << 20).unwrap(), &mut io::sink()).is_err());
        }
    }
}
