//! What travels inside the program: the shipped manifests with their lock.
//! A folder of the user's own takes their place when it is named.
//! Not here: reading their meaning.

use crate::disk::regular;
use include_dir::{Dir, include_dir};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

static MANIFESTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mirror-manifests");

/// The lock's name beside the manifests.
pub const LOCK: &str = "pnda.lock";

/// The ends of the names of what is read: manifests, and lists of packages that they name.
const READ: [&str; 3] = ["toml", "packages", "status"];

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Manifests by file name, and the text of their lock if there is one.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// File names as the user knows them, with their texts, sorted.
    pub files: Vec<(String, String)>,
    /// The lock's text.
    pub lock: Option<String>,
}

/// The manifests of a folder, or those inside the program.
pub fn manifests(folder: Option<&Path>) -> Result<Manifests, Error> {
    match folder {
        Some(folder) => from_folder(folder),
        None => Ok(inside()),
    }
}

fn inside() -> Manifests {
    let text = |file: &include_dir::File<'_>| file.contents_utf8().unwrap_or_default().to_owned();
    let name = |file: &include_dir::File<'_>| format!("mirror-manifests/{}", file.path().display());
    let toml = |file: &&include_dir::File<'_>| file.path().extension().is_some_and(|end| end == "toml");
    let mut files: Vec<_> = MANIFESTS.files().filter(toml).map(|file| (name(file), text(file))).collect();
    files.sort();
    Manifests { files, lock: MANIFESTS.get_file(LOCK).map(text) }
}

fn from_folder(folder: &Path) -> Result<Manifests, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error { path, source }
    };
    let mut manifests = Manifests::default();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|end| READ.iter().any(|known| end == *known)) {
            let text = regular::read_text(&path).map_err(failed(&path))?;
            manifests.files.push((path.display().to_string(), text));
        }
    }
    manifests.files.sort();
    match regular::read_text(&folder.join(LOCK)) {
        Ok(text) => manifests.lock = Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error { path: folder.join(LOCK), source }),
    }
    Ok(manifests)
}
