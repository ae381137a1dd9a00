//! The node's file system as seen from its root: every path is walked folder by folder, by handle.
//! A symbolic link on the way is followed only where nobody but root could have put it.
//! Not here: what should be where.
//!
//! The installer runs as root and writes below folders that services own, such as `/var/log/pnda/flink`.
//! Whoever owns such a folder could swap a part of a path for a link while we work, and have root write to
//! `/etc/shadow`. So nothing is ever reached by a path as text: a `PathHandle` holds the opened folder and one last
//! name, and every operation on it is relative to that handle and does not follow links.

use crate::regular::{self, Links};
use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use words::names::NodePath;
use words::node::Scope;

/// More links than this on one path are a circle.
const MOST_LINKS: u32 = 40;
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Why a path cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder that stands for `/` cannot be opened.
    #[error("cannot open {} as the node's root", path.display())]
    Root { path: PathBuf, source: io::Error },
    /// Somebody other than root may have put a link there.
    #[error("{at} is a symbolic link in a folder that not only root can change: it is not followed; remove the link")]
    Link { at: String },
    /// Links are not followed for this.
    #[error("{at} is a symbolic link, and none is followed here: write the path that it leads to")]
    Plain { at: String },
    /// A file stands where a folder is needed.
    #[error("{at} is not a folder: move it away")]
    NotAFolder { at: String },
    /// Links that lead to each other.
    #[error("{at}: too many symbolic links on the way")]
    Circle { at: String },
    /// The machine refuses.
    #[error("cannot open {at}")]
    Open { at: String, source: io::Error },
}

/// The node's root.
#[derive(Debug)]
pub struct RootDir {
    root: OwnedFd,
    /// Where absolute links begin.
    top: OwnedFd,
    shown: PathBuf,
    /// Whether others than the installer's user may own folders below.
    wary: bool,
    /// Whether everybody can pass the folders above.
    passable: bool,
}

/// One name in an opened folder; the name itself may or may not exist, and is never followed.
#[derive(Debug)]
pub struct PathHandle {
    folder: OwnedFd,
    name: String,
    passable: bool,
}

/// What becomes of links on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Those that only root could have made are followed.
    Guarded,
    /// None is followed.
    Plain,
}

/// How far a path could be walked.
struct Walk {
    folder: OwnedFd,
    /// Only root can change any folder on the way.
    guarded: bool,
    /// Everybody can pass every folder on the way.
    passable: bool,
    whole: bool,
}

impl RootDir {
    /// Opens the folder that stands for `/`.
    pub fn open(root: &Path, scope: Scope) -> Result<RootDir, Error> {
        let open = |path: &Path| {
            fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
                .map_err(|errno| Error::Root { path: path.to_owned(), source: errno.into() })
        };
        // Links in a user's folder mean what they mean to the user; those of a system mean its own root.
        let top = if scope == Scope::User { Path::new("/") } else { root };
        // Root is wary in a user's folder too: what is in it need not be root's.
        let wary = scope == Scope::System || rustix::process::geteuid().is_root();
        let root_folder = open(root)?;
        Ok(RootDir { root: root_folder, top: open(top)?, shown: root.to_owned(), wary, passable: all_pass_to(root) })
    }

    /// The folder that stands for `/`.
    pub fn root(&self) -> &Path {
        &self.shown
    }

    /// Whether this is the machine's own root.
    pub fn is_machine(&self) -> bool {
        self.shown == Path::new("/")
    }

    /// Where a path lies; none if the folder above it is not there.
    pub fn place(&self, path: &NodePath) -> Result<Option<PathHandle>, Error> {
        self.place_by(path, Way::Guarded)
    }

    /// Where a path lies that leads there without any link.
    pub fn plain_place(&self, path: &NodePath) -> Result<Option<PathHandle>, Error> {
        self.place_by(path, Way::Plain)
    }

    /// Whether only the installer's user can change what lies in the root itself.
    pub fn is_guarded(&self) -> bool {
        self.guards(&self.root)
    }

    /// Every folder on the way to a path, the root first, as far as they are there; no link leads to any of them.
    pub fn way(&self, path: &NodePath) -> Result<Vec<(String, Stat)>, Error> {
        let stat = |at: &str, folder: &OwnedFd| match fs::fstat(folder) {
            Ok(stat) => Ok((at.to_owned(), stat)),
            Err(errno) => Err(Error::Open { at: at.to_owned(), source: errno.into() }),
        };
        let mut way = vec![stat("/", &self.root)?];
        for folder in path.parents() {
            let walk = self.walk(folder.as_str(), Way::Plain)?;
            if !walk.whole {
                break;
            }
            way.push(stat(folder.as_str(), &walk.folder)?);
        }
        Ok(way)
    }

    fn place_by(&self, path: &NodePath, way: Way) -> Result<Option<PathHandle>, Error> {
        let walk = self.walk(path.parent().as_ref().map_or("", NodePath::as_str), way)?;
        let (folder, name, passable) = (walk.folder, path.file_name().to_owned(), walk.passable);
        Ok(walk.whole.then_some(PathHandle { folder, name, passable }))
    }

    /// An existing folder, and whether only root can change it and every folder above it.
    pub fn folder(&self, path: &NodePath) -> Result<Option<(OwnedFd, bool)>, Error> {
        let walk = self.walk(path.as_str(), Way::Guarded)?;
        Ok(walk.whole.then_some((walk.folder, walk.guarded)))
    }

    fn walk(&self, path: &str, way: Way) -> Result<Walk, Error> {
        let mut left: VecDeque<String> = segments(path);
        let mut folder = self.reopen(&self.root, path)?;
        let (mut guarded, mut passable) = (self.guards(&folder), self.passable && all_pass(&folder));
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." && same(&folder, &self.top) {
                continue;
            }
            match fs::openat(&folder, name.as_str(), FOLDER, Mode::empty()) {
                Ok(next) => {
                    folder = next;
                    guarded &= self.guards(&folder);
                    passable &= all_pass(&folder);
                }
                Err(Errno::NOENT) => return Ok(Walk { folder, guarded, passable, whole: false }),
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Error::Circle { at: path.to_owned() });
                    }
                    let target = follow(&folder, guarded, way, &name, path)?;
                    if target.starts_with('/') {
                        folder = self.reopen(&self.top, path)?;
                        guarded = self.guards(&folder);
                    }
                    segments(&target).into_iter().rev().for_each(|part| left.push_front(part));
                }
                Err(errno) => return Err(Error::Open { at: path.to_owned(), source: errno.into() }),
            }
        }
        Ok(Walk { folder, guarded, passable, whole: true })
    }

    /// Whether only root can change what lies in a folder.
    fn guards(&self, folder: &OwnedFd) -> bool {
        !self.wary || fs::fstat(folder).is_ok_and(|stat| only_root_writes(&stat))
    }

    fn reopen(&self, folder: &OwnedFd, path: &str) -> Result<OwnedFd, Error> {
        folder.try_clone().map_err(|source| Error::Open { at: path.to_owned(), source })
    }
}

/// What a link says that we may follow: one in a folder that only root could reach and change.
fn follow(folder: &OwnedFd, guarded: bool, way: Way, name: &str, path: &str) -> Result<String, Error> {
    let at = || format!("{name} (on the way to {path})");
    let target = match fs::readlinkat(folder, name, Vec::new()) {
        Ok(target) => target.to_string_lossy().into_owned(),
        Err(Errno::INVAL) => return Err(Error::NotAFolder { at: at() }),
        Err(errno) => return Err(Error::Open { at: at(), source: errno.into() }),
    };
    match way {
        Way::Plain => Err(Error::Plain { at: at() }),
        Way::Guarded if guarded => Ok(target),
        Way::Guarded => Err(Error::Link { at: at() }),
    }
}

/// Whether everybody can pass a folder.
fn all_pass(folder: &OwnedFd) -> bool {
    fs::fstat(folder).is_ok_and(|stat| stat.st_mode & 0o001 != 0)
}

/// Whether everybody can pass all folders above a root, wherever it really lies.
fn all_pass_to(root: &Path) -> bool {
    let passes = |folder: &Path| fs::stat(folder).is_ok_and(|stat| stat.st_mode & 0o001 != 0);
    std::fs::canonicalize(root).is_ok_and(|real| real.ancestors().skip(1).all(passes))
}

fn segments(path: &str) -> VecDeque<String> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect()
}

fn same(left: &OwnedFd, right: &OwnedFd) -> bool {
    let identity = |folder| fs::fstat(folder).map(|stat| (stat.st_dev, stat.st_ino)).ok();
    identity(left).is_some_and(|found| Some(found) == identity(right))
}

fn only_root_writes(stat: &Stat) -> bool {
    stat.st_uid == 0 && stat.st_mode & 0o002 == 0 && (stat.st_mode & 0o020 == 0 || stat.st_gid == 0)
}

impl PathHandle {
    /// The opened folder.
    pub fn folder(&self) -> &OwnedFd {
        &self.folder
    }

    /// What is there, if anything; a link is itself.
    pub fn stat(&self) -> io::Result<Option<Stat>> {
        match fs::statat(&self.folder, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Its inode, if anything is there.
    pub fn inode(&self) -> io::Result<Option<u64>> {
        Ok(self.stat()?.map(|stat| stat.st_ino))
    }

    /// Opens a regular file to read.
    pub fn open(&self) -> io::Result<File> {
        regular::open_at(&self.folder, Path::new(&self.name), Links::Refuse)
    }

    /// Whether everybody can pass every folder above it.
    pub fn is_passable(&self) -> bool {
        self.passable
    }

    /// Makes a new file, readable by its owner alone.
    pub fn create(&self) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(fs::openat(&self.folder, self.name.as_str(), flags, Mode::from_raw_mode(0o600))?))
    }

    /// Makes a new folder, open to its owner alone.
    pub fn make_folder(&self) -> io::Result<OwnedFd> {
        fs::mkdirat(&self.folder, self.name.as_str(), Mode::from_raw_mode(0o700))?;
        Ok(fs::openat(&self.folder, self.name.as_str(), FOLDER, Mode::empty())?)
    }

    /// What the link says.
    pub fn read_link(&self) -> io::Result<String> {
        Ok(fs::readlinkat(&self.folder, self.name.as_str(), Vec::new())?.to_string_lossy().into_owned())
    }

    /// Makes a link that says `to`.
    pub fn make_link(&self, to: &str) -> io::Result<()> {
        Ok(fs::symlinkat(to, &self.folder, self.name.as_str())?)
    }

    /// Gives the same file a second name; that name must be free.
    pub fn link_as(&self, other: &PathHandle) -> io::Result<()> {
        Ok(fs::linkat(&self.folder, self.name.as_str(), &other.folder, other.name.as_str(), AtFlags::empty())?)
    }

    /// Moves it; a file replaces a file at once.
    pub fn rename(&self, to: &PathHandle) -> io::Result<()> {
        Ok(fs::renameat(&self.folder, self.name.as_str(), &to.folder, to.name.as_str())?)
    }

    /// Removes an empty folder.
    pub fn remove_empty(&self) -> io::Result<()> {
        Ok(fs::unlinkat(&self.folder, self.name.as_str(), AtFlags::REMOVEDIR)?)
    }

    /// Removes whatever is there, with all that is in it.
    pub fn remove(&self) -> io::Result<()> {
        match self.stat()?.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            None => Ok(()),
            // std removes by handle and does not follow links either.
            Some(FileType::Directory) => std::fs::remove_dir_all(self.path()),
            Some(_) => Ok(fs::unlinkat(&self.folder, self.name.as_str(), AtFlags::empty())?),
        }
    }

    /// A path for this process that begins at the opened folder, whatever happened to the folders above it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{}", self.folder.as_raw_fd(), self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    fn path(text: &str) -> NodePath {
        NodePath::new(text).unwrap()
    }

    #[test]
    fn a_link_that_only_root_could_make_is_followed_inside_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("data/opt/pnda")).unwrap();
        symlink("/data/opt", root.path().join("opt")).unwrap();
        let scope = if rustix::process::geteuid().is_root() { Scope::System } else { return };
        let ground = RootDir::open(root.path(), scope).unwrap();
        ground.place(&path("/opt/pnda/file")).unwrap().unwrap().create().unwrap();
        assert!(root.path().join("data/opt/pnda/file").exists());
    }

    #[test]
    fn a_link_that_a_service_could_make_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let log = root.path().join("log");
        std::fs::create_dir(&log).unwrap();
        chown(&log, Some(4242), Some(4242)).unwrap();
        symlink("/etc", log.join("flink")).unwrap();
        let ground = RootDir::open(root.path(), Scope::System).unwrap();
        assert!(matches!(ground.place(&path("/log/flink/shadow")), Err(Error::Link { .. })));
        chown(&log, Some(0), Some(0)).unwrap();
        std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(ground.place(&path("/log/flink/shadow")), Err(Error::Link { .. })));
    }

    #[test]
    fn links_cannot_climb_out_of_the_root_nor_circle() {
        let root = tempfile::tempdir().unwrap();
        symlink("../../../../../../../../etc", root.path().join("up")).unwrap();
        symlink("b", root.path().join("a")).unwrap();
        symlink("a", root.path().join("b")).unwrap();
        std::fs::write(root.path().join("file"), "").unwrap();
        if rustix::process::geteuid().is_root() {
            let ground = RootDir::open(root.path(), Scope::System).unwrap();
            assert!(ground.place(&path("/up/passwd")).unwrap().is_none());
        }
        let ground = RootDir::open(root.path(), Scope::User).unwrap();
        assert!(matches!(ground.place(&path("/a/x")), Err(Error::Circle { .. })));
        assert!(matches!(ground.place(&path("/file/x")), Err(Error::NotAFolder { .. })));
    }
}
