//! What a plan is as a report: a line for each step, for people and programs.
//! A step is one line: a kind, the thing, and what happens to it.
//! Not here: the report itself (`words::report`), and how lines are printed.

use super::hdfs::{Copy, Remote};
use super::plan::{Over, Plan, Put, Step, What, link_text};
use super::space::Bytes;
use words::names::NodePath;
use words::node::{Access, HdfsDirectory, HdfsUpload, Node, Scope};
use words::report::{Effect, FORMAT, Kind, Line, Report};

/// What a plan does, or would.
pub(super) fn of_plan(node: &Node, generation: u64, plan: Plan, interrupted: bool) -> Report {
    let mut steps: Vec<Line> = plan.steps.iter().map(|step| line(node, step)).collect();
    for one in &mut steps {
        one.diff = NodePath::new(one.what.as_str()).ok().and_then(|path| plan.diffs.get(&path).cloned());
    }
    if interrupted {
        let what = "an interrupted install";
        steps.insert(0, Line::new(Kind::Journal, what, Effect::Recover, "undone or finished first"));
    }
    let commands = node.services.iter().filter(|_| node.scope == Scope::User);
    Report {
        format: FORMAT,
        node: node.node.clone(),
        generation,
        steps,
        notes: plan.notes,
        commands: commands.map(|service| service.command.clone()).collect(),
    }
}

fn line(node: &Node, step: &Step) -> Line {
    use Effect::*;
    let service =
        |name: &words::names::Word, effect, change: &str| Line::new(Kind::Service, name.as_str(), effect, change);
    match step {
        Step::User(user) => Line::new(Kind::User, user.name.as_str(), Create, format!("new, in group {}", user.group)),
        Step::MakeFolder { path, access: Some(access) } => {
            Line::new(Kind::Folder, path.as_str(), Create, format!("new, {}", rights(node, access)))
        }
        Step::MakeFolder { path, access: None } => Line::new(Kind::Folder, path.as_str(), Create, "new"),
        Step::GrantFolder { path, access } => {
            Line::new(Kind::Folder, path.as_str(), Change, format!("now {}", rights(node, access)))
        }
        Step::Put(put) => put_line(node, put),
        Step::Keep(path) => Line::new(Kind::Archive, path.as_str(), Keep, "no longer used, kept for going back"),
        Step::Remove(path) => Line::new(Kind::Path, path.as_str(), Remove, "removed: no longer needed"),
        Step::RemoveFolder(path) => Line::new(Kind::Folder, path.as_str(), Remove, "removed if it is empty"),
        Step::Retire(name) => service(name, Stop, "stopped and disabled: no longer needed"),
        Step::Reload => Line::new(Kind::Systemd, "unit files", Reload, "read again"),
        Step::Enable(name) => service(name, Enable, "enabled"),
        Step::Start(name) => service(name, Start, "started"),
        Step::Prepare { once, aside } => {
            let by = format!("prepared: {} makes {}", once.command.first().map_or("", String::as_str), once.creates);
            let half = aside.as_ref().map(|aside| format!("; what a cut-off run left there is kept as {aside}"));
            Line::new(Kind::Once, once.name.as_str(), Prepare, format!("{by}{}", half.unwrap_or_default()))
        }
        Step::Await(name, seen) => service(name, Await, &format!("waited for: it runs, but {seen}")),
        Step::HdfsFolder(folder, seen) => hdfs_folder_line(folder, seen),
        Step::HdfsUpload(upload, seen) => hdfs_upload_line(node, upload, seen),
        Step::Restart(name, path) => service(name, Restart, &format!("restarted because of {path}")),
    }
}

fn hdfs_folder_line(folder: &HdfsDirectory, seen: &Remote) -> Line {
    let access = &folder.access;
    let rights = format!("{}:{} {}", access.owner, access.group, String::from(access.mode));
    let change = match seen {
        Remote::Unseen(_) => format!("made or given to {rights}, as needed"),
        Remote::Folder(owner, group, mode) => format!("now {rights}, was {owner}:{group} {mode:04o}"),
        Remote::Absent | Remote::File => format!("new, {rights}"),
    };
    Line::new(Kind::Hdfs, folder.path.as_str(), made(matches!(seen, Remote::Absent)), change)
}

fn made(is_new: bool) -> Effect {
    if is_new { Effect::Create } else { Effect::Change }
}

fn hdfs_upload_line(node: &Node, upload: &HdfsUpload, seen: &Copy) -> Line {
    let from = &upload.from;
    let change = match seen {
        Copy::Unseen(_) => format!("copied from {from}, as far as it differs"),
        Copy::Later => match node.archives.iter().find(|one| one.into == *from || from.is_below(&one.into)) {
            Some(archive) => format!("copied from {from}, out of {} packed", Bytes(archive.size)),
            None => format!("copied from {from}"),
        },
        Copy::Same => "as it should be".into(),
        Copy::Rights(count) => format!("owner and mode of {count} in it"),
        Copy::Differs { files, bytes, why } => format!("{files} files, {} from {from}: {why}", Bytes(*bytes)),
    };
    Line::new(Kind::Hdfs, upload.to.as_str(), Effect::Change, change)
}

fn rights(node: &Node, access: &Access) -> String {
    let mode = String::from(access.mode);
    match node.scope {
        Scope::System => format!("{}:{} {mode}", access.owner, access.group),
        Scope::User => mode,
    }
}

fn put_line(node: &Node, put: &Put) -> Line {
    let (kind, detail) = match &put.what {
        What::Archive(archive) => (Kind::Archive, format!("{} from {}", Bytes(archive.size), archive.from)),
        What::Download(one) => (Kind::File, format!("{} from {}", Bytes(one.size), one.from)),
        What::File(file) => (Kind::File, rights(node, &file.access)),
        What::Link(link) => (Kind::Link, format!("to {}", link_text(node, link))),
    };
    let change = match &put.over {
        Over::Nothing => format!("new, {detail}"),
        Over::Ours => format!("changed, {detail}"),
        Over::Rights => match &put.what {
            What::Download(one) => format!("now {}", rights(node, &one.access)),
            _ => format!("now {detail}"),
        },
        Over::Theirs(kept) => format!("changed, {detail}; what somebody put there is kept as {kept}"),
    };
    Line::new(kind, put.path.as_str(), made(put.over == Over::Nothing), change)
}
