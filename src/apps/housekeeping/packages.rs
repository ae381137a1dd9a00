//! Deployed packages: a version goes when newer ones of its name are there, it was deployed long ago, and no application is made of
//! it, has a run of it, or may go back to it. What goes is undeployed, which needs no folder of anybody: the depot follows.
//! Not here: what was uploaded to a node's repository, which stays there and can be deployed again.

use super::{Known, Lying, Verdict, entry};
use crate::journal::Package;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use words::housekeeping::{Entry, Kind};
use words::names::PackageName;

/// So many go by one order.
const MOST: usize = 50;

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let used = used(known);
    // What one person deploys makes nothing of another one's old.
    let mut versions: BTreeMap<_, Vec<(&PackageName, &Package)>> = BTreeMap::new();
    for (name, package) in &known.state.packages {
        versions.entry((&package.owner, name.name())).or_default().push((name, package));
    }
    let mut judged = Vec::new();
    for mut versions in versions.into_values() {
        versions.sort_by_key(|(name, _)| Reverse(name.numbers()));
        let unused = versions.into_iter().enumerate().filter(|(_, (name, _))| !used.contains(name));
        judged.extend(unused.map(|(newer, (name, package))| {
            let (path, owner) = (name.to_string(), package.owner.to_string());
            let lying = Lying { path, owner, at_ms: package.at_ms, bytes: Some(package.size) };
            entry(Kind::Package, &lying, None, may_go(known, newer, (name, package)))
        }));
    }
    judged
}

/// Those of which an application is made, has been, or is to become.
fn used<'a>(known: &Known<'a>) -> BTreeSet<&'a PackageName> {
    let mut used: BTreeSet<&PackageName> = BTreeSet::new();
    for application in known.state.applications.values() {
        used.insert(&application.package);
        used.extend(application.previous.iter().map(|previous| &previous.release.package));
        used.extend(application.upgrade.iter().flat_map(|upgrade| [&upgrade.from.package, &upgrade.to.package]));
        let runs = application.components.values().flat_map(|one| one.run.iter().chain(&one.before));
        used.extend(runs.filter_map(|run| run.package.as_ref()));
    }
    used
}

/// `newer` of its name are newer.
fn may_go(known: &Known<'_>, newer: usize, (name, package): (&PackageName, &Package)) -> Verdict {
    let most = known.rules.most_packages;
    if newer < most {
        return Err(format!("no application is made of it, and it is one of the {most} newest of {}", name.name()));
    }
    match known.is_older(package.at_ms, known.rules.packages_ms) {
        false => Err("no application is made of it, and it was deployed not long enough ago".to_owned()),
        true => Ok(format!("no application is made of it or may go back to it, and {newer} newer ones are deployed")),
    }
}

/// The packages of a plan that are undeployed by one order, each with the reason.
pub fn undeployed(plan: &[Entry]) -> Vec<(PackageName, String)> {
    let going = plan.iter().filter(|one| one.goes && one.kind == Kind::Package).take(MOST);
    going.filter_map(|one| Some((PackageName::new(&*one.path).ok()?, one.why.clone()))).collect()
}
