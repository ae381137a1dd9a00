//! Looks at the folders of a source, where strangers write: through no link, and not into what is mounted there.
//! A file is opened only if it is a regular one that belongs to whoever owns its folder: a hard link to a file of somebody
//! else would otherwise show what its writer may not read. Names and folders are bounded for each group.
//! Not here: what is read of a file.

use super::config::Source;
use super::glob::Name;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, StatxFlags};
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Names that are looked at for one group: an application, or a user's folder.
const NAMES: usize = 20_000;

/// A folder with files that may be read.
pub(super) struct Folder<'a> {
    handle: OwnedFd,
    owner: u32,
    device: u64,
    /// Whose records these are: nobody takes the share of another.
    pub(super) group: &'a str,
    /// The path as people know it.
    pub(super) path: &'a str,
}

/// What was not read, and why; told now and then, for names are cheap.
#[derive(Debug, Default)]
pub(super) struct Refused {
    pub(super) count: u64,
    pub(super) last: Option<String>,
}

impl Refused {
    pub(super) fn add(&mut self, path: &str, why: &str) {
        self.count += 1;
        self.last = Some(format!("{path}: {why}"));
    }
}

/// Calls with each folder of a source that has files to read, and with each name in it.
pub(super) struct Walk<'a> {
    pub(super) source: &'a Source,
    pub(super) refused: &'a mut Refused,
    names: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(source: &'a Source, refused: &'a mut Refused) -> Walk<'a> {
        Walk { source, refused, names: 0 }
    }

    /// The folder that is sure may be reached through links: whoever set the node up made them.
    pub(super) fn run(&mut self, visit: &mut dyn FnMut(&Folder<'_>, &OsStr, &mut Refused)) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = self.source.base.to_string_lossy().into_owned();
        match rustix::fs::open(&self.source.base, flags, Mode::empty()) {
            Ok(handle) => self.folder(handle, &path, &self.source.folders, "", visit),
            Err(rustix::io::Errno::NOENT) => {}
            Err(error) => self.refused.add(&path, &io::Error::from(error).to_string()),
        }
    }

    fn folder(
        &mut self,
        handle: OwnedFd,
        path: &str,
        below: &[Name],
        group: &str,
        visit: &mut dyn FnMut(&Folder<'_>, &OsStr, &mut Refused),
    ) {
        let listed = Dir::read_from(&handle).and_then(|dir| Ok((dir, rustix::fs::fstat(&handle)?)));
        let (dir, stat) = match listed {
            Ok(listed) => listed,
            Err(error) => return self.refused.add(path, &io::Error::from(error).to_string()),
        };
        let group_here = if group.is_empty() { self.source.tag.as_str() } else { group };
        let folder = Folder { handle, owner: stat.st_uid, device: stat.st_dev, group: group_here, path };
        for entry in dir.flatten() {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            // The names of all groups together are not bounded: no group can hide another.
            self.names += 1;
            if !group.is_empty() && self.names > NAMES {
                return self.refused.add(path, "too many names");
            }
            let Some((first, rest)) = below.split_first() else {
                visit(&folder, name, self.refused);
                continue;
            };
            if first.fits(&plain(name)) {
                self.step_into(&folder, name, rest, group, visit);
            }
        }
    }

    fn step_into(
        &mut self,
        folder: &Folder<'_>,
        name: &OsStr,
        below: &[Name],
        group: &str,
        visit: &mut dyn FnMut(&Folder<'_>, &OsStr, &mut Refused),
    ) {
        let path = format!("{}/{}", folder.path, plain(name));
        let known = entry_type(folder, name);
        if known.is_ok_and(|kind| kind != FileType::Directory && kind != FileType::Symlink) {
            return;
        }
        let own_group = if group.is_empty() { self.group_of(name) } else { group.to_owned() };
        let names = self.names;
        if group.is_empty() {
            self.names = 0;
        }
        match open(folder, name, OFlags::DIRECTORY) {
            Ok((handle, _)) => self.folder(handle, &path, below, &own_group, visit),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.refused.add(&path, &told(&error)),
        }
        if group.is_empty() {
            self.names = names;
        }
    }

    /// A group as it can be part of a file's name; what cannot is of one group.
    fn group_of(&self, name: &OsStr) -> String {
        let name = name.to_string_lossy();
        let fits = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
        format!("{}-{}", self.source.tag, if fits { &name } else { "other" })
    }
}

fn entry_type(folder: &Folder<'_>, name: &OsStr) -> Result<FileType, rustix::io::Errno> {
    let stat = rustix::fs::statat(&folder.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(stat.st_mode))
}

impl Folder<'_> {
    /// What a name is, itself; none if it is gone.
    pub(super) fn stat(&self, name: &OsStr) -> Option<Stat> {
        rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// When what a name stands for was made; none if the file system or the kernel does not tell.
    pub(super) fn born(&self, name: &OsStr) -> Option<(i64, u32)> {
        born(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Why what a name stands for is not read, if it is not.
    pub(super) fn refuses(&self, stat: &Stat) -> Option<&'static str> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if stat.st_uid == self.owner => None,
            FileType::RegularFile => Some("it belongs to somebody else than its folder"),
            FileType::Symlink => Some("it is a link"),
            _ => Some("it is no regular file"),
        }
    }

    /// The file, which is held against the same rules once more, for the name may stand for another by now.
    pub(super) fn open(&self, name: &OsStr) -> io::Result<(File, Stat)> {
        let (file, stat) = open(self, name, OFlags::empty())?;
        match self.refuses(&stat) {
            Some(why) => Err(io::Error::other(why)),
            None => Ok((File::from(file), stat)),
        }
    }

    /// The path of a name in this folder, as people know it.
    pub(super) fn join(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

/// A name without control characters, which would come out again where it is told.
pub(super) fn plain(name: &OsStr) -> String {
    name.to_string_lossy().chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// When the file that is open was made.
pub(super) fn born_of(file: &File) -> Option<(i64, u32)> {
    born(file, OsStr::new(""), AtFlags::EMPTY_PATH)
}

fn born(at: impl AsFd, name: &OsStr, flags: AtFlags) -> Option<(i64, u32)> {
    let stat = rustix::fs::statx(at, name, flags, StatxFlags::BTIME).ok()?;
    let known = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    known.then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec))
}

/// One name at a time, so that there is no link on the way; nothing is opened that is none of its folder's file system,
/// for one that somebody mounts there may answer never.
fn open(folder: &Folder<'_>, name: &OsStr, flags: OFlags) -> io::Result<(OwnedFd, Stat)> {
    // Nothing waits: neither for the other end of a pipe nor for a device.
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(&folder.handle, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&handle)?;
    if stat.st_dev != folder.device {
        return Err(io::Error::other("another file system is mounted there"));
    }
    Ok((handle, stat))
}

fn told(error: &io::Error) -> String {
    use rustix::io::Errno;
    match error.raw_os_error() {
        // Whatever leads to a folder is, with both flags, no folder itself.
        Some(code) if [Errno::LOOP, Errno::NOTDIR].iter().any(|errno| errno.raw_os_error() == code) => {
            "it is a link".to_owned()
        }
        _ => error.to_string(),
    }
}
