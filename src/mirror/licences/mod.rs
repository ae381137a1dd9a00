//! Under which licences an artifact is, as its own metadata says: POMs with their parents, wheels, source distributions.
//! What the metadata says is not judged; where it names a licence beyond doubt, it becomes that licence's SPDX id.
//! Not here: reading licence texts, or deciding what may be used.

use super::lock::{Artifact, Lock, Source};
use super::purl::Purl;
use super::resolve::maven;
use super::store::Store;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use words::digest::Sha256;
use words::names::SafePath;

mod python;
mod spdx;

/// No chain of parents is longer.
const MOST_PARENTS: usize = 32;
/// No POM is larger.
const LARGEST_POM: u64 = 4 << 20;
/// A name that is longer is a text, not a name.
const LONGEST_NAME: usize = 120;

/// A licence as metadata names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// One of SPDX's list, by its id.
    Id(String),
    /// An expression of SPDX's ids.
    Expression(String),
    /// A name that nobody else is known to give to exactly one licence.
    Name(String),
}

impl Licence {
    /// What it is called.
    pub fn text(&self) -> &str {
        match self {
            Licence::Id(text) | Licence::Expression(text) | Licence::Name(text) => text,
        }
    }

    /// A name, or the address of a text, as far as either is known.
    fn of(name: &str, url: &str) -> Option<Licence> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(id) = spdx::id(&name).or_else(|| spdx::id(url)) {
            return Some(Licence::Id(id.to_owned()));
        }
        let said = if name.is_empty() { url.trim() } else { &name };
        let short: String = said.chars().take(LONGEST_NAME).collect();
        (!short.is_empty()).then_some(Licence::Name(short))
    }
}

/// Reads licences; each POM once, for many artifacts have the same parents.
pub struct Reader<'a> {
    store: &'a Store,
    /// Of Maven's artifacts, by address.
    poms: Vec<(&'a SafePath, Sha256)>,
    /// What is known of parents.
    known: RefCell<BTreeMap<SafePath, BTreeSet<Licence>>>,
}

impl<'a> Reader<'a> {
    /// For the artifacts of a lock.
    pub fn new(lock: &'a Lock, store: &'a Store) -> Reader<'a> {
        let poms = lock.artifacts.iter().filter(|artifact| artifact.source == Source::Maven);
        let poms = poms.filter(|artifact| artifact.address.as_str().ends_with(".pom"));
        let mut poms: Vec<_> = poms.map(|artifact| (&artifact.address, artifact.sha256)).collect();
        poms.sort_unstable();
        Reader { store, poms, known: RefCell::default() }
    }

    /// The licences of an artifact, sorted; none where its metadata is silent or is not kept.
    pub fn licences(&self, artifact: &Artifact) -> BTreeSet<Licence> {
        match artifact.source {
            Source::Maven => pom_of(artifact).map(|pom| self.of_pom(&pom, MOST_PARENTS)).unwrap_or_default(),
            Source::Pypi => python::licences(artifact.address.file_name(), &self.store.path(artifact.sha256)),
            _ => BTreeSet::new(),
        }
    }

    /// Those of a POM, or of the nearest parent that names any.
    fn of_pom(&self, pom: &SafePath, parents: usize) -> BTreeSet<Licence> {
        if let Some(known) = self.known.borrow().get(pom) {
            return known.clone();
        }
        let read = self.read(pom).and_then(|bytes| maven::licences(&bytes));
        let (named, parent) = read.unwrap_or_default();
        let named = named.iter().filter_map(|licence| Licence::of(&licence.name, &licence.url));
        let mut found: BTreeSet<Licence> = named.collect();
        if let Some(parent) = parent.filter(|_| found.is_empty() && parents > 0) {
            found = self.of_pom(&parent.path(), parents - 1);
        }
        if parents < MOST_PARENTS {
            self.known.borrow_mut().insert(pom.clone(), found.clone());
        }
        found
    }

    fn read(&self, pom: &SafePath) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let at = self.poms.partition_point(|(address, _)| *address <= pom).checked_sub(1)?;
        let (_, sha256) = self.poms.get(at).filter(|(address, _)| *address == pom)?;
        let file = File::open(self.store.path(*sha256)).ok()?;
        file.take(LARGEST_POM).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// Where the POM of an artifact is.
fn pom_of(artifact: &Artifact) -> Option<SafePath> {
    let purl = Purl::of(artifact);
    let (folder, _) = artifact.address.as_str().rsplit_once('/')?;
    SafePath::new(format!("{folder}/{}-{}.pom", purl.name, purl.version?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Entries, Voucher};
    use std::io::Write;

    /// A lock and a store that hold these files of a Maven repository.
    fn maven(files: &[(&str, &str)]) -> (tempfile::TempDir, Store, Lock) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut lock = Lock::default();
        for (address, text) in files {
            let mut scratch = store.scratch().unwrap();
            scratch.write_all(text.as_bytes()).unwrap();
            let kept = store.keep(&scratch.keep().unwrap().1).unwrap();
            lock.add(Artifact {
                origin: None,
                signer: None,
                source: Source::Maven,
                address: SafePath::new(*address).unwrap(),
                size: kept.size,
                sha256: kept.sha256,
                vouched: Voucher::Manifest,
                wanted_by: Entries::default(),
                because: Default::default(),
            });
        }
        (folder, store, lock)
    }

    fn of_jar(files: &[(&str, &str)]) -> Vec<Licence> {
        let (_folder, store, lock) = maven(files);
        let jar = lock.artifacts.iter().find(|artifact| artifact.address.as_str().ends_with(".jar")).unwrap();
        Reader::new(&lock, &store).licences(jar).into_iter().collect()
    }

    const PARENT: &str = "<parent><groupId>g.h</groupId><artifactId>p</artifactId><version>2</version></parent>";

    #[test]
    fn a_pom_without_licences_has_those_of_its_parent() {
        let found = of_jar(&[
            ("g/a/1/a-1.jar", "jar"),
            ("g/a/1/a-1.pom", &format!("<project>{PARENT}<licenses/></project>")),
            (
                "g/h/p/2/p-2.pom",
                "<project><licenses><license><name> The Apache Software\n License, Version 2.0 </name></license>
                 <license><name>Our own</name></license></licenses></project>",
            ),
        ]);
        assert_eq!(found, [Licence::Id("Apache-2.0".into()), Licence::Name("Our own".into())]);
    }

    #[test]
    fn an_address_says_it_where_the_name_does_not() {
        let pom = "<project><licenses><license><name>GNU or so</name>
            <url>https://opensource.org/licenses/MIT</url></license></licenses></project>";
        assert_eq!(of_jar(&[("g/a/1/a-1.jar", ""), ("g/a/1/a-1.pom", pom)]), [Licence::Id("MIT".into())]);
    }

    #[test]
    fn parents_that_are_missing_or_go_round_end_the_search() {
        assert_eq!(of_jar(&[("g/a/1/a-1.jar", "")]), []);
        let child = format!("<project>{PARENT}</project>");
        assert_eq!(of_jar(&[("g/a/1/a-1.jar", ""), ("g/a/1/a-1.pom", &child)]), []);
        assert_eq!(of_jar(&[("g/a/1/a-1.jar", ""), ("g/a/1/a-1.pom", &child), ("g/h/p/2/p-2.pom", &child)]), []);
    }
}
