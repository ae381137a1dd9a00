//! LZO as Hadoop writes it: pieces of bytes, each with its length, then chunks of it that are compressed each by itself (LZO1X),
//! with their lengths before them.
//! Not here: `.lzo` files of the program `lzop`, which have a head of their own.

use super::source::wrong;
use std::io::{self, Read};

/// A chunk is what was in a buffer: of 64 KiB where YARN writes logs, of a quarter of a MiB where nobody says so.
const LONGEST: usize = 1 << 20;
/// Literals were copied as a run of their own.
const RUN: u8 = 4;

/// What comes out of a stream of such pieces.
pub(super) struct Unpacked<R> {
    stream: R,
    /// What of a piece is still to come, in later chunks.
    left: u64,
    /// The chunk that is read now, and from where on.
    chunk: Vec<u8>,
    at: usize,
}

impl<R: Read> Unpacked<R> {
    pub fn new(stream: R) -> Unpacked<R> {
        Unpacked { stream, left: 0, chunk: Vec::new(), at: 0 }
    }

    /// A length; none where the stream ends.
    fn length(&mut self) -> io::Result<Option<u32>> {
        let mut bytes = Vec::new();
        (&mut self.stream).take(4).read_to_end(&mut bytes)?;
        match <[u8; 4]>::try_from(bytes) {
            Ok(bytes) => Ok(Some(u32::from_be_bytes(bytes))),
            Err(bytes) if bytes.is_empty() => Ok(None),
            Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Fetches the next chunk; says whether there is one.
    fn fetch(&mut self) -> io::Result<bool> {
        while self.left == 0 {
            let Some(length) = self.length()? else { return Ok(false) };
            self.left = length.into();
        }
        let length = self.length()?.map_or(0, |length| length as usize);
        if length == 0 || length > LONGEST {
            return Err(wrong("it has a compressed part of a length that there cannot be"));
        }
        let packed = super::source::whole(&mut self.stream, length as u64)?;
        let most = usize::try_from(self.left).unwrap_or(LONGEST).min(LONGEST);
        (self.chunk, self.at) = (unpacked(&packed, most)?, 0);
        self.left -= self.chunk.len() as u64;
        Ok(true)
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || (self.at == self.chunk.len() && !self.fetch()?) {
            return Ok(0);
        }
        let count = (&self.chunk[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

/// One chunk, which is never empty.
fn unpacked(packed: &[u8], most: usize) -> io::Result<Vec<u8>> {
    let mut chunk = Chunk { packed, made: Vec::new(), most };
    let mut before = chunk.first()?;
    while let Some(copied) = chunk.step(before)? {
        before = copied;
    }
    if chunk.made.is_empty() { Err(damaged()) } else { Ok(chunk.made) }
}

struct Chunk<'a> {
    packed: &'a [u8],
    made: Vec<u8>,
    most: usize,
}

impl Chunk<'_> {
    /// What it may begin with: literals, their count above 17. Gives how many were copied, `RUN` for more than three.
    fn first(&mut self) -> io::Result<u8> {
        match self.packed.first() {
            Some(first @ 18..) => {
                let count = first - 17;
                self.next()?;
                self.literals(count.into())?;
                Ok(count.min(RUN))
            }
            _ => Ok(0),
        }
    }

    /// Carries out one instruction. What the small ones mean depends on how many literals were copied before; gives how many
    /// this one copied, and none at the end.
    fn step(&mut self, before: u8) -> io::Result<Option<u8>> {
        let code = self.next()?;
        let (small, two) = (usize::from(code), usize::from(code >> 2 & 3));
        let (distance, length, literals) = match code {
            0..16 if before == 0 => {
                let count = self.longer(small, 15)? + 3;
                self.literals(count)?;
                return Ok(Some(RUN));
            }
            0..16 if before == RUN => (usize::from(self.next()?) * 4 + two + 2049, 3, code),
            0..16 => (usize::from(self.next()?) * 4 + two + 1, 2, code),
            16..32 => {
                let length = self.longer(small & 7, 7)? + 2;
                let (far, literals) = self.far()?;
                match (small & 8) * 2048 + far {
                    0 => return Ok(None),
                    far => (far + 16384, length, literals),
                }
            }
            32..64 => {
                let length = self.longer(small & 31, 31)? + 2;
                let (far, literals) = self.far()?;
                (far + 1, length, literals)
            }
            64.. => {
                let length = if code < 128 { 3 + (small >> 5 & 1) } else { 5 + (small >> 5 & 3) };
                (usize::from(self.next()?) * 8 + (small >> 2 & 7) + 1, length, code)
            }
        };
        self.again(distance, length)?;
        self.literals(usize::from(literals & 3))?;
        Ok(Some(literals & 3))
    }

    fn next(&mut self) -> io::Result<u8> {
        let (first, rest) = self.packed.split_first().ok_or_else(damaged)?;
        self.packed = rest;
        Ok(*first)
    }

    /// A count that did not fit into its instruction goes on in bytes, of which each that is 0 stands for 255.
    fn longer(&mut self, count: usize, full: usize) -> io::Result<usize> {
        if count > 0 {
            return Ok(count);
        }
        let mut sum = full;
        loop {
            match self.next()? {
                0 if sum > self.most => return Err(damaged()),
                0 => sum += 255,
                last => return Ok(sum + usize::from(last)),
            }
        }
    }

    /// A distance of two bytes, and in its last two bits how many literals follow.
    fn far(&mut self) -> io::Result<(usize, u8)> {
        let (low, high) = (self.next()?, self.next()?);
        Ok((usize::from(u16::from_le_bytes([low, high]) >> 2), low & 3))
    }

    fn literals(&mut self, count: usize) -> io::Result<()> {
        let (some, rest) = self.packed.split_at_checked(count).ok_or_else(damaged)?;
        self.room(count)?;
        self.made.extend_from_slice(some);
        self.packed = rest;
        Ok(())
    }

    /// What was made before, once more; it may reach into what this makes.
    fn again(&mut self, distance: usize, length: usize) -> io::Result<()> {
        let from = self.made.len().checked_sub(distance).ok_or_else(damaged)?;
        self.room(length)?;
        (from..from + length).for_each(|at| self.made.push(self.made[at]));
        Ok(())
    }

    fn room(&self, count: usize) -> io::Result<()> {
        if count > self.most - self.made.len() { Err(damaged()) } else { Ok(()) }
    }
}

fn damaged() -> io::Error {
    wrong("it has a compressed part that is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_instruction_is_carried_out() {
        let end = [0x11, 0, 0];
        let made = |bytes: &[u8]| unpacked(&[bytes, &end].concat(), 1000).map(|made| String::from_utf8(made).unwrap());
        // Literals first, few and many; then copies from near: of three, of five with two literals after them.
        assert_eq!(made(b"\x14abc").unwrap(), "abc");
        assert_eq!(made(b"\x17abcdef").unwrap(), "abcdef");
        assert_eq!(made(b"\x15abcd\x48\x00").unwrap(), "abcdbcd");
        assert_eq!(made(b"\x15abcd\x82\x00xy").unwrap(), "abcddddddxy");
        // Two bytes, after few literals; a run after a copy without any; a long copy.
        assert_eq!(made(b"\x14abc\x04\x00").unwrap(), "abcbc");
        assert_eq!(made(b"\x15abcd\x48\x00\x01wxyz").unwrap(), "abcdbcdwxyz");
        assert_eq!(made(b"\x12a\x20\x01\x00\x00").unwrap(), "a".repeat(35));
        let long = made(&[&[0, 0, 1][..], &[b'x'; 274], &[0x20, 0, 5, 0, 0]].concat()).unwrap();
        assert_eq!(long.len(), 274 - 1 + 293 + 1, "{long}");
    }

    #[test]
    fn what_is_damaged_is_told_and_takes_no_room() {
        for bytes in [&b""[..], b"\x15ab", b"\x15abcd", b"\x15abcd\x48", b"\x15abcd\x48\x01", b"\x11\0\0", b"\0\0\0\0"]
        {
            assert!(unpacked(bytes, 1000).is_err(), "{bytes:x?}");
        }
        assert!(unpacked(b"\x12a\x20\x01\x00\x00\x11\0\0", 34).is_err(), "longer than it says");
        assert!(unpacked(&[0; 5000], 1000).is_err());
        let read = |bytes: &[u8]| Unpacked::new(bytes).read_to_end(&mut Vec::new());
        assert!(
            read(b"\0\0\0\x03\0\0").is_err()
                && read(b"\0\0\0\x03\x7f\0\0\0").is_err()
                && read(b"\0\0\0\x03\0\0\0\0").is_err()
        );
        assert_eq!(read(b"\0\0\0\x03\0\0\0\x07\x14abc\x11\0\0\0\0\0\0").unwrap(), 3);
        // A piece may be longer than a chunk, and no chunk is longer than any buffer.
        let piece = |length: usize| {
            // Literals of this length: 18 and one more in the first, 255 for each 0.
            let (zeros, last) = ((length - 19) / 255, (length - 19) % 255 + 1);
            let chunk = [&[0][..], &vec![0; zeros], &[last as u8], &vec![b'x'; length], &[0x11, 0, 0]].concat();
            let lengths = [length as u32, chunk.len() as u32].map(u32::to_be_bytes).concat();
            read(&[lengths, chunk].concat())
        };
        assert_eq!(piece(256 << 10).unwrap(), 256 << 10);
        assert!(piece(LONGEST + 1).is_err());
    }
}
