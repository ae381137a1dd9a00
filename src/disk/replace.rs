//! Replaces one file: the old bytes or the new ones, complete and durable, never a mix.
//! Everything small that is replaced goes through here: written beside, synced, renamed, and the folder synced.
//! Not here: whole trees (`tree`), bytes by digest (the mirror's store), or what an install places (the node room).

use crate::sync;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Everybody may read it.
const PUBLIC: u32 = 0o644;
/// Its owner alone may read it, from the first moment on.
const PRIVATE: u32 = 0o600;

/// Replaces a file, or makes it: the old bytes or the new ones, never a mix.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, |out| out.write_all(bytes))
}

/// The same with what is written here, which may be longer than memory.
pub fn replace_by(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let new = beside(path, PUBLIC, write)?;
    new.persist(path)?;
    sync(folder(path))
}

/// The same with what its owner alone can read, from the first moment on.
pub fn replace_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, PRIVATE, |out| out.write_all(bytes))?;
    new.persist(path)?;
    sync(folder(path))
}

/// Makes a file that its owner alone can read, from the first moment on; one that is there already stays.
pub fn make_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder(path))?;
    let new = beside(path, PRIVATE, |out| out.write_all(bytes))?;
    new.persist_noclobber(path)?;
    sync(folder(path))
}

/// Replaces a file that nobody else writes, readable by its owner alone. What a kill leaves beside it has the one name
/// `NAME.new`, and the next run writes over it.
pub fn replace_own(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(PRIVATE).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&new, path)
}

/// Makes `path` a link that says `to`, in exchange for the link that is there. `aside` is a name beside it that is ours.
pub fn replace_link(path: &Path, to: &str, aside: &Path) -> io::Result<()> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => symlink(to, aside)?,
    }
    rename(aside, path)
}

/// Gives something complete its name, durably.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync(folder(to))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A durable file in the same folder, which removes itself if it is not placed.
fn beside(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let new = tempfile::NamedTempFile::new_in(folder(path))?;
    let file: &File = new.as_file();
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()?;
    drop(out);
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o644);
        replace_private(&path, b"two").unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("two", 0o600));
        replace_by(&path, |_| Err(io::Error::other("no"))).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two", "what cannot be written changes nothing");
        make_private(&path, b"three").unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two", "one that is there stays");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_kill_has_left_beside_an_own_file_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.toml");
        fs::write(folder.path().join("state.toml.new"), "half of something longer").unwrap();
        replace_own(&path, b"whole").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_exchanged_whatever_a_kill_has_left() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("current"), folder.path().join(".current"));
        symlink("0", &aside).unwrap();
        for to in ["1", "2"] {
            replace_link(&path, to, &aside).unwrap();
            assert_eq!(fs::read_link(&path).unwrap(), Path::new(to));
        }
        assert!(fs::symlink_metadata(&aside).is_err());
    }
}
