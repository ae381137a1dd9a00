//! A gzip file that packs only what is not packed yet: jars and wheels pass as they are, so that nodes need not inflate them.
//! It is one ordinary gzip member; every reader of gzip reads it.
//! Not here: what goes in.

use flate2::{Compress, CompressError, Compression, Crc, FlushCompress, Status};
use std::io::{self, Read, Write};

/// No name, no time, no system: what was written by whom must not show.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// How files begin that are compressed already: zip and jar, gzip, zstd, bzip2, xz.
const PACKED: [&[u8]; 5] =
    [b"PK\x03\x04", &[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"BZh", &[0xfd, b'7', b'z', b'X', b'Z']];

/// Whether a file is compressed already, by its first bytes.
pub(super) fn is_packed(mut file: impl Read) -> io::Result<bool> {
    let mut start = Vec::new();
    file.by_ref().take(5).read_to_end(&mut start)?;
    Ok(PACKED.iter().any(|magic| start.starts_with(magic)))
}

/// What is written to it is packed.
pub(super) struct Gzip<W> {
    out: W,
    deflate: Compress,
    crc: Crc,
    is_packing: bool,
    buffer: Vec<u8>,
}

impl<W: Write> Gzip<W> {
    pub(super) fn new(mut out: W) -> io::Result<Gzip<W>> {
        out.write_all(&HEADER)?;
        // The fastest level costs a tenth of the time for a few more bytes.
        let deflate = Compress::new(Compression::fast(), false);
        Ok(Gzip { out, deflate, crc: Crc::new(), is_packing: true, buffer: Vec::with_capacity(64 << 10) })
    }

    /// From here on bytes are packed, or pass as they are.
    pub(super) fn pack(&mut self, packs: bool) -> io::Result<()> {
        if packs != self.is_packing {
            self.drain(FlushCompress::Sync)?;
            // What comes from two compressors is one stream: the first has ended a block at a byte, and neither looks back.
            let level = if packs { Compression::fast() } else { Compression::none() };
            self.deflate = Compress::new(level, false);
            self.is_packing = packs;
        }
        Ok(())
    }

    /// Writes the end, and gives back what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.drain(FlushCompress::Finish)?;
        self.out.write_all(&self.crc.sum().to_le_bytes())?;
        self.out.write_all(&self.crc.amount().to_le_bytes())?;
        Ok(self.out)
    }

    /// Writes all that was taken in so far.
    fn drain(&mut self, flush: FlushCompress) -> io::Result<()> {
        loop {
            self.buffer.clear();
            let status = self.deflate.compress_vec(&[], &mut self.buffer, flush).map_err(failed)?;
            self.out.write_all(&self.buffer)?;
            // With room left in the buffer there is nothing more to come.
            if status == Status::StreamEnd
                || self.buffer.len() < self.buffer.capacity() && flush != FlushCompress::Finish
            {
                return Ok(());
            }
        }
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let before = self.deflate.total_in();
        while self.deflate.total_in() == before && !bytes.is_empty() {
            self.buffer.clear();
            self.deflate.compress_vec(bytes, &mut self.buffer, FlushCompress::None).map_err(failed)?;
            self.out.write_all(&self.buffer)?;
        }
        // It takes in no more than it was given.
        let taken = (self.deflate.total_in() - before) as usize;
        self.crc.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn failed(error: CompressError) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;

    /// Bytes that hardly shrink.
    fn noise(length: usize) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(7);
        std::iter::repeat_with(|| random.u8(..)).take(length).collect()
    }

    fn written(pieces: &[(bool, &[u8])]) -> Vec<u8> {
        let mut gzip = Gzip::new(Vec::new()).unwrap();
        for (packs, bytes) in pieces {
            gzip.pack(*packs).unwrap();
            gzip.write_all(bytes).unwrap();
        }
        gzip.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_whatever_was_packed() {
        let (noise, text) = (&noise(1 << 20)[..], &b"text ".repeat(100_000)[..]);
        for pieces in [
            &[][..],
            &[(true, text)],
            &[(false, noise)],
            &[(false, b""), (true, text), (false, noise), (true, b"x"), (false, text), (true, noise)],
        ] {
            let mut read = Vec::new();
            GzDecoder::new(&written(pieces)[..]).read_to_end(&mut read).unwrap();
            assert!(read == pieces.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect::<Vec<_>>());
        }
        assert!(written(&[(true, text)]).len() < text.len() / 50);
        let passed = written(&[(false, noise)]);
        assert!(passed.len() > noise.len() && passed.len() < noise.len() + noise.len() / 500, "{}", passed.len());
    }

    #[test]
    fn files_that_are_packed_are_known_by_their_beginnings() {
        for (start, packed) in [(&b"PK\x03\x04jar"[..], true), (b"\x1f\x8b\x08", true), (b"PK", false), (b"", false)] {
            assert_eq!(is_packed(start).unwrap(), packed, "{start:?}");
        }
    }
}
