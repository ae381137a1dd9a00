//! A configuration file as Flink reads it: keys, values and their lines, in either syntax.
//! `flink-conf.yaml` is read line by line as Flink up to 1.20 does, which is no YAML; `config.yaml` is YAML (`yaml`).
//! Not here: what the keys mean.

use super::{Findings, yaml};
use std::collections::BTreeMap;
use words::flink::ConfigurationFile;
use words::problem::{Origin, Source};

/// So many keys are read of one file; real ones have some dozens.
const MOST_ENTRIES: usize = 10_000;

/// The syntax of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `flink-conf.yaml`.
    Lines,
    /// `config.yaml`.
    Yaml,
}

impl Syntax {
    /// The name of the file that has it.
    pub fn name(self) -> &'static str {
        match self {
            Syntax::Lines => ConfigurationFile::Lines.name(),
            Syntax::Yaml => ConfigurationFile::Yaml.name(),
        }
    }
}

impl From<ConfigurationFile> for Syntax {
    fn from(file: ConfigurationFile) -> Syntax {
        match file {
            ConfigurationFile::Lines => Syntax::Lines,
            ConfigurationFile::Yaml => Syntax::Yaml,
        }
    }
}

/// One key with its value, as text: Flink keeps them so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// How it was written, where YAML made another text of it.
    pub(super) written: Option<String>,
    pub(super) origin: Origin,
}

/// Everything that a file sets, each key once as Flink ends up with it; what is wrong with the text is noted.
pub(super) fn read(source: Source<'_>, syntax: Syntax, findings: &mut Findings) -> Vec<Entry> {
    let mut entries = match syntax {
        Syntax::Lines => lines(source, findings),
        Syntax::Yaml => yaml::read(source, findings),
    };
    if entries.len() > MOST_ENTRIES {
        let what = format!("the file has {} keys: only {MOST_ENTRIES} are looked at", entries.len());
        findings.warning(&Origin::of_file(source.file), "", what, "is it Flink's configuration?");
        entries.truncate(MOST_ENTRIES);
    }
    once(entries, syntax, findings)
}

/// Flink's own reader: a line is cut at the first `#`, then at the first `: `.
fn lines(source: Source<'_>, findings: &mut Findings) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (at, text) in source.text.lines().enumerate() {
        let origin = Origin { file: source.file.to_owned(), line: Some(at + 1) };
        let (code, comment) = text.split_once('#').map_or((text, None), |(code, comment)| (code, Some(comment)));
        let line = code.trim();
        if line.is_empty() {
            continue;
        }
        // A line that ends with its colon has lost the blank behind it to the trimming.
        match line.split_once(": ").map(|(key, value)| (key.trim(), value.trim())) {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                if comment.is_some() && !code.ends_with(char::is_whitespace) {
                    let what = format!("the value of `{key}` ends before the `#`: Flink takes the rest as a comment");
                    findings.warning(
                        &origin,
                        key,
                        what,
                        "in this file a value cannot hold a `#`; write config.yaml if it must",
                    );
                }
                quotes(key, value, &origin, findings);
                entries.push(Entry { key: key.to_owned(), value: value.to_owned(), written: None, origin });
            }
            _ => skipped(line, &origin, findings),
        }
    }
    entries
}

/// What Flink skips with a warning in its log that nobody reads.
fn skipped(line: &str, origin: &Origin, findings: &mut Findings) {
    let shown: String = line.chars().take(60).collect();
    let what = format!("`{shown}` is not `key: value`: Flink skips the line");
    let remedy = match line.strip_suffix(':') {
        Some(_) => "this file is not YAML: write each key whole, as in `a.b.c: value`, or leave the line out",
        None if line.contains(':') => "write a blank behind the colon",
        None => "write `key: value`, or put a # before it",
    };
    findings.warning(origin, "", what, remedy);
}

/// Quotes stay part of the value here.
fn quotes(key: &str, value: &str, origin: &Origin, findings: &mut Findings) {
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    if quoted('"') || quoted('\'') {
        let what = format!("the quotes around the value of `{key}` are part of it: this file is not YAML");
        findings.warning(origin, key, what, "leave the quotes out");
    }
}

/// Of a key that is written twice Flink keeps the last in lines; YAML refuses it within one mapping, which `yaml` tells,
/// and otherwise keeps the last that it comes to.
fn once(entries: Vec<Entry>, syntax: Syntax, findings: &mut Findings) -> Vec<Entry> {
    let mut last: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        let Some(first) = last.get(&entry.key).and_then(|at| kept.get_mut(*at)) else {
            last.insert(entry.key.clone(), kept.len());
            kept.push(entry);
            continue;
        };
        let what = format!("`{}` is set twice, first at {}", entry.key, first.origin);
        match syntax {
            Syntax::Lines => {
                findings.warning(&entry.origin, &entry.key, what, "Flink takes this one: remove the other")
            }
            Syntax::Yaml => {
                findings.warning(&entry.origin, &entry.key, what, "which one Flink takes is not said: keep one")
            }
        }
        *first = entry;
    }
    kept
}
