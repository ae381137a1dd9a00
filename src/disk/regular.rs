//! Opens regular files that somebody else may have put there: nothing that waits, and nothing that acts when it is opened.
//! A pipe would hold its reader for ever, and a device may do something only because it is opened.
//! Not here: who may change the folder above, and what the bytes must be.

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

/// What becomes of a symbolic link in the place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It is followed.
    Follow,
    /// It is no regular file.
    Refuse,
}

/// Opens a file to read.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    open_at(CWD, path, links)
}

/// Opens a file to read, from an opened folder on.
pub fn open_at(folder: impl AsFd, path: &Path, links: Links) -> io::Result<File> {
    let follow = if links == Links::Refuse { OFlags::NOFOLLOW } else { OFlags::empty() };
    // Only looked up, not opened: what it is can be asked before anything happens, and it cannot be swapped since.
    let found = openat(folder, path, OFlags::PATH | OFlags::CLOEXEC | follow, Mode::empty())?;
    match FileType::from_raw_mode(fstat(&found)?.st_mode) {
        FileType::RegularFile => {
            let again = format!("/proc/self/fd/{}", found.as_raw_fd());
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            Ok(File::from(openat(CWD, again, flags, Mode::empty())?))
        }
        FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::other("it is not a regular file")),
    }
}

/// The text of a file that a mirror or a render has written, through whatever links.
pub fn read_text(path: &Path) -> io::Result<String> {
    io::read_to_string(open(path, Links::Follow)?)
}

/// The text of a file that a person writes, through whatever links, if it is not longer than `limit`.
pub fn read_short_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, Links::Follow, limit)?).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// The bytes of a file that is not longer than `limit`.
pub fn read(path: &Path, links: Links, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, links)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= limit {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("it is longer than {limit} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "four").unwrap();
        symlink("file", at("link")).unwrap();
        symlink("pipe", at("to-pipe")).unwrap();
        symlink("/dev/zero", at("to-device")).unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        for links in [Links::Follow, Links::Refuse] {
            assert_eq!(read(&at("file"), links, 4).unwrap(), b"four");
            assert!(read(&at("file"), links, 3).unwrap_err().to_string().contains("longer than 3 bytes"));
            for name in ["pipe", "to-pipe", "to-device"] {
                assert_eq!(open(&at(name), links).unwrap_err().to_string(), "it is not a regular file", "{name}");
            }
            assert_eq!(open(&at(""), links).unwrap_err().kind(), io::ErrorKind::IsADirectory);
            assert_eq!(open(&at("none"), links).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
        assert!(open(&at("link"), Links::Follow).is_ok() && open(&at("link"), Links::Refuse).is_err());
    }
}
