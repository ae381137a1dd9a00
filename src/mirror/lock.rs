//! The lock: exactly what we agreed to mirror. One sorted text file, committed, the border between online and offline.
//! Goals: complete, readable, small differences, the same bytes for the same content, no address of a registry.
//! Not here: how it is resolved (`resolve`) or fetched (`fetch`).

use super::manifest::Manifest;
use crate::words::digest::Sha256;
use crate::words::names::{SafePath, Word};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that was agreed, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// The digest of the manifests' request it answers.
    pub request: Option<Sha256>,
    /// The artifacts, sorted by source and address, each once.
    pub artifacts: Vec<Artifact>,
}

/// One artifact: digest and size are its identity, the address is a hint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The kind of place it comes from.
    pub source: Source,
    /// Its address relative to that source.
    pub address: SafePath,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
    /// What vouches for it besides this lock.
    pub vouched: Voucher,
    /// The entries of the manifest that want it.
    pub wanted_by: BTreeSet<Word>,
    /// Why it is there: a chain from the entry's root, one for each entry.
    pub because: Vec<String>,
}

/// The kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Plain files; the address is the entry's id and the file's name, the manifest holds the URLs.
    File,
    /// A Maven repository; the address is the path in its layout.
    Maven,
    /// A Python index; the address is `project/file name`, the project's page says where the file is.
    Pypi,
}

/// What vouches for an artifact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Voucher {
    /// The SHA-1 that a Maven repository publishes beside it.
    RegistrySha1(String),
    /// The SHA-256 that a Python index publishes.
    IndexSha256,
    /// The digest in the manifest.
    Manifest,
}

impl TryFrom<String> for Voucher {
    type Error = String;

    fn try_from(text: String) -> Result<Voucher, String> {
        match text.as_str() {
            "index sha256" => Ok(Voucher::IndexSha256),
            "manifest" => Ok(Voucher::Manifest),
            _ => match text.strip_prefix("registry sha1 ") {
                Some(sha1) => Ok(Voucher::RegistrySha1(sha1.to_owned())),
                None => Err(format!("`{text}` is not known to vouch for anything")),
            },
        }
    }
}

impl From<Voucher> for String {
    fn from(voucher: Voucher) -> String {
        match voucher {
            Voucher::RegistrySha1(sha1) => format!("registry sha1 {sha1}"),
            Voucher::IndexSha256 => "index sha256".into(),
            Voucher::Manifest => "manifest".into(),
        }
    }
}

/// Why a lock is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its text is not that of a lock.
    #[error("the lock cannot be read; restore it, or make it anew with `pnda mirror lock`")]
    Read(#[source] Box<toml::de::Error>),
    /// A newer program wrote it.
    #[error("the lock has format {0}; this program reads format 1: use the newer program")]
    Format(u32),
    /// It answers another request than the manifests make.
    #[error("the lock does not match the manifests: they were changed since; run `pnda mirror lock`")]
    Stale,
    /// The same place is named twice.
    #[error("the lock names {0} twice; make it anew with `pnda mirror lock`")]
    Twice(SafePath),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    request: Sha256,
    #[serde(default)]
    artifact: Vec<Artifact>,
}

impl Lock {
    /// Reads a lock.
    pub fn parse(text: &str) -> Result<Lock, Error> {
        let document: Document = toml::from_str(text).map_err(|error| Error::Read(Box::new(error)))?;
        if document.format != 1 {
            return Err(Error::Format(document.format));
        }
        let mut artifacts = document.artifact;
        artifacts.sort();
        let same = |pair: &&[Artifact]| (pair[0].source, &pair[0].address) == (pair[1].source, &pair[1].address);
        if let Some(pair) = artifacts.windows(2).find(same) {
            return Err(Error::Twice(pair[0].address.clone()));
        }
        Ok(Lock { request: Some(document.request), artifacts })
    }

    /// The file's text.
    pub fn render(&self) -> String {
        use std::fmt::Write as _;
        let request = self.request.unwrap_or(Sha256::of(b""));
        let mut text = String::from("# Written by `pnda mirror lock`; change the manifests instead.\nformat = 1\n");
        let _ = writeln!(text, "request = \"{request}\"");
        for artifact in &self.artifacts {
            let _ = write!(text, "\n[[artifact]]\n{}", toml::to_string(artifact).unwrap_or_default());
        }
        text
    }

    /// Whether it answers what the manifests ask now.
    pub fn answers(&self, manifest: &Manifest) -> Result<(), Error> {
        if self.request == Some(Sha256::of(manifest.request().as_bytes())) { Ok(()) } else { Err(Error::Stale) }
    }

    /// The artifacts that an entry wants, in the lock's order.
    pub fn wanted_by<'a>(&'a self, entry: &'a Word) -> impl Iterator<Item = &'a Artifact> {
        self.artifacts.iter().filter(|artifact| artifact.wanted_by.contains(entry))
    }

    /// The artifact at an address.
    pub fn find(&self, source: Source, address: &SafePath) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.source == source && &artifact.address == address)
    }

    /// What to do about an artifact being wanted once more: reasons are joined.
    pub fn add(&mut self, artifact: Artifact) {
        let same = |there: &&mut Artifact| there.source == artifact.source && there.address == artifact.address;
        match self.artifacts.iter_mut().find(same) {
            Some(there) => {
                there.wanted_by.extend(artifact.wanted_by);
                there.because.extend(artifact.because);
                there.because.sort();
                there.because.dedup();
            }
            None => self.artifacts.push(artifact),
        }
        self.artifacts.sort();
    }

    /// The bytes of all artifacts, each counted once.
    pub fn size(&self) -> u64 {
        let distinct: BTreeSet<(Sha256, u64)> = self.artifacts.iter().map(|a| (a.sha256, a.size)).collect();
        distinct.iter().map(|(_, size)| size).sum()
    }
}

/// How two locks differ, one line a change, for people.
pub fn difference(old: &Lock, new: &Lock) -> Vec<String> {
    let mut lines = Vec::new();
    for artifact in &new.artifacts {
        match old.find(artifact.source, &artifact.address) {
            None => lines.push(format!("+ {} ({} bytes)", artifact.address, artifact.size)),
            Some(there) if there.sha256 != artifact.sha256 => {
                lines.push(format!("! {} was {}, is {}", artifact.address, there.sha256, artifact.sha256));
            }
            Some(there) if there != artifact => lines.push(format!("~ {} for other reasons", artifact.address)),
            Some(_) => {}
        }
    }
    let gone = old.artifacts.iter().filter(|artifact| new.find(artifact.source, &artifact.address).is_none());
    lines.extend(gone.map(|artifact| format!("- {}", artifact.address)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(address: &str, entry: &str) -> Artifact {
        Artifact {
            source: Source::Maven,
            address: SafePath::new(address).unwrap(),
            size: 3,
            sha256: Sha256::of(b"abc"),
            vouched: Voucher::RegistrySha1("a9993e364706816aba3e25717850c26c9cd0d89d".into()),
            wanted_by: BTreeSet::from([Word::new(entry).unwrap()]),
            because: vec![format!("{entry} > root")],
        }
    }

    fn lock(order: &[&str]) -> Lock {
        let mut lock = Lock { request: Some(Sha256::of(b"request")), artifacts: Vec::new() };
        order.iter().for_each(|address| lock.add(artifact(address, "connectors")));
        lock
    }

    #[test]
    fn a_lock_reads_back_as_it_was_in_any_order() {
        let text = lock(&["b/x.jar", "a/y.jar"]).render();
        assert_eq!(text, lock(&["a/y.jar", "b/x.jar"]).render());
        assert_eq!(Lock::parse(&text).unwrap(), lock(&["a/y.jar", "b/x.jar"]));
    }

    #[test]
    fn reasons_are_joined() {
        let mut lock = lock(&["a/y.jar"]);
        lock.add(artifact("a/y.jar", "flink"));
        assert_eq!(lock.artifacts.len(), 1);
        assert_eq!(lock.artifacts[0].because, ["connectors > root", "flink > root"]);
    }

    #[test]
    fn bad_locks_are_told_apart() {
        let text = lock(&["a/y.jar"]).render();
        assert!(matches!(Lock::parse(&text.replace("format = 1", "format = 9")), Err(Error::Format(9))));
        assert!(matches!(Lock::parse(&text.replace("a/y.jar", "../y.jar")), Err(Error::Read(_))));
        let twice = format!("{text}{}", &text[text.find("\n[[artifact]]").unwrap()..]);
        assert!(matches!(Lock::parse(&twice), Err(Error::Twice(_))));
        assert!(matches!(lock(&[]).answers(&Manifest::default()), Err(Error::Stale)));
    }

    #[test]
    fn a_difference_reads_as_lines() {
        let mut changed = lock(&["a/y.jar"]);
        changed.artifacts[0].sha256 = Sha256::of(b"other");
        let lines = difference(&lock(&["a/y.jar", "b/x.jar"]), &changed);
        assert!(lines[0].starts_with("! a/y.jar was") && lines[1] == "- b/x.jar", "{lines:?}");
    }
}
