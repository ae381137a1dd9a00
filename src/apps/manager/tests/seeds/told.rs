//! What the journal tells, read from its files as they lie in HDFS and past every manager; each record is held against what is
//! so in the cluster when it comes.
//! Not here: the rules themselves (`invariants`).

use super::super::bed::{application, key};
use super::cluster::Cluster;
use super::invariants;
use crate::journal::{Component, Fact, Outcome, Record, Snapshot, State};
use std::collections::{BTreeMap, BTreeSet};
use words::ids::{ApplicationId, TriggerId};

/// The journal so far.
#[derive(Default)]
pub(super) struct Told {
    pub(super) state: State,
    /// The records as they were first seen.
    texts: Vec<Vec<u8>>,
    /// Which of the applications of that name, one after the other, a run belongs to.
    runs: BTreeMap<ApplicationId, u64>,
    instance: u64,
    /// Savepoints that are complete and were not ordered to go.
    pub(super) completed: BTreeSet<TriggerId>,
    /// Savepoints that a person wanted removed even if they are the newest state.
    pub(super) spelt_out: BTreeSet<TriggerId>,
    /// The last order of a person, and what was written down of it since.
    pub(super) last_order: Option<Fact>,
    pub(super) has_failed: bool,
    /// The last time of its schedule that had a run.
    pub(super) last_due_ms: u64,
}

/// Where snapshots lie.
const SNAPSHOTS: &str = "/pnda/apps/journal/snapshots/";

fn place(number: usize) -> String {
    format!("/pnda/apps/journal/{number:020}")
}

impl Told {
    /// The component, if there is one.
    pub(super) fn component(&self) -> Option<&Component> {
        self.state.applications.get(&application())?.components.get(&key().component)
    }

    /// Whether a run is one of the application that there is now.
    pub(super) fn is_own(&self, id: &ApplicationId) -> bool {
        self.runs.get(id) == Some(&self.instance)
    }

    /// Reads on. Gives the facts that came.
    pub(super) fn catch_up(&mut self, cluster: &Cluster) -> Result<Vec<Fact>, String> {
        let mut facts = Vec::new();
        loop {
            let number = self.texts.len() + 1;
            let found =
                cluster.hdfs.world.lock().unwrap().nodes.get(&place(number)).and_then(|node| node.bytes.clone());
            let Some(bytes) = found else { return Ok(facts) };
            let record = Record::read(number as u64, &bytes).map_err(|error| error.to_string())?;
            let held = invariants::of_record(self, cluster, &record);
            self.take(&record)?;
            self.texts.push(bytes);
            held.map_err(|why| format!("record {number} ({}): {why}", record.fact.line()))?;
            facts.push(record.fact);
        }
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        match &record.fact {
            Fact::ApplicationCreated { .. } => {
                self.instance += 1;
                self.completed.clear();
            }
            Fact::ApplicationDeleted { .. } => self.completed.clear(),
            Fact::RunIntended { id, intent, .. } => {
                self.runs.insert(id.clone(), self.instance);
                self.last_due_ms = intent.due_ms.unwrap_or(self.last_due_ms);
            }
            Fact::SavepointCompleted { id, .. } => drop(self.completed.insert(id.clone())),
            Fact::DisposalOrdered { id, .. } => drop(self.completed.remove(id)),
            Fact::StartFailed { .. } | Fact::RespawnFailed { .. } | Fact::SavepointFailed { .. } => {
                self.has_failed = true;
            }
            _ => {}
        }
        if is_order(&record.fact) {
            (self.last_order, self.has_failed) = (Some(record.fact.clone()), false);
        }
        self.state.apply(record).map_err(|error| error.to_string())?;
        let known = self.component().map_or(&[][..], |component| &component.savepoints);
        let is_kept =
            |id: &&TriggerId| known.iter().any(|one| one.id == **id && matches!(one.outcome, Outcome::Completed(_)));
        match self.completed.iter().find(|id| !is_kept(id)) {
            Some(lost) => Err(format!("savepoint {lost} is complete, and not in the list any more")),
            None => Ok(()),
        }
    }

    /// What is written stays as it was, but for what two snapshots cover; and each of those says what follows from the
    /// records up to it.
    pub(super) fn is_as_it_was(&self, cluster: &Cluster) -> Result<(), String> {
        let hdfs = cluster.hdfs.world.lock().unwrap();
        let snapshots = hdfs.nodes.range(SNAPSHOTS.to_owned()..).take_while(|(path, _)| path.starts_with(SNAPSHOTS));
        let number = |path: &str| path[SNAPSHOTS.len()..].parse::<u64>().ok();
        let snapshots: Vec<_> =
            snapshots.filter_map(|(path, node)| Some((number(path)?, node.bytes.clone()?))).collect();
        let covered = snapshots.iter().rev().nth(1).map_or(0, |(number, _)| *number);
        let is_other = |(at, text): &(usize, &Vec<u8>)| {
            let lies = hdfs.nodes.get(&place(at + 1)).and_then(|node| node.bytes.as_ref());
            *at as u64 >= covered && lies != Some(*text)
        };
        if let Some((at, _)) = self.texts.iter().enumerate().find(is_other) {
            return Err(format!("record {} of the journal is another one now", at + 1));
        }
        snapshots.iter().try_for_each(|(number, bytes)| self.says_what_follows(*number, bytes))
    }

    fn says_what_follows(&self, number: u64, bytes: &[u8]) -> Result<(), String> {
        let snapshot = Snapshot::read(number, bytes).map_err(|error| error.to_string())?;
        let mut state = State::default();
        for (at, text) in self.texts.iter().enumerate().take(number as usize) {
            let record = Record::read(at as u64 + 1, text).map_err(|error| error.to_string())?;
            state.apply(&record).map_err(|error| error.to_string())?;
        }
        let is_so = *snapshot.state == state;
        if is_so { Ok(()) } else { Err(format!("snapshot {number} says something else than the records up to it")) }
    }
}

/// Whether a person orders what shall be.
fn is_order(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ApplicationCreated { .. }
            | Fact::StartOrdered { .. }
            | Fact::StopOrdered { .. }
            | Fact::DeleteOrdered { .. }
            | Fact::Upgrade { step: crate::journal::UpgradeFact::Ordered { .. }, .. }
    )
}
