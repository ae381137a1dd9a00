//! Another node is to manage: what is being done here is done to its end, then that node is named, and it goes on.
//! Not here: which node manages (`holder`), and what it does.
//! Where the other one is not there, this one takes over again.

use super::{Manager, lock, unavailable};
use crate::orders::{Caller, Refusal};
use std::time::Duration;
use words::chain::chain;
use words::names::Word;

/// So long what is being done may take; what takes longer finds out by the journal that others go on.
const PATIENCE: Duration = Duration::from_secs(20);

impl Manager {
    /// Has another node manage.
    pub fn hand_over(&self, to: &Word, by: &Caller) -> Result<(), Refusal> {
        if !by.is_admin {
            return Err(Refusal::Forbidden("which node manages is for administrators to say".to_owned()));
        }
        let elsewhere = lock(&self.since).elsewhere.clone();
        if let Some(why) = elsewhere {
            return Err(Refusal::Conflict(format!("this node does not manage: {why}")));
        }
        if to.as_str() == self.holder.node() {
            return Err(Refusal::Conflict(format!("{to} manages already")));
        }
        if let Some(owner) = lock(&self.clients).first() {
            let why = format!("Flink's own client submits something of {owner} from this node: ask again in a moment");
            return Err(Refusal::Conflict(why));
        }
        let begun = self.clock.passed();
        if !self.holder.part(to.as_str(), begun) {
            return Err(unavailable(self.silent().unwrap_or_else(|| "this node does not manage now".to_owned())));
        }
        lock(&self.since).elsewhere = Some(format!("{to} is to manage the applications of this cluster"));
        while !lock(&self.crew).is_idle() && self.clock.passed() < begun + PATIENCE {
            self.clock.sleep(Duration::from_millis(50));
        }
        if !self.holder.hand_over(&self.hdfs, to.as_str()).map_err(|error| unavailable(chain(&error)))? {
            return Err(Refusal::Conflict("another node manages by now: `pnda app list` says which".to_owned()));
        }
        (self.tell)(&format!("{}: {to} is to manage the applications of this cluster", by.name));
        Ok(())
    }
}
