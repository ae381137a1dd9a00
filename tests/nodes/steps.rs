//! The times of a test's steps, in order: printed at the end, so that a slow step is seen.
//! They are told, and never asserted.
//! Not here: benchmarks.

use std::fmt;
use std::time::Instant;

/// Steps that were taken.
#[derive(Default)]
pub(crate) struct Steps(Vec<String>);

impl Steps {
    /// Takes one.
    pub(crate) fn take<T>(&mut self, name: &str, act: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = act();
        self.0.push(format!("{name} {:.1} s", start.elapsed().as_secs_f64()));
        done
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.join(", "))
    }
}
