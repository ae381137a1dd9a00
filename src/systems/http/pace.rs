//! How fast bytes may come and how slowly they must not: one bound for all connections, one watch for each.
//! Time that we make a server wait does not count against it.
//! Not here: when a connection that says nothing at all is given up.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Unused time that may be made up for, so that the average meets the bound.
const BURST: Duration = Duration::from_millis(200);

/// The bound that all connections share.
#[derive(Debug)]
pub struct Pace {
    rate: Option<u64>,
    free_at: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many bytes a second altogether; no bound without a number.
    pub fn new(rate: Option<u64>) -> Pace {
        Pace { rate: rate.map(|rate| rate.max(1)), free_at: Mutex::new(None) }
    }

    /// How many bytes should be read at a time, of at most `most`: an eighth of a second's worth keeps the flow even.
    pub fn portion(&self, most: usize) -> usize {
        self.rate.map_or(most, |rate| most.min((rate / 8).max(512) as usize))
    }

    /// Sleeps until these bytes, which have come, fit into the bound.
    pub fn passed(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest = now.checked_sub(BURST).unwrap_or(now);
            let from = free_at.map_or(now, |free_at| free_at.max(earliest));
            let until = from + Duration::from_secs_f64(bytes as f64 / rate as f64);
            *free_at = Some(until);
            until
        };
        std::thread::sleep(until.saturating_duration_since(now));
    }
}

/// The least that a connection must bring.
#[derive(Debug, Clone, Copy)]
pub struct Slowest {
    /// Bytes a second, on average ...
    pub rate: u64,
    /// ... over this time.
    pub window: Duration,
}

impl Slowest {
    /// For each of so many that share a connection.
    pub fn shared_by(self, streams: usize) -> Slowest {
        Slowest { rate: self.rate.div_ceil(streams.max(1) as u64), ..self }
    }
}

impl Default for Slowest {
    fn default() -> Slowest {
        Slowest { rate: 1024, window: Duration::from_secs(30) }
    }
}

/// Watches one body.
#[derive(Debug)]
pub struct Watch {
    slowest: Slowest,
    waited: Duration,
    bytes: u64,
}

impl Watch {
    /// A watch that begins now.
    pub fn new(slowest: Slowest) -> Watch {
        Watch { slowest, waited: Duration::ZERO, bytes: 0 }
    }

    /// So many bytes came after so long; too few over a window are an error.
    pub fn came(&mut self, bytes: usize, after: Duration) -> io::Result<()> {
        self.waited += after;
        self.bytes += bytes as u64;
        if self.waited < self.slowest.window {
            return Ok(());
        }
        let Slowest { rate, .. } = self.slowest;
        if (self.bytes as f64) < rate as f64 * self.waited.as_secs_f64() {
            let text = format!("only {} bytes came in {:.1?}: less than {rate} bytes/s", self.bytes, self.waited);
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_share_one_bound() {
        let pace = Pace::new(Some(1_000_000));
        let began = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).for_each(|_| pace.passed(10_000)));
            }
        });
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(190), "200000 bytes at 1000000 bytes/s took {took:?}");
        assert_eq!((pace.portion(1 << 20), Pace::new(None).portion(1 << 20)), (125_000, 1 << 20));
    }

    #[test]
    fn a_trickle_is_noticed_and_a_steady_flow_is_not() {
        let slowest = Slowest { rate: 100, window: Duration::from_secs(10) };
        let mut watch = Watch::new(slowest);
        let second = Duration::from_secs(1);
        assert!((0..100).all(|_| watch.came(101, second).is_ok()));
        let error = (0..20).find_map(|_| watch.came(10, second).err()).unwrap();
        assert!(error.to_string().contains("less than 100 bytes/s"), "{error}");
    }
}
