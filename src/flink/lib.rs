//! Lint of a Flink configuration file against the very version that will read it: what Flink would refuse, ignore or mistake.
//! Text in, findings out, each with its line and a remedy; the options come from Flink's own catalogue.
//! Not here: printing, or reading the file.

mod catalogue;
mod contradiction;
mod file;
mod folders;
mod java;
mod key;
mod legacy;
pub mod memory;
mod replaced;
#[cfg(test)]
mod tests;
mod value;
mod yaml;
mod yarn;

pub use file::Syntax;

use catalogue::Catalogue;
use file::Entry;
use std::fmt;
use words::flink::Version;
use words::problem::{Origin, Source};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Flink refuses it, or fails over it.
    Error,
    /// Flink ignores it or does otherwise than was meant.
    Warning,
    /// It works, and there is something to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where.
    pub origin: Origin,
    /// How much it matters.
    pub severity: Severity,
    /// The key that it is about; empty if it is the file.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right; may be empty.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.origin, self.severity, self.what)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(out, "\n    {}", self.remedy) }
    }
}

/// All that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        origin: &Origin,
        key: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (key, what, remedy) = (key.to_owned(), what.into(), remedy.into());
        self.0.push(Finding { origin: origin.clone(), severity, key, what, remedy });
    }

    fn error(&mut self, origin: &Origin, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, origin, key, what, remedy);
    }

    fn warning(&mut self, origin: &Origin, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, origin, key, what, remedy);
    }

    fn note(&mut self, origin: &Origin, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Note, origin, key, what, remedy);
    }

    /// In the order of file and line, each once.
    pub fn sorted(mut self) -> Vec<Finding> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

/// Which Flink will read the file, and where it will run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The release of Flink.
    pub version: Version,
    /// The Java that runs it, if it is known.
    pub java: Option<u32>,
    /// Who starts its processes, which decides what the old heap keys mean.
    pub deployment: memory::Deployment,
}

/// The version is older than all that the catalogue knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Flink {0} is older than what can be looked at: name a version from 1.15 on")]
pub struct TooOld(Version);

/// A configuration as it was read, for what is to be computed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// The file as a whole.
    file: Origin,
    entries: Vec<Entry>,
    target: Target,
    line: catalogue::Line,
}

/// The syntax that a file has by its name; files of other names have the one that the version prefers.
pub fn syntax(file: &str, version: Version) -> Syntax {
    match file.rsplit(['/', '\\']).next() {
        Some("flink-conf.yaml") => Syntax::Lines,
        Some("config.yaml") => Syntax::Yaml,
        _ => version.configuration_file().into(),
    }
}

/// Reads a file and says everything that is to be said about it.
pub fn lint(source: Source<'_>, syntax: Syntax, target: Target) -> Result<(Configuration, Vec<Finding>), TooOld> {
    let line = Catalogue::get().line(target.version).ok_or(TooOld(target.version))?;
    let mut findings = Findings::default();
    of_the_file(source.file, syntax, target.version, &mut findings);
    let entries = file::read(source, syntax, &mut findings);
    let configuration = Configuration { file: Origin::of_file(source.file), entries, target, line };
    configuration.judge(syntax, &mut findings);
    Ok((configuration, findings.sorted()))
}

impl Configuration {
    fn judge(&self, syntax: Syntax, findings: &mut Findings) {
        key::judge(self, syntax, findings);
        contradiction::judge(self, findings);
        folders::judge(self, findings);
        yarn::judge(self, findings);
        java::judge(self, findings);
        memory::judge(self, findings);
    }

    /// How many keys the file sets.
    pub fn keys(&self) -> usize {
        self.entries.len()
    }

    /// What the file sets, each key once.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str()))
    }

    /// What the file sets under this very key.
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The same, if this Flink knows the key.
    fn known(&self, key: &str) -> Option<&Entry> {
        self.entry(key).filter(|_| Catalogue::get().option(key, self.line).is_some())
    }

    /// Who sets an option of this Flink: its own key first, then its other names, as Flink looks for it.
    fn setting(&self, key: &str) -> Option<&Entry> {
        let row = Catalogue::get().option(key, self.line)?;
        self.entry(key).or_else(|| row.names.iter().find_map(|(name, _)| self.entry(name)))
    }
}

/// Whether this version reads such a file at all.
fn of_the_file(file: &str, syntax: Syntax, version: Version, findings: &mut Findings) {
    let origin = Origin::of_file(file);
    let (yaml, lines) = (version.line() >= (1, 19), version.line() < (2, 0));
    match syntax {
        Syntax::Yaml if !yaml => {
            let what = format!("Flink {version} does not read config.yaml");
            findings.error(&origin, "", what, "write flink-conf.yaml: one `key: value` a line, no quotes, no nesting");
        }
        Syntax::Lines if !lines => {
            let what = format!("Flink {version} does not read flink-conf.yaml");
            findings.error(&origin, "", what, "write config.yaml, which is YAML: quote what YAML would take apart");
        }
        Syntax::Lines if yaml => {
            let what = format!(
                "Flink {version} reads flink-conf.yaml and then no config.yaml beside it; 2.0 does not read it"
            );
            findings.note(&origin, "", what, "config.yaml is its successor, and is YAML");
        }
        _ => {}
    }
    if !Catalogue::get().knows(version) {
        let line = Catalogue::get().line(version).map_or("", |line| Catalogue::get().name(line));
        let what = format!("Flink {version} is newer than this program: its options are taken to be those of {line}");
        findings.note(&origin, "", what, "");
    }
}
