//! The files of a folder in the order of a list, so that what is too much is found by going through both side by side.
//! Only the names of the folders above are held, not all there are.
//! Not here: whether a file is as listed.

use super::Error;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use words::generation::{LIST, PUBLIC_KEY, SIGNATURE};
use words::names::SafePath;

/// What a run that changes a plain copy needs beside the files, and what no list names.
const OWN: [&str; 5] = [LIST, SIGNATURE, PUBLIC_KEY, ".lock", ".mending"];

/// Goes through a folder beside its list.
pub(super) struct Walk {
    folder: PathBuf,
    /// What is still to come of each open folder, the innermost last; names end in `/` where they are folders.
    open: Vec<std::vec::IntoIter<Vec<u8>>>,
    /// What comes next.
    next: Option<Vec<u8>>,
    found: Vec<String>,
    failed: Option<Error>,
}

impl Walk {
    /// Stands at the first file.
    pub(super) fn of(folder: &Path) -> Walk {
        let (open, next, found, failed) = (Vec::new(), None, Vec::new(), None);
        let mut walk = Walk { folder: folder.to_owned(), open, next, found, failed };
        walk.enter(Vec::new());
        walk.step();
        walk
    }

    /// The list names this next: what comes before it is too much.
    pub(super) fn pass(&mut self, listed: &SafePath) {
        let listed = listed.as_str().as_bytes();
        while let Some(next) = self.next.take_if(|next| next.as_slice() <= listed) {
            self.keep(&next, Some(listed));
            self.step();
        }
    }

    /// What was too much: the list names nothing more.
    pub(super) fn end(mut self) -> Result<Vec<String>, Error> {
        while let Some(next) = self.next.take() {
            self.keep(&next, None);
            self.step();
        }
        self.failed.map_or(Ok(self.found), Err)
    }

    fn keep(&mut self, path: &[u8], listed: Option<&[u8]>) {
        if Some(path) != listed && !OWN.iter().any(|own| own.as_bytes() == path) {
            self.found.push(String::from_utf8_lossy(path).into_owned());
        }
    }

    /// Goes on to the next file.
    fn step(&mut self) {
        while let Some(innermost) = self.open.last_mut() {
            match innermost.next() {
                None => drop(self.open.pop()),
                Some(path) if path.ends_with(b"/") => self.enter(path),
                Some(path) => {
                    self.next = Some(path);
                    return;
                }
            }
        }
    }

    /// Opens a folder, given with the `/` at its end.
    fn enter(&mut self, prefix: Vec<u8>) {
        let folder = self.folder.join(Path::new(std::ffi::OsStr::from_bytes(&prefix)));
        match names(&folder, &prefix) {
            Ok(names) => self.open.push(names.into_iter()),
            Err(source) => self.failed = self.failed.take().or(Some(Error::Walk { path: folder, source })),
        }
    }
}

/// What is in a folder, sorted as whole paths are.
fn names(folder: &Path, prefix: &[u8]) -> std::io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let mut path = [prefix, &entry.file_name().into_vec()].concat();
        if entry.file_type()?.is_dir() {
            path.push(b'/');
        }
        names.push(path);
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_in_the_order_of_whole_paths() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/b", "a-b/c", "a.b", "a/b-c", "z/y/x", LIST] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let of = |listed: &[&str]| {
            let mut walk = Walk::of(folder.path());
            listed.iter().for_each(|path| walk.pass(&SafePath::new(*path).unwrap()));
            walk.end().unwrap()
        };
        assert_eq!(of(&[]), ["a-b/c", "a.b", "a/b", "a/b-c", "z/y/x"]);
        assert_eq!(of(&["a-b/c", "a.b", "a/b", "a/b-c", "z/y/x"]), [""; 0]);
        assert_eq!(of(&["a", "a/b", "b", "z/y/x"]), ["a-b/c", "a.b", "a/b-c"]);
    }
}
