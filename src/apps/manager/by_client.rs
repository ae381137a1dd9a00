//! Submitting by Flink's own client: it is started once for an intent, after that was written down, and waited for until YARN
//! has its application.
//! Not here: what it is told (`submit::client`), and what follows from what it left (`decide::attempt`).

use super::carry_out::{Failed, LONGEST_REASON, Ready, start_failed};
use super::{Manager, unavailable};
use crate::client::{self, Launch, Order};
use crate::decide::Action;
use crate::journal::{Attempt, Fact, Key, State, fresh_id};
use crate::orders::Refusal;
use crate::prepare::RunOf;
use crate::submit::Way;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use systems::yarn;
use words::chain::chain;
use words::names::Word;
use words::parallel::AtEnd;

/// Each is a JVM of some 300 MB.
const MOST: usize = 2;
/// It is started so soon after its record, or not at all.
const FRESH: Duration = Duration::from_secs(30);
/// YARN is asked this often whether it has the application of a client that runs.
const ASKED: Duration = Duration::from_millis(500);

/// A tag that nobody else has. YARN has tags in small letters.
pub(super) fn tag() -> Result<Word, Refusal> {
    Word::new(format!("pnda-client-{}", fresh_id())).map_err(unavailable)
}

impl Manager {
    /// Carries out what was decided about a submission by the client.
    pub(super) fn of_client(&self, state: &State, of: &Key, attempt: &Attempt, action: Action) -> Result<(), Refusal> {
        let (of_it, tag) = (|| of.clone(), attempt.tag.clone());
        let Some(component) = state.applications.get(&of.application).and_then(|one| one.components.get(&of.component))
        else {
            return Ok(());
        };
        let is_respawn = component.goes_on(attempt.intent.order);
        let why = |why: &str| why.chars().take(LONGEST_REASON).collect::<String>();
        match action {
            Action::Client => self.start_client(state, of, attempt, is_respawn),
            Action::Found { id, refused } => {
                self.record(state, of, Fact::ClientFound { of: of_it(), tag, id })?;
                self.forget_client(&attempt.tag);
                let refused = refused.map(|words| start_failed(of, is_respawn, refused_by(&words)));
                refused.map_or(Ok(()), |failed| self.record(&*self.state()?, of, failed))
            }
            Action::ClientEnded { why: words, has_failed } => {
                self.record(state, of, Fact::ClientEnded { of: of_it(), tag, why: why(&words) })?;
                self.forget_client(&attempt.tag);
                match (has_failed, is_respawn) {
                    (false, _) => Ok(()),
                    (true, false) => self.record(&*self.state()?, of, start_failed(of, false, refused_by(&words))),
                    // What has run for months is tried again: the servers may have been away.
                    (true, true) => Err(unavailable(refused_by(&words))),
                }
            }
            _ => Ok(()),
        }
    }

    fn forget_client(&self, tag: &Word) {
        // What stays of it is swept before the next one.
        let _ = std::fs::remove_dir_all(client::folder(&self.site.clients(), tag));
    }

    fn start_client(&self, state: &State, of: &Key, attempt: &Attempt, is_respawn: bool) -> Result<(), Refusal> {
        let running = self.clients.fetch_add(1, Ordering::AcqRel);
        let _done = AtEnd(|| {
            self.clients.fetch_sub(1, Ordering::AcqRel);
        });
        if running >= MOST {
            return Err(unavailable(format!("{MOST} of Flink's clients run already, and no more do at a time")));
        }
        self.sweep(state);
        let launch = match self.lay_out(state, of, attempt, is_respawn) {
            Ok(launch) => launch,
            Err(Failed::Passing(why)) => return Err(unavailable(why)),
            Err(Failed::ForGood(why)) => {
                let ended = Fact::ClientEnded { of: of.clone(), tag: attempt.tag.clone(), why: why.clone() };
                self.record(state, of, ended)?;
                self.forget_client(&attempt.tag);
                return self.record(&*self.state()?, of, start_failed(of, is_respawn, why));
            }
        };
        let before = Instant::now();
        self.record(state, of, Fact::ClientBegun { of: of.clone(), tag: attempt.tag.clone() })?;
        // Its folder says that it was never started.
        if before.elapsed() > FRESH {
            return Err(unavailable("it took too long to record that Flink's client is started"));
        }
        let folder = launch.folder.clone();
        let mut asked = Instant::now();
        let mut is_stored = || {
            if asked.elapsed() < ASKED {
                return false;
            }
            asked = Instant::now();
            let stored = |state| !matches!(state, yarn::State::New | yarn::State::NewSaving | yarn::State::Submitted);
            let found = client::id_in(&folder).and_then(|id| self.yarn.application(&id).ok().flatten());
            found.is_some_and(|found| stored(found.state))
        };
        let ran = self.runner.run(launch, &mut is_stored);
        // What it did, it and YARN tell; what kept it from being started is said besides.
        ran.map_err(|error| unavailable(format!("Flink's client cannot be started: {error}")))
    }

    fn sweep(&self, state: &State) {
        let components = state.applications.values().flat_map(|application| application.components.values());
        let open = components.filter_map(|component| Some(&component.attempt.as_ref()?.tag)).collect();
        client::sweep(&self.site.clients(), &open);
    }

    /// Everything that the client reads, in a folder on this node.
    fn lay_out(&self, state: &State, of: &Key, attempt: &Attempt, is_respawn: bool) -> Result<Launch, Failed> {
        let Some(client) = &self.site.client else {
            return Err(Failed::ForGood(chain(&crate::prepare::Error::NoClient(of.clone()))));
        };
        let folder = client::folder(&self.site.clients(), &attempt.tag);
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::InvalidInput => Failed::ForGood(error.to_string()),
            _ => Failed::Passing(format!("cannot write {}: {error}", folder.display())),
        };
        let _ = std::fs::remove_dir_all(&folder);
        let lock = client::make(&folder).map_err(failed)?;
        let run = RunOf {
            way: Way::Client(attempt.tag.clone()),
            queue: attempt.intent.queue.as_ref(),
            job: attempt.intent.job.as_ref(),
            restore: attempt.intent.restore.as_deref(),
        };
        let ready = self.made_ready(state, of, (&run, is_respawn), &folder.join("component"))?;
        let Ready { flink, job, configuration, files } = ready;
        let order = Order {
            version: flink.version,
            home: &self.site.home(flink.version),
            hadoop: &self.site.cluster.class_path,
            job: &job,
            configuration: &configuration,
            log: &self.site.log_settings(flink.version),
        };
        client.lay_out(&folder, lock, &order, files).map_err(failed)
    }
}

fn refused_by(words: &str) -> String {
    format!("Flink's client: {words}")
}
