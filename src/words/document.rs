//! Reads a TOML document that a person wrote, and collects every mistake with its line instead of stopping at the first.
//! A reader asks a table for the keys it knows; the ones nobody asked for are noted, with the nearest that exist.
//! Not here: what the keys mean.

use super::problem::{Lines, Origin, Problem, Problems, Source, nearest};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use toml::de::{DeTable, DeValue};

/// A text and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Where.
    pub origin: Origin,
}

/// A single value as TOML writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// In quotes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
}

impl Display for Raw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::Text(text) => out.write_str(text),
            Raw::Integer(number) => number.fmt(out),
            Raw::Boolean(flag) => flag.fmt(out),
        }
    }
}

/// A value and where it was written.
pub type Given = (Raw, Origin);

impl Raw {
    const FORM: &'static str = "a text, a whole number, true or false";

    fn of(value: &DeValue<'_>) -> Option<Raw> {
        match value {
            DeValue::String(text) => Some(Raw::Text(text.to_string())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Raw::Integer),
            DeValue::Boolean(flag) => Some(Raw::Boolean(*flag)),
            _ => None,
        }
    }
}

/// So many places where a text is no TOML are told: what comes behind them mostly follows from them.
const MOST_ERRORS: usize = 20;

/// Reads a document that is of no use with mistakes.
pub fn read<T>(source: Source<'_>, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Result<T, Problems> {
    let mut problems = Problems::default();
    match read_noting(source, &mut problems, read) {
        Some(value) => problems.into_result(value),
        None => Err(problems.sorted()),
    }
}

/// Reads a document and notes its mistakes; what could be understood is given back all the same.
pub fn read_noting<T>(
    source: Source<'_>,
    problems: &mut Problems,
    read: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Option<T> {
    let (document, errors) = DeTable::parse_recoverable(source.text);
    if !errors.is_empty() {
        errors.iter().take(MOST_ERRORS).for_each(|error| problems.add(source.toml_problem(error)));
        return None;
    }
    let noted = RefCell::new(std::mem::take(problems));
    let table = document.get_ref();
    let origin = Origin::of_file(source.file);
    let lines = &Lines::of(source);
    let value = Table { lines, table, origin, name: "this file".into(), asked: Vec::new(), problems: &noted }.all(read);
    *problems = noted.into_inner();
    value
}

/// One table of the document.
pub struct Table<'d> {
    lines: &'d Lines<'d>,
    table: &'d DeTable<'d>,
    origin: Origin,
    name: String,
    asked: Vec<&'static str>,
    problems: &'d RefCell<Problems>,
}

impl<'d> Table<'d> {
    /// Where the table begins.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Notes a mistake.
    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().add(problem);
    }

    /// How many mistakes are noted so far.
    pub fn noted(&self) -> usize {
        self.problems.borrow().len()
    }

    /// A single value of any type.
    pub fn value(&mut self, key: &'static str) -> Option<Given> {
        self.typed(key, Raw::FORM, Raw::of)
    }

    /// A text that may be absent.
    pub fn optional(&mut self, key: &'static str) -> Option<Text> {
        let (text, origin) = self.typed(key, "a text in quotes", DeValue::as_str)?;
        Some(Text { text: text.to_owned(), origin })
    }

    /// A text that must be there; the example is what a right line could say.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<Text> {
        if !self.table.contains_key(key) {
            self.missing(key, &format!("\"{example}\""));
        }
        self.optional(key)
    }

    /// A text of a checked type that must be there.
    pub fn parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.required(key, example)?;
        self.check(&text, example, parse)
    }

    /// A text of a checked type that may be absent.
    pub fn optional_parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.optional(key)?;
        self.check(&text, example, parse)
    }

    /// A text as a checked type; a refusal is noted.
    pub fn check<T, E: Display>(
        &self,
        text: &Text,
        example: &str,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let note = |error: E| self.add(text.origin.problem(error.to_string(), format!("for example: {example}")));
        parse(text.text.clone()).map_err(note).ok()
    }

    /// A list of texts; empty if absent.
    pub fn list(&mut self, key: &'static str) -> Vec<Text> {
        let texts = self.entries(key, "a list of texts", DeValue::as_str).into_iter();
        texts.map(|(text, origin)| Text { text: text.to_owned(), origin }).collect()
    }

    /// A list of texts, or that there is none: an empty one may mean something.
    pub fn optional_list(&mut self, key: &'static str) -> Option<Vec<Text>> {
        self.table.contains_key(key).then(|| self.list(key)).or_else(|| {
            self.asked.push(key);
            None
        })
    }

    /// A list of texts that must not be empty.
    pub fn required_list(&mut self, key: &'static str, example: &str) -> Vec<Text> {
        let noted = self.noted();
        let texts = self.list(key);
        if texts.is_empty() && self.noted() == noted {
            self.missing(key, &format!("[\"{example}\"]"));
        }
        texts
    }

    /// `true` or `false`, with what it is when absent.
    pub fn flag(&mut self, key: &'static str, absent: bool) -> bool {
        self.typed(key, "true or false", DeValue::as_bool).map_or(absent, |(flag, _)| flag)
    }

    /// A whole number within bounds that may be absent.
    pub fn number(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let wanted = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let (number, origin) = self.typed(key, &wanted, DeValue::as_integer)?;
        let within = u64::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| bounds.contains(number));
        if within.is_none() {
            self.add(origin.problem(format!("`{key}` is {number}"), format!("write {wanted}")));
        }
        within
    }

    /// The tables of `[[key]]`, in order.
    pub fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Table<'d>) -> T) -> Vec<T> {
        let tables = self.entries(key, &format!("written as [[{key}]]"), DeValue::as_table);
        let name = format!("this [[{key}]]");
        tables.into_iter().map(|(table, origin)| self.inner(table, origin, name.clone()).all(&mut read)).collect()
    }

    /// The table `[key]`, if it is there.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table<'d>) -> T) -> Option<T> {
        let (table, origin) = self.typed(key, &format!("a table, [{key}]"), DeValue::as_table)?;
        Some(self.inner(table, origin, format!("[{key}]")).all(read))
    }

    /// The values of `[key]` by dotted name: `[a] b = 1`, `a.b = 1` and `"a.b" = 1` are the same.
    pub fn settings(&mut self, key: &'static str) -> BTreeMap<String, Given> {
        let mut flat = BTreeMap::new();
        if let Some((table, _)) = self.typed(key, &format!("a table, [{key}]"), DeValue::as_table) {
            self.flatten("", table, &mut flat);
        }
        flat
    }

    fn flatten(&self, above: &str, table: &DeTable<'_>, flat: &mut BTreeMap<String, Given>) {
        for (key, value) in table {
            let name = format!("{above}{}", key.get_ref());
            if let DeValue::Table(table) = value.get_ref() {
                self.flatten(&format!("{name}."), table, flat);
                continue;
            }
            let given = self.understood(&name, self.lines.at(key.span().start), value.get_ref(), Raw::FORM, Raw::of);
            let Some((raw, origin)) = given else { continue };
            if let Some((_, first)) = flat.insert(name.clone(), (raw, origin.clone())) {
                self.add(origin.problem(format!("setting `{name}` is given twice, first at {first}"), "keep one"));
            }
        }
    }

    fn inner(&self, table: &'d DeTable<'d>, origin: Origin, name: String) -> Table<'d> {
        Table { lines: self.lines, table, origin, name, asked: Vec::new(), problems: self.problems }
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'d DeValue<'d>) -> Option<T>,
    ) -> Option<(T, Origin)> {
        self.asked.push(key);
        let (name, value) = self.table.get_key_value(key)?;
        self.understood(key, self.lines.at(name.span().start), value.get_ref(), wanted, read)
    }

    fn entries<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&'d DeValue<'d>) -> Option<T>,
    ) -> Vec<(T, Origin)> {
        let Some((items, _)) = self.typed(key, wanted, DeValue::as_array) else { return Vec::new() };
        let at = |start| self.lines.at(start);
        let items = items.iter().map(|item| self.understood(key, at(item.span().start), item.get_ref(), wanted, &read));
        items.flatten().collect()
    }

    /// A value as the type that is wanted; another is noted.
    fn understood<'v, T>(
        &self,
        key: &str,
        origin: Origin,
        value: &'v DeValue<'v>,
        wanted: &str,
        read: impl FnOnce(&'v DeValue<'v>) -> Option<T>,
    ) -> Option<(T, Origin)> {
        let read = read(value);
        if read.is_none() {
            let what = format!("`{key}` is of type {}", value.type_str());
            self.add(origin.problem(what, format!("it must be {wanted}")));
        }
        Some((read?, origin))
    }

    fn missing(&self, key: &str, example: &str) {
        let what = format!("{} has no `{key}`", self.name);
        self.add(self.origin.problem(what, format!("add a line like {key} = {example}")));
    }

    /// Has the table read, and notes the keys that the reader did not ask for.
    fn all<T>(mut self, read: impl FnOnce(&mut Table<'d>) -> T) -> T {
        let value = read(&mut self);
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let remedy = match nearest(name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.asked.join(", ")),
            };
            let what = format!("{} has an unknown key `{name}`", self.name);
            self.add(self.lines.at(key.span().start).problem(what, remedy));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Word;

    #[test]
    fn a_text_that_is_no_toml_is_told_in_twenty_places_at_most() {
        let text = "[x y]\n".repeat(1000);
        let read = read(Source { file: "a.toml", text: &text }, |_| Some(()));
        assert_eq!(read.unwrap_err().len(), MOST_ERRORS);
    }

    fn check(text: &str, expected: &str) {
        let result = read(Source { file: "a.toml", text }, |table| {
            let name = table.parsed("name", "flink", Word::new);
            let parts = table.list("parts");
            table.tables("thing", |inner| (inner.number("size", 0..=99), inner.flag("big", false)));
            Some((name?, parts))
        });
        assert_eq!(result.map_err(|problems| problems.to_string()).unwrap_err(), expected);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        check(
            "name = \"a b\"\nparst = []\nparts = [1]\n[[thing]]\nsize = -1\nbig = 1\n",
            "a.toml:1: `a b` cannot be used as a name: only letters, digits and . _ + - are allowed\n    for example: flink\n\
             a.toml:2: this file has an unknown key `parst`\n    did you mean `parts`?\n\
             a.toml:3: `parts` is of type integer\n    it must be a list of texts\n\
             a.toml:5: `size` is -1\n    write a whole number from 0 to 99\n\
             a.toml:6: `big` is of type integer\n    it must be true or false",
        );
    }

    #[test]
    fn a_missing_key_names_an_example() {
        check("", "a.toml: this file has no `name`\n    add a line like name = \"flink\"");
    }

    #[test]
    fn broken_toml_is_told_with_its_line() {
        check("name = \n", "a.toml:1: string values must be quoted, expected literal string");
    }

    #[test]
    fn a_number_may_have_underscores() {
        let size = read(Source { file: "a.toml", text: "size = 1_000\n" }, |table| table.number("size", 0..=1000));
        assert_eq!(size, Ok(1000));
    }

    #[test]
    fn a_dotted_name_can_be_written_in_three_ways() {
        let text = "[settings]\na.b = 1\n\"a.c\" = true\n[settings.a.d]\ne = \"x\"\n";
        let flat = read(Source { file: "a.toml", text }, |table| Some(table.settings("settings"))).unwrap();
        let names: Vec<_> = flat.iter().map(|(name, (_, origin))| format!("{name} {origin}")).collect();
        assert_eq!(names, ["a.b a.toml:2", "a.c a.toml:3", "a.d.e a.toml:5"]);
    }
}
