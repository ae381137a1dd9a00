//! A Maven repository as the resolver sees it: what is at a path, what vouches for it, which versions exist.
//! Bytes read here go into the store at once, so that nothing is asked for twice; what the last lock agreed to stays.
//! Not here: which artifacts are wanted.

use crate::mirror::fetch::expected;
use crate::mirror::lock::{Artifact, Lock, Source, Voucher};
use crate::mirror::resolve::{Trust, unseen};
use crate::mirror::store::{self, Store};
use crate::systems::download::Expected;
use crate::systems::http::{self, Http};
use crate::words::event::{Event, Tell};
use crate::words::location::Location;
use crate::words::names::SafePath;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Mutex;

/// The largest side file or metadata that is read.
const SMALL: u64 = 8 << 20;

/// Why something of the repository is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository does not give it.
    #[error("the Maven repository does not give {path}")]
    Http { path: SafePath, source: http::Error },
    /// Nothing vouches for it.
    #[error("the Maven repository has {path} but publishes no SHA-1 for it")]
    Unvouched { path: SafePath, source: http::Error },
    /// What vouches for it is no checksum.
    #[error("the Maven repository's SHA-1 file of {path} holds no SHA-1")]
    NoChecksum { path: SafePath },
    /// The bytes are not those that were published.
    #[error("{path} has SHA-1 {found}; the repository publishes {published}")]
    Differs { path: SafePath, published: String, found: String },
    /// It cannot be taken in.
    #[error("cannot take in {path}")]
    Unseen { path: SafePath, source: unseen::Error },
    /// What was agreed before cannot be brought.
    #[error("cannot bring {path}")]
    Store { path: SafePath, source: store::Error },
    /// The store's file cannot be read.
    #[error("cannot read {path}")]
    File { path: SafePath, source: io::Error },
}

impl Error {
    /// Whether the repository simply has no such file.
    pub fn is_missing(&self) -> bool {
        match self {
            Error::Http { source, .. } => matches!(source, http::Error::Missing { .. }),
            Error::Unseen { source, .. } => source.is_missing(),
            _ => false,
        }
    }
}

/// What a path of the repository holds.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Size and digest.
    pub expected: Expected,
    /// The SHA-1 that was published for it.
    pub vouched: Voucher,
}

/// The repository, the store behind it, and what was agreed before.
pub struct Registry<'a> {
    /// The client.
    pub http: &'a Http,
    /// The repository's base.
    pub base: &'a Location,
    /// Where bytes are kept.
    pub store: &'a Store,
    /// What was agreed before ...
    pub before: &'a Lock,
    /// ... and how far that is believed.
    pub trust: Trust,
    /// Who listens.
    pub tell: Tell<'a>,
    /// What was read in this run.
    pub seen: Mutex<BTreeMap<SafePath, Identity>>,
}

impl Registry<'_> {
    /// What is at a path; its bytes are in the store afterwards.
    pub fn bring(&self, path: &SafePath) -> Result<Identity, Error> {
        if let Some(known) = self.seen().get(path) {
            return Ok(known.clone());
        }
        let agreed = self.before.find(Source::Maven, None, path);
        let identity = match agreed.map(|artifact| self.still(artifact)).transpose()?.flatten() {
            Some(identity) => identity,
            None => self.first(path)?,
        };
        (self.tell)(Event::Step(path.file_name().to_owned()));
        self.seen().insert(path.clone(), identity.clone());
        Ok(identity)
    }

    /// The bytes at a path, for documents.
    pub fn read(&self, path: &SafePath) -> Result<Vec<u8>, Error> {
        let identity = self.bring(path)?;
        let file = self.store.path(identity.expected.sha256);
        fs::read(file).map_err(|source| Error::File { path: path.clone(), source })
    }

    /// The versions of an artifact, as the repository's metadata lists them.
    pub fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, Error> {
        let text = format!("{}/{artifact}/maven-metadata.xml", group.replace('.', "/"));
        let Ok(path) = SafePath::new(text) else { return Ok(Vec::new()) };
        let http = |source| Error::Http { path: path.clone(), source };
        let bytes = self.http.get_small(&self.base.join(&path), "*/*", SMALL, self.tell).map_err(http)?;
        let text = String::from_utf8_lossy(&bytes);
        let Ok(document) = roxmltree::Document::parse(&text) else { return Ok(Vec::new()) };
        let versions = document.descendants().filter(|node| node.has_tag_name("version"));
        let listed = versions.filter(|node| node.parent().is_some_and(|parent| parent.has_tag_name("versions")));
        Ok(listed.filter_map(|node| node.text().map(|text| text.trim().to_owned())).collect())
    }

    /// The SHA-1 that the repository publishes for a path.
    pub fn published_sha1(&self, path: &SafePath) -> Result<String, Error> {
        let side = SafePath::new(format!("{path}.sha1")).map_err(|_| Error::NoChecksum { path: path.clone() })?;
        let bytes = self.http.get_small(&self.base.join(&side), "*/*", SMALL, self.tell);
        let bytes = bytes.map_err(|source| match source {
            http::Error::Missing { .. } => Error::Unvouched { path: path.clone(), source },
            source => Error::Http { path: path.clone(), source },
        })?;
        let text = String::from_utf8_lossy(&bytes).trim().to_ascii_lowercase();
        let digits = |word: &&str| word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let word = text.split_whitespace().find(digits).map(str::to_owned);
        word.ok_or_else(|| Error::NoChecksum { path: path.clone() })
    }

    /// What was agreed before, unless the repository vouches for something else now.
    fn still(&self, artifact: &Artifact) -> Result<Option<Identity>, Error> {
        let path = &artifact.address;
        if self.trust == Trust::AskAgain && artifact.vouched != Voucher::RegistrySha1(self.published_sha1(path)?) {
            return Ok(None);
        }
        let expected = expected(artifact);
        let kept = |source| Error::Store { path: path.clone(), source };
        self.store.bring(self.http, &[self.base.join(path)], expected, self.tell).map_err(kept)?;
        Ok(Some(Identity { expected, vouched: artifact.vouched.clone() }))
    }

    /// Takes in what was never seen before: its bytes must be those that the repository vouches for.
    fn first(&self, path: &SafePath) -> Result<Identity, Error> {
        let taken = unseen::take(self.http, &self.base.join(path), self.store, self.tell);
        let taken = taken.map_err(|source| Error::Unseen { path: path.clone(), source })?;
        let published = self.published_sha1(path)?;
        if taken.sha1 != published {
            return Err(Error::Differs { path: path.clone(), published, found: taken.sha1 });
        }
        let expected = taken.keep(self.store).map_err(|source| Error::Unseen { path: path.clone(), source })?;
        Ok(Identity { expected, vouched: Voucher::RegistrySha1(published) })
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<SafePath, Identity>> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
