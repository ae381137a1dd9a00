//! The wall clock, read in one place: milliseconds since 1970, as PNDA stamps its metrics.
//! Ages are never taken from it, for it may be set; they come from the monotonic clock.
//! Not here: waiting.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now; 0 on a machine whose clock stands before 1970.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
