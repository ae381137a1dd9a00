//! What one user may have of what all share: applications, starts that wait, orders in a minute, room for packages.
//! Pure rules over the state; each refusal names the bound and what makes room.
//! Not here: how many requests somebody may make, which is bounded where they come in.

use crate::journal::{Application, State};
use crate::orders::Refusal;
use crate::status::phase;
use std::collections::BTreeMap;
use std::time::Duration;
use words::application::Phase;
use words::names::Word;

/// The bounds, the same for every user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Applications.
    pub applications: usize,
    /// Applications whose last order has not come to pass yet, when another one is to start.
    pub waiting: usize,
    /// Orders in a minute that the journal grows by: packages deployed, applications made and started.
    pub orders: u32,
    /// Bytes of packages in the repository.
    pub uploads: u64,
}

impl Default for Share {
    fn default() -> Share {
        Share { applications: 200, waiting: 20, orders: 120, uploads: 8 << 30 }
    }
}

/// Another application of this owner.
pub fn another_application(state: &State, owner: &Word, share: Share) -> Result<(), Refusal> {
    applications(state, owner, 1, share)
}

/// So many more applications of this owner.
pub fn applications(state: &State, owner: &Word, more: usize, share: Share) -> Result<(), Refusal> {
    let (would_have, most) = (of(state, owner).count() + more, share.applications);
    match would_have <= most {
        true => Ok(()),
        false => Err(Refusal::Forbidden(format!(
            "{owner} would have {would_have} applications, and one user may have {most}: delete {} first",
            would_have - most
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
        false => Err(Refusal::TooMany(format!(
            "{} applications of {owner} are starting or stopping already, which is all that may: wait for one",
            share.waiting
        ))),
    }
}

/// The orders of everybody in the last minute, as far as they count.
#[derive(Debug, Default)]
pub struct Pace(BTreeMap<Word, Spent>);

/// Orders, as of a moment by a clock that never goes back.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    orders: f64,
    at: Duration,
}

impl Spent {
    fn as_of(self, now: Duration, most: f64) -> f64 {
        (self.orders - now.saturating_sub(self.at).as_secs_f64() * most / 60.0).max(0.0)
    }
}

impl Pace {
    /// Another order. Stops, deletions and undeployments are not asked about: they make room, and there are no more of them.
    pub fn another_order(&mut self, by: &Word, share: Share, now: Duration) -> Result<(), Refusal> {
        let most = f64::from(share.orders);
        self.0.retain(|_, spent| spent.as_of(now, most) > 0.0);
        let orders = self.0.get(by).map_or(0.0, |spent| spent.as_of(now, most)) + 1.0;
        if orders > most {
            let wait = ((orders - most) * 60.0 / most).ceil();
            return Err(Refusal::TooMany(format!(
                "{by} has deployed, made, started and saved so much that another order may come in {wait} s: one user has {most} a minute"
            )));
        }
        self.0.insert(by.clone(), Spent { orders, at: now });
        Ok(())
    }
}

fn of<'a>(state: &'a State, owner: &'a Word) -> impl Iterator<Item = &'a Application> {
    state.applications.values().map(AsRef::as_ref).filter(move |application| application.owner == *owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_has_so_many_orders_a_minute_and_others_have_theirs() {
        let (mut pace, share) = (Pace::default(), Share { orders: 30, ..Share::default() });
        let mut order = |by: &str, second| {
            let by = Word::new(by).unwrap();
            pace.another_order(&by, share, Duration::from_secs(second))
        };
        for _ in 0..30 {
            order("alice", 100).unwrap();
        }
        let told = order("alice", 100).unwrap_err().to_string();
        assert!(told.contains("in 2 s: one user has 30 a minute"), "{told}");
        order("bob", 100).unwrap();
        assert!(order("alice", 101).is_err());
        order("alice", 102).unwrap();
        assert!(order("alice", 102).is_err());
        assert!((0..30).all(|_| order("alice", 200).is_ok()));
        assert_eq!(pace.0.len(), 1, "who has all of them again is forgotten");
    }
}
