//! Another parallelism for jobs that go on: which of them Flink can give it as they run, and asking for it.
//! Flink's adaptive scheduler can; all others are stopped with a savepoint and begin again (`change`).
//! Not here: what Flink is asked (`systems::jobmanager`).

use super::carry_out::LONGEST_REASON;
use super::change::{Change, is_still};
use super::difference::Version;
use super::rounds::component_of;
use super::{Manager, lock, unavailable};
use crate::act;
use crate::decide::upgrade::runs;
use crate::journal::{Application, Fact, Key, Release, Rescaling, Run, State, Wanted};
use crate::orders::{self, Caller, Refusal};
use std::collections::BTreeMap;
use std::time::Duration;
use systems::jobmanager;
use words::application::Explained;
use words::chain::chain;
use words::change::Purpose;
use words::ids::{ApplicationId, JobId};
use words::names::{ApplicationName, ComponentName};

/// What jobs get, by component.
pub(super) type Rescalings = BTreeMap<ComponentName, Rescaling>;

/// The first line of Flink that can.
const OLDEST: (u32, u32) = (1, 18);
const PARALLELISM: &str = "parallelism.default";
/// A request whose answer was lost arrives within so long: the kernel sends what nobody waits for again for less than two minutes.
const LATE: Duration = Duration::from_secs(120);

/// Until when a request for a run may still arrive, by component.
pub(super) type Late = BTreeMap<Key, (ApplicationId, Duration)>;

impl Manager {
    /// What jobs get as they run, if all that are to get another parallelism can.
    pub(super) fn rescalings(
        &self,
        (application, change): (&Application, &Change),
        old: &Version<'_>,
        new: &[Explained],
    ) -> Option<Rescalings> {
        let goes_on = matches!(application.wanted, Wanted::Started { .. });
        if change.purpose != Purpose::Rescale || !change.save || change.restarts || !goes_on {
            return None;
        }
        let mut all = Rescalings::new();
        for name in runs(application) {
            let is_live = application.components.get(&name).is_some_and(|one| one.live().is_some());
            let explained = new.iter().find(|one| one.component == name)?;
            let set = |key: &str| explained.configuration.iter().find(|one| one.key == key);
            let to = set(PARALLELISM).map_or(Some(1), |value| value.value.parse().ok())?;
            let from = self.parallelism(old, &name)?;
            if from == to {
                continue;
            }
            set("jobmanager.scheduler").filter(|value| value.value.eq_ignore_ascii_case("adaptive"))?;
            // A program says 1 for steps that keep an order, and Flink does not tell those from the others.
            let can = is_live && from > 1 && old.prepared.get(&name)?.flink.line() >= OLDEST;
            can.then(|| all.insert(name, Rescaling { from, to, was: None }))?;
        }
        Some(all).filter(|all| !all.is_empty())
    }

    /// How many tasks do a step of which the program says nothing.
    fn parallelism(&self, version: &Version<'_>, name: &ComponentName) -> Option<u32> {
        let prepared = version.prepared.get(name)?;
        let own = prepared.component.configuration.get(PARALLELISM).cloned();
        let of_site = || Some(self.distribution(prepared.flink).ok()?.configuration.get(PARALLELISM).cloned());
        own.map_or_else(of_site, |own| Some(Some(own)))?.map_or(Some(1), |text| text.parse().ok())
    }

    /// Orders it, unless the application is made of something else than what was looked at.
    pub(super) fn order_rescaling(
        &self,
        name: &ApplicationName,
        (looked_at, overrides, components): (&Release, &serde_json::Value, &Rescalings),
        by: &Caller,
    ) -> Result<(), Refusal> {
        self.order(name, by, |_, application| {
            orders::change(name, application, Purpose::Rescale)?;
            is_still(name, application, looked_at)?;
            if application.components.values().any(|component| component.rescaling.is_some()) {
                return Err(Refusal::Conflict(format!("{name} is being given another parallelism: wait for it")));
            }
            // Whoever stops it meanwhile has other plans with it.
            if components.keys().any(|one| application.components.get(one).is_none_or(|one| one.live().is_none())) {
                return Err(Refusal::Conflict(format!("not all of {name} runs any more: ask again")));
            }
            self.another_order(&by.name)?;
            let (application, components) = (name.clone(), components.clone());
            Ok(Fact::RescaleOrdered { application, overrides: overrides.clone(), components })
        })
    }

    /// Asks the job of a run for it, and writes down what came of that.
    pub(super) fn rescale(&self, state: &State, of: &Key, run: &Run, job: &JobId) -> Result<(), Refusal> {
        let Some(rescaling) = component_of(state, of).and_then(|(_, component)| component.rescaling.as_ref()) else {
            return Ok(());
        };
        let why = match self.hands().rescale(run, job, rescaling) {
            Ok(true) => None,
            Ok(false) => Some(format!("no step of its job is done by up to {} tasks", rescaling.from)),
            Err(error) if is_refused(&error) => Some(chain(&error).chars().take(LONGEST_REASON).collect()),
            Err(error) => {
                if may_come_late(&error) {
                    lock(&self.late).insert(of.clone(), (run.id.clone(), self.clock.passed() + LATE));
                }
                return Err(unavailable(chain(&error)));
            }
        };
        // Until it is over nobody orders another one, which that request would undo.
        let late = lock(&self.late).get(of).filter(|(id, _)| *id == run.id).map(|(_, until)| *until);
        if late.is_some_and(|until| self.clock.passed() < until) {
            let what = "a request for it whose answer was lost may still be on its way";
            return Err(unavailable(format!("{what}: for {} s after that its job is looked at again", LATE.as_secs())));
        }
        lock(&self.late).remove(of);
        self.record(state, of, Fact::RescaleEnded { of: of.clone(), why })
    }
}

/// Whether the request may have left, and is not known to have been carried out or refused.
fn may_come_late(error: &act::Error) -> bool {
    use jobmanager::Error::{Answer, Refused, Unanswered};
    matches!(error, act::Error::JobManager { source: Unanswered { .. } | Refused { .. } | Answer { .. }, .. })
}

/// Whether a job can never have it. What else a JobManager says passes: its job may just begin anew.
fn is_refused(error: &act::Error) -> bool {
    let act::Error::JobManager { source: jobmanager::Error::Refused { status, why, .. }, .. } = error else {
        return false;
    };
    *status == 400 || why.contains("UnsupportedOperationException")
}

/// What would happen, in its order.
pub(super) fn steps(all: &Rescalings) -> Vec<String> {
    let of_one = |(name, Rescaling { from, to, .. }): (&ComponentName, &Rescaling)| {
        format!("all steps of {name} that up to {from} tasks do are done by up to {to}, as it runs: nothing is stopped")
    };
    let last = "a run that follows has the new parallelism, too".to_owned();
    all.iter().map(of_one).chain([last]).collect()
}
