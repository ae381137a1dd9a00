//! Another parallelism for a job that goes on: it is ordered, and Flink takes it or does not.
//! Pure: what is ordered stays with the application, so the run that follows has it whatever became of this.
//! Not here: asking Flink (`act`), and another parallelism by way of a savepoint (`upgrading`).

use super::record::{Fact, Record};
use super::state::State;
use serde::{Deserialize, Serialize};

/// Each step of a job that so many tasks do gets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescaling {
    /// So many tasks do a step of which the program says nothing.
    pub from: u32,
    /// So many shall.
    pub to: u32,
}

impl State {
    pub(super) fn change_rescaling(&mut self, record: &Record) -> Result<(), String> {
        match &record.fact {
            Fact::RescaleOrdered { application: name, overrides, components } => {
                let application = self.of(name)?;
                if application.upgrading().is_some() {
                    return Err(format!("{name} has an upgrade that is not over"));
                }
                application.overrides = overrides.clone();
                // What became of the last upgrade says nothing of this.
                (application.upgrade, application.information) = (None, None);
                for (name, rescaling) in components {
                    let Some(component) = application.components.get_mut(name) else { continue };
                    (component.rescaling, component.changed) = (Some(*rescaling), record.number);
                }
            }
            Fact::RescaleEnded { of, why } => {
                let component = self.component(of, record.number)?;
                if component.rescaling.take().is_none() {
                    return Err(format!("{of} is not being given another parallelism"));
                }
                if let Some(why) = why {
                    self.of(&of.application)?.information = Some(format!("Error rescaling {}: {why}", of.application));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
