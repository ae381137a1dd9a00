//! Logs that YARN's NodeManagers have gathered in HDFS, a file for each node and application, in either of Hadoop's formats;
//! of each file only the parts are read that are asked for.
//! Not here: logs that are still on the nodes (`yarn::logs`), and whose logs they are.

mod har;
mod hdfs;
mod indexed;
mod java;
mod lzo;
mod source;
mod tfile;

pub use hdfs::{Error, Found, Gathered};
pub use source::Source;

use source::Allowance;
use std::io;
use std::ops::Range;
use words::ids::ContainerId;

/// No file system has longer names.
const LONGEST_NAME: usize = 255;

/// A log of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The container.
    pub container: ContainerId,
    /// The log's name, as whoever wrote it called it.
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The log.
    pub entry: Entry,
    /// How many bytes lie before it.
    pub from: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Says what of a log is wanted: an empty range for nothing. Whoever asks bounds it.
pub type Wanted<'a> = dyn FnMut(&Entry) -> Range<u64> + 'a;

/// Gives what is wanted of the logs in a file. One that was gathered several times is there once, as it was gathered last.
pub fn read(source: &dyn Source, wanted: &mut Wanted<'_>) -> io::Result<Vec<Piece>> {
    read_within(source, &Allowance::default(), wanted)
}

fn read_within(source: &dyn Source, within: &Allowance, wanted: &mut Wanted<'_>) -> io::Result<Vec<Piece>> {
    let source = &source::Metered::new(source, within);
    match source.part(0, tfile::MAGIC.len() as u64)? == tfile::MAGIC {
        true => tfile::walk(source, wanted),
        false => indexed::walk(source, wanted),
    }
}

/// The logs in a file.
pub fn list(source: &dyn Source) -> io::Result<Vec<Entry>> {
    list_within(source, &Allowance::default())
}

fn list_within(source: &dyn Source, within: &Allowance) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    read_within(source, within, &mut |entry| {
        entries.push(entry.clone());
        0..0
    })?;
    Ok(entries)
}

#[cfg(test)]
mod tests;
