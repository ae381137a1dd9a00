//! The manager of applications: takes orders, looks at what runs, and has done what follows, one round after the other.
//! Every order and every act is in the journal before it is carried out; what cannot be recorded is not begun.
//! Not here: which act follows (`decide`), doing it (`act`), and how people reach it.

mod answers;
mod carry_out;
mod explain;
mod logs;
#[cfg(test)]
mod tests;

use crate::decide::{Action, Job, Observed, Rest, Yarn, next};
use crate::journal::{AppendError, Book, Fact, HdfsJournal, Key, NoteError, State, Wanted};
use crate::observe::Observer;
use crate::orders::Refusal;
use crate::package::repository::{self, Repository};
use crate::site::Site;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use systems::hadoop::User;
use systems::webhdfs::WebHdfs;
use systems::yarn::ResourceManager;
use words::chain::chain;
use words::names::{ComponentName, PackageName, Word};
use words::parallel;

/// Components that are looked at together.
const AT_ONCE: usize = 8;

/// The manager.
pub struct Manager {
    site: Site,
    yarn: ResourceManager,
    hdfs: WebHdfs,
    repository: Repository,
    book: Mutex<Option<Book>>,
    /// Since when there is no book, or nothing could be written, and why.
    silent: Mutex<Option<Silence>>,
    seen: Mutex<BTreeMap<Key, Looked>>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
    /// Why packages were not deployed.
    refused: Mutex<BTreeMap<PackageName, String>>,
    wake: (Mutex<bool>, Condvar),
}

/// Why nothing can be recorded, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// In milliseconds since 1970.
    pub since_ms: u64,
    /// Why.
    pub why: String,
}

/// The last look at a component.
#[derive(Debug, Clone)]
struct Looked {
    observed: Observed,
    /// Since when it cannot be seen, in milliseconds since 1970.
    hidden_ms: Option<u64>,
    /// Why the last act did not come to pass.
    trouble: Option<String>,
}

/// Why there is no manager.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is none.
    #[error("the agent's configuration of applications cannot be used")]
    Yarn(#[from] systems::yarn::Error),
    /// An address is none.
    #[error("the agent's configuration of applications cannot be used")]
    Hdfs(#[from] systems::webhdfs::Error),
    /// Packages cannot be kept.
    #[error("packages cannot be kept on this node")]
    Repository(#[from] repository::Error),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn is_hidden(observed: &Observed) -> bool {
    match &observed.yarn {
        Yarn::Hidden { .. } => true,
        Yarn::Known(seen) => matches!(seen.job, Job::Hidden(_)),
        Yarn::NoRun | Yarn::Unknown(_) => false,
    }
}

fn unavailable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Manager {
    /// A manager that has read nothing yet.
    pub fn new(site: Site) -> Result<Manager, Error> {
        let user = User::simple(site.user.as_str());
        let yarn = ResourceManager::new(&site.resource_managers, Default::default())?.reading_as(user);
        let hdfs = WebHdfs::of_several(&site.name_nodes, User::simple(site.user.as_str()), Default::default())?;
        let packages = site.folder.join("packages");
        let made = std::fs::create_dir_all(&packages);
        made.map_err(|source| repository::Error::Folder { what: "make", path: packages.clone(), source })?;
        let repository = Repository::open_folder(&packages)?;
        let silence = Silence { since_ms: now_ms(), why: "the journal was not read yet".to_owned() };
        let (book, silent) = (Mutex::new(None), Mutex::new(Some(silence)));
        let (seen, refused, wake) = Default::default();
        Ok(Manager { site, yarn, hdfs, repository, book, silent, seen, tell: Box::new(|_| {}), refused, wake })
    }

    /// The same, which says what happens, a line each.
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Manager {
        Manager { tell: Box::new(tell), ..self }
    }

    /// Works for ever: a round every `interval`, and at once where something was ordered. `alive` is called each time.
    pub fn run(&self, interval: Duration, mut alive: impl FnMut()) {
        loop {
            alive();
            self.round();
            let (ordered, waiting) = &self.wake;
            let ordered = lock(ordered);
            let waited = waiting.wait_timeout_while(ordered, interval, |ordered| !*ordered);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }

    fn wake(&self) {
        *lock(&self.wake.0) = true;
        self.wake.1.notify_all();
    }

    /// The state as far as it is known, or why nothing is.
    pub fn state(&self) -> Result<State, Refusal> {
        let book = lock(&self.book);
        match book.as_ref() {
            Some(book) => Ok(book.state.clone()),
            None => Err(self.silence()),
        }
    }

    /// Why nothing can be recorded at the moment.
    pub fn silent(&self) -> Option<Silence> {
        lock(&self.silent).clone()
    }

    fn silence(&self) -> Refusal {
        let why = self.silent().map(|silence| silence.why).unwrap_or_default();
        unavailable(format!("nothing can be recorded: {why}"))
    }

    /// Remembers that nothing can be recorded, or that it can again.
    fn recording(&self, failed: Option<String>) {
        let mut silent = lock(&self.silent);
        match (&failed, silent.is_some()) {
            (Some(why), false) => (self.tell)(&format!("nothing can be recorded: {why}")),
            (None, true) => (self.tell)("everything is recorded"),
            _ => {}
        }
        let since_ms = silent.as_ref().map_or_else(now_ms, |silence| silence.since_ms);
        *silent = failed.map(|why| Silence { since_ms, why });
    }

    /// Reads the journal if that was not done yet.
    fn open(&self) -> Result<(), String> {
        let mut book = lock(&self.book);
        if book.is_some() {
            return Ok(());
        }
        let folder = format!("{}/journal", self.site.hdfs_folder);
        let journal = HdfsJournal::open(self.hdfs.clone(), &folder).map_err(|error| chain(&error))?;
        *book = Some(Book::open(Arc::new(journal)).map_err(|error| chain(&error))?);
        drop(book);
        self.recording(None);
        Ok(())
    }

    /// Writes a fact if the state still allows it: `rule` looks at the very state that the fact is added to.
    fn note<T>(&self, by: &Word, rule: impl FnOnce(&State) -> Result<(Vec<Fact>, T), Refusal>) -> Result<T, Refusal> {
        let mut held = lock(&self.book);
        let Some(book) = held.as_mut() else {
            return Err(self.silence());
        };
        let (facts, value) = rule(&book.state)?;
        for fact in facts {
            let line = format!("{by}: {}", fact.line());
            let noted = book.note(by, now_ms(), fact);
            if let Err(error) = noted {
                match error {
                    // What others wrote counts; what was to be done is decided anew from it.
                    NoteError::Append(AppendError::Superseded { .. }) => {
                        let _ = book.catch_up();
                    }
                    NoteError::Append(AppendError::Unavailable { .. }) => self.recording(Some(chain(&error))),
                    NoteError::Misfit(_) => {}
                }
                return Err(unavailable(chain(&error)));
            }
            self.recording(None);
            (self.tell)(&line);
        }
        Ok(value)
    }

    /// One look at everything, and what follows.
    pub fn round(&self) {
        if let Err(why) = self.open() {
            return self.recording(Some(why));
        }
        let Ok(state) = self.state() else { return };
        let observer = Observer { yarn: &self.yarn, hdfs: &self.hdfs, cluster: &self.site.cluster };
        let live = state.applications.iter().flat_map(|(name, application)| {
            let key = |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
            application.components.iter().map(move |(name, component)| (key(name), application, component))
        });
        let looked = parallel::each(AT_ONCE, live, |(of, application, component)| {
            let observed = observer.look(state.number, &of, &application.owner, component);
            (of, next(&application.wanted, component, &observed), observed)
        });
        self.remember(looked.iter().map(|(of, action, observed)| (of, action, observed)));
        for (of, action, _) in looked {
            self.perform(&state, &of, action);
        }
        self.forget();
    }

    /// Keeps what was seen, since when something cannot be, and what troubled the last act.
    fn remember<'a>(&self, looked: impl Iterator<Item = (&'a Key, &'a Action, &'a Observed)>) {
        let mut seen = lock(&self.seen);
        let kept = looked.map(|(of, action, observed)| {
            let before = seen.get(of);
            let hidden = matches!(action, Action::Rest(Rest::CannotSee { .. })) || is_hidden(observed);
            let hidden_ms = hidden.then(|| before.and_then(|before| before.hidden_ms).unwrap_or_else(now_ms));
            let trouble = before.and_then(|before| before.trouble.clone());
            (of.clone(), Looked { observed: observed.clone(), hidden_ms, trouble })
        });
        let kept = kept.collect();
        *seen = kept;
    }

    /// Remembers why an act did not come to pass, or that it did; said once, not each round.
    fn troubled(&self, of: &Key, trouble: Option<String>) {
        let mut seen = lock(&self.seen);
        let Some(looked) = seen.get_mut(of) else { return };
        if let Some(why) = trouble.as_ref().filter(|why| looked.trouble.as_ref() != Some(*why)) {
            (self.tell)(&format!("{of}: {why}"));
        }
        looked.trouble = trouble;
    }

    /// Applications that shall be gone, and of which nothing runs.
    fn forget(&self) {
        let _ = self.note(&self.site.user, |state| {
            let gone = state.applications.iter().filter(|(_, one)| one.wanted == Wanted::Deleted && !one.is_live());
            Ok((gone.map(|(name, _)| Fact::ApplicationDeleted { application: name.clone() }).collect(), ()))
        });
    }
}
