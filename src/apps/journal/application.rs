//! Packages, applications and their components, as the journal tells them.
//! A snapshot has them in this very shape: a field that comes later has a default.
//! Not here: a component's runs (`run`), and which record changes what (`state`).

use super::attempt::{Attempt, Refusals};
use super::record::{Fork, Key, Origin};
use super::rescaling::Rescaling;
use super::run::Run;
use super::savepoint::{Disposal, Disposed, Outcome, Savepoint};
use super::streak::Streak;
use super::upgrade::{Previous, Trial, Upgrade};
use super::workflow::Workflow;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use words::digest::Sha256;
use words::ids::TriggerId;
use words::names::{ComponentName, PackageName, Word};

/// So many savepoints of a component are known.
const MOST_SAVEPOINTS: usize = 100;
/// So many of the times at which it was begun again.
const MOST_RESPAWNS: usize = 16;

/// A package that may be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Of the archive.
    pub sha256: Sha256,
    /// Its bytes.
    pub size: u64,
    /// Who deployed it.
    pub owner: Word,
    /// When.
    pub at_ms: u64,
}

/// An application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    /// Of which it is made.
    pub package: PackageName,
    /// Who made it, and as whom it runs.
    pub owner: Word,
    /// What it sets otherwise than its package.
    pub overrides: Value,
    /// What shall be.
    pub wanted: Wanted,
    /// Why the last order did not come to pass.
    pub information: Option<String>,
    /// Its components that Flink runs.
    pub components: BTreeMap<ComponentName, Component>,
    /// Its components that Oozie runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub workflows: BTreeMap<ComponentName, Workflow>,
    /// Its last upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// What it was made of before the last one that was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// What shall be of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// It was made, and never started.
    Created,
    /// It runs; `order` is the number of the order's record.
    Started { order: u64, origin: Origin },
    /// It does not run; `was` is the order that ran before, to which it goes back if it cannot be saved.
    Stopped { save: bool, was: Option<(u64, Origin)> },
    /// It does not run, and is forgotten then.
    Deleted,
}

impl Wanted {
    /// The order to start to which a stop goes back that cannot save.
    pub(super) fn before_a_stop(&self) -> Option<(u64, Origin)> {
        match self {
            Wanted::Started { order, origin } => Some((*order, origin.clone())),
            Wanted::Stopped { was, .. } => was.clone(),
            Wanted::Created | Wanted::Deleted => None,
        }
    }
}

/// A component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// The number of the last record about it: an observation from before that is stale.
    pub changed: u64,
    /// The last run, if there was one.
    pub run: Option<Run>,
    /// The last run before it that ran: its state counts where that one never did.
    pub before: Option<Run>,
    /// Savepoints, oldest first.
    pub savepoints: Vec<Savepoint>,
    /// What became of its last runs.
    pub streak: Streak,
    /// A savepoint was ordered that is not asked for yet.
    pub savepoint_ordered: bool,
    /// Why it cannot be started again, by the order that is in force.
    pub given_up: Option<String>,
    /// When the last runs were intended that followed failed ones by the same order, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub respawned_ms: Vec<u64>,
    /// When its runs begin; none: with the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Up to when its schedule's times have had their runs, or are none of this order.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handled_ms: u64,
    /// The id of the savepoint that was ordered and is not asked for yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<TriggerId>,
    /// The stop that was ordered is for good.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drains: bool,
    /// Savepoints that are being removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disposals: Vec<Disposal>,
    /// The last of its states that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposed: Option<Disposed>,
    /// The state of another application from which its first run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked: Option<String>,
    /// From where its next run begins where the newest state is ordered: until a run of it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<Origin>,
    /// The order by which it comes back: what refuses it for the moment does not end that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insists: Option<u64>,
    /// It has to show that it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// Flink's own client came to nothing lately, and is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusals: Option<Refusals>,
    /// Flink's own client submits it, and its id is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// Its job is being given another parallelism as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescaling: Option<Rescaling>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Component {
    /// One that never ran.
    pub(super) fn new(name: &ComponentName, forked: &Option<Fork>) -> Component {
        let forked = forked.as_ref().and_then(|fork| fork.states.get(name).cloned());
        Component { forked, ..Component::default() }
    }

    /// A start was ordered: nothing of the orders before counts any more.
    pub(super) fn begin_anew(&mut self, at_ms: u64) {
        (self.streak, self.given_up, self.refusals) = (Streak::default(), None, None);
        (self.savepoint_ordered, self.drains, self.ordered, self.insists) = (false, false, None, None);
        self.handled_ms = if self.schedule.is_some() { at_ms } else { 0 };
        self.respawned_ms.clear();
    }

    /// A savepoint was ordered under this id. One that is being taken as it was time is somebody's from now on.
    pub(super) fn order_savepoint(&mut self, id: Option<&TriggerId>) {
        let pending = self.savepoints.iter_mut().find(|one| one.outcome == Outcome::Pending && Some(&one.id) == id);
        match pending {
            Some(pending) => pending.periodic = false,
            None => (self.savepoint_ordered, self.ordered) = (true, id.cloned()),
        }
    }

    /// The files of a savepoint are gone: what is known of it goes too, but that its run had a state.
    pub(super) fn forget_disposed(&mut self, id: &TriggerId) {
        self.disposals.retain(|disposal| disposal.id != *id);
        let Some(at) = self.savepoints.iter().position(|savepoint| savepoint.id == *id) else { return };
        let gone = self.savepoints.remove(at);
        // The last run may show only at its end that it never had a JobManager.
        let last = [self.run.as_ref(), self.before.as_ref()].into_iter().flatten().any(|run| run.id == gone.run);
        if let Outcome::Completed(path) = gone.outcome
            && last
        {
            self.disposed = Some(Disposed { run: gone.run, path, stopped: !gone.goes_on });
        }
    }

    /// Whether a run by this order would follow another one by the same.
    pub fn respawns(&self, order: u64) -> bool {
        self.run.as_ref().is_some_and(|run| run.order == order) || self.insists == Some(order)
    }

    /// Whether an order goes on whatever becomes of its next run: others were before it, or follow at other times.
    pub fn goes_on(&self, order: u64) -> bool {
        self.respawns(order) || self.schedule.is_some()
    }

    /// From where its next run by this order begins: what was ordered counts until a run of it ran.
    pub fn origin<'a>(&'a self, order: u64, ordered: &'a Origin) -> &'a Origin {
        match self.run.as_ref().is_some_and(|run| run.order == order && run.ran()) {
            true => &Origin::Newest,
            false => self.begins_from(ordered),
        }
    }

    /// A run may show only at its end that it never had a JobManager: what was ordered for it counts for the next one then,
    /// whose order is another one.
    pub(super) fn remember_origin(&mut self, order: u64, ordered: &Origin) {
        let is_first = |run: &&mut Run| run.order == order && run.end.is_none() && !run.is_respawn;
        if let Some(run) = self.run.as_mut().filter(is_first).filter(|run| run.begins.is_none()) {
            run.begins = Some(ordered.clone()).filter(|origin| *origin != Origin::Newest);
        }
    }

    /// The same for a first run.
    pub fn begins_from<'a>(&'a self, ordered: &'a Origin) -> &'a Origin {
        self.begins.as_ref().filter(|_| *ordered == Origin::Newest).unwrap_or(ordered)
    }

    /// The last run that ran: the newest state is its.
    pub fn last_that_ran(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.ran()).or(self.before.as_ref())
    }

    /// Times of a schedule count from here on, unless they do already.
    pub(super) fn schedule_from(&mut self, at_ms: u64) {
        self.handled_ms = match (&self.schedule, self.handled_ms) {
            (None, _) => 0,
            (Some(_), 0) => at_ms,
            (Some(_), handled_ms) => handled_ms,
        };
    }

    /// What went wrong before says nothing of a run for another time.
    pub(super) fn handle(&mut self, due_ms: Option<u64>) {
        let Some(due_ms) = due_ms else { return };
        (self.handled_ms, self.given_up, self.streak) = (due_ms, None, Streak::default());
    }

    /// Another run may begin only where none can be any more.
    pub(super) fn is_free(&self, of: &Key) -> Result<(), String> {
        match (self.live(), &self.attempt) {
            (Some(run), _) => Err(format!("{of} has the run {} that is not over", run.id)),
            (_, Some(attempt)) => Err(format!("{of} is being submitted with the tag {}", attempt.tag)),
            (None, None) => Ok(()),
        }
    }

    /// Goes on to another run.
    pub(super) fn begin(&mut self, run: Run) {
        let follows = self.respawns(run.order);
        // What begins by a schedule, or because it went well, is no trouble.
        if follows && self.schedule.is_none() && self.streak.failures > 0 {
            self.note_respawn(run.at_ms);
        }
        let is_respawn = self.goes_on(run.order);
        self.rescaling = None;
        if let Some(run) = self.run.take().filter(Run::ran) {
            self.before = Some(run);
        }
        self.run = Some(Run { is_respawn, ..run });
    }

    /// The run that is not over.
    pub fn live(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.end.is_none())
    }

    /// A component that is started and stopped for years has had many.
    pub(super) fn forget_savepoints(&mut self) {
        let is_failed = |savepoint: &Savepoint| matches!(savepoint.outcome, Outcome::Failed(_));
        while self.savepoints.len() > MOST_SAVEPOINTS {
            // Those that there never were go first: one that is complete may be the only state of its run.
            let at = self.savepoints.iter().position(is_failed).unwrap_or(0);
            self.savepoints.remove(at);
        }
    }

    /// It is begun again by the order that is in force.
    pub(super) fn note_respawn(&mut self, at_ms: u64) {
        if self.respawned_ms.len() >= MOST_RESPAWNS {
            self.respawned_ms.remove(0);
        }
        self.respawned_ms.push(at_ms);
    }

    /// Whether a savepoint is being removed.
    pub fn is_disposed(&self, id: &TriggerId) -> bool {
        self.disposals.iter().any(|disposal| disposal.id == *id)
    }

    /// The savepoint of the last run of which nobody knows yet.
    pub fn pending(&self) -> Option<&Savepoint> {
        let run = self.run.as_ref()?;
        self.savepoints.iter().rev().find(|one| one.outcome == Outcome::Pending && one.run == run.id)
    }
}

impl Application {
    /// A savepoint of each component that runs; where ids are told, those without one have joined what is under way.
    pub(super) fn order_savepoints(&mut self, ids: &BTreeMap<ComponentName, TriggerId>, number: u64) {
        let meant = |(name, one): &(&ComponentName, &mut Component)| {
            one.live().is_some() && (ids.is_empty() || ids.contains_key(*name))
        };
        for (name, component) in self.components.iter_mut().filter(meant) {
            component.changed = number;
            component.order_savepoint(ids.get(name));
        }
    }

    /// Whether a component runs in Flink or may come to run.
    pub fn is_live(&self) -> bool {
        self.components.values().any(|component| component.live().is_some() || component.attempt.is_some())
    }

    /// Whether a workflow or coordinator goes on.
    pub fn has_live_workflow(&self) -> bool {
        self.workflows.values().any(Workflow::is_live)
    }
}
