//! Brings many artifacts at once: workers download and verify, one more makes what is ready durable and names it.
//! Downloads go on while the disk writes; what is ready waits at most a moment for its name.
//! Not here: how many requests there are at once; the client's gate sees to that.

use super::places::Pages;
use super::{Cause, Failure, Fetch, expected};
use crate::mirror::lock::{Artifact, Source};
use crate::mirror::store::{self, Ready, Store};
use crate::words::event::Event;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many files, or bytes, are made durable at once.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 256 << 20;
/// How long what is ready waits for more: another run may wait for it.
const WAIT: Duration = Duration::from_millis(500);

/// What is verified and waits to be made durable.
#[derive(Default)]
struct Queue<'a> {
    state: Mutex<Waiting<'a>>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting<'a> {
    ready: Vec<(&'a Artifact, Ready)>,
    failed: Vec<Failure>,
    workers: usize,
}

impl<'a> Queue<'a> {
    fn state(&self) -> MutexGuard<'_, Waiting<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, artifact: &'a Artifact, ready: Ready) {
        self.state().ready.push((artifact, ready));
        self.changed.notify_all();
    }

    fn fail(&self, artifact: &Artifact, source: Cause) {
        self.state().failed.push(Failure { address: artifact.address.clone(), source });
    }

    fn worker_is_done(&self) {
        self.state().workers -= 1;
        self.changed.notify_all();
    }

    /// The next batch; none when nothing more can come.
    fn batch(&self) -> Option<Vec<(&'a Artifact, Ready)>> {
        let full = |state: &mut Waiting| {
            let bytes: u64 = state.ready.iter().map(|(artifact, _)| artifact.size).sum();
            state.workers > 0 && state.ready.len() < BATCH_FILES && bytes < BATCH_BYTES
        };
        loop {
            let waited = self.changed.wait_timeout_while(self.state(), WAIT, full);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !state.ready.is_empty() {
                return Some(std::mem::take(&mut state.ready));
            }
            if state.workers == 0 {
                return None;
            }
        }
    }
}

impl Fetch<'_> {
    /// Brings them all; one that fails does not stop the others.
    pub(super) fn bring_all(&self, store: &Store, missing: Vec<&Artifact>) -> Vec<Failure> {
        let workers = self.http.at_once().min(missing.len());
        let (pages, queue) = (Pages::default(), Queue::default());
        queue.state().workers = workers;
        let todo = Mutex::new(missing.into_iter());
        let next = || todo.lock().ok()?.next();
        let worker = || {
            while let Some(artifact) = next() {
                match self.make_ready(store, artifact, &pages) {
                    Ok(Some(ready)) => queue.push(artifact, ready),
                    Ok(None) => self.is_there(artifact),
                    Err(source) => queue.fail(artifact, source),
                }
            }
            queue.worker_is_done();
        };
        std::thread::scope(|scope| {
            (0..workers).for_each(|_| drop(scope.spawn(worker)));
            while let Some(batch) = queue.batch() {
                self.settle(store, batch, &queue);
            }
        });
        let mut failed = std::mem::take(&mut queue.state().failed);
        failed.sort_by(|a, b| a.address.cmp(&b.address));
        failed
    }

    fn make_ready(&self, store: &Store, artifact: &Artifact, pages: &Pages) -> Result<Option<Ready>, Cause> {
        let places = self.places(artifact, pages)?;
        let ready = store.make_ready(self.http, &places, expected(artifact), self.tell);
        ready.map_err(|error| match artifact.source {
            Source::Apt | Source::Rpm if error.is_missing() => Cause::Dropped(error),
            _ => Cause::Store(error),
        })
    }

    fn settle<'a>(&self, store: &Store, batch: Vec<(&'a Artifact, Ready)>, queue: &Queue<'a>) {
        let (artifacts, ready): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match store.settle(&ready) {
            Ok(()) => artifacts.into_iter().for_each(|artifact| self.is_there(artifact)),
            Err(error) => {
                let (what, path) = match &error {
                    store::Error::Store { what, path, .. } => (*what, path.clone()),
                    _ => ("settle", store.folder().to_owned()),
                };
                // One cause, many artifacts: each failure carries its own.
                let text = error.to_string();
                for artifact in artifacts {
                    let source = std::io::Error::other(text.clone());
                    queue.fail(artifact, Cause::Store(store::Error::Store { what, path: path.clone(), source }));
                }
            }
        }
    }

    fn is_there(&self, artifact: &Artifact) {
        (self.tell)(Event::Step(artifact.address.file_name().to_owned()));
    }
}
