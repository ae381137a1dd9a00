//! The savepoints of an application as they are told, from the journal and from HDFS, and their removal: by order, or because
//! there are more than its package wants. The order is written down first, then the files go, then what is known of them.
//! Not here: who needs a savepoint (`decide::dispose`), which is one too many (`decide::retention`), and taking one (`save`).

use super::carry_out::is_same;
use super::rounds::{Pause, component_of};
use super::{Manager, lock, unavailable};
use crate::act::is_own;
use crate::decide::dispose::{dispose, missed, users};
use crate::decide::retention::{Beyond, beyond};
use crate::journal::{Application, Component, Disposal, Fact, Key, Origin, Outcome, Savepoint, State};
use crate::observe::newest_state;
use crate::orders::{self, Caller, Refusal};
use crate::restore;
use crate::savepoints::{Folder, Lying, lies_in, local, look, look_at};
use std::collections::{BTreeMap, BTreeSet};
use systems::hadoop::User;
use systems::webhdfs::WebHdfs;
use words::chain::chain;
use words::ids::TriggerId;
use words::names::{ApplicationName, Word};
use words::savepoints::{Dispose, Kept, KeptState, Removed, Savepoints, TakenBy};

/// Removals that did not come to pass: when they are tried again, and why they did not.
pub(super) type Tried = BTreeMap<(Key, TriggerId), (Pause, String)>;

/// What cannot be removed takes no more than so many tries at a time.
const MOST_TRIES: usize = 3;

/// A savepoint of a component, as it is found for an order.
struct Found {
    of: Key,
    /// What a removal takes away.
    folder: String,
    /// Where the state lies, if it is there.
    path: Option<String>,
    bytes: Option<u64>,
}

impl Manager {
    pub(super) fn hdfs_as(&self, owner: &Word) -> WebHdfs {
        self.hdfs.as_user(&User::simple(owner.as_str()))
    }

    /// All savepoints of an application, those too that lie in its folders and that the journal does not have.
    pub fn savepoints(&self, name: &ApplicationName) -> Result<Savepoints, Refusal> {
        let state = self.state()?;
        let application = state
            .applications
            .get(name)
            .ok_or_else(|| Refusal::NotFound(format!("application {name}; `pnda app list`")))?;
        let mut told = Savepoints::default();
        for (component, known) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let all = self.site.cluster.savepoints_of(&application.owner, &of);
            let hdfs = self.hdfs_as(&application.owner);
            let lying = look(&hdfs, &all)
                .map_err(|error| told.notes.push(format!("{of}: what lies in {all} is not seen: {}", chain(&error))));
            if let Ok(Folder { left_out: left_out @ 1.., .. }) = &lying {
                told.notes.push(format!("{of}: {left_out} older folders in {all} were not looked into"));
            }
            let lying = lying.ok().map(|folder| (all.as_str(), folder));
            told.list.extend(self.kept(&state, (&of, known), &hdfs, lying));
        }
        Ok(told)
    }

    /// Of one component. Its folder and what lies there, if that is seen; what the journal has and was left out is looked at.
    fn kept(
        &self,
        state: &State,
        (of, component): (&Key, &Component),
        hdfs: &WebHdfs,
        lying: Option<(&str, Folder)>,
    ) -> Vec<Kept> {
        let (all, lying) = lying.map_or((None, Folder::default()), |(all, lying)| (Some(all), lying));
        let (is_cut, mut lying) = (lying.left_out > 0, lying.all);
        let mut list = Vec::new();
        for savepoint in &component.savepoints {
            let mut there = lying.iter().find(|one| lies_in(&one.path, &savepoint.folder)).cloned();
            lying.retain(|one| !lies_in(&one.path, &savepoint.folder));
            let mut seen = all.is_some_and(|all| lies_in(&savepoint.folder, all));
            if there.is_none() && seen && is_cut {
                let found = look_at(hdfs, &savepoint.folder);
                (seen, there) = (found.is_ok(), found.ok().flatten());
            }
            list.push(self.known(state, of, (component, savepoint), there, seen));
        }
        for one in lying.into_iter().filter(|one| one.is_whole) {
            list.extend(self.foreign(state, of, component, &one));
        }
        list.sort_by_key(|kept| kept.at_ms);
        list
    }

    fn known(
        &self,
        state: &State,
        of: &Key,
        (component, savepoint): (&Component, &Savepoint),
        there: Option<Lying>,
        seen: bool,
    ) -> Kept {
        let (is_going, trouble) = self.going(of, component, &savepoint.id);
        let (kept, reason) = match &savepoint.outcome {
            _ if is_going => (KeptState::Disposing, trouble),
            Outcome::Pending => (KeptState::Pending, None),
            Outcome::Completed(_) => (KeptState::Completed, None),
            Outcome::Failed(why) => (KeptState::Failed, Some(why.clone())),
        };
        let whole = there.as_ref().filter(|one| one.is_whole);
        let path = savepoint.path().map(str::to_owned).or_else(|| Some(self.whole_path(&whole?.path)));
        Kept {
            id: savepoint.id.to_string(),
            component: of.component.clone(),
            state: kept,
            reason,
            origin: match savepoint {
                Savepoint { periodic: true, .. } => TakenBy::Periodic,
                Savepoint { goes_on: true, .. } => TakenBy::Ordered,
                _ => TakenBy::Stop,
            },
            drained: savepoint.drain,
            at_ms: savepoint.at_ms,
            bytes: there.as_ref().map(|one| one.bytes),
            path,
            usable: seen.then_some(whole.is_some()),
            job_id: Some(savepoint.job.to_string()),
            package: savepoint.package.clone(),
            in_use: needed(state, of, &savepoint.folder),
        }
    }

    fn foreign(&self, state: &State, of: &Key, component: &Component, one: &Lying) -> Option<Kept> {
        let id = one.id()?;
        let (is_going, reason) = self.going(of, component, &id);
        Some(Kept {
            id: id.to_string(),
            component: of.component.clone(),
            state: if is_going { KeptState::Disposing } else { KeptState::Completed },
            reason,
            origin: TakenBy::Foreign,
            drained: false,
            at_ms: one.at_ms,
            bytes: Some(one.bytes),
            path: Some(self.whole_path(&one.path)),
            usable: Some(true),
            job_id: None,
            package: None,
            in_use: needed(state, of, &one.path),
        })
    }

    /// Whether a savepoint is being removed, and why that takes time.
    fn going(&self, of: &Key, component: &Component, id: &TriggerId) -> (bool, Option<String>) {
        let tried = lock(&self.disposals).get(&(of.clone(), id.clone())).map(|(_, why)| why.clone());
        (component.is_disposed(id), tried.filter(|_| component.is_disposed(id)))
    }

    fn whole_path(&self, path: &str) -> String {
        format!("{}{path}", self.site.cluster.filesystem)
    }

    /// A savepoint of an application by its id.
    fn find(&self, name: &ApplicationName, application: &Application, id: &TriggerId) -> Result<Found, Refusal> {
        let hdfs = self.hdfs_as(&application.owner);
        for (component, known) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let all = self.site.cluster.savepoints_of(&application.owner, &of);
            let hidden = |error| unavailable(chain(&error));
            if let Some(savepoint) = known.savepoints.iter().find(|savepoint| savepoint.id == *id) {
                let lying = look_at(&hdfs, &savepoint.folder).map_err(hidden)?;
                let whole = lying.as_ref().filter(|one| one.is_whole).map(|one| self.whole_path(&one.path));
                let bytes = lying.map(|one| one.bytes);
                return Ok(Found { of, folder: savepoint.folder.clone(), path: whole, bytes });
            }
            let known: BTreeSet<&str> = known.savepoints.iter().map(|one| one.folder.as_str()).collect();
            let is_it = |one: &Lying| {
                one.is_whole && one.id().as_ref() == Some(id) && !known.iter().any(|folder| lies_in(&one.path, folder))
            };
            if let Some(one) = look(&hdfs, &all).map_err(hidden)?.all.into_iter().find(is_it) {
                let (path, bytes) = (Some(self.whole_path(&one.path)), Some(one.bytes));
                return Ok(Found { of, folder: one.path, path, bytes });
            }
        }
        Err(Refusal::NotFound(format!("savepoint {id} of {name}; `pnda app savepoints {name}`")))
    }

    /// The state that `from` names: the id of a savepoint of the application, or a path.
    pub fn origin(&self, name: &ApplicationName, from: String, by: &Caller) -> Result<Origin, Refusal> {
        let Ok(id) = TriggerId::new(from.as_str()) else { return Ok(Origin::Path(from)) };
        let state = self.state()?;
        let found = self.find(name, orders::own(&state, name, by)?, &id)?;
        let missing =
            || Refusal::Conflict(format!("savepoint {id} of {} is not whole: nothing begins from it", found.of));
        found.path.ok_or_else(missing).map(Origin::Path)
    }

    /// Orders the removal of a savepoint with its files, or says what that would be.
    pub fn dispose(
        &self,
        name: &ApplicationName,
        id: &TriggerId,
        choices: Dispose,
        by: &Caller,
    ) -> Result<Removed, Refusal> {
        let looked = self.state()?;
        let application = orders::own(&looked, name, by)?;
        let found = self.find(name, application, id)?;
        dispose(&looked, &found.of, id, &found.folder)?;
        if !is_own(&self.site.cluster.savepoints_of(&application.owner, &found.of), &found.folder) {
            let why = format!("{} is not in the folder of savepoints of {}: it stays", found.folder, found.of);
            return Err(Refusal::Conflict(why));
        }
        let next = self.without(&looked, &found, id, choices.newest)?;
        let fact = Fact::DisposalOrdered { of: found.of.clone(), id: id.clone(), folder: found.folder.clone() };
        if !choices.dry_run {
            self.take(&by.name, |state| {
                orders::own(state, name, by)?;
                dispose(state, &found.of, id, &found.folder)?;
                match is_same(&looked, state, &found.of) {
                    true => self.another_order(&by.name).map(|()| (vec![fact.clone()], ())),
                    false => Err(Refusal::Conflict(format!("{} has changed meanwhile: ask again", found.of))),
                }
            })?;
            self.urge(name);
        }
        let Found { of: Key { application, component }, folder, bytes, .. } = found;
        Ok(Removed { application, component, id: id.to_string(), folder, bytes, next })
    }

    /// The state from which a component would begin without a savepoint. Its newest state goes only where that is spelt out.
    fn without(&self, state: &State, found: &Found, id: &TriggerId, newest: bool) -> Result<Option<String>, Refusal> {
        let Some((application, component)) = component_of(state, &found.of) else { return Ok(None) };
        let chosen = |component: &Component| self.next_state(&application.owner, &found.of, component);
        let now = chosen(component)?;
        if let Some(why) = missed(state, &found.folder).filter(|_| !newest) {
            return Err(Refusal::Conflict(format!("savepoint {id} stays: {why}; `--newest` removes it all the same")));
        }
        if !newest && now.as_ref().is_some_and(|path| lies_in(path, &found.folder)) {
            return Err(Refusal::Conflict(format!(
                "savepoint {id} is the newest state of {}, from which it would begin again: `--newest` removes it all the same",
                found.of
            )));
        }
        // A run that waits for room may end without ever having run: what the one before has left counts then.
        let waits = component.live().filter(|_| now.is_none());
        let before = waits.and(component.before.clone()).map(|run| Component { run: Some(run), ..component.clone() });
        let of_before = before.map(|before| chosen(&before)).transpose()?.flatten();
        if !newest && of_before.is_some_and(|path| lies_in(&path, &found.folder)) {
            return Err(Refusal::Conflict(format!(
                "savepoint {id} is the newest state of the run of {} before this one: `--newest` removes it all the same",
                found.of
            )));
        }
        let mut then = component.clone();
        then.disposals.push(Disposal { id: id.clone(), folder: found.folder.clone(), at_ms: 0 });
        chosen(&then)
    }

    /// The state from which a component would begin now, if there is one.
    pub(super) fn next_state(&self, owner: &Word, of: &Key, component: &Component) -> Result<Option<String>, Refusal> {
        let begins = (component.begins_from(&Origin::Newest), None);
        match restore::choose(&self.hdfs_as(owner), &self.site.cluster, (owner, of), component, begins) {
            Err(error) if error.is_passing() => Err(unavailable(chain(&error))),
            chosen => Ok(chosen.ok().flatten()),
        }
    }

    /// Where a component is otherwise at rest: removes what was ordered, then what is more than its package wants. Gives
    /// whether something was written.
    pub(super) fn tend(&self, state: &State, of: &Key, is_well: bool) -> bool {
        let Some((application, component)) = component_of(state, of) else { return false };
        let (now, mut tries) = (self.clock.passed(), 0);
        for disposal in &component.disposals {
            let key = (of.clone(), disposal.id.clone());
            let pause = lock(&self.disposals).get(&key).map(|(pause, _)| *pause).unwrap_or_default();
            if now < pause.until || tries == MOST_TRIES {
                continue;
            }
            tries += 1;
            let done = self.hands().dispose(of, &application.owner, &disposal.folder).map_err(|error| chain(&error));
            let Err(why) = done else {
                lock(&self.disposals).remove(&key);
                return self.record(state, of, Fact::SavepointDisposed { of: of.clone(), id: key.1 }).is_ok();
            };
            let before = lock(&self.disposals).insert(key, (pause.longer(now), why.clone()));
            if before.is_none_or(|(_, before)| before != why) {
                (self.tell)(&format!("{of}: savepoint {} is not removed yet: {why}", disposal.id));
            }
        }
        is_well && self.retain(state, (of, component), &application.owner)
    }

    /// Orders the removal of one savepoint that is more than wanted, while a newer one is whole.
    fn retain(&self, state: &State, (of, component): (&Key, &Component), owner: &Word) -> bool {
        let Some(Beyond { id, folder, newest }) = beyond(state, of, self.clock.now_ms()) else { return false };
        if !matches!(newest_state(&self.hdfs_as(owner), local(&newest)), Ok(Some(_))) {
            return false;
        }
        // A run that began from an older one and kept nothing goes back to that.
        if !matches!(self.next_state(owner, of, component), Ok(next) if !next.iter().any(|path| lies_in(path, &folder)))
        {
            return false;
        }
        let fact = Fact::DisposalOrdered { of: of.clone(), id: id.clone(), folder: folder.clone() };
        let noted = self.note(&self.site.user, |now| {
            dispose(now, of, &id, &folder)?;
            match is_same(state, now, of) {
                true => Ok((vec![fact], ())),
                false => Err(Refusal::Conflict("it has changed meanwhile".to_owned())),
            }
        });
        noted.is_ok()
    }
}

/// Who needs what lies in a folder, or would miss it.
fn needed(state: &State, of: &Key, folder: &str) -> Vec<String> {
    users(state, of, folder).into_iter().chain(missed(state, folder)).collect()
}
