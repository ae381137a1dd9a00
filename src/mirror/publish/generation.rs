//! Writes a tree as the next generation of a mirror: beside the current one, complete, signed, then one rename.
//! A reader sees the old generation or the new one; the same tree again writes nothing.
//! Not here: what is in the tree.

use crate::mirror::keys::{self, Signer};
use crate::mirror::store::{self, Store};
use crate::mirror::{disk, folder as tree_folder};
use crate::words::digest::Sha256;
use crate::words::generation::{self as list, Generation, Listed};
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Why a generation was not published; the current one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or link of the mirror failed.
    #[error("cannot {what} {}", path.display())]
    Mirror { what: &'static str, path: PathBuf, source: io::Error },
    /// The files cannot be written.
    #[error("cannot write generation {number}")]
    Write { number: u64, source: tree_folder::Error },
    /// The store does not hold what was fetched into it.
    #[error("cannot write generation {number}")]
    Store { number: u64, source: store::Error },
    /// The list cannot be signed.
    #[error("cannot sign the list of generation {number}")]
    Sign { number: u64, source: keys::Error },
}

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A new generation is current.
    New { number: u64, files: usize, bytes: u64 },
    /// The current generation holds exactly this.
    UpToDate { number: u64 },
}

/// The folder that is served: the current generation, or the folder itself if it is a plain copy of one.
pub fn current(mirror: &Path) -> PathBuf {
    let current = mirror.join("current");
    fs::canonicalize(&current).unwrap_or_else(|_| mirror.to_owned())
}

/// The list of the current generation, unverified: whoever may write the mirror may write this.
pub fn current_list(mirror: &Path) -> Option<Generation> {
    Generation::parse(&fs::read_to_string(current(mirror).join(list::LIST)).ok()?).ok()
}

/// What publishing a tree would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This list would be published.
    New(Generation),
    /// The generation of this number holds exactly this.
    UpToDate(u64),
}

/// Decides what publishing a tree comes to.
pub fn next(mirror: &Path, tree: &Tree, lock: Sha256, signer: &Signer) -> Next {
    let listed =
        |(path, entry): (&SafePath, &Entry)| (path.clone(), Listed { size: entry.size(), sha256: entry.digest() });
    let files: BTreeMap<SafePath, Listed> = tree.iter().map(listed).collect();
    let folder = current(mirror);
    let whole = |there: &Generation| {
        there
            .files
            .iter()
            .all(|(path, listed)| fs::metadata(path.under(&folder)).is_ok_and(|file| file.len() == listed.size))
    };
    let same =
        |there: &Generation| there.files == files && there.lock == lock && whole(there) && signer.signed(&folder);
    match current_list(mirror).filter(same) {
        Some(there) => Next::UpToDate(there.number),
        None => Next::New(Generation { number: 1 + newest(&mirror.join("generations")), lock, files }),
    }
}

/// Publishes a tree.
pub fn publish(mirror: &Path, tree: &Tree, lock: Sha256, store: &Store, signer: &Signer) -> Result<Published, Error> {
    let generation = match next(mirror, tree, lock, signer) {
        Next::UpToDate(number) => return Ok(Published::UpToDate { number }),
        Next::New(generation) => generation,
    };
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Mirror { what, path, source }
    };
    let generations = mirror.join("generations");
    fs::create_dir_all(&generations).map_err(failed("make", &generations))?;
    let number = generation.number;
    let staged = generations.join(format!(".new-{number}"));
    if staged.exists() {
        fs::remove_dir_all(&staged).map_err(failed("remove what an earlier run left in", &staged))?;
    }
    fs::create_dir(&staged).map_err(failed("make", &staged))?;
    if let Err(error) = fill(&staged, &generation, tree, store, signer) {
        fs::remove_dir_all(&staged).map_err(failed("remove", &staged))?;
        return Err(error);
    }
    let place = generations.join(number.to_string());
    fs::rename(&staged, &place).map_err(failed("place", &place))?;
    fs::File::open(&generations).and_then(|folder| folder.sync_all()).map_err(failed("sync", &generations))?;
    switch(mirror, number).map_err(failed("switch", &mirror.join("current")))?;
    let bytes = generation.files.values().map(|listed| listed.size).sum();
    Ok(Published::New { number, files: generation.files.len(), bytes })
}

fn fill(folder: &Path, generation: &Generation, tree: &Tree, store: &Store, signer: &Signer) -> Result<(), Error> {
    let number = generation.number;
    for (_, entry) in tree.iter() {
        if let Entry::Object { digest, .. } = entry {
            store.still(*digest).map_err(|source| Error::Store { number, source })?;
        }
    }
    let text = generation.render();
    let signature = signer.sign(text.as_bytes(), &format!("pnda mirror, generation {number}"));
    let signature = signature.map_err(|source| Error::Sign { number, source })?;
    for (name, bytes) in [(list::LIST, &text), (list::SIGNATURE, &signature), (list::PUBLIC_KEY, &signer.public_file())]
    {
        let path = folder.join(name);
        disk::replace(&path, bytes.as_bytes()).map_err(|source| Error::Mirror { what: "write", path, source })?;
    }
    tree_folder::write_tree(tree, Some(store), folder).map_err(|source| Error::Write { number, source })
}

/// The highest number that was ever given, so that a number never comes twice.
fn newest(generations: &Path) -> u64 {
    let names = fs::read_dir(generations).into_iter().flatten().flatten();
    names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).max().unwrap_or(0)
}

fn switch(mirror: &Path, number: u64) -> io::Result<()> {
    let link = mirror.join(format!(".current-{number}"));
    match fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => symlink(format!("generations/{number}"), &link)?,
    }
    fs::rename(&link, mirror.join("current"))?;
    fs::File::open(mirror)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        let mut tree = Tree::default();
        tree.insert(SafePath::new("mirror_misc/a.txt").unwrap(), Entry::file(text)).unwrap();
        tree
    }

    struct Bench {
        folder: tempfile::TempDir,
        store: Store,
        signer: Signer,
    }

    impl Bench {
        fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("store")).unwrap();
            let signer = Signer::load_or_make(&folder.path().join("mirror.key")).unwrap();
            Bench { folder, store, signer }
        }

        fn mirror(&self) -> PathBuf {
            self.folder.path().join("mirror")
        }

        fn publish(&self, tree: &Tree) -> Published {
            publish(&self.mirror(), tree, Sha256::of(b"lock"), &self.store, &self.signer).unwrap()
        }
    }

    #[test]
    fn the_same_tree_is_published_once() {
        let bench = Bench::new();
        assert_eq!(bench.publish(&tree("one")), Published::New { number: 1, files: 1, bytes: 3 });
        assert_eq!(bench.publish(&tree("one")), Published::UpToDate { number: 1 });
        assert_eq!(bench.publish(&tree("two")), Published::New { number: 2, files: 1, bytes: 3 });
        let served = current(&bench.mirror());
        assert_eq!(fs::read_to_string(served.join("mirror_misc/a.txt")).unwrap(), "two");
        assert_eq!(fs::read_to_string(bench.mirror().join("generations/1/mirror_misc/a.txt")).unwrap(), "one");
    }

    #[test]
    fn a_generation_is_signed() {
        let bench = Bench::new();
        bench.publish(&tree("one"));
        let served = current(&bench.mirror());
        let read = |name: &str| fs::read_to_string(served.join(name)).unwrap();
        let generation =
            Generation::verify(read(list::LIST).as_bytes(), &read(list::SIGNATURE), &read(list::PUBLIC_KEY)).unwrap();
        assert_eq!(generation.number, 1);
    }

    #[test]
    fn a_failed_publication_leaves_the_current_one() {
        let bench = Bench::new();
        bench.publish(&tree("one"));
        let mut broken = tree("two");
        let gone = Entry::Object { digest: Sha256::of(b"not in the store"), size: 1, executable: false };
        broken.insert(SafePath::new("gone").unwrap(), gone).unwrap();
        let result = publish(&bench.mirror(), &broken, Sha256::of(b"lock"), &bench.store, &bench.signer);
        assert!(matches!(result, Err(Error::Store { number: 2, .. })));
        assert_eq!(fs::read_to_string(current(&bench.mirror()).join("mirror_misc/a.txt")).unwrap(), "one");
        assert_eq!(fs::read_dir(bench.mirror().join("generations")).unwrap().count(), 1);
    }
}
