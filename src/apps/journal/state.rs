//! What follows from the journal: packages, applications, what is wanted of them, their runs and savepoints.
//! A fold over the records: the same records give the same state, on any node.
//! Not here: the shape of what follows (`application`), what is observed, and what is to be done.

use super::application::{Application, Component, Package, Wanted};
use super::attempt::{Adopted, Attempt, Begun};
use super::cleaning::Cleaning;
use super::record::{Fact, Intent, Key, Origin, Record, Verdict};
use super::run::Run;
use super::savepoint::{Disposal, Outcome, Savepoint};
use super::workflow::Workflow;
use std::collections::BTreeMap;
use std::sync::Arc;
use words::ids::{ApplicationId, TriggerId};
use words::names::{ApplicationName, PackageName, Word};

/// Everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// The number of the last record; 0 before the first.
    pub number: u64,
    /// What may be used.
    pub packages: BTreeMap<PackageName, Package>,
    /// What was made of it. A copy of the state shares those that did not change.
    pub applications: BTreeMap<ApplicationName, Arc<Application>>,
    /// What housekeeping is removing, by the number of the order's record.
    pub cleanings: BTreeMap<u64, Arc<Cleaning>>,
}

/// A record that does not fit to those before it.
#[derive(Debug, thiserror::Error)]
#[error("record {number} of the journal does not fit to those before it: {why}")]
pub struct Misfit {
    number: u64,
    why: String,
}

impl State {
    /// Goes one record on.
    pub fn apply(&mut self, record: &Record) -> Result<(), Misfit> {
        let misfit = |why: String| Misfit { number: record.number, why };
        if record.number != self.number + 1 {
            return Err(misfit(format!("record {} comes next", self.number + 1)));
        }
        self.change(record).map_err(misfit)?;
        self.number = record.number;
        Ok(())
    }

    fn change(&mut self, record: &Record) -> Result<(), String> {
        match &record.fact {
            Fact::PackageDeployed { package, sha256, size } => {
                let (owner, at_ms) = (record.by.clone(), record.at_ms);
                self.packages.insert(package.clone(), Package { sha256: *sha256, size: *size, owner, at_ms });
            }
            Fact::PackageUndeployed { package, .. } => {
                self.packages.remove(package);
            }
            Fact::ApplicationCreated { application, package, owner, overrides, components, workflows, forked } => {
                let components = components.iter().map(|name| (name.clone(), Component::new(name, forked)));
                let workflows = workflows.iter().map(|name| (name.clone(), Workflow::default()));
                let made = Application {
                    package: package.clone(),
                    owner: owner.clone(),
                    overrides: overrides.clone(),
                    wanted: Wanted::Created,
                    information: None,
                    components: components.collect(),
                    workflows: workflows.collect(),
                    upgrade: None,
                    previous: None,
                };
                self.applications.insert(application.clone(), Arc::new(made));
            }
            Fact::ApplicationDeleted { application } => {
                self.applications.remove(application);
            }
            Fact::StartFailed { of, why } => {
                let application = self.of(&of.application)?;
                if !application.mind_failure(of, why) {
                    // What was ordered meanwhile stays.
                    if matches!(application.wanted, Wanted::Started { .. } | Wanted::Created) {
                        application.wanted = Wanted::Stopped { save: true, was: None };
                    }
                    application.information = Some(format!("Error starting {}: {why}", of.application));
                }
                match self.of(&of.application)?.workflows.get_mut(&of.component) {
                    Some(workflow) => workflow.changed = record.number,
                    None => drop(self.component(of, record.number)?),
                }
            }
            Fact::Upgrade { application, step } => self.change_upgrade(record, application, step)?,
            Fact::Trial { of, step } => self.change_trial(record, of, step)?,
            Fact::Workflow { of, token, step } => self.change_workflow(record, (of, token), step)?,
            Fact::CleaningOrdered(_) | Fact::CleaningEnded { .. } => self.change_cleaning(record)?,
            Fact::RescaleOrdered { .. } | Fact::RescaleEnded { .. } => self.change_rescaling(record)?,
            fact => self.change_by_order(record, fact)?,
        }
        Ok(())
    }

    fn change_by_order(&mut self, record: &Record, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::StartOrdered { application, origin } => {
                self.of(application)?.components.values_mut().for_each(|component| component.begin_anew(record.at_ms));
                self.order(application, Wanted::Started { order: record.number, origin: origin.clone() })?;
            }
            Fact::StopOrdered { application, save, drain } => {
                let was = self.of(application)?.wanted.before_a_stop();
                self.of(application)?.components.values_mut().for_each(|component| component.drains = *drain);
                self.order(application, Wanted::Stopped { save: *save, was })?;
                self.of(application)?.interrupt();
            }
            Fact::SavepointOrdered { application, ids } => {
                self.of(application)?.order_savepoints(ids, record.number);
            }
            Fact::DeleteOrdered { application } => {
                self.order(application, Wanted::Deleted)?;
                self.of(application)?.interrupt();
            }
            Fact::RunAdopted { of, id, intent, states, savepoint } => {
                self.of(&of.application)?
                    .components
                    .values_mut()
                    .for_each(|component| component.begin_anew(record.at_ms));
                let order = Wanted::Started { order: record.number, origin: Origin::Newest };
                self.order(&of.application, order)?;
                let component = self.component(of, record.number)?;
                component.is_free(of)?;
                let intent = Intent { order: record.number, ..intent.clone() };
                let run = Run::intended(id.clone(), record.at_ms, intent);
                let adopted = Some(Adopted { states: states.clone() });
                component.begin(Run { begun: true, accepted: true, adopted, ..run });
                component.begins = None;
                if savepoint.is_some() {
                    component.order_savepoint(savepoint.as_ref());
                }
            }
            fact => self.change_run(record, fact)?,
        }
        Ok(())
    }

    fn change_run(&mut self, record: &Record, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::RespawnFailed { of, why } => {
                let component = self.component(of, record.number)?;
                component.given_up = Some(why.clone());
                // What is due now would fail the same way; the next time counts again.
                if component.schedule.is_some() {
                    component.handled_ms = component.handled_ms.max(record.at_ms);
                }
            }
            Fact::ScheduleSet { of, schedule } => {
                let component = self.component(of, record.number)?;
                // Another schedule has no times before it was set.
                if component.schedule.is_some() && component.schedule != *schedule {
                    component.handled_ms = component.handled_ms.max(record.at_ms);
                }
                component.schedule = schedule.clone();
            }
            Fact::RunIntended { of, id, intent } => {
                let component = self.component(of, record.number)?;
                component.is_free(of)?;
                component.handle(intent.due_ms);
                let run = Run::intended(id.clone(), record.at_ms, intent.clone());
                // Before format 2 nothing was written between the two.
                component.begin(Run { begun: record.format < 2, ..run });
            }
            Fact::SubmissionBegun { of, id } => self.run(of, id, record.number)?.begun = true,
            Fact::KillIntended { of, id } => self.run(of, id, record.number)?.is_killed = true,
            Fact::RunAccepted { of, id, is_placeholder } => {
                let run = self.run(of, id, record.number)?;
                (run.accepted, run.is_placeholder) = (true, *is_placeholder);
                if !is_placeholder {
                    let component = self.component(of, record.number)?;
                    let begins = component.begins.take();
                    component.run.iter_mut().for_each(|run| run.begins = begins.clone());
                }
            }
            Fact::RunEnded { of, id, end } => {
                let run = self.run(of, id, record.number)?;
                (run.end, run.ended_ms) = (Some(end.clone()), record.at_ms);
                let begins = run.begins.take().filter(|_| end.never_ran);
                let component = self.component(of, record.number)?;
                if !component.was_refused() {
                    component.streak = component.streak.after(end.verdict, end.ran_ms);
                }
                component.rescaling = None;
                // What was to be begun from is so still where the run never had a JobManager.
                component.begins = begins.or(component.begins.take());
                if end.verdict == Verdict::Lost {
                    component.begins = None;
                }
                self.of(&of.application)?.mind_end(of, end);
            }
            fact => self.change_attempt(record, fact)?,
        }
        Ok(())
    }

    fn change_attempt(&mut self, record: &Record, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::ClientIntended { of, tag, intent } => {
                let component = self.component(of, record.number)?;
                component.is_free(of)?;
                component.handle(intent.due_ms);
                let (tag, intent, at_ms) = (tag.clone(), intent.clone(), record.at_ms);
                component.attempt = Some(Attempt { tag, begun: None, at_ms, intent });
            }
            Fact::ClientBegun { of, tag, folder } => {
                let component = self.component(of, record.number)?;
                let attempt = component.attempt.as_mut().filter(|attempt| attempt.tag == *tag);
                let attempt = attempt.ok_or_else(|| format!("{of} is not submitted with the tag {tag}"))?;
                attempt.begun = Some(Begun { folder: folder.clone(), at_ms: record.at_ms });
            }
            Fact::ClientFound { of, tag, id, refused } => {
                let Attempt { tag, at_ms, intent, .. } = self.attempt(of, tag, record.number)?;
                let due_ms = intent.due_ms.filter(|_| refused.is_some());
                let run = Run::intended(id.clone(), at_ms, intent);
                let component = self.component(of, record.number)?;
                component.begin(Run { tag: Some(tag), begun: true, ..run });
                component.refuse(refused.as_ref(), due_ms, record.at_ms);
            }
            Fact::ClientEnded { of, tag, why, again } => {
                let due_ms = self.attempt(of, tag, record.number)?.intent.due_ms;
                self.component(of, record.number)?.refuse(again.then_some(why), due_ms, record.at_ms);
            }
            fact => self.change_savepoint(record, fact)?,
        }
        Ok(())
    }

    /// Takes an attempt out: what became of it is known.
    fn attempt(&mut self, of: &Key, tag: &Word, number: u64) -> Result<Attempt, String> {
        let component = self.component(of, number)?;
        let found = component.attempt.take_if(|attempt| attempt.tag == *tag);
        found.ok_or_else(|| format!("{of} is not submitted with the tag {tag}"))
    }

    fn change_savepoint(&mut self, record: &Record, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::SavepointIntended { .. } => self.intend_savepoint(record)?,
            Fact::SavepointCompleted { of, id, path } => {
                self.savepoint(of, id, record.number)?.outcome = Outcome::Completed(path.clone());
            }
            Fact::SavepointFailed { of, id, why, is_over } => {
                let savepoint = self.savepoint(of, id, record.number)?;
                savepoint.outcome = Outcome::Failed(why.clone());
                if savepoint.goes_on {
                    return Ok(());
                }
                let application = self.of(&of.application)?;
                application.information = Some(format!("Error stopping {}: {why}", of.application));
                // The runs of components that have stopped by now are of the order that goes on: their policies say what follows.
                // Whoever has ordered an end without a savepoint by now does not need this one; and what is over does not go on.
                if *is_over || application.go_on(&of.application, record.number, why) {
                    return Ok(());
                }
                application.goes_on_too(of);
                if let Wanted::Stopped { save: true, was: Some((order, origin)) } = &application.wanted {
                    application.wanted = Wanted::Started { order: *order, origin: origin.clone() };
                }
            }
            fact => self.change_disposal(record, fact)?,
        }
        Ok(())
    }

    fn intend_savepoint(&mut self, record: &Record) -> Result<(), String> {
        let Fact::SavepointIntended { of, id, run, job, folder, goes_on, periodic, drain } = &record.fact else {
            return Ok(());
        };
        let component = self.component(of, record.number)?;
        if let Some(pending) = component.pending() {
            return Err(format!("{of} has the savepoint {} that is pending", pending.id));
        }
        let of_run = component.run.as_ref().filter(|one| one.id == *run);
        let savepoint = Savepoint {
            id: id.clone(),
            run: run.clone(),
            job: job.clone(),
            folder: folder.clone(),
            at_ms: record.at_ms,
            goes_on: *goes_on,
            outcome: Outcome::Pending,
            periodic: *periodic,
            drain: *drain,
            package: of_run.and_then(|run| run.package.clone()),
        };
        (component.savepoint_ordered, component.ordered) = (false, None);
        component.savepoints.push(savepoint);
        component.forget_savepoints();
        Ok(())
    }

    fn change_disposal(&mut self, record: &Record, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::DisposalOrdered { of, id, folder } => {
                let component = self.component(of, record.number)?;
                if component.is_disposed(id) {
                    return Err(format!("the savepoint {id} of {of} is being removed already"));
                }
                component.disposals.push(Disposal { id: id.clone(), folder: folder.clone(), at_ms: record.at_ms });
            }
            Fact::StateAdopted { of, path } => {
                let component = self.component(of, record.number)?;
                component.is_free(of)?;
                component.begins = Some(Origin::Path(path.clone()));
            }
            Fact::SavepointDisposed { of, id } => self.component(of, record.number)?.forget_disposed(id),
            _ => {}
        }
        Ok(())
    }

    fn order(&mut self, name: &ApplicationName, wanted: Wanted) -> Result<(), String> {
        let application = self.of(name)?;
        application.wanted = wanted;
        application.information = None;
        Ok(())
    }

    pub(super) fn of(&mut self, name: &ApplicationName) -> Result<&mut Application, String> {
        self.applications.get_mut(name).map(Arc::make_mut).ok_or_else(|| format!("there is no application {name}"))
    }

    pub(super) fn component(&mut self, of: &Key, number: u64) -> Result<&mut Component, String> {
        let component = self.of(&of.application)?.components.get_mut(&of.component);
        let component = component.ok_or_else(|| format!("there is no component {of}"))?;
        component.changed = number;
        Ok(component)
    }

    fn run(&mut self, of: &Key, id: &ApplicationId, number: u64) -> Result<&mut Run, String> {
        let run = self.component(of, number)?.run.as_mut().filter(|run| run.id == *id);
        run.ok_or_else(|| format!("{of} has no run {id}"))
    }

    fn savepoint(&mut self, of: &Key, id: &TriggerId, number: u64) -> Result<&mut Savepoint, String> {
        let found = self.component(of, number)?.savepoints.iter_mut().find(|savepoint| savepoint.id == *id);
        found.ok_or_else(|| format!("{of} has no savepoint {id}"))
    }
}
