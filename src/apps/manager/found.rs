//! What housekeeping looks at: first what lies in HDFS, then what YARN says of it, so that what is said is newer.
//! Folders of people are read as them. What is not seen is noted, and nothing of it goes.
//! Not here: what may go (`housekeeping`).

use super::rounds::LIVE;
use super::{Manager, workflows};
use crate::act::PATIENCE;
use crate::housekeeping::{FLOOR_MS, Found, Lying, Places, TEMPORARY, Told};
use crate::journal::{self, Key, State, fresh_id};
use crate::package::Package;
use crate::submit::tag_of;
use crate::workflow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use systems::webhdfs::WebHdfs;
use systems::yarn::Application;
use systems::zookeeper;
use words::chain::chain;
use words::ids::ApplicationId;
use words::names::{ApplicationName, ComponentName, PackageName, Word};
use words::parallel;

/// Folders that are listed, and applications that are asked for, at once.
const AT_ONCE: usize = 4;
/// So many applications YARN is asked for, one by one, as many of each owner.
const MOST_ASKED: usize = 500;
/// The folder in which Flink keeps what jobs have come to until it has told that, by application: it stays when that is over (seen).
const RESULTS: &str = "job-result-store";
/// So many things in the folder for temporary ones are looked through, as many of each owner.
const MOST_LOOKED_THROUGH: usize = 200;

/// Lists folders, and notes what is not seen.
struct Looker(Mutex<Vec<String>>);

impl Looker {
    fn note(&self, note: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    /// What is in a folder, if that is seen.
    fn list(&self, hdfs: &WebHdfs, folder: &str) -> Vec<Lying> {
        match hdfs.list(folder) {
            Ok(list) => list.unwrap_or_default().into_iter().map(|status| Lying::of(folder, status)).collect(),
            Err(error) => {
                self.note(format!("what lies in {folder} is not seen: {}", chain(&error)));
                Vec::new()
            }
        }
    }

    fn list_all(&self, hdfs: &WebHdfs, folders: impl IntoIterator<Item = String>) -> Vec<Lying> {
        folders.into_iter().flat_map(|folder| self.list(hdfs, &folder)).collect()
    }
}

impl Manager {
    /// Where things lie that housekeeping looks at.
    pub(super) fn places_to_clean(&self) -> Places {
        let releases = self.site.flinks.values();
        let high_availability = self.site.high_availability().unwrap_or_default().into_iter();
        let above = |folder: &str| folder.rsplit_once('/').map(|(above, _)| above.to_owned());
        Places {
            checkpoints: self.site.cluster.checkpoints.clone(),
            archive: self.site.cluster.archive.clone(),
            high_availability: high_availability.flat_map(|folder| [format!("{folder}/{RESULTS}"), folder]).collect(),
            znodes: self.site.znodes().unwrap_or_default(),
            distributions: releases.filter_map(|release| above(&release.staged)).collect(),
            own: self.site.hdfs_folder.clone(),
        }
    }

    /// Looks at everything.
    pub(super) fn find_all(&self, state: &State, places: &Places) -> Found {
        let looker = Looker(Mutex::default());
        let owners = self.owners(state, &looker);
        let staging = parallel::each(AT_ONCE, &owners, |owner| {
            looker.list(&self.hdfs_as(owner), &format!("/user/{owner}/.flink"))
        });
        let (mut checkpoints, mut strange) = (Vec::new(), Vec::new());
        self.find_checkpoints(state, (&mut checkpoints, &mut strange), &looker);
        let cluster = &self.site.cluster;
        let known = [&cluster.checkpoints, &cluster.savepoints, &cluster.archive];
        let is_known = |path: &String| known.contains(&path) || TEMPORARY.contains(&path.as_str());
        let is_other = |one: &Lying| !is_known(&one.path) && !places.high_availability.contains(&one.path);
        let own = looker.list_all(&self.hdfs, places.written());
        let mut found = Found {
            staging: staging.into_iter().flatten().collect(),
            high_availability: looker.list_all(&self.hdfs, places.high_availability.iter().cloned()),
            znodes: places.znodes.iter().flat_map(|place| self.find_znodes(place, &looker)).collect(),
            archives: looker.list(&self.hdfs, &places.archive),
            checkpoints,
            strange,
            distributions: looker.list_all(&self.hdfs, places.distributions.iter().cloned()),
            temporary: self.find_temporary(&looker),
            // Records, snapshots and packages are no leftovers.
            own: own.into_iter().filter(|one| one.name().starts_with('.')).collect(),
            configured: self.site.flinks.values().map(|release| release.staged.clone()).collect(),
            ..Found::default()
        };
        found.distributions.retain(is_other);
        found.high_availability.retain(|one| !places.high_availability.contains(&one.path));
        self.ask_yarn(&mut found, &looker);
        found.next = self.next_states(state, &found);
        // Packages are large: they are read only where something may go that they could name, or soon may.
        let soon_ms = self.clock.now_ms() + FLOOR_MS;
        let is_old = |one: &Lying| soon_ms.saturating_sub(one.at_ms) > self.rules.temporary_ms;
        if !found.next.is_empty() || found.temporary.iter().any(|(one, unseen)| unseen.is_none() && is_old(one)) {
            found.properties = self.all_properties(state);
        }
        if let Err(error) = self.site.high_availability() {
            looker.note(format!("what job managers keep is not looked at: {}", chain(&error)));
        }
        found.notes = looker.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        found
    }

    /// Who has applications, or had some that YARN still knows.
    fn owners(&self, state: &State, looker: &Looker) -> BTreeSet<Word> {
        let mut owners: BTreeSet<Word> = state.applications.values().map(|one| one.owner.clone()).collect();
        match self.yarn.applications(&tag_of(&self.site.cluster), &[]) {
            Ok(all) => owners.extend(all.into_iter().filter_map(|one| Word::new(one.user).ok())),
            Err(error) => looker.note(format!("whose applications YARN had is not seen: {}", chain(&error))),
        }
        owners
    }

    /// The checkpoints of all components, and what lies beside them.
    fn find_checkpoints(
        &self,
        state: &State,
        (own, strange): (&mut Vec<(Key, Lying)>, &mut Vec<Lying>),
        looker: &Looker,
    ) {
        let all = &self.site.cluster.checkpoints;
        let mut of: BTreeMap<&Word, Vec<Key>> = BTreeMap::new();
        for (name, application) in &state.applications {
            let key = |component: &_| Key { application: name.clone(), component: Clone::clone(component) };
            of.entry(&application.owner).or_default().extend(application.components.keys().map(key));
        }
        let is_owner = |one: &Lying| of.keys().any(|owner| owner.as_str() == one.name());
        strange.extend(looker.list(&self.hdfs, all).into_iter().filter(|one| !is_owner(one)));
        for (owner, keys) in of {
            let hdfs = self.hdfs_as(owner);
            let is_known = |one: &Lying| keys.iter().any(|of| of.application.as_str() == one.name());
            strange.extend(looker.list(&hdfs, &format!("{all}/{owner}")).into_iter().filter(|one| !is_known(one)));
            let listed = parallel::each(AT_ONCE, &keys, |of| {
                let folder = self.site.cluster.checkpoints_of(owner, of);
                looker.list(&hdfs, &folder).into_iter().map(|one| (of.clone(), one)).collect::<Vec<_>>()
            });
            own.extend(listed.into_iter().flatten());
        }
    }

    /// What job managers keep in ZooKeeper. Nobody owns it there, and this manager's own user is named.
    fn find_znodes(&self, folder: &str, looker: &Looker) -> Vec<Lying> {
        let note = |why: String| looker.note(format!("what job managers keep in {folder} is not seen: {why}"));
        let Some(place) = zookeeper::Place::parse(folder) else {
            note("it is no list of servers with a path".to_owned());
            return Vec::new();
        };
        let nodes = place.list(PATIENCE).unwrap_or_else(|error| {
            note(chain(&error));
            None
        });
        let owner = self.site.user.to_string();
        let lying = |node: zookeeper::Node| Lying {
            path: format!("{folder}/{}", node.name),
            owner: owner.clone(),
            at_ms: node.at_ms,
            bytes: None,
        };
        nodes.unwrap_or_default().into_iter().map(lying).collect()
    }

    /// What lies in the folder for temporary things, with when anything in it was changed last where that may be long ago.
    fn find_temporary(&self, looker: &Looker) -> Vec<(Lying, Option<String>)> {
        let mut all = looker.list_all(&self.hdfs, TEMPORARY.map(str::to_owned));
        all.retain(|one| !TEMPORARY.contains(&&*one.path));
        all.sort_by_key(|one| one.at_ms);
        let now_ms = self.clock.now_ms();
        let is_old = |one: &Lying| now_ms.saturating_sub(one.at_ms) > self.rules.temporary_ms;
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        all.iter().filter(|one| is_old(one)).for_each(|one| *owners.entry(one.owner.clone()).or_default() += 1);
        // What one user piles up takes nothing of what is looked through for others.
        let share = (MOST_LOOKED_THROUGH / owners.len().max(1)).max(1);
        let mut left: BTreeMap<String, usize> = owners.into_keys().map(|owner| (owner, share)).collect();
        let all: Vec<(Lying, bool)> = all
            .into_iter()
            .map(|one| {
                let is_next = is_old(&one)
                    && left
                        .get_mut(&one.owner)
                        .is_some_and(|left| left.checked_sub(1).map(|less| *left = less).is_some());
                (one, is_next)
            })
            .collect();
        parallel::each(AT_ONCE, all, |(one, is_next)| match (is_next, Word::new(&*one.owner)) {
            (false, _) if is_old(&one) => (one, Some("others are looked through first".to_owned())),
            (false, _) => (one, None),
            (true, Err(_)) => (one, Some("its owner has a name that nobody has here".to_owned())),
            (true, Ok(owner)) => match self.hdfs_as(&owner).changed(&one.path) {
                Ok(changed) => (Lying { at_ms: changed.unwrap_or(now_ms), ..one }, None),
                Err(error) => (one, Some(chain(&error))),
            },
        })
    }

    /// What goes on in YARN, and what became of the applications that something lies of.
    fn ask_yarn(&self, found: &mut Found, looker: &Looker) {
        match self.yarn.of_everybody(&LIVE) {
            Ok(live) => found.live = Some(live.into_iter().map(|one| (one.id, one.started_ms)).collect()),
            Err(error) => looker.note(format!("what goes on in YARN is not seen: {}", chain(&error))),
        }
        let mut ids: BTreeMap<&str, BTreeSet<ApplicationId>> = BTreeMap::new();
        for one in found.staging.iter().chain(&found.high_availability).chain(&found.znodes) {
            ids.entry(&one.owner).or_default().extend(ApplicationId::new(one.name()).ok());
        }
        // What one user piles up takes nothing of what is asked for others.
        let share = (MOST_ASKED / ids.len().max(1)).max(1);
        for (owner, ids) in ids.iter().filter(|(_, ids)| ids.len() > share) {
            looker.note(format!("of {} applications of {owner} the newest {share} were asked for in YARN", ids.len()));
        }
        let tag = tag_of(&self.site.cluster);
        let asked = ids.into_values().flat_map(|ids| ids.into_iter().rev().take(share));
        let told = parallel::each(AT_ONCE, asked, |id| {
            let told = match self.yarn.application(&id) {
                Err(error) => Told::Hidden(chain(&error)),
                Ok(None) => Told::Unknown,
                Ok(Some(one)) => told(one, &tag),
            };
            (id, told)
        });
        found.yarn = told.into_iter().collect();
    }

    /// From where the components would begin of which something may go.
    fn next_states(&self, state: &State, found: &Found) -> BTreeMap<Key, Result<Option<String>, String>> {
        let now_ms = self.clock.now_ms();
        let is_old = |one: &Lying| now_ms.saturating_sub(one.at_ms) > self.rules.checkpoints_ms;
        let keys: BTreeSet<&Key> = found.checkpoints.iter().filter(|(_, one)| is_old(one)).map(|(of, _)| of).collect();
        let known = keys.into_iter().filter_map(|of| {
            let application = state.applications.get(&of.application)?;
            Some((of, application, application.components.get(&of.component)?))
        });
        let next = parallel::each(AT_ONCE, known, |(of, application, component)| {
            let next = self.next_state(&application.owner, of, component).map_err(|refusal| refusal.to_string());
            let is_seen = |path: &String| path.starts_with(&format!("{}/", self.site.cluster.filesystem));
            let next = next.and_then(|next| match next.as_ref().is_none_or(is_seen) {
                true => Ok(next),
                false => Err("it lies in another file system".to_owned()),
            });
            (of.clone(), next)
        });
        next.into_iter().collect()
    }

    /// What the properties of all components say. Each package is read once.
    fn all_properties(&self, state: &State) -> BTreeMap<Key, Result<String, String>> {
        let mut of: BTreeMap<&PackageName, Vec<(&ApplicationName, &journal::Application)>> = BTreeMap::new();
        for (name, application) in &state.applications {
            of.entry(&application.package).or_default().push((name, application));
        }
        let all = parallel::each(AT_ONCE, of, |(package, applications)| {
            let package = self.package(state, package).map_err(|error| chain(&error));
            let components = applications.into_iter().flat_map(|(name, application)| {
                let components = application.components.keys().chain(application.workflows.keys());
                let key =
                    move |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
                components.map(move |component| (key(component), application))
            });
            let said = components.map(|(of, application)| {
                let package = package.as_ref().map_err(Clone::clone);
                let said = package.and_then(|(package, _)| self.properties(package, application, &of));
                (of, said)
            });
            said.collect::<Vec<_>>()
        });
        all.into_iter().flatten().collect()
    }

    fn properties(&self, package: &Package, application: &journal::Application, of: &Key) -> Result<String, String> {
        let properties = if application.workflows.contains_key(&of.component) {
            let token = Word::new(fresh_id()).map_err(|error| error.to_string())?;
            let prepared = self.prepare_workflow(package, application, (of, &token));
            prepared.map_err(|(workflows::Failed::Passing(why) | workflows::Failed::ForGood(why))| why)?.properties
        } else {
            self.prepare(package, application, of).map_err(|error| chain(&error))?.properties
        };
        Ok(properties.into_values().collect::<Vec<_>>().join("\n"))
    }
}

fn told(one: Application, tag: &str) -> Told {
    if !one.state.is_final() {
        return Told::Live;
    }
    Told::Over {
        is_ours: one.tags.iter().any(|own| own.eq_ignore_ascii_case(tag) || workflow::is_tag(own)),
        state: one.state.to_string(),
        user: one.user,
    }
}
