//! Hadoop's TFile, as YARN gathers logs in it by default: blocks of records, one record a container, in it one log after
//! the other, each with its name and length. An index at the end says where the blocks are.
//! Not here: which of the logs are wanted.

use super::source::{Metered, Part, Stream, unpacked, whole, wrong};
use super::{Entry, LONGEST_NAME, Piece, Wanted};
use std::io::{self, Read};
use std::ops::Range;
use words::ids::ContainerId;

/// How such a file begins and ends.
pub(super) const MAGIC: [u8; 16] =
    [0xd1, 0x11, 0xd3, 0x68, 0x91, 0xb5, 0xd7, 0xb6, 0x39, 0xdf, 0x41, 0x40, 0x92, 0xba, 0xe1, 0x50];
/// The place of the index, the version (twice two bytes), the mark.
const TAIL: u64 = 8 + 4 + 16;
const VERSION: u16 = 1;
/// What is known besides: an index of blocks, one of keys, the kind of keys.
const MOST_SECTIONS: i64 = 64;
/// A file of this many blocks has terabytes.
const MOST_BLOCKS: i64 = 1 << 20;
/// Logs of one node and application.
const MOST_LOGS: usize = 20_000;
/// A key is a container's id, or the name of something else.
const LONGEST_KEY: u64 = 64 << 10;

/// Gives what is wanted of each log of each container, in the order of the file.
pub(super) fn walk(source: &Metered<'_>, wanted: &mut Wanted<'_>) -> io::Result<Vec<Piece>> {
    let (mut pieces, mut count) = (Vec::new(), 0);
    let (compression, blocks) = blocks(source)?;
    let mut counted = |entry: &Entry| {
        count += 1;
        if count > MOST_LOGS { Err(wrong("it has more logs than there can be")) } else { Ok(wanted(entry)) }
    };
    for block in blocks {
        let mut block = unpacked(source, block, &compression)?;
        while let Some(key) = key(&mut *block)? {
            let mut value = Chunks { stream: &mut *block, left: 0, is_last: false };
            match ContainerId::new(key) {
                Ok(container) => logs(&container, &mut value, &mut counted, &mut pieces)?,
                // The version, the owner, the access lists.
                Err(_) => value.skip(u64::MAX)?,
            }
        }
    }
    Ok(pieces)
}

/// Where the blocks lie, and how they are compressed.
fn blocks(source: &Metered<'_>) -> io::Result<(String, Vec<Range<u64>>)> {
    let tail = source.length().checked_sub(TAIL).ok_or_else(|| wrong("it is too short"))?;
    let mut end = Part::new(source, tail..source.length())?;
    let index = u64::from_be_bytes(array(&mut end)?);
    if u16::from_be_bytes(array(&mut end)?) != VERSION {
        return Err(wrong("its version is not known"));
    }
    let (_, mark): ([u8; 2], [u8; 16]) = (array(&mut end)?, array(&mut end)?);
    if mark != MAGIC {
        return Err(wrong("its end is missing"));
    }
    let mut sections = Part::new(source, index..tail)?;
    for _ in 0..count(&mut sections, MOST_SECTIONS)? {
        let (name, compression) = (text(&mut sections)?, text(&mut sections)?);
        let place = region(&mut sections)?;
        if name == "data:BCFile.index" {
            let mut list = unpacked(source, place, &compression)?;
            let compression = text(&mut *list)?;
            let blocks = (0..count(&mut *list, MOST_BLOCKS)?).map(|_| region(&mut *list));
            return Ok((compression, blocks.collect::<io::Result<_>>()?));
        }
    }
    Err(wrong("it has no list of its blocks"))
}

/// The key of the next record; none at the end of a block.
fn key(block: &mut dyn Stream) -> io::Result<Option<String>> {
    let mut first = [0];
    if block.read(&mut first)? == 0 {
        return Ok(None);
    }
    let length = rest_of_number(first[0], block)?;
    let length = u64::try_from(length).ok().filter(|length| *length <= LONGEST_KEY);
    let bytes = whole(block, length.ok_or_else(|| wrong("a key of it is too long"))?)?;
    // A text of Java, which has its length before it, in two bytes.
    Ok(Some(String::from_utf8_lossy(bytes.get(2..).unwrap_or_default()).into_owned()))
}

/// The logs of one container.
fn logs(
    container: &ContainerId,
    value: &mut Chunks<'_>,
    wanted: &mut dyn FnMut(&Entry) -> io::Result<Range<u64>>,
    pieces: &mut Vec<Piece>,
) -> io::Result<()> {
    while let Some(name) = short_text(value)? {
        let size = short_text(value)?.and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| wrong("a log in it has no length"))?;
        let entry = Entry { container: container.clone(), name, size };
        let range = wanted(&entry)?;
        let range = range.start.min(size)..range.end.min(size).max(range.start.min(size));
        value.skip(range.start)?;
        let bytes = whole(value, range.end - range.start)?;
        value.skip(size - range.end)?;
        if !bytes.is_empty() {
            pieces.push(Piece { entry, from: range.start, bytes });
        }
    }
    Ok(())
}

/// The value of a record: chunks, each with its length before it; that of the last one is not negative.
struct Chunks<'a> {
    stream: &'a mut dyn Stream,
    left: u64,
    is_last: bool,
}

impl Chunks<'_> {
    /// Whether there is something to read; steps over the head of a chunk.
    fn is_more(&mut self) -> io::Result<bool> {
        while self.left == 0 && !self.is_last {
            let length = number(self.stream)?;
            (self.left, self.is_last) = (length.unsigned_abs(), length >= 0);
        }
        Ok(self.left > 0)
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || !self.is_more()? {
            return Ok(0);
        }
        let count = (&mut *self.stream).take(self.left).read(buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

impl Stream for Chunks<'_> {
    fn skip(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 && self.is_more()? {
            let some = count.min(self.left);
            self.stream.skip(some)?;
            self.left -= some;
            count -= some;
        }
        Ok(())
    }
}

fn array<const N: usize>(stream: &mut (impl Read + ?Sized)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A number as TFile writes it: small ones in one byte, larger ones in as few as will do.
fn number(stream: &mut (impl Read + ?Sized)) -> io::Result<i64> {
    let [first] = array(stream)?;
    rest_of_number(first, stream)
}

fn rest_of_number(first: u8, stream: &mut (impl Read + ?Sized)) -> io::Result<i64> {
    let signed = i64::from(first as i8);
    let (high, more) = match signed {
        -32.. => return Ok(signed),
        -72.. => (signed + 52, 1),
        -104.. => (signed + 88, 2),
        -120.. => (signed + 112, 3),
        _ => {
            // The first byte is only a count; the highest of those that follow has the sign.
            let count = usize::try_from(signed + 129).unwrap_or_default();
            let [first] = array(stream)?;
            (i64::from(first as i8), count - 1)
        }
    };
    if more > 7 {
        return Err(wrong("a number in it is none"));
    }
    let mut bytes = [0; 7];
    stream.read_exact(&mut bytes[..more])?;
    Ok(bytes[..more].iter().fold(high, |number, byte| (number << 8) | i64::from(*byte)))
}

fn count(stream: &mut (impl Read + ?Sized), most: i64) -> io::Result<i64> {
    let count = number(stream)?;
    if (0..=most).contains(&count) { Ok(count) } else { Err(wrong("it has more parts than there can be")) }
}

/// Where a part lies: its place, its length, and its length before it was compressed.
fn region(stream: &mut (impl Read + ?Sized)) -> io::Result<Range<u64>> {
    let mut next = || u64::try_from(number(stream)?).map_err(|_| wrong("a part of it has no place"));
    let (from, length, _) = (next()?, next()?, next()?);
    Ok(from..from.saturating_add(length))
}

/// A text of TFile's own.
fn text(stream: &mut (impl Read + ?Sized)) -> io::Result<String> {
    let length = count(stream, LONGEST_KEY as i64)?;
    Ok(String::from_utf8_lossy(&whole(stream, length.unsigned_abs())?).into_owned())
}

/// A text of Java with its length in two bytes; none where nothing follows.
fn short_text(stream: &mut Chunks<'_>) -> io::Result<Option<String>> {
    if !stream.is_more()? {
        return Ok(None);
    }
    let length = u16::from_be_bytes(array(stream)?);
    if usize::from(length) > LONGEST_NAME {
        return Err(wrong("a log in it has no name that a file can have"));
    }
    Ok(Some(String::from_utf8_lossy(&whole(stream, length.into())?).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::Allowance;
    use super::*;

    #[test]
    fn a_number_is_as_long_as_it_must_be() {
        let read = |bytes: &[u8]| number(&mut &*bytes).unwrap();
        for (bytes, value) in [
            (&[0x00][..], 0),
            (&[0x7f], 127),
            (&[0xe0], -32),
            (&[0xcc, 0x80], 128),
            (&[0xa9, 0x7a, 0x96], 0x1_7a96),
            (&[0xcb, 0xdf], -33),
            (&[0x80 + 3, 0x7f, 0xff, 0xff, 0xff], 0x7fff_ffff),
            (&[0x80 + 3, 0xff, 0, 0, 0], -0x100_0000),
            (&[0x87, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
        ] {
            assert_eq!(read(bytes), value, "{bytes:x?}");
        }
        assert!(number(&mut &[0x87, 1][..]).is_err());
    }

    #[test]
    fn a_value_is_read_and_skipped_across_its_chunks() {
        let bytes = [0xfe, b'a', b'b', 0xff, b'c', 0x03, b'd', b'e', b'f', b'x'];
        let bytes = &bytes[..];
        let within = Allowance::default();
        let source = Metered::new(&bytes, &within);
        let mut part = Part::new(&source, 0..10).unwrap();
        let mut value = Chunks { stream: &mut part, left: 0, is_last: false };
        value.skip(1).unwrap();
        assert_eq!(whole(&mut value, 3).unwrap(), b"bcd");
        value.skip(u64::MAX).unwrap();
        assert!(!value.is_more().unwrap());
        assert_eq!(whole(&mut part, 1).unwrap(), b"x");
    }
}
