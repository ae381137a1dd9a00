//! The journal of a switch: what is renamed to what, and how each of it is undone.
//! It is written before anything visible changes, and removed when all is done or undone.
//! Not here: the renames.

use super::owners::Rights;
use serde::{Deserialize, Serialize};
use words::names::NodePath;

const FORMAT: u32 = 1;

/// A switch, to be carried out or undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Always this program's; another is refused.
    pub(super) format: u32,
    /// The install's number: when the state has it, the switch is done.
    pub run: u64,
    /// Whether everything is staged and the switch may have begun.
    pub staged: bool,
    /// Things that stand beside their places until then.
    #[serde(default)]
    pub staging: Vec<NodePath>,
    /// In this order; undone in the opposite one.
    #[serde(default, rename = "move")]
    pub moves: Vec<Move>,
}

/// One change that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Move {
    /// A folder is made.
    Make { path: NodePath, rights: Rights },
    /// A folder gets other rights.
    Grant { path: NodePath, was: Rights, now: Rights },
    /// What is staged, known by its inode, gets its place; what was there moves aside.
    Place { path: NodePath, staged: NodePath, inode: u64, aside: Option<Aside> },
    /// What is there moves aside.
    Remove { path: NodePath, aside: NodePath },
}

/// Where the old thing goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aside {
    /// Beside its place.
    pub path: NodePath,
    /// Somebody made it: it stays there for good.
    pub keep: bool,
    /// It may hold a secret: where it stays, it is for its owner alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A journal that this program cannot carry out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not what this program writes.
    #[error("the journal is not readable")]
    Read(#[source] Box<toml::de::Error>),
    /// A newer program wrote it.
    #[error("the journal has format {0}; this program reads format {FORMAT}: finish with the newer pnda-agent")]
    Format(u32),
}

impl Journal {
    /// A journal of things that will be staged.
    pub fn new(run: u64, staging: Vec<NodePath>) -> Journal {
        Journal { format: FORMAT, run, staged: false, staging, moves: Vec::new() }
    }

    /// Reads what `render` wrote.
    pub fn parse(text: &str) -> Result<Journal, Error> {
        let journal: Journal = toml::from_str(text).map_err(|error| Error::Read(Box::new(error)))?;
        if journal.format == FORMAT { Ok(journal) } else { Err(Error::Format(journal.format)) }
    }

    /// The text that is kept.
    pub fn render(&self) -> String {
        toml::to_string(self).expect("texts, numbers and tables with text keys can always be written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_as_it_was() {
        let path = |text: &str| NodePath::new(text).unwrap();
        let rights = Rights { mode: 0o755, owner: Some((0, 7)) };
        let aside = Some(Aside { path: path("/etc/a.pnda-saved"), keep: true, private: true });
        let mut journal = Journal::new(3, vec![path("/etc/.a.pnda-3-0")]);
        journal.moves = vec![
            Move::Make { path: path("/opt/pnda"), rights },
            Move::Grant { path: path("/var/log"), was: rights, now: Rights { mode: 0o700, owner: None } },
            Move::Place { path: path("/etc/a"), staged: path("/etc/.a.pnda-3-0"), inode: 9, aside },
            Move::Remove { path: path("/etc/b"), aside: path("/etc/.b.pnda-3-1") },
        ];
        assert_eq!(Journal::parse(&journal.render()).unwrap(), journal);
    }

    #[test]
    fn what_was_written_once_can_always_be_read() {
        let text = include_str!("../../tests/fixtures/formats/install-journal-1.toml");
        assert_eq!(Journal::parse(text).unwrap().render(), text);
    }

    #[test]
    fn what_it_cannot_be_is_refused() {
        assert!(matches!(Journal::parse("format = 1"), Err(Error::Read(_))));
        assert!(matches!(Journal::parse("format = 2\nrun = 1\nstaged = true"), Err(Error::Format(2))));
    }
}
