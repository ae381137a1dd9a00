//! Writes trees: into a folder of their own, or in exchange for the folder that is there.
//! Nothing gets its final name before it is complete and durable; what is there already is not written again.
//! Not here: what is in a tree.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::names::SafePath;
use words::tree::{Entry, Tree};

/// Why a tree could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Where the bytes of a digest lie.
pub type Objects<'a> = &'a dyn Fn(Sha256) -> PathBuf;

/// Writes a tree into a folder that does not exist yet; objects are hard links to where they lie, where that is possible.
pub fn write_tree(tree: &Tree, objects: Option<Objects<'_>>, folder: &Path) -> Result<(), Error> {
    for (path, entry) in tree.iter() {
        write_entry(&path, &entry, objects, folder).map_err(|source| Error { path: path.under(folder), source })?;
    }
    let synced = File::open(folder).and_then(|opened| rustix::fs::syncfs(&opened).map_err(io::Error::from));
    synced.map_err(|source| Error { path: folder.to_owned(), source })
}

/// Makes a folder hold exactly a tree of files, exchanging it whole; says whether anything had to be written.
pub fn replace_tree(tree: &Tree, folder: &Path) -> Result<bool, Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error { path, source }
    };
    if holds(tree, folder) {
        return Ok(false);
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let staged = tempfile::Builder::new().prefix(".pnda-").tempdir_in(parent).map_err(failed(parent))?;
    fs::set_permissions(staged.path(), Permissions::from_mode(0o755)).map_err(failed(staged.path()))?;
    write_tree(tree, None, staged.path())?;
    if folder.exists() {
        // The old tree ends up in the staged folder, which removes itself.
        renameat_with(CWD, staged.path(), CWD, folder, RenameFlags::EXCHANGE)
            .map_err(|error| failed(folder)(error.into()))?;
    } else {
        fs::rename(staged.keep(), folder).map_err(failed(folder))?;
    }
    Ok(true)
}

/// Whether a folder holds exactly these files.
pub fn holds(tree: &Tree, folder: &Path) -> bool {
    let mut count = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        let Ok(entries) = fs::read_dir(&path) else { return false };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => count += 1,
            }
        }
    }
    let same = |(path, entry): (SafePath, Entry)| {
        fs::read(path.under(folder)).is_ok_and(|bytes| Sha256::of(&bytes) == entry.digest())
    };
    count == tree.iter().count() && tree.iter().all(same)
}

fn write_entry(path: &SafePath, entry: &Entry, objects: Option<Objects<'_>>, folder: &Path) -> io::Result<()> {
    let target = path.under(folder);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    match entry {
        Entry::File { bytes, executable } => {
            fs::write(&target, bytes)?;
            fs::set_permissions(&target, Permissions::from_mode(if *executable { 0o755 } else { 0o644 }))
        }
        Entry::Object { digest, executable, .. } => {
            let objects = objects.ok_or_else(|| io::Error::other("an object needs a store"))?;
            let from = objects(*digest);
            if *executable {
                fs::copy(&from, &target)?;
                return fs::set_permissions(&target, Permissions::from_mode(0o755));
            }
            match fs::hard_link(&from, &target) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => fs::copy(&from, &target).map(drop),
                linked => linked,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in entries {
            tree.insert(SafePath::new(*path).unwrap(), Entry::file(*text)).unwrap();
        }
        tree
    }

    #[test]
    fn a_folder_becomes_exactly_the_tree_and_then_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("out");
        assert!(replace_tree(&tree(&[("a", "1"), ("b/c", "2")]), &folder).unwrap());
        assert!(!replace_tree(&tree(&[("a", "1"), ("b/c", "2")]), &folder).unwrap());
        assert!(replace_tree(&tree(&[("a", "3")]), &folder).unwrap());
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "3");
        assert!(!folder.join("b").exists());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
