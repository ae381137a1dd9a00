//! Counts what the manager does and how long that takes: rounds, looks, records, and requests by the kind of server.
//! Counting takes no lock, and nothing is ever taken back.
//! Not here: who asks for the counts.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use systems::transport::{Lost, Request, Response, Shared, Transport};
use words::figures::Tally;

/// One count.
#[derive(Debug, Default)]
pub struct Count {
    count: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
}

impl Count {
    /// Does something and counts it.
    pub fn of<T>(&self, work: impl FnOnce() -> T, has_failed: impl FnOnce(&T) -> bool) -> T {
        let begun = Instant::now();
        let done = work();
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(begun.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(has_failed(&done)), Ordering::Relaxed);
        done
    }

    /// So far.
    pub fn tally(&self) -> Tally {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Tally { count: read(&self.count), failed: read(&self.failed), micros: read(&self.micros) }
    }
}

/// All counts.
#[derive(Debug, Default)]
pub struct Counts {
    /// The part of a round that is for all components together.
    pub rounds: Count,
    /// Looks at single components.
    pub looks: Count,
    /// Records that were written.
    pub appends: Count,
    /// Requests to ResourceManagers.
    pub yarn: Arc<Count>,
    /// To NameNodes and DataNodes.
    pub hdfs: Arc<Count>,
    /// To JobManagers.
    pub flink: Arc<Count>,
    /// To NodeManagers.
    pub nodes: Arc<Count>,
    /// To Oozie.
    pub oozie: Arc<Count>,
}

/// Carries requests and counts them. No answer, and one with which a server says that it cannot, is a failure.
pub struct Counted {
    by: Shared,
    count: Arc<Count>,
}

impl Counted {
    /// The same transport, counted.
    pub fn over(by: &Shared, count: &Arc<Count>) -> Shared {
        Arc::new(Counted { by: by.clone(), count: count.clone() })
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.by.fmt(out)
    }
}

impl Transport for Counted {
    fn exchange(&self, request: Request<'_>) -> Result<Response, Lost> {
        let has_failed = |answer: &Result<Response, Lost>| answer.as_ref().map_or(true, |answer| answer.status >= 500);
        self.count.of(|| self.by.exchange(request), has_failed)
    }
}
