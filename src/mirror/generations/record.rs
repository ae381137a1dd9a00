//! What is known of a generation besides its list: when it was published, and what the last check of it found.
//! It lies beside the generations, not in them: a list and what it lists are the same bytes whenever they are made.
//! Not here: deciding anything; without it everything works as well.

use super::Error;
use disk::regular;
use disk::replace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use words::digest::Sha256;

/// The folder of the records, inside a mirror's.
const FOLDER: &str = ".state";

/// What is known of one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was published, in seconds since 1970.
    pub published: Option<u64>,
    /// The generation whose content it has, if it was published to go back to it.
    pub content_of: Option<u64>,
    /// The digest of everything that it was made from (`publish::inputs`).
    pub inputs: Option<Sha256>,
    /// What the last check found.
    pub verified: Option<Verified>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// When, in seconds since 1970.
    pub at: u64,
    /// How many files were read.
    pub read: usize,
    /// Of how many.
    pub of: usize,
    /// How many differences there were.
    pub differences: usize,
}

/// Now, in seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn file(mirror: &Path, number: u64) -> PathBuf {
    mirror.join(FOLDER).join(format!("{number}.toml"))
}

/// What is known of a generation; what cannot be read is not known.
pub fn read(mirror: &Path, number: u64) -> Record {
    let text = regular::read_text(&file(mirror, number)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// Writes down what is known of a generation.
pub fn write(mirror: &Path, number: u64, record: &Record) -> Result<(), Error> {
    let (folder, path) = (mirror.join(FOLDER), file(mirror, number));
    fs::create_dir_all(&folder).map_err(Error::of("make", &folder))?;
    let text = toml::to_string(record).expect("numbers and digests have a form in TOML");
    replace::replace(&path, text.as_bytes()).map_err(Error::of("write", &path))
}

/// Notes what a check found; a mirror that cannot be written to, such as a medium, is checked all the same.
pub fn note_check(mirror: &Path, number: u64, verified: Verified) {
    let record = Record { verified: Some(verified), ..read(mirror, number) };
    let _ = write(mirror, number, &record);
}

/// Forgets a generation that is gone; what stays only takes room.
pub(super) fn forget(mirror: &Path, number: u64) {
    let _ = fs::remove_file(file(mirror, number));
}

/// When a generation was published: as written down, else when its list was written.
pub fn published(mirror: &Path, number: u64, folder: &Path) -> Option<u64> {
    let modified = || {
        let modified = fs::metadata(folder.join(words::generation::LIST)).ok()?.modified().ok()?;
        Some(modified.duration_since(UNIX_EPOCH).ok()?.as_secs())
    };
    read(mirror, number).published.or_else(modified)
}
