//! What an install did, or would do, as values for people and machines.
//! A step is one line: a kind, the thing, and what becomes of it.
//! Not here: how lines are printed.

use super::hdfs::{Copy, Remote};
use super::plan::{Over, Plan, Put, Step, What, link_text};
use super::space::Bytes;
use serde::Serialize;
use words::names::{NodePath, Word};
use words::node::{Access, HdfsDirectory, HdfsUpload, Node, Scope};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// `folder`, `archive`, `file`, `link`, `service`, …
    pub kind: &'static str,
    /// Its path or name.
    pub what: String,
    /// What becomes of it.
    pub change: String,
    /// How what somebody changed by hand differs from what is placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// What happened, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The node.
    pub node: Word,
    /// The mirror's generation.
    pub generation: u64,
    /// Nothing was to be done if there are none.
    pub steps: Vec<Line>,
    /// Worth knowing.
    pub notes: Vec<String>,
    /// Commands that the caller runs himself: in a user's folder there is no systemd.
    pub commands: Vec<Vec<String>>,
}

impl Report {
    pub(super) fn new(node: &Node, generation: u64, plan: Plan, interrupted: bool) -> Report {
        let mut steps: Vec<Line> = plan.steps.iter().map(|step| line(node, step)).collect();
        for one in &mut steps {
            one.diff = NodePath::new(one.what.as_str()).ok().and_then(|path| plan.diffs.get(&path).cloned());
        }
        if interrupted {
            let change = "undone or finished first".into();
            steps.insert(0, Line { kind: "journal", what: "an interrupted install".into(), change, diff: None });
        }
        let commands = node.services.iter().filter(|_| node.scope == Scope::User);
        Report {
            node: node.node.clone(),
            generation,
            steps,
            notes: plan.notes,
            commands: commands.map(|service| service.command.clone()).collect(),
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

fn line(node: &Node, step: &Step) -> Line {
    let line = |kind, what: String, change: &str| Line { kind, what, change: change.to_owned(), diff: None };
    match step {
        Step::User(user) => line("user", user.name.to_string(), &format!("new, in group {}", user.group)),
        Step::MakeFolder { path, access: Some(access) } => {
            line("folder", path.to_string(), &format!("new, {}", rights(node, access)))
        }
        Step::MakeFolder { path, access: None } => line("folder", path.to_string(), "new"),
        Step::GrantFolder { path, access } => {
            line("folder", path.to_string(), &format!("now {}", rights(node, access)))
        }
        Step::Put(put) => put_line(node, put),
        Step::Keep(path) => line("archive", path.to_string(), "no longer used, kept for going back"),
        Step::Remove(path) => line("path", path.to_string(), "removed: no longer needed"),
        Step::RemoveFolder(path) => line("folder", path.to_string(), "removed if it is empty"),
        Step::Retire(name) => line("service", name.to_string(), "stopped and disabled: no longer needed"),
        Step::Reload => line("systemd", "unit files".into(), "read again"),
        Step::Enable(name) => line("service", name.to_string(), "enabled"),
        Step::Start(name) => line("service", name.to_string(), "started"),
        Step::Prepare { once, aside } => {
            let by = format!("prepared: {} makes {}", once.command.first().map_or("", String::as_str), once.creates);
            let half = aside.as_ref().map(|aside| format!("; what a cut-off run left there is kept as {aside}"));
            line("once", once.name.to_string(), &format!("{by}{}", half.unwrap_or_default()))
        }
        Step::Await(name, seen) => line("service", name.to_string(), &format!("waited for: it runs, but {seen}")),
        Step::HdfsFolder(folder, seen) => hdfs_folder_line(folder, seen),
        Step::HdfsUpload(upload, seen) => hdfs_upload_line(node, upload, seen),
        Step::Restart(name, path) => line("service", name.to_string(), &format!("restarted because of {path}")),
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
    Line { kind: "hdfs", what: folder.path.to_string(), change, diff: None }
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
    Line { kind: "hdfs", what: upload.to.to_string(), change, diff: None }
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
        What::Archive(archive) => ("archive", format!("{} from {}", Bytes(archive.size), archive.from)),
        What::Download(one) => ("file", format!("{} from {}", Bytes(one.size), one.from)),
        What::File(file) => ("file", rights(node, &file.access)),
        What::Link(link) => ("link", format!("to {}", link_text(node, link))),
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
    Line { kind, what: put.path.to_string(), change, diff: None }
}
