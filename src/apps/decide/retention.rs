//! Which savepoint that nobody ordered goes, by count and age. Pure.
//! Never the newest, never one that somebody needs, never one that a person ordered or made; one at a time.
//! Not here: whether the newest one is still whole in HDFS, which is looked up before anything goes (`manager::savepoints`).

use super::dispose;
use crate::journal::{Key, Outcome, Savepoint, State};
use words::ids::TriggerId;

/// A savepoint that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Its id.
    pub id: TriggerId,
    /// With what is removed.
    pub folder: String,
    /// The folder of the newest one, which must be whole.
    pub newest: String,
}

/// The oldest of a component that is beyond what stays.
pub fn beyond(state: &State, of: &Key, now_ms: u64) -> Option<Beyond> {
    let component = state.applications.get(&of.application)?.components.get(&of.component)?;
    let saving = component.run.as_ref()?.saving?;
    let is_kept = |one: &&Savepoint| !component.is_disposed(&one.id);
    let newest = component.savepoints.iter().filter(is_kept).rfind(|one| one.path().is_some())?;
    let before = component.savepoints.iter().take_while(|one| one.id != newest.id);
    let own: Vec<&Savepoint> = before.filter(is_kept).filter(|one| one.periodic).collect();
    let completed = own.iter().filter(|one| one.path().is_some()).count() + usize::from(newest.periodic);
    let mut too_many = completed.saturating_sub(saving.keep as usize);
    for one in own {
        let is_old = saving.keep_ms.is_some_and(|keep| now_ms.saturating_sub(one.at_ms) > keep);
        let goes = match one.outcome {
            Outcome::Pending => false,
            // There is a newer one, so what failed is nobody's state.
            Outcome::Failed(_) => true,
            Outcome::Completed(_) => is_old || too_many > 0,
        };
        // One that somebody needs takes the place of another one.
        let is_free = || dispose::dispose(state, of, &one.id, &one.folder).is_ok();
        if goes && is_free() {
            let (id, folder) = (one.id.clone(), one.folder.clone());
            return Some(Beyond { id, folder, newest: newest.folder.clone() });
        }
        if one.path().is_some() {
            too_many = too_many.saturating_sub(1);
        }
    }
    None
}
