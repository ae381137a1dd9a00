//! Templates print; everything they print was computed before. What is undefined is a problem, not an empty text.
//! One engine for the files in `templates/` and for the short texts in role files.
//! Not here: the values (`facts`, `resolve`).

use super::facts;
use super::members;
use super::resolve::Settings;
use super::role::{Role, suggestion};
use super::script;
use super::setting::{self, Declaration};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, ErrorKind, Template, UndefinedBehavior, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;
use words::document::Text;
use words::markup::escaped;
use words::problem::{Origin, Problem, Problems, nearest};

/// The templates and the short texts of role files, each parsed once for all nodes.
pub(super) struct Engine<'a> {
    environment: Environment<'a>,
    names: BTreeSet<&'a str>,
    /// The names that each of them uses, by its name or, of a short text, by itself.
    used: HashMap<&'a str, BTreeSet<String>>,
    texts: HashMap<String, BTreeSet<String>>,
}

/// What a template may print, by dotted name.
#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    names: BTreeMap<String, Value>,
    /// Which of the names are settings.
    settings: BTreeSet<String>,
    /// The names as maps in maps, once they were asked for.
    nested: OnceLock<Value>,
}

impl Context {
    /// What is known before any setting: the node's name and address, its cluster, and who has each role.
    pub(super) fn around(cluster: &str, node: &str, address: &str, nodes: &Value) -> Context {
        let names = [("cluster", cluster.into()), ("node", node.into()), ("address", address.into())];
        Context::default().with(names).with([("nodes", nodes.clone())])
    }

    /// A copy that takes more names.
    fn open(&self) -> Context {
        Context { names: self.names.clone(), settings: self.settings.clone(), nested: OnceLock::new() }
    }

    /// The names as templates walk them.
    fn walked(&self) -> &Value {
        self.nested.get_or_init(|| nested(&self.names))
    }

    /// The same with settings.
    pub(super) fn with_settings(&self, settings: &Settings) -> Context {
        let mut context = self.open();
        let values = settings.iter().map(|(name, resolved)| (name.clone(), members::value(&resolved.value)));
        context.names.extend(values);
        context.settings = settings.keys().cloned().collect();
        context
    }

    /// The same with what is computed from settings.
    pub(super) fn with_facts(&self, settings: &Settings, root: &str) -> Context {
        let mut context = self.open();
        let facts = facts::compute(settings, root).into_iter();
        context.names.extend(facts.map(|(name, fact)| (format!("facts.{name}"), fact)));
        context
    }

    /// The same with more names.
    pub(super) fn with<const N: usize>(&self, more: [(&str, Value); N]) -> Context {
        let mut context = self.open();
        context.names.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        context
    }

    /// What a role may use of it: the settings that it or its parts declare, all facts, and the node's names.
    pub(super) fn seen_by(&self, declared: &[Declaration]) -> Context {
        let declared: BTreeSet<&str> = declared.iter().map(|setting| setting.name.as_str()).collect();
        let seen = |name: &str| !self.settings.contains(name) || declared.contains(name);
        let names = self.names.iter().filter(|(name, _)| seen(name));
        Context { names: names.map(|(name, value)| (name.clone(), value.clone())).collect(), ..Context::default() }
    }

    /// The same for each entry of a list, which is then called `each`: none at all where the node has no such list, no
    /// answer if nothing has that name, or it is no list.
    pub(super) fn each(&self, list: &str) -> Option<Vec<Context>> {
        let value = self.names.get(list)?;
        match value.kind() {
            ValueKind::None => Some(Vec::new()),
            ValueKind::Seq => Some(value.try_iter().ok()?.map(|each| self.with([("each", each)])).collect()),
            _ => None,
        }
    }

    /// Whether a setting is set to anything but `false`, or with `NAME is WORD` to that word; none if there is no such
    /// setting.
    pub(super) fn holds(&self, condition: &str) -> Option<bool> {
        let (name, word) = condition.split_once(" is ").map_or((condition, None), |(name, word)| (name, Some(word)));
        let value = self.names.get(name)?;
        Some(match word {
            Some(word) => *value == Value::from(word),
            None => !value.is_none() && *value != Value::from(false),
        })
    }
}

/// Dotted names as the nested maps that a template walks.
pub(super) fn nested(names: &BTreeMap<String, Value>) -> Value {
    let mut tree = Branch::default();
    for (name, value) in names {
        let mut branch = &mut tree;
        for part in name.split('.') {
            branch = branch.below.entry(part.to_owned()).or_default();
        }
        branch.leaf = Some(value.clone());
    }
    tree.into_value()
}

#[derive(Default)]
struct Branch {
    leaf: Option<Value>,
    below: BTreeMap<String, Branch>,
}

impl Branch {
    fn into_value(self) -> Value {
        match self.leaf {
            Some(leaf) => leaf,
            None => {
                let below = self.below.into_iter().map(|(name, branch)| (name, branch.into_value()));
                below.collect::<BTreeMap<String, Value>>().into()
            }
        }
    }
}

/// The name of a function of templates: a node's path under its root.
const AT: &str = "at";

impl<'a> Engine<'a> {
    /// Parses all templates, and the short texts of these roles; a template that cannot be parsed is noted, a text where
    /// it is filled.
    pub(super) fn new<'b>(
        templates: &'a BTreeMap<String, String>,
        roles: impl IntoIterator<Item = &'b Role>,
        root: &str,
        problems: &mut Problems,
    ) -> Engine<'a> {
        let mut engine = Engine {
            environment: environment(root),
            names: templates.keys().map(String::as_str).collect(),
            used: HashMap::new(),
            texts: HashMap::new(),
        };
        for (name, text) in templates {
            match engine.environment.add_template(name, text) {
                Ok(()) => drop(engine.used.insert(name, used(engine.environment.get_template(name)))),
                Err(error) => problems.add(problem(&origin(name), &error)),
            }
        }
        roles.into_iter().flat_map(Role::texts).for_each(|text| engine.keep(&text.text));
        engine
    }

    /// Parses a short text for all who fill it; its name among the templates is the text itself.
    fn keep(&mut self, text: &str) {
        if plain(text) || self.names.contains(text) || self.texts.contains_key(text) {
            return;
        }
        if self.environment.add_template_owned(text.to_owned(), text.to_owned()).is_ok() {
            self.texts.insert(text.to_owned(), used(self.environment.get_template(text)));
        }
    }

    /// Prints a template of the folder; none if it is not there or cannot be printed, which is noted at `wanted`.
    pub(super) fn print(&self, name: &Text, context: &Context, problems: &mut Problems) -> Option<String> {
        if !self.names.contains(name.text.as_str()) {
            let near = suggestion(
                nearest(&name.text, self.names.iter().copied()),
                "write it, with the path that it has on the node",
            );
            problems.add(name.origin.problem(format!("there is no template `{}`", name.text), near));
        }
        // One that cannot be parsed was noted.
        let used = self.used.get(name.text.as_str())?;
        let template = self.environment.get_template(&name.text).ok()?;
        let at = origin(&name.text);
        known(&at, template.source(), used, context, problems)?;
        match template.render(context.walked().clone()) {
            Ok(text) => Some(text),
            Err(error) => {
                problems.add(problem(&at, &error));
                None
            }
        }
    }

    /// The names that a short text of a role file uses; none if it cannot be read, which filling it tells.
    pub(super) fn names(&self, text: &Text) -> BTreeSet<String> {
        match self.texts.get(&text.text) {
            Some(used) => used.clone(),
            None => used(self.environment.template_from_str(&text.text)),
        }
    }

    /// Fills a short text of a role file.
    pub(super) fn fill(&self, text: &Text, context: &Context, problems: &mut Problems) -> Option<String> {
        if plain(&text.text) {
            return Some(text.text.clone());
        }
        let filled = (|| {
            let kept = self.texts.get(&text.text);
            let (template, once) = match kept {
                Some(_) => (self.environment.get_template(&text.text)?, BTreeSet::new()),
                None => (self.environment.template_from_str(&text.text)?, self.names(text)),
            };
            match known(&text.origin, &text.text, kept.unwrap_or(&once), context, problems) {
                Some(()) => template.render(context.walked().clone()).map(Some),
                None => Ok(None),
            }
        })();
        filled.unwrap_or_else(|error: minijinja::Error| {
            problems.add(text.origin.problem(detail(&error), ""));
            None
        })
    }
}

/// What every template can use, and how it is read.
fn environment<'a>(root: &str) -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let whitespace = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(whitespace.expect("the delimiters are the default ones"));
    let root = root.to_owned();
    environment.add_function(AT, move |path: String| facts::at(&root, &path));
    environment.add_filter("sh", |text: String| script::quote(&text));
    environment.add_filter("bytes", |text: String| measured(&text, setting::bytes, 1));
    environment.add_filter("megabytes", |text: String| measured(&text, setting::bytes, 1 << 20));
    environment.add_filter("milliseconds", |text: String| measured(&text, setting::milliseconds, 1));
    environment.add_filter("seconds", |text: String| measured(&text, setting::milliseconds, 1000));
    environment.add_filter("jvm", |text: String| measured(&text, setting::bytes, 1 << 20).map(jvm));
    environment.add_filter("xml", |text: String| escaped(&text));
    environment.add_filter("id128", |text: String| script::id128(&text));
    environment.add_filter("toml", quoted);
    environment
}

/// Whether a text is printed as it stands.
fn plain(text: &str) -> bool {
    !text.contains('{')
}

/// The names that a template uses; none if it cannot be read.
fn used(template: Result<Template<'_, '_>, minijinja::Error>) -> BTreeSet<String> {
    template.map_or_else(|_| BTreeSet::new(), |template| template.undeclared_variables(true).into_iter().collect())
}

/// A text in quotes, as TOML and rsyslog read it; something unset is no text, and would be read as one.
fn quoted(value: &Value) -> Result<String, minijinja::Error> {
    let unset = || minijinja::Error::new(ErrorKind::InvalidOperation, "a setting that this file needs is not set");
    value.as_str().map(|text| toml::Value::String(text.to_owned()).to_string()).ok_or_else(unset)
}

/// What a JVM may take altogether: its heap, as much again outside (which is what it allows itself for buffers), and half
/// a gigabyte for classes, compiled code and threads.
fn jvm(heap: u64) -> String {
    format!("{}m", 2 * heap + 512)
}

/// A size or a duration in another unit, rounded up.
fn measured(text: &str, read: fn(&str) -> Option<u64>, unit: u64) -> Result<u64, minijinja::Error> {
    let wrong = || minijinja::Error::new(ErrorKind::InvalidOperation, format!("`{text}` is no size or duration"));
    read(text).map(|amount| amount.div_ceil(unit)).ok_or_else(wrong)
}

fn origin(name: &str) -> Origin {
    Origin::of_file(&format!("templates/{name}"))
}

fn problem(origin: &Origin, error: &minijinja::Error) -> Problem {
    Origin { line: error.line().or(origin.line), ..origin.clone() }.problem(detail(error), "")
}

fn detail(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// Notes every name that nothing defines, each at the line where it stands first.
fn known(at: &Origin, text: &str, used: &BTreeSet<String>, context: &Context, problems: &mut Problems) -> Option<()> {
    let missing = used.iter().filter(|name| *name != AT && !context.names.contains_key(name.as_str()));
    let mut complete = true;
    for name in missing {
        complete = false;
        let line = at.line.or_else(|| text.lines().position(|line| line.contains(name.as_str())).map(|line| line + 1));
        let remedy = suggestion(
            nearest(name, context.names.keys().map(String::as_str)),
            "declare it as a [[setting]] of the role, or list the part that does",
        );
        let what = format!("nothing defines `{name}` here");
        problems.add(Origin { line, ..at.clone() }.problem(what, remedy));
    }
    complete.then_some(())
}
