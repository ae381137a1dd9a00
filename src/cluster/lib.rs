//! The cluster room: from a cluster file, roles and templates to every node's files and its install script.
//! Text in, values out: `render` decides everything, collects every mistake, and touches nothing.
//! Not here: reading or writing files, or installing anything (`agent`).

mod assign;
mod certificates;
mod context;
mod decide;
mod desired;
mod dialect;
mod difference;
mod emit;
mod every;
mod explain;
mod facts;
mod filters;
mod flavor;
mod flink;
mod hardening;
mod item;
mod lexer;
mod members;
mod offered;
mod packed;
mod plan;
mod program;
mod render;
mod resolve;
mod role;
mod schema;
mod script;
mod setting;
mod spec;
mod taken;
mod template;
#[cfg(test)]
mod tests;
mod things;

pub use assign::{Assigned, Assignment};
pub use certificates::{Change, Error as CertificateError, Found, Order, Pair};
pub use difference::{Differences, FileDifference, Folders, NodeDifference, difference};
pub use emit::{ansible, salt};
pub use explain::{Explained, Layer, OnNode};
pub use packed::packed;
pub use plan::{Because, Plan, Planned, Reason, Wave};
pub use schema::schema;
pub use spec::NodeKind;
pub use taken::taken;

use decide::Decided;
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use words::generation::Generation;
use words::names::{SafePath, Word};
use words::node::DOCUMENT;
use words::problem::{Problems, Source};
use words::secret::CERTIFICATES;
use words::tree::{Conflict, Entry, Tree};

/// The roles that the program carries.
pub const ROLES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../roles");
/// The flavors that it carries.
pub const FLAVORS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../flavors");
/// The templates that it carries.
pub const TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../templates");
/// The example clusters that it carries.
pub const CLUSTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../clusters");

/// A key of the right form, where nothing is rendered that anybody would trust.
pub const NO_KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// Everything that decides what a cluster's nodes get.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The cluster file.
    pub cluster: Source<'a>,
    /// Role files and, in a folder `parts`, their parts: name and text.
    pub roles: Vec<(String, String)>,
    /// Flavor files: name and text.
    pub flavors: Vec<(String, String)>,
    /// Templates by their path below the folder of templates.
    pub templates: BTreeMap<String, String>,
    /// What the mirror holds; without it nothing can be rendered, but mistakes of the inputs are found.
    pub generation: Option<&'a Generation>,
    /// The key that must have signed it, or two of which either may have: nodes trust them.
    pub public_keys: Vec<&'a str>,
    /// Settings of the command line, and `mirror.url`.
    pub overrides: Vec<(String, String)>,
    /// The folder that stands for `/` where no system is installed but a user's folder.
    pub root: Option<String>,
}

impl<'a> Inputs<'a> {
    /// A cluster with the roles, flavors and templates that the program carries, and nothing of the command line.
    pub fn shipped(cluster: Source<'a>, generation: Option<&'a Generation>, public_key: &'a str) -> Inputs<'a> {
        Inputs {
            cluster,
            roles: default_roles(),
            flavors: default_flavors(),
            templates: default_templates(),
            generation,
            public_keys: vec![public_key],
            overrides: Vec::new(),
            root: None,
        }
    }
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

impl Rendered {
    /// All nodes' folders as one tree.
    pub fn tree(&self) -> Result<Tree, Conflict> {
        let mut all = Tree::default();
        for (node, tree) in &self.nodes {
            let below =
                |path: SafePath| SafePath::new(format!("{node}/{path}")).expect("a word before a path is a path");
            tree.iter().try_for_each(|(path, entry)| all.insert(below(path), entry))?;
        }
        Ok(all)
    }

    /// Whether a node takes its key and certificates from where an install brings them.
    pub fn needs_certificates(&self) -> bool {
        let place = SafePath::new(DOCUMENT).expect("the name of the document is a path");
        let documents = self.nodes.values().filter_map(|tree| match tree.get(&place) {
            Some(Entry::File { bytes, .. }) => {
                Some(String::from_utf8_lossy(&bytes).contains(&format!("\"file:{CERTIFICATES}/")))
            }
            _ => None,
        });
        documents.into_iter().any(|needs| needs)
    }
}

/// The roles that the program carries, as inputs.
pub fn default_roles() -> Vec<(String, String)> {
    files(&ROLES).into_iter().map(|(path, text)| (format!("roles/{path}"), text)).collect()
}

/// The flavors that the program carries, as inputs.
pub fn default_flavors() -> Vec<(String, String)> {
    files(&FLAVORS).into_iter().map(|(path, text)| (format!("flavors/{path}"), text)).collect()
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

/// Renders every node's folder, or says everything that is wrong with the inputs.
pub fn render(inputs: &Inputs<'_>) -> Result<Rendered, Problems> {
    let mut problems = Problems::default();
    let Some(decided) = Decided::of(inputs, &mut problems) else { return Err(problems.sorted()) };
    let nodes = render::folders(&decided, &mut problems);
    problems.into_result(Rendered { cluster: decided.spec.name.clone(), nodes, assignment: decided.assignment })
}

/// Who gets what, in which order, and why.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan, Problems> {
    let mut problems = Problems::default();
    let Some(decided) = Decided::of(inputs, &mut problems) else { return Err(problems.sorted()) };
    problems.into_result(plan::plan(&decided))
}

/// Where the value of a setting comes from, on one node or on all that have it.
pub fn explain(inputs: &Inputs<'_>, setting: &str, node: Option<&str>) -> Result<Explained, Problems> {
    let mut problems = Problems::default();
    let Some(decided) = Decided::of(inputs, &mut problems) else { return Err(problems.sorted()) };
    let explained = explain::explain(&decided, setting, node, &mut problems);
    problems.into_result(()).map(|()| explained)?.ok_or_else(Problems::default)
}
