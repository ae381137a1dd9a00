//! Whether it is time for a savepoint that nobody ordered. Pure.
//! However many intervals have passed, one savepoint makes up for all of them; one that failed is tried again after an interval.
//! Not here: whether one can be taken now, and how many stay (`retention`).

use crate::journal::{Component, Run};

/// Whether a savepoint of a run is due.
pub fn is_due(component: &Component, run: &Run, now_ms: u64) -> bool {
    let Some(saving) = run.saving else { return false };
    // One that was ordered counts too.
    let asked = component.savepoints.iter().filter(|one| one.run == run.id).map(|one| one.at_ms);
    let last = asked.max().unwrap_or(run.at_ms);
    // A clock that was set back makes nobody wait.
    now_ms < last || now_ms - last >= saving.interval_ms
}
