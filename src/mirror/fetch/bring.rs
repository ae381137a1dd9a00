//! Brings many artifacts at once: workers download and verify, one more makes what is ready durable and names it.
//! Downloads go on while the disk writes; what is ready waits at most a moment for its name.
//! Not here: how many requests there are at once; the client's gate sees to that.

use super::places::Pages;
use super::{Cause, Failure, Fetch, expected};
use crate::lock::{Artifact, Source};
use crate::store::{self, Ready, Store};
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use systems::http::Bounds;
use words::event::Event;
use words::parallel::{AtEnd, each};

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
    /// Whether nothing more can come.
    closed: bool,
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

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// The next batch; none when nothing more can come.
    fn batch(&self) -> Option<Vec<(&'a Artifact, Ready)>> {
        let filling = |state: &mut Waiting| {
            let bytes: u64 = state.ready.iter().map(|(artifact, _)| artifact.size).sum();
            !state.closed && state.ready.len() < BATCH_FILES && bytes < BATCH_BYTES
        };
        loop {
            let waited = self.changed.wait_timeout_while(self.state(), WAIT, filling);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if !state.ready.is_empty() {
                return Some(std::mem::take(&mut state.ready));
            }
            if state.closed {
                return None;
            }
        }
    }
}

impl Fetch<'_> {
    /// Brings them all; one that fails does not stop the others.
    pub(super) fn bring_all(&self, store: &Store, missing: Vec<&Artifact>) -> Vec<Failure> {
        let (pages, queue) = (Pages::default(), Queue::default());
        let bring = |artifact| match self.make_ready(store, artifact, &pages) {
            Ok(Some(ready)) => queue.push(artifact, ready),
            Ok(None) => self.is_there(artifact),
            Err(source) => queue.fail(artifact, source),
        };
        let is_large = |artifact: &&Artifact| artifact.size >= self.http.split().from;
        let (large, small): (Vec<_>, Vec<_>) = missing.into_iter().partition(is_large);
        let Bounds { at_once, streams, .. } = self.http.bounds();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Some(batch) = queue.batch() {
                    self.settle(store, batch, &queue);
                }
            });
            // After a panic too: else the scope would wait for the thread above, and that for more.
            let _end = AtEnd(|| queue.close());
            // Large files have several connections each; many small ones may share one.
            let large = scope.spawn(|| each(at_once, large, bring));
            each(at_once.max(streams), small, bring);
            large.join().unwrap_or_else(|panic| resume_unwind(panic));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{Lock, Voucher};
    use crate::manifest::Manifest;
    use crate::sources::{Site, Sources};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use systems::http::{Http, Options};
    use words::names::{SafePath, Word};

    #[test]
    fn a_panic_of_one_worker_ends_the_fetch() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let file = folder.path().join("a.jar");
        std::fs::write(&file, "a").unwrap();
        let kept = store.keep(&file).unwrap();
        let artifact = Artifact {
            source: Source::Maven,
            origin: None,
            address: SafePath::new("a/a.jar").unwrap(),
            size: kept.size,
            sha256: kept.sha256,
            vouched: Voucher::Signature,
            signer: None,
            wanted_by: Word::new("a").unwrap().into(),
            because: Default::default(),
        };
        let arguments = vec!["maven=http://localhost:1/".to_owned()];
        let sources = Sources::find(&Site { arguments, ..Site::default() }).unwrap();
        let (lock, manifest, http) = (Lock::default(), Manifest::default(), Http::with(Options::default()));
        let tell = |event: Event| assert!(!matches!(event, Event::Step(_)), "whoever listens fails");
        let fetch =
            Fetch { lock: &lock, manifest: &manifest, sources: &sources, http: &http, quota: None, tell: &tell };
        let run = || fetch.bring_all(&store, vec![&artifact, &artifact]);
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"whoever listens fails"));
    }
}
