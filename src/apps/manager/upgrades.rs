//! Carrying an upgrade on: after each look at one of its components, what is next for that and for the whole is written down,
//! and a checkpoint of a component that is tried is asked for.
//! Not here: what is next (`decide::upgrade`), and orders (`change`).

use super::answers::other_schedules;
use super::rounds::component_of;
use super::{Manager, lock, unavailable};
use crate::decide::dispose;
use crate::decide::upgrade::{Checkpoints, Outcome, Prove, Tried, Turn, prove, turn};
use crate::decide::{Job, Rest, Seen, Yarn};
use crate::journal::{
    Application, Component, Fact, Key, Origin, Release, Run, State, States, Trial, TrialFact, UpgradeFact, fresh_id,
};
use crate::observe::manager;
use crate::orders::Refusal;
use crate::restore;
use std::sync::Arc;
use systems::hadoop::User;
use systems::jobmanager::Triggered;
use words::chain::chain;
use words::change::Step;
use words::ids::{ApplicationId, TriggerId};
use words::names::ApplicationName;

/// What is written down about one component after one look.
const STEPS: usize = 4;
/// From this line on Flink takes checkpoints on order.
const ASKED_SINCE: (u32, u32) = (1, 17);
/// So many different failures of a job are counted.
const MOST_CAUSES: usize = 10;

impl Manager {
    /// Has the upgrade of an application go on, if it has one, after this component was looked at.
    pub(super) fn carry_on(&self, of: &Key) {
        let is_under_way =
            |state: &Arc<State>| state.applications.get(&of.application).is_some_and(|one| one.upgrading().is_some());
        if self.silent().is_some() || !self.state().is_ok_and(|state| is_under_way(&state)) {
            return;
        }
        if let Some((run, seen)) = self.seen_of(of) {
            for _ in 0..STEPS {
                if !self.carry_out_proof(of, &run, &seen) {
                    break;
                }
            }
        }
        if self.turn(of) {
            self.urge(&of.application);
        }
    }

    /// What is next for the application. Gives whether something was written down.
    fn turn(&self, of: &Key) -> bool {
        let Ok(state) = self.state() else { return false };
        let name = &of.application;
        let Some(application) = state.applications.get(name) else { return false };
        let Some(upgrade) = application.upgrading() else { return false };
        let noted = match turn(application, self.clock.now_ms()) {
            Turn::Wait => return false,
            Turn::Switch => match self.stand(&state, name, application) {
                Ok(states) => self.note_other(&state, name, &upgrade.to, UpgradeFact::Switched { states }),
                Err(error) if error.is_passing() => Err(unavailable(chain(&error))),
                Err(error) => self.note_step(name, application, UpgradeFact::Failed { why: chain(&error) }),
            },
            Turn::Stay => self.note_step(name, application, UpgradeFact::Good),
            Turn::Return => self.note_other(&state, name, &upgrade.from, UpgradeFact::Returned),
        };
        if let Err(refusal @ Refusal::Unavailable(_)) = &noted {
            self.trouble(of, refusal.to_string());
        }
        noted.is_ok()
    }

    /// Writes a step down, unless anything about the application was written since it was decided.
    fn note_step(&self, name: &ApplicationName, decided: &Application, step: UpgradeFact) -> Result<(), Refusal> {
        self.note_all(name, decided, vec![Fact::Upgrade { application: name.clone(), step }])
    }

    fn note_all(&self, name: &ApplicationName, decided: &Application, facts: Vec<Fact>) -> Result<(), Refusal> {
        self.note(&self.site.user, |now| match now.applications.get(name) {
            Some(now) if **now == *decided => Ok((facts, ())),
            _ => Err(Refusal::Conflict("it has changed meanwhile".to_owned())),
        })
    }

    /// Writes down that it is another version from here on; before that when runs of that one begin, or they would at once.
    fn note_other(
        &self,
        state: &State,
        name: &ApplicationName,
        release: &Release,
        step: UpgradeFact,
    ) -> Result<(), Refusal> {
        let Some(application) = state.applications.get(name) else { return Ok(()) };
        if let UpgradeFact::Switched { states } = &step
            && let Some(path) = states.values().flatten().find(|path| dispose::is_going(state, path))
        {
            return Err(unavailable(format!("the state {path} is being removed")));
        }
        let mut would_be = state.clone();
        let (package, overrides) = (release.package.clone(), release.overrides.clone());
        let other = Application { package, overrides, ..Application::clone(application) };
        would_be.applications.insert(name.clone(), Arc::new(other));
        let mut facts = other_schedules(name, application, self.schedules(&would_be, name)?);
        facts.push(Fact::Upgrade { application: name.clone(), step });
        self.note_all(name, application, facts)
    }

    /// Where each component stands that has ended.
    pub(super) fn stand(
        &self,
        state: &State,
        name: &ApplicationName,
        application: &Application,
    ) -> Result<States, restore::Error> {
        let hdfs = self.hdfs.as_user(&User::simple(application.owner.as_str()));
        let mut states = States::new();
        for (component, known) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let prepared = self.prepared(state, &of).ok();
            let first = prepared.as_ref().and_then(|(_, prepared)| prepared.first_state());
            let origin = known.begins_from(&Origin::Newest);
            let kept = restore::choose(&hdfs, &self.site.cluster, (&application.owner, &of), known, (origin, first))?;
            states.insert(component.clone(), kept);
        }
        Ok(states)
    }

    /// What is next for one component that is tried. Gives whether more may follow from it at once.
    fn carry_out_proof(&self, of: &Key, id: &ApplicationId, seen: &Seen) -> bool {
        let Ok(state) = self.state() else { return false };
        let Some((application, component)) = component_of(&state, of) else { return false };
        let is_trying = application.upgrading().is_some_and(|upgrade| upgrade.step == Step::Trying);
        let (Some(trial), Some(run)) = (&component.trial, component.live()) else { return false };
        if !is_trying || run.id != *id || !run.accepted || trial.is_good {
            return false;
        }
        let tried = self.tried(run, trial, seen);
        let run_id = run.id.clone();
        let (fact, asks) = match prove(trial, seen, &tried, self.clock.now_ms()) {
            Prove::Wait(what) => {
                self.rest(of, Rest::Waits(what));
                return false;
            }
            Prove::Begin => (TrialFact::Began { run: run_id }, false),
            Prove::Ask { job, has_checkpoints } => {
                let has_checkpoints = has_checkpoints && self.can_ask(&state, of);
                let id = has_checkpoints.then(|| TriggerId::new(fresh_id()).ok()).flatten();
                (TrialFact::Asked { run: run_id, job, checkpoint: id }, has_checkpoints)
            }
            Prove::AskAgain => return self.ask_for_a_checkpoint(of, component, run),
            Prove::Good(by) => (TrialFact::Good { run: run_id, by }, false),
            Prove::NotGood(why) => (TrialFact::NotGood { run: run_id, why }, false),
            Prove::Late(why) => {
                let why = format!("{}: {why}", of.component);
                return self.note_step(&of.application, application, UpgradeFact::Failed { why }).is_ok();
            }
        };
        if self.record(&state, of, Fact::Trial { of: of.clone(), step: fact }).is_err() {
            return false;
        }
        let Ok(state) = self.state() else { return false };
        match component_of(&state, of) {
            Some((_, component)) if asks => self.ask_for_a_checkpoint(of, component, run),
            _ => true,
        }
    }

    /// Whether the release of Flink takes checkpoints on order: from 1.17 on.
    fn can_ask(&self, state: &State, of: &Key) -> bool {
        self.prepared(state, of).is_ok_and(|(_, prepared)| prepared.flink.line() >= ASKED_SINCE)
    }

    /// Asks for the checkpoint that was written down.
    fn ask_for_a_checkpoint(&self, of: &Key, component: &Component, run: &Run) -> bool {
        let asked = component.trial.as_ref().and_then(|trial| trial.asked.as_ref());
        let Some((job, id)) = asked.and_then(|asked| Some((&asked.job, asked.checkpoint.as_ref()?))) else {
            return false;
        };
        if let Err(error) = self.hands().checkpoint(run, job, id) {
            self.trouble(of, unavailable(chain(&error)).to_string());
        }
        // What became of it is seen at the next look.
        false
    }

    /// The run that is not over, as it was seen after the last record about it. Records about how it is tried, which are
    /// written from there on, change nothing of what was seen.
    fn seen_of(&self, of: &Key) -> Option<(ApplicationId, Seen)> {
        let state = self.state().ok()?;
        let (_, component) = component_of(&state, of)?;
        let run = component.live()?.id.clone();
        match lock(&self.seen).get(of).filter(|observed| observed.as_of >= component.changed).map(|one| &one.yarn) {
            Some(Yarn::Known(seen)) => Some((run, seen.as_ref().clone())),
            _ => None,
        }
    }

    fn tried(&self, run: &Run, trial: &Trial, seen: &Seen) -> Tried {
        let (checkpoints, asked) = (Checkpoints::Hidden, Outcome::Hidden);
        let mut tried = Tried { checkpoints, asked, failures: (0, String::new()) };
        let Job::Known { id: job, .. } = &seen.job else { return tried };
        let Ok(Some(application)) = self.yarn.application(&run.id) else { return tried };
        let Some(master) = manager(&application, &self.network.flink) else { return tried };
        match master.checkpoint_timeout(job) {
            Ok(Some(timeout)) => {
                tried.checkpoints = Checkpoints::Within { timeout_ms: timeout.as_millis() as u64 };
            }
            Ok(None) => tried.checkpoints = Checkpoints::None,
            Err(_) => return tried,
        }
        if let Ok(failures) = master.exceptions(job, MOST_CAUSES) {
            let last = failures.list.first().map(|failure| failure.cause.clone());
            let count = failures.list.iter().map(|failure| failure.count).sum();
            tried.failures = (count, last.unwrap_or_default());
        }
        let asked = trial.asked.as_ref().and_then(|asked| Some((&asked.job, asked.checkpoint.as_ref()?)));
        if let Some((job, id)) = asked {
            tried.asked = of_checkpoint(master.triggered(job, id));
        }
        tried
    }
}

fn of_checkpoint(told: Result<Triggered, systems::jobmanager::Error>) -> Outcome {
    match told {
        Ok(Triggered::InProgress) => Outcome::InProgress,
        Ok(Triggered::Completed(number)) => Outcome::Completed(number),
        Ok(Triggered::Failed(why)) => Outcome::Failed(why),
        Ok(Triggered::Unknown) => Outcome::Unknown,
        Err(_) => Outcome::Hidden,
    }
}
