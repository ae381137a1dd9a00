//! Housekeeping: by order or at an interval what nobody needs is looked for, what goes is written down, then it is removed, and
//! then that is written down. On a thread of its own, so that nothing else waits.
//! A manager that is killed in between is followed by one that removes the same: nothing begins from it meanwhile.
//! Not here: looking (`found`), and what may go (`housekeeping`).

use super::carry_out::is_same;
use super::rounds::Pause;
use super::{Manager, lock};
use crate::housekeeping::{Found, MOST_GOING, MOST_TOLD, Places, is_usual, orders, plan, undeployed};
use crate::journal::{Cleaning, Fact, Leaving, State, Stayed};
use crate::orders::{Caller, Refusal};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use systems::hadoop::User;
use words::chain::chain;
use words::housekeeping::{self as told, Clean, Entry, Kind};
use words::parallel::{self, AtEnd};

/// From one look at whether there is something to do to the next.
const TICK: Duration = Duration::from_secs(2);
/// After a start of the manager it waits so long at most.
const FIRST: Duration = Duration::from_secs(600);
/// Things that are measured at once.
const AT_ONCE: usize = 4;

/// Why what is to be removed is still there.
enum Left {
    /// It may be otherwise in a moment.
    Passing(String),
    /// It stays.
    Stays(String),
}

impl Manager {
    /// Orders the removal of what nobody needs, or says what that would be.
    pub fn clean(&self, choices: Clean, by: &Caller) -> Result<told::Cleaning, Refusal> {
        let (looked, places) = (self.state()?, self.places_to_clean());
        let found = self.find_all(&looked, &places);
        let mut plan = self.judge(&looked, &found, &places);
        if !choices.dry_run {
            plan = self.take(&by.name, |state| {
                let mut found = found.clone();
                // From where these would begin now, and what they name, nobody has looked.
                found.next.retain(|of, _| is_same(&looked, state, of));
                found.properties.retain(|of, _| is_same(&looked, state, of));
                let plan = self.judge(state, &found, &places);
                let mut facts: Vec<Fact> = orders(&plan).into_iter().map(Fact::CleaningOrdered).collect();
                let packages = undeployed(&plan).into_iter();
                facts.extend(packages.map(|(package, why)| Fact::PackageUndeployed { package, why: Some(why) }));
                if !facts.is_empty() {
                    self.another_order(&by.name)?;
                }
                Ok((facts, plan))
            })?;
        }
        let state = self.state()?;
        let under_way = state.cleanings.values().map(|cleaning| cleaning.entries.len()).sum();
        Ok(self.told_plan(plan, found.notes, under_way))
    }

    fn judge(&self, state: &State, found: &Found, places: &Places) -> Vec<Entry> {
        plan(state, found, (&self.rules, places), self.clock.now_ms())
    }

    /// With the sizes of what goes, and without what nobody reads to its end.
    fn told_plan(&self, plan: Vec<Entry>, mut notes: Vec<String>, under_way: usize) -> told::Cleaning {
        let all = plan.len();
        let ordered = orders(&plan).iter().map(|one| one.entries.len()).sum::<usize>() + undeployed(&plan).len();
        let left = plan.iter().filter(|one| one.goes).count() - ordered;
        let (mut entries, usual): (Vec<Entry>, Vec<Entry>) = plan.into_iter().partition(|one| !is_usual(one));
        if !usual.is_empty() {
            notes.push(format!("{} archives stay: {}", usual.len(), usual[0].why));
        }
        if left > 0 {
            notes.push(format!("{left} more may go by another order after this one"));
        }
        if entries.len() > MOST_TOLD {
            entries.truncate(MOST_TOLD);
            notes.push(format!("of {all} things {MOST_TOLD} are told"));
        }
        let is_unmeasured = |one: &&mut Entry| one.goes && one.bytes.is_none() && one.kind != Kind::Znode;
        let unmeasured = entries.iter_mut().filter(is_unmeasured).take(MOST_GOING);
        parallel::each(AT_ONCE, unmeasured, |one| {
            let hdfs = self.hdfs.as_user(&User::simple(&one.owner));
            one.bytes = hdfs.size(&one.path).ok().flatten();
        });
        told::Cleaning { entries, notes, under_way }
    }

    pub(super) fn clean_for_ever(&self) {
        let _end = AtEnd(|| self.close());
        let next = |now: Duration| self.rules.every.map(|every| now + every);
        let mut due = self.rules.every.map(|every| self.clock.passed() + every.min(FIRST));
        while !self.closed.load(Ordering::Acquire) {
            self.clock.sleep(TICK);
            if self.silent().is_some() {
                continue;
            }
            let now = self.clock.passed();
            if due.is_some_and(|due| now >= due) {
                due = next(now);
                let by = Caller { name: self.site.user.clone(), is_admin: true };
                if let Err(refusal) = self.clean(Clean::default(), &by) {
                    (self.tell)(&format!("housekeeping: {refusal}"));
                }
            }
            self.tidy_up();
        }
    }

    /// Removes what was ordered to go.
    pub(super) fn tidy_up(&self) {
        let Ok(state) = self.state() else { return };
        let (now, pause) = (self.clock.passed(), *lock(&self.swept));
        if state.cleanings.is_empty() || now < pause.until || self.silent().is_some() {
            return;
        }
        // Another node may have done it by now: then that is read first.
        if !self.is_newest(&state) {
            return;
        }
        let (places, mut next) = (self.places_to_clean(), Pause::default());
        // What does not go for the moment keeps nothing else from going.
        for (order, cleaning) in &state.cleanings {
            if let Err(why) = self.tidy_one(*order, cleaning, &places) {
                next = pause.longer(now);
                (self.tell)(&format!("housekeeping goes on later: {why}"));
            }
        }
        *lock(&self.swept) = next;
    }

    fn tidy_one(&self, order: u64, cleaning: &Cleaning, places: &Places) -> Result<(), String> {
        let (mut stayed, mut later) = (Vec::new(), BTreeMap::new());
        for one in &cleaning.entries {
            // Who does not answer now is not asked about each of them.
            if later.contains_key(&one.kind) {
                continue;
            }
            // Another node may manage by now, and does the same.
            if let Some(why) = self.silent() {
                return Err(why);
            }
            if self.closed.load(Ordering::Acquire) {
                return Err("the manager ends".to_owned());
            }
            match self.remove_one(one, places) {
                Ok(()) => {}
                Err(Left::Passing(why)) => drop(later.insert(one.kind, why)),
                Err(Left::Stays(why)) => stayed.push(Stayed { path: one.path.clone(), why }),
            }
        }
        if let Some(why) = later.into_values().next() {
            return Err(why);
        }
        let removed = cleaning.entries.len() - stayed.len();
        let ended = Fact::CleaningEnded { application: cleaning.application.clone(), order, removed, stayed };
        let noted = self.note(&self.site.user, |state| match state.cleanings.contains_key(&order) {
            true => Ok((vec![ended], ())),
            false => Ok((Vec::new(), ())),
        });
        noted.map_err(|refusal| refusal.to_string())
    }

    fn remove_one(&self, one: &Leaving, places: &Places) -> Result<(), Left> {
        // Whoever has installed it again since is configured with it.
        if one.kind == Kind::Distribution && self.site.flinks.values().any(|release| release.staged == one.path) {
            return Err(Left::Stays("this node is configured with it now".to_owned()));
        }
        match self.hands().remove(places, one) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Left::Stays("it has changed since".to_owned())),
            Err(error) if error.is_final() => Err(Left::Stays(chain(&error))),
            Err(error) => Err(Left::Passing(chain(&error))),
        }
    }
}
