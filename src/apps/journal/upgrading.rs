//! What follows from the records of an upgrade, and from other records while one is under way.
//! Pure: whatever ends, fails or is ordered meanwhile leads to the same step on any node.
//! Not here: the shapes (`upgrade`), and what is to be done next (`decide::upgrade`).

use super::application::{Application, Component, Wanted};
use super::record::{End, Key, Origin, Record, Verdict};
use super::state::State;
use super::streak::Streak;
use super::upgrade::{Asked, Previous, Release, States, Trial, TrialFact, Upgrade, UpgradeFact};
use std::collections::BTreeSet;
use words::change::{Purpose, Step};
use words::digest::Sha256;
use words::names::{ApplicationName, ComponentName, PackageName};

impl State {
    pub(super) fn change_upgrade(
        &mut self,
        record: &Record,
        name: &ApplicationName,
        fact: &UpgradeFact,
    ) -> Result<(), String> {
        let deployed = |package: &PackageName| self.packages.get(package).map(|one| one.sha256);
        let sha256 = self.applications.get(name).and_then(|application| deployed(&application.package));
        let application = self.of(name)?;
        let step = application.upgrade.as_ref().map(|upgrade| upgrade.step);
        let is_live = application.is_live();
        let misplaced = || Err(format!("{name} has no upgrade that this follows"));
        match (fact, step) {
            (UpgradeFact::Ordered { .. }, Some(Step::Stopping | Step::Trying | Step::Returning)) => misplaced(),
            (UpgradeFact::Ordered { purpose, package, overrides, save, runs }, _) => {
                let to = Release { package: package.clone(), overrides: overrides.clone() };
                application.begin_upgrade(record.number, (*purpose, to, sha256), (*save, runs));
                Ok(())
            }
            (UpgradeFact::Switched { states }, Some(Step::Stopping)) if !is_live => {
                application.switch(record, states);
                Ok(())
            }
            (UpgradeFact::Good, Some(Step::Trying)) => {
                application.stay();
                Ok(())
            }
            (UpgradeFact::Failed { why }, Some(Step::Trying)) => {
                application.turn_back(why);
                Ok(())
            }
            (UpgradeFact::Failed { why }, Some(Step::Stopping)) => {
                if !application.go_on(name, record.number, why) {
                    application.end_upgrade(Step::Ended, Some(why));
                }
                Ok(())
            }
            (UpgradeFact::Returned, Some(Step::Returning)) if !is_live => {
                application.come_back(name, record);
                Ok(())
            }
            _ => misplaced(),
        }
    }

    pub(super) fn change_trial(&mut self, record: &Record, of: &Key, fact: &TrialFact) -> Result<(), String> {
        let component = self.component(of, record.number)?;
        let of_run = |run| component.live().is_some_and(|live| live.id == run);
        let is_its = match fact {
            TrialFact::Began { run }
            | TrialFact::Asked { run, .. }
            | TrialFact::NotGood { run, .. }
            | TrialFact::Good { run, .. } => of_run(run.clone()),
        };
        let Some(trial) = component.trial.as_mut().filter(|_| is_its) else {
            return Err(format!("{of} has no run that is tried"));
        };
        match fact {
            TrialFact::Began { .. } => trial.since_ms = Some(record.at_ms),
            TrialFact::Asked { job, checkpoint, .. } => {
                trial.asked = Some(Asked { job: job.clone(), checkpoint: checkpoint.clone(), at_ms: record.at_ms });
            }
            TrialFact::NotGood { why, .. } => {
                (trial.asked, trial.failed) = (None, Some((record.at_ms, why.clone())));
                trial.failures += 1;
            }
            TrialFact::Good { .. } => trial.is_good = true,
        }
        Ok(())
    }
}

impl Application {
    /// The upgrade that is not over.
    pub fn upgrading(&self) -> Option<&Upgrade> {
        self.upgrade.as_ref().filter(|upgrade| upgrade.is_under_way())
    }

    /// Whether it is made of a package, or may be made of it again in a moment.
    pub fn needs(&self, package: &PackageName) -> bool {
        let may_be = self.upgrading().is_some_and(|one| one.from.package == *package || one.to.package == *package);
        self.package == *package || may_be
    }

    fn is_at(&self, step: Step) -> bool {
        self.upgrade.as_ref().is_some_and(|upgrade| upgrade.step == step)
    }

    fn begin_upgrade(
        &mut self,
        order: u64,
        (purpose, to, from_sha256): (Purpose, Release, Option<Sha256>),
        (save, runs): (bool, &BTreeSet<ComponentName>),
    ) {
        let from = Release { package: self.package.clone(), overrides: self.overrides.clone() };
        let was = match &self.wanted {
            Wanted::Started { order, origin } if !runs.is_empty() => Some((*order, origin.clone())),
            _ => None,
        };
        let (starts, step, states) = (was.is_some(), Step::Stopping, States::new());
        let runs = runs.clone();
        self.upgrade = Some(Upgrade { order, purpose, from, from_sha256, to, starts, runs, step, states, why: None });
        if let Some((order, origin)) = was {
            // What was ordered for a first run that has not come to be counts for the one that follows.
            for component in self.components.values_mut() {
                component.remember_origin(order, &origin);
                let begins = component.origin(order, &origin).clone();
                component.begins = Some(begins).filter(|begins| *begins != Origin::Newest);
                component.drains = false;
            }
            self.wanted = Wanted::Stopped { save, was: Some((order, origin)) };
            self.information = None;
        }
    }

    fn switch(&mut self, record: &Record, states: &States) {
        let Some(upgrade) = &mut self.upgrade else { return };
        upgrade.states = states.clone();
        let (purpose, starts, runs) = (upgrade.purpose, upgrade.starts, upgrade.runs.clone());
        let is_tried = starts && matches!(purpose, Purpose::Upgrade | Purpose::Rescale);
        self.package = upgrade.to.package.clone();
        self.overrides = upgrade.to.overrides.clone();
        upgrade.step = if is_tried { Step::Trying } else { Step::Good };
        let order = starts.then_some(record.number);
        self.workflows.values_mut().for_each(|one| one.outdate(record.number, order));
        let back = self.previous.as_ref().filter(|_| purpose == Purpose::Rollback).map(|one| one.states.clone());
        for (name, component) in &mut self.components {
            if let Some(back) = &back {
                component.begins = Some(pinned(back, name));
            }
            if !starts {
                continue;
            }
            if component.stays_ended(name, &runs, record.number) {
                component.trial = is_tried.then(|| Trial { is_good: true, ..Trial::default() });
                continue;
            }
            if back.is_none() {
                // What was kept is begun from, whatever comes into the folders later.
                let state = states.get(name).cloned().flatten();
                component.begins = state.map(Origin::Path).or(component.begins.take());
            }
            (component.streak, component.given_up, component.insists) = (Streak::default(), None, None);
            (component.savepoint_ordered, component.ordered) = (false, None);
            component.schedule_from(record.at_ms);
            // What begins by a schedule may have no run for a month.
            let is_good = component.schedule.is_some();
            component.trial = is_tried.then(|| Trial { is_good, ..Trial::default() });
        }
        if !is_tried && purpose != Purpose::Restart {
            self.keep_previous();
        }
        if starts {
            self.wanted = Wanted::Started { order: record.number, origin: Origin::Newest };
        }
        self.information = None;
    }

    /// The new version stays.
    fn stay(&mut self) {
        self.end_upgrade(Step::Good, None);
        self.keep_previous();
    }

    /// The new version is not good: its runs end, without savepoints, for nobody needs what it has.
    fn turn_back(&mut self, why: &str) {
        self.end_upgrade(Step::Returning, Some(why));
        self.wanted = Wanted::Stopped { save: false, was: None };
    }

    fn come_back(&mut self, name: &ApplicationName, record: &Record) {
        let Some(upgrade) = &mut self.upgrade else { return };
        upgrade.step = Step::Returned;
        let why = upgrade.why.clone().unwrap_or_default();
        self.information = Some(upgrade.error(name, &why));
        let (from, starts, states) = (upgrade.from.clone(), upgrade.starts, upgrade.states.clone());
        let runs = upgrade.runs.clone();
        (self.package, self.overrides) = (from.package, from.overrides);
        let order = starts.then_some(record.number);
        // What went on before goes on again, however far the new version came.
        let ended = |name: &ComponentName| order.filter(|_| !runs.contains(name));
        self.workflows.iter_mut().for_each(|(name, one)| one.outdate(record.number, ended(name)));
        for (name, component) in &mut self.components {
            component.begins = Some(pinned(&states, name));
            if starts && component.stays_ended(name, &runs, record.number) {
                continue;
            }
            (component.streak, component.given_up) = (Streak::default(), None);
            component.schedule_from(record.at_ms);
            component.insists = starts.then_some(record.number);
        }
        if starts {
            self.wanted = Wanted::Started { order: record.number, origin: Origin::Newest };
        }
    }

    fn keep_previous(&mut self) {
        let Some(upgrade) = &self.upgrade else { return };
        let Upgrade { from: release, states, from_sha256: sha256, .. } = upgrade.clone();
        self.previous = Some(Previous { release, states, sha256 });
    }

    fn end_upgrade(&mut self, step: Step, why: Option<&str>) {
        if let Some(upgrade) = &mut self.upgrade {
            upgrade.step = step;
            upgrade.why = why.map(str::to_owned);
        }
        self.components.values_mut().for_each(|component| component.trial = None);
    }

    /// The old version cannot be saved: what runs of it goes on, and what has stopped for the upgrade begins again.
    /// Gives whether there was an upgrade.
    pub(super) fn go_on(&mut self, name: &ApplicationName, number: u64, why: &str) -> bool {
        let Some(upgrade) = self.upgrade.as_ref().filter(|one| one.step == Step::Stopping && one.starts) else {
            return false;
        };
        let (runs, error) = (upgrade.runs.clone(), upgrade.error(name, why));
        let Wanted::Stopped { was: Some((was, _)), .. } = self.wanted else { return false };
        self.end_upgrade(Step::Ended, Some(why));
        self.information = Some(error);
        for (name, component) in &mut self.components {
            let is_stopping = component.pending().is_some_and(|pending| !pending.goes_on)
                || component.live().is_some_and(|run| run.is_killed);
            let has_stopped = runs.contains(name) && component.live().is_none() && component.attempt.is_none();
            component.insists = (is_stopping || has_stopped).then_some(number);
            if component.insists.is_none() {
                component.is_of(number, was);
            }
        }
        self.workflows.values_mut().for_each(|one| one.stay_ended(Some(number)));
        self.wanted = Wanted::Started { order: number, origin: Origin::Newest };
        true
    }

    /// A stop that was on its way when its order was over came to nothing: its run is of the order in force.
    pub(super) fn goes_on_too(&mut self, of: &Key) {
        let Wanted::Started { order, .. } = self.wanted else { return };
        let component = self.components.get_mut(&of.component).filter(|one| one.insists == Some(order));
        if let Some(run) = component.and_then(|component| component.run.as_mut()).filter(|run| run.end.is_none()) {
            run.order = order;
        }
    }

    /// A person has ordered a stop or the end of the application.
    pub(super) fn interrupt(&mut self) {
        match self.upgrading().map(|upgrade| upgrade.step) {
            Some(_) if self.wanted == Wanted::Deleted => self.end_upgrade(Step::Ended, Some("its end was ordered")),
            Some(Step::Stopping) => {
                let why = format!("a stop was ordered; {} stays", self.package);
                self.end_upgrade(Step::Ended, Some(&why));
            }
            Some(Step::Trying) => {
                let why = format!("a stop was ordered before it was known to be good; {} stays", self.package);
                self.end_upgrade(Step::Ended, Some(&why));
                self.keep_previous();
            }
            // The way back is gone to its end, but for the start.
            Some(Step::Returning) => {
                self.upgrade.iter_mut().for_each(|upgrade| upgrade.starts = false);
                self.wanted = Wanted::Stopped { save: false, was: None };
            }
            _ => {}
        }
    }

    /// A run has ended, or could not begin.
    pub(super) fn mind_end(&mut self, of: &Key, end: &End) {
        if !self.is_at(Step::Trying) {
            return;
        }
        match end.verdict {
            Verdict::Succeeded => {
                let trial = self.components.get_mut(&of.component).and_then(|component| component.trial.as_mut());
                trial.into_iter().for_each(|trial| trial.is_good = true);
            }
            Verdict::Failed | Verdict::Lost => {
                let said = end.diagnostics.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let colon = if said.is_empty() { "" } else { ": " };
                self.turn_back(&format!("{} {}{colon}{}", of.component, end.verdict, said.trim()));
            }
            // What a person ends stays ended.
            Verdict::Cancelled | Verdict::Killed | Verdict::Abandoned => {
                let why = format!("{} {}; {} stays", of.component, end.verdict, self.package);
                self.end_upgrade(Step::Ended, Some(&why));
                self.keep_previous();
            }
        }
    }

    /// A component cannot be started. Gives whether that is what an upgrade fails over.
    pub(super) fn mind_failure(&mut self, of: &Key, why: &str) -> bool {
        let is_tried = self.is_at(Step::Trying);
        if is_tried {
            self.turn_back(&format!("{} cannot be started: {why}", of.component));
        }
        is_tried
    }
}

impl Component {
    /// Whether it had ended before the upgrade and stays so, by the order with this number.
    fn stays_ended(&mut self, name: &ComponentName, runs: &BTreeSet<ComponentName>, order: u64) -> bool {
        let run = self.run.as_mut().filter(|run| run.end.is_some() && !runs.contains(name));
        let stays = run.is_some();
        run.into_iter().for_each(|run| run.order = order);
        stays
    }

    /// What was of one order is of another one.
    fn is_of(&mut self, order: u64, was: u64) {
        self.run.iter_mut().filter(|run| run.order == was).for_each(|run| run.order = order);
        self.attempt.iter_mut().filter(|attempt| attempt.intent.order == was).for_each(|one| one.intent.order = order);
    }
}

/// From where a component of the version before begins: never from what a later version has made of its state.
fn pinned(states: &States, name: &ComponentName) -> Origin {
    states.get(name).cloned().flatten().map_or(Origin::Empty, Origin::Path)
}
