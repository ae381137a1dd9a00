//! `mirror_maven`, a repository in Maven's layout, and `mirror_apps`, PNDA's flat folder of jars.
//! Each file has the `.sha1` that Maven's strict mode and Gradle ask for, and a `.sha256`; signatures need none.
//! Not here: the lists of versions and plug-ins (`metadata`).

use super::Error;
use super::laying::Laying;
use crate::fetch::expected;
use crate::lock::{Artifact, Voucher};
use crate::manifest::Want;
use words::digest::{Sha1, Sha256};
use words::names::SafePath;

mod metadata;

/// Puts every Maven artifact, and the lists over them.
pub(super) fn add(laying: &mut Laying<'_>, artifacts: &[(&Artifact, &Want)]) -> Result<(), Error> {
    for (artifact, want) in artifacts {
        let path = SafePath::new(format!("mirror_maven/{}", artifact.address))?;
        if !artifact.is_signature() {
            let sha1 = match &artifact.vouched {
                Voucher::RegistrySha1(sha1) => *sha1,
                _ => laying.store.sha1(artifact.sha256)?,
            };
            put_sums(laying, &path, sha1, artifact.sha256)?;
        }
        laying.object(path, expected(artifact))?;
        let apps = matches!(want, Want::Maven(want) if want.apps);
        if apps && artifact.address.as_str().ends_with(".jar") {
            let flat = SafePath::new(format!("mirror_apps/{}", artifact.address.file_name()))?;
            laying.object(flat, expected(artifact))?;
        }
    }
    let store = laying.store;
    metadata::files(artifacts.iter().map(|(artifact, _)| *artifact), store, &mut |folder, text| {
        let path = SafePath::new(format!("mirror_maven/{folder}/maven-metadata.xml"))?;
        put_sums(laying, &path, Sha1::of(text.as_bytes()), Sha256::of(text.as_bytes()))?;
        laying.text(path, text)
    })
}

fn put_sums(laying: &mut Laying<'_>, path: &SafePath, sha1: Sha1, sha256: Sha256) -> Result<(), Error> {
    laying.text(SafePath::new(format!("{path}.sha1"))?, sha1.to_string())?;
    laying.text(SafePath::new(format!("{path}.sha256"))?, sha256.to_string())
}
