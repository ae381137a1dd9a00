//! What stands against a start, decided before anything is submitted: facts of YARN and HDFS in, everything that is wrong out.
//! Pure. What nobody told is no fact and refuses nothing; YARN has the last word.
//! Not here: looking (`look`), the classes of a package (`package::classes`), and Flink's configuration (`flink`).

mod access;
pub mod answers;
mod files;
pub mod look;
pub mod python;
mod queue;
mod room;
#[cfg(test)]
mod tests;

use crate::submit::Configuration;
use systems::yarn::scheduler::{Most, Node, Scheduler};
use words::application::Finding;
use words::names::Word;

/// What would be submitted, as far as the cluster may object to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// As whom it runs.
    pub owner: &'a Word,
    /// The queue; YARN's own choice if there is none.
    pub queue: Option<&'a str>,
    /// The container of the JobManager.
    pub job_manager: Most,
    /// The container of each TaskManager.
    pub task_manager: Most,
    /// Labels of nodes, by the key that sets each.
    pub labels: Vec<(&'static str, &'a str)>,
    /// Its priority among the applications of its queue.
    pub priority: u64,
    /// The state from which it begins.
    pub restore: Option<&'a str>,
}

/// Whether somebody may do something with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// He may.
    Granted,
    /// He may not.
    Denied,
    /// It is not there, and he may not make it.
    Missing,
}

/// What was seen; what nobody told is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The queues.
    pub scheduler: Option<Scheduler>,
    /// Whether YARN asks its access lists (`yarn.acl.enable`).
    pub has_access_lists: Option<bool>,
    /// YARN's own word on whether the owner may use the queue.
    pub may_submit: Option<bool>,
    /// The owner's groups.
    pub groups: Option<Vec<String>>,
    /// The highest priority that counts.
    pub most_priority: Option<u64>,
    /// Whether the fair scheduler makes queues that are not there.
    pub makes_queues: Option<bool>,
    /// The labels of nodes that there are.
    pub labels: Option<Vec<String>>,
    /// The nodes.
    pub nodes: Option<Vec<Node>>,
    /// The owner's home in HDFS.
    pub home: Option<Right>,
    /// Folders in which his job writes.
    pub folders: Vec<(String, Right)>,
    /// The state from which it begins.
    pub restore: Option<Right>,
}

impl<'a> Wanted<'a> {
    /// Of a configuration, by the keys and defaults that Flink has on YARN.
    pub fn of(configuration: &'a Configuration, owner: &'a Word, queue: Option<&'a Word>) -> Wanted<'a> {
        let number = |key: &str| configuration.get(key).and_then(|text| text.trim().parse::<f64>().ok());
        let cores = |keys: &[&str]| keys.iter().filter_map(|key| number(key)).find(|cores| *cores > 0.0).unwrap_or(1.0);
        let memory_mb = |bytes: Option<u64>| bytes.unwrap_or_default().div_ceil(1 << 20);
        let labels = ["yarn.application.node-label", "yarn.taskmanager.node-label"];
        let labels = labels.into_iter().filter_map(|key| Some((key, configuration.get(key)?)));
        Wanted {
            owner,
            queue: queue.map(Word::as_str),
            job_manager: Most {
                memory_mb: memory_mb(configuration.memory.size("process.size")),
                cores: cores(&["yarn.appmaster.vcores"]).ceil() as u64,
            },
            task_manager: Most {
                memory_mb: memory_mb(configuration.worker_memory.size("process.size")),
                cores: cores(&["taskmanager.cpu.cores", "yarn.containers.vcores", "taskmanager.numberOfTaskSlots"])
                    .ceil() as u64,
            },
            labels: labels.filter(|(_, label)| !label.trim().is_empty()).collect(),
            priority: number("yarn.application.priority").unwrap_or_default().max(0.0) as u64,
            restore: configuration.get(crate::submit::RESTORE),
        }
    }

    /// Both containers with what people call them and the keys that set their sizes.
    fn containers(&self) -> [(&'static str, Most, [&'static str; 2]); 2] {
        [
            ("JobManager", self.job_manager, ["jobmanager.memory.process.size", "yarn.appmaster.vcores"]),
            ("TaskManager", self.task_manager, ["taskmanager.memory.process.size", "yarn.containers.vcores"]),
        ]
    }
}

/// Everything that stands against it, and what somebody should know; refusals first.
pub fn judge(wanted: &Wanted<'_>, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    queue::judge(wanted, facts, &mut findings);
    access::judge(wanted, facts, &mut findings);
    room::judge(wanted, facts, &mut findings);
    files::judge(wanted, facts, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}
