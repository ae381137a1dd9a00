//! One run at a time changes a mirror: a lock on a file that says which process has it.
//! The lock ends with its process, however that ends.
//! Not here: readers, who need no lock.

use super::Error;
use disk::lock::{self, Hold};
use disk::regular::Links;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

/// The file, inside a mirror's folder.
const FILE: &str = ".lock";

/// Keeps other runs from changing a mirror until the returned file is dropped.
pub fn alone(mirror: &Path) -> Result<File, Error> {
    fs::create_dir_all(mirror).map_err(Error::of("make", mirror))?;
    let path = mirror.join(FILE);
    let failed = |what| Error::of(what, &path);
    let mut file = lock::open(&path, 0o666).map_err(failed("open"))?;
    if !lock::wait(lock::A_LOOK, || lock::take(&file, Hold::Alone)).map_err(failed("lock"))? {
        let mut pid = String::new();
        // The holder may be about to write it.
        let _ = file.take(20).read_to_string(&mut pid);
        let pid = Some(pid.trim().to_owned()).filter(|pid| pid.parse::<u32>().is_ok());
        return Err(Error::Busy { path: mirror.to_owned(), pid });
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(failed("write"))?;
    Ok(file)
}

/// Whether a run is changing a mirror now.
pub fn is_busy(mirror: &Path) -> bool {
    lock::is_held(&mirror.join(FILE), Hold::Shared, Links::Follow)
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
