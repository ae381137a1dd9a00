//! What lies in HDFS and nobody needs any more, and what stays and why: from what was found there, what YARN says, and the
//! journal. Pure: a dry run is what comes out.
//! What is not known to be over is not; what is not recognised stays.
//! Not here: looking (`manager::found`), and removing (`act`).

mod archives;
mod checkpoints;
mod packages;
mod places;
mod rest;
mod runs;
mod temporary;
#[cfg(test)]
mod tests;

pub use packages::undeployed;
pub use places::{Places, TEMPORARY};

use crate::journal::{Cleaning, Component, Key, Leaving, State};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use systems::webhdfs::Status;
use words::housekeeping::{Entry, Kind};
use words::ids::ApplicationId;
use words::names::ApplicationName;

/// What was changed within this time stays, whatever it is.
pub const FLOOR_MS: u64 = 3_600_000;
/// So much is told.
pub const MOST_TOLD: usize = 1000;
/// So much goes by one order, which is so many records.
pub const MOST_GOING: usize = 500;
const MOST_ORDERS: usize = 20;

/// How old, and how much, may become what nobody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Checkpoints of jobs that are over, while their component has a newer state.
    pub checkpoints_ms: u64,
    /// Archives of finished jobs.
    pub archives_ms: u64,
    /// So many archives stay at most.
    pub most_archives: usize,
    /// Releases of Flink that others took the place of.
    pub distributions_ms: u64,
    /// What lies in the folder for temporary things.
    pub temporary_ms: u64,
    /// Deployed packages of which no application is made,
    pub packages_ms: u64,
    /// and that are not among so many newest ones of their name.
    pub most_packages: usize,
    /// How often it is done by itself; none: by order alone.
    pub every: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Rules {
        let days = |days: u64| days * 24 * FLOOR_MS;
        Rules {
            checkpoints_ms: days(30),
            archives_ms: days(30),
            most_archives: 10_000,
            distributions_ms: days(90),
            temporary_ms: days(7),
            packages_ms: days(90),
            most_packages: 10,
            every: None,
        }
    }
}

/// Something that lies in HDFS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Where.
    pub path: String,
    /// Whose it is, as HDFS says.
    pub owner: String,
    /// When it was changed last.
    pub at_ms: u64,
    /// Of a file.
    pub bytes: Option<u64>,
}

impl Lying {
    /// As it was listed in a folder.
    pub fn of(folder: &str, status: Status) -> Lying {
        Lying {
            path: format!("{folder}/{}", status.path_suffix),
            bytes: (!status.is_folder()).then_some(status.length),
            at_ms: status.modification_time,
            owner: status.owner,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// What YARN says of one of its applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It does not answer.
    Hidden(String),
    /// It does not know it, which is not to say that it is over.
    Unknown,
    /// It goes on, or may.
    Live,
    /// It is over, and no attempt follows.
    Over {
        /// YARN's word for how.
        state: String,
        /// Who ran it.
        user: String,
        /// It has the tag of this cluster's manager, or of what Oozie runs for one.
        is_ours: bool,
    },
}

/// What was found: first what lies in HDFS, and after that what YARN says.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What was sent for applications of YARN.
    pub staging: Vec<Lying>,
    /// What their job managers keep.
    pub high_availability: Vec<Lying>,
    /// The nodes of theirs in ZooKeeper, which belong to nobody.
    pub znodes: Vec<Lying>,
    /// In the folder of archives.
    pub archives: Vec<Lying>,
    /// In the folders of components' checkpoints.
    pub checkpoints: Vec<(Key, Lying)>,
    /// In folders of checkpoints of what the journal does not have.
    pub strange: Vec<Lying>,
    /// In the folders of releases of Flink.
    pub distributions: Vec<Lying>,
    /// In the manager's own folders.
    pub own: Vec<Lying>,
    /// In the folder for temporary things, with when anything in it was changed last; or why that is not seen.
    pub temporary: Vec<(Lying, Option<String>)>,
    /// The state from which a component would begin now, or why that is not seen.
    pub next: BTreeMap<Key, Result<Option<String>, String>>,
    /// The values of all properties of a component, expanded, or why they are not seen: its package may name what lies here.
    pub properties: BTreeMap<Key, Result<String, String>>,
    /// The releases that this node is configured with.
    pub configured: BTreeSet<String>,
    /// The applications of YARN that go on, of everybody and of any kind, with when they were submitted.
    pub live: Option<BTreeMap<ApplicationId, Option<u64>>>,
    /// What YARN says of those that something was found of.
    pub yarn: BTreeMap<ApplicationId, Told>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

/// What is decided from.
struct Known<'a> {
    state: &'a State,
    found: &'a Found,
    rules: &'a Rules,
    now_ms: u64,
}

impl Known<'_> {
    /// Why it stays, because it was changed lately.
    fn is_young(&self, at_ms: u64) -> bool {
        self.now_ms.saturating_sub(at_ms) < FLOOR_MS
    }

    fn is_older(&self, at_ms: u64, than_ms: u64) -> bool {
        self.now_ms.saturating_sub(at_ms) > than_ms.max(FLOOR_MS)
    }

    /// A component of the journal that is being submitted or runs, and was so by then.
    fn submitted_by(&self, at_ms: u64) -> Option<Key> {
        let begun = |known: &Component| {
            let run = known.live().map(|run| run.at_ms);
            run.or(known.attempt.as_ref().map(|attempt| attempt.at_ms))
        };
        let mut all = self.state.applications.iter().flat_map(|(name, one)| {
            let components = one.components.iter().map(move |(of, known)| (name, of, begun(known)));
            // A coordinator begins its runs for months with what it was submitted with.
            let workflows = one.workflows.iter().map(move |(of, known)| (name, of, known.live().map(|job| job.at_ms)));
            components.chain(workflows)
        });
        let found = all.find(|(_, _, begun)| begun.is_some_and(|begun| begun <= at_ms));
        found.map(|(name, component, _)| Key { application: name.clone(), component: component.clone() })
    }
}

/// What was decided about one thing: why it may go, or why it stays.
type Verdict = Result<String, String>;

fn entry(kind: Kind, lying: &Lying, application: Option<&ApplicationName>, verdict: Verdict) -> Entry {
    let goes = verdict.is_ok();
    Entry {
        kind,
        path: lying.path.clone(),
        owner: lying.owner.clone(),
        application: application.cloned(),
        bytes: lying.bytes,
        at_ms: lying.at_ms,
        goes,
        why: verdict.unwrap_or_else(|why| why),
    }
}

/// Everything that was found, what may go first: the oldest of each kind before the others.
pub fn plan(state: &State, found: &Found, (rules, places): (&Rules, &Places), now_ms: u64) -> Vec<Entry> {
    let known = Known { state, found, rules, now_ms };
    let mut all = runs::judge(&known);
    all.extend(checkpoints::judge(&known));
    all.extend(archives::judge(&known));
    all.extend(rest::judge(&known));
    all.extend(temporary::judge(&known));
    all.extend(packages::judge(&known));
    // Whatever was decided: nothing goes that is not where its kind lies, and nothing that is going already.
    for one in &mut all {
        // A package lies nowhere.
        if one.goes && one.kind != Kind::Package && !places.are_of(one.kind, &one.owner, &one.path) {
            (one.goes, one.why) = (false, "it is not ours: its place or its name is not of this kind".to_owned());
        }
        let is_going = |cleaning: &Arc<Cleaning>| cleaning.entries.iter().any(|leaving| leaving.path == one.path);
        if one.goes && state.cleanings.values().any(is_going) {
            (one.goes, one.why) = (false, "it is being removed already".to_owned());
        }
    }
    all.sort_by_key(|one| (Reverse(one.goes), one.kind, one.at_ms));
    all
}

/// Whether it simply stays, as very many may.
pub fn is_usual(one: &Entry) -> bool {
    !one.goes && one.why == archives::STAYS
}

/// What one order removes of a plan, no more than so much at a time: the states of each application in a record that its history
/// has, and all else in one.
pub fn orders(plan: &[Entry]) -> Vec<Cleaning> {
    let mut orders: BTreeMap<Option<ApplicationName>, Vec<Leaving>> = BTreeMap::new();
    for one in plan.iter().filter(|one| one.goes && one.kind != Kind::Package).take(MOST_GOING) {
        let of = one.application.clone().filter(|_| one.kind == Kind::Checkpoints);
        let Entry { kind, at_ms, .. } = *one;
        let (path, owner, why) = (one.path.clone(), one.owner.clone(), one.why.clone());
        orders.entry(of).or_default().push(Leaving { kind, path, owner, at_ms, why });
    }
    let order = |(application, entries)| Cleaning { application, entries };
    orders.into_iter().take(MOST_ORDERS).map(order).collect()
}
