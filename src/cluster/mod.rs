//! The cluster room: from a cluster file, roles and templates to every node's files and its install script.
//! Text in, values out: `render` decides everything, collects every mistake, and touches nothing.
//! Not here: reading or writing files, or installing anything (`agent`).

mod assign;
mod desired;
mod facts;
mod flink;
pub mod lint;
mod render;
mod resolve;
mod role;
mod script;
mod setting;
mod spec;
mod taken;
mod template;
#[cfg(test)]
mod tests;

pub use assign::{Assigned, Assignment};
pub use spec::NodeKind;
pub use taken::taken;

use crate::words::generation::Generation;
use crate::words::names::{NodePath, Word};
use crate::words::problem::{Origin, Problems, Source};
use crate::words::tree::Tree;
use include_dir::{Dir, include_dir};
use role::Role;
use std::collections::BTreeMap;

/// The roles that the program carries.
pub const ROLES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/roles");
/// The templates that it carries.
pub const TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");
/// The example clusters that it carries.
pub const CLUSTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/clusters");

/// Everything that decides what a cluster's nodes get.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The cluster file.
    pub cluster: Source<'a>,
    /// Role files and, in a folder `parts`, their parts: name and text.
    pub roles: Vec<(String, String)>,
    /// Templates by their path below the folder of templates.
    pub templates: BTreeMap<String, String>,
    /// What the mirror holds.
    pub generation: &'a Generation,
    /// The key that must have signed it.
    pub public_key: &'a str,
    /// Settings of the command line, and `mirror.url`.
    pub overrides: Vec<(String, String)>,
    /// The folder that stands for `/` where no system is installed but a user's folder.
    pub root: Option<String>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The cluster's name.
    pub cluster: Word,
    /// Each node's folder.
    pub nodes: BTreeMap<Word, Tree>,
    /// Who has which role.
    pub assignment: Assignment,
}

/// The roles that the program carries, as inputs.
pub fn default_roles() -> Vec<(String, String)> {
    files(&ROLES).into_iter().map(|(path, text)| (format!("roles/{path}"), text)).collect()
}

/// The templates that the program carries, as inputs.
pub fn default_templates() -> BTreeMap<String, String> {
    files(&TEMPLATES)
}

/// The example clusters that the program carries: file name and text.
pub fn example_clusters() -> BTreeMap<String, String> {
    files(&CLUSTERS)
}

fn files(dir: &Dir<'static>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![dir.clone()];
    while let Some(dir) = dirs.pop() {
        dirs.extend(dir.dirs().cloned());
        for file in dir.files() {
            let text = file.contents_utf8().expect("what the program carries is text, as the tests' rendering shows");
            found.insert(file.path().to_string_lossy().into_owned(), text.to_owned());
        }
    }
    found
}

/// Decides what every node gets, or says everything that is wrong with the inputs.
pub fn render(inputs: &Inputs<'_>) -> Result<Rendered, Problems> {
    let mut problems = Problems::default();
    let root = root(inputs.root.as_deref(), &mut problems);
    check_key(inputs.public_key, &mut problems);
    let roles = role::read_all(&inputs.roles, &mut problems);
    let engine = template::Engine::new(&inputs.templates, &root, &mut problems);
    let Some(spec) = spec::Spec::read(inputs.cluster, &mut problems) else {
        return Err(problems.into_result(()).expect_err("a file that cannot be read has problems"));
    };
    let (overrides, mirror) = overrides(inputs, &spec.mirror, &mut problems);
    resolve::check_given(&spec, &roles, &overrides, &mut problems);
    let assignment = assign::assign(&spec, &roles, &mut problems);
    let digest = render::digest(inputs, &spec, &mirror);
    let ground = render::Ground { inputs, spec: &spec, engine: &engine, root: &root, digest };
    let mut nodes = BTreeMap::new();
    for assigned in &assignment.nodes {
        let has: Vec<(&Word, &Role)> = assigned.roles.iter().filter_map(|name| roles.get_key_value(name)).collect();
        let own: Vec<&Role> = has.iter().map(|(_, role)| *role).collect();
        let settings = resolve::resolve(&spec, &assigned.node, &own, &overrides, &mut problems);
        facts::check(&settings, &root, &mut problems);
        if let Some(tree) = ground.folder(&assigned.node, &has, &settings, &mirror, &mut problems) {
            nodes.insert(assigned.node.clone(), tree);
        }
    }
    problems.into_result(Rendered { cluster: spec.name.clone(), nodes, assignment })
}

/// A root is printed into scripts, properties and YAML, so it must need no quotes anywhere.
fn root(root: Option<&str>, problems: &mut Problems) -> String {
    let Some(root) = root else { return String::new() };
    if NodePath::new(root).is_err() || !root.chars().all(setting::plain) {
        let what = format!("`{root}` cannot stand for `/`");
        let remedy = "name an absolute folder of letters, digits and . _ + -";
        problems.add(Origin::of_file("--root").problem(what, remedy));
    }
    root.to_owned()
}

fn check_key(key: &str, problems: &mut Problems) {
    let line = render::key_line(key);
    if minisign_verify::PublicKey::from_base64(&line).is_err() {
        let what = "the mirror's public key is not a minisign key";
        problems.add(Origin::of_file("mirror.pub").problem(what, "take mirror.pub as `pnda mirror build` wrote it"));
    }
}

type Overrides = BTreeMap<String, (String, Origin)>;

/// The settings of the command line, and the mirror's address, which may come from there too.
fn overrides(inputs: &Inputs<'_>, mirror: &str, problems: &mut Problems) -> (Overrides, String) {
    let mut mirror = mirror.to_owned();
    let mut overrides = Overrides::new();
    for (name, value) in &inputs.overrides {
        let origin = Origin::of_file(&format!("--set {name}"));
        if name == "mirror.url" {
            match spec::parse_mirror(value.clone()) {
                Ok(url) => mirror = url,
                Err(error) => problems.add(origin.problem(error, "")),
            }
        } else if overrides.insert(name.clone(), (value.clone(), origin.clone())).is_some() {
            problems.add(origin.problem(format!("setting `{name}` is given twice"), "keep one"));
        }
    }
    (overrides, mirror)
}
