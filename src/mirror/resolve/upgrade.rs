//! What may change its version although the last lock has one that satisfies: nothing, everything, or what is named.
//! A name must be one that the manifests or the last lock know; else a slip of the keyboard would upgrade nothing, in silence.
//! Not here: choosing the versions.

use super::apt;
use crate::lock::{Artifact, Lock, Source};
use crate::manifest::Manifest;
use crate::purl::Purl;
use std::collections::BTreeMap;
use std::fmt;
use words::names::Word;
use words::problem::nearest;

/// What may change its version where the manifest leaves that open; all else stays as it was locked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Upgrade {
    /// Nothing, as long as it still satisfies.
    #[default]
    Nothing,
    /// Everything.
    Everything,
    /// These entries and packages, by name.
    Only(Vec<String>),
}

/// Names that stand for nothing whose version is open, each with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unknown(Vec<(String, String)>);

impl Upgrade {
    /// These names alone; all of them must be entries, or packages of the last lock.
    pub fn only(names: &[String], manifest: &Manifest, before: &Lock) -> Result<Upgrade, Unknown> {
        let mut known: BTreeMap<String, bool> = before.artifacts.iter().map(package).collect();
        known.extend(manifest.wants.keys().map(|entry| (entry.to_string(), true)));
        let remedy = |name: &String| match known.get(name) {
            Some(true) => None,
            Some(false) => Some("its version stands in a manifest: change it there".to_owned()),
            None => {
                let names = known.iter().filter(|(_, open)| **open).map(|(name, _)| name.as_str());
                let near = nearest(name, names).map(|near| format!("did you mean `{near}`?"));
                Some(near.unwrap_or_else(|| "no entry of the manifests and no package of the lock is called so".into()))
            }
        };
        let wrong: Vec<_> = names.iter().filter_map(|name| Some((name.clone(), remedy(name)?))).collect();
        if wrong.is_empty() { Ok(Upgrade::Only(names.to_vec())) } else { Err(Unknown(wrong)) }
    }

    /// Whether a package that an entry wants may change its version.
    pub fn frees(&self, entry: &Word, package: &str) -> bool {
        match self {
            Upgrade::Nothing => false,
            Upgrade::Everything => true,
            Upgrade::Only(names) => names.iter().any(|name| name == entry.as_str() || name == package),
        }
    }
}

/// What the package of an artifact is called, and whether a manifest may leave its version open.
fn package(artifact: &Artifact) -> (String, bool) {
    match artifact.source {
        Source::Apt => (apt::deb_name(&artifact.address).to_owned(), true),
        source => (Purl::of(artifact).full_name(), matches!(source, Source::Pypi | Source::Rpm)),
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> =
            self.0.iter().map(|(name, remedy)| format!("cannot upgrade `{name}`: {remedy}")).collect();
        out.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Chains;
    use crate::lock::Voucher;
    use crate::manifest;
    use words::digest::Sha256;
    use words::names::SafePath;

    fn entry(name: &str) -> Word {
        Word::new(name).unwrap()
    }

    #[test]
    fn an_upgrade_frees_the_entries_and_packages_that_it_names_and_nothing_else() {
        let only = Upgrade::Only(vec!["tools".into(), "redis".into()]);
        assert!(only.frees(&entry("tools"), "rsyslog") && only.frees(&entry("os"), "redis"));
        assert!(!only.frees(&entry("os"), "rsyslog") && !only.frees(&entry("os"), "redis-server"));
        assert!(!Upgrade::Only(Vec::new()).frees(&entry("tools"), "redis"));
        assert!(
            Upgrade::Everything.frees(&entry("os"), "rsyslog") && !Upgrade::Nothing.frees(&entry("tools"), "redis")
        );
    }

    #[test]
    fn names_that_stand_for_nothing_are_told_at_once_with_the_nearest() {
        let text = "[[pypi]]\nid = \"tools\"\npackage = \"tool==1\"\nsdist = true\n";
        let manifest = manifest::parse(&[("m.toml".into(), text.into())]).unwrap();
        let artifact = |source, address: &str| Artifact {
            source,
            origin: None,
            signer: None,
            address: SafePath::new(address).unwrap(),
            size: 1,
            sha256: Sha256::of(address.as_bytes()),
            vouched: Voucher::Manifest,
            wanted_by: entry("e").into(),
            because: Chains::default(),
        };
        let artifacts = [
            artifact(Source::Apt, "pool/main/rsyslog_1.deb"),
            artifact(Source::Pypi, "tool/tool-1-py3-none-any.whl"),
            artifact(Source::Maven, "g/a/1/a-1.jar"),
        ];
        let lock = Lock::of(Sha256::of(b""), artifacts).unwrap();
        let only = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Upgrade::only(&names, &manifest, &lock)
        };
        let told = ["tools", "tool", "rsyslog"];
        assert_eq!(only(&told).unwrap(), Upgrade::Only(told.map(str::to_owned).into()));
        assert_eq!(
            only(&["rsylog", "tool", "g:a", "elsewhere"]).unwrap_err().to_string(),
            "cannot upgrade `rsylog`: did you mean `rsyslog`?\n\
             cannot upgrade `g:a`: its version stands in a manifest: change it there\n\
             cannot upgrade `elsewhere`: no entry of the manifests and no package of the lock is called so"
        );
    }
}
