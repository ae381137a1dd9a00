//! Role files: what a node of that role has, as lists that a person reads from top to bottom.
//! A role may list parts, which are lists several roles share; there is no other inheritance.
//! Not here: which node gets the role (`assign`), or what its texts become (`desired`).

use super::setting::Declaration;
use super::spec::NodeKind;
use crate::words::document::{self, Table, Text};
use crate::words::names::Word;
use crate::words::node::{Mode, ServiceKind};
use crate::words::problem::{Origin, Problems, Source, nearest};
use std::collections::BTreeMap;

/// Where a role goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    EveryNode,
    Every(NodeKind),
    One(NodeKind),
}

/// A role with everything its parts add.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) placement: Placement,
    /// Roles whose services start before this one's.
    pub(super) after: Vec<Text>,
    pub(super) lists: Lists,
    pub(super) origin: Origin,
}

/// What a role or a part lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    pub(super) settings: Vec<Declaration>,
    pub(super) items: Vec<Item>,
}

/// One thing a node gets, as templates of text.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) what: What,
    /// Only if this setting is set.
    pub(super) when: Option<Text>,
    /// Only if this setting is not set.
    pub(super) unless: Option<Text>,
    pub(super) origin: Origin,
}

/// The kinds of things; names as in `words::node`.
#[derive(Debug, Clone)]
pub(super) enum What {
    User { name: Text, group: Text, home: Text },
    Directory { path: Text, owner: Owner },
    Archive { from: Text, into: Text },
    Download { from: Text, path: Text, owner: Owner },
    File { template: Text, path: Text, owner: Owner },
    Link { path: Text, to: Text },
    Service(Box<ServiceText>),
}

/// Owner, group and mode of a path; root and an ordinary mode unless told.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) owner: Text,
    pub(super) group: Text,
    pub(super) mode: Mode,
}

/// A service before its texts are filled in.
#[derive(Debug, Clone)]
pub(super) struct ServiceText {
    pub(super) name: Text,
    pub(super) about: Text,
    pub(super) kind: ServiceKind,
    pub(super) user: Text,
    pub(super) command: Vec<Text>,
    pub(super) environment: Vec<Text>,
    pub(super) restart_on: Vec<Text>,
    pub(super) unit: Vec<Text>,
}

/// The folder of parts, inside the folder of roles.
const PARTS: &str = "parts";

/// Reads every role file; a file in a folder `parts` is a part.
pub(super) fn read_all(files: &[(String, String)], problems: &mut Problems) -> BTreeMap<Word, Role> {
    let mut parts = BTreeMap::new();
    let mut texts = Vec::new();
    for (file, text) in files {
        let source = Source { file, text };
        let Some(name) = stem(source, problems) else { continue };
        if file.rsplit('/').nth(1) == Some(PARTS) {
            parts.insert(name, read_part(source, problems));
        } else {
            texts.push((name, source));
        }
    }
    let mut roles = BTreeMap::new();
    for (name, source) in texts {
        let Some(role) = read_role(source, &parts, problems) else { continue };
        let origin = role.origin.clone();
        if let Some(first) = roles.insert(name.clone(), role) {
            let what = format!("role `{name}` is also in {}", first.origin);
            problems.add(origin.problem(what, "give one of the two files another name"));
        }
    }
    check_order(&roles, problems);
    check_declarations(&roles, problems);
    roles
}

fn stem(source: Source<'_>, problems: &mut Problems) -> Option<Word> {
    let file = source.file.rsplit('/').next().unwrap_or(source.file);
    match file.strip_suffix(".toml").map(Word::new) {
        Some(Ok(name)) => Some(name),
        Some(Err(error)) => {
            problems.add(source.problem_of_file(error.to_string(), "rename the file"));
            None
        }
        None => {
            problems.add(source.problem_of_file("a role file's name must end with .toml", "rename the file"));
            None
        }
    }
}

fn read_part(source: Source<'_>, problems: &mut Problems) -> Lists {
    let part = document::read_noting(source, problems, |table| {
        needed(table, "about", ABOUT);
        let mut lists = Lists::default();
        lists.read(table);
        Some(lists)
    });
    part.unwrap_or_default()
}

fn read_role(source: Source<'_>, parts: &BTreeMap<Word, Lists>, problems: &mut Problems) -> Option<Role> {
    document::read_noting(source, problems, |table| {
        needed(table, "about", ABOUT);
        let placement = table.parsed("placement", "every node", parse_placement);
        let after = table.list("after");
        let mut lists = Lists::default();
        for Text { text, origin } in table.list("parts") {
            match parts.iter().find(|(name, _)| name.as_str() == text) {
                Some((_, part)) => {
                    lists.settings.extend(part.settings.iter().cloned());
                    lists.items.extend(part.items.iter().cloned());
                }
                None => {
                    let near = nearest(&text, parts.keys().map(Word::as_str));
                    let remedy = suggestion(near, "write it as a file in roles/parts");
                    table.add(origin.problem(format!("there is no part `{text}`"), remedy));
                }
            }
        }
        lists.read(table);
        Some(Role { placement: placement?, after, lists, origin: table.origin().clone() })
    })
}

/// "did you mean", or what else could be done.
pub(super) fn suggestion(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}

fn parse_placement(text: String) -> Result<Placement, String> {
    let placement = match text.split_once(' ') {
        Some(("every", "node")) => Some(Placement::EveryNode),
        Some(("every", kind)) => NodeKind::parse(kind).map(Placement::Every),
        Some(("one", kind)) => NodeKind::parse(kind).map(Placement::One),
        _ => None,
    };
    placement
        .ok_or_else(|| format!("`{text}` is not a placement: every node, or every or one of manager, edge, worker"))
}

impl Lists {
    fn read(&mut self, table: &mut Table<'_>) {
        self.settings.extend(table.tables("setting", Declaration::read).into_iter().flatten());
        for (key, read) in LISTS {
            self.items.extend(table.tables(key, |item| read_item(item, read)));
        }
    }
}

const ABOUT: &str = "What it is for.";

type ReadWhat = fn(&mut Table<'_>) -> What;

const LISTS: [(&str, ReadWhat); 7] = [
    ("user", read_user),
    ("directory", read_directory),
    ("archive", read_archive),
    ("download", read_download),
    ("file", read_file),
    ("link", read_link),
    ("service", read_service),
];

fn read_item(table: &mut Table<'_>, read: ReadWhat) -> Item {
    let (when, unless) = (table.optional("when"), table.optional("unless"));
    Item { what: read(table), when, unless, origin: table.origin().clone() }
}

/// A text that must be there; an empty one stands in for it, so that what depends on the item is not missed too.
fn needed(table: &mut Table<'_>, key: &'static str, example: &str) -> Text {
    let text = table.required(key, example);
    text.unwrap_or_else(|| Text { text: String::new(), origin: table.origin().clone() })
}

fn read_user(table: &mut Table<'_>) -> What {
    let mut needed = |key, example| needed(table, key, example);
    What::User { name: needed("name", "pnda"), group: needed("group", "pnda"), home: needed("home", "/opt/pnda") }
}

fn read_directory(table: &mut Table<'_>) -> What {
    What::Directory { path: needed(table, "path", "/var/log/pnda"), owner: read_owner(table, "0755") }
}

fn read_archive(table: &mut Table<'_>) -> What {
    let from = needed(table, "from", "flink-{{ flink.version }}.tar.gz");
    What::Archive { from, into: needed(table, "into", "/opt/pnda/flink-{{ flink.version }}") }
}

fn read_download(table: &mut Table<'_>) -> What {
    let (from, path) = (needed(table, "from", "programs/agent"), needed(table, "path", "/opt/pnda/agent"));
    What::Download { from, path, owner: read_owner(table, "0644") }
}

fn read_file(table: &mut Table<'_>) -> What {
    let (template, path) =
        (needed(table, "template", "etc/pnda/agent.toml"), needed(table, "path", "/etc/pnda/agent.toml"));
    What::File { template, path, owner: read_owner(table, "0644") }
}

fn read_link(table: &mut Table<'_>) -> What {
    What::Link { path: needed(table, "path", "/opt/pnda/flink"), to: needed(table, "to", "/opt/pnda/flink-1.20.5") }
}

fn read_owner(table: &mut Table<'_>, mode: &str) -> Owner {
    let origin = table.origin().clone();
    let mut or_root = |key| table.optional(key).unwrap_or_else(|| Text { text: "root".into(), origin: origin.clone() });
    let (owner, group) = (or_root("owner"), or_root("group"));
    let given = table.optional("mode").unwrap_or(Text { text: mode.to_owned(), origin });
    let mode = Mode::try_from(given.text).unwrap_or_else(|error| {
        table.add(given.origin.problem(error, ""));
        Mode::parse("0600").expect("four octal digits")
    });
    Owner { owner, group, mode }
}

fn read_service(table: &mut Table<'_>) -> What {
    let kind = |text: String| match text.as_str() {
        "exec" => Ok(ServiceKind::Exec),
        "notify" => Ok(ServiceKind::Notify),
        _ => Err(format!("`{text}` is not a kind of service: they are exec and notify")),
    };
    What::Service(Box::new(ServiceText {
        name: needed(table, "name", "flink-history-server"),
        about: needed(table, "about", ABOUT),
        kind: table.parsed("kind", "exec", kind).unwrap_or(ServiceKind::Exec),
        user: needed(table, "user", "pnda"),
        command: table.required_list("command", "/path/of/program"),
        environment: table.list("environment"),
        restart_on: table.list("restart_on"),
        unit: table.list("unit"),
    }))
}

/// A role may only come after roles that exist, and never after itself.
fn check_order(roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    let ranks = ranks(roles);
    for (name, role) in roles {
        for Text { text, origin } in &role.after {
            if !roles.keys().any(|known| known.as_str() == text) {
                let near = nearest(text, roles.keys().map(Word::as_str));
                problems.add(
                    origin
                        .problem(format!("there is no role `{text}`"), suggestion(near, "name a role of this folder")),
                );
            } else if ranks[name.as_str()] >= roles.len() && ranks[text.as_str()] >= roles.len() {
                let what = format!("role `{name}` waits in a circle for `{text}`");
                problems.add(origin.problem(what, "take one of the roles out of an `after` list"));
            }
        }
    }
}

/// How many steps of `after` lie before each role; as many as there are roles, or more, only in a circle.
pub(super) fn ranks(roles: &BTreeMap<Word, Role>) -> BTreeMap<&str, usize> {
    let mut ranks: BTreeMap<&str, usize> = roles.keys().map(|name| (name.as_str(), 0)).collect();
    // One round more than the longest way without a circle can have.
    for _ in 0..=roles.len() {
        for (name, role) in roles {
            let steps = role.after.iter().filter_map(|before| ranks.get(before.text.as_str())).map(|rank| rank + 1);
            let rank = steps.max().unwrap_or(0);
            ranks.insert(name.as_str(), rank);
        }
    }
    ranks
}

/// Each setting is declared at one place, or its default could differ by role.
fn check_declarations(roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    let mut first: BTreeMap<&str, &Origin> = BTreeMap::new();
    for setting in roles.values().flat_map(|role| &role.lists.settings) {
        let origin = *first.entry(&setting.name).or_insert(&setting.origin);
        if *origin != setting.origin {
            let what = format!("setting `{}` is also declared at {origin}", setting.name);
            problems.add(setting.origin.problem(what, "declare it once, in a part that both roles list"));
        }
    }
}
