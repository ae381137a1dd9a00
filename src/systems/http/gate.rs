//! One gate for all requests of a program: so many at once to one host, so many at once altogether.
//! Those that share a connection (HTTP/2) are counted by themselves; which host offers that, its answers tell.
//! A host that asks to be left alone is left alone by everybody, not only by the request that was told.
//! Not here: what a request asks.

use super::options::Bounds;
use crate::client::Speaks;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Who may go now.
#[derive(Debug)]
pub struct Gate {
    bounds: Bounds,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Requests with a connection of their own, to all hosts.
    busy: usize,
    hosts: BTreeMap<String, Host>,
}

#[derive(Debug, Default)]
struct Host {
    /// Requests with a connection of their own.
    busy: usize,
    /// Requests that share one.
    streams: usize,
    /// Whether its last answer shared its connection.
    shares: bool,
    paused_until: Option<Instant>,
}

impl State {
    /// One request more or less to a host.
    fn count(&mut self, host: &str, shares: bool, add: bool) {
        let step = |count: &mut usize| *count = if add { *count + 1 } else { *count - 1 };
        let known = self.hosts.entry(host.to_owned()).or_default();
        if shares {
            step(&mut known.streams);
        } else {
            step(&mut known.busy);
            step(&mut self.busy);
        }
    }
}

/// One request that is under way; dropped, it makes room for the next.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    host: String,
    speaks: Speaks,
    shares: bool,
}

impl Gate {
    /// A gate that lets so many through at once, and at least one.
    pub fn new(bounds: Bounds) -> Gate {
        let Bounds { per_host, streams, at_once } = bounds;
        let bounds = Bounds { per_host: per_host.max(1), streams: streams.max(1), at_once: at_once.max(1) };
        Gate { bounds, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until one more request may go to a host.
    /// One that is paused for longer than `patience` is not waited for: the error is the time that is left.
    pub fn enter(self: &Arc<Gate>, host: &str, speaks: Speaks, patience: Duration) -> Result<Permit, Duration> {
        let Bounds { per_host, streams, at_once } = self.bounds;
        let mut state = self.state();
        loop {
            let known = state.hosts.entry(host.to_owned()).or_default();
            let paused = known.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
            let paused = paused.filter(|left| !left.is_zero());
            if let Some(left) = paused.filter(|left| *left > patience) {
                return Err(left);
            }
            let shares = known.shares && speaks == Speaks::Http2;
            let (host_busy, host_streams) = (known.busy, known.streams);
            let has_room = if shares { host_streams < streams } else { host_busy < per_host && state.busy < at_once };
            if paused.is_none() && has_room {
                state.count(host, shares, true);
                return Ok(Permit { gate: self.clone(), host: host.to_owned(), speaks, shares });
            }
            state = match paused {
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Nobody goes to this host for so long.
    pub fn pause(&self, host: &str, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else { return };
        let mut state = self.state();
        let known = state.hosts.entry(host.to_owned()).or_default();
        known.paused_until = known.paused_until.max(Some(until));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// The answer is there, on a connection that it shares or on one of its own.
    pub fn answered(&mut self, shares: bool) {
        let mut state = self.gate.state();
        if self.speaks == Speaks::Http2 {
            state.hosts.entry(self.host.clone()).or_default().shares = shares;
        }
        if self.shares != shares {
            state.count(&self.host, self.shares, false);
            state.count(&self.host, shares, true);
            self.shares = shares;
            self.gate.changed.notify_all();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.state().count(&self.host, self.shares, false);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LONG: Duration = Duration::from_secs(60);

    fn gate(per_host: usize, at_once: usize) -> Arc<Gate> {
        Arc::new(Gate::new(Bounds { per_host, streams: 5, at_once }))
    }

    /// The most that were inside at once, when twenty wanted to.
    fn most(gate: &Arc<Gate>, hosts: &[&str], speaks: Speaks) -> usize {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for at in 0..20 {
                let (gate, inside, most) = (gate.clone(), &inside, &most);
                scope.spawn(move || {
                    let _permit = gate.enter(hosts[at % hosts.len()], speaks, LONG).unwrap();
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(2));
                    inside.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        most.into_inner()
    }

    #[test]
    fn a_host_and_all_hosts_are_bounded() {
        for speaks in [Speaks::Http1, Speaks::Http2] {
            assert!(most(&gate(3, 16), &["a"], speaks) <= 3);
            assert!(most(&gate(3, 4), &["a", "b", "c"], speaks) <= 4);
        }
    }

    #[test]
    fn requests_that_share_a_connection_have_a_bound_of_their_own() {
        let gate = gate(1, 1);
        let enter = |speaks| gate.enter("a", speaks, LONG).unwrap();
        let mut first = enter(Speaks::Http2);
        first.answered(true);
        let mut own = enter(Speaks::Http1);
        own.answered(false);
        assert!((2..=5).contains(&most(&gate, &["a"], Speaks::Http2)));
        drop((first, own));
        let mut last = enter(Speaks::Http2);
        last.answered(false);
        assert!(gate.state().busy == 1 && gate.state().hosts["a"].streams == 0, "the host has changed its mind");
        drop(last);
        assert_eq!(most(&gate, &["a"], Speaks::Http2), 1);
    }

    #[test]
    fn a_paused_host_is_waited_for_and_a_closed_one_is_not() {
        let gate = gate(6, 16);
        gate.pause("a", Duration::from_millis(50));
        let began = Instant::now();
        drop(gate.enter("a", Speaks::Http2, LONG).unwrap());
        assert!(began.elapsed() >= Duration::from_millis(50));
        gate.pause("b", Duration::from_secs(86_400));
        assert!(gate.enter("b", Speaks::Http2, LONG).unwrap_err() > LONG);
        drop(gate.enter("a", Speaks::Http2, LONG).unwrap());
    }
}
