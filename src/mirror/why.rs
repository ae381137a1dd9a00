//! Why something is locked: every chain that leads to it, from the entry that wants it.
//! A pure look into a lock; names are those people of each kind use.
//! Not here: what else could have been chosen.

use super::lock::Lock;
use super::purl::Purl;
use crate::words::names::SafePath;
use crate::words::problem::nearest;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

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
    let named: Vec<(Purl, &super::lock::Artifact)> =
        lock.artifacts.iter().map(|artifact| (Purl::of(artifact), artifact)).collect();
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
    let mut found: Vec<_> = named.iter().filter(|(purl, _)| called(purl)).collect();
    if found.is_empty() {
        found = named.iter().filter(|(_, artifact)| artifact.address.as_str().contains(name)).collect();
    }
    if found.is_empty() {
        let names: BTreeSet<String> = named.iter().map(|(purl, _)| purl.full_name()).collect();
        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(Unknown { name: name.to_owned(), near });
    }
    if found.iter().any(|(purl, _)| !purl.is_pom()) {
        found.retain(|(purl, _)| !purl.is_pom());
    }
    let why = |(purl, artifact): &(Purl, &super::lock::Artifact)| Why {
        package: purl.to_string(),
        address: artifact.address.clone(),
        chains: artifact.because.clone(),
    };
    Ok(found.into_iter().map(why).collect())
}
