//! Whether a savepoint may be removed: who needs it, as the journal has it. Pure.
//! Flink takes a state that it begins from without claiming it: until the first checkpoint of its own a run goes back to it, so a
//! state is needed for as long as a run lives that began from it.
//! Not here: which state is the newest one that is whole, which HDFS tells (`restore`).

use crate::journal::{Application, Component, Fork, Key, Origin, Outcome, State, States, Wanted};
use crate::orders::Refusal;
use crate::savepoints::lies_in;
use std::sync::Arc;
use words::ids::TriggerId;
use words::names::{ApplicationName, ComponentName};

/// So many removals of a component may be under way: what cannot be removed must not fill the journal.
pub const MOST_DISPOSALS: usize = 50;

/// Who needs what lies in a folder, a sentence each.
pub fn users(state: &State, of: &Key, folder: &str) -> Vec<String> {
    let mut users = Vec::new();
    for (name, application) in &state.applications {
        for (component, known) in &application.components {
            let key = Key { application: name.clone(), component: component.clone() };
            users.extend(need(application, known, &key, (of, folder)));
        }
    }
    users
}

fn need(application: &Application, component: &Component, key: &Key, (of, folder): (&Key, &str)) -> Option<String> {
    let is_there = |path: &Option<String>| path.as_ref().is_some_and(|path| lies_in(path, folder));
    if component.live().is_some_and(|run| is_there(&run.restore)) {
        return Some(format!("{key} runs, and began from it"));
    }
    if let Some(upgrade) = application.upgrading().filter(|upgrade| stood(&upgrade.states, key, folder)) {
        return Some(format!("the {} of {} is under way, and may go back to it", upgrade.purpose, key.application));
    }
    if let Wanted::Started { order, origin } = &application.wanted
        && let Origin::Path(path) = component.origin(*order, origin)
        && lies_in(path, folder)
    {
        return Some(format!("a start of {key} from it was ordered"));
    }
    if let Some(Origin::Path(path)) = &component.begins
        && lies_in(path, folder)
    {
        return Some(format!("the next start of {key} begins from it"));
    }
    let last = component.last_that_ran();
    if last.is_none() && is_there(&component.forked) {
        return Some(format!("{key} is to begin from it, and has not run yet"));
    }
    // Whether another one has a checkpoint of its own by now nobody asks: its next savepoint says so.
    let began = last.filter(|run| key != of && is_there(&run.restore))?;
    let is_newer = |one: &&crate::journal::Savepoint| one.run == began.id && one.path().is_some();
    match component.savepoints.iter().any(|one| is_newer(&one)) {
        true => None,
        false => Some(format!("{key} began from it, and has no savepoint of its own since")),
    }
}

/// Whether a component stood there when its version ended.
fn stood(states: &States, of: &Key, folder: &str) -> bool {
    states.get(&of.component).and_then(Option::as_ref).is_some_and(|path| lies_in(path, folder))
}

/// Who would miss what lies in a folder, although nobody needs it now: a version that somebody may want back.
pub fn missed(state: &State, folder: &str) -> Option<String> {
    let stood = |(name, application): (&ApplicationName, &Arc<Application>)| {
        let previous = application.previous.as_ref()?;
        let key = |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
        let is_it = application.components.keys().any(|component| stood(&previous.states, &key(component), folder));
        is_it.then(|| format!("a rollback of {name} to {} would begin from it", previous.release.package))
    };
    state.applications.iter().find_map(stood)
}

/// Whether a state is being removed: nothing begins from it any more.
pub fn is_going(state: &State, path: &str) -> bool {
    let components = state.applications.values().flat_map(|application| application.components.values());
    let mut cleaned = state.cleanings.values().flat_map(|cleaning| &cleaning.entries);
    cleaned.any(|one| lies_in(path, &one.path))
        || components.flat_map(|component| &component.disposals).any(|disposal| lies_in(path, &disposal.folder))
}

/// An order to remove a savepoint of a component with its folder.
pub fn dispose(state: &State, of: &Key, id: &TriggerId, folder: &str) -> Result<(), Refusal> {
    let component = state.applications.get(&of.application).and_then(|one| one.components.get(&of.component));
    let component = component.ok_or_else(|| Refusal::NotFound(format!("component {of}")))?;
    let conflict = |why: String| Err(Refusal::Conflict(format!("savepoint {id} of {of} stays: {why}")));
    if component.is_disposed(id) {
        return conflict("it is being removed already".to_owned());
    }
    if component.disposals.len() >= MOST_DISPOSALS {
        return conflict(format!("{MOST_DISPOSALS} others are being removed: wait for one"));
    }
    let known = component.savepoints.iter().find(|savepoint| savepoint.id == *id);
    if let Some(savepoint) = known {
        if savepoint.outcome == Outcome::Pending {
            return conflict("it is being taken".to_owned());
        }
        if !savepoint.goes_on && component.live().is_some_and(|run| run.id == savepoint.run) {
            return conflict("its run is stopping with it".to_owned());
        }
    }
    match users(state, of, folder).as_slice() {
        [] => Ok(()),
        users => conflict(users.join("; ")),
    }
}

/// What a new application would begin from must stay until then.
pub fn fork(state: &State, fork: &Fork) -> Result<(), Refusal> {
    match fork.states.values().find(|path| is_going(state, path)) {
        Some(path) => Err(Refusal::Conflict(format!("the state {path} of {} is being removed: ask again", fork.of))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Previous, Release, Run, Upgrade};
    use std::collections::BTreeMap;
    use words::change::{Purpose, Step};
    use words::ids::ApplicationId;
    use words::names::{PackageName, Word};

    const FOLDER: &str = "/s/alice/a/c/1";

    fn key(application: &str) -> Key {
        let component = ComponentName::new("c").unwrap();
        Key { application: ApplicationName::new(application).unwrap(), component }
    }

    fn path() -> String {
        format!("hdfs://nn:8020{FOLDER}/savepoint-1")
    }

    /// What a second application, `b`, has of the savepoint of the first one.
    fn with(change: impl FnOnce(&mut Application)) -> State {
        let made = |name: &str| Application {
            package: PackageName::new("p-1.0.0").unwrap(),
            owner: Word::new("alice").unwrap(),
            overrides: serde_json::json!({}),
            wanted: Wanted::Created,
            information: None,
            components: BTreeMap::from([(key(name).component, Component::default())]),
            upgrade: None,
            previous: None,
            workflows: BTreeMap::new(),
        };
        let mut other = made("b");
        change(&mut other);
        let all = [("a", made("a")), ("b", other)];
        let all = all.into_iter().map(|(name, one)| (key(name).application, Arc::new(one)));
        State { applications: all.collect(), ..State::default() }
    }

    fn component(application: &mut Application) -> &mut Component {
        application.components.values_mut().next().unwrap()
    }

    fn run(restore: Option<String>) -> Run {
        Run { restore, accepted: true, ..Run::of(ApplicationId::new("application_1_1").unwrap(), 7, 0) }
    }

    fn stays(state: &State) -> Option<String> {
        users(state, &key("a"), FOLDER).pop()
    }

    #[test]
    fn who_begins_or_began_from_it_keeps_it() {
        assert_eq!(stays(&with(|_| {})), None);
        let from = Wanted::Started { order: 7, origin: Origin::Path(format!("{FOLDER}/savepoint-1/")) };
        assert!(stays(&with(|one| one.wanted = from.clone())).unwrap().contains("a start of b/c from it was ordered"));
        let runs = with(|one| component(one).run = Some(run(Some(path()))));
        assert!(stays(&runs).unwrap().contains("b/c runs, and began from it"));
        let forked = with(|one| component(one).forked = Some(path()));
        assert!(stays(&forked).unwrap().contains("b/c is to begin from it"));
        // Its run ran from elsewhere, or what was ordered has run.
        let ran = |one: &mut Application| {
            one.wanted = from.clone();
            (component(one).forked, component(one).run) = (Some(path()), Some(run(None)));
        };
        assert_eq!(stays(&with(ran)), None);
    }

    #[test]
    fn a_version_that_somebody_may_want_back_keeps_it() {
        let release = Release { package: PackageName::new("p-0.9.0").unwrap(), overrides: serde_json::json!({}) };
        let states = BTreeMap::from([(key("b").component, Some(path()))]);
        let upgrade = Upgrade {
            order: 7,
            purpose: Purpose::Upgrade,
            from_sha256: None,
            from: release.clone(),
            to: release.clone(),
            runs: Default::default(),
            starts: true,
            step: Step::Trying,
            states: states.clone(),
            why: None,
        };
        let under_way = with(|one| one.upgrade = Some(upgrade.clone()));
        assert!(stays(&under_way).unwrap().contains("upgrade of b is under way"), "{:?}", stays(&under_way));
        let over = with(|one| one.upgrade = Some(Upgrade { step: Step::Good, ..upgrade }));
        assert_eq!((stays(&over), missed(&over, FOLDER)), (None, None));
        let before = with(|one| one.previous = Some(Previous { release, states, sha256: None }));
        assert_eq!(stays(&before), None);
        assert!(missed(&before, FOLDER).unwrap().contains("a rollback of b to p-0.9.0"));
    }
}
