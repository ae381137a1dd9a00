//! Writes an assembly: as a gzipped tar, as a zip, or as files of the mirror. The same members give the same bytes.
//! Members are sorted, times and owners fixed, modes reduced to 0644, 0755 and links.
//! Not here: where the members come from.

use super::gzip::{Gzip, is_packed};
use super::members::{Members, Piece};
use super::{Error, Placed};
use crate::manifest::Assembly;
use crate::store::Store;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use words::names::Word;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// 1980-01-01: the oldest time that zip files, tar files and people agree on.
const TIME: u64 = 315_532_800;
/// What a member of a zip may have before it must say its size in more bits.
const SMALL: u64 = u32::MAX as u64;

pub(super) fn tar_gz(members: &Members<'_>, assembly: &Assembly, file: &File) -> io::Result<()> {
    let mut tar = tar::Builder::new(Gzip::new(BufWriter::new(file))?);
    for (path, piece) in members.pieces(assembly) {
        let mut header = tar::Header::new_gnu();
        header.set_mtime(TIME);
        header.set_uid(0);
        header.set_gid(0);
        match piece {
            Piece::Link(to) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                tar.append_link(&mut header, path.as_str(), to)?;
            }
            Piece::File { start, size, executable } => {
                header.set_mode(if executable { 0o755 } else { 0o644 });
                header.set_size(size);
                tar.get_mut().pack(!is_packed(members.bytes(start, size)?)?)?;
                tar.append_data(&mut header, path.as_str(), members.bytes(start, size)?)?;
            }
        }
    }
    let mut out = tar.into_inner()?.finish()?;
    out.flush()?;
    out.get_ref().sync_all()
}

pub(super) fn zip(members: &Members<'_>, assembly: &Assembly, file: &File) -> io::Result<()> {
    let mut zip = zip::ZipWriter::new(BufWriter::new(file));
    // The default of its time is 1980-01-01, too.
    let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default()).compression_level(Some(1));
    for (path, piece) in members.pieces(assembly) {
        match piece {
            Piece::Link(to) => zip.add_symlink(path.as_str(), to, options.unix_permissions(0o777))?,
            Piece::File { start, size, executable } => {
                let options = options.unix_permissions(if executable { 0o755 } else { 0o644 });
                let options = match is_packed(members.bytes(start, size)?)? {
                    true => options.compression_method(CompressionMethod::Stored).compression_level(None),
                    false => options,
                };
                zip.start_file(path.as_str(), options.large_file(size > SMALL))?;
                io::copy(&mut members.bytes(start, size)?, &mut zip)?;
            }
        }
    }
    let mut out = zip.finish()?;
    out.flush()?;
    out.get_ref().sync_all()
}

/// Each member as bytes in the store.
pub(super) fn folder(
    name: &Word,
    members: &Members<'_>,
    assembly: &Assembly,
    store: &Store,
) -> Result<Vec<Placed>, Error> {
    let written = |source| Error::Write { assembly: name.clone(), source };
    let kept = |source| Error::Store { assembly: name.clone(), source };
    let mut placed = Vec::new();
    for (path, piece) in members.pieces(assembly) {
        let Piece::File { start, size, executable } = piece else { continue };
        let mut scratch = store.scratch().map_err(kept)?;
        let mut bytes = members.bytes(start, size).map_err(written)?;
        io::copy(&mut bytes, scratch.as_file_mut()).map_err(written)?;
        let (_, file) = scratch.keep().map_err(|error| written(error.error))?;
        placed.push(Placed { path: path.clone(), kept: store.keep(&file).map_err(kept)?, executable });
    }
    Ok(placed)
}
