//! What takes the place of a run that shall not come to be any more, while a request to submit it may still be under way:
//! YARN takes a known id without effect, so that request comes too late.
//! Not here: when that is done, and ending it.

use super::{Cluster, tags};
use crate::journal::{Key, Run};
use serde_json::{Value, json};

/// What YARN is told that it is.
pub const TYPE: &str = "placeholder";
/// In MB. YARN gives what it gives at least.
const MEMORY: u64 = 64;

/// An application of the run's id, name and queue that needs no files and ends at once should it ever get a container.
pub fn placeholder(cluster: &Cluster, of: &Key, run: &Run) -> Value {
    let mut context = json!({
        "application-id": run.id,
        "application-name": format!("{}-{}-job", of.application, of.component),
        "application-type": TYPE,
        "priority": 0,
        "application-tags": { "tag": tags(cluster, Some(run.order)) },
        "max-app-attempts": 1,
        "resource": { "memory": MEMORY, "vCores": 1 },
        "am-container-spec": { "commands": { "command": "true" } },
    });
    if let Some(queue) = &run.queue {
        context["queue"] = json!(queue);
    }
    context
}
