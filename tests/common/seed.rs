//! The seed of a test that chooses at random: `PNDA_TEST_SEED` gives one, and the same choices come again.
//! A test that fails says its seed, past what the runner captures.
//! Not here: what is chosen.

use std::io::Write;

/// The seed of one test.
pub struct Seed {
    of: &'static str,
    pub number: u64,
}

impl Seed {
    /// The one that was asked for, or this one.
    pub fn of(test: &'static str, otherwise: u64) -> Seed {
        let given = std::env::var("PNDA_TEST_SEED").ok();
        let number = given.map(|text| text.parse().unwrap_or_else(|error| panic!("PNDA_TEST_SEED={text}: {error}")));
        Seed { of: test, number: number.unwrap_or(otherwise) }
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (of, number) = (self.of, self.number);
            drop(writeln!(std::io::stderr(), "{of}: PNDA_TEST_SEED={number} makes the same choices again"));
        }
    }
}
