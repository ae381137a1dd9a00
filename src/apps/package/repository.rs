//! The repository of packages: a folder with a file NAME-VERSION.tar.gz for each.
//! A package gets its name when it is whole and on the disk; what is published never changes.
//! Not here: what is in a package, and whether an application still needs one that is deleted.

use super::extract::{self, extract, file};
use super::{Component, LIMITS, Package, read};
use disk::lock::{self, Hold};
use disk::regular::{self, Links};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use words::digest::{Hasher, Sha256};
use words::names::{PackageName, SafePath, Word};
use words::problem::Problems;
use words::size::Size;

/// What an upload leaves free on the node's disk.
const SPARED: u64 = 1 << 30;
/// How often that is looked at while bytes come.
const LOOK: u64 = 16 << 20;
const END: &str = ".tar.gz";
/// Files that are on their way begin with this; no package does.
const UNDER_WAY: &str = ".upload-";
/// The file that says who brought a package first begins with this.
const BROUGHT_BY: &str = ".by-";
/// A file takes so much room at least.
const LEAST: u64 = 4 << 10;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder, or a file in it.
    #[error("cannot {what} `{}`", path.display())]
    Folder { what: &'static str, path: PathBuf, source: io::Error },
    /// The bytes of an upload did not come.
    #[error("the upload of `{name}` broke off; upload it again")]
    Upload { name: PackageName, source: io::Error },
    /// Fewer or more bytes than were announced.
    #[error("`{name}` was announced with {announced} bytes, and {came} came; upload it again")]
    Length { name: PackageName, announced: u64, came: u64 },
    /// The node's disk is nearly full.
    #[error("there is no room for `{name}`: {} are free, and {} are spared for others; undeploy and delete old versions", Size(*free), Size(*spared))]
    NoRoom { name: PackageName, free: u64, spared: u64 },
    /// Its uploader has no room left.
    #[error("there is no room for `{name}`: the packages of one user may take {}; undeploy and delete old versions", Size(*most))]
    NoShare { name: PackageName, most: u64 },
    /// Larger than any package may be.
    #[error("`{name}` is larger than {}, which no package may be", Size(*limit))]
    TooLarge { name: PackageName, limit: u64 },
    /// A published version is never replaced.
    #[error("`{name}` is published already with other content; raise the version and upload it as that")]
    Published { name: PackageName },
    /// It is not there.
    #[error("there is no package `{name}` in the repository")]
    NotFound { name: PackageName },
    /// It is there, and it is no good package.
    #[error("the package `{name}` is refused")]
    Package { name: PackageName, source: Problems },
    /// Somebody replaced the file.
    #[error("the file of `{name}` is not the one that was checked; publish it anew under another version")]
    Changed { name: PackageName },
    /// Its files cannot be taken out.
    #[error("cannot take the files out of `{name}`")]
    Extract { name: PackageName, source: extract::Error },
}

impl Error {
    /// Whether the package is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::NotFound { .. })
    }

    /// Whether this node may be well again in a moment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Folder { .. } | Error::NoRoom { .. } | Error::Upload { .. })
    }

    /// Whether the version is taken by other content.
    pub fn is_published(&self) -> bool {
        matches!(self, Error::Published { .. })
    }
}

/// A package that lies in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What its bytes are.
    pub digest: Sha256,
    /// How many they are.
    pub size: u64,
}

/// The versions of one package, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name without a version.
    pub name: String,
    /// All that are there, or as many as were asked for.
    pub versions: Vec<PackageName>,
}

/// The name of a package's file.
pub fn file_name(name: &PackageName) -> String {
    format!("{name}{END}")
}

/// The package that a file of this name holds, if it is the name of one.
pub fn package_name(file: &str) -> Option<PackageName> {
    file.strip_suffix(END).and_then(|name| PackageName::new(name).ok())
}

/// A folder of packages.
#[derive(Debug, Clone)]
pub struct Repository {
    folder: PathBuf,
    largest: u64,
    spared: u64,
}

impl Repository {
    /// The repository in this folder, which must exist. What a killed upload left is removed.
    pub fn open_folder(folder: &Path) -> Result<Repository, Error> {
        let repository = Repository { folder: folder.to_owned(), largest: LIMITS.packed, spared: SPARED };
        for name in repository.names()?.iter().filter(|name| name.starts_with(UNDER_WAY)) {
            repository.remove_if_abandoned(&folder.join(name))?;
        }
        Ok(repository)
    }

    /// The same with another bound for a package's file.
    pub fn with_largest(self, largest: u64) -> Repository {
        Repository { largest: largest.min(LIMITS.packed), ..self }
    }

    /// The same with another amount that stays free on the disk.
    pub fn with_spared(self, spared: u64) -> Repository {
        Repository { spared, ..self }
    }

    /// The most bytes that a package may have here.
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// Notes who brought a package; who brings it again does not count.
    pub fn note_uploader(&self, name: &PackageName, by: &Word) -> Result<(), Error> {
        let path = self.uploader(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o640).open(&path) {
            Ok(mut file) => file.write_all(by.as_str().as_bytes()).map_err(failed("write", &path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(failed("write", &path)(source)),
        }
    }

    /// The room that the packages take which somebody brought.
    pub fn held_by(&self, by: &Word) -> Result<u64, Error> {
        let names = self.names()?;
        let packages = names.iter().filter_map(|file| PackageName::new(file.strip_prefix(BROUGHT_BY)?).ok());
        let own = |name: &PackageName| {
            let said = regular::read_short_text(&self.uploader(name), LEAST);
            said.is_ok_and(|said| said == by.as_str())
        };
        let size = |name: PackageName| fs::symlink_metadata(self.path(&name)).map_or(0, |file| file.len().max(LEAST));
        Ok(packages.filter(own).map(size).sum())
    }

    /// Takes an upload in. `length` is what was announced. The same bytes again change nothing; a version that is
    /// published with other bytes stays as it is.
    pub fn receive(&self, name: &PackageName, body: impl Read, length: Option<u64>) -> Result<Stored, Error> {
        if length.is_some_and(|length| length > self.largest) {
            return Err(Error::TooLarge { name: name.clone(), limit: self.largest });
        }
        self.has_room(name, length.unwrap_or(0))?;
        let mut upload = Upload::begin(&self.folder)?;
        let stored = self.take(name, body, &mut upload)?;
        if let Some(announced) = length.filter(|length| *length != stored.size) {
            return Err(Error::Length { name: name.clone(), announced, came: stored.size });
        }
        upload.file.sync_all().map_err(failed("write", &upload.path))?;
        self.publish(name, &upload, &stored)?;
        Ok(stored)
    }

    /// The disk is everybody's: what others on this node need stays free.
    fn has_room(&self, name: &PackageName, length: u64) -> Result<(), Error> {
        let free = disk::free(&self.folder).map_err(failed("write", &self.folder))?;
        match free >= length.saturating_add(self.spared) {
            true => Ok(()),
            false => Err(Error::NoRoom { name: name.clone(), free, spared: self.spared }),
        }
    }

    fn take(&self, name: &PackageName, mut body: impl Read, upload: &mut Upload) -> Result<Stored, Error> {
        let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 128 << 10]);
        loop {
            let count = match body.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|source| Error::Upload { name: name.clone(), source })?,
            };
            if count == 0 {
                return Ok(Stored { size: hasher.size(), digest: hasher.finish() });
            }
            hasher.update(&buffer[..count]);
            if hasher.size() % LOOK < count as u64 {
                self.has_room(name, 0)?;
            }
            if hasher.size() > self.largest {
                return Err(Error::TooLarge { name: name.clone(), limit: self.largest });
            }
            upload.file.write_all(&buffer[..count]).map_err(failed("write", &upload.path))?;
        }
    }

    /// A second name for the upload: unlike a rename, that never takes the place of anything.
    fn publish(&self, name: &PackageName, upload: &Upload, stored: &Stored) -> Result<(), Error> {
        let path = self.path(name);
        match fs::hard_link(&upload.path, &path) {
            Ok(()) => self.sync(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = Sha256::of_reader(&mut self.open(name)?).map_err(failed("read", &path))?;
                match there == (stored.digest, stored.size) {
                    // The name may be newer than the last time that the folder was made durable.
                    true => self.sync(),
                    false => Err(Error::Published { name: name.clone() }),
                }
            }
            Err(source) => Err(Error::Folder { what: "publish", path, source }),
        }
    }

    /// All packages by name, each with its newest versions, `recency` at most. Other files are passed over.
    pub fn list(&self, recency: Option<usize>) -> Result<Vec<Listed>, Error> {
        let mut packages: BTreeMap<String, Vec<PackageName>> = BTreeMap::new();
        for name in self.names()?.iter().filter_map(|file| package_name(file)) {
            let regular = fs::symlink_metadata(self.path(&name)).is_ok_and(|metadata| metadata.is_file());
            if regular {
                packages.entry(name.name().to_owned()).or_default().push(name);
            }
        }
        let newest = |(name, mut versions): (String, Vec<PackageName>)| {
            versions.sort_by(|left, right| (right.numbers(), right).cmp(&(left.numbers(), left)));
            versions.truncate(recency.unwrap_or(usize::MAX));
            Listed { name, versions }
        };
        Ok(packages.into_iter().map(newest).collect())
    }

    /// Opens a package to read.
    pub fn open(&self, name: &PackageName) -> Result<File, Error> {
        let path = self.path(name);
        regular::open(&path, Links::Refuse).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::NotFound { name: name.clone() },
            _ => Error::Folder { what: "open", path, source },
        })
    }

    /// Reads a package whole, with what its bytes are.
    pub fn package(&self, name: &PackageName) -> Result<(Package, Stored), Error> {
        let mut archive = Seen::new(self.open(name)?);
        let package = read(name, &mut archive).map_err(|source| Error::Package { name: name.clone(), source })?;
        let stored = archive.finish().map_err(failed("read", &self.path(name)))?;
        Ok((package, stored))
    }

    /// Writes the files of a component into a folder that must not exist and that only we can enter. They are those of
    /// the package with this digest, or there are none.
    pub fn extract(&self, name: &PackageName, digest: Sha256, component: &Component, into: &Path) -> Result<(), Error> {
        let mut archive = Seen::new(self.open(name)?);
        extract(name, &mut archive, component, into).map_err(|source| Error::Extract { name: name.clone(), source })?;
        let same = self.is_still(name, digest, archive);
        if same.is_err() {
            // It is a folder of our own that nobody else could enter.
            let _ = fs::remove_dir_all(into);
        }
        same
    }

    /// One file of a component, if it is not longer than `limit`.
    pub fn component_file(
        &self,
        name: &PackageName,
        digest: Sha256,
        component: &Component,
        path: &SafePath,
        limit: u64,
    ) -> Result<Vec<u8>, Error> {
        let mut archive = Seen::new(self.open(name)?);
        let bytes = file(name, &mut archive, component, path, limit)
            .map_err(|source| Error::Extract { name: name.clone(), source })?;
        self.is_still(name, digest, archive)?;
        Ok(bytes)
    }

    /// Deletes a package. Whether an application is made of it is asked before.
    pub fn delete(&self, name: &PackageName) -> Result<(), Error> {
        drop(self.open(name)?);
        let path = self.path(name);
        fs::remove_file(&path).map_err(failed("delete", &path))?;
        // The next one to bring it is another.
        let _ = fs::remove_file(self.uploader(name));
        self.sync()
    }

    fn is_still(&self, name: &PackageName, digest: Sha256, archive: Seen) -> Result<(), Error> {
        let stored = archive.finish().map_err(failed("read", &self.path(name)))?;
        if stored.digest == digest { Ok(()) } else { Err(Error::Changed { name: name.clone() }) }
    }

    fn path(&self, name: &PackageName) -> PathBuf {
        self.folder.join(file_name(name))
    }

    fn uploader(&self, name: &PackageName) -> PathBuf {
        self.folder.join(format!("{BROUGHT_BY}{name}"))
    }

    /// The names of all files; one that is not UTF-8 is none of ours.
    fn names(&self) -> Result<Vec<String>, Error> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(failed("read the folder", &self.folder))?;
        Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn remove_if_abandoned(&self, path: &Path) -> Result<(), Error> {
        // One that is on its way is locked by whoever writes it.
        if lock::is_held(path, Hold::Alone, Links::Refuse) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::Folder { what: "remove", path: path.to_owned(), source: error })
            }
            _ => Ok(()),
        }
    }

    fn sync(&self) -> Result<(), Error> {
        disk::sync(&self.folder).map_err(failed("write", &self.folder))
    }
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Folder { what, path: path.to_owned(), source }
}

/// A file that is on its way; it goes with this.
struct Upload {
    path: PathBuf,
    file: File,
}

impl Upload {
    fn begin(folder: &Path) -> Result<Upload, Error> {
        let path = folder.join(format!("{UNDER_WAY}{:016x}", fastrand::u64(..)));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&path);
        let file = file.map_err(failed("write", &path))?;
        let upload = Upload { path, file };
        // A repository that is opened meanwhile leaves it alone.
        upload.file.lock().map_err(failed("lock", &upload.path))?;
        Ok(upload)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file whose bytes are counted and hashed as they are read.
struct Seen {
    file: File,
    hasher: Hasher,
}

impl Seen {
    fn new(file: File) -> Seen {
        Seen { file, hasher: Hasher::default() }
    }

    /// What the whole file is, its rest included.
    fn finish(mut self) -> io::Result<Stored> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(Stored { size: self.hasher.size(), digest: self.hasher.finish() })
    }
}

impl Read for Seen {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
