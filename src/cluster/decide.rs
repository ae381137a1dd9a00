//! Everything that is decided about a cluster before any file is made: its roles, who has them, and every setting.
//! All mistakes of the inputs are noted on the way; what can be decided in spite of them is.
//! Not here: the files (`render`).

use super::assign::{self, Assigned, Assignment};
use super::context::Context;
use super::every::every;
use super::facts::Known;
use super::flavor::{self, Flavor};
use super::resolve::{self, Layers, Place, Settings};
use super::role::{self, Role};
use super::spec::{self, Spec};
use super::template::Engine;
use super::{Inputs, facts, members, setting};
use std::collections::BTreeMap;
use tera::Value;
use words::document::Text;
use words::names::{NodePath, Word};
use words::node::Keys;
use words::problem::{Origin, Problems};

/// What was decided.
pub(super) struct Decided<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) engine: Engine<'a>,
    /// The folder that stands for `/`; empty for `/` itself.
    pub(super) root: String,
    pub(super) spec: Spec,
    pub(super) flavor: Flavor,
    pub(super) overrides: Overrides,
    pub(super) roles: BTreeMap<Word, Role>,
    pub(super) assignment: Assignment,
    /// Each node's settings.
    pub(super) settings: BTreeMap<Word, Settings>,
    /// Who has each role, as templates see it.
    pub(super) members: Value,
}

/// Settings of the command line: the value's text, and where it was given.
pub(super) type Overrides = BTreeMap<String, (String, Origin)>;

impl<'a> Decided<'a> {
    /// Decides; none if the cluster file cannot be read at all.
    pub(super) fn of(inputs: &'a Inputs<'a>, problems: &mut Problems) -> Option<Decided<'a>> {
        let root = root(inputs.root.as_deref(), problems);
        check_keys(&inputs.public_keys, problems);
        let roles = role::read_all(&inputs.roles, problems);
        let engine = Engine::new(&inputs.templates, roles.values(), &root, problems);
        let noted = problems.len();
        let mut spec = Spec::read(inputs.cluster, problems)?;
        let overrides = overrides(inputs, &mut spec, problems);
        let flavor = flavor::chosen(&spec, &inputs.flavors, problems);
        let assignment = assign::assign(&spec, &roles, problems);
        let (settings, members) = (BTreeMap::new(), members::members(&roles, &assignment, &BTreeMap::new()));
        let mut decided =
            Decided { inputs, engine, root, spec, flavor, overrides, roles, assignment, settings, members };
        decided.resolve(problems);
        decided.engine.unsure = problems.len() > noted;
        Some(decided)
    }

    fn resolve(&mut self, problems: &mut Problems) {
        let layers = self.layers();
        resolve::check_given(&layers, &self.roles, problems);
        let of_node = |assigned: &Assigned, problems: &mut Problems| {
            let roles = self.roles_of(assigned);
            let place = Place { assigned, roles: &roles };
            let resolved = layers.resolve(place, &self.engine, &self.around(assigned), problems);
            let known = Known { settings: &resolved, root: &self.root, generation: self.inputs.generation };
            facts::check(known, problems);
            (assigned.node.clone(), resolved)
        };
        let settings: BTreeMap<Word, Settings> = every(&self.assignment.nodes, of_node, problems).into_iter().collect();
        resolve::check_unique(&self.roles, &settings, problems);
        self.members = members::members(&self.roles, &self.assignment, &settings);
        self.settings = settings;
    }

    /// What gives settings their values.
    pub(super) fn layers(&self) -> Layers<'_> {
        Layers { flavor: &self.flavor, spec: &self.spec, overrides: &self.overrides }
    }

    /// The roles of a node, in the order in which they start.
    pub(super) fn roles_of(&self, assigned: &Assigned) -> Vec<(&Word, &Role)> {
        assigned.roles.iter().filter_map(|name| self.roles.get_key_value(name)).collect()
    }

    /// What a node's templates know besides its settings.
    pub(super) fn around(&self, assigned: &Assigned) -> Context {
        let Assigned { node, address, .. } = assigned;
        let around = Context::around(self.spec.name.as_str(), node.as_str(), address.as_str(), &self.members);
        let keys = String::from(Keys::new(self.inputs.public_keys.iter().copied()));
        around.with([("mirror.url", self.spec.mirror.as_str().into()), ("mirror.keys", keys.into())])
    }
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

fn check_keys(files: &[&str], problems: &mut Problems) {
    let keys = Keys::new(files.iter().copied());
    let origin = Origin::of_file("mirror.pub");
    if keys.is_empty() || keys.iter().any(|key| minisign_verify::PublicKey::from_base64(key).is_err()) {
        let what = "the mirror's public key is not a minisign key";
        problems.add(origin.problem(what, "take mirror.pub as `pnda mirror build` wrote it"));
    }
    if keys.len() > Keys::MOST {
        let what = format!("nodes would trust {} keys", keys.len());
        problems.add(origin.problem(what, "name the one that signs, and at most the one that it takes over from"));
    }
}

/// The settings of the command line; the mirror's address and the stacks may come from there too.
fn overrides(inputs: &Inputs<'_>, spec: &mut Spec, problems: &mut Problems) -> Overrides {
    let mut overrides = Overrides::new();
    for (name, value) in &inputs.overrides {
        let origin = Origin::of_file(&format!("--set {name}"));
        match name.as_str() {
            "mirror.url" => match spec::parse_mirror(value.clone()) {
                Ok(url) => spec.mirror = url,
                Err(error) => problems.add(origin.problem(error, "")),
            },
            "stacks" => {
                let named = value.split(',').filter(|stack| !stack.is_empty());
                spec.stacks = named.map(|text| Text { text: text.to_owned(), origin: origin.clone() }).collect();
            }
            _ if overrides.insert(name.clone(), (value.clone(), origin.clone())).is_some() => {
                problems.add(origin.problem(format!("setting `{name}` is given twice"), "keep one"));
            }
            _ => {}
        }
    }
    overrides
}
