//! YARN's indexed file of logs: logs one after the other, and at the end an index that says where each lies, as Java
//! serialises it; its length and the mark with which the file began close it.
//! Not here: which of the logs are wanted.

use super::java::{Stream, Value};
use super::source::{Metered, Part, unpacked, whole, wrong};
use super::{Entry, LONGEST_NAME, Piece, Wanted};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use words::ids::ContainerId;

/// The mark, and the length before it.
const MARK: u64 = 32;
const TAIL: u64 = MARK + 4;
/// Tens of thousands of logs.
const LONGEST_INDEX: u64 = 8 << 20;

/// A log, and where its bytes lie.
struct Placed {
    entry: Entry,
    place: Range<u64>,
}

/// Gives what is wanted of each log, by container and name.
pub(super) fn walk(source: &Metered<'_>, wanted: &mut Wanted<'_>) -> io::Result<Vec<Piece>> {
    let (compression, logs) = index(source)?;
    let mut pieces = Vec::new();
    for Placed { entry, place } in logs {
        let range = wanted(&entry);
        let range = range.start.min(entry.size)..range.end.min(entry.size);
        if range.is_empty() {
            continue;
        }
        let mut log = unpacked(source, place, &compression)?;
        log.skip(range.start)?;
        let bytes = whole(&mut *log, range.end - range.start)?;
        pieces.push(Piece { entry, from: range.start, bytes });
    }
    Ok(pieces)
}

/// How the logs are compressed, and each with its place. What was gathered several times counts as it was gathered last.
fn index(source: &Metered<'_>) -> io::Result<(String, Vec<Placed>)> {
    let end = source.length().checked_sub(TAIL).ok_or_else(|| wrong("it is too short"))?;
    let tail = whole(&mut Part::new(source, end..source.length())?, TAIL)?;
    let (length, mark) = tail.split_first_chunk::<4>().ok_or_else(|| wrong("it is too short"))?;
    if whole(&mut Part::new(source, 0..MARK)?, MARK)? != mark {
        return Err(wrong("it is no file of logs that YARN gathered, or its end is not written yet"));
    }
    let length = u64::from(u32::from_be_bytes(*length));
    let from = end.checked_sub(length).filter(|_| length <= LONGEST_INDEX);
    let from = from.ok_or_else(|| wrong("its index is longer than it can be"))?;
    let stream = Stream::read(&whole(&mut Part::new(source, from..end)?, length)?)?;
    let missing = || wrong("its index is not YARN's");
    let root = stream.object(&stream.root).ok_or_else(missing)?;
    let compression = stream.text(root.field("compressName")).unwrap_or("none").to_owned();
    let mut logs = BTreeMap::new();
    for round in &stream.object(root.field("logMetas")).ok_or_else(missing)?.elements {
        let round = stream.object(round).ok_or_else(missing)?;
        let containers = stream.object(round.field("logMetas")).ok_or_else(missing)?;
        // A map: keys and values in turn.
        for list in containers.elements.chunks_exact(2).filter_map(|pair| stream.object(&pair[1])) {
            let list = list.elements.iter().filter_map(|log| placed(&stream, log));
            logs.extend(list.map(|log| ((log.entry.container.clone(), log.entry.name.clone()), log)));
        }
    }
    Ok((compression, logs.into_values().collect()))
}

fn placed(stream: &Stream, log: &Value) -> Option<Placed> {
    let log = stream.object(log)?;
    let container = ContainerId::new(stream.text(log.field("containerId"))?).ok()?;
    let name = stream.text(log.field("fileName")).filter(|name| name.len() <= LONGEST_NAME)?.to_owned();
    let (from, length) = (log.number("startIndex")?, log.number("fileCompressedSize")?);
    let entry = Entry { container, name, size: log.number("fileSize")? };
    Some(Placed { entry, place: from..from.saturating_add(length) })
}
