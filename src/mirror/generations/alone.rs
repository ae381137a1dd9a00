//! One run at a time changes a mirror: a lock on a file that says which process has it.
//! The lock ends with its process, however that ends.
//! Not here: readers, who need no lock.

use super::Error;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use systems::regular::{self, Links};

/// The file, inside a mirror's folder.
const FILE: &str = ".lock";

/// Keeps other runs from changing a mirror until the returned file is dropped.
pub fn alone(mirror: &Path) -> Result<File, Error> {
    fs::create_dir_all(mirror).map_err(Error::of("make", mirror))?;
    let path = mirror.join(FILE);
    let failed = |what| Error::of(what, &path);
    let mut options = File::options();
    let options = options.read(true).write(true).create(true).truncate(false);
    let mut file = options.open(&path).map_err(failed("open"))?;
    let mut locked = file.try_lock();
    if matches!(locked, Err(TryLockError::WouldBlock)) {
        // It may only be somebody who looks whether it is taken.
        std::thread::sleep(Duration::from_millis(50));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // The holder may be about to write it.
            let _ = file.take(20).read_to_string(&mut pid);
            let pid = Some(pid.trim().to_owned()).filter(|pid| pid.parse::<u32>().is_ok());
            return Err(Error::Busy { path: mirror.to_owned(), pid });
        }
        Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(failed("write"))?;
    Ok(file)
}

/// Whether a run is changing a mirror now.
pub fn is_busy(mirror: &Path) -> bool {
    let Ok(file) = regular::open(&mirror.join(FILE), Links::Follow) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let held = alone(folder.path()).unwrap();
        let told = alone(folder.path()).unwrap_err().to_string();
        let pid = std::process::id();
        assert!(
            told.ends_with(&format!("(process {pid}): wait until it ends, or stop it with `kill {pid}`")),
            "{told}"
        );
        drop(held);
        alone(folder.path()).unwrap();
    }
}
