//! From decisions to the folder of each node: `install.sh`, `node.toml`, `files/` and `origins.toml`.
//! Everything is rendered before anything is given back; the same inputs give the same bytes.
//! Not here: writing the folders.

use super::assign::Assigned;
use super::context::Context;
use super::decide::Decided;
use super::desired::{Maker, Thing, Things};
use super::every::every;
use super::facts::Known;
use super::resolve::{Place, Settings};
use super::role::Role;
use super::script;
use super::setting::Value as Setting;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use words::digest::Sha256;
use words::document::Text;
use words::generation::Generation;
use words::names::{SafePath, Word};
use words::node::{self, DOCUMENT, Download, Keys, Node, Once, Scope, Service};
use words::problem::{Origin, Problems};
use words::tree::{Entry, Tree};

/// The template of the door.
pub(super) const INSTALL: &str = "install.sh";
/// Where the agent goes: the door looks for the download that ends there.
const AGENT: &str = "/opt/pnda/agent/pnda-agent";

/// What is the same for every node.
struct Ground<'a> {
    decided: &'a Decided<'a>,
    digest: Sha256,
}

/// Every node's folder; none of a node whose folder cannot be made, which is noted.
pub(super) fn folders(decided: &Decided<'_>, problems: &mut Problems) -> BTreeMap<Word, Tree> {
    let none = Generation { number: 0, lock: Sha256::of(b""), files: BTreeMap::new() };
    let generation = decided.inputs.generation.unwrap_or(&none);
    let ground = Ground { decided, digest: digest(decided, generation) };
    let folder = |assigned: &Assigned, problems: &mut Problems| {
        let roles = decided.roles_of(assigned);
        let place = Place { assigned, roles: &roles };
        Some((assigned.node.clone(), ground.folder(place, &decided.settings[&assigned.node], problems)?))
    };
    every(&decided.assignment.nodes, folder, problems).into_iter().flatten().collect()
}

/// The digest of everything that decides what is rendered; the order of nodes and files does not.
fn digest(decided: &Decided<'_>, generation: &Generation) -> Sha256 {
    let Decided { inputs, spec, flavor, .. } = decided;
    let mut text = format!("pnda {}\n{} {}\n{:?}\n", env!("CARGO_PKG_VERSION"), spec.name, spec.mirror, inputs.root);
    let _ = writeln!(text, "{:?}", spec.stacks.iter().map(|stack| &stack.text).collect::<BTreeSet<_>>());
    for (name, (raw, _)) in spec.settings.iter().chain(flavor) {
        let _ = writeln!(text, "{name}={raw:?}");
    }
    for ((of, name), (raw, _)) in spec.of_kinds.iter().chain(&spec.of_roles) {
        let _ = writeln!(text, "{of} {name}={raw:?}");
    }
    for (name, node) in &spec.nodes {
        let mut roles: Vec<&str> = node.roles.iter().map(|role| role.text.as_str()).collect();
        roles.sort_unstable();
        let _ = writeln!(text, "{name} {} {:?} {roles:?}", node.address, node.kinds);
        for (name, (raw, _)) in &node.settings {
            let _ = writeln!(text, " {name}={raw:?}");
        }
    }
    let roles: BTreeMap<&String, &String> = inputs.roles.iter().map(|(file, text)| (file, text)).collect();
    let overrides: BTreeMap<&String, &String> = inputs.overrides.iter().map(|(key, value)| (key, value)).collect();
    let _ = write!(text, "{roles:?}\n{overrides:?}\n{:?}\n{}\n", inputs.templates, inputs.public_keys.join("\n"));
    text.push_str(&generation.render());
    Sha256::of(text.as_bytes())
}

impl Ground<'_> {
    /// The folder of one node.
    fn folder(&self, place: Place<'_>, settings: &Settings, problems: &mut Problems) -> Option<Tree> {
        let Decided { inputs, engine, root, spec, .. } = self.decided;
        let (node, roles) = (&place.assigned.node, place.roles);
        let known = Known { settings, root, generation: inputs.generation };
        let context = self.decided.around(place.assigned).with_settings(settings).with_facts(known);
        let scope = if inputs.root.is_some() { Scope::User } else { Scope::System };
        let whom = format!("for node {node} of cluster {}", spec.name);
        let generation = inputs.generation;
        let maker = Maker { engine, context: &context, generation, scope, whom: whom.clone() };
        let own: Vec<&Role> = roles.iter().map(|(_, role)| *role).collect();
        let things = maker.make(&own, problems);
        if things.left_out.contains(AGENT) {
            return None;
        }
        let mut names: Vec<Word> = roles.iter().map(|(name, _)| (*name).clone()).collect();
        names.sort();
        let (document, files) = self.document(node, names, scope, things);
        let door = self.door(&document, &context, &whom, problems)?;
        let mut entries = vec![
            (INSTALL.to_owned(), Entry::File { bytes: door.into_bytes(), executable: true }),
            ("origins.toml".to_owned(), Entry::file(origins(settings, &whom))),
            (DOCUMENT.to_owned(), Entry::file(node_text(&document, &whom))),
        ];
        for (file, text) in document.files.iter().zip(files) {
            let executable = file.access.mode.bits() & 0o111 != 0;
            entries.push((file.source(), Entry::File { bytes: text.into_bytes(), executable }));
        }
        let mut tree = Tree::default();
        for (path, entry) in entries {
            let placed = SafePath::new(path).map_err(|error| error.to_string());
            let placed = placed.and_then(|path| tree.insert(path, entry).map_err(|error| error.to_string()));
            if let Err(error) = placed {
                problems.add(spec.origin.problem(error, ""));
            }
        }
        Some(tree)
    }

    fn document(&self, node: &Word, roles: Vec<Word>, scope: Scope, things: Things) -> (Node, Vec<String>) {
        let Decided { inputs, spec, root, .. } = self.decided;
        let root = if root.is_empty() { "/".to_owned() } else { root.clone() };
        let mirror =
            node::Mirror { url: spec.mirror.clone(), public_key: Keys::new(inputs.public_keys.iter().copied()) };
        let mut document = Node::empty(spec.name.clone(), node.clone(), self.digest, scope, root, mirror);
        document.roles = roles;
        let mut texts = Vec::new();
        let mut once: BTreeMap<Word, Once> = BTreeMap::new();
        let mut services: BTreeMap<Word, Service> = BTreeMap::new();
        for (thing, _) in things.by_place.into_values() {
            match thing {
                Thing::Expected(expected) => document.expected.push(expected),
                Thing::SiteHadoop(hadoop) => document.site_hadoops.push(hadoop),
                Thing::User(user) => document.users.push(user),
                Thing::Directory(directory) => document.directories.push(directory),
                Thing::Archive(archive) => document.archives.push(archive),
                Thing::Download(download) => document.downloads.push(download),
                Thing::File(file, text) => {
                    texts.push(text);
                    document.files.push(file);
                }
                Thing::Link(link) => document.links.push(link),
                Thing::Once(one) => drop(once.insert(one.name.clone(), one)),
                Thing::Service(service) => drop(services.insert(service.name.clone(), service)),
                Thing::HdfsDirectory(directory) => document.hdfs_directories.push(directory),
                Thing::HdfsUpload(upload) => document.hdfs_uploads.push(upload),
            }
        }
        document.once = things.once.iter().filter_map(|name| once.remove(name)).collect();
        document.services = things.services.iter().filter_map(|name| services.remove(name)).collect();
        (document, texts)
    }

    fn door(&self, document: &Node, context: &Context, whom: &str, problems: &mut Problems) -> Option<String> {
        let agent = document.downloads.iter().find(|download| download.path.as_str() == AGENT);
        let Some(Download { from, size, sha256, .. }) = agent else {
            let what = format!("node `{}` has no role that downloads {AGENT}, which install.sh starts", document.node);
            problems.add(self.decided.spec.origin.problem(what, "give it the role `agent`"));
            return None;
        };
        let context = context.with([
            ("door.agent", from.as_str().into()),
            ("door.mirror", document.mirror.url.as_str().into()),
            ("door.sha256", sha256.to_string().into()),
            ("door.size", (*size).into()),
        ]);
        let template = Text { text: INSTALL.into(), origin: Origin::of_file("templates") };
        let printed = self.decided.engine.print(&template, &context, problems)?;
        script::stamped(INSTALL, &printed, &format!("Made by pnda {whom} from templates/{INSTALL}"))
    }
}

fn node_text(document: &Node, whom: &str) -> String {
    let text = toml::to_string(document).expect("every field of a node has a form in TOML");
    format!("# Made by pnda {whom}; inputs {}.\n{text}", document.inputs)
}

/// Every setting with its value and the place that decided it: one line each, so that grep answers.
fn origins(settings: &Settings, whom: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("# Made by pnda {whom}: every setting, and the place that decided it.\n");
    for (name, resolved) in settings {
        let from = quoted(&resolved.origin.to_string());
        let _ = match &resolved.value {
            Setting::Unset => writeln!(text, "\"{name}\" = {{ from = {from} }}"),
            Setting::Text(value) => writeln!(text, "\"{name}\" = {{ value = {}, from = {from} }}", quoted(value)),
            Setting::Secret(secret) => {
                writeln!(text, "\"{name}\" = {{ secret = {}, from = {from} }}", quoted(&secret.to_string()))
            }
            value => writeln!(text, "\"{name}\" = {{ value = {value}, from = {from} }}"),
        };
    }
    text
}
