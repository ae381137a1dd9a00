//! Whether YARN gives containers of that size, on such nodes and with that priority; and whether there is room for them now,
//! which is a warning at most: a full cluster is normal, and an application waits.
//! Not here: how Flink comes to its sizes (`flink::memory`).

use super::{Facts, Wanted, queue};
use systems::yarn::scheduler::{Kind, Most};
use words::application::Finding;

pub(super) fn judge(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    limits(wanted, facts, findings);
    labels(wanted, facts, findings);
    nodes(wanted, facts, findings);
    let is_capacity = facts.scheduler.as_ref().is_some_and(|scheduler| scheduler.kind == Kind::Capacity);
    if let Some(most) = facts.most_priority.filter(|most| is_capacity && wanted.priority > *most) {
        let what = format!("the priority {} is more than the cluster has: YARN lowers it to {most}", wanted.priority);
        findings.push(Finding::warning("yarn.application.priority", what, format!("write {most} or less")));
    }
}

/// The queue's own limit, where it has one; else that of the whole cluster, which the root says.
fn limits(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    let root = facts.scheduler.as_ref().and_then(|scheduler| scheduler.queues.first());
    let own = queue::found(wanted, facts).map(|(_, queue)| queue);
    let Some((of, most)) = own.into_iter().chain(root).find_map(|queue| Some((&queue.path, queue.most?))) else {
        return;
    };
    for (name, Most { memory_mb, cores }, [memory_key, cores_key]) in wanted.containers() {
        if memory_mb > most.memory_mb {
            let what = format!(
                "a {name} asks for {memory_mb} MB, and the largest container of {of} has {} MB",
                most.memory_mb
            );
            findings.push(Finding::refusal(memory_key, what, format!("write {}m or less", most.memory_mb)));
        }
        if cores > most.cores {
            let what = format!("a {name} asks for {cores} cores, and the largest container of {of} has {}", most.cores);
            let remedy =
                format!("write {} or less; without it, each slot of a TaskManager asks for a core", most.cores);
            findings.push(Finding::refusal(cores_key, what, remedy));
        }
    }
}

/// YARN refuses a label that it does not know, and one that the queue does not reach.
fn labels(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    for (key, label) in &wanted.labels {
        if let Some(all) = facts.labels.as_ref().filter(|all| !all.iter().any(|one| one == label)) {
            let remedy = match all.as_slice() {
                [] => "leave it out: nodes have no labels here, or they are off".to_owned(),
                all => format!("there are {}", all.join(", ")),
            };
            findings.push(Finding::refusal(*key, format!("no node has the label {label}"), remedy));
            continue;
        }
        let Some((_, queue)) = queue::found(wanted, facts) else { continue };
        let reaches = |labels: &Vec<String>| labels.iter().any(|one| one == "*" || one == label);
        if let Some(own) = queue.labels.as_ref().filter(|labels| !reaches(labels)) {
            let what = format!("the queue {} does not reach nodes with the label {label}", queue.path);
            let remedy = match own.as_slice() {
                [] => "leave it out, or use another queue".to_owned(),
                own => format!("it reaches {}", own.join(", ")),
            };
            findings.push(Finding::refusal(*key, what, remedy));
        }
    }
}

fn nodes(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(nodes) = &facts.nodes else { return };
    let running: Vec<_> = nodes.iter().filter(|node| node.state == "RUNNING").collect();
    let Some(largest) = running.iter().map(|node| node.memory_mb()).max() else {
        let what = "no node of YARN runs: the application waits until one does";
        findings.push(Finding::warning("nodes", what, "look at the NodeManagers"));
        return;
    };
    let all = [wanted.job_manager.memory_mb, wanted.task_manager.memory_mb];
    let needed = all.iter().sum::<u64>();
    let free: u64 = running.iter().map(|node| node.free_mb).sum();
    if let Some(memory) = all.iter().max().filter(|memory| **memory > largest) {
        let what =
            format!("no node that runs has {memory} MB for a container, the largest has {largest}: it waits for one");
        findings.push(Finding::warning("nodes", what, "write a smaller size"));
    } else if needed > free {
        let what = format!("it asks for {needed} MB at least, and {free} MB are free now: it may wait");
        findings.push(Finding::warning("nodes", what, ""));
    }
}
