//! Reads the mirror's signed list and holds the node's document against it.
//! The keys are the node's own: what the mirror says of itself is not asked.
//! Not here: any archive; those are verified as they come.

use std::io;
use systems::http::{self, Http};
use systems::regular::{self, Links};
use words::digest::Sha256;
use words::event::Tell;
use words::generation::{self, Generation, LIST, SIGNATURE};
use words::location::Location;
use words::names::SafePath;
use words::node::Node;

/// Some 200,000 files; a list is read into memory.
const LONGEST_LIST: u64 = 64 << 20;
/// A signature has four lines.
const LONGEST_SIGNATURE: u64 = 16 << 10;

/// Why a mirror is not used.
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
    /// The node wants something else than the mirror has.
    #[error("the mirror is not the one this node was rendered for:\n{}\nrender again from this mirror, or give the one it was rendered from", .0.join("\n"))]
    Differs(Vec<String>),
    /// It is older than the one this node has seen.
    #[error(
        "the mirror offers generation {offered}, but this node has seen generation {last}: an old mirror may bring old mistakes back; use a current one, or give --allow-older if you want this one"
    )]
    Older { offered: u64, last: u64 },
}

impl Error {
    /// Whether the bytes were there but wrong.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Error::Untrusted { .. } | Error::Differs(_) | Error::Older { .. })
    }
}

/// The mirror's list, signed by a key that the node's document names.
pub fn list(http: &Http, mirror: &Location, node: &Node, tell: Tell) -> Result<Generation, Error> {
    let verify = || {
        let text = fetch(http, mirror, LIST, LONGEST_LIST, tell)?;
        let signature = fetch(http, mirror, SIGNATURE, LONGEST_SIGNATURE, tell)?;
        Generation::verify_by_any(&text, &String::from_utf8_lossy(&signature), &node.mirror.public_key)
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

/// Everything the node wants from the mirror must be listed, with the same length and digest.
pub fn compare(generation: &Generation, node: &Node) -> Result<(), Error> {
    let archives = node.archives.iter().map(|archive| (&archive.from, archive.size, archive.sha256));
    let downloads = node.downloads.iter().map(|download| (&download.from, download.size, download.sha256));
    let wrong: Vec<String> = archives.chain(downloads).filter_map(|wanted| difference(generation, wanted)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Differs(wrong)) }
}

fn difference(generation: &Generation, (path, size, sha256): (&SafePath, u64, Sha256)) -> Option<String> {
    let number = generation.number;
    let Some(listed) = generation.files.get(path) else {
        return Some(format!("    {path}: generation {number} does not hold it"));
    };
    if listed.sha256 == sha256 && listed.size == size {
        return None;
    }
    let (has, has_size) = (listed.sha256, listed.size);
    Some(format!(
        "    {path}: the node wants {sha256} ({size} bytes), generation {number} holds {has} ({has_size} bytes)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use words::generation::Listed;

    #[test]
    fn what_differs_is_named() {
        let path = SafePath::new("a.tar.gz").unwrap();
        let listed = Listed { size: 3, sha256: Sha256::of(b"abc") };
        let files = BTreeMap::from([(path.clone(), listed)]);
        let generation = Generation { number: 7, lock: Sha256::of(b""), files };
        assert_eq!(difference(&generation, (&path, 3, Sha256::of(b"abc"))), None);
        let other = difference(&generation, (&path, 3, Sha256::of(b"abd"))).unwrap();
        assert!(other.contains("a.tar.gz: the node wants") && other.contains("generation 7 holds"), "{other}");
        let missing = SafePath::new("b.tar.gz").unwrap();
        assert!(difference(&generation, (&missing, 3, Sha256::of(b"abc"))).unwrap().contains("does not hold it"));
    }
}
