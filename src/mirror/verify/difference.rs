//! One difference between a mirror's folder and its list, in words.
//! They sort by kind, then by path, so that a report reads the same each time.
//! Not here: finding them.

use std::fmt;
use words::names::SafePath;

/// One difference between a mirror and its list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The list has it, the folder has not.
    Missing(SafePath),
    /// It cannot be read.
    Unreadable(SafePath, String),
    /// Its length is another.
    Size(SafePath, u64, u64),
    /// Its bytes are others.
    Content(SafePath),
    /// The folder has it, the list has not.
    Unlisted(String),
}

impl Difference {
    /// The listed file that is not as listed.
    pub fn listed(&self) -> Option<&SafePath> {
        match self {
            Difference::Missing(path)
            | Difference::Unreadable(path, _)
            | Difference::Size(path, ..)
            | Difference::Content(path) => Some(path),
            Difference::Unlisted(_) => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing(path) => write!(out, "missing: {path}"),
            Difference::Unreadable(path, why) => write!(out, "unreadable: {path} ({why})"),
            Difference::Size(path, listed, found) => {
                write!(out, "differs: {path} has {found} bytes, listed are {listed}")
            }
            Difference::Content(path) => write!(out, "differs: {path} has other content"),
            Difference::Unlisted(path) => write!(out, "not in the list: {path}"),
        }
    }
}
