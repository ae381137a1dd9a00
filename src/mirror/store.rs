//! The store: bytes by digest in one folder. The only entry is a verified download or a verified local file.
//! Files are read-only, complete and durable before they get their name; beginnings wait in `partial` for the next run.
//! Not here: what the bytes are for.

use disk::lock::{self, Hold};
use disk::replace;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use systems::download::{self, Expected};
use systems::http::{self, Http};
use words::digest::{self, Sha1, Sha256};
use words::event::{Event, Tell};
use words::location::Location;

mod making;

pub use making::Batch;

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
    /// Somebody uses it in a way that shuts others out.
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

/// The folders of what is noted of single objects, by their digest: other digests, and what packages say of themselves.
pub const NOTES: [&str; 4] = ["sha1", "sha512", "control", "described"];

/// So many files are made durable one by one; for more, one call for the whole file system is faster.
const FEW: usize = 4;

/// How long a lock of the store is tried for: as long as another run may need to open it.
const PATIENCE: Duration = Duration::from_secs(2);

/// A lock of the store; dropped, it is given back.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// Verified bytes that wait for their name; nobody else works on them.
#[derive(Debug)]
pub struct Ready {
    /// What they are.
    pub expected: Expected,
    _held: File,
}

/// A folder of bytes by digest.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens a store, making its folders.
    pub fn open(folder: &Path) -> Result<Store, Error> {
        let own = ["sha256", "partial", "assembled", "seen"];
        for name in own.into_iter().chain(NOTES) {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|source| Error::Store { what: "make", path, source })?;
        }
        Ok(Store { folder: folder.to_owned() })
    }

    /// For whoever brings bytes in: others may do so at the same time, but nobody removes anything.
    pub fn lock_shared(&self) -> Result<Held, Error> {
        self.lock(|file| {
            // Whoever is alone tidies up first.
            if lock::take(file, Hold::Alone)? {
                self.sweep();
                let _ = file.unlock();
            }
            lock::take(file, Hold::Shared)
        })
    }

    /// For whoever removes: nobody else is at work in the store.
    pub fn lock_exclusive(&self) -> Result<Held, Error> {
        self.lock(|file| lock::take(file, Hold::Alone))
    }

    fn lock(&self, take: impl Fn(&File) -> io::Result<bool>) -> Result<Held, Error> {
        let path = self.folder.join("lock");
        let file = lock::open(&path, 0o666).map_err(self.failed("make", &path))?;
        match lock::wait(PATIENCE, || take(&file)) {
            Ok(true) => Ok(Held { _file: file }),
            Ok(false) => Err(Error::Busy { path: self.folder.clone() }),
            Err(source) => Err(self.failed("lock", &path)(source)),
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
        download::begun(&self.partial(expected.sha256), expected.size)
    }

    /// How many bytes its disk has left.
    pub fn free(&self) -> Option<u64> {
        disk::free(&self.folder).ok()
    }

    /// How many files its disk can still take; nothing, where no number bounds them, as on btrfs.
    pub fn free_files(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.folder).ok()?;
        (disk.f_files > 0).then_some(disk.f_favail)
    }

    /// How many bytes it holds.
    pub fn size(&self) -> u64 {
        let folders = fs::read_dir(self.folder.join("sha256")).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn partial(&self, sha256: Sha256) -> PathBuf {
        self.folder.join("partial").join(sha256.to_string())
    }

    /// Brings bytes in from the first of these places that gives them, unless they are there.
    pub fn bring(&self, http: &Http, from: &[Location], expected: Expected, tell: Tell) -> Result<(), Error> {
        match self.make_ready(http, from, expected, tell)? {
            None => Ok(()),
            Some(ready) => self.settle(&[ready]),
        }
    }

    /// The same, but the bytes wait for `settle`; nothing, if they are there already.
    pub fn make_ready(
        &self,
        http: &Http,
        from: &[Location],
        expected: Expected,
        tell: Tell,
    ) -> Result<Option<Ready>, Error> {
        if self.has(expected) {
            return Ok(None);
        }
        let sha256 = expected.sha256;
        let partial = self.partial(sha256);
        let mut last = Error::NoPlace { sha256 };
        for location in from {
            let held = self.hold(&partial, tell)?;
            if self.has(expected) {
                // Whoever held it before has brought it; what lies here now is only our own opening.
                return download::drop_partial(&partial).map(|()| None).map_err(self.failed("remove", &partial));
            }
            match download::bring(http, location, expected, &partial, tell) {
                Ok(()) => return Ok(Some(Ready { expected, _held: held })),
                Err(source) => last = Error::Download { sha256, source },
            }
        }
        Err(last)
    }

    /// Opens the beginning of a download, alone: two runs do not fetch the same bytes.
    fn hold(&self, partial: &Path, tell: Tell) -> Result<File, Error> {
        loop {
            let file = open_for_us(partial).map_err(self.failed("open", partial))?;
            if !lock::take(&file, Hold::Alone).is_ok_and(|taken| taken) {
                let name = partial.file_name().unwrap_or_default().display();
                tell(Event::Note(format!("waiting for another run that fetches {name}")));
                file.lock().map_err(self.failed("lock", partial))?;
            }
            let held = file.metadata().map_err(self.failed("read", partial))?;
            // It may have got its name, or been removed, while we waited.
            if fs::metadata(partial).is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
                return Ok(file);
            }
        }
    }

    /// Makes verified bytes durable, all at once, and then gives them their names.
    pub fn settle(&self, all: &[Ready]) -> Result<(), Error> {
        let partials: Vec<PathBuf> = all.iter().map(|ready| self.partial(ready.expected.sha256)).collect();
        self.make_durable(&partials)?;
        for (ready, partial) in all.iter().zip(&partials) {
            self.name(partial, ready.expected.sha256)?;
        }
        let folders: BTreeSet<PathBuf> =
            all.iter().filter_map(|ready| Some(self.path(ready.expected.sha256).parent()?.to_owned())).collect();
        self.make_durable(&folders.into_iter().collect::<Vec<_>>())
    }

    fn make_durable(&self, all: &[PathBuf]) -> Result<(), Error> {
        if all.len() <= FEW {
            return all.iter().try_for_each(|path| self.sync(path));
        }
        // One call for many files is many times faster than one for each.
        let synced = File::open(&self.folder).and_then(|folder| Ok(rustix::fs::syncfs(&folder)?));
        synced.map_err(self.failed("sync", &self.folder))
    }

    fn sync(&self, path: &Path) -> Result<(), Error> {
        disk::sync(path).map_err(self.failed("sync", path))
    }

    fn failed(&self, what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
        let path = path.to_owned();
        move |source| Error::Store { what, path: path.clone(), source }
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
            self.sync(self.path(sha256).parent().unwrap_or(&self.folder))?;
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
            fs::rename(file, &path).map_err(failed("place"))
        };
        place().map_err(|(what, source)| Error::Store { what, path: path.clone(), source })
    }

    /// The SHA-512 of bytes that are here, in hexadecimal; remembered, for large files take a second.
    pub fn sha512(&self, sha256: Sha256) -> Result<String, Error> {
        self.other_digest("sha512", sha256, digest::sha512_hex)
    }

    /// The SHA-1 of bytes that are here, likewise.
    pub fn sha1(&self, sha256: Sha256) -> Result<Sha1, Error> {
        let text = self.other_digest("sha1", sha256, digest::sha1_hex)?;
        text.parse().map_err(|damaged| Error::Store {
            what: "read",
            path: self.folder.join("sha1").join(sha256.to_string()),
            source: io::Error::new(io::ErrorKind::InvalidData, damaged),
        })
    }

    fn other_digest(
        &self,
        kind: &str,
        sha256: Sha256,
        compute: fn(&mut dyn io::Read) -> io::Result<String>,
    ) -> Result<String, Error> {
        let path = self.folder.join(kind).join(sha256.to_string());
        if let Ok(known) = fs::read_to_string(&path) {
            return Ok(known);
        }
        let object = self.path(sha256);
        let read = |source| Error::Store { what: "read", path: object.clone(), source };
        let mut file = File::open(&object).map_err(read)?;
        let digest = compute(&mut file).map_err(read)?;
        replace::replace(&path, digest.as_bytes()).map_err(|source| Error::Store { what: "write", path, source })?;
        Ok(digest)
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
        replace::replace(&path, text.as_bytes()).map_err(|source| Error::Store { what: "write", path, source })
    }
}

/// Opens a file for writing; one that a killed run had protected already is taken back.
fn open_for_us(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).write(true).truncate(false).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::set_permissions(path, Permissions::from_mode(0o644))?;
            open()
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::http::Patience;
    use words::event::silent;

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
    fn many_bring_in_at_once_and_nobody_removes_meanwhile() {
        let (_folder, store, _) = store();
        let (one, two) = (store.lock_shared().unwrap(), store.lock_shared().unwrap());
        assert!(matches!(store.lock_exclusive(), Err(Error::Busy { .. })));
        drop((one, two));
        let alone = store.lock_exclusive().unwrap();
        assert!(matches!(store.lock_shared(), Err(Error::Busy { .. })));
        drop(alone);
        store.lock_shared().unwrap();
    }

    #[test]
    fn what_a_killed_run_was_making_is_removed_by_the_next_that_is_alone() {
        let (_folder, store, _) = store();
        let left = store.scratch().unwrap().keep().unwrap().1;
        let other = store.lock_shared().unwrap();
        assert!(!left.exists());
        let making = store.scratch().unwrap();
        let _second = store.lock_shared().unwrap();
        assert!(making.path().exists(), "what another run makes stays");
        drop(other);
    }

    #[test]
    fn two_runs_bring_the_same_bytes_once() {
        let (folder, store, http) = store();
        let file = folder.path().join("a");
        fs::write(&file, "abc").unwrap();
        let expected = Expected { size: 3, sha256: Sha256::of(b"abc") };
        let from = [Location::Path(file.clone())];
        let ready = store.make_ready(&http, &from, expected, &silent).unwrap().unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| store.make_ready(&http, &[Location::Path("gone".into())], expected, &silent));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!second.is_finished() && !store.has(expected));
            store.settle(&[ready]).unwrap();
            assert!(second.join().unwrap().unwrap().is_none());
        });
        assert!(store.has(expected));
        assert_eq!(fs::read_dir(store.folder().join("partial")).unwrap().count(), 0);
    }
}
