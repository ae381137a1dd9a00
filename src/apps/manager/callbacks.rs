//! Sends each change of state to PNDA's data logger, one after the other. Who does not answer is tried again for a while, and
//! nobody waits for that: changes that are too many are left out, and that is said.
//! Not here: what has changed (`callbacks`).

use super::{Manager, lock};
use crate::callbacks::{Change, Of};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;
use systems::hook;
use words::chain::chain;
use words::parallel::AtEnd;

/// So many changes wait; more come in a day of somebody's mistake than in years of work.
const MOST: usize = 1000;
/// So often each is tried, with twice the pause after each try.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// From one look for changes to the next.
const TICK: Duration = Duration::from_millis(500);

/// Where changes are told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Callbacks {
    /// Those of packages, as in `http://console:3001/packages`.
    pub packages: Option<String>,
    /// Those of applications.
    pub applications: Option<String>,
}

impl Callbacks {
    fn of(&self, of: Of) -> Option<&str> {
        match of {
            Of::Package => self.packages.as_deref(),
            Of::Application => self.applications.as_deref(),
        }
    }

    /// Whether anybody is told.
    pub fn is_none(&self) -> bool {
        *self == Callbacks::default()
    }
}

/// Changes that wait, with their times in milliseconds since 1970.
pub(super) type Waiting = VecDeque<(u64, Change)>;

impl Manager {
    /// Has changes told, in their order.
    pub(super) fn call_back(&self, changes: impl IntoIterator<Item = Change>) {
        let mut waiting = lock(&self.changes);
        for change in changes {
            if self.site.callbacks.of(change.of).is_none() {
                continue;
            }
            if waiting.len() >= MOST {
                waiting.pop_front();
                (self.tell)("a change of state is not told: too many wait");
            }
            waiting.push_back((self.clock.now_ms(), change));
        }
    }

    pub(super) fn call_back_for_ever(&self) {
        let _end = AtEnd(|| self.close());
        while !self.closed.load(Ordering::Acquire) {
            self.call_back_now();
            self.clock.sleep(TICK);
        }
    }

    /// Tells what waits.
    pub(super) fn call_back_now(&self) {
        loop {
            let Some((at_ms, change)) = lock(&self.changes).pop_front() else { return };
            let Some(address) = self.site.callbacks.of(change.of) else { continue };
            let document = change.document(at_ms).to_string();
            let mut pause = FIRST_PAUSE;
            for tried in 1..=TRIES {
                match hook::post_to(address, &document) {
                    Ok(()) => break,
                    Err(error) if tried == TRIES || self.closed.load(Ordering::Acquire) => {
                        let what = format!("{} of {} is not told", change.state, change.id);
                        (self.tell)(&format!("{what}: {}", chain(&error)));
                        break;
                    }
                    Err(_) => self.clock.sleep(pause),
                }
                pause *= 2;
            }
        }
    }
}
