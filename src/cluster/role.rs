//! Role files: what a node of that role has, as lists that a person reads from top to bottom.
//! A role may list parts, which are lists several roles share; there is no other inheritance.
//! Not here: which node gets the role (`assign`), or what its texts become (`desired`).

use super::item::{ABOUT, Item, LISTS, needed, read_item};
use super::setting::{Declaration, Default};
use super::spec::NodeKind;
use std::collections::{BTreeMap, BTreeSet};
use words::document::{self, Table, Text};
use words::names::Word;
use words::problem::{Origin, Problems, Source, nearest};

/// Where a role goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Placement {
    EveryNode,
    Every(BTreeSet<NodeKind>),
    One(NodeKind),
}

/// A role with everything its parts add.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) about: String,
    pub(super) placement: Placement,
    /// The group that a cluster asks for by its name; none: every cluster has the role.
    pub(super) stack: Option<Text>,
    /// Roles that start before this one where both are on a node.
    pub(super) after: Vec<Text>,
    /// Roles that must answer, on whatever nodes they are, before this one is installed.
    pub(super) needs: Vec<Text>,
    pub(super) lists: Lists,
    pub(super) origin: Origin,
}

impl Role {
    /// Roles that start before this one on the same node.
    pub(super) fn before(&self) -> impl Iterator<Item = &Text> {
        self.after.iter().chain(&self.needs)
    }

    /// Every text that is filled in on a node.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        let derived = self.lists.settings.iter().filter_map(|setting| match &setting.default {
            Some(Default::Derived(text)) => Some(text),
            _ => None,
        });
        derived.chain(self.lists.items.iter().flat_map(Item::texts))
    }
}

/// What a role or a part lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    pub(super) settings: Vec<Declaration>,
    pub(super) items: Vec<Item>,
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
        let about = needed(table, "about", ABOUT).text;
        let placement = table.parsed("placement", "every node", parse_placement);
        let (stack, after, needs) = (table.optional("stack"), table.list("after"), table.list("needs"));
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
        let origin = table.origin().clone();
        Some(Role { about, placement: placement?, stack, after, needs, lists, origin })
    })
}

/// "did you mean", or what else could be done.
pub(super) fn suggestion(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}

fn parse_placement(text: String) -> Result<Placement, String> {
    let placement = match text.split_once(' ') {
        Some(("every", "node")) => Some(Placement::EveryNode),
        Some(("every", kinds)) => {
            let kinds: Option<BTreeSet<NodeKind>> = kinds.split(" or ").map(NodeKind::parse).collect();
            kinds.map(Placement::Every)
        }
        Some(("one", kind)) => NodeKind::parse(kind).map(Placement::One),
        _ => None,
    };
    let kinds = NodeKind::names;
    let forms = "every node, every edge, every edge or manager, one manager; kinds are";
    placement.ok_or_else(|| format!("`{text}` is not a placement: write one as in {forms} {}", kinds()))
}

impl Lists {
    fn read(&mut self, table: &mut Table<'_>) {
        self.settings.extend(table.tables("setting", Declaration::read).into_iter().flatten());
        for (key, read) in LISTS {
            self.items.extend(table.tables(key, |item| read_item(item, read)));
        }
    }
}

/// A role may only come after roles that exist, and never after itself.
fn check_order(roles: &BTreeMap<Word, Role>, problems: &mut Problems) {
    let ranks = ranks(roles);
    for (name, role) in roles {
        for Text { text, origin } in role.before() {
            if !roles.keys().any(|known| known.as_str() == text) {
                let near = nearest(text, roles.keys().map(Word::as_str));
                problems.add(
                    origin
                        .problem(format!("there is no role `{text}`"), suggestion(near, "name a role of this folder")),
                );
            } else if ranks[name.as_str()] >= roles.len() && ranks[text.as_str()] >= roles.len() {
                let what = format!("role `{name}` waits in a circle for `{text}`");
                problems.add(origin.problem(what, "take one of the roles out of an `after` or `needs` list"));
            }
        }
    }
}

/// How many steps of `after` and `needs` lie before each role; as many as there are roles, or more, only in a circle.
pub(super) fn ranks(roles: &BTreeMap<Word, Role>) -> BTreeMap<&str, usize> {
    let mut ranks: BTreeMap<&str, usize> = roles.keys().map(|name| (name.as_str(), 0)).collect();
    // One round more than the longest way without a circle can have.
    for _ in 0..=roles.len() {
        for (name, role) in roles {
            let steps = role.before().filter_map(|before| ranks.get(before.text.as_str())).map(|rank| rank + 1);
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
