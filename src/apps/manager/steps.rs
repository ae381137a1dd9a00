//! What a change of version would do, in its order, as people read it before they order it. Pure.
//! The components of Oozie are in it as those of Flink are.
//! Not here: what stands against it (`change`), and what is done (`decide::upgrade`).

use super::change::Change;
use crate::decide::upgrade::runs;
use crate::journal::{Application, Release};
use std::collections::BTreeSet;
use words::change::Purpose;
use words::names::{ComponentName, PackageName};

/// What would happen, in its order.
pub(super) fn steps(application: &Application, change: &Change, release: &Release) -> Vec<String> {
    let runs = runs(application);
    let by_flink = || application.components.keys().any(|name| runs.contains(name));
    let packages = (&application.package, &release.package);
    let mut steps = Vec::new();
    match runs.is_empty() {
        true => steps.push(format!("{} does not run: only what the application is made of changes", packages.0)),
        false if by_flink() => steps.push(stopped(packages.0, change)),
        false => {}
    }
    steps.extend(in_oozie(application, &runs, packages.1));
    if change.purpose == Purpose::Rollback {
        steps.extend(back(application, packages));
        return steps;
    }
    if !application.components.is_empty() {
        steps.push(begun(&runs, change, packages.1));
    }
    if !runs.is_empty() && change.purpose != Purpose::Restart {
        steps.push(format!("{} is good when {}", packages.1, good(application, by_flink())));
        steps.push(format!("else it is killed, and {} begins from where it stood, as it was", packages.0));
    }
    steps
}

fn stopped(old: &PackageName, change: &Change) -> String {
    match change.save {
        true => format!("{old} is stopped with a savepoint; if it cannot be saved it goes on, and this is over"),
        false => format!("{old} is killed without a savepoint"),
    }
}

/// What becomes of what Oozie has now.
fn in_oozie(application: &Application, runs: &BTreeSet<ComponentName>, new: &PackageName) -> Vec<String> {
    let has_job = application.workflows.iter().filter(|(_, one)| one.live().is_some());
    let step = |name: &ComponentName| match runs.contains(name) {
        true => format!("{name} is killed in Oozie with what it runs, and submitted anew as {new} has it"),
        false => format!("{name} stands still in Oozie and is killed there; the next start submits it anew"),
    };
    has_job.map(|(name, _)| step(name)).collect()
}

fn begun(runs: &BTreeSet<ComponentName>, change: &Change, new: &PackageName) -> String {
    let newest = if change.save && !runs.is_empty() { "that savepoint" } else { "its newest savepoint or checkpoint" };
    match runs.is_empty() {
        true => format!("its next start begins from {newest}"),
        false => format!("when nothing of it runs any more, {new} begins from {newest}, which nobody claims"),
    }
}

fn good(application: &Application, by_flink: bool) -> String {
    let checkpoint = by_flink.then_some("a checkpoint is complete that was asked for after all its tasks ran");
    let taken = (!application.workflows.is_empty()).then_some("Oozie has taken what it is to run");
    checkpoint.into_iter().chain(taken).collect::<Vec<_>>().join(" and ")
}

fn back(application: &Application, (old, new): (&PackageName, &PackageName)) -> Vec<String> {
    let before = |component: &ComponentName| {
        let state = application.previous.as_ref().and_then(|previous| previous.states.get(component)?.as_deref());
        state.unwrap_or("nothing, for it had no state").to_owned()
    };
    let begun = application.components.keys().map(|name| format!("{name} begins from {}", before(name)));
    let again = format!("what {old} did since then is processed again by {new}, and what it has put out stays there");
    begun.chain((!application.components.is_empty()).then_some(again)).collect()
}
