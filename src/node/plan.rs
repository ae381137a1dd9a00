//! Decides what an install does: a pure function of what is wanted, what was placed, and what is there.
//! The plan is a list of steps in the order in which they happen; no step, nothing to do.
//! Not here: doing any of it, and services, which follow from the steps.

use super::observe::{Observed, Thing};
use super::state::State;
pub use super::step::{Over, Plan, Put, Step, What};
use super::{services, tasks};
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;
use words::names::{NodePath, Word};
use words::node::{Access, Archive, Expected, Link, Node, User};

/// What an operator wants besides, and what going back needs.
#[derive(Debug, Clone, Copy)]
pub struct Choices<'a> {
    /// Prepared again although it is gone.
    pub again: &'a BTreeSet<Word>,
    /// Archives that installs which are kept live on; none: what is dropped now is kept.
    pub needed: Option<&'a BTreeMap<NodePath, Sha256>>,
}

/// What to do; or everything that stands in the way, one line each.
pub fn plan(node: &Node, state: &State, observed: &Observed, choices: Choices<'_>) -> Result<Plan, Vec<String>> {
    let mut planner = Planner { node, state, observed, choices, plan: Plan::default(), obstacles: Vec::new() };
    planner.expected();
    planner.users();
    planner.folders();
    planner.puts();
    planner.leftovers();
    let (mut plan, mut obstacles) = (planner.plan, planner.obstacles);
    services::reload(&mut plan, node, state, observed);
    obstacles.extend(tasks::once(&mut plan, node, state, observed, choices.again));
    obstacles.extend(services::extend(&mut plan, node, state, observed));
    obstacles.extend(tasks::hdfs(&mut plan, node, observed));
    if !obstacles.is_empty() {
        obstacles.sort();
        return Err(obstacles);
    }
    if let Some(other) = state.node.as_ref().filter(|other| **other != node.node) {
        plan.notes.push(format!("this machine was node {other} until now and becomes {}", node.node));
    }
    Ok(plan)
}

struct Planner<'a> {
    node: &'a Node,
    state: &'a State,
    observed: &'a Observed,
    choices: Choices<'a>,
    plan: Plan,
    obstacles: Vec<String>,
}

impl Planner<'_> {
    fn thing(&self, path: &NodePath) -> &Thing {
        self.observed.things.get(path).unwrap_or(&Thing::Absent)
    }

    fn step(&mut self, step: Step) {
        self.plan.steps.push(step);
    }

    /// What the site brings is looked at, and never made.
    fn expected(&mut self) {
        let lacking = |one: &Expected| format!("{} is missing: {}", one.path, one.about);
        self.obstacles.extend(self.observed.lacking.iter().map(lacking));
        self.obstacles.extend(self.observed.hadoop.iter().cloned());
    }

    fn users(&mut self) {
        if self.node.scope == words::node::Scope::User {
            return;
        }
        let owners = &self.observed.owners;
        let exists = |user: &User| owners.users.contains_key(&user.name) && owners.groups.contains_key(&user.group);
        for user in self.node.users.iter().filter(|user| !exists(user)) {
            self.plan.steps.push(Step::User(user.clone()));
        }
        for user in &self.node.users {
            self.plan.notes.extend(other_account(user, owners));
        }
        let made = |name: &Word| self.node.users.iter().any(|user| user.name == *name || user.group == *name);
        for access in super::owners::accesses(self.node) {
            let unknown = [(&access.owner, &owners.users), (&access.group, &owners.groups)];
            for (name, _) in unknown.into_iter().filter(|(name, known)| !known.contains_key(*name) && !made(name)) {
                let obstacle = format!("{name} should own something, but there is no such user or group on this node");
                if !self.obstacles.contains(&obstacle) {
                    self.obstacles.push(obstacle);
                }
            }
        }
    }

    /// Every folder that must be there, those that only lead somewhere too.
    fn wanted_folders(&self) -> BTreeSet<NodePath> {
        let node = self.node;
        let declared = node.directories.iter().map(|directory| &directory.path);
        let leading = declared
            .clone()
            .flat_map(|path| path.parents())
            .chain(self.wanted().into_iter().flat_map(|path| path.parents().collect::<Vec<_>>()));
        leading.chain(declared.clone().cloned()).collect()
    }

    /// Every path that something is placed at.
    fn wanted(&self) -> BTreeSet<&NodePath> {
        let node = self.node;
        let files = node.files.iter().map(|file| &file.path).chain(node.downloads.iter().map(|one| &one.path));
        let archives = node.archives.iter().map(|archive| &archive.into);
        files.chain(node.links.iter().map(|link| &link.path)).chain(archives).collect()
    }

    fn folders(&mut self) {
        for path in self.wanted_folders() {
            let declared = self.node.directories.iter().find(|directory| directory.path == path);
            let access = declared.map(|directory| directory.access.clone());
            match self.thing(&path) {
                Thing::Absent => self.step(Step::MakeFolder { path, access }),
                Thing::Folder { rights, .. } => {
                    let rights = Some(*rights);
                    if let Some(access) = access
                        && self.observed.owners.rights(self.node.scope, &access) != rights
                    {
                        self.step(Step::GrantFolder { path, access });
                    }
                }
                Thing::File { .. } | Thing::Link { .. } | Thing::Other => {
                    self.obstacles.push(format!("{path} must be a folder, but something else is there: move it away"));
                }
            }
        }
    }

    fn puts(&mut self) {
        for archive in &self.node.archives {
            let over = self.over_archive(archive);
            if over.is_some() {
                self.guard(&archive.into);
            }
            self.put(&archive.into, What::Archive(archive.clone()), over);
        }
        for download in &self.node.downloads {
            let over = self.over_file(&download.path, download.sha256, &download.access);
            self.put(&download.path, What::Download(download.clone()), over);
        }
        for file in &self.node.files {
            let over = self.over_file(&file.path, file.sha256, &file.access);
            self.put(&file.path, What::File(file.clone()), over);
        }
        // Links come last: what they lead to is there before.
        for link in &self.node.links {
            let over = self.over_link(link);
            self.put(&link.path, What::Link(link.clone()), over);
        }
    }

    fn put(&mut self, path: &NodePath, what: What, over: Option<Over>) {
        if let Some(over) = over {
            self.step(Step::Put(Put { path: path.clone(), what, over }));
        }
    }

    /// Unpacking writes by path, so the folder it happens in must be root's alone.
    fn guard(&mut self, path: &NodePath) {
        let above = path.parents().collect::<Vec<_>>();
        let nearest = above.iter().rev().map(|folder| self.thing(folder));
        let shared = nearest.clone().find(|thing| **thing != Thing::Absent);
        if matches!(shared, Some(Thing::Folder { guarded: false, .. })) {
            self.obstacles.push(format!(
                "{path} would be unpacked in a folder that others than root can change: give that folder to root"
            ));
        }
    }

    fn theirs(&self, path: &NodePath) -> Over {
        self.observed.free.get(path).map_or(Over::Ours, |free| Over::Theirs(free.clone()))
    }

    fn blocked(&mut self, path: &NodePath) -> Option<Over> {
        self.obstacles.push(format!("{path} holds a folder or a device of somebody else: move it away"));
        None
    }

    fn over_file(&mut self, path: &NodePath, wanted: words::digest::Sha256, access: &Access) -> Option<Over> {
        match self.thing(path).clone() {
            Thing::Absent => Some(Over::Nothing),
            Thing::File { sha256, rights } if sha256 == wanted => {
                let right = self.observed.owners.rights(self.node.scope, access) == Some(rights);
                (!right).then_some(Over::Rights)
            }
            Thing::File { sha256, .. } => {
                let ours = self.state.file.get(path).is_some_and(|record| record.sha256 == sha256);
                Some(if ours { Over::Ours } else { self.theirs(path) })
            }
            Thing::Link { .. } => Some(self.over_other_link(path)),
            Thing::Folder { .. } | Thing::Other => self.blocked(path),
        }
    }

    /// A link where something else goes: ours from an earlier install, or somebody's.
    fn over_other_link(&self, path: &NodePath) -> Over {
        let Thing::Link { to } = self.thing(path) else { return self.theirs(path) };
        if self.state.link.get(path) == Some(to) { Over::Ours } else { self.theirs(path) }
    }

    fn over_link(&mut self, link: &Link) -> Option<Over> {
        match self.thing(&link.path).clone() {
            Thing::Absent => Some(Over::Nothing),
            Thing::Link { to } if to == link_text(self.node, link) => None,
            Thing::Link { .. } => Some(self.over_other_link(&link.path)),
            Thing::File { sha256, .. } => {
                let ours = self.state.file.get(&link.path).is_some_and(|record| record.sha256 == sha256);
                Some(if ours { Over::Ours } else { self.theirs(&link.path) })
            }
            Thing::Folder { .. } | Thing::Other => self.blocked(&link.path),
        }
    }

    fn over_archive(&mut self, archive: &Archive) -> Option<Over> {
        match self.thing(&archive.into).clone() {
            Thing::Absent => Some(Over::Nothing),
            Thing::Folder { census, .. } => {
                let record = self.state.tree(&archive.into);
                let untouched = record.filter(|record| Some(record.census) == census);
                match untouched {
                    Some(record) if record.sha256 == archive.sha256 => None,
                    Some(_) => Some(Over::Ours),
                    None => Some(self.theirs(&archive.into)),
                }
            }
            Thing::File { .. } => Some(self.theirs(&archive.into)),
            Thing::Link { .. } => Some(self.over_other_link(&archive.into)),
            Thing::Other => self.blocked(&archive.into),
        }
    }

    /// What earlier installs placed and nobody wants any more.
    fn leftovers(&mut self) {
        let wanted: BTreeSet<NodePath> = self.wanted().into_iter().cloned().collect();
        let unwanted = |path: &&NodePath| !wanted.contains(*path);
        for path in self.state.file.keys().chain(self.state.link.keys()).filter(unwanted) {
            let ours = match self.thing(path) {
                Thing::File { sha256, .. } => self.state.file.get(path).is_some_and(|record| record.sha256 == *sha256),
                Thing::Link { to } => self.state.link.get(path) == Some(to),
                Thing::Absent => continue,
                _ => false,
            };
            self.remove_if(ours, path);
        }
        let dropped: Vec<&NodePath> =
            self.state.archive.keys().filter(unwanted).filter(|path| *self.thing(path) != Thing::Absent).collect();
        for path in dropped {
            match self.is_needed(path) {
                true => self.plan.steps.push(Step::Keep(path.clone())),
                false => self.remove_tree(path),
            }
        }
        // What nobody goes back to any more makes room.
        for path in self.state.previous.keys().filter(unwanted).filter(|path| !self.is_needed(path)).collect::<Vec<_>>()
        {
            self.remove_tree(path);
        }
        self.empty_folders(&wanted);
    }

    fn is_needed(&self, path: &NodePath) -> bool {
        let here = self.state.tree(path).map(|record| record.sha256);
        self.choices.needed.is_none_or(|needed| needed.get(path).copied() == here)
    }

    fn remove_tree(&mut self, path: &NodePath) {
        let record = self.state.tree(path).map(|record| record.census);
        if let Thing::Folder { census, .. } = self.thing(path) {
            let ours = *census == record;
            self.remove_if(ours, path);
        }
    }

    fn remove_if(&mut self, ours: bool, path: &NodePath) {
        if ours {
            self.step(Step::Remove(path.clone()));
        } else {
            self.plan.notes.push(format!("{path} is no longer needed, but somebody changed it: left as it is"));
        }
    }

    fn empty_folders(&mut self, wanted: &BTreeSet<NodePath>) {
        let folders = self.wanted_folders();
        let trees = self.state.archive.keys().chain(self.state.previous.keys());
        let kept: Vec<&NodePath> = trees.filter(|path| self.is_needed(path)).collect();
        // Deepest first, so that a folder of empty folders goes too.
        for path in self.state.folders.iter().rev() {
            let needed = folders.contains(path) || wanted.contains(path) || kept.iter().any(|tree| tree.is_below(path));
            if !needed && matches!(self.thing(path), Thing::Folder { .. }) {
                self.plan.steps.push(Step::RemoveFolder(path.clone()));
            }
        }
    }
}

/// What is other than wanted of a user that was there before; it is somebody's, and stays as it is.
fn other_account(user: &User, owners: &super::owners::Owners) -> Option<String> {
    let (name, account) = (&user.name, owners.accounts.get(&user.name)?);
    let home = (account.home != user.home.as_str()).then(|| format!("its home is {}, not {}", account.home, user.home));
    let group = owners.groups.get(&user.group).filter(|gid| **gid != account.gid);
    let group = group.map(|_| format!("its primary group is not {} but number {}", user.group, account.gid));
    let differs: Vec<String> = home.into_iter().chain(group).collect();
    let differs = (!differs.is_empty()).then(|| differs.join(", "))?;
    Some(format!("user {name} is left as it is, though it is not what was asked for: {differs}"))
}

/// What a link says: in a user's folder, `/` of the node is that folder.
pub fn link_text(node: &Node, link: &Link) -> String {
    match node.scope {
        words::node::Scope::System => link.to.to_string(),
        words::node::Scope::User => link.to.under(std::path::Path::new(&node.root)).display().to_string(),
    }
}
