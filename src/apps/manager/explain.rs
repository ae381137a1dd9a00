//! What would be submitted, and where each value comes from: the same preparation as a start, up to the first act.
//! It asks HDFS what is there; nothing is written and no id is reserved.
//! Not here: the preparation.

use super::carry_out::Failed;
use super::{Manager, unavailable};
use crate::journal::{Key, Origin, Wanted};
use crate::orders::Refusal;
use crate::prepare::RunOf;
use crate::restore;
use crate::submit::configuration;
use systems::hadoop::User;
use words::application::{Explained, SetBy, Value};
use words::chain::chain;
use words::ids::ApplicationId;
use words::names::ApplicationName;

/// Stands for the id that a start would reserve.
const NO_ID: &str = "application_0_0";

impl Manager {
    /// All components of an application, as a start would submit them now.
    pub fn explain(&self, name: &ApplicationName) -> Result<Vec<Explained>, Refusal> {
        let state = self.state()?;
        let application =
            state.applications.get(name).ok_or_else(|| Refusal::NotFound(format!("application {name}")))?;
        let id = ApplicationId::new(NO_ID).map_err(unavailable)?;
        let mut all = Vec::new();
        for (component, run) in &application.components {
            let of = Key { application: name.clone(), component: component.clone() };
            let (_, prepared) = self.prepared(&state, &of).map_err(Failed::refusal)?;
            let origin = match &application.wanted {
                Wanted::Started { origin, .. } => origin,
                _ => &Origin::Newest,
            };
            let hdfs = self.hdfs.as_user(&User::simple(application.owner.as_str()));
            let restore = restore::choose(
                &hdfs,
                &self.site.cluster,
                (&application.owner, &of),
                run,
                (origin, prepared.first_state()),
            );
            let restore = restore.map_err(|error| Refusal::Invalid(chain(&error)))?;
            let queue = self.site.queue(&application.owner).map_err(|error| Refusal::Invalid(chain(&error)))?;
            let run = RunOf { id: &id, queue: queue.as_ref(), job: None, restore: restore.as_deref() };
            let job = prepared.job(&of, &application.owner, &run);
            let flink =
                self.site.distribution(&self.hdfs, prepared.flink).map_err(|error| unavailable(chain(&error)))?;
            let done =
                configuration(&self.site.cluster, &flink, &job).map_err(|error| Refusal::Invalid(chain(&error)))?;
            let from = |key: &str, value: &str| match key {
                _ if job.configuration.get(key).is_some_and(|own| own == value) => SetBy::Package,
                _ if flink.configuration.get(key).is_some_and(|own| own == value) => SetBy::Cluster,
                _ => SetBy::Submission,
            };
            let pairs = done.pairs.iter().map(|(key, value)| Value {
                key: key.clone(),
                from: from(key, value),
                value: value.clone(),
            });
            all.push(Explained {
                component: component.clone(),
                flink: prepared.flink.to_string(),
                main_class: job.main_class.clone(),
                main_jar: job.main_jar.to_string(),
                arguments: job.arguments.clone(),
                restore: restore.clone(),
                configuration: pairs.collect(),
                properties: prepared.properties.clone(),
                warnings: prepared.warnings.iter().chain(&done.warnings).cloned().collect(),
            });
        }
        Ok(all)
    }
}
