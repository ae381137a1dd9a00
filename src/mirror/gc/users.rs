//! Which mirrors use a store: each notes itself there before it refers to any of its bytes.
//! A note is a file named by the digest of the mirror's path, holding that path.
//! Not here: what a mirror refers to.

use crate::store::{Error, Store};
use disk::replace;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use words::digest::Sha256;

/// The folder of the notes, inside a store's.
const FOLDER: &str = "mirrors";

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Store { what, path, source }
}

fn note_file(store: &Store, path: &Path) -> PathBuf {
    store.folder().join(FOLDER).join(Sha256::of(path.as_os_str().as_bytes()).to_string())
}

/// Notes that a mirror, whose folder exists, uses the store.
pub fn note(store: &Store, mirror: &Path) -> Result<(), Error> {
    let path = fs::canonicalize(mirror).map_err(failed("note the user", mirror))?;
    let (folder, file) = (store.folder().join(FOLDER), note_file(store, &path));
    if fs::read(&file).is_ok_and(|noted| noted == path.as_os_str().as_bytes()) {
        return Ok(());
    }
    fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
    replace::replace(&file, path.as_os_str().as_bytes()).map_err(failed("write", &file))
}

/// The mirrors that use the store, sorted.
pub fn all(store: &Store) -> Result<Vec<PathBuf>, Error> {
    let folder = store.folder().join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed("list", &folder))?,
    };
    let mut users = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed("list", &folder))?.path();
        let path = PathBuf::from(OsString::from_vec(fs::read(&file).map_err(failed("read", &file))?));
        // A note that is being written has another name.
        if note_file(store, &path) == file {
            users.push(path);
        }
    }
    users.sort();
    Ok(users)
}

/// The path under which a mirror is noted, there or not.
pub(super) fn path_of(mirror: &Path) -> PathBuf {
    fs::canonicalize(mirror).or_else(|_| std::path::absolute(mirror)).unwrap_or_else(|_| mirror.to_owned())
}

/// Forgets a mirror that is gone for good; says whether it was known.
pub fn forget(store: &Store, mirror: &Path) -> Result<bool, Error> {
    let file = note_file(store, &path_of(mirror));
    match fs::remove_file(&file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("forget", &file)(error)),
    }
}
