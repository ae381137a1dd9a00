//! The manager of applications: takes orders, looks at what runs, and has done what follows, one round after the other.
//! Every order and every act is in the journal before it is carried out; what cannot be recorded is not begun.
//! Not here: which act follows (`decide`), doing it (`act`), and how people reach it.

mod answers;
mod carry_out;
mod explain;
mod logs;

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
    book: Mutex<Option<Book>>,
    /// Why there is no book, or nothing could be written last.
    silent: Mutex<Option<String>>,
    seen: Mutex<BTreeMap<Key, Observed>>,
    /// Why packages were not deployed.
    refused: Mutex<BTreeMap<PackageName, String>>,
    wake: (Mutex<bool>, Condvar),
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
        let (book, silent) = (Mutex::new(None), Mutex::new(Some("the journal was not read yet".to_owned())));
        let (seen, refused, wake) = Default::default();
        Ok(Manager { site, yarn, hdfs, repository, book, silent, seen, refused, wake })
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
            None => Err(unavailable(lock(&self.silent).clone().unwrap_or_default())),
        }
    }

    /// Why nothing can be recorded at the moment.
    pub fn silent(&self) -> Option<String> {
        lock(&self.silent).clone()
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
        Ok(())
    }

    /// Writes a fact if the state still allows it: `rule` looks at the very state that the fact is added to.
    fn note<T>(&self, by: &Word, rule: impl FnOnce(&State) -> Result<(Vec<Fact>, T), Refusal>) -> Result<T, Refusal> {
        let mut held = lock(&self.book);
        let Some(book) = held.as_mut() else {
            return Err(unavailable(lock(&self.silent).clone().unwrap_or_default()));
        };
        let (facts, value) = rule(&book.state)?;
        for fact in facts {
            let noted = book.note(by, now_ms(), fact);
            *lock(&self.silent) = noted.as_ref().err().map(|error| chain(error));
            if let Err(error) = noted {
                if matches!(error, NoteError::Append(AppendError::Superseded { .. })) {
                    // What others wrote counts; what was to be done is decided anew from it.
                    let _ = book.catch_up();
                }
                return Err(unavailable(chain(&error)));
            }
        }
        Ok(value)
    }

    /// One look at everything, and what follows.
    pub fn round(&self) {
        let opened = self.open();
        if opened.is_err() {
            *lock(&self.silent) = opened.err();
            return;
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
        let seen = looked.iter().map(|(of, _, observed)| (of.clone(), observed.clone())).collect();
        *lock(&self.seen) = seen;
        for (of, action, _) in looked {
            self.perform(&state, &of, action);
        }
        self.forget();
    }

    /// Applications that shall be gone, and of which nothing runs.
    fn forget(&self) {
        let _ = self.note(&self.site.user, |state| {
            let gone = state.applications.iter().filter(|(_, one)| one.wanted == Wanted::Deleted && !one.is_live());
            Ok((gone.map(|(name, _)| Fact::ApplicationDeleted { application: name.clone() }).collect(), ()))
        });
    }
}
