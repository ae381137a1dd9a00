//! The board: the newest round, when it came, and what the agent counts about itself.
//! One thread writes it, pages and senders read it; only the newest round is kept, so nothing can pile up.
//! Not here: any rendering.

use super::health::Round;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After how many intervals without a new round the last one says nothing about now.
const STALE_AFTER: u32 = 3;

/// What is known at a moment. Not seeing is never the same as seeing that it is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// No round has ended yet.
    Nothing,
    /// The last round is too old to speak of now.
    Stale { last: Arc<Round>, age: Duration },
    /// This is how it is.
    Fresh(Arc<Round>),
}

impl View {
    /// The round behind it, however old.
    pub fn last(&self) -> Option<&Round> {
        match self {
            View::Nothing => None,
            View::Stale { last, .. } => Some(last),
            View::Fresh(round) => Some(round),
        }
    }

    /// The round, if it speaks of now.
    pub fn fresh(&self) -> Option<&Round> {
        match self {
            View::Fresh(round) => Some(round),
            _ => None,
        }
    }

    /// Why nothing is known of now.
    pub fn blindness(&self) -> Option<String> {
        match self {
            View::Nothing => Some("the agent has not looked yet".to_owned()),
            View::Stale { last, age } => {
                Some(format!("the agent has not looked for {} s; the last time it was {}", age.as_secs(), last.health))
            }
            View::Fresh(_) => None,
        }
    }
}

/// What the agent counts about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rounds since the start.
    pub rounds: u64,
    /// Deliveries that failed, by receiver; a receiver is there from the start, with 0.
    pub failures: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct State {
    last: Option<(Arc<Round>, Instant)>,
    counts: Counts,
}

/// The shared board.
pub struct Board {
    stale_after: Duration,
    state: Mutex<State>,
    news: Condvar,
}

impl Board {
    /// An empty board for rounds that come every `interval`.
    pub fn new(interval: Duration, receivers: impl IntoIterator<Item = &'static str>) -> Board {
        let failures = receivers.into_iter().map(|name| (name, 0)).collect();
        let state = State { last: None, counts: Counts { rounds: 0, failures } };
        Board { stale_after: interval * STALE_AFTER, state: Mutex::new(state), news: Condvar::new() }
    }

    /// Puts up a new round.
    pub fn put(&self, round: Round, now: Instant) {
        let mut state = self.lock();
        state.last = Some((Arc::new(round), now));
        state.counts.rounds += 1;
        drop(state);
        self.news.notify_all();
    }

    /// What is known at `now`, and the counts.
    pub fn view(&self, now: Instant) -> (View, Counts) {
        let state = self.lock();
        let view = match &state.last {
            None => View::Nothing,
            Some((last, then)) => match now.saturating_duration_since(*then) {
                age if age > self.stale_after => View::Stale { last: last.clone(), age },
                _ => View::Fresh(last.clone()),
            },
        };
        (view, state.counts.clone())
    }

    /// Waits for a round after the `seen`th; gives its number with it.
    pub fn next(&self, seen: u64) -> (u64, Arc<Round>) {
        let mut state = self.lock();
        loop {
            match &state.last {
                Some((round, _)) if state.counts.rounds > seen => return (state.counts.rounds, round.clone()),
                _ => state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Counts a delivery that failed.
    pub fn count_failure(&self, receiver: &'static str) {
        *self.lock().counts.failures.entry(receiver).or_default() += 1;
    }

    /// A thread that panicked while it held the board has written nothing by halves: each write is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::judge;

    #[test]
    fn a_round_grows_stale_after_three_intervals() {
        let board = Board::new(Duration::from_secs(10), []);
        let start = Instant::now();
        assert_eq!(board.view(start).0, View::Nothing);
        board.put(judge(None, 7), start);
        let at = |seconds| board.view(start + Duration::from_secs(seconds)).0;
        assert_eq!(at(30).fresh().map(|round| round.at_ms), Some(7));
        assert_eq!(at(31).blindness().as_deref(), Some("the agent has not looked for 31 s; the last time it was OK"));
        assert!(at(31).fresh().is_none() && at(31).last().is_some());
    }

    #[test]
    fn a_slow_reader_gets_the_newest_round_alone() {
        let board = Board::new(Duration::from_secs(10), ["graphite"]);
        let now = Instant::now();
        board.put(judge(None, 1), now);
        board.put(judge(None, 2), now);
        let (seen, round) = board.next(0);
        assert_eq!((seen, round.at_ms), (2, 2));
        let waiting = std::thread::scope(|scope| {
            let reader = scope.spawn(|| board.next(seen).1.at_ms);
            board.put(judge(None, 3), now);
            reader.join().unwrap()
        });
        assert_eq!(waiting, 3);
    }
}
