//! The store: bytes by digest in one folder. The only entry is a verified download or a verified local file.
//! Files are read-only, complete and durable before they get their name; beginnings wait in `partial` for the next run.
//! Not here: what the bytes are for.

use crate::systems::download::{self, Expected};
use crate::systems::http::{self, Http};
use crate::words::digest::Sha256;
use crate::words::event::Tell;
use crate::words::location::Location;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What went wrong with the store itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file of the store cannot be made, read or renamed.
    #[error("cannot {what} {} in the store", path.display())]
    Store { what: &'static str, path: PathBuf, source: io::Error },
    /// The bytes could not be brought.
    #[error("cannot bring {sha256} into the store")]
    Download { sha256: Sha256, source: download::Error },
    /// Its bytes have changed since they were brought; they are gone now.
    #[error("the store's copy of {sha256} was damaged and is removed; run it again to fetch it anew")]
    Damaged { sha256: Sha256 },
    /// Nobody says where they are.
    #[error("no place is known that holds {sha256}")]
    NoPlace { sha256: Sha256 },
    /// Another run is at work.
    #[error("another run is using {}; wait for it, or stop it", path.display())]
    Busy { path: PathBuf },
}

impl Error {
    /// Whether wrong bytes were offered, which is never to be waved through.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Error::Download { source, .. } if source.is_mismatch())
    }

    /// Whether the place simply has no such file.
    pub fn is_missing(&self) -> bool {
        let Error::Download { source: download::Error::Http { source, .. }, .. } = self else { return false };
        matches!(source, http::Error::Missing { .. })
    }
}

/// A folder of bytes by digest.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens a store, making its folders.
    pub fn open(folder: &Path) -> Result<Store, Error> {
        for name in ["sha256", "sha512", "partial", "assembled", "control", "seen"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|source| Error::Store { what: "make", path, source })?;
        }
        Ok(Store { folder: folder.to_owned() })
    }

    /// Keeps other runs out until the returned file is dropped.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(|source| Error::Store { what: "make", path: path.clone(), source })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                self.sweep();
                Ok(file)
            }
            Err(_) => Err(Error::Busy { path: self.folder.clone() }),
        }
    }

    /// Removes what a killed run was making; beginnings of downloads have other names and stay.
    fn sweep(&self) {
        let entries = fs::read_dir(self.folder.join("partial")).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")) {
            // What cannot be removed only takes room.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Where the bytes of a digest are, if they are there.
    pub fn path(&self, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.folder.join("sha256").join(&name[..2]).join(&name[2..])
    }

    /// Whether the store holds these bytes; the size is a cheap check against a damaged store.
    pub fn has(&self, expected: Expected) -> bool {
        fs::metadata(self.path(expected.sha256)).is_ok_and(|there| there.len() == expected.size)
    }

    /// Reads bytes once more before they are signed for: a damaged copy is removed, so that the next fetch mends it.
    pub fn still(&self, sha256: Sha256) -> Result<(), Error> {
        let path = self.path(sha256);
        let failed = |what| {
            let path = path.clone();
            move |source| Error::Store { what, path, source }
        };
        let mut file = File::open(&path).map_err(failed("read"))?;
        let (found, _) = Sha256::of_reader(&mut file).map_err(failed("read"))?;
        if found == sha256 {
            return Ok(());
        }
        fs::remove_file(&path).map_err(failed("remove"))?;
        Err(Error::Damaged { sha256 })
    }

    /// How much of it an earlier, interrupted run has left.
    pub fn begun(&self, expected: Expected) -> u64 {
        fs::metadata(self.partial(expected.sha256)).map_or(0, |there| there.len().min(expected.size))
    }

    /// Whether the disk has room for so many bytes more; if not, which folder and how much there is.
    pub fn room_for(&self, bytes: u64) -> Result<(), (PathBuf, u64)> {
        let Ok(disk) = rustix::fs::statvfs(&self.folder) else { return Ok(()) };
        let free = disk.f_bavail * disk.f_frsize;
        if bytes <= free { Ok(()) } else { Err((self.folder.clone(), free)) }
    }

    fn partial(&self, sha256: Sha256) -> PathBuf {
        self.folder.join("partial").join(sha256.to_string())
    }

    /// Brings bytes in from the first of these places that gives them, unless they are there.
    pub fn bring(&self, http: &Http, from: &[Location], expected: Expected, tell: Tell) -> Result<(), Error> {
        if self.has(expected) {
            return Ok(());
        }
        let partial = self.partial(expected.sha256);
        let mut last = None;
        for location in from {
            match download::download(http, location, expected, &partial, tell) {
                Ok(()) => return self.name(&partial, expected.sha256),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(source) => Error::Download { sha256: expected.sha256, source },
            None => Error::NoPlace { sha256: expected.sha256 },
        })
    }

    /// Takes in a finished local file by renaming it; its digest is computed here.
    pub fn keep(&self, file: &Path) -> Result<Expected, Error> {
        let failed = |source| Error::Store { what: "read", path: file.to_owned(), source };
        let mut reader = File::open(file).map_err(failed)?;
        let (sha256, size) = Sha256::of_reader(&mut reader).map_err(failed)?;
        reader.sync_all().map_err(failed)?;
        let expected = Expected { size, sha256 };
        if self.has(expected) {
            fs::remove_file(file).map_err(failed)?;
        } else {
            self.name(file, sha256)?;
        }
        Ok(expected)
    }

    /// A file in which something is made before `keep` takes it.
    pub fn scratch(&self) -> Result<tempfile::NamedTempFile, Error> {
        let path = self.folder.join("partial");
        tempfile::NamedTempFile::new_in(&path).map_err(|source| Error::Store { what: "make a file in", path, source })
    }

    /// Gives a complete, verified file its name.
    fn name(&self, file: &Path, sha256: Sha256) -> Result<(), Error> {
        let path = self.path(sha256);
        let failed = |what| move |source| (what, source);
        let place = || {
            let folder = path.parent().unwrap_or(&self.folder);
            fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
            fs::set_permissions(file, Permissions::from_mode(0o444)).map_err(failed("protect"))?;
            fs::rename(file, &path).map_err(failed("place"))?;
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync"))
        };
        place().map_err(|(what, source)| Error::Store { what, path: path.clone(), source })
    }

    /// The SHA-512 of bytes that are here, in hexadecimal; remembered, for large files take a second.
    pub fn sha512(&self, sha256: Sha256) -> Result<String, Error> {
        let path = self.folder.join("sha512").join(sha256.to_string());
        if let Ok(known) = fs::read_to_string(&path) {
            return Ok(known);
        }
        let object = self.path(sha256);
        let read = |source| Error::Store { what: "read", path: object.clone(), source };
        let mut file = File::open(&object).map_err(read)?;
        let sha512 = crate::words::digest::sha512_hex(&mut file).map_err(read)?;
        crate::mirror::disk::replace(&path, sha512.as_bytes()).map_err(|source| Error::Store {
            what: "write",
            path,
            source,
        })?;
        Ok(sha512)
    }

    /// What was noted of something; only a hint, for whoever reads it must be able to tell whether it is whole.
    pub fn recall(&self, kind: &str, of: Sha256) -> Option<Vec<u8>> {
        fs::read(self.folder.join(kind).join(of.to_string())).ok()
    }

    /// Notes something that can be found out again: neither durable nor necessary, so failing is no failure.
    pub fn note(&self, kind: &str, of: Sha256, bytes: &[u8]) {
        let place = || -> io::Result<()> {
            let file = tempfile::NamedTempFile::new_in(self.folder.join("partial"))?;
            fs::write(file.path(), bytes)?;
            file.persist(self.folder.join(kind).join(of.to_string()))?;
            Ok(())
        };
        let _ = place();
    }

    /// The result of an assembly that was made before from the same parts in the same way.
    pub fn assembled(&self, recipe: Sha256) -> Option<Expected> {
        let text = fs::read_to_string(self.folder.join("assembled").join(recipe.to_string())).ok()?;
        let (sha256, size) = text.trim().split_once(' ')?;
        Some(Expected { size: size.parse().ok()?, sha256: sha256.parse().ok()? }).filter(|made| self.has(*made))
    }

    /// Remembers the result of an assembly.
    pub fn remember(&self, recipe: Sha256, made: Expected) -> Result<(), Error> {
        let path = self.folder.join("assembled").join(recipe.to_string());
        let text = format!("{} {}\n", made.sha256, made.size);
        crate::mirror::disk::replace(&path, text.as_bytes()).map_err(|source| Error::Store {
            what: "write",
            path,
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::http::Patience;
    use crate::words::event::silent;

    fn store() -> (tempfile::TempDir, Store, Http) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        (folder, store, Http::new(Patience::default()))
    }

    #[test]
    fn bytes_come_in_once_and_read_only() {
        let (folder, store, http) = store();
        let file = folder.path().join("a");
        fs::write(&file, "abc").unwrap();
        let expected = Expected { size: 3, sha256: Sha256::of(b"abc") };
        store.bring(&http, &[Location::Path(file.clone())], expected, &silent).unwrap();
        assert!(store.has(expected));
        assert_eq!(fs::metadata(store.path(expected.sha256)).unwrap().permissions().mode() & 0o777, 0o444);
        fs::remove_file(file).unwrap();
        store.bring(&http, &[], expected, &silent).unwrap();
    }

    #[test]
    fn wrong_bytes_leave_nothing() {
        let (folder, store, http) = store();
        let file = folder.path().join("a");
        fs::write(&file, "abd").unwrap();
        let expected = Expected { size: 3, sha256: Sha256::of(b"abc") };
        let error = store.bring(&http, &[Location::Path(file)], expected, &silent).unwrap_err();
        assert!(error.is_mismatch() && !store.has(expected), "{error}");
        assert_eq!(store.begun(expected), 0);
    }

    #[test]
    fn the_next_place_is_tried() {
        let (folder, store, http) = store();
        let file = folder.path().join("a");
        fs::write(&file, "abc").unwrap();
        let expected = Expected { size: 3, sha256: Sha256::of(b"abc") };
        let places = [Location::Path(folder.path().join("gone")), Location::Path(file)];
        store.bring(&http, &places, expected, &silent).unwrap();
    }

    #[test]
    fn only_one_run_at_a_time() {
        let (_folder, store, _) = store();
        let held = store.lock().unwrap();
        assert!(matches!(store.lock(), Err(Error::Busy { .. })));
        drop(held);
        store.lock().unwrap();
    }
}
