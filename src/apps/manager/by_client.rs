//! Submitting by Flink's own client: it is started once for an intent, after that was written down, and waited for until YARN
//! has its application.
//! Not here: what it is told (`submit::client`), and what follows from what it left (`decide::attempt`).

use super::carry_out::{Failed, LONGEST_REASON, Ready, start_failed};
use super::{Manager, lock, unavailable};
use crate::client::{self, Launch, Order};
use crate::decide::Action;
use crate::journal::{Attempt, Fact, Key, State, fresh_id};
use crate::orders::Refusal;
use crate::prepare::RunOf;
use crate::submit::Way;
use std::io::ErrorKind;
use std::path::Path;
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
                // What has run for months is tried again: the servers may have been away.
                let again = refused.as_deref().filter(|_| is_respawn).map(why);
                self.record(state, of, Fact::ClientFound { of: of_it(), tag, id, refused: again })?;
                self.forget_client(attempt);
                let failed = refused.filter(|_| !is_respawn).map(|words| start_failed(of, false, refused_by(&words)));
                failed.map_or(Ok(()), |failed| self.record(&*self.state()?, of, failed))
            }
            Action::ClientEnded { why: words, has_failed } => {
                // What has run for months is tried again: the servers may have been away.
                let again = has_failed && is_respawn;
                self.record(state, of, Fact::ClientEnded { of: of_it(), tag, why: why(&words), again })?;
                self.forget_client(attempt);
                match has_failed && !again {
                    true => self.record(&*self.state()?, of, start_failed(of, false, refused_by(&words))),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn forget_client(&self, attempt: &Attempt) {
        // What stays of it is swept before the next one.
        if let Some(begun) = &attempt.begun {
            let _ = std::fs::remove_dir_all(client::folder(&self.site.clients(), &begun.folder));
        }
    }

    fn start_client(&self, state: &State, of: &Key, attempt: &Attempt, is_respawn: bool) -> Result<(), Refusal> {
        let Some(owner) = state.applications.get(&of.application).map(|one| one.owner.clone()) else { return Ok(()) };
        if !self.takes_a_place(&owner) {
            return Err(unavailable(format!("{MOST} of Flink's clients run at a time, and one of each user")));
        }
        let _done = AtEnd(|| {
            lock(&self.clients).remove(&owner);
        });
        self.sweep(state);
        // Each start has a folder of its own: what another one left proves nothing of this one.
        let name = Word::new(fresh_id()).map_err(unavailable)?;
        let folder = client::folder(&self.site.clients(), &name);
        let launch = match self.lay_out(state, of, (attempt, is_respawn), &folder) {
            Ok(launch) => launch,
            Err(failed) => {
                let _ = std::fs::remove_dir_all(&folder);
                return self.not_laid_out(state, of, (attempt, is_respawn), failed);
            }
        };
        let before = Instant::now();
        // Should it have been written without an answer, the folder says that nothing was started.
        self.record(state, of, Fact::ClientBegun { of: of.clone(), tag: attempt.tag.clone(), folder: name })?;
        if before.elapsed() > FRESH {
            return Err(unavailable("it took too long to record that Flink's client is started"));
        }
        let mut asked = Instant::now();
        let mut is_stored = || {
            if asked.elapsed() < ASKED {
                return false;
            }
            asked = Instant::now();
            // Who is late and learns that something else was written lets it do no more.
            if !self.is_open(of, attempt) {
                return true;
            }
            let stored = |state| !matches!(state, yarn::State::New | yarn::State::NewSaving | yarn::State::Submitted);
            let found = client::id_in(&folder).and_then(|id| self.yarn.application(&id).ok().flatten());
            found.is_some_and(|found| stored(found.state))
        };
        let ran = self.runner.run(launch, &mut is_stored);
        // What it did, it and YARN tell.
        if let Err(error) = ran {
            client::say(&folder, &format!("it cannot be started: {error}"));
        }
        Ok(())
    }

    /// Two run at a time, and one of each user, so that nobody keeps others waiting.
    fn takes_a_place(&self, owner: &Word) -> bool {
        let mut running = lock(&self.clients);
        running.len() < MOST && running.insert(owner.clone())
    }

    /// Whether the journal still has this submission, as far as this node knows.
    fn is_open(&self, of: &Key, attempt: &Attempt) -> bool {
        self.state().is_ok_and(|state| {
            let component = state.applications.get(&of.application).and_then(|one| one.components.get(&of.component));
            component.and_then(|one| one.attempt.as_ref()).is_some_and(|open| open.tag == attempt.tag)
        })
    }

    /// It was not started. What can never be is over.
    fn not_laid_out(
        &self,
        state: &State,
        of: &Key,
        (attempt, is_respawn): (&Attempt, bool),
        failed: Failed,
    ) -> Result<(), Refusal> {
        let why = match failed {
            Failed::Passing(why) => return Err(unavailable(why)),
            Failed::ForGood(why) => why,
        };
        let (tag, again) = (attempt.tag.clone(), false);
        self.record(state, of, Fact::ClientEnded { of: of.clone(), tag, why: why.clone(), again })?;
        self.record(&*self.state()?, of, start_failed(of, is_respawn, why))
    }

    fn sweep(&self, state: &State) {
        let components = state.applications.values().flat_map(|application| application.components.values());
        let open =
            components.filter_map(|component| Some(&component.attempt.as_ref()?.begun.as_ref()?.folder)).collect();
        client::sweep(&self.site.clients(), &open);
    }

    /// Everything that the client reads, in a folder on this node.
    fn lay_out(
        &self,
        state: &State,
        of: &Key,
        (attempt, is_respawn): (&Attempt, bool),
        folder: &Path,
    ) -> Result<Launch, Failed> {
        let Some(client) = &self.site.client else {
            return Err(Failed::ForGood(chain(&crate::prepare::Error::NoClient(of.clone()))));
        };
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::InvalidInput => Failed::ForGood(error.to_string()),
            _ => Failed::Passing(format!("cannot write {}: {error}", folder.display())),
        };
        let lock = client::make(folder).map_err(failed)?;
        let run = RunOf {
            way: Way::Client(attempt.tag.clone()),
            order: Some(attempt.intent.order),
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
        client.lay_out(folder, lock, &order, files).map_err(failed)
    }
}

fn refused_by(words: &str) -> String {
    format!("Flink's client: {words}")
}
