//! Samples: some of the files of a mirror, chosen by a seed, so that a check can be run again on the same ones.
//! Every file has the same chance, whatever its length.
//! Not here: reading them.

use std::collections::BTreeSet;
use std::str::FromStr;

/// How many files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many of a hundred, at least one.
    Percent(u8),
    /// So many.
    Files(usize),
}

/// A sample of a size, chosen by a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How many files.
    pub size: Size,
    /// Which ones.
    pub seed: u64,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let size = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| (1..=100).contains(percent)).map(Size::Percent),
            None => text.parse().ok().filter(|files| *files > 0).map(Size::Files),
        };
        size.ok_or_else(|| format!("`{text}` is no sample: write a share as in 5%, or a number of files as in 100"))
    }
}

impl Sample {
    /// Which of so many files are in it.
    pub(super) fn of(self, files: usize) -> BTreeSet<usize> {
        let wanted = match self.size {
            Size::Percent(percent) => (files * usize::from(percent)).div_ceil(100),
            Size::Files(wanted) => wanted.min(files),
        };
        let mut order: Vec<usize> = (0..files).collect();
        let mut random = fastrand::Rng::with_seed(self.seed);
        for at in 0..wanted {
            order.swap(at, random.usize(at..files));
        }
        order.into_iter().take(wanted).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_same_for_the_same_seed() {
        let sample = |size, seed| Sample { size, seed }.of(200);
        assert_eq!(sample(Size::Percent(5), 7), sample(Size::Files(10), 7));
        assert_ne!(sample(Size::Files(10), 7), sample(Size::Files(10), 8));
        assert_eq!(sample(Size::Percent(100), 7).len(), 200);
        assert_eq!(sample(Size::Files(500), 7).len(), 200);
        assert_eq!(Sample { size: Size::Percent(1), seed: 1 }.of(3).len(), 1);
        assert_eq!(Sample { size: Size::Percent(1), seed: 1 }.of(0).len(), 0);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        assert_eq!("5%".parse(), Ok(Size::Percent(5)));
        assert_eq!("100".parse(), Ok(Size::Files(100)));
        for text in ["", "%", "0", "0%", "101%", "-1", "five", "5 %"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
