//! Maven repositories as the resolver sees them: what is at a path, what vouches for it, which versions exist.
//! The registry is asked first, then every other repository that the site has turned on, for what is missing there.
//! Not here: which artifacts are wanted, and what a signature means (`signature`).

use crate::fetch::expected;
use crate::lock::{Artifact, Lock, Source, Voucher};
use crate::openpgp::{self, Fingerprint};
use crate::resolve::signature::{Keys, Signed};
use crate::resolve::{Trust, World, unseen};
use crate::sources;
use crate::store::{self, Store};
use crate::trust::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use systems::download::Expected;
use systems::http::{self, Http};
use words::digest::Sha1;
use words::event::{Event, Tell};
use words::location::Location;
use words::names::{SafePath, Word};

/// The largest side file or metadata that is read.
const SMALL: u64 = 8 << 20;
/// Elements of one metadata file; the longest real ones list some thousand versions.
const MAX_NODES: u32 = 400_000;

/// Why something of a repository is not to be had.
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
    Differs { path: SafePath, published: Sha1, found: Sha1 },
    /// The list of versions is not one.
    #[error("the Maven repository's {path} is no list of versions")]
    Metadata { path: SafePath, source: roxmltree::Error },
    /// A trusted key did not sign these bytes.
    #[error("the OpenPGP signature of {path} is false: do not use it, and ask who publishes it")]
    Signature { path: SafePath, source: openpgp::Error },
    /// The site's file of keys is of no use.
    #[error("the keys of the source {key} in {} are of no use", path.display())]
    Keys { key: sources::Key, path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
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

/// What a path holds, and where.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Size and digest.
    pub expected: Expected,
    /// What vouches for it.
    pub vouched: Voucher,
    /// The repository that has it; none is the registry.
    pub origin: Option<Word>,
    /// Who signed it: verified if that vouches for it, else who says so.
    pub signer: Option<Fingerprint>,
    /// Its signature, where a trusted key made it.
    pub signature: Option<Expected>,
}

/// One repository.
struct Place<'a> {
    origin: Option<Word>,
    base: &'a Location,
    keys: Keys,
    policy: Policy,
}

/// The repositories, the store behind them, and what was agreed before.
pub struct Registry<'a> {
    http: &'a Http,
    places: Vec<Place<'a>>,
    store: &'a Store,
    /// What was agreed before ...
    pub before: &'a Lock,
    /// ... and how far that is believed.
    trust: Trust,
    /// Who listens.
    pub tell: Tell<'a>,
    seen: Mutex<BTreeMap<SafePath, Seen>>,
    listed: Mutex<BTreeMap<SafePath, Vec<String>>>,
}

/// What was read in this run, and whether its signature was looked for.
#[derive(Clone)]
struct Seen {
    identity: Identity,
    settled: bool,
}

impl<'a> Registry<'a> {
    /// The repositories that the site's sources name.
    pub fn open(world: &World<'a>, before: &'a Lock, trust: Trust) -> Result<Registry<'a>, Error> {
        let place = |(key, found): (&sources::Key, &'a sources::Found)| {
            let keys = found.keys.as_deref().map(Keys::read).transpose().map_err(|source| {
                let path = found.keys.clone().unwrap_or_default();
                Error::Keys { key: key.clone(), path, source }
            })?;
            let policy = found.policy.unwrap_or(Policy::Checksum);
            let keys = keys.unwrap_or_default();
            Ok(Place { origin: key.id.clone(), base: &found.location, keys, policy })
        };
        let places = world.sources.all(Source::Maven).map(place).collect::<Result<_, Error>>()?;
        let (http, store, tell) = (world.http, world.store, world.tell);
        Ok(Registry { http, places, store, before, trust, tell, seen: Mutex::default(), listed: Mutex::default() })
    }

    /// Whether a repository beside the registry is turned on.
    pub fn has(&self, id: &str) -> bool {
        self.places.iter().any(|place| place.origin.as_ref().is_some_and(|origin| origin.as_str() == id))
    }

    /// What is at a path and who signed it; its bytes are in the store afterwards.
    pub fn bring(&self, path: &SafePath) -> Result<Identity, Error> {
        let Seen { identity, settled } = self.see(path)?;
        let place = self.places.iter().find(|place| place.origin == identity.origin);
        let identity = match place.filter(|_| !settled) {
            Some(place) => {
                let identity = self.signed(place, path, identity)?;
                self.seen().insert(path.clone(), Seen { identity: identity.clone(), settled: true });
                identity
            }
            None => identity,
        };
        (self.tell)(Event::Step(path.file_name().to_owned()));
        Ok(identity)
    }

    /// The bytes at a path, for documents. Who signed them is asked when they are brought: choosing does not wait for it.
    pub fn read(&self, path: &SafePath) -> Result<Vec<u8>, Error> {
        let Seen { identity, .. } = self.see(path)?;
        let file = self.store.path(identity.expected.sha256);
        fs::read(file).map_err(|source| Error::File { path: path.clone(), source })
    }

    fn see(&self, path: &SafePath) -> Result<Seen, Error> {
        if let Some(known) = self.seen().get(path) {
            return Ok(known.clone());
        }
        let seen = match self.agreed(path)? {
            // Nobody was asked: the last lock remembers it for us.
            Some(seen) if seen.settled && self.trust == Trust::LastLock => return Ok(seen),
            Some(seen) => seen,
            None => self.anywhere(path, |place| self.first(place, path))?,
        };
        self.seen().insert(path.clone(), seen.clone());
        Ok(seen)
    }

    /// The versions of an artifact, as the metadata of all repositories lists them.
    pub fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, Error> {
        let text = format!("{}/{artifact}/maven-metadata.xml", group.replace('.', "/"));
        let Ok(path) = SafePath::new(text) else { return Ok(Vec::new()) };
        let known = || self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(versions) = known().get(&path) {
            return Ok(versions.clone());
        }
        let (mut versions, mut missing) = (BTreeSet::new(), None);
        for place in &self.places {
            match self.small(place, &path) {
                Ok(bytes) => versions.extend(listed(&path, &bytes)?),
                Err(error) if error.is_missing() => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match missing {
            Some(error) if versions.is_empty() => Err(error),
            _ => {
                let versions: Vec<String> = versions.into_iter().collect();
                known().insert(path, versions.clone());
                Ok(versions)
            }
        }
    }

    /// The first repository that has something answers.
    fn anywhere<T>(&self, path: &SafePath, ask: impl Fn(&Place<'a>) -> Result<T, Error>) -> Result<T, Error> {
        let mut missing = None;
        for place in &self.places {
            match ask(place) {
                Err(error) if error.is_missing() => missing = missing.or(Some(error)),
                answer => return answer,
            }
        }
        let path = path.clone();
        Err(missing.unwrap_or(Error::File { path, source: io::Error::other("no Maven repository is known") }))
    }

    fn small(&self, place: &Place<'_>, path: &SafePath) -> Result<Vec<u8>, Error> {
        let bytes = self.http.get_small(&place.base.join(path), "*/*", SMALL, self.tell);
        bytes.map_err(|source| Error::Http { path: path.clone(), source })
    }

    /// The SHA-1 that a repository publishes for a path.
    fn published_sha1(&self, place: &Place<'_>, path: &SafePath) -> Result<Sha1, Error> {
        let side = SafePath::new(format!("{path}.sha1")).map_err(|_| Error::NoChecksum { path: path.clone() })?;
        let bytes = self.small(place, &side).map_err(|error| match error {
            Error::Http { source: source @ http::Error::Missing { .. }, .. } => {
                Error::Unvouched { path: path.clone(), source }
            }
            error => error,
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let found = text.split_whitespace().find_map(|word| word.parse().ok());
        found.ok_or_else(|| Error::NoChecksum { path: path.clone() })
    }

    /// What was agreed before, unless something else is published now.
    fn agreed(&self, path: &SafePath) -> Result<Option<Seen>, Error> {
        for place in &self.places {
            if let Some(artifact) = self.before.find(Source::Maven, place.origin.as_ref(), path) {
                return self.still(place, artifact);
            }
        }
        Ok(None)
    }

    fn still(&self, place: &Place<'_>, artifact: &Artifact) -> Result<Option<Seen>, Error> {
        let path = &artifact.address;
        let again = self.trust == Trust::AskAgain;
        let expected = expected(artifact);
        let mut vouched = artifact.vouched.clone();
        if again {
            if vouched == Voucher::Signature {
                self.keep(place, path, expected)?;
                // Until its signature was looked at again, its checksum vouches for it.
                let sha1 = self.store.sha1(artifact.sha256);
                vouched = Voucher::RegistrySha1(sha1.map_err(|source| Error::Store { path: path.clone(), source })?);
            }
            if vouched != Voucher::RegistrySha1(self.published_sha1(place, path)?) {
                return Ok(None);
            }
        }
        self.keep(place, path, expected)?;
        let side = SafePath::new(format!("{path}.asc")).ok();
        let signature = side.and_then(|side| self.before.find(Source::Maven, place.origin.as_ref(), &side));
        let signature = signature.map(crate::fetch::expected);
        let (origin, signer) = (place.origin.clone(), artifact.signer.clone());
        let identity = Identity { expected, vouched, origin, signer, signature };
        let wanted = place.policy == Policy::Signature && artifact.vouched != Voucher::Signature;
        let asks = wanted || again && identity.signer.is_some();
        if let (Some(signature), Ok(side)) =
            (identity.signature.filter(|_| !asks), SafePath::new(format!("{path}.asc")))
        {
            self.keep(place, &side, signature)?;
        }
        Ok(Some(Seen { identity, settled: !asks }))
    }

    fn keep(&self, place: &Place<'_>, path: &SafePath, expected: Expected) -> Result<(), Error> {
        let from = [place.base.join(path)];
        let brought = self.store.bring(self.http, &from, expected, self.tell);
        brought.map_err(|source| Error::Store { path: path.clone(), source })
    }

    /// Takes in what was never seen before: its bytes must be those that the repository vouches for.
    fn first(&self, place: &Place<'_>, path: &SafePath) -> Result<Seen, Error> {
        let from = place.base.join(path);
        let (taken, published) = std::thread::scope(|scope| {
            let published = scope.spawn(|| self.published_sha1(place, path));
            let taken = unseen::take(self.http, &from, self.store, self.tell);
            (taken, published.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked)))
        });
        let taken = taken.map_err(|source| Error::Unseen { path: path.clone(), source })?;
        let published = published?;
        if taken.sha1 != published {
            return Err(Error::Differs { path: path.clone(), published, found: taken.sha1 });
        }
        let expected = taken.keep(self.store).map_err(|source| Error::Unseen { path: path.clone(), source })?;
        let (vouched, origin) = (Voucher::RegistrySha1(published), place.origin.clone());
        let identity = Identity { expected, vouched, origin, signer: None, signature: None };
        Ok(Seen { identity, settled: false })
    }

    /// With what its signature says, where there is one.
    fn signed(&self, place: &Place<'_>, path: &SafePath, identity: Identity) -> Result<Identity, Error> {
        let unsigned = Identity { signer: None, signature: None, ..identity };
        let Ok(side) = SafePath::new(format!("{path}.asc")) else { return Ok(unsigned) };
        let bytes = match self.small(place, &side) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(unsigned),
            Err(error) => return Err(error),
        };
        let file = self.store.path(unsigned.expected.sha256);
        let judged = place.keys.judge(&bytes, &file);
        match judged.map_err(|source| Error::Signature { path: path.clone(), source })? {
            Signed::Verified(by) => {
                let signature = self.take(&side, &bytes)?;
                Ok(Identity { vouched: Voucher::Signature, signer: Some(by), signature: Some(signature), ..unsigned })
            }
            Signed::Claimed(by) => Ok(Identity { signer: Some(by), ..unsigned }),
            Signed::Unclear(why) => {
                (self.tell)(Event::Note(format!("the signature of {path} does not count: {why}")));
                Ok(unsigned)
            }
        }
    }

    fn take(&self, path: &SafePath, bytes: &[u8]) -> Result<Expected, Error> {
        let failed = |source| Error::Store { path: path.clone(), source };
        let file = |source| Error::File { path: path.clone(), source };
        let mut scratch = self.store.scratch().map_err(failed)?;
        io::Write::write_all(scratch.as_file_mut(), bytes).map_err(file)?;
        let (_, kept) = scratch.keep().map_err(|error| file(error.error))?;
        self.store.keep(&kept).map_err(failed)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<SafePath, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The versions that a metadata file lists; what no version can be is none.
fn listed(path: &SafePath, bytes: &[u8]) -> Result<Vec<String>, Error> {
    let text = String::from_utf8_lossy(bytes);
    let options = roxmltree::ParsingOptions { nodes_limit: MAX_NODES, ..Default::default() };
    let document = roxmltree::Document::parse_with_options(text.trim_start_matches('\u{feff}'), options);
    let document = document.map_err(|source| Error::Metadata { path: path.clone(), source })?;
    let versions = document.descendants().filter(|node| node.has_tag_name("version"));
    let listed = versions.filter(|node| node.parent().is_some_and(|parent| parent.has_tag_name("versions")));
    let texts = listed.filter_map(|node| node.text().map(|text| text.trim().to_owned()));
    Ok(texts.filter(|text| Word::new(text.as_str()).is_ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> Result<Vec<String>, Error> {
        listed(&SafePath::new("g/a/maven-metadata.xml").unwrap(), text.as_bytes())
    }

    #[test]
    fn only_what_can_be_a_version_is_listed() {
        let text = "<metadata><version>0</version><versioning><versions><version> 1.0 </version>\
            <version>../../etc</version><version>${v}</version><version/></versions></versioning></metadata>";
        assert_eq!(versions(text).unwrap(), ["1.0"]);
    }

    #[test]
    fn what_is_no_list_is_an_error_and_no_bomb_goes_off() {
        let bomb = "<!DOCTYPE m [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><metadata>&b;</metadata>";
        for text in ["", "<html><p></html>", bomb, &format!("<m>{}</m>", "<a/>".repeat(450_000))] {
            assert!(matches!(versions(text), Err(Error::Metadata { .. })), "{}", &text[..text.len().min(40)]);
        }
    }
}
