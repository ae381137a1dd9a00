//! What follows while Flink's own client submits a component, which chooses the id itself: it is found by its tag in YARN, or by
//! the id in the client's log, and only what surely submitted nothing is over.
//! Not here: starting the client, and reading what it left (`client`).
//!
//! Open doubt stays open: another try is never its end. A person who has made sure orders a stop without a savepoint.

use super::{Action, Rest, cannot_see, needs_none};
use crate::journal::{Attempt, Component, Wanted};
use words::ids::ApplicationId;

/// What was seen of a submission by Flink's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What YARN says.
    pub found: Found,
    /// What was left on this node, looked at before YARN was asked.
    pub trail: Trail,
}

/// What YARN says of the tag, and of the id in the client's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It does not answer.
    Hidden { hop: &'static str, why: String },
    /// It has none.
    None,
    /// It has this one; whether it is stored already, so that the client may go.
    Known { id: ApplicationId, is_stored: bool },
}

/// What the client left on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trail {
    /// Nothing, or nothing that proves anything: another node started it, or the machine was off.
    None,
    /// It runs.
    Running,
    /// It has ended: with the id that it was about to use, and its last words.
    Ended { id: Option<ApplicationId>, words: String },
}

/// So long after its start no client can run any more, whatever clocks say: three minutes, and a margin.
const LONGEST_MS: u64 = 10 * 60_000;
/// What came to nothing is tried again after this, then after twice as long, up to the longest.
const FIRST_PAUSE_MS: u64 = 10_000;
const LONGEST_PAUSE_MS: u64 = 5 * 60_000;

/// What it waits for while the client runs.
pub const SUBMITS: &str = "Flink's client submits it";
/// What it waits for where nobody can tell.
pub const DOUBT: &str = "nobody knows whether Flink's client has submitted it: it is found as soon as YARN has its tag; \
                         a stop without a savepoint ends the doubt, ten minutes after the client was started";

/// When it is tried again, in milliseconds since 1970, where the client came to nothing.
pub fn again_at(component: &Component) -> Option<u64> {
    let refusals = component.refusals.as_ref()?;
    let pause = FIRST_PAUSE_MS << refusals.count.saturating_sub(1).min(10);
    Some(refusals.at_ms + pause.min(LONGEST_PAUSE_MS))
}

/// Decides.
pub(super) fn next(wanted: &Wanted, attempt: &Attempt, tried: &Tried, now_ms: u64) -> Action {
    let shall_run = matches!(wanted, Wanted::Created | Wanted::Started { .. });
    let ended = |why: &str, has_failed| Action::ClientEnded { why: why.to_owned(), has_failed };
    let Some(begun) = &attempt.begun else {
        // Whoever is about to start it writes that first, and learns that something else was written.
        return if shall_run { Action::Client } else { ended("it shall not run any more", false) };
    };
    let is_surely_over = now_ms >= begun.at_ms + LONGEST_MS;
    match (&tried.found, &tried.trail) {
        (Found::Hidden { hop, why }, _) => cannot_see(hop, why),
        (Found::None | Found::Known { is_stored: false, .. }, Trail::Running) => Action::Rest(Rest::Waits(SUBMITS)),
        (Found::Known { id, .. }, _) => Action::Found { id: id.clone(), refused: None },
        // Its request may still be under way: from here on it is a run like any other, whose id is occupied.
        (Found::None, Trail::Ended { id: Some(id), words }) => {
            Action::Found { id: id.clone(), refused: shall_run.then(|| words.clone()) }
        }
        (Found::None, Trail::Ended { id: None, words }) => ended(words, shall_run && !words.is_empty()),
        (Found::None, Trail::None) if needs_none(wanted) && is_surely_over => {
            ended("nobody could tell, and nobody waits for it", false)
        }
        (Found::None, Trail::None) => Action::Rest(Rest::Waits(DOUBT)),
    }
}
