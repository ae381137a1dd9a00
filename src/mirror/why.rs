//! Why something is locked: every chain that leads to it, from the entry that wants it.
//! A pure look into a lock; names are those people of each kind use.
//! Not here: what else could have been chosen.

use super::lock::{Artifact, Chain, Lock, Reader};
use super::purl::Purl;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Borrow;
use std::collections::BTreeSet;
use words::names::SafePath;
use words::problem::nearest;

/// One artifact, and the chains that lead to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Why {
    /// Its package URL.
    pub package: String,
    /// Its address in the lock.
    pub address: SafePath,
    /// The chains, each from its entry down to the artifact.
    pub chains: Vec<String>,
}

/// Nothing of that name is locked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing in the lock is called `{name}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct Unknown {
    name: String,
    near: Option<String>,
}

/// The artifacts of a name: `group:artifact`, a project or package, with `:version` or `==version` or without, a package
/// URL, or a part of an address. POMs are left out where the artifact itself is there.
pub fn why(lock: &Lock, name: &str) -> Result<Vec<Why>, Unknown> {
    among(|| lock.artifacts.iter(), name)
}

/// The same from a lock's text, of which only what is found is held; none if only `Lock::parse` can read it.
pub fn why_in(text: &str, name: &str) -> Option<Result<Vec<Why>, Unknown>> {
    let reader = Reader::whole(text)?;
    Some(among(|| reader.clone().flatten(), name))
}

fn among<A: Borrow<Artifact>, I: Iterator<Item = A>>(
    artifacts: impl Fn() -> I,
    name: &str,
) -> Result<Vec<Why>, Unknown> {
    let named = || artifacts().map(|artifact| (Purl::of(artifact.borrow()), artifact));
    let called = |purl: &Purl| {
        let full = purl.full_name();
        let version = purl.version.as_deref().unwrap_or_default();
        let forms = [
            full.clone(),
            purl.name.clone(),
            format!("{full}:{version}"),
            format!("{full}=={version}"),
            purl.to_string(),
        ];
        forms.iter().any(|form| form == name)
    };
    let mut found: Vec<(Purl, A)> = named().filter(|(purl, _)| called(purl)).collect();
    if found.is_empty() {
        found = named().filter(|(_, artifact)| artifact.borrow().address.as_str().contains(name)).collect();
    }
    if found.is_empty() {
        let names: BTreeSet<String> = named().flat_map(|(purl, _)| [purl.full_name(), purl.name.clone()]).collect();
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(Unknown { name: name.to_owned(), near });
    }
    if found.iter().any(|(purl, _)| !purl.is_pom()) {
        found.retain(|(purl, _)| !purl.is_pom());
    }
    let why = |(purl, artifact): (Purl, A)| Why {
        package: purl.to_string(),
        address: artifact.borrow().address.clone(),
        chains: artifact.borrow().because.iter().map(Chain::to_string).collect(),
    };
    Ok(found.into_iter().map(why).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Artifact, Source, Voucher};
    use words::digest::Sha256;
    use words::names::Word;

    fn lock() -> Lock {
        let artifact = |address: &str, chains: &[&str]| Artifact {
            source: Source::Maven,
            origin: None,
            signer: None,
            address: SafePath::new(address).unwrap(),
            size: 1,
            sha256: Sha256::of(address.as_bytes()),
            vouched: Voucher::FirstUse,
            wanted_by: Word::new("e").unwrap().into(),
            because: chains.iter().map(|chain| (*chain).to_owned()).collect(),
        };
        let jar = artifact("org/x/core/1.0/core-1.0.jar", &["e > org.x:a:1 > org.x:core:1.0", "e > org.x:core:1.0"]);
        let pom = artifact("org/x/core/1.0/core-1.0.pom", &["e > org.x:core:pom:1.0"]);
        let other = artifact("org/x/core-api/1.0/core-api-1.0.jar", &["e > org.x:core-api:1.0"]);
        Lock::of(Sha256::of(b""), [jar, pom, other]).unwrap()
    }

    #[test]
    fn every_chain_to_a_name_is_told_without_its_pom() {
        for name in ["core", "org.x:core", "org.x:core:1.0", "pkg:maven/org.x/core@1.0"] {
            let found = why(&lock(), name).unwrap();
            assert_eq!((found.len(), found[0].chains.len()), (1, 2), "{name}");
        }
        assert_eq!(why(&lock(), "core-api-1").unwrap().len(), 1, "a part of an address will do");
    }

    #[test]
    fn a_name_that_is_not_there_has_a_nearest_one() {
        let error = why(&lock(), "core-apo").unwrap_err().to_string();
        assert!(error.contains("did you mean `core-api`?"), "{error}");
    }
}
