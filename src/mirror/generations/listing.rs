//! What a mirror keeps, a row a generation: when, how much, and how much of it is its own.
//! Everything is read from the lists; no file is opened.
//! Not here: whether it is whole (`verify`).

use super::{Error, current, gather, head, numbers, place, record};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use words::digest::Sha256;
use words::generation::{Head, Listed};
use words::names::SafePath;

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
    let now = head(&served)?.number;
    let mut folders: Vec<PathBuf> = numbers(mirror)?.into_iter().map(|number| place(mirror, number)).collect();
    if folders.is_empty() {
        folders.push(served);
    }
    let mut rows = Vec::new();
    let mut before = BTreeMap::new();
    for folder in &folders {
        let (Head { number, .. }, Sum { files, bytes, content }) = gather(folder, Sum::add)?;
        rows.push(Row {
            number,
            published: record::published(mirror, number, folder),
            files,
            bytes,
            new_bytes: content.iter().filter(|(sha256, _)| !before.contains_key(*sha256)).map(|(_, size)| size).sum(),
            current: number == now,
            content_of: record::read(mirror, number).content_of,
        });
        before = content;
    }
    Ok(rows)
}

/// What a generation holds, and its distinct contents with their sizes.
#[derive(Default)]
struct Sum {
    files: usize,
    bytes: u64,
    content: BTreeMap<Sha256, u64>,
}

impl Sum {
    fn add(&mut self, _: SafePath, listed: Listed) {
        self.files += 1;
        self.bytes += listed.size;
        self.content.insert(listed.sha256, listed.size);
    }
}
