//! Rounds: the journal is read on, YARN is asked once for all runs, and each component is looked after by one of several
//! workers: looked at, decided, acted, as long as there is something to do at once. Who hangs holds up nobody else.
//! Not here: the decision, and how an act is carried out.

use super::carry_out::Done;
use super::crew::{Task, WORKERS};
use super::workflows::workflow_of;
use super::{Manager, lock};
use crate::decide::again::may_still_run;
use crate::decide::{Action, Observed, Rest, next};
use crate::holder;
use crate::journal::{
    Application, Book, Component, Fact, HdfsJournal, Journal, KeepError, Key, PIECE, ReadError, State, Wanted,
};
use crate::observe::{Listed, Observer};
use crate::submit::tag_of;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;
use systems::yarn;
use words::chain::chain;
use words::ids::ApplicationId;
use words::names::{ApplicationName, ComponentName};
use words::parallel::AtEnd;

/// What a worker does at once about one component: what then is still to be done is done in the next round.
const STEPS: usize = 8;
/// From one round to the next it is looked this often whether all workers are there.
const LOOK: Duration = Duration::from_secs(5);
/// The stack of a worker.
const STACK: usize = 512 << 10;
/// An act that failed is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The states of YARN in which something may still happen.
pub(super) const LIVE: [yarn::State; 5] =
    [yarn::State::New, yarn::State::NewSaving, yarn::State::Submitted, yarn::State::Accepted, yarn::State::Running];

/// When an act that failed may be tried again.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pause {
    tries: u32,
    pub(super) until: Duration,
}

impl Pause {
    pub(super) fn longer(self, now: Duration) -> Pause {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.tries.min(10)).min(LONGEST_PAUSE);
        Pause { tries: self.tries + 1, until: now + pause }
    }
}

impl Manager {
    /// Works for ever: a round every `interval`, and at once on what was ordered. `alive` is called every few seconds.
    pub fn run(&self, interval: Duration, mut alive: impl FnMut()) {
        thread::scope(|scope| {
            // A panic anywhere ends all of it.
            let _end = AtEnd(|| self.close());
            let worker = || Builder::new().name("component".to_owned()).stack_size(STACK);
            let workers: Vec<_> =
                (0..WORKERS).filter_map(|_| worker().spawn_scoped(scope, || self.work_for_ever()).ok()).collect();
            assert!(!workers.is_empty(), "this machine gives no thread");
            let looks = Builder::new().name("jobs".to_owned()).stack_size(STACK);
            // Without it everything goes on, and less is known.
            let _ = looks.spawn_scoped(scope, || self.look_at_jobs_for_ever());
            if let Some(calls) = &self.calls {
                let call = Builder::new().name("calls".to_owned()).stack_size(2 * STACK);
                let _ = call.spawn_scoped(scope, move || self.call_for_ever(calls));
            }
            if !self.site.callbacks.is_none() {
                let callback = Builder::new().name("callbacks".to_owned()).stack_size(2 * STACK);
                let _ = callback.spawn_scoped(scope, || self.call_back_for_ever());
            }
            if let Some(interval) = self.tests {
                let test = Builder::new().name("selftest".to_owned()).stack_size(2 * STACK);
                let _ = test.spawn_scoped(scope, move || self.test_for_ever(interval));
            }
            let packages = Builder::new().name("packages".to_owned()).stack_size(2 * STACK);
            let _ = packages.spawn_scoped(scope, || self.shelve_for_ever());
            let clean = Builder::new().name("housekeeping".to_owned()).stack_size(2 * STACK);
            let _ = clean.spawn_scoped(scope, || self.clean_for_ever());
            let all_there = || !workers.iter().any(|worker| worker.is_finished());
            while all_there() {
                self.counts.rounds.of(|| self.begin_round(), |()| self.silent().is_some());
                // Rounds may be further apart than whoever watches has patience.
                let end = self.clock.passed() + interval;
                while all_there() {
                    alive();
                    let left = end.saturating_sub(self.clock.passed());
                    if left.is_zero() {
                        break;
                    }
                    self.clock.sleep(left.min(LOOK));
                }
            }
        });
    }

    /// One look at everything, and what follows, to its end.
    pub fn round(&self) {
        self.begin_round();
        self.shelve();
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| while self.serve() {});
            }
        });
        self.tidy_up();
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.tasks.notify_all();
    }

    fn work_for_ever(&self) {
        let _end = AtEnd(|| self.close());
        while !self.closed.load(Ordering::Acquire) {
            if !self.serve() {
                let crew = lock(&self.crew);
                // Somebody is told of each task and of each end; a second more makes up for what came in between.
                let waited = self.tasks.wait_timeout(crew, Duration::from_secs(1));
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Looks after one component that waits for it; false if none does.
    pub(super) fn serve(&self) -> bool {
        let Some(task) = lock(&self.crew).take() else { return false };
        let _done = AtEnd(|| {
            lock(&self.crew).done(&task.of);
            self.tasks.notify_one();
        });
        self.counts.looks.of(|| self.look_after(&task), |()| false);
        self.carry_on(&task.of);
        let is_deleted = |state: Arc<State>| {
            let application = state.applications.get(&task.of.application);
            application.is_some_and(|one| one.wanted == Wanted::Deleted)
        };
        if self.state().is_ok_and(is_deleted) {
            self.forget();
        }
        true
    }

    /// Reads the journal, or what is new in it: an act that follows from what others have overtaken may be done twice.
    fn catch_up(&self) -> Result<(), String> {
        let open = lock(&self.book).as_ref().map(Book::journal);
        let read = open.map_or(Err(ReadError::Removed { number: 0 }), |journal| self.read_on(journal.as_ref()));
        match read {
            // Nothing was read yet, or what was is older than what is kept.
            Err(ReadError::Removed { .. }) => self.open_book(),
            read => read.map_err(|error| chain(&error)),
        }
    }

    fn open_book(&self) -> Result<(), String> {
        *lock(&self.book) = None;
        let folder = format!("{}/journal", self.site.hdfs_folder);
        let journal = HdfsJournal::open(self.hdfs.clone(), &folder).map_err(|error| chain(&error))?;
        let copy = self.site.folder.join("journal.sqlite");
        let book = Book::open_with_copy(Arc::new(journal), &copy).map_err(|error| chain(&error))?;
        *lock(&self.known) = Some(book.state.clone());
        *lock(&self.book) = Some(book.keeping(self.every));
        Ok(())
    }

    /// A piece at a time; the book may be used meanwhile.
    fn read_on(&self, journal: &dyn Journal) -> Result<(), ReadError> {
        let mut copied = Ok(());
        loop {
            let Some(number) = lock(&self.book).as_ref().map(|book| book.state.number) else { return Ok(()) };
            let records = journal.read(number + 1, PIECE)?;
            if let Some(book) = lock(&self.book).as_mut() {
                let added = book.add(&records);
                *lock(&self.known) = Some(book.state.clone());
                added?;
                copied = book.write_copy().map_err(|error| chain(&error));
            }
            if records.len() < PIECE || copied.is_err() {
                break;
            }
        }
        if let Err(why) = copied {
            *lock(&self.unwritten) = Some(why);
        } else if lock(&self.unwritten).is_some() {
            let probed = journal.probe();
            *lock(&self.unwritten) = probed.err().map(|error| chain(&error));
        }
        Ok(())
    }

    /// Keeps what follows from the journal where it is time to, so that what is older may go.
    fn keep(&self) {
        let due = lock(&self.book).as_mut().and_then(|book| Some((book.journal(), book.due()?)));
        let Some((journal, snapshot)) = due else { return };
        let kept = journal.keep(&snapshot);
        let noted = lock(&self.book).as_mut().map(|book| book.kept(&snapshot, kept.is_ok()));
        if let Err(error) = kept.and_then(|()| noted.transpose().map(drop).map_err(KeepError::from)) {
            (self.tell)(&chain(&error));
        }
    }

    pub(super) fn begin_round(&self) {
        if self.holder.is_due(self.clock.passed()) {
            self.holder.say(self.verdict());
        }
        let held = self.holder.hold(&self.hdfs, self.clock.passed());
        let elsewhere = held.as_ref().err().filter(|error| matches!(error, holder::Error::Elsewhere { .. }));
        let elsewhere = elsewhere.map(|error| chain(error));
        // A node that stands by reads and looks, and as long as it knows who manages it does nothing.
        if elsewhere.is_some() {
            lock(&self.since).elsewhere.clone_from(&elsewhere);
        }
        *lock(&self.unread) = match held {
            Err(error @ holder::Error::Hidden(_)) => Some(chain(&error)),
            Ok(()) | Err(holder::Error::Elsewhere { .. }) => self.catch_up().err(),
        };
        // What was read took its time, and somebody may have ordered meanwhile that another node manages.
        let parting = self.holder.parts_to(self.clock.passed());
        let elsewhere = elsewhere.or(parting.map(|to| format!("{to} is to manage the applications of this cluster")));
        let is_elsewhere = elsewhere.is_some();
        lock(&self.since).elsewhere = elsewhere;
        if is_elsewhere {
            // What came of its own acts says nothing any more.
            *lock(&self.tested) = None;
            lock(&self.troubles).clear();
        }
        self.watch_silence();
        if !is_elsewhere {
            self.keep();
            self.forget();
        }
        let Ok(state) = self.state() else { return };
        let has = |of: &Key| component_of(&state, of).is_some() || workflow_of(&state, of).is_some();
        lock(&self.seen).retain(|of, _| has(of));
        lock(&self.overseen).retain(|of, _| has(of));
        lock(&self.troubles).retain(|of, _| has(of));
        lock(&self.late).retain(|of, _| has(of));
        lock(&self.pauses).retain(|of, _| has(of));
        lock(&self.disposals).retain(|(of, _), _| has(of));
        lock(&self.since).retain(has);
        let listed = self.listed(&state);
        let tasks = state.applications.iter().flat_map(|(name, application)| tasks(name, application));
        let tasks = tasks.map(|(of, owner, run)| Task { of, owner, listed: (state.number, listed.of(run.as_ref())) });
        lock(&self.crew).renew(tasks.collect());
        self.tasks.notify_all();
    }

    /// Has an application looked after at once: somebody has ordered something.
    pub(super) fn urge(&self, name: &ApplicationName) {
        let Ok(state) = self.state() else { return };
        let Some(application) = state.applications.get(name) else { return };
        for (of, owner, _) in tasks(name, application) {
            lock(&self.pauses).remove(&of);
            lock(&self.crew).urge(Task { of, owner, listed: (0, Listed::Ask) });
        }
        self.tasks.notify_all();
    }

    /// What YARN says of all runs that are not over, in one answer. Of what is not in it YARN is asked one by one.
    fn listed(&self, state: &State) -> All {
        let live = state.applications.values().flat_map(|application| application.components.values());
        if live.filter(|component| component.live().is_some()).nth(1).is_none() {
            return All::Ask;
        }
        match self.yarn.applications(&tag_of(&self.site.cluster), &LIVE) {
            Ok(list) => All::Known(list.into_iter().map(|one| (one.id.clone(), one)).collect()),
            Err(error @ yarn::Error::NoneActive { .. }) => All::Hidden(error.to_string()),
            // Tags are anybody's: a list that others have made too long says nothing of ours.
            Err(_) => All::Ask,
        }
    }

    fn look_after(&self, task: &Task) {
        if self.state().is_ok_and(|state| workflow_of(&state, &task.of).is_some()) {
            return self.look_after_workflow(&task.of);
        }
        let (cluster, flink) = (&self.site.cluster, &self.network.flink);
        let clients = self.site.clients();
        let observer = Observer { yarn: &self.yarn, hdfs: &self.hdfs, flink, cluster, clients: &clients };
        let (mut as_of, mut listed) = (task.listed.0, task.listed.1.clone());
        for _ in 0..STEPS {
            let Ok(state) = self.state() else { return };
            let Some((application, component)) = component_of(&state, &task.of) else { return };
            if matches!(listed, Listed::Ask) {
                as_of = state.number;
            }
            let observed = observer.look(as_of, (&task.of, application, component), listed);
            let action = next(&application.wanted, component, &observed, self.clock.now_ms());
            let is_stale = action == Action::Rest(Rest::Stale);
            self.saw(&task.of, observed);
            // Nothing is done on what was so before others wrote, nor where it could not be written down what follows.
            if self.silent().is_some() || !(is_stale || self.act(&state, &task.of, action)) {
                return;
            }
            listed = Listed::Ask;
        }
    }

    fn saw(&self, of: &Key, observed: Observed) {
        lock(&self.since).saw(of, &observed, self.clock.now_ms());
        lock(&self.seen).insert(of.clone(), observed);
    }

    /// Carries an action out, unless it failed just before. Gives whether there may be more to do at once.
    fn act(&self, state: &State, of: &Key, action: Action) -> bool {
        if let Action::Rest(rest) = action {
            let is_well = rest == Rest::AsWanted;
            self.rest(of, rest);
            return self.tend(state, of, is_well);
        }
        self.unless_it_pauses(of, || self.perform(state, of, action))
    }

    /// Does something about a component, unless it failed just before. Gives whether there may be more to do at once.
    pub(super) fn unless_it_pauses(&self, of: &Key, perform: impl FnOnce() -> Done) -> bool {
        let (now, pause) = (self.clock.passed(), lock(&self.pauses).get(of).copied().unwrap_or_default());
        if now < pause.until {
            return false;
        }
        let done = perform();
        let mut pauses = lock(&self.pauses);
        match done {
            Done::Failed => drop(pauses.insert(of.clone(), pause.longer(now))),
            Done::Written | Done::Asked => drop(pauses.remove(of)),
        }
        done == Done::Written
    }

    /// Applications that shall be gone, and of which nothing runs. Who has one of the same name made does not begin beside it.
    fn forget(&self) {
        let now_ms = self.clock.now_ms();
        let is_over = |one: &Component| !may_still_run(one, now_ms);
        let is_gone = |one: &Application| {
            let nothing_runs = !one.is_live() && one.workflows.values().all(|workflow| workflow.live().is_none());
            one.wanted == Wanted::Deleted && nothing_runs && one.components.values().all(is_over)
        };
        if !self.state().is_ok_and(|state| state.applications.values().any(|one| is_gone(one))) {
            return;
        }
        let _ = self.note(&self.site.user, |state| {
            let gone = state.applications.iter().filter(|(_, one)| is_gone(one));
            Ok((gone.map(|(name, _)| Fact::ApplicationDeleted { application: name.clone() }).collect(), ()))
        });
    }
}

/// What YARN says of all runs.
enum All {
    Ask,
    Hidden(String),
    Known(BTreeMap<ApplicationId, yarn::Application>),
}

impl All {
    fn of(&self, run: Option<&ApplicationId>) -> Listed {
        match self {
            All::Ask => Listed::Ask,
            All::Hidden(why) => Listed::Hidden(why.clone()),
            All::Known(all) => {
                run.and_then(|run| all.get(run)).map_or(Listed::Ask, |one| Listed::Found(Box::new(one.clone())))
            }
        }
    }
}

pub(super) fn component_of<'a>(state: &'a State, of: &Key) -> Option<(&'a Application, &'a Component)> {
    let application = state.applications.get(&of.application)?;
    Some((application, application.components.get(&of.component)?))
}

/// The components of an application, with their owner and the runs that are not over.
fn tasks<'a>(
    name: &'a ApplicationName,
    application: &'a Application,
) -> impl Iterator<Item = (Key, words::names::Word, Option<ApplicationId>)> + 'a {
    let of = |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
    let components = application.components.iter();
    let components = components.map(move |(component, known)| (of(component), known.live().map(|run| run.id.clone())));
    let workflows = application.workflows.keys().map(move |component| (of(component), None));
    components.chain(workflows).map(|(of, run)| (of, application.owner.clone(), run))
}
