//! The checkpoints of jobs that are over: they go once their component stands still, or runs and has saved a state since it
//! began, and nobody needs them. What starts, waits, or is not seen keeps all of its component's.
//! Not here: savepoints, which go by the rule of their component (`decide::retention`).

use super::{FLOOR_MS, Known, Lying, Verdict, entry};
use crate::decide::dispose::{missed, users};
use crate::journal::{Application, Component, Key, Run, Wanted};
use crate::savepoints::lies_in;
use words::housekeeping::{Entry, Kind};
use words::ids::JobId;
use words::names::ApplicationName;

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let own = known.found.checkpoints.iter();
    let own = own.map(|(of, one)| entry(Kind::Checkpoints, one, Some(&of.application), may_go(known, of, one)));
    let why = "no application of the journal is named so: a later one may begin from it by its path";
    let strange = known.found.strange.iter().map(|one| entry(Kind::Checkpoints, one, None, Err(why.to_owned())));
    own.chain(strange).collect()
}

fn may_go(known: &Known<'_>, of: &Key, one: &Lying) -> Verdict {
    let Ok(job) = JobId::new(one.name()) else {
        return Err("it is not ours: it is not named by a job of Flink".to_owned());
    };
    let application = known.state.applications.get(&of.application);
    let found = application.and_then(|application| Some((application, application.components.get(&of.component)?)));
    let Some((application, component)) = found else { return Err("its component is not in the journal".to_owned()) };
    is_settled(application, component).map_err(|why| format!("{of} {why}: it keeps everything"))?;
    let runs = || component.run.iter().chain(&component.before);
    let is_its = |run: &Run| match &run.job {
        Some(own) => *own == job,
        // Of a program that names its jobs itself all count that were written to since it was intended.
        None => one.at_ms + FLOOR_MS >= run.at_ms,
    };
    if runs().any(is_its) {
        return Err(format!("it is of the last run of {of}, or of the one before"));
    }
    if component.last_that_ran().is_none() {
        return Err(format!("{of} has not run: an application that was named so before left it"));
    }
    let began = runs().filter_map(|run| run.restore.as_ref()).any(|path| lies_in(path, &one.path));
    if began {
        return Err(format!("the last run of {of}, or the one before, began from it"));
    }
    if let Some(name) = adopted(known, &one.path) {
        return Err(format!("a run that was adopted for {name} keeps its states there"));
    }
    let needed = users(known.state, of, &one.path).into_iter().chain(missed(known.state, &one.path)).next();
    if let Some(why) = needed.or_else(|| named(known, one)) {
        return Err(why);
    }
    if !known.is_older(one.at_ms, known.rules.checkpoints_ms) {
        return Err("it is not old enough".to_owned());
    }
    match known.found.next.get(of) {
        Some(Ok(Some(path))) if component.live().is_some_and(|run| run.restore.as_ref() == Some(path)) => {
            return Err(format!("{of} runs, and has saved nothing since it began"));
        }
        Some(Ok(Some(path))) if !lies_in(path, &one.path) => {}
        Some(Ok(Some(_))) => return Err(format!("{of} would begin from it")),
        Some(Ok(None)) | None => return Err(format!("no newer state of {of} is seen to be whole")),
        Some(Err(why)) => return Err(format!("the newest state of {of} is not seen: {why}")),
    }
    Ok(format!("{of} has a newer state, and nobody needs this one"))
}

/// It runs as it is known to, or nothing of it does; nothing is about to begin, to stop, or to become another version.
fn is_settled(application: &Application, component: &Component) -> Result<(), &'static str> {
    if component.attempt.is_some() || component.live().is_some_and(|run| !run.accepted) {
        return Err("is being submitted");
    }
    if component.pending().is_some() {
        return Err("is being saved");
    }
    if application.upgrading().is_some() || component.trial.is_some() {
        return Err("is being made another version");
    }
    match (&application.wanted, component.live()) {
        (Wanted::Started { .. }, Some(_)) => Ok(()),
        (Wanted::Started { .. }, None) => Err("may be started at any time"),
        (Wanted::Stopped { .. } | Wanted::Created, None) if !application.is_live() => Ok(()),
        (Wanted::Stopped { .. } | Wanted::Created, _) => Err("is not known to be over"),
        (Wanted::Deleted, _) => Err("is being forgotten"),
    }
}

/// The application of which a run that others submitted keeps its states in a folder, or around it.
fn adopted<'a>(known: &Known<'a>, folder: &str) -> Option<&'a ApplicationName> {
    let mut all = known.state.applications.iter();
    let states = |run: &'a Run| run.adopted.as_ref()?.states.as_deref();
    let lies_there = |states: &str| lies_in(states, folder) || lies_in(folder, states);
    let found = all.find(|(_, application)| {
        let runs = application.components.values().flat_map(|one| one.run.iter().chain(&one.before));
        runs.filter_map(states).any(lies_there)
    });
    found.map(|(name, _)| name)
}

/// What an application sets, its package or the site's defaults may name it: as a state to begin from, as a folder to work in, as an
/// argument. Where that is not seen, the owner of the application keeps everything.
pub(super) fn named(known: &Known<'_>, lying: &Lying) -> Option<String> {
    known.state.applications.iter().find_map(|(name, application)| {
        if application.overrides.to_string().contains(&lying.path) {
            return Some(format!("what {name} sets names it"));
        }
        let components = application.components.keys().chain(application.workflows.keys());
        let mut all = components.map(|component| Key { application: name.clone(), component: component.clone() });
        all.find_map(|of| match known.found.properties.get(&of) {
            Some(Ok(values)) if values.contains(&lying.path) => Some(format!("the properties of {of} name it")),
            Some(Ok(_)) => None,
            Some(Err(_)) | None if application.owner.as_str() != lying.owner => None,
            Some(Err(why)) => Some(format!("what the properties of {of} name is not seen: {why}")),
            None => Some(format!("what the properties of {of} name is not seen")),
        })
    })
}
