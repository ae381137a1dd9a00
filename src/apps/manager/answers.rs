//! Orders as they come in, and what is told: each order is held against the rules over the very state that it changes.
//! Not here: what follows from an order.
//! What cannot be looked up is said to be so, never guessed.

use super::carry_out::Failed;
use super::{Manager, Trouble, lock, unavailable};
use crate::callbacks;
use crate::journal::{Application, Component, Fact, Key, Origin, State, Wanted};
use crate::orders::{self, Caller, Refusal};
use crate::package::depot;
use crate::package::repository::{self, Repository};
use crate::schedule::{Due, Schedule};
use crate::share;
use crate::status;
use std::collections::BTreeMap;
use words::application as told;
use words::chain::chain;
use words::moment::utc;
use words::names::{ApplicationName, ComponentName, PackageName};

/// What an application sets otherwise than its package is shorter.
pub(super) const LONGEST_OVERRIDES: usize = 32 << 10;
/// So many packages are remembered that were not deployed.
const MOST_REFUSED: usize = 100;

/// When runs of components begin.
pub(super) type Schedules = Vec<(ComponentName, Option<Schedule>)>;

/// That runs begin at other times than is known.
pub(super) fn other_schedules(name: &ApplicationName, application: &Application, schedules: Schedules) -> Vec<Fact> {
    let others = schedules.into_iter().filter(|(component, schedule)| {
        application.components.get(component).is_some_and(|known| known.schedule != *schedule)
    });
    let set = |(component, schedule)| Fact::ScheduleSet { of: Key { application: name.clone(), component }, schedule };
    others.map(set).collect()
}

fn of_repository(error: &repository::Error) -> Refusal {
    use repository::Error;
    match error {
        Error::NotFound { name } => Refusal::NotFound(format!("package {name} in the repository")),
        Error::Folder { .. } => unavailable(chain(error)),
        error => Refusal::Invalid(chain(error)),
    }
}

pub(super) fn of_depot(error: &depot::Error) -> Refusal {
    match error {
        depot::Error::Repository(error) => of_repository(error),
        depot::Error::Nowhere { .. } => Refusal::NotFound(chain(error)),
        error => unavailable(chain(error)),
    }
}

/// PNDA's clients look for the name followed by `NotFound`.
fn refused_in_pnda_s_words(name: &PackageName, error: &repository::Error) -> String {
    let kind = if error.is_missing() { "NotFound" } else { "" };
    format!("Error deploying {name} {name}{kind}, details: {}", chain(error))
}

/// Orders and answers.
impl Manager {
    /// Removes a package from the repository, unless it is deployed.
    pub fn remove(&self, name: &PackageName) -> Result<(), Refusal> {
        // Who deploys it at this moment has it claimed.
        let _claim = self.claim(name)?;
        if self.state()?.packages.contains_key(name) {
            return Err(Refusal::Conflict(format!("{name} is deployed: undeploy it first")));
        }
        self.repository.delete(name).map_err(|error| of_repository(&error))?;
        self.call_back([callbacks::in_repository(name, false)]);
        Ok(())
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// What packages may refer to as `environment_…`.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.site.environment
    }

    /// Deploys a package from the repository: it is read, brought to HDFS, and may be used from then on.
    pub fn deploy(&self, name: &PackageName, by: &Caller) -> Result<(), Refusal> {
        let _claim = self.claim(name)?;
        // What cannot be recorded is not brought to HDFS.
        if let Some(why) = self.unrecordable() {
            return Err(unavailable(why));
        }
        if self.state()?.packages.contains_key(name) {
            return Err(Refusal::Conflict(format!("{name} is deployed already")));
        }
        lock(&self.refused).remove(name);
        let read = self.repository.package(name);
        if let Err(error) = &read {
            self.remember_refused(name, refused_in_pnda_s_words(name, error));
        }
        let (package, stored) = read.map_err(|error| of_repository(&error))?;
        if let Err(problems) = crate::package::check(&package, &self.site.environment) {
            self.remember_refused(name, format!("Error deploying {name}: {problems}"));
            return Err(Refusal::Invalid(problems.to_string()));
        }
        let bytes = self.repository.open(name).map_err(|error| of_repository(&error))?;
        let kept = self.depot().put(name, &stored, bytes);
        // Whatever comes of it, the next round looks whether HDFS has what it should.
        self.look_at_the_depot();
        kept.map_err(|error| unavailable(chain(&error)))?;
        let fact = Fact::PackageDeployed { package: name.clone(), sha256: stored.digest, size: stored.size };
        self.take(&by.name, |state| match state.packages.contains_key(name) {
            true => Err(Refusal::Conflict(format!("{name} is deployed already"))),
            false => self.another_order(&by.name).map(|()| (vec![fact.clone()], ())),
        })?;
        // Another edge may have removed it as long as nobody had deployed it.
        let again = self.repository.open(name).map_err(depot::Error::from);
        if let Err(error) = again.and_then(|bytes| self.depot().put(name, &stored, bytes)) {
            (self.tell)(&chain(&error));
        }
        Ok(())
    }

    /// Names are anybody's to invent: only some are remembered.
    pub(super) fn remember_refused(&self, name: &PackageName, why: String) {
        self.call_back(callbacks::not_deployed(name, &why));
        let mut refused = lock(&self.refused);
        if refused.len() >= MOST_REFUSED {
            refused.pop_first();
        }
        refused.insert(name.clone(), why);
    }

    /// Why a package was not deployed.
    pub fn refused(&self, name: &PackageName) -> Option<String> {
        lock(&self.refused).get(name).cloned()
    }

    /// The end of a package.
    pub fn undeploy(&self, name: &PackageName, by: &Caller) -> Result<(), Refusal> {
        self.take(&by.name, |state| {
            orders::undeploy(state, name, by)?;
            Ok((vec![Fact::PackageUndeployed { package: name.clone(), why: None }], ()))
        })
    }

    /// Orders a start.
    pub fn start(&self, name: &ApplicationName, origin: Origin, by: &Caller) -> Result<(), Refusal> {
        let schedules = self.schedules(&*self.state()?, name)?;
        self.take(&by.name, |state| {
            let application = orders::own(state, name, by)?;
            orders::start(name, application)?;
            share::another_start(state, &application.owner, self.share)?;
            self.another_order(&by.name)?;
            // Written first: without them a start would begin at once.
            let mut facts = other_schedules(name, application, schedules.clone());
            facts.push(Fact::StartOrdered { application: name.clone(), origin: origin.clone() });
            Ok((facts, ()))
        })?;
        self.urge(name);
        Ok(())
    }

    /// When runs of each component begin, as its package and the overrides say.
    pub(super) fn schedules(&self, state: &State, name: &ApplicationName) -> Result<Schedules, Refusal> {
        let Some(application) = state.applications.get(name) else { return Ok(Vec::new()) };
        let of = |component: &ComponentName| {
            let of = Key { application: name.clone(), component: component.clone() };
            match self.prepared(state, &of) {
                Ok((_, prepared)) => Ok(Some((component.clone(), prepared.component.schedule))),
                Err(Failed::Passing(why)) => Err(unavailable(why)),
                // What cannot be prepared is told by what follows.
                Err(Failed::ForGood(_)) => Ok(None),
            }
        };
        application.components.keys().filter_map(|component| of(component).transpose()).collect()
    }

    /// Orders the end of an application.
    pub fn delete(&self, name: &ApplicationName, by: &Caller) -> Result<(), Refusal> {
        self.order(name, by, |_, application| {
            orders::delete(name, application)?;
            Ok(Fact::DeleteOrdered { application: name.clone() })
        })
    }

    pub(super) fn order(
        &self,
        name: &ApplicationName,
        by: &Caller,
        fact: impl Fn(&State, &Application) -> Result<Fact, Refusal>,
    ) -> Result<(), Refusal> {
        self.take(&by.name, |state| Ok((vec![fact(state, orders::own(state, name, by)?)?], ())))?;
        self.urge(name);
        Ok(())
    }

    /// An application as it is told.
    pub fn application(&self, name: &ApplicationName) -> Result<Option<told::Application>, Refusal> {
        let state = self.state()?;
        Ok(state.applications.get(name).map(|application| self.told(name, application)))
    }

    /// All applications as they are told.
    pub fn applications(&self) -> Result<Vec<told::Application>, Refusal> {
        let state = self.state()?;
        Ok(state.applications.iter().map(|(name, application)| self.told(name, application)).collect())
    }

    pub(super) fn told(&self, name: &ApplicationName, application: &Application) -> told::Application {
        let key = |component: &ComponentName| Key { application: name.clone(), component: component.clone() };
        let seen = lock(&self.seen);
        let mut told = status::told(
            name,
            application,
            |component| {
                let changed = application.components.get(component).map_or(0, |component| component.changed);
                seen.get(&key(component)).filter(|observed| observed.as_of >= changed).cloned()
            },
            |component| lock(&self.overseen).get(&key(component)).cloned(),
        );
        drop(seen);
        let troubles = lock(&self.troubles);
        let since = lock(&self.since);
        for component in &mut told.components {
            let of = key(&component.name);
            match (troubles.get(&of), since.of(&of).hidden_ms) {
                (_, Some(since)) if component.state == told::State::CannotSee => {
                    component.reason += &format!(" (since {})", utc(since / 1000));
                }
                (Some(Trouble { why, since_ms }), _) if !component.state.is_over() => {
                    let since = since_ms.map(|since| format!(" (since {})", utc(since / 1000))).unwrap_or_default();
                    component.reason = format!("{why}{since}");
                }
                _ => {}
            }
            let known = application.components.get(&component.name);
            let due = known.filter(|_| matches!(application.wanted, Wanted::Started { .. }));
            if let Some(when) = due.and_then(|known| self.when(known)) {
                let reasons = [component.reason.as_str(), &when];
                component.reason = reasons.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join("; ");
            }
        }
        drop((troubles, since));
        for component in &mut told.components {
            self.add_alarms(name, application, component);
        }
        told
    }

    /// When the next run of a component begins that has a schedule, and none now.
    fn when(&self, component: &Component) -> Option<String> {
        let schedule = component.schedule.as_ref().filter(|_| component.live().is_none())?;
        Some(match schedule.due(component.handled_ms, self.clock.now_ms()) {
            Due::Now(_) => "a run is due".to_owned(),
            Due::Later(at_ms) => format!("the next run begins at {}", utc(at_ms / 1000)),
            Due::Never => format!("{schedule} does not come any more"),
        })
    }
}
