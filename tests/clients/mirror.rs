//! A real mirror, made by the real program from the machine's own registries, for clients to be tried on.
//! The store is kept between runs, so that a registry gives each file once.
//! Not here: which clients.

use crate::registries::out_of_reach;
use pnda::mirror::lock::Source;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A published mirror; its folder ends with the test.
pub struct Mirror {
    folder: tempfile::TempDir,
}

impl Mirror {
    /// A file of the current generation.
    pub fn served(&self, path: &str) -> PathBuf {
        self.folder.path().join("mirror/current").join(path)
    }
}

/// Where things that take long to bring are kept between runs.
pub fn cache() -> PathBuf {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let target = || named("CARGO_TARGET_DIR").unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    let folder = named("PNDA_TEST_CACHE").unwrap_or_else(target);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Builds a mirror of the manifests in a folder, whose lock is there; says why where Maven's registry is out of reach.
pub fn of(manifests: &str) -> Result<Mirror, String> {
    let folder = tempfile::tempdir_in(cache()).map_err(|error| error.to_string())?;
    let output = Command::new(env!("CARGO_BIN_EXE_pnda"))
        .args(["mirror", "build", "--quiet", "--manifests"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifests))
        .arg("--mirror")
        .arg(folder.path().join("mirror"))
        .arg("--key")
        .arg(folder.path().join("key"))
        .arg("--store")
        .arg(cache().join("store"))
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(Mirror { folder });
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(out_of_reach(&[Source::Maven], &said).unwrap_or_else(|| panic!("the mirror could not be built:\n{said}")))
}
