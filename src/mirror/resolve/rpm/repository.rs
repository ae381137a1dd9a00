//! One RPM repository: what it lists, whether a trusted key signed that, and its indexes in the store.
//! Indexes are brought by the size and digest that `repomd.xml` gives; that file alone is read unseen.
//! Not here: what an index says.

use super::repomd::{self, Index};
use super::{Error, xml};
use crate::lock::Source;
use crate::openpgp::Keyring;
use crate::resolve::World;
use crate::sources::Key;
use disk::regular::{self, Links};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use systems::http;
use words::location::Location;
use words::names::{SafePath, Word};

/// The longest `repomd.xml`, signature or file of keys.
const LIMIT: u64 = 16 << 20;

/// A repository that was asked.
pub struct Repository {
    /// Its key among the sources.
    pub key: Key,
    /// Where it is.
    pub location: Location,
    /// The keys that are trusted for it.
    pub keys: Option<Keyring>,
    /// Whether one of them signed the list of its indexes.
    pub signed: bool,
    indexes: BTreeMap<String, Index>,
}

impl Repository {
    /// Asks a repository for the list of its indexes, and who signed it.
    pub fn open(world: &World<'_>, id: Option<&Word>) -> Result<Repository, Error> {
        let key = Key { kind: Source::Rpm, id: id.cloned() };
        let found = world.sources.of(&key)?;
        let keys = found.keys.as_deref().map(read_keys).transpose()?;
        let location = found.location.clone();
        let list = get(world, &location.join(&known("repodata/repomd.xml")?))?;
        let list = list.ok_or_else(|| Error::NoIndex { repository: key.clone(), kind: "repomd" })?;
        let mut signed = false;
        if let Some(keys) = &keys
            && let Some(signature) = get(world, &location.join(&known("repodata/repomd.xml.asc")?))?
        {
            let refused = |source| Error::Signature { repository: key.clone(), source };
            keys.detached(&signature, || Ok(&list[..])).map_err(refused)?;
            signed = true;
        }
        let indexes = repomd::read(&list).map_err(|source| Error::Index {
            repository: key.clone(),
            kind: "repomd".into(),
            source,
        })?;
        Ok(Repository { key, location, keys, signed, indexes })
    }

    /// Whether it has an index of a kind.
    pub fn has(&self, kind: &str) -> bool {
        self.indexes.contains_key(kind)
    }

    /// Reads an index of a kind; it is in the store afterwards.
    pub fn read<T>(
        &self,
        world: &World<'_>,
        kind: &'static str,
        read: impl FnOnce(xml::Document<Box<dyn BufRead>>) -> Result<T, xml::Error>,
    ) -> Result<T, Error> {
        let no_index = || Error::NoIndex { repository: self.key.clone(), kind };
        let index = self.indexes.get(kind).ok_or_else(no_index)?;
        let from = [self.location.join(&index.address)];
        let brought = world.store.bring(world.http, &from, index.expected, world.tell);
        brought.map_err(|source| Error::Store { address: index.address.clone(), source })?;
        let path = world.store.path(index.expected.sha256);
        let refused = |source| Error::Index { repository: self.key.clone(), kind: kind.into(), source };
        xml::open(&path).and_then(read).map_err(refused)
    }
}

fn known(path: &str) -> Result<SafePath, Error> {
    SafePath::new(path).map_err(|source| Error::Place { place: path.to_owned(), source: Box::new(source) })
}

fn read_keys(path: &Path) -> Result<Keyring, Error> {
    let failed = |source| Error::Keys { path: PathBuf::from(path), source };
    let bytes = std::fs::read(path).map_err(|error| failed(Box::new(error)))?;
    Keyring::parse(&bytes).map_err(|error| failed(Box::new(error)))
}

/// A small file, or nothing where there is none.
fn get(world: &World<'_>, place: &Location) -> Result<Option<Vec<u8>>, Error> {
    let failed = |source| Error::Place { place: place.to_string(), source };
    match place {
        Location::Web(_) | Location::Led(_) => match world.http.get_small(place, "*/*", LIMIT, world.tell) {
            Err(http::Error::Missing { .. }) => Ok(None),
            got => got.map(Some).map_err(|error| failed(Box::new(error))),
        },
        Location::Path(path) => match regular::open(path, Links::Follow) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => {
                let mut bytes = Vec::new();
                let read = opened.and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes));
                match read {
                    Ok(_) if bytes.len() as u64 > LIMIT => {
                        Err(failed(format!("it has more than the {LIMIT} bytes that one may have").into()))
                    }
                    Ok(_) => Ok(Some(bytes)),
                    Err(error) => Err(failed(Box::new(error))),
                }
            }
        },
    }
}
