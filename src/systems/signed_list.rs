//! The mirror's list of files, read from where the mirror is and believed only with the signature of a key that is named.
//! What the mirror says of its own keys is not asked.
//! Not here: what is wanted of it, and the files themselves.

use crate::http::{self, Http};
use disk::regular::{self, Links};
use std::io;
use words::event::Tell;
use words::generation::{self, Generation, LIST, SIGNATURE};
use words::location::Location;
use words::names::SafePath;
use words::node::Keys;

/// Some 200,000 files; a list is read into memory.
const LONGEST_LIST: u64 = 64 << 20;
/// A signature has four lines.
const LONGEST_SIGNATURE: u64 = 16 << 10;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not give it.
    #[error("cannot read the mirror's list")]
    Web(#[source] http::Error),
    /// The folder does not give it.
    #[error("cannot read {location}")]
    Folder { location: Location, source: io::Error },
    /// It is not what the key's owner signed.
    #[error("the mirror {mirror} cannot be trusted")]
    Untrusted { mirror: Location, source: generation::Error },
}

/// The list, signed by one of these keys.
pub fn signed_list(http: &Http, mirror: &Location, keys: &Keys, tell: Tell) -> Result<Generation, Error> {
    let verify = || {
        let text = fetch(http, mirror, LIST, LONGEST_LIST, tell)?;
        let signature = fetch(http, mirror, SIGNATURE, LONGEST_SIGNATURE, tell)?;
        Generation::verify_by_any(&text, &String::from_utf8_lossy(&signature), keys)
            .map_err(|source| Error::Untrusted { mirror: mirror.clone(), source })
    };
    match verify() {
        // A mirror that was published between the two reads: the second pair belongs together.
        Err(Error::Untrusted { source: generation::Error::Forged(_), .. }) => verify(),
        first => first,
    }
}

fn fetch(http: &Http, mirror: &Location, name: &str, limit: u64, tell: Tell) -> Result<Vec<u8>, Error> {
    let path = SafePath::new(name).expect("the two names of the list are plain");
    let location = mirror.join(&path);
    match &location {
        Location::Path(file) => {
            regular::read(file, Links::Follow, limit).map_err(|source| Error::Folder { location, source })
        }
        _ => http.get_small(&location, "*/*", limit, tell).map_err(Error::Web),
    }
}
