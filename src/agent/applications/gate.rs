//! What one caller may have of the manager's time: so many requests a minute, and so many at work at a time.
//! Requests wait for a desk for a moment; whoever holds none finds one where others have taken all the rest.
//! Not here: connections, which are bounded where they come in.

use super::caller::Key;
use super::failure::Failure;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout_at;

/// Requests at work at a time, of all and of one caller.
pub(super) const DESKS: usize = 64;
const SHARE: usize = 16;
/// Of these, what is kept for callers who hold none.
const RESERVE: usize = 16;
/// So long a request waits for a desk.
const WAIT: Duration = Duration::from_secs(20);
/// Requests of one caller that wait.
const LONGEST_QUEUE: usize = 1024;
/// Callers that are remembered before those are forgotten who have all their requests again.
const MANY: usize = 4096;

/// All desks, and who may come how often.
pub(super) struct Gate {
    /// Requests of one caller in a minute, which may come at once.
    a_minute: u32,
    inside: Mutex<Inside>,
    left: Notify,
}

#[derive(Default)]
struct Inside {
    at_work: HashMap<Key, usize>,
    waiting: HashMap<Key, usize>,
    spent: HashMap<Key, Spent>,
}

/// What somebody has used up, as of a moment.
struct Spent {
    requests: f64,
    at: Instant,
}

/// A desk, until this is dropped.
pub(super) struct Desk {
    gate: Arc<Gate>,
    key: Key,
}

/// A place among those who wait, until this is dropped.
struct Waiting<'a> {
    gate: &'a Gate,
    key: &'a Key,
}

impl Gate {
    pub(super) fn new(a_minute: u32) -> Arc<Gate> {
        Arc::new(Gate { a_minute, inside: Mutex::default(), left: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request of a caller.
    pub(super) fn count(&self, key: &Key, now: Instant) -> Result<(), Failure> {
        let (most, mut inside) = (f64::from(self.a_minute), self.lock());
        if inside.spent.len() >= MANY {
            inside.spent.retain(|_, spent| spent.as_of(now, most) >= 1.0);
        }
        let spent = inside.spent.entry(key.clone()).or_insert(Spent { requests: 0.0, at: now });
        let requests = spent.as_of(now, most);
        if requests + 1.0 > most {
            return Err(Failure::TooMany(format!("more than {most} requests in a minute: wait a moment")));
        }
        *spent = Spent { requests: requests + 1.0, at: now };
        Ok(())
    }

    /// A desk, as soon as there is one.
    pub(super) async fn desk(self: &Arc<Gate>, key: &Key) -> Result<Desk, Failure> {
        let end = tokio::time::Instant::now() + WAIT;
        let mut waiting = None;
        loop {
            // Whoever leaves between the look and the wait is heard.
            let left = self.left.notified();
            if let Some(desk) = self.take(key) {
                return Ok(desk);
            }
            if waiting.is_none() {
                waiting = Some(self.wait(key)?);
            }
            if timeout_at(end, left).await.is_err() {
                return Err(Failure::TooMany("all are at work: wait a moment".to_owned()));
            }
        }
    }

    fn take(self: &Arc<Gate>, key: &Key) -> Option<Desk> {
        let mut inside = self.lock();
        let all: usize = inside.at_work.values().sum();
        let own = inside.at_work.get(key).copied().unwrap_or_default();
        let kept = if own == 0 { 0 } else { RESERVE };
        if all + kept >= DESKS || own >= SHARE {
            return None;
        }
        *inside.at_work.entry(key.clone()).or_default() += 1;
        Some(Desk { gate: self.clone(), key: key.clone() })
    }

    /// Nobody is at work or waits.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let inside = self.lock();
        inside.at_work.is_empty() && inside.waiting.is_empty()
    }

    fn wait<'a>(&'a self, key: &'a Key) -> Result<Waiting<'a>, Failure> {
        let mut inside = self.lock();
        let own = inside.waiting.entry(key.clone()).or_default();
        if *own >= LONGEST_QUEUE {
            return Err(Failure::TooMany(format!("{LONGEST_QUEUE} requests wait already: wait a moment")));
        }
        *own += 1;
        Ok(Waiting { gate: self, key })
    }
}

impl Spent {
    fn as_of(&self, now: Instant, most: f64) -> f64 {
        (self.requests - now.saturating_duration_since(self.at).as_secs_f64() * most / 60.0).max(0.0)
    }
}

fn one_less<K: Hash + Eq>(map: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = map.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            map.remove(key);
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        one_less(&mut self.gate.lock().at_work, &self.key);
        self.gate.left.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        one_less(&mut self.gate.lock().waiting, self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn a_caller_has_so_many_requests_a_minute_and_others_have_theirs() {
        let (gate, now) = (Gate::new(60), Instant::now());
        for _ in 0..60 {
            gate.count(&Key::User(1), now).unwrap();
        }
        assert!(matches!(gate.count(&Key::User(1), now), Err(Failure::TooMany(_))));
        gate.count(&Key::User(2), now).unwrap();
        let later = now + Duration::from_secs(2);
        assert!(gate.count(&Key::User(1), later).is_ok() && gate.count(&Key::User(1), later).is_ok());
        assert!(gate.count(&Key::User(1), later).is_err());
    }

    #[test]
    fn nobody_is_remembered_for_ever() {
        let (gate, now) = (Gate::new(60), Instant::now());
        for uid in 0..MANY as u32 {
            gate.count(&Key::User(uid), now).unwrap();
        }
        gate.count(&Key::User(0), now + Duration::from_secs(2)).unwrap();
        assert_eq!(gate.lock().spent.len(), 1);
    }

    #[test]
    fn one_caller_never_has_all_desks_and_a_desk_that_is_left_is_taken_at_once() {
        runtime().block_on(async {
            let gate = Gate::new(1000);
            let mut held = Vec::new();
            for uid in 0..3 {
                for _ in 0..SHARE {
                    held.push(gate.desk(&Key::User(uid)).await.unwrap());
                }
            }
            assert!(gate.take(&Key::User(0)).is_none(), "its share is taken");
            let other = gate.desk(&Key::User(9)).await.unwrap();
            assert!(gate.take(&Key::User(9)).is_none(), "the rest is for those who hold none");
            let (waiting, key) = (gate.clone(), Key::User(0));
            let next = tokio::spawn(async move { waiting.desk(&key).await.is_ok() });
            tokio::task::yield_now().await;
            drop(other);
            held.truncate(SHARE - 1);
            assert!(next.await.unwrap());
            drop(held);
            assert!(gate.is_idle());
        });
    }
}
