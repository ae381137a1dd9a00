//! The generation that a request is answered from: its folder held open, its list read once.
//! A request asks once which one is current; what is published meanwhile is seen by the next request, never by half of one.
//! Not here: what is answered.

use super::kept::Kept;
use disk::regular::{self, Links};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, stat, statat};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use words::generation::{self as list, Generation, Listed};
use words::names::SafePath;

/// A mirror, and the generation that was last found in it.
pub(super) struct Mirror {
    folder: PathBuf,
    last: Mutex<Option<(Identity, Arc<Pinned>)>>,
}

/// What tells one published list from another without reading it.
type Identity = (u64, u64, i64, u64, i64);

/// One generation, as long as anybody needs it.
pub(super) struct Pinned {
    folder: OwnedFd,
    files: BTreeMap<SafePath, Listed>,
    /// What was read of it.
    pub(super) kept: Kept,
}

/// What lies at a path.
pub(super) enum Found {
    /// A file, opened.
    File(File, Stat),
    /// A folder, opened.
    Folder(OwnedFd),
}

/// One row of a folder's listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) name: String,
    /// The size of a file; a folder has none.
    pub(super) size: Option<u64>,
}

impl Mirror {
    pub(super) fn new(folder: &Path) -> Mirror {
        Mirror { folder: folder.to_owned(), last: Mutex::default() }
    }

    /// The current generation: that of the link `current`, or the folder itself if it is a plain copy of one.
    pub(super) fn pin(&self) -> io::Result<Arc<Pinned>> {
        let current = self.folder.join("current");
        let listed = |folder: &Path| stat(folder.join(list::LIST));
        let (folder, found) = match listed(&current) {
            Ok(found) => (current.as_path(), found),
            Err(_) => (self.folder.as_path(), listed(&self.folder)?),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, pinned)) = &*last
            && *known == identity(&found)
        {
            return Ok(pinned.clone());
        }
        let (known, pinned) = Pinned::open(folder)?;
        let pinned = Arc::new(pinned);
        *last = Some((known, pinned.clone()));
        Ok(pinned)
    }
}

fn identity(list: &Stat) -> Identity {
    (list.st_dev as _, list.st_ino as _, list.st_mtime as _, list.st_mtime_nsec as _, list.st_size as _)
}

impl Pinned {
    fn open(folder: &Path) -> io::Result<(Identity, Pinned)> {
        let folder = openat(CWD, folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut list = regular::open_at(&folder, Path::new(list::LIST), Links::Follow)?;
        let known = identity(&fstat(&list)?);
        let mut text = String::new();
        list.read_to_string(&mut text)?;
        let generation = Generation::parse(&text).map_err(io::Error::other)?;
        Ok((known, Pinned { folder, files: generation.files, kept: Kept::default() }))
    }

    /// What the signed list says of a file.
    pub(super) fn listed(&self, path: &SafePath) -> Option<&Listed> {
        self.files.get(path)
    }

    /// Opens what lies at a path; none is the generation itself. No link is followed, not even one that stays inside.
    pub(super) fn open_inside(&self, path: Option<&SafePath>) -> io::Result<Found> {
        let Some(path) = path else {
            let list = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            return Ok(Found::Folder(openat(&self.folder, ".", list, Mode::empty())?));
        };
        let (parents, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let walk = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = None;
        for segment in parents.split('/').filter(|segment| !segment.is_empty()) {
            let from = folder.as_ref().unwrap_or(&self.folder);
            folder = Some(openat(from, segment, walk, Mode::empty())?);
        }
        // A pipe would otherwise wait for somebody to write into it.
        let read = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = openat(folder.as_ref().unwrap_or(&self.folder), name, read, Mode::empty())?;
        let found = fstat(&opened)?;
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(Found::File(File::from(opened), found)),
            FileType::Directory => Ok(Found::Folder(opened)),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// What a folder holds, sorted; links and hidden files are not shown, as they are not served.
pub(super) fn rows(folder: impl AsFd) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let Ok(found) = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let size = match FileType::from_raw_mode(found.st_mode) {
            _ if name.starts_with('.') => continue,
            FileType::RegularFile => Some(found.st_size as u64),
            FileType::Directory => None,
            _ => continue,
        };
        rows.push(Row { name: name.to_owned(), size });
    }
    rows.sort();
    Ok(rows)
}
