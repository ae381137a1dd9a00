//! A savepoint or checkpoint that lies in HDFS becomes the state from which a component's next run begins, wherever it comes from:
//! a job that was moved here, a copy that was brought back. It is needed from then on, and stays.
//! Not here: an application of YARN that goes on as ours (`adopt`).

use super::{Manager, unavailable};
use crate::decide::dispose;
use crate::decide::upgrade::runs;
use crate::journal::{Application, Fact, Key, Origin, Wanted};
use crate::orders::{self, Caller, Refusal};
use crate::restore;
use words::chain::chain;
use words::names::{ApplicationName, ComponentName};
use words::savepoints::Adopt;

impl Manager {
    /// Looks at the state as the owner, whose job will have to read it, and writes down that the next run begins there.
    pub fn adopt_state(&self, name: &ApplicationName, wanted: &Adopt, by: &Caller) -> Result<(), Refusal> {
        let state = self.state()?;
        let application = orders::own(&state, name, by)?;
        let of = Key { application: name.clone(), component: which(name, application, wanted)? };
        rests(application, &of)?;
        let Some(component) = application.components.get(&of.component) else { return Ok(()) };
        let (owner, origin) = (&application.owner, Origin::Path(wanted.path.clone()));
        let hdfs = self.hdfs_as(owner);
        let found = restore::choose(&hdfs, &self.site.cluster, (owner, &of), component, (&origin, None));
        let path = match found {
            Err(error) if error.is_passing() => return Err(unavailable(chain(&error))),
            Err(error) => return Err(Refusal::Invalid(chain(&error))),
            // What lies in the folder of another component is that one's.
            Ok(path) => path.filter(|path| crate::savepoints::lies_in(path, &wanted.path)).ok_or_else(|| {
                Refusal::Invalid(format!("{} is not a state for {of}: it belongs to another component", wanted.path))
            })?,
        };
        self.order(name, by, |state, application| {
            rests(application, &of)?;
            if dispose::is_going(state, &path) {
                return Err(Refusal::Conflict(format!("{path} is being removed")));
            }
            self.another_order(&by.name)?;
            Ok(Fact::StateAdopted { of: of.clone(), path: path.clone() })
        })
    }
}

fn which(name: &ApplicationName, application: &Application, wanted: &Adopt) -> Result<ComponentName, Refusal> {
    let mut all = application.components.keys();
    match (&wanted.component, all.next(), all.next()) {
        (Some(one), ..) if application.components.contains_key(one) => Ok(one.clone()),
        (Some(one), ..) => Err(Refusal::NotFound(format!("component {one} in {name}"))),
        (None, Some(only), None) => Ok(only.clone()),
        (None, ..) => Err(Refusal::Invalid(format!("{name} has several components: name the one with --component"))),
    }
}

/// What runs would not begin from it, and what is being upgraded has a state to go back to.
fn rests(application: &Application, of: &Key) -> Result<(), Refusal> {
    let component = application.components.get(&of.component);
    let is_begun = matches!(application.wanted, Wanted::Started { .. }) && runs(application).contains(&of.component);
    let is_live = component.is_some_and(|one| one.live().is_some() || one.attempt.is_some());
    if is_begun || is_live || application.wanted == Wanted::Deleted {
        return Err(Refusal::Conflict(format!("{of} runs: `pnda app stop {}` first", of.application)));
    }
    match application.upgrading() {
        Some(upgrade) => Err(Refusal::Conflict(format!("the {} of {} is not over", upgrade.purpose, of.application))),
        None => Ok(()),
    }
}
