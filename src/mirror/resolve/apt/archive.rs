//! A suite of an archive: its Release, verified, then its lists of packages, each held against the Release.
//! Lists go through the store: what did not change since the last time is not asked for again.
//! Not here: which packages are wanted.

use super::control::{self, Stanzas};
use super::package::{self, FIELDS, Package};
use super::release::{self, List, Release};
use crate::manifest::AptWant;
use crate::openpgp::{self, Fingerprint, Keyring};
use crate::sources::{self, Found, Key};
use crate::store::{self, Store};
use crate::trust::Policy;
use disk::regular::{self, Links};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use systems::http::{self, Http};
use words::digest::Sha256;
use words::event::{Event, Tell};
use words::location::Location;
use words::names::{BadName, SafePath, Word};

/// The largest Release or signature that is read; Debian's has 150 kilobytes.
const LARGEST_RELEASE: u64 = 16 << 20;

/// Why a suite cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its place is not known.
    #[error("nobody says where the suite {suite} is")]
    Source { suite: SafePath, source: sources::Error },
    /// Its Release is not to be had.
    #[error("the archive does not give the Release of {suite}")]
    Release { suite: SafePath, source: http::Error },
    /// A local archive cannot be read.
    #[error("cannot read {location}")]
    File { location: Location, source: io::Error },
    /// Nobody signed it.
    #[error(
        "the Release of {suite} is not signed; where the site accepts that, it says policy = \"checksum\" for this \
         source in sources.toml"
    )]
    Unsigned { suite: SafePath },
    /// The trusted keys cannot be read.
    #[error("cannot read the keys for {suite} in {}", path.display())]
    Keys { suite: SafePath, path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    /// No trusted key signed it.
    #[error("the Release of {suite} is not signed by a trusted key{}", looked(keys))]
    Signature { suite: SafePath, keys: Vec<PathBuf>, source: openpgp::Error },
    /// Somebody else signed it than last time.
    #[error(
        "the Release of {suite} is signed by {found}; the lock says {pinned}. If the archive announced new keys, delete \
         the lines `signer = \"{pinned}\"` of this suite from the lock and lock again"
    )]
    Signer { suite: SafePath, pinned: Fingerprint, found: Fingerprint },
    /// Its Release is of no use.
    #[error("the Release of {suite} cannot be used")]
    Content { suite: SafePath, source: release::Error },
    /// Its Release is older than one that was seen there.
    #[error(
        "{suite} went back in time: its Release is of {is}, the last one that was seen of {was}: somebody may be showing \
         an old state, or a copy of the archive lags behind, and it helps to lock again later; where the archive was \
         set back on purpose, write allow-older = true in the manifest"
    )]
    Older { suite: SafePath, is: String, was: String },
    /// A list is not to be had.
    #[error("cannot bring {path} of {suite}")]
    List { suite: SafePath, path: SafePath, source: store::Error },
    /// A list cannot be unpacked or read.
    #[error("{path} of {suite} is not readable")]
    Text { suite: SafePath, path: SafePath, source: control::Error },
    /// A list holds something that is no package.
    #[error("{path} of {suite} is not usable")]
    Package { suite: SafePath, path: SafePath, source: package::Error },
    /// The suite's name cannot be an id.
    #[error("the suite {suite} has a name that cannot be the id of a source")]
    Id { suite: SafePath, source: BadName },
}

fn looked(keys: &[PathBuf]) -> String {
    let files: Vec<String> = keys.iter().map(|path| path.display().to_string()).collect();
    if files.is_empty() {
        " (no keys are known: name a file of them as `keys` of the source)".into()
    } else {
        format!(" (looked in {})", files.join(", "))
    }
}

/// What reading an archive may use.
pub struct Archive<'a> {
    /// Where suites are.
    pub sources: &'a sources::Sources,
    /// The client.
    pub http: &'a Http,
    /// Where lists are kept.
    pub store: &'a Store,
    /// Who listens.
    pub tell: Tell<'a>,
    /// What time it is.
    pub now: SystemTime,
}

/// A suite whose Release was verified.
pub struct Suite {
    name: SafePath,
    /// Its id among the sources.
    pub origin: Word,
    location: Location,
    release: Release,
    /// Who signed it.
    pub signer: Option<Fingerprint>,
}

impl Archive<'_> {
    /// The Release of a suite; one of `pinned` must have signed it, if there are any.
    pub fn suite(
        &self,
        want: &AptWant,
        name: &SafePath,
        pinned: &dyn Fn(&Word) -> BTreeSet<Fingerprint>,
    ) -> Result<Suite, Error> {
        let suite = || name.clone();
        let origin = want.origin(name).map_err(|source| Error::Id { suite: suite(), source })?;
        let key = Key { kind: crate::lock::Source::Apt, id: Some(origin.clone()) };
        let found = self.sources.of(&key).map_err(|source| Error::Source { suite: suite(), source })?;
        let (text, signer) = self.verified(found, name, &pinned(&origin))?;
        let content = |source| Error::Content { suite: suite(), source };
        let release = Release::parse(&text).map_err(content)?;
        if !want.allow_expired {
            release.still_valid(self.now).map_err(content)?;
        }
        self.compare_date(&found.location, name, &release, want.allow_older)?;
        Ok(Suite { name: suite(), origin, location: found.location.clone(), release, signer })
    }

    /// The packages that a suite has in some components for an architecture.
    pub fn packages(&self, suite: &Suite, components: &[SafePath], architecture: &str) -> Result<Vec<Package>, Error> {
        let mut packages = Vec::new();
        for component in components {
            let lists = suite.release.lists(component.as_str(), architecture);
            for list in lists.map_err(|source| Error::Content { suite: suite.name.clone(), source })? {
                self.bring(suite, &list)?;
                self.read(suite, &list, &mut packages)?;
            }
        }
        Ok(packages)
    }

    /// The text of the Release, and who vouches for it.
    fn verified(
        &self,
        found: &Found,
        suite: &SafePath,
        pinned: &BTreeSet<Fingerprint>,
    ) -> Result<(String, Option<Fingerprint>), Error> {
        let one = self.small(&found.location, suite, "InRelease")?;
        let (text, signature) = match &one {
            Some(inline) => (inline.clone(), None),
            None => {
                let text = self.small(&found.location, suite, "Release")?;
                let location = place(&found.location, suite, "Release")?;
                let missing = http::Error::Missing { location, status: 404 };
                let missing = || Error::Release { suite: suite.clone(), source: missing };
                (text.ok_or_else(missing)?, self.small(&found.location, suite, "Release.gpg")?)
            }
        };
        if one.is_none() && signature.is_none() {
            let accepted = found.policy.is_some_and(|policy| policy < Policy::Signature);
            let text = String::from_utf8_lossy(&text).into_owned();
            return if accepted { Ok((text, None)) } else { Err(Error::Unsigned { suite: suite.clone() }) };
        }
        let (ring, keys) = keyring(found, suite)?;
        let check = |ring: &Keyring| match &signature {
            None => ring.cleartext(&String::from_utf8_lossy(&text)),
            Some(signature) => {
                let by = ring.detached(signature, || Ok(&text[..]))?;
                Ok((String::from_utf8_lossy(&text).into_owned(), by))
            }
        };
        // Archives sign with several keys; the one that signed last time is asked first.
        let known: Vec<Fingerprint> = pinned.iter().cloned().collect();
        if let Ok((text, by)) = check(&ring.clone().only(&known)) {
            return Ok((text, Some(by)));
        }
        let (text, found) = check(&ring).map_err(|source| Error::Signature { suite: suite.clone(), keys, source })?;
        match known.into_iter().next() {
            Some(pinned) => Err(Error::Signer { suite: suite.clone(), pinned, found }),
            None => Ok((text, Some(found))),
        }
    }

    /// A small file of the suite's folder; none if there is none.
    fn small(&self, base: &Location, suite: &SafePath, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let location = place(base, suite, name)?;
        if let Location::Path(file) = &location {
            let mut bytes = Vec::new();
            return match regular::open(file, Links::Follow)
                .and_then(|file| file.take(LARGEST_RELEASE).read_to_end(&mut bytes))
            {
                Ok(_) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(Error::File { location, source }),
            };
        }
        match self.http.get_small(&location, "*/*", LARGEST_RELEASE, self.tell) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(http::Error::Missing { .. }) => Ok(None),
            Err(source) => Err(Error::Release { suite: suite.clone(), source }),
        }
    }

    /// An archive does not go back in time: somebody would be showing an old state, with a good signature of then.
    fn compare_date(
        &self,
        location: &Location,
        suite: &SafePath,
        release: &Release,
        allow_older: bool,
    ) -> Result<(), Error> {
        let Some(date) = release.date else { return Ok(()) };
        let seconds = date.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let place = Sha256::of(format!("{location} {suite}").as_bytes());
        let before =
            self.store.recall("seen", place).and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<u64>().ok());
        if let Some(before) = before.filter(|before| *before > seconds) {
            let [was, is] =
                [before, seconds].map(|at| httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at)));
            let older = Error::Older { suite: suite.clone(), is, was };
            if !allow_older {
                return Err(older);
            }
            (self.tell)(Event::Note(format!("{older}; it does")));
            return Ok(());
        }
        self.store.note("seen", place, seconds.to_string().as_bytes());
        Ok(())
    }

    fn bring(&self, suite: &Suite, list: &List) -> Result<(), Error> {
        let failed = |source| Error::List { suite: suite.name.clone(), path: list.path.clone(), source };
        let folder = list.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut places = vec![place(&suite.location, &suite.name, list.path.as_str())?];
        if suite.release.by_hash() {
            let path = format!("{folder}/by-hash/SHA256/{}", list.packed.sha256);
            places.insert(0, place(&suite.location, &suite.name, &path)?);
        }
        self.store.bring(self.http, &places, list.packed, self.tell).map_err(failed)
    }

    fn read(&self, suite: &Suite, list: &List, packages: &mut Vec<Package>) -> Result<(), Error> {
        let text = |source| Error::Text { suite: suite.name.clone(), path: list.path.clone(), source };
        let begin = |source| text(control::Error::Read { line: 1, source });
        let file = File::open(self.store.path(list.packed.sha256)).map_err(begin)?;
        let plain = list.compression.open(BufReader::new(file), list.limit).map_err(begin)?;
        let mut stanzas = Stanzas::only(BufReader::with_capacity(1 << 16, plain), &FIELDS);
        while let Some(stanza) = stanzas.read().map_err(text)? {
            let failed = |source| Error::Package { suite: suite.name.clone(), path: list.path.clone(), source };
            packages.push(Package::listed(stanza, &suite.origin).map_err(failed)?);
        }
        Ok(())
    }
}

/// A file of a suite's folder.
fn place(base: &Location, suite: &SafePath, name: &str) -> Result<Location, Error> {
    let path = SafePath::new(format!("dists/{suite}/{name}"));
    Ok(base.join(&path.map_err(|source| Error::Id { suite: suite.clone(), source })?))
}

/// The keys that are trusted for a suite, and where they were found.
fn keyring(found: &Found, suite: &SafePath) -> Result<(Keyring, Vec<PathBuf>), Error> {
    let named = found.keys.iter().cloned().collect::<Vec<_>>();
    let files = if named.is_empty() { sources::apt_keyrings() } else { named.clone() };
    let mut rings = Vec::new();
    for path in &files {
        let failed = |source| Error::Keys { suite: suite.clone(), path: path.clone(), source };
        let ring = std::fs::read(path)
            .map_err(|error| failed(Box::new(error)))
            .and_then(|bytes| Keyring::parse(&bytes).map_err(|error| failed(Box::new(error))));
        match ring {
            Ok(ring) => rings.push(ring),
            // Among the machine's own, one that cannot be read is not the one that counts.
            Err(error) if !named.is_empty() => return Err(error),
            Err(_) => {}
        }
    }
    Ok((Keyring::join(rings), files))
}
