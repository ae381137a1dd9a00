//! Orders that change a version: upgrade, rescale, restart, and the way back; and what each would do.
//! The same preparation as that of a start, over the state as it would be; what stands against the new version is told before
//! anything of the old one stops.
//! Not here: what follows from such an order (`journal::upgrading`, `upgrades`).

use super::Manager;
use super::answers::{LONGEST_OVERRIDES, of_depot};
use super::difference::{Version, difference};
use super::explain::refusals;
use super::rescale::{self, Rescalings};
use super::steps::steps;
use crate::decide::upgrade::runs;
use crate::journal::{Application, Fact, Key, Origin, Release, State, UpgradeFact, Wanted};
use crate::orders::{self, Caller, Refusal};
use crate::package::overrides::Overrides;
use crate::package::{Kind, Package};
use crate::preflight::answers::Answers;
use crate::share;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use words::application::Finding;
use words::chain::chain;
use words::change::{Difference, Plan, Presence, Purpose, Step};
use words::digest::Sha256;
use words::flink;
use words::names::{ApplicationName, ComponentName, PackageName};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Change {
    /// What for.
    pub purpose: Purpose,
    /// Another package.
    pub package: Option<PackageName>,
    /// All that is to be set otherwise than there; none leaves what is set now.
    pub overrides: Option<Value>,
    /// What is to be set besides, by type and component.
    pub set: Option<Value>,
    /// Another parallelism: of one component, or of all.
    pub parallelism: Option<(Option<ComponentName>, u32)>,
    /// Whether what runs is saved first; else it is killed, and its newest state counts.
    pub save: bool,
    /// Whether what runs begins anew even where Flink could give it another parallelism as it runs.
    pub restarts: bool,
    /// Whether a release of Flink may be given the state of one from which it need not be able to read it.
    pub any_flink: bool,
}

impl Change {
    /// One that changes nothing.
    pub fn to(purpose: Purpose) -> Change {
        let (package, overrides, set, parallelism) = Default::default();
        let (save, restarts, any_flink) = (purpose != Purpose::Rollback, false, false);
        Change { purpose, package, overrides, set, parallelism, save, restarts, any_flink }
    }
}

/// What an application is to become, with its package and the one of now.
struct Target {
    release: Release,
    package: Package,
    before: Package,
}

/// A version that was looked at.
struct Looked {
    plan: Plan,
    release: Release,
    digest: Sha256,
    answers: Answers,
    /// What the application was made of when that was looked at.
    from: Release,
    /// What changes as it runs, where that is all.
    rescalings: Option<Rescalings>,
}

impl Manager {
    /// What a change would do.
    pub fn plan(&self, name: &ApplicationName, change: &Change, by: &Caller) -> Result<Plan, Refusal> {
        Ok(self.consider(name, change, by)?.plan)
    }

    /// What a change would make otherwise, whatever stands against it.
    pub fn difference(&self, name: &ApplicationName, change: &Change, by: &Caller) -> Result<Difference, Refusal> {
        let state = self.state()?;
        let application = orders::own(&state, name, by)?;
        let Target { release, package, before } = self.target(&state, name, application, change)?;
        let would_be = would_be(&state, name, application, change, &release);
        Ok(difference(&self.version(&state, name, &before), &self.version(&would_be, name, &package)))
    }

    /// Orders a change, unless something stands against it; gives what is worth knowing.
    pub fn change(&self, name: &ApplicationName, change: &Change, by: &Caller) -> Result<Vec<Finding>, Refusal> {
        if change.purpose == Purpose::Rollback && self.turn_back(name, by)? {
            return Ok(Vec::new());
        }
        orders::change(name, orders::own(&*self.state()?, name, by)?, change.purpose)?;
        let Looked { plan, release, digest, answers, from, rescalings } = self.consider(name, change, by)?;
        if let Some(why) = refusals(plan.findings.clone()) {
            return Err(Refusal::Invalid(format!("nothing was changed:\n{why}")));
        }
        if let Some(rescalings) = &rescalings {
            self.order_rescaling(name, (&from, &release.overrides, rescalings), by)?;
            return Ok(plan.findings);
        }
        self.keep_answers(name, answers);
        self.order_looked_at(name, (change.purpose, release, change.save), Some((digest, from)), by)?;
        Ok(plan.findings)
    }

    /// Orders it, whatever stands against the new version.
    #[cfg(test)]
    pub(super) fn order_change(
        &self,
        name: &ApplicationName,
        wanted: (Purpose, Release, bool),
        by: &Caller,
    ) -> Result<(), Refusal> {
        self.order_looked_at(name, wanted, None, by)
    }

    /// Orders what was looked at: deployed again meanwhile, the package may be another one.
    fn order_looked_at(
        &self,
        name: &ApplicationName,
        (purpose, release, save): (Purpose, Release, bool),
        looked_at: Option<(Sha256, Release)>,
        by: &Caller,
    ) -> Result<(), Refusal> {
        self.order(name, by, |state, application| {
            orders::change(name, application, purpose)?;
            share::another_start(state, &application.owner, self.share)?;
            if let Some((_, from)) = &looked_at {
                is_still(name, application, from)?;
            }
            let digest = looked_at.as_ref().map(|(digest, _)| *digest);
            let deployed = state.packages.get(&release.package).map(|one| one.sha256);
            if deployed.is_none_or(|deployed| digest.is_some_and(|looked_at| looked_at != deployed)) {
                return Err(Refusal::NotFound(format!("package {} that is deployed", release.package)));
            }
            self.another_order(&by.name)?;
            let Release { package, overrides } = release.clone();
            let runs = runs(application);
            let step = UpgradeFact::Ordered { purpose, package, overrides, save, runs };
            Ok(Fact::Upgrade { application: name.clone(), step })
        })
    }

    /// The way back of an upgrade that is under way begins at once. Gives whether there is one.
    fn turn_back(&self, name: &ApplicationName, by: &Caller) -> Result<bool, Refusal> {
        // What is being killed cannot go on; what is being saved can.
        let is_tried = |application: &Application| match application.upgrading().map(|one| (one.step, one.starts)) {
            Some((Step::Trying, _)) => true,
            Some((Step::Stopping, true)) => matches!(application.wanted, Wanted::Stopped { save: true, .. }),
            _ => false,
        };
        if !is_tried(orders::own(&*self.state()?, name, by)?) {
            return Ok(false);
        }
        self.take(&by.name, |state| match is_tried(orders::own(state, name, by)?) {
            true => {
                let step = UpgradeFact::Failed { why: format!("{} ordered the way back", by.name) };
                Ok((vec![Fact::Upgrade { application: name.clone(), step }], ()))
            }
            false => Err(Refusal::Conflict(format!("the upgrade of {name} is over: ask again"))),
        })?;
        self.urge(name);
        Ok(true)
    }

    fn consider(&self, name: &ApplicationName, change: &Change, by: &Caller) -> Result<Looked, Refusal> {
        let state = self.state()?;
        let application = orders::own(&state, name, by)?;
        let Target { release, package, before } = self.target(&state, name, application, change)?;
        let would_be = would_be(&state, name, application, change, &release);
        let old = self.version(&state, name, &before);
        let new = self.version(&would_be, name, &package);
        let difference = difference(&old, &new);
        let answers = Answers::default();
        let missing = || Refusal::NotFound(format!("package {} that is deployed", release.package));
        let deployed = state.packages.get(&release.package).ok_or_else(missing)?;
        let digest = deployed.sha256;
        let mut dry = self.look(&would_be, name, &Origin::Newest, &answers)?;
        // Its code will run as whoever the application belongs to.
        if deployed.owner != application.owner && application.package != release.package {
            let what = format!("it was deployed by {}", deployed.owner);
            dry.findings.push(Finding::warning(release.package.as_str(), what, ""));
        }
        dry.findings.splice(0..0, against(name, application, change));
        dry.findings.extend(components_that_differ(&difference));
        dry.findings.extend(is_another(name, application, change, digest));
        if !change.any_flink && change.purpose != Purpose::Rollback {
            dry.findings.extend(other_flink(&old, &new));
        }
        let is_same = application.package == release.package && application.overrides == release.overrides;
        if is_same && matches!(change.purpose, Purpose::Upgrade | Purpose::Rescale) {
            let (what, remedy) = (
                format!("it is {} already, and nothing is set otherwise", release.package),
                "`pnda app restart` begins the same anew",
            );
            dry.findings.push(Finding::refusal(name.as_str(), what, remedy));
        }
        dry.findings.sort_by_key(|finding| finding.weight);
        let rescalings = self.rescalings((application, change), &old, &dry.components);
        let steps = rescalings.as_ref().map_or_else(|| steps(application, change, &release), rescale::steps);
        let from = Release { package: application.package.clone(), overrides: application.overrides.clone() };
        let (application, purpose) = (name.clone(), change.purpose);
        let plan = Plan { application, purpose, difference, steps, findings: dry.findings, components: dry.components };
        Ok(Looked { plan, release, digest, answers, from, rescalings })
    }

    /// What it is to become, with both packages.
    fn target(
        &self,
        state: &State,
        name: &ApplicationName,
        application: &Application,
        change: &Change,
    ) -> Result<Target, Refusal> {
        let mut release = wanted(name, application, change)?;
        let missing =
            || Refusal::NotFound(format!("package {} that is deployed; `pnda app deploy FILE`", release.package));
        state.packages.get(&release.package).ok_or_else(missing)?;
        let (package, _) = self.package(state, &release.package).map_err(|error| of_depot(&error))?;
        let overrides = Overrides::parse(&release.overrides).map_err(|error| Refusal::Invalid(chain(&error)))?;
        let overrides = overrides.fitted(&package);
        overrides.check(&package).map_err(|error| Refusal::Invalid(chain(&error)))?;
        release.overrides = overrides.to_json();
        let (before, _) = self.package(state, &application.package).map_err(|error| of_depot(&error))?;
        Ok(Target { release, package, before })
    }

    /// The components of an application in a state, as far as they can be prepared.
    fn version<'a>(&self, state: &State, name: &ApplicationName, package: &'a Package) -> Version<'a> {
        let mut version = Version { package, prepared: Default::default(), workflows: Default::default() };
        for component in &package.components {
            let (of, name) = (Key { application: name.clone(), component: component.name.clone() }, &component.name);
            match component.kind {
                Kind::Flink => {
                    let prepared = self.prepared(state, &of).ok();
                    version.prepared.extend(prepared.map(|(_, prepared)| (name.clone(), prepared)));
                }
                Kind::Oozie => {
                    let properties = self.properties_for_oozie(state, package, &of);
                    version.workflows.extend(properties.map(|properties| (name.clone(), properties)));
                }
                _ => {}
            }
        }
        version
    }
}

/// What somebody else has ordered meanwhile is not undone by what was decided without it.
pub(super) fn is_still(name: &ApplicationName, application: &Application, looked_at: &Release) -> Result<(), Refusal> {
    match application.package == looked_at.package && application.overrides == looked_at.overrides {
        true => Ok(()),
        false => Err(Refusal::Conflict(format!("{name} has become another one meanwhile: ask again"))),
    }
}

/// What the application is to be made of.
fn wanted(name: &ApplicationName, application: &Application, change: &Change) -> Result<Release, Refusal> {
    let now = Release { package: application.package.clone(), overrides: application.overrides.clone() };
    match change.purpose {
        Purpose::Restart => return Ok(now),
        Purpose::Rollback => {
            let none = || Refusal::Conflict(format!("no version of {name} before {} is known", application.package));
            return Ok(application.previous.as_ref().ok_or_else(none)?.release.clone());
        }
        Purpose::Upgrade | Purpose::Rescale => {}
    }
    let package = change.package.clone().unwrap_or(now.package);
    let mut body = change.overrides.clone().unwrap_or(now.overrides);
    let invalid = |why: &str| Refusal::Invalid(why.to_owned());
    let members = body.as_object_mut().ok_or_else(|| invalid("`overrides` is no object"))?;
    members.insert("package".to_owned(), json!(package));
    if let Some(set) = &change.set {
        let set = set.as_object().filter(|set| !set.contains_key("package"));
        merge(members, set.ok_or_else(|| invalid("`set` is no object of types and components"))?, 2);
    }
    if let Some((component, parallelism)) = &change.parallelism {
        let all = application.components.keys().filter(|name| component.as_ref().is_none_or(|one| one == *name));
        let set = all.map(|name| (name.to_string(), json!({ "flink_parallelism": parallelism.to_string() })));
        let set: Map<String, Value> = set.collect();
        if set.is_empty() {
            return Err(Refusal::NotFound(format!("component of that name in {name}")));
        }
        merge(members, &Map::from_iter([("flink".to_owned(), Value::Object(set))]), 2);
    }
    let overrides = Overrides::parse(&body).map_err(|error| Refusal::Invalid(chain(&error)))?.to_json();
    let length = overrides.to_string().len();
    if length > LONGEST_OVERRIDES {
        return Err(Refusal::Invalid(format!(
            "{name} would set {length} bytes otherwise than its package, and {LONGEST_OVERRIDES} are the most: put them into a package"
        )));
    }
    Ok(Release { package, overrides })
}

/// Puts members into an object, and so many levels below it.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>, levels: usize) {
    for (name, value) in from {
        match (into.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(inner), Some(value)) if levels > 0 => merge(inner, value, levels - 1),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// The state with the application as it would be.
fn would_be(
    state: &State,
    name: &ApplicationName,
    application: &Application,
    change: &Change,
    release: &Release,
) -> State {
    let mut changed = application.clone();
    (changed.package, changed.overrides) = (release.package.clone(), release.overrides.clone());
    if let Some(previous) = application.previous.as_ref().filter(|_| change.purpose == Purpose::Rollback) {
        for (name, component) in &mut changed.components {
            let state = previous.states.get(name).cloned().flatten();
            component.begins = Some(state.map_or(Origin::Empty, Origin::Path));
        }
    }
    let mut all = state.clone();
    all.applications.insert(name.clone(), Arc::new(changed));
    all
}

/// That it is not the moment for it.
fn against(name: &ApplicationName, application: &Application, change: &Change) -> Option<Finding> {
    let refusal = orders::change(name, application, change.purpose).err()?;
    Some(Finding::refusal(name.as_str(), refusal.to_string(), ""))
}

/// The version before is gone where its package was deployed anew with something else in it.
fn is_another(name: &ApplicationName, application: &Application, change: &Change, deployed: Sha256) -> Option<Finding> {
    let previous = application.previous.as_ref().filter(|_| change.purpose == Purpose::Rollback)?;
    previous.sha256.filter(|sha256| *sha256 != deployed)?;
    let what = format!("{} was deployed anew, and is not what {name} was made of", previous.release.package);
    let remedy = "`pnda app upgrade` tries it as another version, and goes back by itself where it is not good";
    Some(Finding::refusal(previous.release.package.as_str(), what, remedy))
}

/// State belongs to components: an application keeps those that it was made with.
fn components_that_differ(difference: &Difference) -> Vec<Finding> {
    let differs = difference.components.iter().filter(|one| one.presence != Presence::Kept);
    let remedy = "keep the components, or make another application of the package";
    let finding = |one: &words::change::ComponentDifference| {
        let what = match one.presence {
            Presence::Added => format!("{} has it, and {} has not", difference.to, difference.from),
            Presence::Kept | Presence::Removed => format!("{} does not have it any more", difference.to),
        };
        Finding::refusal(one.component.as_str(), what, remedy)
    };
    differs.map(finding).collect()
}

/// Flink promises that a later release of the same major version reads a state, and nothing else.
fn other_flink(old: &Version<'_>, new: &Version<'_>) -> Vec<Finding> {
    let is_promised = |old: flink::Version, new: flink::Version| old.line().0 == new.line().0 && old <= new;
    let both = new.prepared.iter().filter_map(|(name, new)| Some((name, old.prepared.get(name)?.flink, new.flink)));
    let others = both.filter(|(_, old, new)| !is_promised(*old, *new));
    let remedy = "try it with a copy of the application first; --allow-state-of-other-flink lets this one try";
    let finding = |(name, old, new): (&ComponentName, flink::Version, flink::Version)| {
        let what = format!("Flink does not promise that {new} reads the state of {old}");
        Finding::refusal(name.as_str(), what, remedy)
    };
    others.map(finding).collect()
}
