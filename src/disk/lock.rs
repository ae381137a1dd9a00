//! A lock on a file: it keeps other processes out, and ends with whoever holds it, however that ends.
//! Nothing in the file matters, so that a file or folder that is there anyway can be the lock.
//! Not here: what is said to who has to wait.

use crate::regular::{self, Links};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// Who only looks whether a lock is held has it for a moment, and so has a process that is being started by who held it until
/// its program begins.
pub const A_LOOK: Duration = Duration::from_millis(50);

/// With whom a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// With nobody.
    Alone,
    /// With others who share it.
    Shared,
}

/// Opens a file to be locked, or makes it, readable and writable by its owner, and by others as `mode` says; its bytes stay.
pub fn open(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)
}

/// Takes a lock if it is free now; false if another process holds it.
pub fn take(file: &File, hold: Hold) -> io::Result<bool> {
    let taken = match hold {
        Hold::Alone => file.try_lock(),
        Hold::Shared => file.try_lock_shared(),
    };
    match taken {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Tries again and again for as long as `patience` says; false if it was held all the time.
pub fn wait(patience: Duration, mut take: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
    let began = Instant::now();
    while !take()? {
        if began.elapsed() > patience {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}

/// Whether a process holds the lock of a file against `hold`; one that is not there is held by nobody.
pub fn is_held(path: &Path, hold: Hold, links: Links) -> bool {
    regular::open(path, links).is_ok_and(|file| matches!(wait(A_LOOK, || take(&file, hold)), Ok(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_alone_keeps_others_out_and_who_shares_only_those_who_want_to_be_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_held(&path, Hold::Alone, Links::Follow), "nothing is there");
        let (one, two) = (open(&path, 0o600).unwrap(), open(&path, 0o600).unwrap());
        assert!(take(&one, Hold::Shared).unwrap() && take(&two, Hold::Shared).unwrap());
        assert!(is_held(&path, Hold::Alone, Links::Follow) && !is_held(&path, Hold::Shared, Links::Follow));
        drop(one);
        assert!(take(&two, Hold::Alone).unwrap());
        assert!(is_held(&path, Hold::Shared, Links::Follow));
        let late = open(&path, 0o600).unwrap();
        assert!(!wait(Duration::ZERO, || take(&late, Hold::Shared)).unwrap());
        drop(two);
        assert!(wait(Duration::ZERO, || take(&late, Hold::Shared)).unwrap());
    }
}
