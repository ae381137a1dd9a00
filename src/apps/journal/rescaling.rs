//! Another parallelism for a job that goes on: it is ordered, and Flink takes it or does not.
//! Pure: what is ordered is the application's from then on, so the run that follows has it; what Flink does not take is so no more.
//! Not here: asking Flink (`act`), and another parallelism by way of a savepoint (`upgrading`).

use super::record::{Fact, Record};
use super::state::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use words::names::ComponentName;

const PARALLELISM: &str = "flink_parallelism";

/// Each step of a job that so many tasks do gets others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescaling {
    /// So many tasks do a step of which the program says nothing.
    pub from: u32,
    /// So many shall.
    pub to: u32,
    /// What the application set before; nothing in the order itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
}

impl State {
    pub(super) fn change_rescaling(&mut self, record: &Record) -> Result<(), String> {
        match &record.fact {
            Fact::RescaleOrdered { application: name, overrides, components } => {
                let application = self.of(name)?;
                if application.upgrading().is_some() {
                    return Err(format!("{name} has an upgrade that is not over"));
                }
                // What became of the last upgrade says nothing of this.
                (application.upgrade, application.information) = (None, None);
                for (name, rescaling) in components {
                    let Some(component) = application.components.get_mut(name) else { continue };
                    let was = set(&mut application.overrides, name).and_then(|set| set.get(PARALLELISM).cloned());
                    component.rescaling = Some(Rescaling { was, ..rescaling.clone() });
                    component.changed = record.number;
                }
                application.overrides = overrides.clone();
            }
            Fact::RescaleEnded { of, why } => {
                let component = self.component(of, record.number)?;
                let Some(Rescaling { was, .. }) = component.rescaling.take() else {
                    return Err(format!("{of} is not being given another parallelism"));
                };
                let Some(why) = why else { return Ok(()) };
                let application = self.of(&of.application)?;
                application.information = Some(format!("Error rescaling {}: {why}", of.application));
                // A later run would begin with what this job cannot have.
                match (set(&mut application.overrides, &of.component), was) {
                    (Some(set), Some(was)) => drop(set.insert(PARALLELISM.to_owned(), was)),
                    (Some(set), None) => drop(set.remove(PARALLELISM)),
                    (None, _) => {}
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What an application sets for a component of type `flink`.
fn set<'a>(overrides: &'a mut Value, of: &ComponentName) -> Option<&'a mut Map<String, Value>> {
    overrides.get_mut("flink")?.get_mut(of.as_str())?.as_object_mut()
}
