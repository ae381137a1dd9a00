//! Signatures beside Maven artifacts: verified where the site has the key, pinned by the signer's name otherwise.
//! Who signs a group of artifacts for the first time is believed; another signer later is told, and needs a person's word.
//! Not here: asking for signatures.

use crate::lock::{Artifact, Lock, Source, Voucher};
use crate::openpgp::{Error, Fingerprint, Keyring, claimed};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use words::names::SafePath;

/// The keys that a site trusts for a repository; there may be none.
#[derive(Debug, Default)]
pub struct Keys(Option<Keyring>);

/// What a signature comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Signed {
    /// A trusted key signed.
    Verified(Fingerprint),
    /// Somebody says to have signed whose key is not known.
    Claimed(Fingerprint),
    /// It says nothing that counts.
    Unclear(String),
}

impl Keys {
    /// Reads a file of public keys.
    pub fn read(path: &Path) -> Result<Keys, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Keys(Some(Keyring::parse(&fs::read(path)?)?)))
    }

    /// Judges the signature of a file. An error is a signature that a trusted key is said to have made and did not.
    pub fn judge(&self, signature: &[u8], file: &Path) -> Result<Signed, Error> {
        let verified = self.0.as_ref().map(|ring| ring.detached(signature, || File::open(file)));
        match verified {
            Some(Ok(by)) => Ok(Signed::Verified(by)),
            Some(Err(error @ (Error::Wrong { .. } | Error::Read(_)))) => Err(error),
            // Old releases are often signed with digests or keys that no longer count: the checksum vouches for them.
            Some(Err(Error::Void { why, by })) => Ok(Signed::Unclear(format!("{by}: {why}"))),
            _ => Ok(claimed(signature).map_or_else(|error| Signed::Unclear(error.to_string()), Signed::Claimed)),
        }
    }
}

/// Artifacts of one group that somebody else signs than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The first of them.
    pub address: SafePath,
    /// How many more there are.
    pub more: usize,
    /// Who signed artifacts of that group, or this one, in the last lock.
    pub before: BTreeSet<Fingerprint>,
    /// Who signs now; nobody is a change too.
    pub now: Option<Fingerprint>,
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.address)?;
        if self.more > 0 {
            write!(out, " and {} more of its group", self.more)?;
        }
        let before: Vec<&str> = self.before.iter().map(Fingerprint::as_str).collect();
        match &self.now {
            Some(now) => write!(out, ": signed by {now}, before by {}", before.join(" and ")),
            None => write!(out, ": not signed any more, before by {}", before.join(" and ")),
        }
    }
}

/// Who signs something that others signed in the last lock. What a trusted key signed is not asked about.
pub fn changes(before: &Lock, now: &[Artifact], accepted: &[Fingerprint]) -> Vec<Change> {
    let mut known: BTreeMap<String, BTreeSet<Fingerprint>> = BTreeMap::new();
    for artifact in before.artifacts.iter().filter(|artifact| artifact.source == Source::Maven) {
        known.entry(group(artifact)).or_default().extend(artifact.signer.clone());
    }
    let mut changes: BTreeMap<(String, Option<Fingerprint>), Change> = BTreeMap::new();
    for artifact in now.iter().filter(|artifact| artifact.vouched != Voucher::Signature) {
        let same = before.find(artifact.source, artifact.origin.as_ref(), &artifact.address);
        let own: BTreeSet<Fingerprint> = same.into_iter().filter_map(|same| same.signer.clone()).collect();
        let before = if own.is_empty() { known.get(&group(artifact)).cloned().unwrap_or_default() } else { own };
        let agrees = |one: &Fingerprint| before.iter().chain(accepted).any(|known| known.agrees(one));
        let changed = match &artifact.signer {
            Some(signer) => !before.is_empty() && !agrees(signer),
            None => same.is_some_and(|same| same.signer.is_some()),
        };
        if changed {
            let (address, now) = (artifact.address.clone(), artifact.signer.clone());
            let change = changes.entry((group(artifact), now.clone()));
            change.and_modify(|change| change.more += 1).or_insert(Change { address, more: 0, before, now });
        }
    }
    changes.into_values().collect()
}

/// The group's folder in the repository: what is above artifact, version and file.
fn group(artifact: &Artifact) -> String {
    let parts: Vec<&str> = artifact.address.as_str().rsplitn(4, '/').collect();
    let folder = parts.get(3).copied().unwrap_or_default();
    artifact.origin.as_ref().map_or(folder.to_owned(), |origin| format!("{origin} {folder}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::Chains;
    use crate::openpgp::Signer;
    use words::digest::{Sha1, Sha256};
    use words::names::Word;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn artifact(address: &str, signer: Option<&str>) -> Artifact {
        Artifact {
            source: Source::Maven,
            origin: None,
            signer: signer.map(|signer| Fingerprint::new(signer).unwrap()),
            address: SafePath::new(address).unwrap(),
            size: 3,
            sha256: Sha256::of(b"abc"),
            vouched: Voucher::RegistrySha1(Sha1::of(b"")),
            wanted_by: Word::new("e").unwrap().into(),
            because: Chains::default(),
        }
    }

    fn told(before: &[Artifact], now: &[Artifact], accepted: &[&str]) -> Vec<String> {
        let before = Lock::of(Sha256::of(b""), before.to_vec()).unwrap();
        let accepted: Vec<Fingerprint> = accepted.iter().map(|one| Fingerprint::new(one).unwrap()).collect();
        changes(&before, now, &accepted).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn another_signer_of_a_group_is_told_once_with_both_names() {
        let before = [artifact("g/a/1/a-1.jar", Some(ONE)), artifact("h/c/1/c-1.jar", Some(TWO))];
        let now = [artifact("g/a/2/a-2.jar", Some(TWO)), artifact("g/b/2/b-2.jar", Some(TWO))];
        let change = format!("g/a/2/a-2.jar and 1 more of its group: signed by {TWO}, before by {ONE}");
        assert_eq!(told(&before, &now, &[]), [change]);
        assert!(told(&before, &now, &[TWO]).is_empty(), "a person accepted it");
        assert!(told(&before, &[artifact("g/a/2/a-2.jar", Some(&ONE[24..]))], &[]).is_empty(), "a key id agrees");
    }

    #[test]
    fn the_first_signer_of_a_group_is_believed_and_a_lost_one_is_told() {
        let before = [artifact("g/a/1/a-1.jar", None), artifact("h/c/1/c-1.jar", Some(ONE))];
        assert!(
            told(&before, &[artifact("g/a/2/a-2.jar", Some(TWO)), artifact("h/d/1/d-1.jar", None)], &[]).is_empty()
        );
        let lost = told(&before, &[artifact("h/c/1/c-1.jar", None)], &[]);
        assert_eq!(lost, [format!("h/c/1/c-1.jar: not signed any more, before by {ONE}")]);
    }

    #[test]
    fn a_trusted_key_verifies_and_a_false_signature_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let signer = Signer::load_or_make(&path("key")).unwrap();
        fs::write(path("keys.asc"), signer.public_armored().unwrap()).unwrap();
        fs::write(path("a.jar"), "bytes").unwrap();
        fs::write(path("b.jar"), "other").unwrap();
        let signature = signer.detached(b"bytes").unwrap();
        let (keys, none) = (Keys::read(&path("keys.asc")).unwrap(), Keys::default());
        let judge = |keys: &Keys, file: &str| keys.judge(signature.as_bytes(), &path(file));
        assert_eq!(judge(&keys, "a.jar").unwrap(), Signed::Verified(signer.fingerprint()));
        assert!(matches!(judge(&keys, "b.jar"), Err(Error::Wrong { .. })));
        assert_eq!(judge(&none, "b.jar").unwrap(), Signed::Claimed(signer.fingerprint()));
        assert!(matches!(none.judge(b"junk", &path("a.jar")), Ok(Signed::Unclear(_))));
        assert!(Keys::read(&path("a.jar")).is_err());
    }
}
