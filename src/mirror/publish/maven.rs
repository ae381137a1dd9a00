//! `mirror_maven`, a repository in Maven's layout, and `mirror_apps`, PNDA's flat folder of jars.
//! Each file has the `.sha1` that Maven asks for.
//! Not here: `maven-metadata.xml`; fixed versions need none.

use super::{Error, object};
use crate::mirror::fetch::expected;
use crate::mirror::lock::{Artifact, Voucher};
use crate::mirror::manifest::Want;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};

/// Puts every Maven artifact.
pub(super) fn add(tree: &mut Tree, artifacts: Vec<(&Artifact, &Want)>) -> Result<(), Error> {
    for (artifact, want) in artifacts {
        let path = SafePath::new(format!("mirror_maven/{}", artifact.address))?;
        if let Voucher::RegistrySha1(sha1) = &artifact.vouched {
            tree.insert(SafePath::new(format!("{path}.sha1"))?, Entry::file(sha1.as_str()))?;
        }
        tree.insert(path, object(expected(artifact)))?;
        let apps = matches!(want, Want::Maven(want) if want.apps);
        if apps && artifact.address.as_str().ends_with(".jar") {
            tree.insert(
                SafePath::new(format!("mirror_apps/{}", artifact.address.file_name()))?,
                object(expected(artifact)),
            )?;
        }
    }
    Ok(())
}
