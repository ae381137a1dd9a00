//! One gate for all requests of a program: so many at once to one host, so many at once altogether.
//! A host that asks to be left alone is left alone by everybody, not only by the request that was told.
//! Not here: what a request asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Who may go now.
#[derive(Debug)]
pub struct Gate {
    at_once: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    busy: usize,
    hosts: BTreeMap<String, Host>,
}

#[derive(Debug, Default)]
struct Host {
    busy: usize,
    paused_until: Option<Instant>,
}

/// One request that is under way; dropped, it makes room for the next.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    host: String,
}

impl Gate {
    /// A gate that lets so many through at once.
    pub fn new(at_once: usize) -> Gate {
        Gate { at_once: at_once.max(1), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits until one more request may go to a host that takes `per_host` at once.
    /// A host that is paused for longer than `patience` is not waited for: the error is the time that is left.
    pub fn enter(self: &Arc<Gate>, host: &str, per_host: usize, patience: Duration) -> Result<Permit, Duration> {
        let mut state = self.state();
        loop {
            let known = state.hosts.entry(host.to_owned()).or_default();
            let paused = known.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
            let paused = paused.filter(|left| !left.is_zero());
            if let Some(left) = paused.filter(|left| *left > patience) {
                return Err(left);
            }
            if paused.is_none() && known.busy < per_host.max(1) && state.busy < self.at_once {
                state.hosts.entry(host.to_owned()).or_default().busy += 1;
                state.busy += 1;
                return Ok(Permit { gate: self.clone(), host: host.to_owned() });
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

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.busy -= 1;
        if let Some(host) = state.hosts.get_mut(&self.host) {
            host.busy -= 1;
        }
        drop(state);
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LONG: Duration = Duration::from_secs(60);

    /// The most that were inside at once, when twenty wanted to.
    fn most(gate: &Arc<Gate>, hosts: &[&str], per_host: usize) -> usize {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for at in 0..20 {
                let (gate, inside, most) = (gate.clone(), &inside, &most);
                scope.spawn(move || {
                    let _permit = gate.enter(hosts[at % hosts.len()], per_host, LONG).unwrap();
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
        assert!(most(&Arc::new(Gate::new(16)), &["a"], 3) <= 3);
        assert!(most(&Arc::new(Gate::new(4)), &["a", "b", "c"], 3) <= 4);
    }

    #[test]
    fn a_paused_host_is_waited_for_and_a_closed_one_is_not() {
        let gate = Arc::new(Gate::new(16));
        gate.pause("a", Duration::from_millis(50));
        let began = Instant::now();
        drop(gate.enter("a", 6, LONG).unwrap());
        assert!(began.elapsed() >= Duration::from_millis(50));
        gate.pause("b", Duration::from_secs(86_400));
        assert!(gate.enter("b", 6, LONG).unwrap_err() > LONG);
        drop(gate.enter("a", 6, LONG).unwrap());
    }
}
