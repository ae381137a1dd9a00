//! The note that an upload leaves at its folder in HDFS: whose content it is, and what the folder looked like.
//! It is an extended attribute, so it moves with the folder and lies in no class path.
//! Not here: what to do when it does not match.

use std::collections::BTreeMap;
use systems::webhdfs::Status;
use words::digest::{Hasher, Sha256};

/// The attribute's name.
pub(super) const NAME: &str = "user.pnda.upload";

/// What is remembered of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// The identity of what was uploaded.
    pub identity: Sha256,
    /// Names, lengths and times of what is there since.
    pub outline: Sha256,
    /// The newest of those times: what was written by hand later is newer.
    pub newest: u64,
}

impl Mark {
    /// The mark of a tree as it is in HDFS.
    pub fn of(identity: Sha256, tree: &BTreeMap<String, Status>) -> Mark {
        let mut outline = Hasher::default();
        for (name, status) in tree {
            outline.update(name.as_bytes());
            match status.is_folder() {
                true => outline.update(b"/\n"),
                false => outline.update(format!("\0{} {}\n", status.length, status.modification_time).as_bytes()),
            }
        }
        let files = tree.values().filter(|status| !status.is_folder());
        let newest = files.map(|status| status.modification_time).max().unwrap_or_default();
        Mark { identity, outline: outline.finish(), newest }
    }

    /// Reads what `text` wrote; something else is no mark.
    pub fn parse(text: &str) -> Option<Mark> {
        let fields: Vec<&str> = text.split(' ').collect();
        match fields[..] {
            ["1", identity, outline, newest] => Some(Mark {
                identity: identity.parse().ok()?,
                outline: outline.parse().ok()?,
                newest: newest.parse().ok()?,
            }),
            _ => None,
        }
    }

    /// One line: the format's number, both digests, the time.
    pub fn text(&self) -> String {
        format!("1 {} {} {}", self.identity, self.outline, self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders in HDFS bear it for as long as they are there.
    const FROZEN: &str = "1 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 1700000000123";

    #[test]
    fn it_reads_back_as_it_was() {
        let mark = Mark { newest: 1_700_000_000_123, ..Mark::of(Sha256::of(b"x"), &BTreeMap::new()) };
        assert_eq!(Mark::parse(&mark.text()), Some(mark));
        assert_eq!((mark.text().as_str(), Mark::parse(FROZEN)), (FROZEN, Some(mark)));
        for none in ["", "1", "2 a b 3", "1 a b c", "1 a b c d"] {
            assert_eq!(Mark::parse(none), None, "{none}");
        }
    }
}
