//! What housekeeping removes: an order with all that goes, and its end. Until that nothing begins from any of it.
//! Pure data, and what follows from its records.
//! Not here: what may go (`housekeeping`), and removing it (`act`).

use super::record::{Fact, Record};
use super::state::State;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use words::housekeeping::Kind;
use words::names::ApplicationName;

/// Paths that are told in one line.
const MOST_TOLD: usize = 5;

/// Something that goes, as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// What it is.
    pub kind: Kind,
    /// Where it lies.
    pub path: String,
    /// Whose it is in HDFS, as whom it is removed.
    pub owner: String,
    /// When it was changed last, in milliseconds since 1970: what was changed since stays.
    pub at_ms: u64,
    /// Why it may go.
    pub why: String,
}

/// An order that is not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaning {
    /// The application that all of it is of, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<ApplicationName>,
    /// What goes.
    pub entries: Vec<Leaving>,
}

/// What an order has left where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stayed {
    /// Where it lies.
    pub path: String,
    /// Why.
    pub why: String,
}

impl State {
    /// Goes one of these records on.
    pub(super) fn change_cleaning(&mut self, record: &Record) -> Result<(), String> {
        match &record.fact {
            Fact::CleaningOrdered(cleaning) => {
                self.mark(cleaning, record.number);
                self.cleanings.insert(record.number, Arc::new(cleaning.clone()));
            }
            Fact::CleaningEnded { order, .. } => {
                let known = self.cleanings.remove(order);
                let known = known.ok_or_else(|| format!("housekeeping has no order {order}"))?;
                self.mark(&known, record.number);
            }
            _ => {}
        }
        Ok(())
    }

    /// Where states go, it is stale what any component was to begin from that was decided before.
    fn mark(&mut self, cleaning: &Cleaning, number: u64) {
        if cleaning.entries.iter().all(|one| one.kind != Kind::Checkpoints) {
            return;
        }
        let components = self.applications.values_mut().flat_map(|one| Arc::make_mut(one).components.values_mut());
        components.for_each(|component| component.changed = number);
    }
}

/// The order in one line.
pub(super) fn told_order(cleaning: &Cleaning) -> String {
    format!("housekeeping removes {}", listed(cleaning.entries.iter().map(|one| (&*one.path, &*one.why))))
}

/// Its end in one line.
pub(super) fn told_end(removed: usize, stayed: &[Stayed]) -> String {
    match stayed {
        [] => format!("housekeeping has removed it: {removed} in all"),
        _ => format!(
            "housekeeping has removed {removed}, and left {}",
            listed(stayed.iter().map(|one| (&*one.path, &*one.why)))
        ),
    }
}

fn listed<'a>(all: impl ExactSizeIterator<Item = (&'a str, &'a str)>) -> String {
    let others = all.len().saturating_sub(MOST_TOLD);
    let told: Vec<_> = all.take(MOST_TOLD).map(|(path, why)| format!("{path} ({why})")).collect();
    let others = if others > 0 { format!(", and {others} others") } else { String::new() };
    format!("{}{others}", told.join(", "))
}
