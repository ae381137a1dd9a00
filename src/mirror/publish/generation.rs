//! Writes a tree as the next generation of a mirror: beside the current one, complete, signed, then one rename.
//! A reader sees the old generation or the new one; the same tree again writes nothing.
//! Not here: what is in the tree.

use crate::gc::users;
use crate::generations::stage::{Staged, Unplaced, stage, switch};
use crate::generations::{self, head, list, numbers, place};
use crate::keys::Signer;
use crate::store::{self, Store};
use disk::tree as tree_folder;
use std::fs;
use std::io;
use std::path::Path;
use words::digest::Sha256;
use words::generation::{Generation, Head, Listed, write};
use words::names::SafePath;
use words::tree::{Entry, Tree};

pub use crate::generations::current;

/// Why a generation was not published; the current one is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mirror's folders failed.
    #[error(transparent)]
    Mirror(#[from] generations::Error),
    /// It could not be put in its place.
    #[error(transparent)]
    Place(#[from] Unplaced<Unwritten>),
    /// The store cannot note that the mirror uses it.
    #[error("cannot note the mirror in the store")]
    Store(#[from] store::Error),
}

/// Why the files of a generation could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// The files cannot be written.
    #[error(transparent)]
    Folder(#[from] tree_folder::Error),
    /// The store does not hold what was fetched into it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A new generation is current.
    New { number: u64, files: usize, bytes: u64 },
    /// The current generation holds exactly this.
    UpToDate { number: u64 },
}

/// The list of the current generation, unverified: whoever may write the mirror may write this.
pub fn current_list(mirror: &Path) -> Option<Generation> {
    list(&current(mirror)).ok()
}

/// What publishing a tree would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It would be published under this number.
    New(u64),
    /// A run that was killed has published it under this number, but not made it the current one.
    Switch(u64),
    /// The generation of this number holds exactly this.
    UpToDate(u64),
}

/// Decides what publishing a tree comes to.
pub fn next(mirror: &Path, tree: &Tree, lock: Sha256, signer: &Signer) -> Result<Next, generations::Error> {
    let now = current(mirror);
    let served = head(&now).ok().map(|head| head.number);
    if let Some(number) = held(&now, tree, lock, signer) {
        return Ok(Next::UpToDate(number));
    }
    let newest = numbers(mirror)?.last().copied().unwrap_or(0);
    let unserved = |number: &u64| served.is_none_or(|served| *number > served);
    Ok(match held(&place(mirror, newest), tree, lock, signer).filter(unserved) {
        Some(number) => Next::Switch(number),
        None => Next::New(newest.saturating_add(1)),
    })
}

/// The files of a tree as a list names them.
fn listed(tree: &Tree) -> impl Iterator<Item = (SafePath, Listed)> + '_ {
    tree.iter().map(|(path, entry)| (path, Listed { size: entry.size(), sha256: entry.digest() }))
}

/// The number of the generation in a folder, if it is whole, signed, and holds exactly this.
fn held(folder: &Path, tree: &Tree, lock: Sha256, signer: &Signer) -> Option<u64> {
    let begin = || (listed(tree), true);
    let found = generations::gather_into(folder, begin, |(files, same), path, listed| {
        *same = *same && whole(folder, &path, &listed) && files.next() == Some((path, listed));
    });
    let (there, (mut files, same)) = found.ok()?;
    (same && files.next().is_none() && there.lock == lock && signer.signed(folder)).then_some(there.number)
}

/// Whether a file that a list names is there with its length.
fn whole(folder: &Path, path: &SafePath, listed: &Listed) -> bool {
    fs::metadata(path.under(folder)).is_ok_and(|found| found.len() == listed.size)
}

/// Publishes a tree; the caller has the mirror for itself (`generations::alone`).
pub fn publish(mirror: &Path, tree: &Tree, lock: Sha256, store: &Store, signer: &Signer) -> Result<Published, Error> {
    // Before anything refers to the store's bytes, the store knows who does.
    generations::make(mirror)?;
    users::note(store, mirror)?;
    let number = match next(mirror, tree, lock, signer)? {
        Next::UpToDate(number) => return Ok(Published::UpToDate { number }),
        Next::Switch(number) => {
            switch(mirror, number)?;
            number
        }
        Next::New(number) => {
            let head = Head { number, lock };
            let list = |out: &mut dyn io::Write| write(out, head, listed(tree));
            stage(mirror, &Staged { head, content_of: None, list: &list }, signer, |folder| fill(folder, tree, store))?;
            number
        }
    };
    let (files, bytes) = tree.iter().fold((0, 0), |(files, bytes), (_, entry)| (files + 1, bytes + entry.size()));
    Ok(Published::New { number, files, bytes })
}

fn fill(folder: &Path, tree: &Tree, store: &Store) -> Result<(), Unwritten> {
    let object = |(_, entry): (SafePath, Entry)| match entry {
        Entry::Object { digest, .. } => Some(digest),
        Entry::File { .. } => None,
    };
    let mut objects: Vec<Sha256> = tree.iter().filter_map(object).collect();
    objects.sort_unstable();
    objects.dedup();
    objects.into_iter().try_for_each(|digest| store.still(digest))?;
    Ok(tree_folder::write_tree(tree, Some(&|sha256| store.path(sha256)), folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use words::generation::{LIST, PUBLIC_KEY, SIGNATURE};

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
    fn a_generation_that_was_placed_but_not_switched_to_is_taken_up() {
        let bench = Bench::new();
        bench.publish(&tree("one"));
        bench.publish(&tree("two"));
        // As a run leaves it that is killed right before its last step.
        switch(&bench.mirror(), 1).unwrap();
        assert_eq!(bench.publish(&tree("two")), Published::New { number: 2, files: 1, bytes: 3 });
        assert_eq!(current(&bench.mirror()), fs::canonicalize(bench.mirror().join("generations/2")).unwrap());
        switch(&bench.mirror(), 1).unwrap();
        assert_eq!(bench.publish(&tree("three")), Published::New { number: 3, files: 1, bytes: 5 });
    }

    #[test]
    fn a_generation_is_signed() {
        let bench = Bench::new();
        bench.publish(&tree("one"));
        let served = current(&bench.mirror());
        let read = |name: &str| fs::read_to_string(served.join(name)).unwrap();
        let generation = Generation::verify(read(LIST).as_bytes(), &read(SIGNATURE), &read(PUBLIC_KEY)).unwrap();
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
        assert!(matches!(result, Err(Error::Place(Unplaced::Fill { number: 2, .. }))));
        assert_eq!(fs::read_to_string(current(&bench.mirror()).join("mirror_misc/a.txt")).unwrap(), "one");
        assert_eq!(fs::read_dir(bench.mirror().join("generations")).unwrap().count(), 1);
    }
}
