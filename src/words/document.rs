//! Reads a TOML document that a person wrote, and collects every mistake with its line instead of stopping at the first.
//! A reader asks a table for the keys it knows; `end` reports the ones nobody asked for, with the nearest that exist.
//! Not here: what the keys mean.

use super::problem::{Problems, Source, nearest};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text with the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Its bytes in the document.
    pub span: Range<usize>,
}

/// Parses a document and hands its top table to `read`; all problems come back together.
pub fn read<T>(source: Source<'_>, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Result<T, Problems> {
    let document = DeTable::parse(source.text).map_err(|error| Problems::from(source.toml_problem(&error)))?;
    let problems = RefCell::new(Problems::default());
    let mut table = Table {
        source,
        table: document.get_ref(),
        span: 0..0,
        name: "this file".into(),
        asked: BTreeSet::new(),
        problems: &problems,
    };
    let value = read(&mut table);
    table.end();
    let problems = problems.into_inner();
    match value {
        Some(value) => problems.into_result(value),
        None => Err(problems.sorted()),
    }
}

/// One table of the document.
pub struct Table<'d> {
    source: Source<'d>,
    table: &'d DeTable<'d>,
    span: Range<usize>,
    name: String,
    asked: BTreeSet<&'static str>,
    problems: &'d RefCell<Problems>,
}

impl<'d> Table<'d> {
    /// Notes a mistake at a place.
    pub fn problem(&self, span: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.borrow_mut().add(self.source.problem(span, what, remedy));
    }

    /// Where the table begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn value(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    fn missing(&self, key: &str, example: &str) {
        self.problem(
            self.span(),
            format!("{} has no `{key}`", self.name),
            format!("add a line like {key} = {example}"),
        );
    }

    /// A text that may be absent.
    pub fn optional(&mut self, key: &'static str) -> Option<Text> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Text { text: text.to_string(), span: value.span() }),
            other => {
                self.wrong_type(value.span(), key, other, "a text in quotes");
                None
            }
        }
    }

    /// A text that must be there; the example is what a right line could say.
    pub fn required(&mut self, key: &'static str, example: &str) -> Option<Text> {
        if self.value(key).is_none() {
            self.missing(key, &format!("\"{example}\""));
        }
        self.optional(key)
    }

    /// A text of a checked type that must be there.
    pub fn parsed<T>(&mut self, key: &'static str, example: &str) -> Option<T>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let text = self.required(key, example)?;
        self.check(&text, example)
    }

    /// A text of a checked type that may be absent.
    pub fn optional_parsed<T>(&mut self, key: &'static str, example: &str) -> Option<T>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let text = self.optional(key)?;
        self.check(&text, example)
    }

    /// A text as a checked type; a refusal is noted.
    pub fn check<T>(&self, text: &Text, example: &str) -> Option<T>
    where
        T: TryFrom<String>,
        T::Error: Display,
    {
        let refused =
            |error: T::Error| self.problem(text.span.clone(), error.to_string(), format!("for example: {example}"));
        T::try_from(text.text.clone()).map_err(refused).ok()
    }

    /// A list of texts; empty if absent.
    pub fn list(&mut self, key: &'static str) -> Vec<Text> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value.span(), key, value.get_ref(), "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Text { text: text.to_string(), span: item.span() }),
                other => self.wrong_type(item.span(), key, other, "a list of texts"),
            }
        }
        texts
    }

    /// A list of texts that must not be empty.
    pub fn required_list(&mut self, key: &'static str, example: &str) -> Vec<Text> {
        let texts = self.list(key);
        if texts.is_empty() && self.table.get(key).is_none_or(|value| value.get_ref().is_array()) {
            self.missing(key, &format!("[\"{example}\"]"));
        }
        texts
    }

    /// `true` or `false`, with what it is when absent.
    pub fn flag(&mut self, key: &'static str, absent: bool) -> bool {
        let Some(value) = self.value(key) else { return absent };
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            other => {
                self.wrong_type(value.span(), key, other, "true or false");
                absent
            }
        }
    }

    /// A whole number from 0 on that may be absent.
    pub fn number(&mut self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(value.span(), key, value.get_ref(), "a whole number from 0 on");
        }
        number
    }

    /// A whole number within bounds that may be absent.
    pub fn number_within(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let number = self.number(key)?;
        if bounds.contains(&number) {
            return Some(number);
        }
        let span = self.value(key)?.span();
        let remedy = format!("write a number from {} to {}", bounds.start(), bounds.end());
        self.problem(span, format!("`{key}` is {number}"), remedy);
        None
    }

    /// The tables of `[[key]]`, in order.
    pub fn tables(&mut self, key: &'static str) -> Vec<Table<'d>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value.span(), key, value.get_ref(), &format!("written as [[{key}]]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(self.inner(table, item.span(), format!("this [[{key}]]"))),
                other => self.wrong_type(item.span(), key, other, &format!("written as [[{key}]]")),
            }
        }
        tables
    }

    /// The table `[key]`, if it is there.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'d>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(self.inner(table, value.span(), format!("[{key}]"))),
            other => {
                self.wrong_type(value.span(), key, other, &format!("a table, [{key}]"));
                None
            }
        }
    }

    fn inner(&self, table: &'d DeTable<'d>, span: Range<usize>, name: String) -> Table<'d> {
        Table { source: self.source, table, span, name, asked: BTreeSet::new(), problems: self.problems }
    }

    fn wrong_type(&self, span: Range<usize>, key: &str, found: &DeValue<'_>, wanted: &str) {
        self.problem(span, format!("`{key}` is of type {}", found.type_str()), format!("it must be {wanted}"));
    }

    /// Reports the keys that nobody asked for.
    pub fn end(&mut self) {
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            if self.asked.contains(name) {
                continue;
            }
            let known = self.asked.iter().copied();
            let remedy = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.collect::<Vec<_>>().join(", ")),
            };
            self.problem(key.span(), format!("{} has an unknown key `{name}`", self.name), remedy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::names::Word;

    fn check(text: &str, expected: &str) {
        let result = read(Source { file: "a.toml", text }, |table| {
            let name = table.parsed::<Word>("name", "flink");
            let parts = table.list("parts");
            for mut inner in table.tables("thing") {
                inner.number("size");
                inner.end();
            }
            Some((name?, parts))
        });
        assert_eq!(result.map_err(|problems| problems.to_string()).unwrap_err(), expected);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        check(
            "name = \"a b\"\nparst = []\nparts = [1]\n[[thing]]\nsize = -1\n",
            "a.toml:1: `a b` cannot be used as a name: only letters, digits and . _ + - are allowed\n    for example: flink\n\
             a.toml:2: this file has an unknown key `parst`\n    did you mean `parts`?\n\
             a.toml:3: `parts` is of type integer\n    it must be a list of texts\n\
             a.toml:5: `size` is of type integer\n    it must be a whole number from 0 on",
        );
    }

    #[test]
    fn a_missing_key_names_an_example() {
        check("", "a.toml:1: this file has no `name`\n    add a line like name = \"flink\"");
    }

    #[test]
    fn broken_toml_is_one_problem() {
        check("name = \n", "a.toml:1: string values must be quoted, expected literal string");
    }
}
