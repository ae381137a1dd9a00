//! What the last install placed on this node: the installer's memory, `state.toml`.
//! It tells our own files from those that somebody changed, and what may be removed.
//! Not here: what should be placed.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;
use words::names::{NodePath, Word};

/// The format that this program writes.
const FORMAT: u32 = 1;

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Always this program's; another is refused.
    pub(super) format: u32,
    /// The number of this install: a journal with the same number was carried out whole.
    pub run: u64,
    /// Whose folder was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Word>,
    /// The newest generation of a mirror that was seen: an older one is not accepted any more.
    pub generation: u64,
    /// The digest of the document that was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Sha256>,
    /// Users that were made, not found.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<Word>,
    /// Services that were placed, in their order.
    #[serde(default)]
    pub services: Vec<Word>,
    /// Folders that were made, not found.
    #[serde(default)]
    pub folders: BTreeSet<NodePath>,
    /// What systemd still has to be told.
    #[serde(default)]
    pub pending: Pending,
    /// What was prepared once, and what that made.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub once: BTreeMap<Word, OnceRecord>,
    /// Files, rendered or downloaded.
    #[serde(default)]
    pub file: BTreeMap<NodePath, FileRecord>,
    /// What links say.
    #[serde(default)]
    pub link: BTreeMap<NodePath, String>,
    /// Unpacked archives.
    #[serde(default)]
    pub archive: BTreeMap<NodePath, TreeRecord>,
    /// Unpacked archives that are no longer used, kept for going back.
    #[serde(default)]
    pub previous: BTreeMap<NodePath, TreeRecord>,
}

/// Work that is left when a service does not come up, or the machine goes down in between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Unit files changed.
    pub reload: bool,
    /// Services that run with what was there before.
    pub restart: BTreeSet<Word>,
}

/// Something that is prepared once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnceRecord {
    /// What is there since.
    pub creates: NodePath,
    /// How far it came.
    pub how: Prepared,
}

/// How far something came that is prepared once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prepared {
    /// It began where nothing was: what is there may be half of it.
    Begun,
    /// It is done; services have lived on it since.
    Done,
}

/// A file as it was placed: while the last three are the same, so are its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// The identity of its bytes.
    pub sha256: Sha256,
    /// Its length.
    pub size: u64,
    /// When it was last written: seconds and nanoseconds.
    pub modified: (i64, u64),
    /// Its number in the file system.
    pub inode: u64,
}

/// An unpacked archive as it was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRecord {
    /// The identity of the archive.
    pub sha256: Sha256,
    /// What its folder looked like.
    pub census: Census,
}

/// A folder at a glance: enough to notice any change that was not meant to hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Census {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Names, modes, lengths, times and link targets.
    pub outline: Sha256,
}

/// Why the memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what this program writes.
    #[error(
        "it is not readable; move it away, and the next install keeps everything it finds different as *.pnda-saved"
    )]
    Read(#[source] Box<toml::de::Error>),
    /// A newer program wrote it.
    #[error("it has format {0}; this program reads format {FORMAT}: use the newer pnda-agent")]
    Format(u32),
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Default for State {
    fn default() -> State {
        State {
            format: FORMAT,
            run: 0,
            node: None,
            generation: 0,
            document: None,
            users: BTreeSet::new(),
            services: Vec::new(),
            folders: BTreeSet::new(),
            pending: Pending::default(),
            once: BTreeMap::new(),
            file: BTreeMap::new(),
            link: BTreeMap::new(),
            archive: BTreeMap::new(),
            previous: BTreeMap::new(),
        }
    }
}

impl State {
    /// Reads what `render` wrote.
    pub fn parse(text: &str) -> Result<State, Error> {
        let unreadable = |error| Error::Read(Box::new(error));
        let head: Head = toml::from_str(text).map_err(unreadable)?;
        if head.format != FORMAT {
            return Err(Error::Format(head.format));
        }
        toml::from_str(text).map_err(unreadable)
    }

    /// The text that is kept.
    pub fn render(&self) -> String {
        toml::to_string(self).expect("texts, numbers and tables with text keys can always be written")
    }

    /// Everything it says is on the node.
    pub fn paths(&self) -> impl Iterator<Item = &NodePath> {
        let files = self.file.keys().chain(self.link.keys());
        files.chain(self.archive.keys()).chain(self.previous.keys()).chain(&self.folders)
    }

    /// The archive that was unpacked into a folder, used or kept.
    pub fn tree(&self, path: &NodePath) -> Option<&TreeRecord> {
        self.archive.get(path).or_else(|| self.previous.get(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_as_it_was() {
        let path = |text: &str| NodePath::new(text).unwrap();
        let census = Census { entries: 3, bytes: 5, outline: Sha256::of(b"o") };
        let tree = TreeRecord { sha256: Sha256::of(b"t"), census };
        let file = FileRecord { sha256: Sha256::of(b"f"), size: 1, modified: (-1, 5), inode: 9 };
        let state = State {
            run: 4,
            node: Word::new("edge-1").ok(),
            generation: 7,
            document: Some(Sha256::of(b"d")),
            users: BTreeSet::from([Word::new("pnda").unwrap()]),
            services: vec![Word::new("agent").unwrap()],
            folders: BTreeSet::from([path("/opt/pnda")]),
            pending: Pending { reload: true, restart: BTreeSet::from([Word::new("agent").unwrap()]) },
            once: BTreeMap::from([(
                Word::new("format").unwrap(),
                OnceRecord { creates: path("/data/nn/current"), how: Prepared::Begun },
            )]),
            file: BTreeMap::from([(path("/etc/pnda/a b.toml"), file)]),
            link: BTreeMap::from([(path("/opt/pnda/flink"), "/opt/pnda/flink-1".into())]),
            archive: BTreeMap::from([(path("/opt/pnda/flink-2"), tree.clone())]),
            previous: BTreeMap::from([(path("/opt/pnda/flink-1"), tree)]),
            ..State::default()
        };
        assert_eq!(State::parse(&state.render()).unwrap(), state);
        assert_eq!(State::parse(&State::default().render()).unwrap(), State::default());
    }

    #[test]
    fn what_was_written_once_can_always_be_read() {
        let text = include_str!("../../tests/fixtures/formats/install-state-1.toml");
        assert_eq!(State::parse(text).unwrap().render(), text);
    }

    #[test]
    fn what_it_cannot_be_is_refused() {
        assert!(matches!(State::parse("format = 2\nnew = 1"), Err(Error::Format(2))));
        assert!(matches!(State::parse("\0"), Err(Error::Read(_))));
    }
}
