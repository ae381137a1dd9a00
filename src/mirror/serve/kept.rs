//! Small files of a generation, as they were read first: metadata is asked for again and again by every node.
//! A generation never changes, so nothing here grows old; what does not fit is read from its file each time.
//! Not here: reading.

use super::form::{Content, Form};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use words::names::SafePath;

/// Bytes that are kept in all; nothing is dropped for others, so whoever reads everything costs nobody else anything.
const MOST: usize = 128 << 20;
/// What an entry takes besides its bytes, roughly.
const ENTRY: usize = 512;

/// The small files of one generation.
#[derive(Default)]
pub(super) struct Kept(RwLock<(HashMap<SafePath, Form>, usize)>);

impl Kept {
    /// A file that was kept.
    pub(super) fn get(&self, path: &SafePath) -> Option<Form> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).0.get(path).cloned()
    }

    /// Keeps a small file, if there is room. One whose time is not told yet is too young to be kept.
    pub(super) fn keep(&self, path: &SafePath, form: &Form) {
        let Content::Small(bytes) = &form.content else { return };
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let size = bytes.len() + ENTRY;
        if form.validators.modified.is_some() && kept.1 + size <= MOST && !kept.0.contains_key(path) {
            kept.0.insert(path.clone(), form.clone());
            kept.1 += size;
        }
    }
}
