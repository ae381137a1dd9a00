//! The manager of applications: takes orders, looks at what runs, and has done what follows, one round after the other.
//! Every order and every act is in the journal before it is carried out; what cannot be recorded is not begun.
//! Not here: which act follows (`decide`), doing it (`act`), and how people reach it.

mod adopt;
mod adopt_state;
mod alarms;
mod answers;
mod begin;
mod by_client;
mod callbacks;
mod calls;
mod carry_out;
pub mod change;
mod classes;
mod create;
mod crew;
mod dashboard;
mod declared;
mod details;
mod difference;
mod explain;
mod figures;
mod fork;
mod found;
mod fresh;
mod hand_over;
mod happened;
mod housekeeping;
mod logs;
mod notes;
mod packages;
mod rescale;
mod rounds;
mod save;
mod savepoints;
mod selftests;
mod since;
mod steps;
#[cfg(test)]
mod tests;
mod upgrades;
mod uploads;
mod vitals;
mod workflow_told;
mod workflows;

use crate::client::{Jvm, Runner};
use crate::clock::{Clock, SystemClock};
use crate::counts::Counts;
use crate::decide::{Observed, workflow};
use crate::holder::Holder;
use crate::housekeeping::Rules;
use crate::journal::{Book, EVERY, Key, State};
use crate::network::Network;
use crate::orders::Refusal;
use crate::package::repository::{self, Repository};
use crate::share::{Pace, Share};
use crate::site::Site;
use crate::staged::Staged;
pub use callbacks::Callbacks;
pub use calls::Calls;
use crew::Crew;
use rounds::Pause;
use since::Since;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use systems::hadoop::User;
use systems::oozie::Oozie;
use systems::webhdfs::WebHdfs;
use systems::yarn::ResourceManager;
use words::names::{PackageName, Word};

/// The manager.
pub struct Manager {
    site: Site,
    network: Network,
    yarn: ResourceManager,
    hdfs: WebHdfs,
    repository: Repository,
    holder: Holder,
    /// What one user may have.
    share: Share,
    /// What everybody has ordered of late.
    pace: Mutex<Pace>,
    /// Room that uploads under way hold, by who brings them.
    uploading: Mutex<BTreeMap<Word, u64>>,
    /// Held while a record is written, which takes as long as HDFS takes.
    book: Mutex<Option<Book>>,
    /// The state of the book, to be read at any time.
    known: Mutex<Option<Arc<State>>>,
    /// Why the journal could not be read in the last round.
    unread: Mutex<Option<String>>,
    /// Why nothing could be written last.
    unwritten: Mutex<Option<String>>,
    /// Why the last act for a component did not come to pass.
    troubles: Mutex<BTreeMap<Key, Trouble>>,
    seen: Mutex<BTreeMap<Key, Observed>>,
    /// The same of components that Oozie runs.
    overseen: Mutex<BTreeMap<Key, workflow::Observed>>,
    oozie: Option<Oozie>,
    /// How jobs that run do.
    looked_at: Mutex<BTreeMap<Key, vitals::Looked>>,
    /// Since when nothing can be recorded, and since when components cannot be seen.
    since: Mutex<Since>,
    tell: Box<dyn Fn(&str) + Send + Sync>,
    /// Packages that somebody is busy with.
    claimed: Mutex<BTreeSet<PackageName>>,
    shelved: Mutex<packages::Shelved>,
    /// Why packages were not deployed.
    refused: Mutex<BTreeMap<PackageName, String>>,
    /// What was seen of releases of Flink.
    staged: Staged,
    /// What was said when a start was ordered, for its submissions.
    fresh: Mutex<fresh::Fresh>,
    /// What was found in the classes of packages.
    looked: classes::Looked,
    /// Requests for another parallelism whose answer was lost.
    late: Mutex<rescale::Late>,
    /// When acts that failed may be tried again.
    pauses: Mutex<BTreeMap<Key, Pause>>,
    crew: Mutex<Crew>,
    /// There is something for the crew.
    tasks: Condvar,
    closed: AtomicBool,
    clock: Box<dyn Clock>,
    /// A snapshot of the journal is due after so many records more.
    every: u64,
    counts: Counts,
    /// Who is called when an alarm begins or ends.
    calls: Option<Calls>,
    /// How often it tests itself, and what became of the last time.
    tests: Option<Duration>,
    tested: Mutex<Option<selftests::Last>>,
    /// The program that looks at classes in a process of its own.
    apart: Option<PathBuf>,
    /// Changes of state that are to be told.
    changes: Mutex<callbacks::Waiting>,
    /// What starts Flink's own client, and for whom one runs.
    runner: Box<dyn Runner>,
    clients: Mutex<BTreeSet<Word>>,
    /// Savepoints that cannot be removed for the moment.
    disposals: Mutex<savepoints::Tried>,
    /// What housekeeping goes by, and when it is tried again.
    rules: Rules,
    swept: Mutex<Pause>,
}

/// Why something does not come to pass, or what it waits for.
struct Trouble {
    why: String,
    /// Since when acts fail, in milliseconds since 1970.
    since_ms: Option<u64>,
}

impl Trouble {
    /// Why acts fail, and since when; none of what only waits.
    fn since(&self) -> Option<(&str, u64)> {
        Some((self.why.as_str(), self.since_ms?))
    }
}

/// Why nothing can be recorded, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// In milliseconds since 1970.
    pub since_ms: u64,
    /// Why.
    pub why: String,
    /// Another node manages, and this one stands by.
    pub stands_by: bool,
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
    /// An address is none.
    #[error("the agent's configuration of applications cannot be used")]
    Oozie(#[from] systems::oozie::Error),
    /// Packages cannot be kept.
    #[error("packages cannot be kept on this node")]
    Repository(#[from] repository::Error),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Manager {
    /// A manager that has read nothing yet.
    pub fn new(site: Site) -> Result<Manager, Error> {
        Manager::through(Network::of(&site.resource_managers), site)
    }

    /// The same over this network.
    pub fn through(network: Network, site: Site) -> Result<Manager, Error> {
        let counts = Counts::default();
        let network = network.counted(&counts);
        let user = User::simple(site.user.as_str());
        let hdfs = WebHdfs::through(&network.hdfs, &site.name_nodes, user.clone())?;
        let yarn = ResourceManager::through(network.yarn.clone(), &site.resource_managers)?.reading_as(user);
        let oozie = site.oozie.as_deref().map(|address| Oozie::through(network.oozie.clone(), address)).transpose()?;
        // What a manager that was killed has left.
        let _ = std::fs::remove_dir_all(site.workflows());
        let packages = site.folder.join("packages");
        let made = std::fs::create_dir_all(&packages);
        made.map_err(|source| repository::Error::Folder { what: "make", path: packages.clone(), source })?;
        let repository = Repository::open_folder(&packages)?;
        let holder = Holder::this_machine(&site.hdfs_folder);
        let unread = Mutex::new(Some("the journal was not read yet".to_owned()));
        let (book, known, unwritten, troubles, seen, since, refused) = Default::default();
        let (looked, pauses, crew, tasks, closed) = Default::default();
        let (share, pace, uploading, staged, fresh, looked_at) = Default::default();
        let (claimed, shelved, disposals) = Default::default();
        let tell = Box::new(|_: &str| {});
        Ok(Manager {
            site,
            network,
            yarn,
            hdfs,
            repository,
            holder,
            share,
            pace,
            claimed,
            shelved,
            uploading,
            book,
            known,
            unread,
            unwritten,
            troubles,
            seen,
            overseen: Mutex::default(),
            oozie,
            looked_at,
            since,
            tell,
            refused,
            staged,
            fresh,
            looked,
            late: Mutex::default(),
            pauses,
            crew,
            tasks,
            closed,
            clock: Box::new(SystemClock::default()),
            every: EVERY,
            counts,
            calls: None,
            tests: None,
            tested: Mutex::default(),
            apart: None,
            changes: Mutex::default(),
            runner: Box::new(Jvm),
            clients: Mutex::default(),
            disposals,
            rules: Rules::default(),
            swept: Mutex::default(),
        })
    }

    /// The same, which says what it writes down and what troubles it, a line each.
    pub fn telling(self, tell: impl Fn(&str) + Send + Sync + 'static) -> Manager {
        Manager { tell: Box::new(tell), ..self }
    }

    /// The same, which has this program look at classes (`package::classes::apart`), so that its own memory stays small.
    pub fn looking_apart(self, program: PathBuf) -> Manager {
        Manager { apart: Some(program), ..self }
    }

    /// The same with something else in the place of Flink's own client.
    pub fn running(self, runner: impl Runner + 'static) -> Manager {
        Manager { runner: Box::new(runner), ..self }
    }

    /// The same on a node of this name.
    #[cfg(test)]
    pub(crate) fn on_node(self, name: &str) -> Manager {
        Manager { holder: Holder::new(&self.site.hdfs_folder, name), ..self }
    }

    /// The same, which keeps a snapshot of the journal after so many records more.
    #[cfg(test)]
    pub(crate) fn keeping(self, every: u64) -> Manager {
        Manager { every, ..self }
    }

    /// The same, which calls somebody when an alarm begins or ends.
    pub fn calling(self, calls: Option<Calls>) -> Manager {
        Manager { calls, ..self }
    }

    /// The same, which tests itself so often.
    pub fn testing(self, tests: Option<Duration>) -> Manager {
        Manager { tests, ..self }
    }

    /// The same, whose housekeeping goes by these rules.
    pub fn cleaning(self, rules: Rules) -> Manager {
        Manager { rules, ..self }
    }

    /// The same by another clock.
    pub fn by(self, clock: impl Clock + 'static) -> Manager {
        Manager { clock: Box::new(clock), ..self }
    }

    /// The same with other bounds for each user.
    pub fn sharing(self, share: Share) -> Manager {
        Manager { share, ..self }
    }

    /// The state as far as it is known, or why nothing is.
    pub fn state(&self) -> Result<Arc<State>, Refusal> {
        let known = lock(&self.known).clone();
        known.ok_or_else(|| unavailable(self.silent().unwrap_or_default()))
    }

    /// Why this node does nothing at the moment: nothing can be recorded, or another node manages.
    pub fn silent(&self) -> Option<String> {
        self.unrecordable().or_else(|| lock(&self.since).elsewhere.clone())
    }

    /// Why nothing can be recorded at the moment, not even what people order.
    fn unrecordable(&self) -> Option<String> {
        let unread = lock(&self.unread).clone();
        unread.or_else(|| lock(&self.unwritten).clone())
    }

    /// The same, with since when.
    pub fn silence(&self) -> Option<Silence> {
        let (silent, stands_by) = {
            let since = lock(&self.since);
            (since.silent, since.elsewhere.is_some())
        };
        let since_ms = silent.unwrap_or_else(|| self.clock.now_ms());
        self.silent().map(|why| Silence { since_ms, why, stands_by })
    }

    /// Notes since when nothing can be recorded, and says so once.
    fn watch_silence(&self) {
        let (silent, mut since) = (self.silent(), lock(&self.since));
        match (&silent, since.silent) {
            (Some(why), None) => (self.tell)(&format!("nothing can be recorded: {why}")),
            (None, Some(_)) => (self.tell)("everything can be recorded"),
            _ => {}
        }
        since.silent = silent.and(since.silent.or_else(|| Some(self.clock.now_ms())));
    }
}
