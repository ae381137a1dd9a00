//! `mirror_maven`, a repository in Maven's layout, and `mirror_apps`, PNDA's flat folder of jars.
//! Each file has the `.sha1` that Maven's strict mode and Gradle ask for, and a `.sha256`; signatures need none.
//! Not here: the lists of versions and plug-ins (`metadata`).

use super::{Error, object};
use crate::mirror::fetch::expected;
use crate::mirror::lock::{Artifact, Voucher};
use crate::mirror::manifest::Want;
use crate::mirror::store::Store;
use crate::words::digest::{Sha256, sha1_hex};
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};

mod metadata;

/// Puts every Maven artifact, and the lists over them.
pub(super) fn add(tree: &mut Tree, artifacts: Vec<(&Artifact, &Want)>, store: &Store) -> Result<(), Error> {
    for (artifact, want) in &artifacts {
        let path = SafePath::new(format!("mirror_maven/{}", artifact.address))?;
        if !artifact.is_signature() {
            let sha1 = match &artifact.vouched {
                Voucher::RegistrySha1(sha1) => sha1.clone(),
                _ => store.sha1(artifact.sha256)?,
            };
            put_sums(tree, &path, sha1, artifact.sha256)?;
        }
        tree.insert(path, object(expected(artifact)))?;
        let apps = matches!(want, Want::Maven(want) if want.apps);
        if apps && artifact.address.as_str().ends_with(".jar") {
            let flat = SafePath::new(format!("mirror_apps/{}", artifact.address.file_name()))?;
            tree.insert(flat, object(expected(artifact)))?;
        }
    }
    for (folder, text) in metadata::files(artifacts.into_iter().map(|(artifact, _)| artifact), store)? {
        let path = SafePath::new(format!("mirror_maven/{folder}/maven-metadata.xml"))?;
        put_sums(tree, &path, sha1_hex(text.as_bytes()), Sha256::of(text.as_bytes()))?;
        tree.insert(path, Entry::file(text))?;
    }
    Ok(())
}

fn put_sums(tree: &mut Tree, path: &SafePath, sha1: String, sha256: Sha256) -> Result<(), Error> {
    tree.insert(SafePath::new(format!("{path}.sha1"))?, Entry::file(sha1))?;
    Ok(tree.insert(SafePath::new(format!("{path}.sha256"))?, Entry::file(sha256.to_string()))?)
}
