//! Many things on threads: the same is done with each, so many at a time, and results keep the order of the things.
//! A panic in one of them ends as a panic of the caller, as it would without threads.
//! For what waits for others: what processors are busy with goes over `rayon`.
//! Not here: what is done, and how many requests a host takes.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{iter, panic, thread};

thread_local! {
    static IN_ORDER: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread does one thing after the other: for whoever must be able to repeat exactly what was done.
pub fn one_after_the_other() {
    IN_ORDER.set(true);
}

/// Does it with each thing; the results are in the order of the things.
pub fn each<T: Send, R: Send>(
    at_once: usize,
    things: impl IntoIterator<Item = T>,
    act: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let things: Vec<T> = things.into_iter().collect();
    let workers = if IN_ORDER.get() { 1 } else { at_once.min(things.len()) };
    let queue = Mutex::new(things.into_iter().enumerate());
    // The lock is not held while something is done: a loop over `queue.lock()` itself would hold it.
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || iter::from_fn(next).map(|(at, thing)| (at, act(thing))).collect::<Vec<_>>();
    let mut done = thread::scope(|scope| {
        // A machine that gives no more threads makes it slower and no more.
        let others: Vec<_> =
            (1..workers).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The same as long as all goes well: once one has failed, no other is begun.
pub fn try_each<T: Send, R: Send, E: Send>(
    at_once: usize,
    things: impl IntoIterator<Item = T>,
    act: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let failed = AtomicBool::new(false);
    let unless_failed = |thing| {
        let done = (!failed.load(Ordering::Relaxed)).then(|| act(thing));
        failed.fetch_or(matches!(done, Some(Err(_))), Ordering::Relaxed);
        done
    };
    each(at_once, things, unless_failed).into_iter().flatten().collect()
}

/// Does something when it is dropped: what other threads wait for comes to pass even if this one panics.
#[must_use]
pub struct AtEnd<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::AssertUnwindSafe;
    use std::sync::Barrier;

    #[test]
    fn each_is_done_once_and_results_keep_their_order() {
        // All seven are under way at once, and the last to come goes first.
        let (meet, done) = (Barrier::new(7), AtomicBool::new(false));
        let act = |at: usize| {
            meet.wait();
            if at == 6 {
                done.store(true, Ordering::Release);
            }
            while !done.load(Ordering::Acquire) {
                thread::yield_now();
            }
            at * 2
        };
        assert_eq!(each(7, 0..7, act), (0..7).map(|at| at * 2).collect::<Vec<_>>());
        assert_eq!(each(3, 0..100, |at| at), (0..100).collect::<Vec<_>>());
        assert!(each(3, Vec::<u8>::new(), |x| x).is_empty());
    }

    #[test]
    fn a_panic_in_one_is_the_caller_s() {
        for at_once in [1, 3] {
            let run = || each(at_once, 0..10, |at| assert!(at != 4, "four"));
            let panic = panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"four"));
        }
    }

    #[test]
    fn a_thread_that_asked_for_it_does_one_after_the_other() {
        let alone = || {
            one_after_the_other();
            let own = thread::current().id();
            each(7, 0..20, |_| thread::current().id()).iter().all(|other| *other == own)
        };
        assert!(thread::spawn(alone).join().unwrap());
    }

    #[test]
    fn nothing_is_begun_after_a_failure() {
        let begun = Mutex::new(Vec::new());
        let act = |at: u8| {
            begun.lock().unwrap().push(at);
            if at == 3 { Err(at) } else { Ok(at) }
        };
        assert_eq!(try_each(1, 0..10, act), Err(3));
        assert_eq!(*begun.lock().unwrap(), [0, 1, 2, 3]);
        assert_eq!(try_each(4, 5..8, act), Ok(vec![5, 6, 7]));
    }

    #[test]
    fn an_end_comes_with_a_panic_too() {
        let ended = AtomicBool::new(false);
        let run = || {
            let _end = AtEnd(|| ended.store(true, Ordering::Relaxed));
            panic!("before its end");
        };
        assert!(panic::catch_unwind(AssertUnwindSafe(run)).is_err() && ended.into_inner());
    }
}
