//! What else lies there: releases of Flink that others took the place of, what was left of files that were being written; and
//! savepoints, which are only told.
//! Not here: bringing a release to HDFS, which the installer does.

use super::places::{is_beside, is_release};
use super::{FLOOR_MS, Known, Lying, Verdict, entry};
use crate::decide::retention::beyond;
use crate::journal::Key;
use words::housekeeping::{Entry, Kind};

/// Whoever still writes a file beside has done so long before.
const ABANDONED_MS: u64 = 24 * FLOOR_MS;

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let of = |kind, list: &[Lying], may_go: fn(&Known<'_>, &Lying) -> Verdict| -> Vec<Entry> {
        list.iter().map(|one| entry(kind, one, None, may_go(known, one))).collect()
    };
    let mut all = of(Kind::Distribution, &known.found.distributions, release);
    all.extend(of(Kind::Leftover, &known.found.own, leftover));
    all.extend(savepoints(known));
    all
}

/// Which application was submitted with which release nobody tells; so every one counts that was, before a release of the
/// configuration came to lie beside it.
fn release(known: &Known<'_>, one: &Lying) -> Verdict {
    let found = known.found;
    if found.configured.contains(&one.path) {
        return Err("this node is configured with it".to_owned());
    }
    if !is_release(one.name()) {
        return Err("it is not ours: it is not named by a version and what is in it".to_owned());
    }
    let configured = found.distributions.iter().filter(|other| found.configured.contains(&other.path));
    let Some(since_ms) = configured.map(|other| other.at_ms).max() else {
        return Err("no release that this node is configured with lies in HDFS".to_owned());
    };
    if one.at_ms >= since_ms {
        return Err("it is newer than what this node is configured with: another node may use it".to_owned());
    }
    if !known.is_older(since_ms, known.rules.distributions_ms) {
        return Err("another release took its place not long enough ago".to_owned());
    }
    if let Some(of) = known.submitted_by(since_ms + FLOOR_MS) {
        return Err(format!("{of} was submitted before another release took its place"));
    }
    let Some(live) = &found.live else { return Err("what goes on in YARN is not seen".to_owned()) };
    match live.iter().find(|(_, at_ms)| at_ms.is_none_or(|at_ms| at_ms <= since_ms + FLOOR_MS)) {
        Some((id, _)) => Err(format!("{id} goes on, and was submitted before another release took its place")),
        None => Ok("another release took its place, and nothing goes on that was submitted before".to_owned()),
    }
}

fn leftover(known: &Known<'_>, one: &Lying) -> Verdict {
    if !is_beside(one.name()) {
        return Err("it is not ours: it is not named as the manager names a file that it writes".to_owned());
    }
    match known.is_older(one.at_ms, ABANDONED_MS) {
        true => Ok("whoever wrote it did not come to its end".to_owned()),
        false => Err("somebody may be writing it: it is not a day old".to_owned()),
    }
}

/// One of each component that is beyond what its package wants.
fn savepoints(known: &Known<'_>) -> Vec<Entry> {
    let mut all = Vec::new();
    for (name, application) in &known.state.applications {
        for (component, one) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let Some(beyond) = beyond(known.state, &of, known.now_ms) else { continue };
            let at_ms = one.savepoints.iter().find(|one| one.id == beyond.id).map_or(0, |one| one.at_ms);
            let lying = Lying { path: beyond.folder, owner: application.owner.to_string(), at_ms, bytes: None };
            let why = format!("more than {of} keeps: the manager removes it by itself while a newer one is whole");
            all.push(entry(Kind::Savepoint, &lying, Some(name), Err(why)));
        }
    }
    all
}
