//! Every node's share of a piece of work, on all cores: nodes do not look at each other.
//! What comes out, and in which order, does not depend on how many cores there are.
//! Not here: the work.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use words::problem::Problems;

/// Does it for each; results and problems in the order of what it was done for.
pub(super) fn every<T: Sync, R: Send>(
    these: &[T],
    work: impl Fn(&T, &mut Problems) -> R + Sync,
    problems: &mut Problems,
) -> Vec<R> {
    let one = |one: &T| {
        let mut problems = Problems::default();
        (work(one, &mut problems), problems)
    };
    let all: Vec<(R, Problems)> = these.par_iter().map(one).collect();
    let noted = |(done, found)| {
        problems.extend(found);
        done
    };
    all.into_iter().map(noted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::problem::Origin;

    #[test]
    fn results_and_problems_keep_their_order() {
        for count in [0, 1, 7, 100] {
            let numbers: Vec<usize> = (0..count).collect();
            let mut problems = Problems::default();
            let work = |number: &usize, problems: &mut Problems| {
                problems.add(Origin::of_file("x").problem(number.to_string(), ""));
                number * 2
            };
            let doubled = every(&numbers, work, &mut problems);
            assert_eq!(doubled, numbers.iter().map(|number| number * 2).collect::<Vec<_>>());
            let told: Vec<String> = problems.into_iter().map(|one| one.what).collect();
            assert_eq!(told, numbers.iter().map(usize::to_string).collect::<Vec<_>>());
        }
    }
}
