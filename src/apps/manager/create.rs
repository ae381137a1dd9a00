//! Making an application of a package: its components are looked at as they would be run, before anything is written.
//! Nothing runs then; what it may be made of is held against the very state that it is added to.
//! Not here: a start, and what follows from it.

use super::Manager;
use super::answers::{LONGEST_OVERRIDES, of_depot};
use crate::decide::dispose;
use crate::journal::{Application, Component, Fact, Fork, Key, Wanted, Workflow};
use crate::orders::{self, Caller, Refusal};
use crate::package::overrides::Overrides;
use crate::package::{Kind, Package};
use crate::share;
use serde_json::Value;
use words::chain::chain;
use words::digest::Sha256;
use words::names::{ApplicationName, ComponentName};

/// An application that is not made yet.
pub(super) struct Creation {
    pub(super) would_be: Application,
    digest: Sha256,
    forked: Option<Fork>,
    pub(super) notes: Vec<String>,
}

fn would_be(
    by: &Caller,
    overrides: &Overrides,
    (components, workflows): (Vec<ComponentName>, Vec<ComponentName>),
    forked: Option<&Fork>,
) -> Application {
    let begun = |name: ComponentName| {
        let forked = forked.and_then(|fork| fork.states.get(&name).cloned());
        (name, Component { forked, ..Component::default() })
    };
    Application {
        package: overrides.package.clone(),
        owner: by.name.clone(),
        overrides: overrides.to_json(),
        wanted: Wanted::Created,
        information: None,
        components: components.into_iter().map(begun).collect(),
        workflows: workflows.into_iter().map(|name| (name, Workflow::default())).collect(),
        upgrade: None,
        previous: None,
    }
}

impl Manager {
    /// Makes an application of a package. Its components are looked at as they would be run; gives what is worth knowing.
    pub fn create(&self, name: &ApplicationName, body: &Value, by: &Caller) -> Result<Vec<String>, Refusal> {
        self.create_from(name, body, None, by)
    }

    /// The same, and its first start begins from the state of another application as it is now.
    pub fn create_from(
        &self,
        name: &ApplicationName,
        body: &Value,
        state_of: Option<&ApplicationName>,
        by: &Caller,
    ) -> Result<Vec<String>, Refusal> {
        let Creation { would_be, digest, forked, notes } = self.creation(name, body, state_of, by)?;
        let (package, components) = (would_be.package, would_be.components.into_keys().collect::<Vec<_>>());
        let workflows: Vec<_> = would_be.workflows.into_keys().collect();
        let created = Fact::ApplicationCreated {
            application: name.clone(),
            package: package.clone(),
            owner: by.name.clone(),
            overrides: would_be.overrides,
            components: components.clone(),
            workflows: workflows.clone(),
            forked: forked.clone(),
        };
        self.take(&by.name, |state| {
            orders::free(state, name)?;
            share::another_application(state, &by.name, self.share)?;
            orders::apart(state, name, components.iter().chain(&workflows))?;
            forked.as_ref().map_or(Ok(()), |fork| dispose::fork(state, fork))?;
            // Undeployed and deployed again meanwhile, it may be another one.
            match state.packages.get(&package).is_some_and(|now| now.sha256 == digest) {
                true => self.another_order(&by.name).map(|()| (vec![created.clone()], notes.clone())),
                false => Err(Refusal::NotFound(format!("package {package} that is deployed"))),
            }
        })
    }

    /// What would be made, looked at as it would be run; nothing is.
    pub(super) fn creation(
        &self,
        name: &ApplicationName,
        body: &Value,
        state_of: Option<&ApplicationName>,
        by: &Caller,
    ) -> Result<Creation, Refusal> {
        self.may_own(by)?;
        let invalid = |error: &dyn std::error::Error| Refusal::Invalid(chain(error));
        let overrides = Overrides::parse(body).map_err(|error| invalid(&error))?;
        // They stay in the journal for ever, whatever becomes of the application.
        let length = overrides.to_json().to_string().len();
        if length > LONGEST_OVERRIDES {
            return Err(Refusal::Invalid(format!(
                "{name} would set {length} bytes otherwise than its package, and {LONGEST_OVERRIDES} are the most: put them into a package"
            )));
        }
        let package = overrides.package.clone();
        let state = self.state()?;
        orders::free(&state, name)?;
        share::another_application(&state, &by.name, self.share)?;
        let missing = || Refusal::NotFound(format!("package {package} that is deployed; `pnda app deploy FILE`"));
        let deployed = state.packages.get(&package).ok_or_else(missing)?;
        let (read, _) = self.package(&state, &package).map_err(|error| of_depot(&error))?;
        let overrides = overrides.fitted(&read);
        overrides.check(&read).map_err(|error| invalid(&error))?;
        let of = |kind: &Kind| {
            let of_kind = read.components.iter().filter(|component| component.kind == *kind);
            of_kind.map(|component| component.name.clone()).collect::<Vec<_>>()
        };
        let (components, workflows) = (of(&Kind::Flink), of(&Kind::Oozie));
        if components.is_empty() && workflows.is_empty() {
            return Err(Refusal::NotYet(format!(
                "{package} has no component of type flink or oozie, and only those are run yet"
            )));
        }
        if let Some(twice) = components.iter().find(|name| workflows.contains(name)) {
            return Err(Refusal::Invalid(format!(
                "{package} has a component {twice} of type flink and one of type oozie: give one of them another name"
            )));
        }
        let others = read.components.iter().filter_map(|one| Some(format!("{}: {}", one.name, one.kind.outlook()?)));
        let mut notes: Vec<String> = others.collect();
        // Its code will run as whoever makes an application of it.
        let deployer = Some(&deployed.owner).filter(|owner| **owner != by.name);
        notes.extend(deployer.map(|owner| format!("{package} was deployed by {owner}")));
        let forked = state_of.map(|other| self.fork(&state, (other, &components), by)).transpose()?;
        let would_be = would_be(by, &overrides, (components, workflows), forked.as_ref());
        self.check(&read, name, &would_be, &mut notes)?;
        Ok(Creation { would_be, digest: deployed.sha256, forked, notes })
    }

    fn may_own(&self, by: &Caller) -> Result<(), Refusal> {
        if by.name.as_str() != "root" || self.site.user.as_str() == "root" {
            return Ok(());
        }
        Err(Refusal::Forbidden("applications do not run as root: create it as the user it belongs to".into()))
    }

    fn check(
        &self,
        package: &Package,
        name: &ApplicationName,
        would_be: &Application,
        notes: &mut Vec<String>,
    ) -> Result<(), Refusal> {
        let mut mistakes = Vec::new();
        for component in would_be.components.keys() {
            let of = Key { application: name.clone(), component: component.clone() };
            match self.prepare(package, would_be, &of) {
                Ok(prepared) => notes.extend(prepared.warnings),
                Err(error) => mistakes.push(chain(&error)),
            }
        }
        for component in would_be.workflows.keys() {
            let of = Key { application: name.clone(), component: component.clone() };
            match self.check_workflow(package, would_be, &of) {
                Ok(prepared) => notes.extend(prepared.warnings),
                Err(why) => mistakes.push(why),
            }
        }
        if mistakes.is_empty() { Ok(()) } else { Err(Refusal::Invalid(mistakes.join("\n"))) }
    }
}
