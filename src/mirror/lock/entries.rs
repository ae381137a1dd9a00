//! The entries of a manifest that want an artifact: a set of names, of which a lock has very many and few that differ.
//! Clones share one set; it is copied when one of them gets another name.
//! Not here: what an entry asks for (`manifest`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use words::names::Word;

/// Names of entries, each once, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "BTreeSet<Word>", into = "BTreeSet<Word>")]
pub struct Entries(Arc<BTreeSet<Word>>);

impl Deref for Entries {
    type Target = BTreeSet<Word>;

    fn deref(&self) -> &BTreeSet<Word> {
        &self.0
    }
}

impl From<BTreeSet<Word>> for Entries {
    fn from(names: BTreeSet<Word>) -> Entries {
        Entries(Arc::new(names))
    }
}

impl From<Entries> for BTreeSet<Word> {
    fn from(entries: Entries) -> BTreeSet<Word> {
        Arc::unwrap_or_clone(entries.0)
    }
}

impl From<Word> for Entries {
    fn from(name: Word) -> Entries {
        BTreeSet::from([name]).into()
    }
}

impl FromIterator<Word> for Entries {
    fn from_iter<I: IntoIterator<Item = Word>>(names: I) -> Entries {
        BTreeSet::from_iter(names).into()
    }
}

impl Entries {
    /// These, and others with them.
    pub(super) fn join(&mut self, others: &Entries) {
        if !others.is_subset(self) {
            Arc::make_mut(&mut self.0).extend(others.iter().cloned());
        }
    }

    /// Whether it has exactly these names, in their order.
    pub(super) fn are(&self, names: &[&str]) -> bool {
        self.iter().map(Word::as_str).eq(names.iter().copied())
    }
}
