//! The logs of a component's last run: of containers that run, from their NodeManagers; found without ids of any kind.
//! What a NodeManager does not have any more is left out and said.
//! Not here: who may read them (`agent`).

use super::{Manager, unavailable};
use crate::orders::Refusal;
use systems::hadoop::User;
use systems::yarn::logs::NodeLogs;
use systems::yarn::{Attempt, Container, Times};
use words::application::LogFile;
use words::chain::chain;
use words::ids::{ApplicationId, ContainerId, HostPort};
use words::names::{ApplicationName, ComponentName};
use words::parallel;

/// Containers that are asked at once.
const AT_ONCE: usize = 8;
/// What all logs of an answer have together.
const BUDGET: u64 = 8 << 20;
/// More files than this a container has only where somebody fills it.
const MOST_FILES: usize = 64;

impl Manager {
    /// The ends of the log files of a component's last run, `most` bytes of each container.
    pub fn logs(&self, name: &ApplicationName, component: &ComponentName, most: u64) -> Result<Vec<LogFile>, Refusal> {
        let state = self.state()?;
        let application =
            state.applications.get(name).ok_or_else(|| Refusal::NotFound(format!("application {name}")))?;
        let found = application.components.get(component);
        let found = found.ok_or_else(|| Refusal::NotFound(format!("component {component} of {name}")))?;
        let run = found.run.as_ref().ok_or_else(|| Refusal::NotFound(format!("run of {name}/{component} yet")))?;
        let places = self.containers(&run.id)?;
        let reader = User::simple(application.owner.as_str());
        let most = most.min(BUDGET / places.len().max(1) as u64);
        let files = parallel::each(AT_ONCE, places, |(container, node)| {
            let logs = NodeLogs::new(&node, Times::default()).reading_as(reader.clone());
            // One node that is away hides no other.
            of_container(&logs, &container, most).unwrap_or_else(|refusal| {
                let (name, text) = ("it cannot be read".to_owned(), refusal.to_string());
                vec![LogFile { container: container.to_string(), name, size: None, text }]
            })
        });
        let files: Vec<LogFile> = files.into_iter().flatten().collect();
        match files.is_empty() {
            false => Ok(files),
            true => Err(Refusal::NotFound(format!(
                "log of {id} on the nodes any more; when an application has ended, YARN gathers its logs in HDFS: \
                 `yarn logs -applicationId {id}`",
                id = run.id
            ))),
        }
    }

    /// The containers of all attempts of a run, with the nodes that have them.
    fn containers(&self, id: &ApplicationId) -> Result<Vec<(ContainerId, HostPort)>, Refusal> {
        let failed = |error: systems::yarn::Error| unavailable(chain(&error));
        let mut places = Vec::new();
        for attempt in self.yarn.attempts(id).map_err(failed)? {
            let Attempt { container, node_http_address, .. } = &attempt;
            places.extend(container.clone().zip(node_http_address.clone()));
            let others = self.yarn.containers(id, &attempt.id).map_err(failed)?;
            let place = |container: Container| Some((container.id, container.node_http_address?));
            places.extend(others.into_iter().filter_map(place));
        }
        places.sort();
        places.dedup();
        Ok(places)
    }
}

fn of_container(node: &NodeLogs, container: &ContainerId, most: u64) -> Result<Vec<LogFile>, Refusal> {
    let failed = |error: systems::yarn::logs::Error| unavailable(chain(&error));
    let Some(names) = node.list(container).map_err(failed)? else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    let each = most / names.len().clamp(1, MOST_FILES) as u64;
    for listed in names.into_iter().take(MOST_FILES) {
        let Some(piece) = node.last(container, &listed.name, each.max(1)).map_err(failed)? else { continue };
        let text = String::from_utf8_lossy(&piece.bytes).into_owned();
        files.push(LogFile { container: container.to_string(), name: listed.name, size: Some(piece.length), text });
    }
    Ok(files)
}
