//! TOML documents that people write, read so that every mistake is found and told at once, with its line.
//! A table is a list of fields that are taken out one by one; what nobody takes is an unknown key.
//! Not here: what any field means.

use crate::words::problem::{Problem, Problems, Source, nearest};
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where something was written: a file and its line, or an argument of the command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// The file as the user named it.
    pub(super) file: String,
    /// Its line; none for the whole file or an argument.
    pub(super) line: Option<usize>,
}

impl Origin {
    /// The file as a whole.
    pub(super) fn of_file(file: &str) -> Origin {
        Origin { file: file.to_owned(), line: None }
    }

    /// A mistake that was written here.
    pub(super) fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line: self.line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}", self.file),
            None => out.write_str(&self.file),
        }
    }
}

/// A text and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// A single value as TOML writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

/// A value and where it was written.
pub(super) type Given = (Raw, Origin);

/// One table whose fields are taken out by name.
pub(super) struct Fields<'a> {
    source: Source<'a>,
    what: String,
    origin: Origin,
    rest: BTreeMap<String, (Origin, Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The whole document; none if it is no TOML, which is then noted.
    pub(super) fn document(source: Source<'a>, problems: &mut Problems) -> Option<Fields<'a>> {
        let (table, errors) = DeTable::parse_recoverable(source.text);
        for error in &errors {
            problems.add(source.toml_problem(error));
        }
        let origin = Origin::of_file(source.file);
        errors.is_empty().then(|| Fields::of(source, "the document".into(), origin, table.into_inner()))
    }

    fn of(source: Source<'a>, what: String, origin: Origin, table: DeTable<'a>) -> Fields<'a> {
        let field = |(key, value): (Spanned<std::borrow::Cow<'a, str>>, Spanned<DeValue<'a>>)| {
            let line = Some(source.line(key.span().start));
            (key.into_inner().into_owned(), (Origin { file: source.file.to_owned(), line }, value))
        };
        Fields { source, what, origin, rest: table.into_iter().map(field).collect(), known: Vec::new() }
    }

    /// Where this table begins.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    fn take(&mut self, key: &'static str) -> Option<(Origin, Spanned<DeValue<'a>>)> {
        self.known.push(key);
        self.rest.remove(key)
    }

    /// A single value of any kind.
    pub(super) fn value(&mut self, key: &'static str, problems: &mut Problems) -> Option<Given> {
        let (origin, value) = self.take(key)?;
        match raw(value.get_ref()) {
            Some(raw) => Some((raw, origin)),
            None => {
                problems.add(origin.problem(format!("`{key}` is not a single value"), ONE_VALUE));
                None
            }
        }
    }

    /// A text that may be absent.
    pub(super) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<Text> {
        match self.value(key, problems)? {
            (Raw::Text(text), origin) => Some(Text { text, origin }),
            (_, origin) => {
                problems.add(origin.problem(format!("`{key}` is not a text"), format!("write {key} = \"…\"")));
                None
            }
        }
    }

    /// A text that must be there; an empty one stands in for it so that reading goes on.
    pub(super) fn needed(&mut self, key: &'static str, problems: &mut Problems) -> Text {
        let present = self.rest.contains_key(key);
        let text = self.text(key, problems);
        if !present {
            let what = format!("{} has no `{key}`", self.what);
            problems.add(self.origin.problem(what, format!("add {key} = \"…\"")));
        }
        text.unwrap_or_else(|| Text { text: String::new(), origin: self.origin.clone() })
    }

    /// A text that must be there and mean something.
    pub(super) fn parsed<T, E: fmt::Display>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let present = self.rest.contains_key(key);
        let text = self.needed(key, problems);
        let parsed = parse(&text.text);
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                if present {
                    problems.add(text.origin.problem(error.to_string(), ""));
                }
                None
            }
        }
    }

    /// A truth value; absent means no.
    pub(super) fn flag(&mut self, key: &'static str, problems: &mut Problems) -> bool {
        match self.value(key, problems) {
            Some((Raw::Boolean(flag), _)) => flag,
            None => false,
            Some((_, origin)) => {
                problems.add(origin.problem(format!("`{key}` is neither true nor false"), ""));
                false
            }
        }
    }

    /// A list of texts; absent means empty.
    pub(super) fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Text> {
        let Some((origin, value)) = self.take(key) else { return Vec::new() };
        let DeValue::Array(list) = value.into_inner() else {
            problems.add(origin.problem(format!("`{key}` is not a list"), format!("write {key} = [\"…\"]")));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in list {
            let line = Some(self.source.line(item.span().start));
            let origin = Origin { file: origin.file.clone(), line };
            match raw(item.get_ref()) {
                Some(Raw::Text(text)) => texts.push(Text { text, origin }),
                _ => problems.add(origin.problem(format!("an entry of `{key}` is not a text"), "")),
            }
        }
        texts
    }

    /// A table below this one; absent is an empty one.
    pub(super) fn table(&mut self, key: &'static str, problems: &mut Problems) -> Option<Fields<'a>> {
        let (origin, value) = self.take(key)?;
        match value.into_inner() {
            DeValue::Table(table) => Some(Fields::of(self.source, format!("[{key}]"), origin, table)),
            _ => {
                problems.add(origin.problem(format!("`{key}` is not a table"), format!("write [{key}]")));
                None
            }
        }
    }

    /// The tables of a list `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str, problems: &mut Problems) -> Vec<Fields<'a>> {
        let Some((origin, value)) = self.take(key) else { return Vec::new() };
        let mut tables = Vec::new();
        let DeValue::Array(list) = value.into_inner() else {
            problems.add(origin.problem(format!("`{key}` is not a list of tables"), format!("write [[{key}]]")));
            return tables;
        };
        for item in list {
            let line = Some(self.source.line(item.span().start));
            let origin = Origin { file: origin.file.clone(), line };
            match item.into_inner() {
                DeValue::Table(table) => {
                    tables.push(Fields::of(self.source, format!("[[{key}]]"), origin, table));
                }
                _ => problems.add(origin.problem(format!("an entry of `{key}` is not a table"), "")),
            }
        }
        tables
    }

    /// All that is left, with dotted names: `[a] b = 1`, `a.b = 1` and `"a.b" = 1` are the same setting.
    pub(super) fn flattened(mut self, problems: &mut Problems) -> BTreeMap<String, Given> {
        let mut flat = BTreeMap::new();
        for (key, (origin, value)) in std::mem::take(&mut self.rest) {
            flatten(self.source, key, origin, value, &mut flat, problems);
        }
        flat
    }

    /// Notes every key that nobody took.
    pub(super) fn finish(self, problems: &mut Problems) {
        for (key, (origin, _)) in &self.rest {
            let remedy = match nearest(key, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.known.join(", ")),
            };
            problems.add(origin.problem(format!("{} has an unknown key `{key}`", self.what), remedy));
        }
    }
}

const ONE_VALUE: &str = "write a text, a whole number, true or false";

fn raw(value: &DeValue<'_>) -> Option<Raw> {
    match value {
        DeValue::String(text) => Some(Raw::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Raw::Integer),
        DeValue::Boolean(flag) => Some(Raw::Boolean(*flag)),
        _ => None,
    }
}

fn flatten(
    source: Source<'_>,
    name: String,
    origin: Origin,
    value: Spanned<DeValue<'_>>,
    flat: &mut BTreeMap<String, Given>,
    problems: &mut Problems,
) {
    if let DeValue::Table(table) = value.get_ref() {
        for (key, value) in table {
            let origin = Origin { file: origin.file.clone(), line: Some(source.line(key.span().start)) };
            flatten(source, format!("{name}.{}", key.get_ref()), origin, value.clone(), flat, problems);
        }
        return;
    }
    match raw(value.get_ref()) {
        None => problems.add(origin.problem(format!("setting `{name}` is not a single value"), ONE_VALUE)),
        Some(raw) => {
            if let Some((_, first)) = flat.insert(name.clone(), (raw, origin.clone())) {
                problems.add(origin.problem(format!("setting `{name}` is given twice, first at {first}"), "keep one"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, read: impl Fn(&mut Fields<'_>, &mut Problems)) -> String {
        let mut problems = Problems::default();
        if let Some(mut fields) = Fields::document(Source { file: "a.toml", text }, &mut problems) {
            read(&mut fields, &mut problems);
            fields.finish(&mut problems);
        }
        problems.into_result(()).map_or_else(|problems| problems.to_string(), |()| String::new())
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let told = read("nmae = \"x\"\nsize = \"a\"\n[sub]\nb = 1\n", |fields, problems| {
            fields.needed("name", problems);
            fields.flag("size", problems);
            fields.texts("sub", problems);
        });
        let expected = "a.toml: the document has no `name`\n    add name = \"…\"\n\
            a.toml:1: the document has an unknown key `nmae`\n    did you mean `name`?\n\
            a.toml:2: `size` is neither true nor false\n\
            a.toml:3: `sub` is not a list\n    write sub = [\"…\"]";
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        assert!(read("x = 1\ny = = 2\n", |_, _| {}).starts_with("a.toml:2: "));
    }

    #[test]
    fn a_dotted_name_can_be_written_in_three_ways() {
        let text = "[settings]\na.b = 1\n\"a.c\" = true\n[settings.a.d]\ne = \"x\"\n";
        let mut problems = Problems::default();
        let mut fields = Fields::document(Source { file: "a.toml", text }, &mut problems).unwrap();
        let flat = fields.table("settings", &mut problems).unwrap().flattened(&mut problems);
        let names: Vec<_> = flat.iter().map(|(name, (_, origin))| format!("{name} {origin}")).collect();
        assert_eq!(names, ["a.b a.toml:2", "a.c a.toml:3", "a.d.e a.toml:5"]);
    }
}
