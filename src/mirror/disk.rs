//! Writes what the room decided: whole files by rename, whole trees into a folder of their own.
//! Nothing gets its final name before it is complete and durable.
//! Not here: what is written.

use super::store::Store;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why a tree could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Replaces a file, or makes it: the old bytes or the new ones, never a mix.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

/// Writes a tree into a folder that does not exist yet; objects are hard links into the store where that is possible.
pub fn write_tree(tree: &Tree, store: Option<&Store>, folder: &Path) -> Result<(), Error> {
    for (path, entry) in tree.iter() {
        write_entry(path, entry, store, folder).map_err(|source| Error { path: path.under(folder), source })?;
    }
    let synced = File::open(folder).and_then(|opened| rustix::fs::syncfs(&opened).map_err(io::Error::from));
    synced.map_err(|source| Error { path: folder.to_owned(), source })
}

fn write_entry(path: &SafePath, entry: &Entry, store: Option<&Store>, folder: &Path) -> io::Result<()> {
    let target = path.under(folder);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    match entry {
        Entry::File { bytes, executable } => {
            fs::write(&target, bytes)?;
            fs::set_permissions(&target, Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))
        }
        Entry::Object { digest, executable, .. } => {
            let store = store.ok_or_else(|| io::Error::other("an object needs a store"))?;
            let from = store.path(*digest);
            if *executable {
                fs::copy(&from, &target)?;
                return fs::set_permissions(&target, Permissions::from_mode(0o755));
            }
            match fs::hard_link(&from, &target) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => fs::copy(&from, &target).map(drop),
                linked => linked,
            }
        }
    }
}
