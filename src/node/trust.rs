//! Reads the mirror's signed list and holds the node's document against it.
//! The keys are the node's own: what the mirror says of itself is not asked.
//! Not here: any archive; those are verified as they come.

use systems::http::Http;
use systems::signed_list::{self, signed_list};
use words::digest::Sha256;
use words::event::Tell;
use words::generation::Generation;
use words::location::Location;
use words::names::SafePath;
use words::node::Node;

/// Why a mirror is not used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its list cannot be had, or not be believed.
    #[error(transparent)]
    List(#[from] signed_list::Error),
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
        matches!(self, Error::List(signed_list::Error::Untrusted { .. }) | Error::Differs(_) | Error::Older { .. })
    }
}

/// The mirror's list, signed by a key that the node's document names.
pub fn list(http: &Http, mirror: &Location, node: &Node, tell: Tell) -> Result<Generation, Error> {
    Ok(signed_list(http, mirror, &node.mirror.public_key, tell)?)
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
