//! What one user may have of what all share: applications, starts that wait, room for packages on the node's disk.
//! Pure rules over the state; each refusal names the bound and what makes room.
//! Not here: how many requests somebody may make, which is bounded where they come in.

use crate::journal::{Application, State};
use crate::orders::Refusal;
use crate::status::phase;
use words::application::Phase;
use words::names::Word;

/// The bounds, the same for every user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Applications.
    pub applications: usize,
    /// Applications whose last order has not come to pass yet, when another one is to start.
    pub waiting: usize,
    /// Bytes of packages in the repository.
    pub uploads: u64,
}

impl Default for Share {
    fn default() -> Share {
        Share { applications: 200, waiting: 20, uploads: 8 << 30 }
    }
}

/// Another application of this owner.
pub fn another_application(state: &State, owner: &Word, share: Share) -> Result<(), Refusal> {
    match of(state, owner).count() < share.applications {
        true => Ok(()),
        false => Err(Refusal::Forbidden(format!(
            "{owner} has {} applications, which is all that one user may have: delete one first",
            share.applications
        ))),
    }
}

/// Another start of an application of this owner. Stops and deletions are never refused for this: they make room.
pub fn another_start(state: &State, owner: &Word, share: Share) -> Result<(), Refusal> {
    let waits = |application: &&Application| {
        matches!(phase(application), Phase::Starting | Phase::Stopping | Phase::Destroying)
    };
    match of(state, owner).filter(waits).count() < share.waiting {
        true => Ok(()),
        false => Err(Refusal::Forbidden(format!(
            "{} applications of {owner} are starting or stopping already, which is all that may: wait for one",
            share.waiting
        ))),
    }
}

fn of<'a>(state: &'a State, owner: &'a Word) -> impl Iterator<Item = &'a Application> {
    state.applications.values().map(AsRef::as_ref).filter(move |application| application.owner == *owner)
}
