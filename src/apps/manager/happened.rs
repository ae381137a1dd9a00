//! What happened to all applications, from a number on, as far as somebody may see it: read from this node's copy of the
//! journal, a piece at a time, so that nobody who reads slowly is waited for or stored for.
//! Not here: who may see what of whom, which is asked of the caller.

use super::{Manager, lock, unavailable};
use crate::journal::{Book, CopyError, Fact, Record};
use crate::orders::Refusal;
use std::collections::BTreeMap;
use words::chain::chain;
use words::happened::{Happened, Page};
use words::names::{ApplicationName, Word};

/// So many records are read at a time.
const MOST: u32 = 200;

impl Manager {
    /// The number of the last record.
    pub fn number(&self) -> u64 {
        lock(&self.known).as_ref().map_or(0, |state| state.number)
    }

    /// What happened after a number, or last. `sees` says of an owner whether his applications may be seen.
    pub fn happened(&self, after: Option<u64>, sees: impl Fn(&Word) -> bool) -> Result<Page, Refusal> {
        let (last, from, records, missed) = self.read_book(|book| {
            let last = book.state.number;
            let from = after.unwrap_or(last.saturating_sub(MOST.into()));
            Ok((last, from, book.records_after(from, MOST)?, after.is_some() && book.lacks_after(from)?))
        })?;
        let records = self.owned(records)?;
        // Records that only the journal has by now come next time.
        let after = records.last().map_or(from, |(record, _)| record.number);
        let is_seen = |(record, owner): &Owned| match (&record.fact, record.fact.application()) {
            (_, Some(_)) => owner.as_ref().is_some_and(&sees),
            (Fact::PackageDeployed { .. } | Fact::PackageUndeployed { .. }, None) => true,
            // What the manager does for itself.
            (_, None) => sees(&self.site.user),
        };
        let seen = records.into_iter().filter(is_seen);
        Ok(Page { events: seen.map(|(record, _)| told(record)).collect(), after, more: after < last, missed })
    }
}

/// A record with the owner of its application.
type Owned = (Record, Option<Word>);

impl Manager {
    /// One question to the book: who orders waits for no more than one.
    fn read_book<T>(&self, what: impl FnOnce(&Book) -> Result<T, CopyError>) -> Result<T, Refusal> {
        match lock(&self.book).as_ref() {
            Some(book) => what(book).map_err(|error| unavailable(chain(&error))),
            None => Err(unavailable(self.silent().unwrap_or_default())),
        }
    }

    /// The records, each with whose application it is about: a name may have been somebody else's before.
    fn owned(&self, records: Vec<Record>) -> Result<Vec<Owned>, Refusal> {
        let mut owners: BTreeMap<ApplicationName, Option<Word>> = BTreeMap::new();
        let mut all = Vec::with_capacity(records.len());
        for record in records {
            let owner = match (record.fact.application(), &record.fact) {
                (None, _) => None,
                (Some(name), Fact::ApplicationCreated { owner, .. }) => {
                    owners.insert(name.clone(), Some(owner.clone()));
                    Some(owner.clone())
                }
                (Some(name), _) => match owners.get(name) {
                    Some(owner) => owner.clone(),
                    None => {
                        let owner = self.read_book(|book| book.owner_at(name, record.number))?;
                        owners.insert(name.clone(), owner.clone());
                        owner
                    }
                },
            };
            all.push((record, owner));
        }
        Ok(all)
    }
}

fn told(record: Record) -> Happened {
    let (component, what) = record.fact.told();
    let (component, application) = (component.cloned(), record.fact.application().cloned());
    let kind = record.fact.kind();
    Happened { number: record.number, at_ms: record.at_ms, by: record.by, kind, application, component, what }
}
