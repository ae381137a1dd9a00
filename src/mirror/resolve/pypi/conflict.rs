//! Why requirements cannot be satisfied together, told as a person would tell it: who wants what, and because of whom.
//! It tells of the best candidates, not of everything that was tried after them.
//! Not here: finding it out.

use pep440_rs::Version;
use std::fmt;
use words::names::Word;

/// Versions that are named before the rest is only counted.
const SHOWN: usize = 6;

/// Requirements that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub(super) told: Told,
}

/// What is to be told of one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) project: Word,
    /// Each wish, and the chain of those who have it; empty for the manifest.
    pub(super) wishes: Vec<(String, Vec<String>)>,
    pub(super) reason: Reason,
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// No version of those that fit the target is good for all.
    NoVersion { offered: Vec<Version> },
    /// What it needs is not known.
    Unknown { version: Version, why: String },
    /// It is for another interpreter, which only its metadata says.
    OtherPython { version: Version, wanted: String },
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { project, wishes, reason } = &self.told;
        match reason {
            Reason::NoVersion { .. } if wishes.len() > 1 => write!(out, "no version of {project} is good for all")?,
            Reason::NoVersion { .. } => write!(out, "no version of {project} will do")?,
            Reason::Unknown { version, why } => write!(out, "nobody can say what {project}=={version} needs: {why}")?,
            Reason::OtherPython { version, wanted } => write!(out, "{project}=={version} wants Python {wanted}")?,
        }
        for (wish, chain) in wishes {
            match chain.split_last() {
                None => write!(out, "\n    the manifest wants {wish}")?,
                Some((last, [])) => write!(out, "\n    {last} wants {wish}")?,
                Some((last, above)) => {
                    write!(out, "\n    {last} wants {wish} (it is there for {})", above.join(" > "))?
                }
            }
        }
        let Reason::NoVersion { offered } = reason else { return Ok(()) };
        let mut versions: Vec<&Version> = offered.iter().collect();
        versions.sort();
        versions.dedup();
        let shown: Vec<String> = versions.iter().rev().take(SHOWN).map(ToString::to_string).collect();
        match versions.len().checked_sub(SHOWN) {
            _ if versions.is_empty() => out.write_str("\n    the index has no file of it that fits"),
            None | Some(0) => write!(out, "\n    what fits there: {}", shown.join(", ")),
            Some(more) => write!(out, "\n    what fits there: {} and {more} older", shown.join(", ")),
        }
    }
}

impl std::error::Error for Conflict {}
