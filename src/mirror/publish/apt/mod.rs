//! `mirror_apt`: an archive that apt reads, signed with the mirror's OpenPGP key: suites, lists by digest, the packages.
//! Packages keep their paths; what a list says of one is its own control file, read from the store.
//! Not here: choosing packages, or the list of a generation.

use super::Error;
use super::laying::Laying;
use crate::fetch::expected;
use crate::lock::{Artifact, Lock, Source};
use crate::manifest::{Manifest, Want};
use crate::openpgp::{self, Signer};
use list::List;
use std::collections::{BTreeMap, BTreeSet};
use words::names::{SafePath, Word};

mod list;
mod release;

/// The section of the mirror.
pub(super) const SECTION: &str = "mirror_apt";
/// The public key as apt's `signed-by` takes it.
pub(super) const KEY: &str = "mirror_apt/pnda-mirror.gpg";
/// The same for people.
pub(super) const KEY_FOR_PEOPLE: &str = "mirror_apt/pnda-mirror.asc";

/// The packages of each component and architecture of a suite.
type Suite<'a> = BTreeMap<(Word, Word), BTreeSet<&'a Artifact>>;

/// Puts every package, and the signed lists of them.
pub(super) fn add(
    laying: &mut Laying<'_>,
    manifest: &Manifest,
    lock: &Lock,
    signer: Option<&Signer>,
) -> Result<(), Error> {
    let mut suites: BTreeMap<SafePath, Suite<'_>> = BTreeMap::new();
    for (artifact, want) in super::wanted(manifest, lock, Source::Apt) {
        let Want::Apt(want) = want else { continue };
        for architecture in &want.architectures {
            let suite = suites.entry(want.suite.clone()).or_default();
            suite.entry((want.component.clone(), architecture.clone())).or_default().insert(artifact);
        }
        laying.object(SafePath::new(format!("{SECTION}/{}", artifact.address))?, expected(artifact))?;
    }
    if suites.is_empty() {
        return Ok(());
    }
    let signer = signer.ok_or(Error::NoKey { section: SECTION })?;
    for (name, suite) in suites {
        add_suite(laying, &name, &suite, signer)?;
    }
    let sign = |source: openpgp::SignError| Error::Sign { section: SECTION, source };
    let (binary, armored) = (signer.public_binary().map_err(sign)?, signer.public_armored().map_err(sign)?);
    laying.text(SafePath::new(KEY)?, binary)?;
    laying.text(SafePath::new(KEY_FOR_PEOPLE)?, armored)
}

fn add_suite(laying: &mut Laying<'_>, name: &SafePath, suite: &Suite<'_>, signer: &Signer) -> Result<(), Error> {
    let folder = format!("{SECTION}/dists/{name}");
    let mut lists = BTreeMap::new();
    for ((component, architecture), artifacts) in suite {
        let below = format!("{component}/binary-{architecture}");
        for (extension, made) in (List { architecture, artifacts }).make(laying.store)? {
            let by_hash = format!("{folder}/{below}/by-hash/SHA256/{}", made.sha256);
            laying.object(SafePath::new(by_hash)?, made)?;
            laying.object(SafePath::new(format!("{folder}/{below}/Packages{extension}"))?, made)?;
            lists.insert(format!("{below}/Packages{extension}"), made);
        }
    }
    let text = release::text(name, suite.keys(), &lists, signer.date());
    let sign = |source| Error::Sign { section: SECTION, source };
    let signed = signer.cleartext(&text).map_err(sign)?;
    let apart = signer.detached(text.as_bytes()).map_err(sign)?;
    for (name, bytes) in [("InRelease", signed), ("Release.gpg", apart), ("Release", text)] {
        laying.text(SafePath::new(format!("{folder}/{name}"))?, bytes)?;
    }
    Ok(())
}
