//! Reads the files of one part, a tar in any of its compressions or a zip, and refuses what no part of ours needs.
//! Nothing of a part is trusted: not its names, not its sizes, not how much it unpacks to.
//! Not here: where its files go.

use super::Error;
use crate::compression::Compression;
use std::fs::File;
use std::io::{self, BufReader, Read};
use systems::meter::Meter;
use tar::EntryType;
use words::names::SafePath;

/// A part may not unpack to more than this.
const MOST_BYTES: u64 = 8 << 30;
/// A part may not have more members than this.
const MOST_MEMBERS: u64 = 200_000;
/// How often the unpacked bytes may be the packed ones. DEFLATE reaches 1032; programs stay below 20.
const GROWTH: u64 = 200;
/// Small parts may grow to this however well they are compressed.
const ALWAYS_ALLOWED: u64 = 16 << 20;
const LINK: &str = "is a link: leave it out with `except`, or make it with [[assembly.link]]";
const NO_FILE: &str = "is neither a file nor a folder";

/// What is done with a file: its name in the part, and its bytes.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &mut dyn Read) -> Result<(), Error>;

/// Gives every wanted file of a part to `visit`.
pub(super) fn each_file(
    part: &SafePath,
    file: File,
    wanted: &dyn Fn(&str) -> bool,
    visit: Visit<'_>,
) -> Result<(), Error> {
    let unreadable = |source| Error::Part { part: part.clone(), source };
    let packed = file.metadata().map_err(unreadable)?.len();
    let bounds = Bounds { part, left: MOST_BYTES.min(packed.saturating_mul(GROWTH).max(ALWAYS_ALLOWED)), members: 0 };
    match unpacked(part.as_str(), &file).map_err(unreadable)? {
        Some(tar) => tar_files(tar, bounds, wanted, visit),
        None => zip_files(&file, bounds, wanted, visit),
    }
}

/// The tar inside a part; none if its name is not that of a tar.
fn unpacked<'a>(name: &str, file: &'a File) -> io::Result<Option<Box<dyn Read + 'a>>> {
    let file = BufReader::with_capacity(128 * 1024, file);
    let compression = match name.rsplit('.').next().unwrap_or_default() {
        "gz" | "tgz" => Compression::Gzip,
        "zst" => Compression::Zstd,
        "xz" => Compression::Xz,
        "tar" => Compression::Plain,
        _ => return Ok(None),
    };
    compression.unpack(file).map(Some)
}

/// How much of a part may still come.
struct Bounds<'a> {
    part: &'a SafePath,
    left: u64,
    members: u64,
}

impl Bounds<'_> {
    fn count(&mut self, size: u64) -> Result<(), Error> {
        self.members += 1;
        if self.members > MOST_MEMBERS {
            return Err(Error::Bomb { part: self.part.clone(), limit: MOST_MEMBERS, of: "members" });
        }
        let left = self.left.checked_sub(size);
        self.left = left.ok_or(Error::Bomb { part: self.part.clone(), limit: self.left, of: "bytes more" })?;
        Ok(())
    }

    fn unreadable(&self, source: impl Into<io::Error>) -> Error {
        Error::Part { part: self.part.clone(), source: source.into() }
    }

    fn refused(&self, member: &str, why: &'static str) -> Error {
        Error::Refused { part: self.part.clone(), member: member.escape_debug().to_string(), why }
    }
}

fn tar_files(
    tar: impl Read,
    mut bounds: Bounds<'_>,
    wanted: &dyn Fn(&str) -> bool,
    visit: Visit<'_>,
) -> Result<(), Error> {
    let (meter, allowance) = Meter::new(tar);
    let mut archive = tar::Archive::new(meter);
    for entry in archive.entries().map_err(|source| bounds.unreadable(source))? {
        let mut entry = entry.map_err(|source| bounds.unreadable(source))?;
        bounds.count(entry.size())?;
        allowance.member(entry.size());
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name);
        if wanted(name) {
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => visit(name, &mut entry)?,
                EntryType::Directory | EntryType::XGlobalHeader => {}
                EntryType::Symlink | EntryType::Link => return Err(bounds.refused(name, LINK)),
                _ => return Err(bounds.refused(name, NO_FILE)),
            }
        }
        // What is left of a member must not count as the next one's header.
        io::copy(&mut entry, &mut io::sink()).map_err(|source| bounds.unreadable(source))?;
        allowance.header();
    }
    Ok(())
}

fn zip_files(
    file: &File,
    mut bounds: Bounds<'_>,
    wanted: &dyn Fn(&str) -> bool,
    visit: Visit<'_>,
) -> Result<(), Error> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|source| bounds.unreadable(source))?;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|source| bounds.unreadable(source))?;
        let name = entry.name().map_err(|source| bounds.unreadable(source))?.into_owned();
        bounds.count(0)?;
        if entry.is_dir() || !wanted(&name) {
            continue;
        }
        let (size, kind) = (entry.size(), entry.unix_mode().unwrap_or_default() & 0o170_000);
        bounds.count(size)?;
        match kind {
            0 | 0o100_000 => {}
            0o120_000 => return Err(bounds.refused(&name, LINK)),
            _ => return Err(bounds.refused(&name, NO_FILE)),
        }
        // The size is only what the zip says; one byte more shows that it lies.
        let mut bytes = Read::take(&mut entry, size.saturating_add(1));
        visit(&name, &mut bytes)?;
        if bytes.limit() != 1 {
            return Err(bounds.refused(&name, "has another size than the zip says"));
        }
    }
    Ok(())
}
