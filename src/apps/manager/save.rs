//! Stopping and taking savepoints: who orders one is told its id, a second order joins the first, and what nobody ordered
//! disturbs nothing.
//! Each is written down under its id before Flink is asked.
//! Not here: when one is due (`decide`), and removing them (`savepoints`).

use super::carry_out::LONGEST_REASON;
use super::rounds::component_of;
use super::{Manager, unavailable};
use crate::journal::{Component, Fact, Key, Run, State, fresh_id};
use crate::orders::{self, Caller, Refusal};
use std::collections::BTreeMap;
use words::chain::chain;
use words::ids::{JobId, TriggerId};
use words::names::{ApplicationName, ComponentName};

/// The ids of savepoints by component.
pub type Ids = BTreeMap<ComponentName, TriggerId>;

impl Manager {
    /// Orders a stop.
    pub fn stop(&self, name: &ApplicationName, save: bool, by: &Caller) -> Result<(), Refusal> {
        self.stop_as(name, (save, false), by)
    }

    /// Orders a stop for good: with a savepoint, before which all windows are closed.
    pub fn drain(&self, name: &ApplicationName, by: &Caller) -> Result<(), Refusal> {
        self.stop_as(name, (true, true), by)
    }

    fn stop_as(&self, name: &ApplicationName, (save, drain): (bool, bool), by: &Caller) -> Result<(), Refusal> {
        self.take(&by.name, |state| {
            let application = orders::own(state, name, by)?;
            if orders::is_stopping(application, save, drain) {
                return Ok((Vec::new(), ()));
            }
            orders::stop(name, application, save)?;
            Ok((vec![Fact::StopOrdered { application: name.clone(), save, drain }], ()))
        })?;
        self.urge(name);
        Ok(())
    }

    /// Orders a savepoint of all that runs; it goes on. Gives the ids: those of savepoints that are under way already, else new
    /// ones.
    pub fn savepoint(&self, name: &ApplicationName, by: &Caller) -> Result<Ids, Refusal> {
        let ids = self.take(&by.name, |state| {
            let application = orders::own(state, name, by)?;
            orders::savepoint(name, application)?;
            let (mut all, mut ids) = (Ids::new(), Ids::new());
            for (component, known) in application.components.iter().filter(|(_, known)| known.live().is_some()) {
                let (id, is_told) = under_way(known).map_or_else(|| Ok((fresh()?, false)), Ok)?;
                if !is_told {
                    ids.insert(component.clone(), id.clone());
                }
                all.insert(component.clone(), id);
            }
            if ids.is_empty() {
                return Ok((Vec::new(), all));
            }
            self.another_order(&by.name)?;
            Ok((vec![Fact::SavepointOrdered { application: name.clone(), ids }], all))
        })?;
        self.urge(name);
        Ok(ids)
    }

    /// Writes down that a savepoint will be taken, and asks for it.
    pub(super) fn save(
        &self,
        state: &State,
        of: &Key,
        run: &Run,
        (job, goes_on): (JobId, bool),
    ) -> Result<(), Refusal> {
        let Some((application, component)) = component_of(state, of) else { return Ok(()) };
        let id = component.ordered.clone().filter(|_| goes_on).map_or_else(fresh, Ok)?;
        let folder = self.folder_of(&application.owner, of, &id);
        let made = self.hands().make_savepoint_folder(of, &application.owner, &folder);
        made.map_err(|error| unavailable(chain(&error)))?;
        let (run_id, drain) = (run.id.clone(), component.drains && !goes_on);
        let intended =
            Fact::SavepointIntended { of: of.clone(), id, run: run_id, job, folder, goes_on, periodic: false, drain };
        self.record(state, of, intended)?;
        self.ask_for(of, run)
    }

    /// The same where nobody ordered it: what stands against it is written down, and it is tried again when it is time.
    pub(super) fn save_in_time(&self, state: &State, of: &Key, run: &Run, job: JobId) -> Result<(), Refusal> {
        let Some((application, _)) = component_of(state, of) else { return Ok(()) };
        // The journal is everybody's: what comes by itself is among what one user may order, and waits for its turn.
        self.another_order(&application.owner).map_err(|error| Refusal::Conflict(error.to_string()))?;
        let (id, run_id) = (fresh()?, run.id.clone());
        let folder = self.folder_of(&application.owner, of, &id);
        let intended = Fact::SavepointIntended {
            of: of.clone(),
            id: id.clone(),
            run: run_id,
            job,
            folder: folder.clone(),
            goes_on: true,
            periodic: true,
            drain: false,
        };
        self.record(state, of, intended)?;
        if let Err(error) = self.hands().make_savepoint_folder(of, &application.owner, &folder) {
            let why = chain(&error).chars().take(LONGEST_REASON).collect();
            let failed = Fact::SavepointFailed { of: of.clone(), id, why, is_over: false };
            return self.record(&*self.state()?, of, failed);
        }
        self.ask_for(of, run)
    }

    /// The folder in which Flink makes one for a savepoint.
    fn folder_of(&self, owner: &words::names::Word, of: &Key, id: &TriggerId) -> String {
        format!("{}/{id}", self.site.cluster.savepoints_of(owner, of))
    }

    /// Asks for the one that is pending.
    fn ask_for(&self, of: &Key, run: &Run) -> Result<(), Refusal> {
        let state = self.state()?;
        let pending = component_of(&state, of).and_then(|(_, component)| component.pending());
        pending.map_or(Ok(()), |pending| self.hands().save(run, pending).map_err(|error| unavailable(chain(&error))))
    }
}

pub(super) fn fresh() -> Result<TriggerId, Refusal> {
    TriggerId::new(fresh_id()).map_err(unavailable)
}

/// The savepoint of what goes on that is ordered, or being taken; and whether somebody ordered it, so that nothing is to be
/// written down.
fn under_way(component: &Component) -> Option<(TriggerId, bool)> {
    let pending = component.pending().filter(|pending| pending.goes_on);
    let ordered = || Some((component.ordered.clone().filter(|_| component.savepoint_ordered)?, true));
    pending.map(|pending| (pending.id.clone(), !pending.periodic)).or_else(ordered)
}
