//! `pnda lint`: says what is wrong with a Flink configuration file, for the very version that will read it.
//! It reads files, lets the cluster room judge, prints, and fails where anything but notes was found.
//! Not here: any judgement.

use super::failure::{Failure, Outcome, USAGE, say, say_json};
use crate::disk::regular::{self, Links};
use crate::flink::memory::{self, Deployment, Model, Process, Refusal};
use crate::flink::{self, Configuration, Finding, Severity, Syntax, Target};
use crate::words::flink::Version;
use crate::words::problem::Source;
use clap::Args;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the exit codes of this command mean.
const EXIT_CODES: &str =
    "Exit codes: 0 nothing but notes; 1 errors or warnings; 2 wrong usage, or a file that cannot be read.";

/// Longer files are no configuration of Flink.
const LONGEST: u64 = 4 << 20;

/// Options of `pnda lint`.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// Configuration files: `flink-conf.yaml` or `config.yaml`; others are taken as what the version reads.
    #[arg(required_unless_present = "schema", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The version that will read them, from 1.15 on, as in 1.20.5 or 2.3.
    #[arg(long, value_name = "VERSION", default_value = "1.20.5", value_parser = version)]
    flink: Version,
    /// The Java that will run it, as in 17.
    #[arg(long, value_name = "N")]
    java: Option<u32>,
    /// Print how each process's memory is divided, and why.
    #[arg(long)]
    explain_memory: bool,
    /// Flink's own scripts start the processes, not YARN: the old heap keys mean something else then.
    #[arg(long)]
    standalone: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of what `--json` prints.
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// A line of releases stands for its first.
fn version(text: &str) -> Result<Version, String> {
    let whole = if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() };
    whole.parse().map_err(|_| format!("`{text}` is not a Flink version: write it as in 1.20.5"))
}

/// Later programs may print more fields than these, and none of these otherwise.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "What `pnda lint` prints with `--json`")]
pub struct Linted {
    /// The version that will read the files.
    flink: String,
    files: Vec<LintedFile>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
struct LintedFile {
    file: String,
    /// How it was read.
    syntax: &'static str,
    /// How many keys it sets.
    keys: usize,
    findings: Vec<Found>,
    /// With `--explain-memory`: both processes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<Memory>,
}

/// One finding.
#[derive(Debug, Serialize, JsonSchema)]
struct Found {
    /// None if the file as a whole is meant.
    line: Option<usize>,
    /// `error`: Flink refuses it; `warning`: Flink ignores or mistakes it; `note`: it works.
    severity: String,
    /// Empty if no key is meant.
    key: String,
    what: String,
    remedy: String,
}

/// The memory of one process: parts, or why there are none.
#[derive(Debug, Serialize, JsonSchema)]
struct Memory {
    process: String,
    parts: Vec<MemoryPart>,
    refused: Option<String>,
}

/// One part.
#[derive(Debug, Serialize, JsonSchema)]
struct MemoryPart {
    /// How deep it lies in the whole, which is 0.
    depth: usize,
    name: String,
    bytes: u64,
    why: String,
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |why: String| Failure::new(USAGE, format!("cannot read {}: {why}", path.display()));
    let mut bytes = Vec::new();
    let file = regular::open(path, Links::Follow).map_err(|error| failed(error.to_string()))?;
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(failed(format!("it has more than {LONGEST} bytes: is it Flink's configuration?")));
    }
    String::from_utf8(bytes).map_err(|error| failed(format!("it is no UTF-8: {}", error.utf8_error())))
}

/// A file with everything that is known of it.
struct Judged {
    file: String,
    syntax: Syntax,
    configuration: Configuration,
    findings: Vec<Finding>,
}

impl Judged {
    fn memory(&self) -> [(Process, Result<Model, Refusal>); 2] {
        [Process::JobManager, Process::TaskManager].map(|process| (process, memory::of(&self.configuration, process)))
    }

    fn json(&self, memory: bool) -> LintedFile {
        let found = |finding: &Finding| Found {
            line: finding.origin.line,
            severity: finding.severity.to_string(),
            key: finding.key.clone(),
            what: finding.what.clone(),
            remedy: finding.remedy.clone(),
        };
        let process = |(process, model): (Process, Result<Model, Refusal>)| Memory {
            process: process.to_string(),
            refused: model.as_ref().err().map(|refusal| refusal.what.clone()),
            parts: model.map_or_else(|_| Vec::new(), |model| model.parts).into_iter().map(MemoryPart::from).collect(),
        };
        LintedFile {
            file: self.file.clone(),
            syntax: self.syntax.name(),
            keys: self.configuration.keys(),
            findings: self.findings.iter().map(found).collect(),
            memory: if memory { self.memory().into_iter().map(process).collect() } else { Vec::new() },
        }
    }
}

impl From<memory::Part> for MemoryPart {
    fn from(part: memory::Part) -> MemoryPart {
        MemoryPart { depth: part.depth, name: part.title.to_owned(), bytes: part.bytes, why: part.why }
    }
}

/// The schema of what `--json` prints; `schemas/pnda-lint.json` is this document, as published.
fn schema() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Linted>()
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    if arguments.schema {
        return say_json(&schema()).map(|()| ExitCode::SUCCESS);
    }
    let deployment = if arguments.standalone { Deployment::Standalone } else { Deployment::Yarn };
    let target = Target { version: arguments.flink, java: arguments.java, deployment };
    let mut all = Vec::new();
    for path in &arguments.files {
        let (file, text) = (path.display().to_string(), read(path)?);
        let syntax = flink::syntax(&file, target.version);
        let source = Source { file: &file, text: &text };
        let (configuration, findings) =
            flink::lint(source, syntax, target).map_err(|error| Failure::new(USAGE, error))?;
        all.push(Judged { file, syntax, configuration, findings });
    }
    let count =
        |severity| all.iter().flat_map(|judged| &judged.findings).filter(|one| one.severity == severity).count();
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Note].map(count);
    if arguments.json {
        let files = all.iter().map(|judged| judged.json(arguments.explain_memory)).collect();
        say_json(&Linted { flink: target.version.to_string(), files, errors, warnings, notes })?;
    } else {
        for judged in &all {
            tell(judged, arguments.explain_memory)?;
        }
        say(&summary([errors, warnings, notes], &all, target.version))?;
    }
    Ok(if errors + warnings > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tell(judged: &Judged, memory: bool) -> Result<(), Failure> {
    for finding in &judged.findings {
        say(&finding.to_string())?;
    }
    for (process, model) in judged.memory().into_iter().filter(|_| memory) {
        say(&match model {
            Ok(model) => format!("\n{}", model.to_string().trim_end()),
            Err(refusal) => format!("\n{process}: would not start: {}\n    {}", refusal.what, refusal.remedy),
        })?;
    }
    if memory { Ok(say("\n")?) } else { Ok(()) }
}

fn summary(counts: [usize; 3], all: &[Judged], version: Version) -> String {
    let keys: usize = all.iter().map(|judged| judged.configuration.keys()).sum();
    let many = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let found: Vec<String> = counts
        .into_iter()
        .zip(["error", "warning", "note"])
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| many(number, word))
        .collect();
    let found = if found.is_empty() { "nothing to say".to_owned() } else { found.join(", ") };
    format!("{found}: {} in {}, as Flink {version} reads them", many(keys, "key"), many(all.len(), "file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster;

    #[test]
    fn the_published_schema_is_that_of_the_program() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/pnda-lint.json");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        let ours = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert!(published == ours, "write it anew with `pnda lint --schema > schemas/pnda-lint.json`");
    }

    #[test]
    fn what_is_taken_without_a_word_is_what_clusters_get() {
        let part = cluster::ROLES.get_file("parts/flink.toml").and_then(|file| file.contents_utf8()).unwrap();
        assert!(part.contains("default = \"1.20.5\""), "the default of --flink is that of the setting");
    }

    #[test]
    fn a_line_of_releases_is_a_version() {
        assert_eq!(version("2.3").unwrap().to_string(), "2.3.0");
        assert_eq!(version("1.20.5").unwrap().to_string(), "1.20.5");
        assert!(version("2").is_err() && version("x.y").is_err());
    }
}
