//! The manager of applications: takes orders, looks at what runs, and has done what follows, one round after the other.
//! Every order and every act is in the journal before it is carried out; what cannot be recorded is not begun.
//! Not here: which act follows (`decide`), doing it (`act`), and how people reach it.

mod answers;
mod carry_out;
mod explain;
mod logs;
#[cfg(test)]
mod tests;

use crate::decide::{Observed, next};
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
    /// Held while a record is written, which takes as long as HDFS takes.
    book: Mutex<Option<Book>>,
    /// The state of the book, to be read at any time.
    known: Mutex<Option<State>>,
    /// Why the journal could not be read in the last round.
    unread: Mutex<Option<String>>,
    /// Why nothing could be written last.
    unwritten: Mutex<Option<String>>,
    /// Why the last act for a component did not come to pass.
    troubles: Mutex<BTreeMap<Key, String>>,
    seen: Mutex<BTreeMap<Key, Observed>>,
    /// Since when nothing can be recorded, and since when components cannot be seen.
    since: Mutex<Since>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
    /// Why packages were not deployed.
    refused: Mutex<BTreeMap<PackageName, String>>,
    wake: (Mutex<bool>, Condvar),
}

/// Moments in milliseconds since 1970.
#[derive(Default)]
struct Since {
    silent: Option<u64>,
    hidden: BTreeMap<Key, u64>,
}

/// Why nothing can be recorded, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// In milliseconds since 1970.
    pub since_ms: u64,
    /// Why.
    pub why: String,
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
        let unread = Mutex::new(Some("the journal was not read yet".to_owned()));
        let (book, known, unwritten, troubles, seen, since, refused, wake) = Default::default();
        let tell = Box::new(|_: &str| {});
        Ok(Manager {
            site,
            yarn,
            hdfs,
            repository,
            book,
            known,
            unread,
            unwritten,
            troubles,
            seen,
            since,
            tell,
            refused,
            wake,
        })
    }

    /// The same, which says what it writes down and what troubles it, a line each.
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Manager {
        Manager { tell: Box::new(tell), ..self }
    }

    /// Works for ever: a round every `interval`, and at once where something was ordered. `alive` is called each time.
    pub fn run(&self, interval: Duration, mut alive: impl FnMut()) {
        loop {
            alive();
            self.go_round(&mut alive);
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
        let known = lock(&self.known).clone();
        known.ok_or_else(|| unavailable(self.silent().unwrap_or_default()))
    }

    /// Why nothing can be recorded at the moment.
    pub fn silent(&self) -> Option<String> {
        let unread = lock(&self.unread).clone();
        unread.or_else(|| lock(&self.unwritten).clone())
    }

    /// The same, with since when.
    pub fn silence(&self) -> Option<Silence> {
        let since_ms = lock(&self.since).silent.unwrap_or_else(now_ms);
        self.silent().map(|why| Silence { since_ms, why })
    }

    /// Notes since when nothing can be recorded, and says so once.
    fn watch_silence(&self) {
        let (silent, mut since) = (self.silent(), lock(&self.since));
        match (&silent, since.silent) {
            (Some(why), None) => (self.tell)(&format!("nothing can be recorded: {why}")),
            (None, Some(_)) => (self.tell)("everything can be recorded"),
            _ => {}
        }
        since.silent = silent.and(since.silent.or_else(|| Some(now_ms())));
    }

    /// Reads the journal, or what is new in it: an act that follows from what others have overtaken may be done twice.
    fn catch_up(&self) -> Result<(), String> {
        let open = lock(&self.book).as_ref().map(|book| (book.journal(), book.state.number));
        let Some((journal, number)) = open else {
            let folder = format!("{}/journal", self.site.hdfs_folder);
            let journal = HdfsJournal::open(self.hdfs.clone(), &folder).map_err(|error| chain(&error))?;
            let book = Book::open(Arc::new(journal)).map_err(|error| chain(&error))?;
            *lock(&self.known) = Some(book.state.clone());
            *lock(&self.book) = Some(book);
            return Ok(());
        };
        let records = journal.read(number + 1).map_err(|error| chain(&error))?;
        if let (Some(book), false) = (lock(&self.book).as_mut(), records.is_empty()) {
            let added = book.add(&records);
            *lock(&self.known) = Some(book.state.clone());
            added.map_err(|error| chain(&error))?;
        }
        if lock(&self.unwritten).is_some() {
            let probed = journal.probe();
            *lock(&self.unwritten) = probed.err().map(|error| chain(&error));
        }
        Ok(())
    }

    /// Writes a fact if the state still allows it: `rule` looks at the very state that the fact is added to.
    fn note<T>(&self, by: &Word, rule: impl FnOnce(&State) -> Result<(Vec<Fact>, T), Refusal>) -> Result<T, Refusal> {
        let mut held = lock(&self.book);
        let Some(book) = held.as_mut() else {
            return Err(unavailable(self.silent().unwrap_or_default()));
        };
        let (facts, value) = rule(&book.state)?;
        for fact in facts {
            let line = format!("{by}: {}", fact.line());
            let noted = book.note(by, now_ms(), fact);
            let is_away = matches!(noted, Err(NoteError::Append(AppendError::Unavailable { .. })));
            *lock(&self.unwritten) = noted.as_ref().err().filter(|_| is_away).map(|error| chain(error));
            if matches!(noted, Err(NoteError::Append(AppendError::Superseded { .. }))) {
                // What others wrote counts; what was to be done is decided anew from it.
                let _ = book.catch_up();
            }
            *lock(&self.known) = Some(book.state.clone());
            noted.map_err(|error| match error {
                NoteError::Append(AppendError::TooLong { .. }) => Refusal::Invalid(chain(&error)),
                error => unavailable(chain(&error)),
            })?;
            (self.tell)(&line);
        }
        Ok(value)
    }

    /// One look at everything, and what follows.
    pub fn round(&self) {
        self.go_round(&mut || {});
    }

    fn go_round(&self, alive: &mut dyn FnMut()) {
        let unread = self.catch_up().err();
        let is_current = unread.is_none();
        *lock(&self.unread) = unread;
        self.watch_silence();
        let Ok(state) = self.state() else { return };
        let observer = Observer { yarn: &self.yarn, hdfs: &self.hdfs, cluster: &self.site.cluster };
        let live = state.applications.iter().flat_map(|(name, application)| {
            let key = |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
            application.components.iter().map(move |(name, component)| (key(name), application, component))
        });
        let looked = parallel::each(AT_ONCE, live, |(of, application, component)| {
            let observed = observer.look(state.number, &of, application, component);
            (of, next(&application.wanted, component, &observed), observed)
        });
        let seen = looked.iter().map(|(of, _, observed)| (of.clone(), observed.clone())).collect();
        *lock(&self.seen) = seen;
        let hidden = looked.iter().filter(|(_, _, observed)| observed.is_hidden()).map(|(of, _, _)| of.clone());
        let mut since = lock(&self.since);
        since.hidden = hidden.map(|of| (of.clone(), since.hidden.get(&of).copied().unwrap_or_else(now_ms))).collect();
        drop(since);
        // What others may have written is not known: nothing is begun on what was so before.
        if is_current {
            for (of, action, _) in looked {
                self.perform(&state, &of, action);
                alive();
            }
            self.forget();
        }
    }

    /// Applications that shall be gone, and of which nothing runs.
    fn forget(&self) {
        if let Ok(state) = self.state() {
            lock(&self.troubles).retain(|of, _| state.applications.contains_key(&of.application));
        }
        let _ = self.note(&self.site.user, |state| {
            let gone = state.applications.iter().filter(|(_, one)| one.wanted == Wanted::Deleted && !one.is_live());
            Ok((gone.map(|(name, _)| Fact::ApplicationDeleted { application: name.clone() }).collect(), ()))
        });
    }
}
