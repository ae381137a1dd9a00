//! The moment from which a run may come to be: what is shipped is sent directly after the journal has that it begins, and a run
//! of which that was never written was never sent.
//! Not here: shipping, and what is decided.

use super::carry_out::{Failed, LONGEST_REASON, is_same, start_failed};
use super::{Manager, unavailable};
use crate::journal::{End, Fact, Key, Run, State, Verdict};
use crate::orders::Refusal;
use crate::submit::placeholder::placeholder;
use std::sync::Arc;
use std::time::{Duration, Instant};
use words::chain::chain;

/// A request leaves so soon after its record, or not at all: a program that was held in between knows nothing of what others
/// have done since.
const FRESH: Duration = Duration::from_secs(30);

impl Manager {
    /// Submits what is intended. What YARN or HDFS refuses for good ends the run and the order.
    pub(super) fn submit(&self, state: &State, of: &Key, run: &Run) -> Result<(), Refusal> {
        let Some(owner) = state.applications.get(&of.application).map(|one| &one.owner) else { return Ok(()) };
        let context = match self.ship(state, of, run) {
            Ok(context) => context,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => return self.give_up(state, of, run, why),
        };
        let state = self.begin(state, of, run)?;
        match self.hands().submit(owner, &context) {
            // From here on it is never submitted again: an id that YARN forgets would run a second time (measured).
            Ok(()) => self.record(&state, of, accepted(of, run)),
            // A queue that is stopped for a while must not end what has run for months.
            Err(error) if error.is_final() && !run.is_respawn => self.give_up(&state, of, run, chain(&error)),
            Err(error) => Err(unavailable(chain(&error))),
        }
    }

    /// Writes down that the request leaves now: whoever is late learns it here. It is written for each request, for a second
    /// one may be as late as the first.
    fn begin(&self, state: &State, of: &Key, run: &Run) -> Result<Arc<State>, Refusal> {
        let before = Instant::now();
        self.record(state, of, Fact::SubmissionBegun { of: of.clone(), id: run.id.clone() })?;
        let took = before.elapsed();
        match took <= FRESH {
            true => self.state(),
            false => Err(unavailable(format!("it took {} s to record that it is submitted", took.as_secs()))),
        }
    }

    /// It can never be submitted. `run` is as it was before this try.
    fn give_up(&self, state: &State, of: &Key, run: &Run, why: String) -> Result<(), Refusal> {
        // An earlier try, of which nobody knew, may have come through since it was looked at.
        if self.yarn.application(&run.id).map_err(|error| unavailable(chain(&error)))?.is_some() {
            return self.record(state, of, accepted(of, run));
        }
        let failed = start_failed(of, run.is_respawn, why.clone());
        let why: String = why.chars().take(LONGEST_REASON).collect();
        if run.begun {
            // It may still be under way. From now on nothing shall run, and so its id is occupied.
            return self.record(state, of, failed);
        }
        let end = End { at_ms: Some(self.clock.now_ms()), ..End::of(Verdict::Failed, why) };
        self.note(&self.site.user, |now| match is_same(state, now, of) {
            // If only the first of them is written, what is left of the run is ended by what follows from it.
            true => Ok((vec![failed, Fact::RunEnded { of: of.clone(), id: run.id.clone(), end }], ())),
            false => Err(Refusal::Conflict("it has changed meanwhile".to_owned())),
        })
    }

    /// Has YARN take the id of a run that shall not come to be any more. That is ended like any other then.
    pub(super) fn occupy(&self, state: &State, of: &Key, run: &Run) -> Result<(), Refusal> {
        let Some(owner) = state.applications.get(&of.application).map(|one| &one.owner) else { return Ok(()) };
        match self.hands().submit(owner, &placeholder(&self.site.cluster, of, run)) {
            // Which of the two came first, YARN says when it is looked at again.
            Ok(()) => Ok(()),
            Err(error) if error.is_final() => {
                if self.yarn.application(&run.id).map_err(|error| unavailable(chain(&error)))?.is_some() {
                    return Ok(());
                }
                // What YARN refuses to take at all it refuses to take late, too.
                let end = End { at_ms: Some(self.clock.now_ms()), ..End::of(Verdict::Failed, chain(&error)) };
                self.record(state, of, Fact::RunEnded { of: of.clone(), id: run.id.clone(), end })
            }
            Err(error) => Err(unavailable(chain(&error))),
        }
    }
}

fn accepted(of: &Key, run: &Run) -> Fact {
    Fact::RunAccepted { of: of.clone(), id: run.id.clone(), is_placeholder: false }
}
