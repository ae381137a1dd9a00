//! `mirror_rpm`: packages side by side as PNDA has them, our key beside them, and an index that our key signs.
//! What the index says comes from the packages' own headers; the same packages give the same bytes.
//! Not here: databases of the index in SQLite; every client reads the XML.

use super::laying::Laying;
use super::{Error, wanted};
use crate::fetch::expected;
use crate::lock::{Artifact, Lock, Source};
use crate::manifest::{Manifest, Want};
use crate::openpgp::Signer;
use std::collections::BTreeMap;
use std::time::SystemTime;
use words::names::SafePath;

mod describe;
mod index;

/// The section, for people.
pub(super) const SECTION: &str = "mirror_rpm";
/// Our public key, named as other keys of this folder are.
pub(super) const KEY: &str = "mirror_rpm/RPM-GPG-KEY-pnda-mirror";

/// The packages of one repository by the name of their file.
type Packages<'a> = BTreeMap<&'a str, &'a Artifact>;

/// Puts every package and the indexes; a section of an entry is a repository of its own.
pub(super) fn add(
    laying: &mut Laying<'_>,
    manifest: &Manifest,
    lock: &Lock,
    signer: Option<&Signer>,
) -> Result<(), Error> {
    let mut repositories: BTreeMap<String, Packages<'_>> = BTreeMap::new();
    for (artifact, want) in wanted(manifest, lock, Source::Rpm) {
        let Want::Rpm(want) = want else { continue };
        let folder = want.section.as_ref().map_or_else(|| SECTION.to_owned(), |name| format!("{SECTION}/{name}"));
        let name = artifact.address.file_name();
        laying.object(SafePath::new(format!("{folder}/{name}"))?, expected(artifact))?;
        repositories.entry(folder).or_default().insert(name, artifact);
    }
    if repositories.is_empty() {
        return Ok(());
    }
    let signer = signer.ok_or(Error::NoKey { section: SECTION })?;
    let sign = |source| Error::Sign { section: SECTION, source };
    let date = signer.date().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    for (folder, packages) in &repositories {
        let made = index::make(laying.store, packages, date)?;
        for (name, made) in &made.files {
            laying.object(SafePath::new(format!("{folder}/repodata/{name}"))?, *made)?;
        }
        let signature = signer.detached(&made.list).map_err(sign)?;
        laying.text(SafePath::new(format!("{folder}/repodata/repomd.xml"))?, made.list)?;
        laying.text(SafePath::new(format!("{folder}/repodata/repomd.xml.asc"))?, signature)?;
    }
    let key = signer.public_armored().map_err(sign)?;
    laying.text(SafePath::new(KEY)?, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Voucher;
    use crate::manifest::parse;
    use crate::rpm::header::tests::small;
    use crate::store::Store;
    use std::io::Write;
    use words::digest::Sha256;

    struct Bench {
        folder: tempfile::TempDir,
        manifest: Manifest,
        lock: Lock,
    }

    fn bench(bytes: &[u8]) -> (Bench, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let mut scratch = store.scratch().unwrap();
        scratch.write_all(bytes).unwrap();
        let kept = store.keep(&scratch.keep().unwrap().1).unwrap();
        let text =
            "[[rpm]]\nid = \"a\"\npackages = [\"app\"]\n[[rpm]]\nid = \"b\"\npackages = [\"app\"]\nsection = \"el9\"\n";
        let manifest = parse(&[("m.toml".into(), text.into())]).unwrap();
        let artifact = Artifact {
            source: Source::Rpm,
            origin: None,
            address: SafePath::new("Packages/a/app-2.0-3.el9.noarch.rpm").unwrap(),
            size: kept.size,
            sha256: kept.sha256,
            vouched: Voucher::IndexSha256,
            signer: None,
            wanted_by: manifest.wants.keys().cloned().collect(),
            because: Default::default(),
        };
        (Bench { folder, lock: Lock::of(Sha256::of(b""), [artifact]).unwrap(), manifest }, store)
    }

    #[test]
    fn packages_lie_flat_beside_a_signed_index_and_twice_the_same() {
        let (bench, store) = bench(&small());
        let signer = Signer::load_or_make(&bench.folder.path().join("key")).unwrap();
        let publish = |store: &Store| {
            let mut laying = Laying::new(store);
            add(&mut laying, &bench.manifest, &bench.lock, Some(&signer)).unwrap();
            laying.done().unwrap()
        };
        let tree = publish(&store);
        for kind in ["primary", "filelists", "other"] {
            let ending = format!("-{kind}.xml.gz");
            assert_eq!(tree.iter().filter(|(path, _)| path.as_str().ends_with(&ending)).count(), 2, "{kind}");
        }
        assert!(tree.get(&SafePath::new(KEY).unwrap()).is_some());
        for folder in ["mirror_rpm", "mirror_rpm/el9"] {
            for name in ["app-2.0-3.el9.noarch.rpm", "repodata/repomd.xml", "repodata/repomd.xml.asc"] {
                assert!(tree.get(&SafePath::new(format!("{folder}/{name}")).unwrap()).is_some(), "{folder}/{name}");
            }
        }
        assert_eq!(publish(&store), tree, "what was remembered is what was made");
        let (_other, elsewhere) = self::bench(&small());
        assert_eq!(publish(&elsewhere), tree, "another store gives the same bytes");
    }

    #[test]
    fn what_cannot_be_described_or_signed_is_told() {
        let (bench, store) = bench(b"no package");
        let signer = Signer::load_or_make(&bench.folder.path().join("key")).unwrap();
        let mut laying = Laying::new(&store);
        let unsigned = add(&mut laying, &bench.manifest, &bench.lock, None);
        assert!(matches!(unsigned, Err(Error::NoKey { section: "mirror_rpm" })));
        let refused = add(&mut laying, &bench.manifest, &bench.lock, Some(&signer));
        assert!(matches!(refused, Err(Error::Rpm { .. })));
    }
}
