//! `mirror_rpm`: packages side by side as PNDA has them, our key beside them, and an index that our key signs.
//! What the index says comes from the packages' own headers; the same packages give the same bytes.
//! Not here: databases of the index in SQLite; every client reads the XML.

use super::{Error, object, wanted};
use crate::mirror::fetch::expected;
use crate::mirror::lock::{Artifact, Lock, Source};
use crate::mirror::manifest::{Manifest, Want};
use crate::mirror::openpgp::Signer;
use crate::mirror::store::Store;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::collections::BTreeMap;
use std::time::SystemTime;

mod describe;
mod index;

/// The section, for people.
const SECTION: &str = "mirror_rpm";
/// Our public key, named as other keys of this folder are.
const KEY: &str = "mirror_rpm/RPM-GPG-KEY-pnda-mirror";

/// The packages of one repository by the name of their file.
type Packages<'a> = BTreeMap<&'a str, &'a Artifact>;

/// Puts every package and the indexes; a section of an entry is a repository of its own.
pub(super) fn add(
    tree: &mut Tree,
    manifest: &Manifest,
    lock: &Lock,
    store: &Store,
    signer: Option<&Signer>,
) -> Result<(), Error> {
    let mut repositories: BTreeMap<String, Packages<'_>> = BTreeMap::new();
    for (artifact, want) in wanted(manifest, lock, Source::Rpm) {
        let Want::Rpm(want) = want else { continue };
        let folder = want.section.as_ref().map_or_else(|| SECTION.to_owned(), |name| format!("{SECTION}/{name}"));
        let name = artifact.address.file_name();
        tree.insert(SafePath::new(format!("{folder}/{name}"))?, object(expected(artifact)))?;
        repositories.entry(folder).or_default().insert(name, artifact);
    }
    if repositories.is_empty() {
        return Ok(());
    }
    let signer = signer.ok_or(Error::NoKey { section: SECTION })?;
    let sign = |source| Error::Sign { section: SECTION, source };
    let date = signer.date().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    for (folder, packages) in &repositories {
        let made = index::make(store, packages, date)?;
        for (name, made) in &made.files {
            tree.insert(SafePath::new(format!("{folder}/repodata/{name}"))?, object(*made))?;
        }
        let signature = signer.detached(&made.list).map_err(sign)?;
        tree.insert(SafePath::new(format!("{folder}/repodata/repomd.xml"))?, Entry::file(made.list))?;
        tree.insert(SafePath::new(format!("{folder}/repodata/repomd.xml.asc"))?, Entry::file(signature))?;
    }
    let key = signer.public_armored().map_err(sign)?;
    Ok(tree.insert(SafePath::new(KEY)?, Entry::file(key))?)
}
