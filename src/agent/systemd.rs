//! What the agent tells systemd: that it is ready, how it is, that its loop is alive, that it stops.
//! Outside systemd all of this does nothing.
//! Not here: when any of it is true.

use super::log::{self, Level};
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// The pages can be asked from now on.
pub(super) fn ready() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        log::line(Level::Warn, "cannot tell systemd that the agent is ready", &[("cause", &error)]);
    }
}

/// The sentence that `systemctl status` shows. A lost one is repeated by the next change.
pub(super) fn status(sentence: &str) {
    let line: String = sentence.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = sd_notify::notify(&[NotifyState::Status(&line)]);
}

/// The agent ends because it was told to.
pub(super) fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// The watchdog; only the loop that does the work holds it, so that a stuck loop is a dead agent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watchdog {
    limit: Option<Duration>,
}

impl Watchdog {
    /// What systemd asks for in `WATCHDOG_USEC`.
    pub(super) fn from_systemd() -> Watchdog {
        Watchdog { limit: sd_notify::watchdog_enabled() }
    }

    /// How long one answer may be waited for: half an interval, so that a round with its three requests ends in
    /// time, at most five seconds, and never so long that a slow history server makes systemd kill the agent.
    pub(super) fn deadline(self, interval: Duration) -> Duration {
        let answer = (interval / 2).min(Duration::from_secs(5));
        self.limit.map_or(answer, |limit| answer.min(limit / 6))
    }

    /// Says that the loop is alive.
    pub(super) fn feed(self) {
        if self.limit.is_some() {
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
    }

    /// Sleeps until `due` and feeds at half of the limit.
    pub(super) fn sleep_until(self, due: Instant) {
        loop {
            self.feed();
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(self.limit.map_or(left, |limit| left.min(limit / 2)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_never_starves_the_watchdog() {
        let seconds = Duration::from_secs;
        let without = Watchdog { limit: None };
        assert_eq!(without.deadline(seconds(10)), seconds(5));
        assert_eq!(without.deadline(seconds(1)), Duration::from_millis(500));
        assert_eq!(without.deadline(seconds(600)), seconds(5));
        let strict = Watchdog { limit: Some(seconds(12)) };
        assert_eq!(strict.deadline(seconds(10)), seconds(2));
    }
}
