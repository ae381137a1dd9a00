//! What a mirror keeps, a row a generation: when, how much, and how much of it is its own.
//! Everything is read from the lists; no file is opened.
//! Not here: whether it is whole (`verify`).

use super::{Error, current, list, numbers, place, record};
use crate::words::digest::Sha256;
use crate::words::generation::Generation;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Row {
    /// Its number.
    pub number: u64,
    /// When it was published, in seconds since 1970, as far as that is known.
    pub published: Option<u64>,
    /// How many files it lists.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes that the one before it does not have.
    pub new_bytes: u64,
    /// Whether it is what readers see.
    pub current: bool,
    /// The generation whose content it has, if it was published to go back to it.
    pub content_of: Option<u64>,
}

/// The generations that a mirror keeps, in their order; of a plain copy the only one.
pub fn rows(mirror: &Path) -> Result<Vec<Row>, Error> {
    let served = current(mirror);
    let now = list(&served)?.number;
    let mut lists = Vec::new();
    for number in numbers(mirror)? {
        let folder = place(mirror, number);
        lists.push((list(&folder)?, folder));
    }
    if lists.is_empty() {
        lists.push((list(&served)?, served));
    }
    let mut rows = Vec::new();
    let mut before = BTreeMap::new();
    for (generation, folder) in &lists {
        let content = content(generation);
        let number = generation.number;
        rows.push(Row {
            number,
            published: record::published(mirror, number, folder),
            files: generation.files.len(),
            bytes: generation.files.values().map(|listed| listed.size).sum(),
            new_bytes: content.iter().filter(|(sha256, _)| !before.contains_key(*sha256)).map(|(_, size)| size).sum(),
            current: number == now,
            content_of: record::read(mirror, number).content_of,
        });
        before = content;
    }
    Ok(rows)
}

/// The distinct contents of a generation with their sizes.
fn content(generation: &Generation) -> BTreeMap<Sha256, u64> {
    generation.files.values().map(|listed| (listed.sha256, listed.size)).collect()
}
