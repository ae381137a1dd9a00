//! Writes a tree as the next generation of a mirror: beside the current one, complete, signed, then one rename.
//! A reader sees the old generation or the new one; the same tree again writes nothing.
//! Not here: what is in the tree.

use crate::mirror::folder as tree_folder;
use crate::mirror::gc::users;
use crate::mirror::generations::stage::{Unplaced, stage, switch};
use crate::mirror::generations::{self, list, numbers, place};
use crate::mirror::keys::Signer;
use crate::mirror::store::{self, Store};
use crate::words::digest::Sha256;
use crate::words::generation::{Generation, Listed};
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

pub use crate::mirror::generations::current;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This list would be published.
    New(Generation),
    /// A run that was killed has published this list, but not made it the current one.
    Switch(Generation),
    /// The generation of this number holds exactly this.
    UpToDate(u64),
}

/// Decides what publishing a tree comes to.
pub fn next(mirror: &Path, tree: &Tree, lock: Sha256, signer: &Signer) -> Result<Next, generations::Error> {
    let listed =
        |(path, entry): (&SafePath, &Entry)| (path.clone(), Listed { size: entry.size(), sha256: entry.digest() });
    let files: BTreeMap<SafePath, Listed> = tree.iter().map(listed).collect();
    let holds = |folder: &Path, there: &Generation| {
        there.files == files && there.lock == lock && whole(folder, there) && signer.signed(folder)
    };
    let now = current(mirror);
    let served = list(&now).ok();
    if let Some(there) = served.as_ref().filter(|there| holds(&now, there)) {
        return Ok(Next::UpToDate(there.number));
    }
    let newest = numbers(mirror)?.last().copied().unwrap_or(0);
    let folder = place(mirror, newest);
    let unserved = |there: &Generation| served.as_ref().is_none_or(|served| there.number > served.number);
    Ok(match list(&folder).ok().filter(|there| unserved(there) && holds(&folder, there)) {
        Some(there) => Next::Switch(there),
        None => Next::New(Generation { number: newest.saturating_add(1), lock, files }),
    })
}

/// Whether everything that a list names is there with its length.
pub fn whole(folder: &Path, there: &Generation) -> bool {
    let same =
        |(path, listed): (&SafePath, &Listed)| fs::metadata(path.under(folder)).is_ok_and(|f| f.len() == listed.size);
    there.files.iter().all(same)
}

/// Publishes a tree; the caller has the mirror for itself (`generations::alone`).
pub fn publish(mirror: &Path, tree: &Tree, lock: Sha256, store: &Store, signer: &Signer) -> Result<Published, Error> {
    // Before anything refers to the store's bytes, the store knows who does.
    generations::make(mirror)?;
    users::note(store, mirror)?;
    let generation = match next(mirror, tree, lock, signer)? {
        Next::UpToDate(number) => return Ok(Published::UpToDate { number }),
        Next::Switch(generation) => {
            switch(mirror, generation.number)?;
            generation
        }
        Next::New(generation) => {
            stage(mirror, &generation, signer, None, |folder| fill(folder, tree, store))?;
            generation
        }
    };
    let bytes = generation.files.values().map(|listed| listed.size).sum();
    Ok(Published::New { number: generation.number, files: generation.files.len(), bytes })
}

fn fill(folder: &Path, tree: &Tree, store: &Store) -> Result<(), Unwritten> {
    let object = |(_, entry): (&SafePath, &Entry)| match entry {
        Entry::Object { digest, .. } => Some(*digest),
        Entry::File { .. } => None,
    };
    let objects: BTreeSet<Sha256> = tree.iter().filter_map(object).collect();
    objects.into_iter().try_for_each(|digest| store.still(digest))?;
    Ok(tree_folder::write_tree(tree, Some(store), folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::generation::{LIST, PUBLIC_KEY, SIGNATURE};
    use std::path::PathBuf;

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
