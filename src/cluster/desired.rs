//! What one node must have: the lists of its roles, filled in, merged, and checked against each other and the mirror.
//! Two roles may list the same thing in the same words; anything else at one place is a problem.
//! Not here: the files of the node's folder (`render`), or the settings (`resolve`).

use super::context::Context;
use super::item::{Item, Owner, What};
use super::role::Role;
use super::script;
use super::template::Engine;
use std::collections::{BTreeMap, BTreeSet};
use words::digest::Sha256;
use words::document::Text;
use words::generation::{Generation, Listed};
use words::names::{BadName, NodePath, SafePath, Word};
use words::node::{
    Access, Archive, Directory, Download, Expected, File, HdfsDirectory, HdfsUpload, Link, Once, Scope, Service,
    SiteHadoop, User,
};
use words::problem::{Origin, Problem, Problems, nearest};
use words::secret;

/// The template of every unit file.
pub(super) const UNIT: &str = "etc/systemd/system/unit.service";

/// One thing, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    Expected(Expected),
    SiteHadoop(SiteHadoop),
    User(User),
    Directory(Directory),
    Archive(Archive),
    Download(Download),
    File(File, String),
    Link(Link),
    Once(Once),
    Service(Service),
    HdfsDirectory(HdfsDirectory),
    HdfsUpload(HdfsUpload),
}

/// All things of a node, by place: a path, or a word for what has none.
#[derive(Debug, Default)]
pub(super) struct Things {
    pub(super) by_place: BTreeMap<String, (Thing, Origin)>,
    /// What is prepared once, in the order of the roles.
    pub(super) once: Vec<Word>,
    /// Services in the order in which their roles start.
    pub(super) services: Vec<Word>,
    /// Places that this node's settings leave out, or that could not be made.
    pub(super) left_out: BTreeSet<String>,
}

/// What a node's things are made with.
pub(super) struct Maker<'a> {
    pub(super) engine: &'a Engine<'a>,
    pub(super) context: &'a Context,
    /// What the mirror holds; none where nobody asks whether it does.
    pub(super) generation: Option<&'a Generation>,
    pub(super) scope: Scope,
    /// "for node … of cluster …", for the first line of each file.
    pub(super) whom: String,
}

impl Maker<'_> {
    /// Makes everything that the node's roles list, in their order.
    pub(super) fn make(&self, roles: &[&Role], problems: &mut Problems) -> Things {
        let mut things = Things::default();
        for role in roles {
            let context = &self.context.seen_by(&role.lists.settings);
            let maker = Maker { context, whom: self.whom.clone(), ..*self };
            for item in &role.lists.items {
                match &item.each {
                    None => maker.make_one(item, &mut things, problems),
                    Some(list) => maker.make_each(item, list, &mut things, problems),
                }
            }
        }
        things.check_nesting(problems);
        things.settle_restarts(problems);
        things
    }

    fn make_one(&self, item: &Item, things: &mut Things, problems: &mut Problems) {
        if !self.applies(item, problems) || !self.add(item, things, problems) {
            things.left_out.extend(self.place(item));
        }
    }

    /// An item once for each entry of a list; none where the node has no such list.
    fn make_each(&self, item: &Item, list: &Text, things: &mut Things, problems: &mut Problems) {
        let Some(contexts) = self.context.each(&list.text) else {
            let what = format!("`{}` is no list that can be gone through", list.text);
            return problems.add(list.origin.problem(what, "name a list, as in facts.flink_versions"));
        };
        for context in &contexts {
            Maker { context, whom: self.whom.clone(), ..*self }.make_one(item, things, problems);
        }
    }

    fn applies(&self, item: &Item, problems: &mut Problems) -> bool {
        let mut set = |name: &Text| {
            self.context.holds(&name.text).unwrap_or_else(|| {
                let what = format!("`{}` is not a setting of this role", name.text);
                problems.add(name.origin.problem(what, "name a setting that the role or its parts declare"));
                false
            })
        };
        item.when.as_ref().is_none_or(&mut set) && !item.unless.as_ref().is_some_and(&mut set)
    }

    /// The place of an item that was not made; whatever is wrong with it was noted.
    fn place(&self, item: &Item) -> Option<String> {
        let (What::Directory { path, .. }
        | What::Download { path, .. }
        | What::File { path, .. }
        | What::Archive { into: path, .. }
        | What::Link { path, .. }) = &item.what
        else {
            return None;
        };
        self.fill(path, &mut Problems::default())
    }

    /// Makes one item; says whether that went well.
    fn add(&self, item: &Item, things: &mut Things, problems: &mut Problems) -> bool {
        // Whoever installs into a folder of their own has no users to make.
        if self.scope == Scope::User && matches!(item.what, What::User { .. }) {
            return true;
        }
        let Some(thing) = self.thing(&item.what, problems) else { return false };
        if let Thing::Once(once) = &thing
            && !things.once.contains(&once.name)
        {
            things.once.push(once.name.clone());
        }
        if let Thing::Service(service) = &thing {
            if self.scope == Scope::System {
                self.add_unit(service, item, things, problems);
            }
            if !things.services.contains(&service.name) {
                things.services.push(service.name.clone());
            }
        }
        things.insert(thing, &item.origin, problems);
        true
    }

    fn add_unit(&self, service: &Service, item: &Item, things: &mut Things, problems: &mut Problems) {
        let template = Text { text: UNIT.into(), origin: item.origin.clone() };
        let context = self.context.with(script::unit(service));
        let root = Text { text: "root".into(), origin: item.origin.clone() };
        let Some(mode) = words::node::Mode::parse("0644") else { return };
        let owner = Owner { owner: root.clone(), group: root, mode };
        if let Some(file) = self.file(&template, &service.unit_path(), &owner, &context, problems) {
            things.insert(file, &item.origin, problems);
        }
    }

    /// A short text; what it becomes may be seen by everybody on the node.
    pub(super) fn fill(&self, text: &Text, problems: &mut Problems) -> Option<String> {
        let filled = self.engine.fill(text, self.context, problems)?;
        if secret::marked(&filled).is_empty() {
            return Some(filled);
        }
        let what = "a secret would stand where everybody on the node can see it";
        problems
            .add(text.origin.problem(what, "print it in a template alone, or let systemd give it (LoadCredential)"));
        None
    }

    fn named<T>(&self, text: &Text, problems: &mut Problems, name: impl Fn(String) -> Result<T, BadName>) -> Option<T> {
        let filled = self.fill(text, problems)?;
        match name(filled) {
            Ok(name) => Some(name),
            // An empty text was noted where it is missing.
            Err(_) if text.text.is_empty() => None,
            Err(error) => {
                problems.add(text.origin.problem(error.to_string(), ""));
                None
            }
        }
    }

    pub(super) fn path(&self, text: &Text, problems: &mut Problems) -> Option<NodePath> {
        self.named(text, problems, NodePath::new)
    }

    pub(super) fn word(&self, text: &Text, problems: &mut Problems) -> Option<Word> {
        self.named(text, problems, Word::new)
    }

    fn thing(&self, what: &What, problems: &mut Problems) -> Option<Thing> {
        Some(match what {
            What::Expected { path, about } => {
                let about = self.line(about, problems);
                Thing::Expected(Expected { path: self.path(path, problems)?, about: about? })
            }
            What::SiteHadoop { conf, command, class_path } => {
                let (conf, command) = (self.path(conf, problems), self.path(command, problems));
                let class_path = class_path.as_ref().and_then(|text| self.line(text, problems));
                let class_path = class_path.filter(|text| !text.is_empty());
                Thing::SiteHadoop(SiteHadoop { conf: conf?, command: command?, class_path })
            }
            What::User { name, group, home } => {
                let (name, group) = (self.word(name, problems), self.word(group, problems));
                Thing::User(User { home: self.path(home, problems)?, name: name?, group: group? })
            }
            What::Directory { path, owner } => {
                let path = self.path(path, problems);
                Thing::Directory(Directory { access: self.access(owner, problems)?, path: path? })
            }
            What::Archive { from, into } => {
                let into = self.path(into, problems);
                let (from, Listed { size, sha256 }) = self.listed(from, problems)?;
                Thing::Archive(Archive { into: into?, from, size, sha256 })
            }
            What::Download { from, path, owner } => {
                let (path, access) = (self.path(path, problems), self.access(owner, problems));
                let (from, Listed { size, sha256 }) = self.listed(from, problems)?;
                Thing::Download(Download { path: path?, from, size, sha256, access: access? })
            }
            What::File { template, path, owner } => {
                let path = self.path(path, problems)?;
                self.file(template, path.as_str(), owner, self.context, problems)?
            }
            What::Link { path, to } => {
                let path = self.path(path, problems);
                Thing::Link(Link { to: self.path(to, problems)?, path: path? })
            }
            What::Once(once) => Thing::Once(self.once(once, problems)?),
            What::Service(service) => Thing::Service(self.service(service, problems)?),
            What::HdfsDirectory { hdfs, path, owner } => {
                let (path, access) = (self.path(path, problems), self.access(owner, problems));
                let (web, user) = self.hdfs(hdfs, problems)?;
                Thing::HdfsDirectory(HdfsDirectory { web, user, path: path?, access: access? })
            }
            What::HdfsUpload { hdfs, from, to, owner } => {
                let (from, to) = (self.path(from, problems), self.path(to, problems));
                let access = self.access(owner, problems);
                let (web, user) = self.hdfs(hdfs, problems)?;
                Thing::HdfsUpload(HdfsUpload { web, user, from: from?, to: to?, access: access? })
            }
        })
    }

    fn access(&self, owner: &Owner, problems: &mut Problems) -> Option<Access> {
        let (user, group) = (self.word(&owner.owner, problems), self.word(&owner.group, problems));
        Some(Access { owner: user?, group: group?, mode: owner.mode })
    }

    /// The file on the mirror, which must be there.
    fn listed(&self, from: &Text, problems: &mut Problems) -> Option<(SafePath, Listed)> {
        let path = self.named(from, problems, SafePath::new)?;
        let Some(generation) = self.generation else {
            return Some((path, Listed { size: 0, sha256: Sha256::of(b"") }));
        };
        if let Some(listed) = generation.files.get(&path) {
            return Some((path, *listed));
        }
        problems.add(missing(generation, &path, &from.origin));
        None
    }

    fn file(
        &self,
        template: &Text,
        path: &str,
        owner: &Owner,
        context: &Context,
        problems: &mut Problems,
    ) -> Option<Thing> {
        let access = self.access(owner, problems);
        let printed = self.engine.print(template, context, problems)?;
        let stamp = format!("Made by pnda {} from {} and templates/{}", self.whom, template.origin.file, template.text);
        let Some(text) = script::stamped(path, &printed, &stamp) else {
            let what = format!("`{path}` has no known comment, and its first line must say what it was made from");
            problems.add(template.origin.problem(what, "give the file a name whose format is known"));
            return None;
        };
        let (path, access) = (NodePath::new(path).ok()?, access?);
        let secrets = secret::marked(&text);
        if !secrets.is_empty() && access.mode.bits() & 0o007 != 0 {
            let what = format!("`{path}` holds a secret, and everybody could read it");
            problems.add(template.origin.problem(what, "give it mode = \"0640\" and the group of who reads it"));
        }
        Some(Thing::File(File { path, sha256: Sha256::of(text.as_bytes()), secrets, access }, text))
    }
}

/// A file is not on the mirror: what it has instead.
fn missing(generation: &Generation, path: &SafePath, origin: &Origin) -> Problem {
    let what = format!("the mirror (generation {}) does not hold `{path}`", generation.number);
    let remedy = match nearest(path.as_str(), generation.files.keys().map(SafePath::as_str)) {
        Some(near) => format!("it holds `{near}`: set the version to that, or add the file to a mirror manifest"),
        None => "add the file to a mirror manifest, and build the mirror".to_owned(),
    };
    origin.problem(what, remedy)
}

impl Thing {
    pub(super) fn place(&self) -> String {
        match self {
            // It is nobody's place: a role may expect what another one places.
            Thing::Expected(expected) => format!("expected {}", expected.path),
            Thing::SiteHadoop(hadoop) => format!("site-hadoop {}", hadoop.conf),
            Thing::User(user) => format!("user {}", user.name),
            Thing::Directory(directory) => directory.path.to_string(),
            Thing::Archive(archive) => archive.into.to_string(),
            Thing::Download(download) => download.path.to_string(),
            Thing::File(file, _) => file.path.to_string(),
            Thing::Link(link) => link.path.to_string(),
            Thing::Once(once) => format!("once {}", once.name),
            Thing::Service(service) => format!("service {}", service.name),
            Thing::HdfsDirectory(directory) => format!("hdfs {}", directory.path),
            Thing::HdfsUpload(upload) => format!("hdfs {}", upload.to),
        }
    }
}
