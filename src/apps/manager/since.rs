//! Since when things are seen to be so: that nothing can be recorded, that somebody does not answer, that YARN has no room.
//! Kept in memory: a manager that begins anew counts from its first look.
//! Not here: what follows from it (`alarms`).

use crate::alarms::SinceWhen;
use crate::decide::{Observed, Yarn};
use crate::journal::Key;
use std::collections::BTreeMap;
use systems::yarn::State;

/// Moments in milliseconds since 1970.
#[derive(Default)]
pub(super) struct Since {
    /// Nothing can be recorded.
    pub(super) silent: Option<u64>,
    /// Another node manages: which, and what that means here.
    pub(super) elsewhere: Option<String>,
    of: BTreeMap<Key, (SinceWhen, Option<u64>)>,
}

impl Since {
    /// Of a component.
    pub(super) fn of(&self, of: &Key) -> SinceWhen {
        self.of.get(of).map(|(since, _)| *since).unwrap_or_default()
    }

    /// Forgets components that are none any more.
    pub(super) fn retain(&mut self, has: impl Fn(&Key) -> bool) {
        self.of.retain(|of, _| has(of));
    }

    /// Notes whether somebody who was asked about it did not answer.
    pub(super) fn saw_whether_hidden(&mut self, of: &Key, is_hidden: bool, now_ms: u64) {
        let (since, _) = self.of.entry(of.clone()).or_default();
        since.hidden_ms = is_hidden.then(|| since.hidden_ms.unwrap_or(now_ms));
    }

    /// Notes a look.
    pub(super) fn saw(&mut self, of: &Key, observed: &Observed, now_ms: u64) {
        self.saw_whether_hidden(of, observed.is_hidden(), now_ms);
        let (since, last) = self.of.entry(of.clone()).or_default();
        let keep = |is_so: bool, since: Option<u64>| is_so.then(|| since.unwrap_or(now_ms));
        // What is not seen is as it was.
        let Yarn::Known(seen) = &observed.yarn else {
            if matches!(observed.yarn, Yarn::NoRun | Yarn::Unknown { .. }) {
                (since.waiting_ms, since.another_attempt_ms, *last) = (None, None, None);
            }
            return;
        };
        let waits = [State::New, State::NewSaving, State::Submitted, State::Accepted].contains(&seen.state);
        since.waiting_ms = keep(waits, since.waiting_ms);
        if seen.attempt != *last {
            since.another_attempt_ms = None;
        }
        since.another_attempt_ms = keep(seen.attempt.is_some_and(|attempt| attempt > 1), since.another_attempt_ms);
        *last = seen.attempt;
    }
}
