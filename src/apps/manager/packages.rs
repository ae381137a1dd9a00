//! Deployed packages: what they are is in the journal, their bytes lie in HDFS, and this node's repository has copies.
//! Whoever deploys, removes or looks after one name does so alone.
//! Not here: what is in a package, and who may deploy.

use super::{Manager, lock};
use crate::journal::{Book, State};
use crate::orders::Refusal;
use crate::package::Package;
use crate::package::depot::{Depot, Error};
use crate::package::repository::{self, Stored};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;
use words::chain::chain;
use words::digest::Sha256;
use words::names::PackageName;
use words::parallel::AtEnd;

/// What could not be brought to HDFS is tried again after this.
const PAUSE: Duration = Duration::from_secs(60);
/// It is looked this often whether there is something to bring.
const TICK: Duration = Duration::from_secs(2);

/// What HDFS was last seen to have of what is deployed.
#[derive(Default)]
pub(super) struct Shelved {
    done: Option<BTreeMap<PackageName, Sha256>>,
    next: Duration,
    /// How often somebody has wanted it looked at.
    wanted: u64,
}

/// A package that somebody is busy with, until this is dropped.
pub(super) struct Claim<'a> {
    manager: &'a Manager,
    name: PackageName,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.manager.claimed).remove(&self.name);
    }
}

impl Manager {
    pub(super) fn depot(&self) -> Depot<'_> {
        Depot { hdfs: &self.hdfs, folder: format!("{}/packages", self.site.hdfs_folder) }
    }

    /// Keeps others from deploying or removing a package meanwhile.
    pub(super) fn claim(&self, name: &PackageName) -> Result<Claim<'_>, Refusal> {
        match lock(&self.claimed).insert(name.clone()) {
            true => Ok(Claim { manager: self, name: name.clone() }),
            false => Err(Refusal::Conflict(format!("{name} is being deployed or removed: ask again in a moment"))),
        }
    }

    /// A package with what its bytes are. One that is deployed is the one that was deployed, wherever that was.
    pub fn package(&self, state: &State, name: &PackageName) -> Result<(Package, Stored), Error> {
        let read = self.repository.package(name);
        let Some(deployed) = state.packages.get(name) else { return Ok(read?) };
        match read {
            Ok((package, stored)) if stored.digest == deployed.sha256 => return Ok((package, stored)),
            // It is not here, or another one of the name is, which nobody can deploy any more.
            Ok(_) | Err(repository::Error::NotFound { .. } | repository::Error::Package { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.depot().bring(name, deployed, &self.repository)?;
        Ok(self.repository.package(name)?)
    }

    /// Has it looked soon what HDFS has.
    pub(super) fn look_at_the_depot(&self) {
        let mut shelved = lock(&self.shelved);
        (shelved.done, shelved.wanted) = (None, shelved.wanted + 1);
    }

    /// A package may take long on a slow line: no round waits for it.
    pub(super) fn shelve_for_ever(&self) {
        let _end = AtEnd(|| self.close());
        while !self.closed.load(Ordering::Acquire) {
            self.shelve();
            self.clock.sleep(TICK);
        }
    }

    /// Has HDFS have what is deployed, and nothing else: what an earlier release deployed, and what was left in between.
    pub(super) fn shelve(&self) {
        // Of a node that only stands by it is silent, too.
        let Ok(state) = self.state() else { return };
        let deployed: BTreeMap<_, _> = state.packages.iter().map(|(name, one)| (name.clone(), one.sha256)).collect();
        let now = self.clock.passed();
        let wanted = {
            let shelved = lock(&self.shelved);
            if shelved.done.as_ref() == Some(&deployed) || now < shelved.next || self.silent().is_some() {
                return;
            }
            shelved.wanted
        };
        // Nobody who deploys waits for this.
        let more = self.shelve_some(&state);
        let mut shelved = lock(&self.shelved);
        match more {
            Ok(false) if shelved.wanted == wanted => shelved.done = Some(deployed),
            Ok(_) => {}
            Err(error) => {
                shelved.next = now + PAUSE;
                (self.tell)(&chain(&error));
            }
        }
    }

    /// Gives whether there is more to do.
    fn shelve_some(&self, state: &State) -> Result<bool, Error> {
        let (depot, claimed) = (self.depot(), lock(&self.claimed).clone());
        let listed = depot.list()?;
        let there: BTreeSet<&str> = listed.iter().map(|one| one.path_suffix.as_str()).collect();
        for (name, deployed) in &state.packages {
            if there.contains(Depot::file_name(name, deployed.sha256).as_str()) {
                continue;
            }
            let stored = Stored { digest: deployed.sha256, size: deployed.size };
            let mut bytes = match self.repository.open(name) {
                // Another edge may have it; who needs it here is told.
                Err(error) if error.is_missing() => continue,
                opened => opened?,
            };
            if Sha256::of_reader(&mut bytes).is_ok_and(|read| read == (stored.digest, stored.size)) {
                return depot.put(name, &stored, self.repository.open(name)?).map(|()| true);
            }
        }
        let wanted = state.packages.iter().map(|(name, one)| Depot::file_name(name, one.sha256));
        let wanted: BTreeSet<String> = wanted.collect();
        let is_claimed = |file: &str| claimed.iter().any(|name| file.starts_with(&format!("{name}.")));
        let unwanted = Depot::unwanted(&listed, self.clock.now_ms(), |file| wanted.contains(file) || is_claimed(file));
        for file in unwanted {
            // Another node may manage by now, and have deployed it again: that is asked before each of them.
            if self.silent().is_some() || !self.is_newest(state) {
                return Ok(true);
            }
            depot.remove(file)?;
        }
        Ok(false)
    }

    /// Whether nobody has written anything since: what was deployed meanwhile is nobody's to remove.
    pub(super) fn is_newest(&self, state: &State) -> bool {
        let journal = lock(&self.book).as_ref().map(Book::journal);
        journal.is_some_and(|journal| journal.read(state.number + 1, 1).is_ok_and(|records| records.is_empty()))
    }
}
