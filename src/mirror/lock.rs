//! The lock: exactly what we agreed to mirror. One sorted text file, committed, the border between online and offline.
//! Goals: complete, readable, small differences, the same bytes for the same content, no address of a registry.
//! Not here: how it is resolved (`resolve`) or fetched (`fetch`).

use super::manifest::Manifest;
use super::openpgp::Fingerprint;
use super::sources::Key;
use super::trust::{Policy, Waiver};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use words::digest::{Hasher, NotASha1, Sha1, Sha256};
use words::names::{SafePath, Word};

mod chains;
mod entries;
mod text;

use chains::Beginnings;
pub use chains::{Chain, Chains};
pub use entries::Entries;
pub use text::Reader;

/// Everything that was agreed, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// The digest of the manifests' request it answers.
    pub request: Option<Sha256>,
    /// Exceptions that were made when it was locked, with their reasons, sorted.
    pub waivers: Vec<Waiver>,
    /// The artifacts, sorted by source and address, each once.
    pub artifacts: Vec<Artifact>,
}

/// One artifact: digest and size are its identity, the address is a hint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// The kind of place it comes from.
    pub source: Source,
    /// The place's id, where it is not the registry itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Word>,
    /// Its address relative to that source.
    pub address: SafePath,
    /// Its length in bytes.
    pub size: u64,
    /// Its identity.
    pub sha256: Sha256,
    /// What vouches for it besides this lock.
    pub vouched: Voucher,
    /// Whose OpenPGP signature lies beside it: checked where the key is known, pinned otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Fingerprint>,
    /// The entries of the manifest that want it.
    pub wanted_by: Entries,
    /// Why it is there: a chain from the entry's root, one for each entry.
    pub because: Chains,
}

/// The kinds of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Plain files; the address is the entry's id and the file's name, the manifest holds the URLs.
    File,
    /// A Maven repository; the address is the path in its layout.
    Maven,
    /// A Python index; the address is `project/file name`, the project's page says where the file is.
    Pypi,
    /// A Debian archive; the address is the path below its base.
    Apt,
    /// An RPM repository; the address is the path below its base.
    Rpm,
}

impl Source {
    /// The kinds that have a registry.
    pub fn registries() -> [Source; 4] {
        [Source::Maven, Source::Pypi, Source::Apt, Source::Rpm]
    }

    fn name(self) -> &'static str {
        match self {
            Source::File => "file",
            Source::Maven => "maven",
            Source::Pypi => "pypi",
            Source::Apt => "apt",
            Source::Rpm => "rpm",
        }
    }

    fn parse(name: &str) -> Option<Source> {
        std::iter::once(Source::File).chain(Source::registries()).find(|source| source.name() == name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Artifact {
    /// What two artifacts of a lock never share.
    fn place(&self) -> (Source, Option<&Word>, &SafePath) {
        (self.source, self.origin.as_ref(), &self.address)
    }

    /// It is wanted once more: reasons are joined, and the stronger voucher counts.
    fn join(&mut self, other: &Artifact) -> Result<(), Error> {
        if (self.size, self.sha256) != (other.size, other.sha256) {
            return Err(Error::Differs(self.address.clone()));
        }
        if other.vouched.strength() > self.vouched.strength() {
            (self.vouched, self.signer) = (other.vouched.clone(), other.signer.clone());
        }
        self.wanted_by.join(&other.wanted_by);
        self.because.join(&other.because);
        Ok(())
    }

    /// Whether it is the signature of another artifact, which lies beside it.
    pub fn is_signature(&self) -> bool {
        self.source == Source::Maven && self.address.as_str().ends_with(".asc")
    }

    /// The place it comes from.
    pub fn key(&self) -> Key {
        Key { kind: self.source, id: self.origin.clone() }
    }
}

/// What vouches for an artifact besides the lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Voucher {
    /// The SHA-1 that a Maven repository publishes beside it.
    RegistrySha1(Sha1),
    /// The SHA-256 that an index publishes.
    IndexSha256,
    /// An index that a trusted key signed, with the artifact's SHA-256 in it.
    SignedIndex,
    /// The digest in the manifest.
    Manifest,
    /// A checksum file that its publisher gives, named in the manifest.
    ChecksumFile,
    /// Its own signature by a trusted key.
    Signature,
    /// Nobody: the bytes that came first.
    FirstUse,
}

/// Vouchers that are written as one word or two.
const PLAIN: [(&str, Voucher); 6] = [
    ("index sha256", Voucher::IndexSha256),
    ("signed index", Voucher::SignedIndex),
    ("manifest", Voucher::Manifest),
    ("checksum file", Voucher::ChecksumFile),
    ("signature", Voucher::Signature),
    ("first use", Voucher::FirstUse),
];

impl Voucher {
    /// The strictest policy that it satisfies. A digest in the manifest satisfies all: a person wrote it there.
    pub fn strength(&self) -> Policy {
        match self {
            Voucher::FirstUse => Policy::FirstUse,
            Voucher::RegistrySha1(_) | Voucher::IndexSha256 | Voucher::ChecksumFile => Policy::Checksum,
            Voucher::SignedIndex | Voucher::Manifest | Voucher::Signature => Policy::Signature,
        }
    }
}

impl TryFrom<String> for Voucher {
    type Error = String;

    fn try_from(text: String) -> Result<Voucher, String> {
        if let Some((_, voucher)) = PLAIN.iter().find(|(plain, _)| *plain == text) {
            return Ok(voucher.clone());
        }
        match text.strip_prefix("registry sha1 ") {
            Some(sha1) => sha1.parse().map(Voucher::RegistrySha1).map_err(|error: NotASha1| error.to_string()),
            None => Err(format!("`{text}` is not known to vouch for anything")),
        }
    }
}

impl From<Voucher> for String {
    fn from(voucher: Voucher) -> String {
        match &voucher {
            Voucher::RegistrySha1(sha1) => format!("registry sha1 {sha1}"),
            plain => PLAIN.iter().find(|(_, one)| one == plain).map_or(String::new(), |(text, _)| (*text).to_owned()),
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
    /// Two entries were given different bytes for one place.
    #[error(
        "two entries got different bytes for {0}: it changed while it was locked, or its registry is in disorder; lock again"
    )]
    Differs(SafePath),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    request: Sha256,
    #[serde(default)]
    waiver: Vec<Waiver>,
    #[serde(default)]
    artifact: Vec<Artifact>,
}

impl Lock {
    /// Reads a lock.
    pub fn parse(text: &str) -> Result<Lock, Error> {
        text::read(text).map_or_else(|| Lock::parse_any(text), Ok)?.ordered()
    }

    fn parse_any(text: &str) -> Result<Lock, Error> {
        let document: Document = toml::from_str(text).map_err(|error| Error::Read(Box::new(error)))?;
        if document.format != 1 {
            return Err(Error::Format(document.format));
        }
        Ok(Lock { request: Some(document.request), waivers: document.waiver, artifacts: document.artifact })
    }

    /// In the order that everything else relies on.
    fn ordered(mut self) -> Result<Lock, Error> {
        // Sorting takes room for half of them; what this program wrote is sorted.
        if !self.artifacts.is_sorted() {
            self.artifacts.sort();
        }
        let same = |pair: &&[Artifact]| pair[0].place() == pair[1].place();
        match self.artifacts.windows(2).find(same) {
            Some(pair) => Err(Error::Twice(pair[0].address.clone())),
            None => Ok(self),
        }
    }

    /// Writes the file's text, artifact by artifact.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let request = self.request.unwrap_or(Sha256::of(b""));
        writeln!(out, "{}request = \"{request}\"", text::OPENING)?;
        for waiver in &self.waivers {
            write!(out, "\n[[waiver]]\n{}", toml::to_string(waiver).unwrap_or_default())?;
        }
        let mut text = String::new();
        for artifact in &self.artifacts {
            text.clear();
            text.push_str("\n[[artifact]]\n");
            text::write(&mut text, artifact);
            out.write_all(text.as_bytes())?;
        }
        Ok(())
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing into memory does not fail.
        let _ = self.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The digest of the file's text.
    pub fn digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        // Nor does hashing.
        let _ = self.write(&mut hasher);
        hasher.finish()
    }

    /// Whether it answers what the manifests ask now.
    pub fn answers(&self, manifest: &Manifest) -> Result<(), Error> {
        if self.request == Some(Sha256::of(manifest.request().as_bytes())) { Ok(()) } else { Err(Error::Stale) }
    }

    /// The artifacts that an entry wants, in the lock's order.
    pub fn wanted_by<'a>(&'a self, entry: &'a Word) -> impl Iterator<Item = &'a Artifact> {
        self.artifacts.iter().filter(|artifact| artifact.wanted_by.contains(entry))
    }

    /// The artifact at an address of a place.
    pub fn find(&self, source: Source, origin: Option<&Word>, address: &SafePath) -> Option<&Artifact> {
        let place = (source, origin, address);
        let at = self.artifacts.binary_search_by(|artifact| artifact.place().cmp(&place));
        at.ok().map(|at| &self.artifacts[at])
    }

    /// A lock of these artifacts; what is wanted more than once is there once, for all its reasons.
    pub fn of(request: Sha256, artifacts: impl IntoIterator<Item = Artifact>) -> Result<Lock, Error> {
        let mut artifacts: Vec<Artifact> = artifacts.into_iter().collect();
        artifacts.sort_by(|one, other| one.place().cmp(&other.place()));
        let mut joined = Ok(());
        artifacts.dedup_by(|next, first| {
            let same = next.place() == first.place();
            if same && joined.is_ok() {
                joined = first.join(next);
            }
            same
        });
        joined?;
        let mut beginnings = Beginnings::default();
        artifacts.iter_mut().for_each(|artifact| artifact.because.share(&mut beginnings));
        Ok(Lock { request: Some(request), artifacts, ..Lock::default() })
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
        match old.find(artifact.source, artifact.origin.as_ref(), &artifact.address) {
            None => lines.push(format!("+ {} ({} bytes)", artifact.address, artifact.size)),
            Some(there) if there.sha256 != artifact.sha256 => {
                lines.push(format!("! {} was {}, is {}", artifact.address, there.sha256, artifact.sha256));
            }
            Some(there) if there != artifact => lines.push(format!("~ {} for other reasons", artifact.address)),
            Some(_) => {}
        }
    }
    let gone = old
        .artifacts
        .iter()
        .filter(|artifact| new.find(artifact.source, artifact.origin.as_ref(), &artifact.address).is_none());
    lines.extend(gone.map(|artifact| format!("- {}", artifact.address)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Lock {
        /// One more artifact, for the tests of others.
        pub fn add(&mut self, artifact: Artifact) {
            let request = self.request.unwrap_or(Sha256::of(b""));
            *self = Lock::of(request, self.artifacts.drain(..).chain([artifact])).unwrap();
        }
    }

    fn artifact(address: &str, entry: &str) -> Artifact {
        Artifact {
            source: Source::Maven,
            origin: None,
            signer: None,
            address: SafePath::new(address).unwrap(),
            size: 3,
            sha256: Sha256::of(b"abc"),
            vouched: Voucher::RegistrySha1(Sha1::of(b"abc")),
            wanted_by: Word::new(entry).unwrap().into(),
            because: [format!("{entry} > root")].into_iter().collect(),
        }
    }

    fn lock(order: &[&str]) -> Lock {
        Lock::of(Sha256::of(b"request"), order.iter().map(|address| artifact(address, "connectors"))).unwrap()
    }

    #[test]
    fn a_lock_reads_back_as_it_was_in_any_order() {
        let text = lock(&["b/x.jar", "a/y.jar"]).render();
        assert_eq!(text, lock(&["a/y.jar", "b/x.jar"]).render());
        assert_eq!(Lock::parse(&text).unwrap(), lock(&["a/y.jar", "b/x.jar"]));
    }

    #[test]
    fn reasons_are_joined() {
        let lock = Lock::of(Sha256::of(b""), ["connectors", "flink"].map(|entry| artifact("a/y.jar", entry))).unwrap();
        assert_eq!(lock.artifacts.len(), 1);
        assert_eq!(*lock.artifacts[0].because, ["connectors > root", "flink > root"]);
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
