//! The crawl: POMs are asked for before anybody chooses, each as soon as it is known that somebody wants it.
//! It decides nothing; the library remembers what it read for those who do, who would ask for one level after another.
//! Not here: ranges and relocations, which depend on what was chosen.

use super::library::Library;
use super::scope::Scope;
use super::version::Constraint;
use super::wish::{Management, Wish};
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};
use words::parallel::AtEnd;

/// Chains of parents that are followed at a time; whoever answers bounds the requests.
const THREADS: usize = 12;

#[derive(Default)]
struct Work {
    waiting: VecDeque<Wish>,
    known: BTreeSet<String>,
    busy: usize,
}

/// Reads what is below the roots, in no order.
pub(super) fn crawl(library: &Library<'_>, management: &Management, roots: &[Wish]) {
    let work = Mutex::new(Work { waiting: roots.iter().cloned().collect(), ..Work::default() });
    let changed = Condvar::new();
    let locked = || work.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || {
        let idle = |work: &mut Work| work.waiting.is_empty() && work.busy > 0;
        let mut work = changed.wait_while(locked(), idle).unwrap_or_else(PoisonError::into_inner);
        let wish = work.waiting.pop_front();
        work.busy += usize::from(wish.is_some());
        wish
    };
    let worker = || {
        while let Some(wish) = next() {
            // After a panic too: the others wait for what this one may find.
            let _end = AtEnd(|| {
                locked().busy -= 1;
                changed.notify_all();
            });
            let below = below(library, management, &wish);
            let mut work = locked();
            for wish in below {
                if work.known.insert(format!("{}:{}:{}", wish.key.group, wish.key.artifact, wish.version)) {
                    work.waiting.push_back(wish);
                }
            }
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(worker))));
}

fn below(library: &Library<'_>, management: &Management, wish: &Wish) -> Vec<Wish> {
    let plain =
        matches!(wish.constraint(), Ok(Constraint::Soft(version)) if version != "LATEST" && version != "RELEASE");
    let coordinate = wish.key.at(&wish.version).ok().filter(|_| plain && wish.scope != Scope::System);
    let model = coordinate.and_then(|coordinate| library.model(&coordinate).ok());
    let model = model.filter(|model| model.relocation.is_none());
    model.map(|model| management.below(wish, &model)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Coordinate, PomError, Poms, Request, Resolver, Root};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    struct Panics;

    impl Poms for Panics {
        fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
            panic!("{coordinate}")
        }

        fn versions(&self, _: &str, _: &str) -> Result<Vec<String>, PomError> {
            Err(PomError::Missing)
        }
    }

    #[test]
    fn a_panic_while_one_pom_is_read_ends_the_crawl() {
        let coordinate = Coordinate::jar("g", "a", "1").unwrap();
        let request = Request::of(vec![Root { coordinate, exclusions: Vec::new(), transitive: true }]);
        assert!(catch_unwind(AssertUnwindSafe(|| Resolver::new(&Panics, 17).closure(&request))).is_err());
    }
}
