//! Packages that the mirror has beside everything else, in `mirror_apps`: found in its signed list, and held against it while
//! they come.
//! Not here: where packages are kept (`repository`).

use super::repository::{self, Repository, Stored, file_name};
use std::fs::File;
use std::io::{self, Read};
use systems::http::{self, Http, Patience};
use systems::signed_list::{self, signed_list};
use words::digest::{Hasher, Sha256};
use words::event::Event;
use words::location::Location;
use words::names::{PackageName, SafePath};
use words::node::Keys;

/// Where the mirror has packages.
const FOLDER: &str = "mirror_apps";

/// The mirror of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Where it is.
    pub location: Location,
    /// Whoever signs its list.
    pub keys: Keys,
}

/// Why a package did not come.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its list cannot be had, or not be believed.
    #[error("cannot look for the package `{name}` on the mirror")]
    List { name: PackageName, source: signed_list::Error },
    /// It has no such package.
    #[error(
        "there is no package `{name}` in the repository, and generation {generation} of the mirror has none in {FOLDER}: upload it"
    )]
    NotFound { name: PackageName, generation: u64 },
    /// The server does not give it.
    #[error("the mirror does not give the package `{name}`")]
    Web { name: PackageName, source: http::Error },
    /// The folder does not give it.
    #[error("cannot read the package `{name}` on the mirror")]
    Folder { name: PackageName, source: io::Error },
    /// It cannot be kept, or has other bytes than the list says.
    #[error(transparent)]
    Repository(#[from] repository::Error),
}

impl Mirror {
    /// Brings a package into the repository; nothing of it is there before all of it is what the list says.
    pub fn bring(&self, name: &PackageName, repository: &Repository) -> Result<Stored, Error> {
        let http = Http::new(Patience::default());
        let quiet = |_: Event| {};
        let list = signed_list(&http, &self.location, &self.keys, &quiet);
        let list = list.map_err(|source| Error::List { name: name.clone(), source })?;
        let missing = || Error::NotFound { name: name.clone(), generation: list.number };
        let path = SafePath::new(format!("{FOLDER}/{}", file_name(name))).map_err(|_| missing())?;
        let listed = *list.files.get(&path).ok_or_else(missing)?;
        let location = self.location.join(&path);
        let body: Box<dyn Read> = match &location {
            Location::Path(file) => {
                Box::new(File::open(file).map_err(|source| Error::Folder { name: name.clone(), source })?)
            }
            _ => http.get(&location, 0, "*/*").map_err(|source| Error::Web { name: name.clone(), source })?.body,
        };
        Ok(repository.receive(
            name,
            Held::against((listed.sha256, listed.size), "the mirror's signed list", body),
            Some(listed.size),
        )?)
    }
}

/// Bytes that end with an error where they are not those that somebody says.
pub(super) struct Held<R> {
    bytes: R,
    hasher: Option<Hasher>,
    expected: Sha256,
    said_by: &'static str,
}

impl<R: Read> Held<R> {
    pub(super) fn against((expected, size): (Sha256, u64), said_by: &'static str, bytes: R) -> Held<io::Take<R>> {
        // One byte more is enough to be wrong.
        Held { bytes: bytes.take(size + 1), hasher: Some(Hasher::default()), expected, said_by }
    }
}

impl<R: Read> Read for Held<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&buffer[..count]);
            }
            return Ok(count);
        }
        match self.hasher.take().map(Hasher::finish) {
            Some(found) if found != self.expected => {
                let why = format!("its sha256 is {found}, and {} says {}", self.said_by, self.expected);
                Err(io::Error::other(why))
            }
            _ => Ok(0),
        }
    }
}
