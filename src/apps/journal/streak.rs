//! How the last runs of a component went, one after the other.
//! Pure: a run that lasted makes up for those before it.
//! Not here: what follows from it (`decide::again`).

use super::record::Verdict;
use serde::{Deserialize, Serialize};

/// Runs that failed one after the other, by one order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// How many.
    pub failures: u32,
    /// How many of them, the last ones, did not last.
    pub at_once: u32,
}

/// A run that lasts so long has earned that nothing before it counts any more.
const EARNED_MS: u64 = 10 * 60_000;
/// A run that ends before it is so old has not lasted.
const AT_ONCE_MS: u64 = 60_000;

impl Streak {
    /// With one run more, whose master was there for so long.
    pub(super) fn after(self, verdict: Verdict, ran_ms: Option<u64>) -> Streak {
        if !matches!(verdict, Verdict::Failed | Verdict::Lost) {
            return Streak::default();
        }
        let before = if ran_ms.is_some_and(|ran| ran >= EARNED_MS) { Streak::default() } else { self };
        let at_once = match ran_ms {
            Some(ran) if ran < AT_ONCE_MS => before.at_once + 1,
            Some(_) => 0,
            None => before.at_once,
        };
        Streak { failures: before.failures + 1, at_once }
    }
}
