//! What differs on a node from what was installed, as lines: what a repair would do, told as what is wrong.
//! Archives are told file by file.
//! Not here: looking, and mending.

use super::hdfs::{Copy, Remote};
use super::listing::Difference;
use super::observe::Observed;
use super::plan::{Over, Plan, Put, Step, What};
use super::services;
use words::names::NodePath;
use words::node::Node;
use words::report::{Effect, FORMAT, Kind, Line, Report};

/// What a plan says of a node that should need none; obstacles are differences too.
pub(super) fn report(node: &Node, generation: u64, observed: &Observed, planned: Result<Plan, Vec<String>>) -> Report {
    let masked = || observed.services.iter().flatten().filter(|(_, state)| state.masked);
    let (mut steps, notes) = match planned {
        Ok(plan) => {
            let lines = plan.steps.iter().flat_map(|step| {
                let mut lines = lines(step, observed);
                lines.iter_mut().for_each(|line| line.diff = diff(&plan, &line.what));
                lines
            });
            (lines.collect(), plan.notes)
        }
        Err(obstacles) => {
            // That a service is masked is told below.
            let masks: Vec<String> = masked().map(|(name, _)| services::masked(name)).collect();
            let others = obstacles.into_iter().filter(|what| !masks.contains(what));
            (others.map(|what| line(Kind::Node, "/", &what)).collect::<Vec<_>>(), Vec::new())
        }
    };
    for (name, state) in masked() {
        steps.push(line(
            Kind::Service,
            name.as_str(),
            if state.is_active() { "masked" } else { "masked, does not run" },
        ));
    }
    Report { format: FORMAT, node: node.node.clone(), generation, steps, notes, commands: Vec::new() }
}

fn diff(plan: &Plan, what: &str) -> Option<String> {
    plan.diffs.get(&NodePath::new(what).ok()?).cloned()
}

fn line(kind: Kind, what: &str, change: &str) -> Line {
    Line::new(kind, what, Effect::Differ, change)
}

fn lines(step: &Step, observed: &Observed) -> Vec<Line> {
    let one = |kind, what: &str, change: &str| vec![line(kind, what, change)];
    match step {
        Step::User(user) => one(Kind::User, user.name.as_str(), "missing"),
        Step::MakeFolder { path, .. } => one(Kind::Folder, path.as_str(), "missing"),
        Step::GrantFolder { path, .. } => one(Kind::Folder, path.as_str(), "has another owner or mode"),
        Step::Put(put) => put_lines(put, observed),
        Step::Prepare { once, .. } => one(Kind::Once, once.name.as_str(), &format!("{} is missing", once.creates)),
        Step::Reload => one(Kind::Systemd, "unit files", "changed since systemd read them"),
        Step::Enable(name) => one(Kind::Service, name.as_str(), "does not start with the machine"),
        Step::Start(name) => one(Kind::Service, name.as_str(), "does not run"),
        Step::Restart(name, path) => {
            one(Kind::Service, name.as_str(), &format!("runs with what was there before {path} changed"))
        }
        Step::Await(name, seen) => one(Kind::Service, name.as_str(), &format!("runs, but {seen}")),
        Step::HdfsFolder(folder, seen) => one(Kind::Hdfs, folder.path.as_str(), &remote(seen)),
        Step::HdfsUpload(upload, seen) => one(Kind::Hdfs, upload.to.as_str(), &copy(seen)),
        Step::Remove(path) | Step::RemoveFolder(path) => one(Kind::Path, path.as_str(), "should not be there any more"),
        Step::Retire(name) => one(Kind::Service, name.as_str(), "should not be there any more"),
        // What is kept for going back is no difference.
        Step::Keep(_) => Vec::new(),
    }
}

fn put_lines(put: &Put, observed: &Observed) -> Vec<Line> {
    let kind = match put.what {
        What::Archive(_) => Kind::Archive,
        What::Download(_) | What::File(_) => Kind::File,
        What::Link(_) => Kind::Link,
    };
    let change = match put.over {
        Over::Nothing => "missing",
        Over::Rights => "has another owner or mode",
        Over::Ours | Over::Theirs(_) => "changed",
    };
    let inside = observed.differing.get(&put.path).into_iter().flatten();
    let told: Vec<Line> = inside
        .map(|(inner, difference)| {
            let change = match difference {
                Difference::Changed => "changed",
                Difference::Missing => "missing",
                Difference::Extra => "extra: nobody unpacked it",
            };
            line(kind, &format!("{}/{inner}", put.path), change)
        })
        .collect();
    if told.is_empty() { vec![line(kind, put.path.as_str(), change)] } else { told }
}

fn remote(seen: &Remote) -> String {
    match seen {
        Remote::Unseen(why) => why.clone(),
        Remote::Absent => "missing".into(),
        Remote::Folder(owner, group, mode) => format!("has another owner or mode: {owner}:{group} {mode:04o}"),
        Remote::File => "a file is there instead of a folder".into(),
    }
}

fn copy(seen: &Copy) -> String {
    match seen {
        Copy::Unseen(why) => why.clone(),
        Copy::Later | Copy::Same => "is to be compared once the node itself is right".into(),
        Copy::Rights(count) => format!("{count} in it have another owner or mode"),
        Copy::Differs { why, .. } => why.clone(),
    }
}
