//! Which savepoint that nobody ordered goes, by count and age. Pure.
//! Never the newest, never one that somebody needs, never one that a person ordered or made; one at a time.
//! Not here: whether the newest one is still whole in HDFS, which is looked up before anything goes (`manager::savepoints`).

use super::dispose::{self, MOST_DISPOSALS};
use crate::journal::{Key, Outcome, Savepoint, State};
use words::ids::TriggerId;

/// A savepoint that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Its id.
    pub id: TriggerId,
    /// With what is removed.
    pub folder: String,
    /// The folder of the newest one, which must be whole.
    pub newest: String,
}

/// The oldest of a component that is beyond what stays.
pub fn beyond(state: &State, of: &Key, now_ms: u64) -> Option<Beyond> {
    let application = state.applications.get(&of.application)?;
    // What belongs to the version before is that one's until the new one is good.
    if application.upgrading().is_some() {
        return None;
    }
    let component = application.components.get(&of.component).filter(|one| one.disposals.len() < MOST_DISPOSALS)?;
    let saving = component.run.as_ref()?.saving.as_ref()?;
    let is_kept = |one: &&Savepoint| !component.is_disposed(&one.id);
    let newest = component.savepoints.iter().filter(is_kept).rfind(|one| one.path().is_some())?;
    let before = component.savepoints.iter().take_while(|one| one.id != newest.id);
    let own: Vec<&Savepoint> = before.filter(is_kept).filter(|one| one.periodic).collect();
    let completed = own.iter().filter(|one| one.path().is_some()).count() + usize::from(newest.periodic);
    let mut too_many = completed.saturating_sub(saving.keep as usize);
    for one in own {
        let is_old = saving.keep_ms.is_some_and(|keep| now_ms.saturating_sub(one.at_ms) > keep);
        let goes = match one.outcome {
            Outcome::Pending => false,
            // There is a newer one, so what failed is nobody's state.
            Outcome::Failed(_) => true,
            Outcome::Completed(_) => is_old || too_many > 0,
        };
        // One that somebody needs takes the place of another one.
        let is_missed = || dispose::missed(state, &one.folder).is_some();
        let is_free = || dispose::dispose(state, of, &one.id, &one.folder).is_ok() && !is_missed();
        if goes && is_free() {
            let (id, folder) = (one.id.clone(), one.folder.clone());
            return Some(Beyond { id, folder, newest: newest.folder.clone() });
        }
        if one.path().is_some() {
            too_many = too_many.saturating_sub(1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Application, Component, Run, Wanted};
    use crate::saving::{Saving, When};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use words::ids::{ApplicationId, JobId};
    use words::names::{ApplicationName, ComponentName, PackageName, Word};

    const DAY_MS: u64 = 86_400_000;

    fn key() -> Key {
        Key { application: ApplicationName::new("a").unwrap(), component: ComponentName::new("c").unwrap() }
    }

    fn folder(number: u64) -> String {
        format!("/s/{number}")
    }

    /// The `number`th, of that day: `p` periodic, `o` ordered, in capitals if it failed.
    fn savepoint(number: u64, kind: char) -> Savepoint {
        let outcome = match kind.is_uppercase() {
            true => Outcome::Failed("no".into()),
            false => Outcome::Completed(format!("hdfs://nn{}/savepoint", folder(number))),
        };
        Savepoint {
            id: TriggerId::new(format!("{number:032x}")).unwrap(),
            run: ApplicationId::new("application_1_1").unwrap(),
            job: JobId::new("0".repeat(32)).unwrap(),
            folder: folder(number),
            at_ms: number * DAY_MS,
            goes_on: true,
            outcome,
            periodic: kind.eq_ignore_ascii_case(&'p'),
            drain: false,
            package: None,
        }
    }

    fn state(kinds: &str, keep: u32, days: Option<u64>, restore: Option<u64>) -> State {
        let saving =
            Some(Saving { when: When::Every { interval_ms: 1 }, keep, keep_ms: days.map(|days| days * DAY_MS) });
        let restore = restore.map(|number| format!("{}/savepoint", folder(number)));
        let run = Run { saving, restore, ..Run::of(ApplicationId::new("application_1_1").unwrap(), 1, 0) };
        let savepoints = (0..).zip(kinds.chars()).map(|(number, kind)| savepoint(number, kind)).collect();
        let component = Component { run: Some(run), savepoints, ..Component::default() };
        let application = Application {
            package: PackageName::new("p-1.0.0").unwrap(),
            owner: Word::new("alice").unwrap(),
            overrides: serde_json::json!({}),
            wanted: Wanted::Created,
            information: None,
            previous: None,
            workflows: BTreeMap::new(),
            upgrade: None,
            components: BTreeMap::from([(key().component, component)]),
        };
        State { applications: BTreeMap::from([(key().application, Arc::new(application))]), ..State::default() }
    }

    fn goes(state: &State, day: u64) -> Option<String> {
        beyond(state, &key(), day * DAY_MS).map(|beyond| beyond.folder)
    }

    #[test]
    fn the_oldest_goes_that_is_one_too_many_and_what_people_ordered_never() {
        for (kinds, gone) in [
            ("", None),
            ("pp", None),
            ("ppp", Some(0)),
            ("oppp", Some(1)),
            ("opop", None),
            ("ppo", None),
            ("pppo", Some(0)),
            ("ooooo", None),
            // What failed is nobody's state once there is a newer one.
            ("pP", None),
            ("Pp", Some(0)),
            ("PPP", None),
            ("OOp", None),
        ] {
            assert_eq!(goes(&state(kinds, 2, None, None), 3), gone.map(folder), "{kinds}");
        }
    }

    #[test]
    fn what_is_old_goes_but_never_the_newest() {
        assert_eq!(goes(&state("pp", 9, Some(3), None), 3), None);
        assert_eq!(goes(&state("pp", 9, Some(3), None), 4), Some(folder(0)));
        assert_eq!(goes(&state("p", 9, Some(3), None), 400), None);
        assert_eq!(goes(&state("po", 9, Some(3), None), 400), Some(folder(0)));
        let newest = beyond(&state("ppo", 1, None, None), &key(), 0).unwrap();
        assert_eq!((newest.folder, newest.newest), (folder(0), folder(2)));
    }

    #[test]
    fn nothing_goes_while_an_upgrade_is_under_way_or_nothing_can_be_removed() {
        use crate::journal::{Disposal, Release, Upgrade};
        use words::change::{Purpose, Step};
        let release = Release { package: PackageName::new("p-0.9.0").unwrap(), overrides: serde_json::json!({}) };
        let mut under_way = state("ppp", 1, None, None);
        let application = Arc::make_mut(under_way.applications.get_mut(&key().application).unwrap());
        application.upgrade = Some(Upgrade {
            order: 1,
            purpose: Purpose::Upgrade,
            from_sha256: None,
            from: release.clone(),
            to: release,
            starts: true,
            runs: Default::default(),
            step: Step::Trying,
            states: BTreeMap::new(),
            why: None,
        });
        assert_eq!(goes(&under_way, 3), None);
        let mut full = state("ppp", 1, None, None);
        let application = Arc::make_mut(full.applications.get_mut(&key().application).unwrap());
        let component = application.components.get_mut(&key().component).unwrap();
        let going = |number: usize| Disposal {
            id: TriggerId::new(format!("f{number:031x}")).unwrap(),
            folder: format!("/x/{number}"),
            at_ms: 0,
        };
        component.disposals = (0..MOST_DISPOSALS).map(going).collect();
        assert_eq!(goes(&full, 3), None);
    }

    #[test]
    fn one_that_somebody_needs_stays_and_takes_no_other_one_s_place() {
        // Its own run began from the first one.
        let needed = state("pppp", 2, None, Some(0));
        assert_eq!(goes(&needed, 3), Some(folder(1)));
        assert_eq!(goes(&state("ppp", 2, None, Some(0)), 3), None);
        let mut going = state("pppp", 2, None, None);
        let application = Arc::make_mut(going.applications.get_mut(&key().application).unwrap());
        let component = application.components.get_mut(&key().component).unwrap();
        let disposal = crate::journal::Disposal { id: component.savepoints[0].id.clone(), folder: folder(0), at_ms: 0 };
        component.disposals.push(disposal);
        assert_eq!(goes(&going, 3), Some(folder(1)), "the first one is going already");
    }
}
