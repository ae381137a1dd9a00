//! The disk room: files that are replaced at once, trees, locks, files that others may have placed, and a root directory.
//! Every room that writes something of its own writes it through here.
//! Not here: what is written.

pub mod lock;
pub mod regular;
pub mod replace;
pub mod root_dir;
pub mod tree;

use std::fs::File;
use std::io;
use std::path::Path;

/// How many bytes the disk of a folder has left for us.
pub fn free(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Makes a file's bytes, or a folder's names, survive a loss of power.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
