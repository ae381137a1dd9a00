//! The properties that a component of an application ends up with, in PNDA's order: the environment, the package, what
//! the application overrides, and what is fixed. `${name}` is replaced once, as Python's `string.Template` does.
//! Not here: what a property means, and the file that carries them to the program (`properties_file`).

use std::collections::BTreeMap;
use words::names::{ApplicationName, ComponentName, Word};

/// Where PNDA keeps the files of applications in HDFS.
const APPLICATIONS: &str = "/pnda/system/deployment-manager/applications";
const COMPONENT: &str = "component_";

/// Whose component it is.
#[derive(Debug, Clone, Copy)]
pub struct Owned<'a> {
    /// The application.
    pub application: &'a ApplicationName,
    /// Its component.
    pub component: &'a ComponentName,
    /// The user that it runs as.
    pub owner: &'a Word,
}

impl Owned<'_> {
    fn fixed(&self) -> [(&'static str, String); 6] {
        let (application, component) = (self.application, self.component);
        let root = format!("{APPLICATIONS}/{}/{application}", self.owner);
        [
            ("component_application", application.to_string()),
            ("component_name", component.to_string()),
            ("component_job_name", format!("{application}-{component}-job")),
            ("component_hdfs_root", format!("{root}/{component}")),
            ("application_hdfs_root", root),
            ("application_user", self.owner.to_string()),
        ]
    }
}

/// All properties by their full names, as in `environment_zookeeper_quorum` and `component_main_jar`. Later ones win:
/// environment, package, overrides, fixed, paths in HDFS. What package and overrides say is expanded with all of them.
pub fn expand(
    environment: &BTreeMap<String, String>,
    package: &BTreeMap<String, String>,
    overrides: &BTreeMap<String, String>,
    (owned, paths): (&Owned<'_>, &BTreeMap<String, String>),
) -> BTreeMap<String, String> {
    let with = |prefix: &str, from: &BTreeMap<String, String>| -> Vec<(String, String)> {
        from.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect()
    };
    let mut raw: BTreeMap<String, String> = with("environment_", environment).into_iter().collect();
    raw.extend(with(COMPONENT, package));
    raw.extend(with(COMPONENT, overrides));
    let fixed: BTreeMap<String, String> = owned.fixed().map(|(name, value)| (name.to_owned(), value)).into();
    raw.extend(fixed.clone());
    raw.extend(paths.clone());
    let expanded = |(name, value): (&String, &String)| {
        let written = name.starts_with(COMPONENT) && !fixed.contains_key(name);
        (name.clone(), if written { substitute(value, &raw) } else { value.clone() })
    };
    raw.iter().map(expanded).collect()
}

/// The component's own part of what `expand` gave, by the names that `properties.json` has.
pub fn of_component(expanded: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fixed = ["application", "name", "job_name", "hdfs_root"];
    let own = expanded.iter().filter_map(|(name, value)| Some((name.strip_prefix(COMPONENT)?, value)));
    own.filter(|(name, _)| !fixed.contains(name)).map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Replaces `${name}` and `$name` by what is known, and `$$` by `$`; everything else stays, unknown names too.
pub fn substitute(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Name { name, written } => out.push_str(known.get(name).map_or(written, String::as_str)),
        }
    }
    out
}

/// The names in a text that would be replaced if they were known.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    Pieces(text).filter_map(|piece| match piece {
        Piece::Name { name, .. } => Some(name),
        Piece::Plain(_) => None,
    })
}

/// A part of a template.
pub(super) enum Piece<'a> {
    /// It stands for itself; of `$$` one is left.
    Plain(&'a str),
    /// It stands for a property.
    Name { name: &'a str, written: &'a str },
}

/// The parts of a template, in their order.
pub(super) struct Pieces<'a>(pub(super) &'a str);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let text = self.0;
        let Some(rest) = text.strip_prefix('$') else {
            let (plain, rest) = text.split_at(text.find('$').unwrap_or(text.len()));
            self.0 = rest;
            return (!plain.is_empty()).then_some(Piece::Plain(plain));
        };
        let (piece, length) = if rest.starts_with('$') {
            (Piece::Plain("$"), 2)
        } else if let Some(name) = rest.strip_prefix('{').map(name).filter(|name| closed(rest, name)) {
            (Piece::Name { name, written: &text[..name.len() + 3] }, name.len() + 3)
        } else if !name(rest).is_empty() {
            let name = name(rest);
            (Piece::Name { name, written: &text[..=name.len()] }, name.len() + 1)
        } else {
            (Piece::Plain("$"), 1)
        };
        self.0 = &text[length..];
        Some(piece)
    }
}

/// Whether `{name}` stands at the beginning.
fn closed(text: &str, name: &str) -> bool {
    !name.is_empty() && text[1 + name.len()..].starts_with('}')
}

/// The name at the beginning of a text: a letter or `_`, then digits as well.
fn name(text: &str) -> &str {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c: char| !part(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}
