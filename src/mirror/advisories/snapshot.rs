//! A snapshot of advisories: a folder of JSON files, or zips of such, as databases publish them for download.
//! It comes from outside, so lengths, counts and depths are bounded; a record that cannot be read is counted and told.
//! Not here: what a record says.

use super::osv::Record;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest record that is read; the longest real ones list some ten thousand versions.
const LONGEST_RECORD: u64 = 16 << 20;
/// The most records: all of OSV's have some 700,000.
const MOST_RECORDS: usize = 2_000_000;
/// The most bytes of records, unpacked.
const MOST_BYTES: u64 = 32 << 30;
/// Folders in folders.
const DEEPEST: usize = 16;
/// So many records that cannot be read are named.
const NAMED: usize = 5;

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// A zip is none.
    #[error("{} is no zip of advisories", path.display())]
    Zip { path: PathBuf, source: zip::result::ZipError },
    /// It is larger than anything sensible.
    #[error("{} has more than {MOST_RECORDS} records or {MOST_BYTES} bytes of them", path.display())]
    TooMuch { path: PathBuf },
    /// There is nothing in it.
    #[error("{} holds no advisory: give a folder or a zip with OSV records (*.json)", path.display())]
    Empty { path: PathBuf },
}

/// What was read of a snapshot.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Records that were read.
    pub records: usize,
    /// Files that are no records.
    pub broken: usize,
    /// The first of them, with the reason.
    pub named: Vec<String>,
    bytes: u64,
}

/// Reads every record of a snapshot.
pub fn read(from: &Path, mut take: impl FnMut(&Record)) -> Result<Snapshot, Error> {
    let mut count = Snapshot::default();
    let mut open = vec![(from.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        let failed = |source| Error::Read { path: path.clone(), source };
        let kind = if depth == 0 { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let kind = kind.map_err(failed)?;
        let ends = |end: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
        if kind.is_dir() && depth < DEEPEST {
            let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
            let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
            paths.sort();
            open.extend(paths.into_iter().rev().map(|path| (path, depth + 1)));
        } else if kind.is_file() && ends("zip") {
            read_zip(&path, &mut count, &mut take)?;
        } else if kind.is_file() && (ends("json") || depth == 0) {
            let file = File::open(&path).map_err(failed)?;
            count.record(file, &path.display().to_string(), &mut take).map_err(failed)?;
        }
        count.bounded(from)?;
    }
    if count.records == 0 && count.broken == 0 {
        return Err(Error::Empty { path: from.to_owned() });
    }
    Ok(count)
}

fn read_zip(path: &Path, count: &mut Snapshot, take: &mut impl FnMut(&Record)) -> Result<(), Error> {
    let zip = |source| Error::Zip { path: path.to_owned(), source };
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(zip)?;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(zip)?;
        let name = entry.name().map_err(zip)?.into_owned();
        if entry.is_file() && name.ends_with(".json") {
            let failed = |source| Error::Read { path: path.join(&name), source };
            count.record(entry, &name, take).map_err(failed)?;
            count.bounded(path)?;
        }
    }
    Ok(())
}

impl Snapshot {
    fn record(&mut self, from: impl Read, name: &str, take: &mut impl FnMut(&Record)) -> io::Result<()> {
        let mut bytes = Vec::new();
        from.take(LONGEST_RECORD + 1).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        let long = bytes.len() as u64 > LONGEST_RECORD;
        let record = if long { Err(format!("it has more than {LONGEST_RECORD} bytes")) } else { parse(&bytes) };
        match record {
            Ok(record) => {
                self.records += 1;
                take(&record);
            }
            Err(why) => {
                self.broken += 1;
                if self.named.len() < NAMED {
                    self.named.push(super::osv::plain(&format!("{name}: {why}")));
                }
            }
        }
        Ok(())
    }

    fn bounded(&self, path: &Path) -> Result<(), Error> {
        if self.records + self.broken > MOST_RECORDS || self.bytes > MOST_BYTES {
            return Err(Error::TooMuch { path: path.to_owned() });
        }
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<Record, String> {
    let record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if record.id.is_empty() { Err("it has no id".to_owned()) } else { Ok(record) }
}
