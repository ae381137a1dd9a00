//! `pnda package check`: says everything that is wrong with a package before it is uploaded, for the Flink that will run it.
//! It opens files, lets the room of applications judge, and prints; exit code 2 means that there are mistakes.
//! Not here: any judgement.

use super::failure::{FAILED, Failure, Outcome, USAGE, say, say_json};
use crate::disk::regular::{self, Links};
use crate::words::names::PackageName;
use crate::words::problem::Problem;
use apps::package::classes::{self, Finding, Jars, Severity, Target};
use apps::package::{self, Package};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Seek};
use std::path::PathBuf;
use std::process::ExitCode;

/// What the exit codes of this command mean.
const EXIT_CODES: &str =
    "Exit codes: 0 no mistakes, warnings at most; 1 something cannot be read; 2 mistakes, or wrong usage.";

/// `pnda package`.
#[derive(Subcommand)]
pub enum Command {
    /// Say what is wrong with a package: its files and properties, and what its classes need of Flink and Java.
    Check(Check),
}

/// Options of `pnda package check`.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub struct Check {
    /// The package, NAME-VERSION.tar.gz.
    file: PathBuf,
    /// The Flink that will run it: the folder or archive of its distribution. Without it, classes are not compared.
    #[arg(long, value_name = "FOLDER-OR-ARCHIVE")]
    flink: Option<PathBuf>,
    /// A folder with jars of Hadoop that the program sees as well; may be given several times.
    #[arg(long, value_name = "FOLDER", requires = "flink")]
    hadoop: Vec<PathBuf>,
    /// The Java that will run it.
    #[arg(long, value_name = "N", default_value_t = 17, value_parser = clap::value_parser!(u16).range(8..=99))]
    java: u16,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// Later programs may print more fields than these, and none of these otherwise.
#[derive(Debug, Serialize)]
struct Checked {
    package: String,
    /// The release of Flink that was compared with, if one was.
    flink: Option<String>,
    java: u16,
    /// How many classes the package's jars have.
    classes: usize,
    findings: Vec<Found>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Found {
    /// `error`: it certainly fails; `warning`: it may; `note`: it works.
    severity: String,
    /// The file: of the package, or of one of its components.
    file: String,
    /// The line in it, if there is one.
    line: Option<usize>,
    /// The class; empty if the file is meant.
    class: String,
    what: String,
    remedy: String,
}

/// Runs it.
pub fn run(command: &Command) -> Outcome {
    let Command::Check(arguments) = command;
    let name = arguments.file.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".tar.gz"));
    let wrong = || Failure::new(USAGE, format!("{} is not named NAME-VERSION.tar.gz", arguments.file.display()));
    let name = PackageName::new(name.ok_or_else(wrong)?).map_err(|error| Failure::new(USAGE, error))?;
    let target = match &arguments.flink {
        Some(flink) => Target::open(flink, &arguments.hadoop, arguments.java)?,
        None => Target::of(None, arguments.java, Vec::new(), Vec::new()),
    };
    let checked = check(arguments, &name, &target)?;
    if arguments.json {
        say_json(&checked)?;
    } else {
        for found in &checked.findings {
            say(&found.text())?;
        }
        say(&checked.summary())?;
    }
    Ok(if checked.errors > 0 { ExitCode::from(USAGE) } else { ExitCode::SUCCESS })
}

fn check(arguments: &Check, name: &PackageName, target: &Target) -> Result<Checked, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(FAILED, format!("cannot read {}: {error}", arguments.file.display()));
    let mut file = regular::open(&arguments.file, Links::Follow).map_err(failed)?;
    let (mut findings, mut classes) = (Vec::new(), 0);
    match package::read(name, BufReader::new(&file)) {
        Err(problems) => findings.extend(problems.into_iter().map(|problem| Found::of(Severity::Error, &problem))),
        Ok(package) => {
            findings.extend(package.notes.iter().map(|note| Found::of(Severity::Note, note)));
            file.rewind().map_err(failed)?;
            let jars = classes::jars(name, BufReader::new(&file), target.java).map_err(failed)?;
            classes = jars.values().map(Jars::classes).sum();
            of_components(&package, &jars, target, &mut findings);
        }
    }
    let severities = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| severity.to_string());
    findings.sort_by_key(|found: &Found| severities.iter().position(|one| *one == found.severity));
    let [errors, warnings, notes] = severities.map(|one| findings.iter().filter(|found| found.severity == one).count());
    let flink = target.version.map(|version| version.to_string());
    Ok(Checked { package: name.to_string(), flink, java: target.java, classes, findings, errors, warnings, notes })
}

fn of_components(package: &Package, jars: &BTreeMap<String, Jars>, target: &Target, findings: &mut Vec<Found>) {
    // What the site says is not known here; the server looks again before a start.
    match package::check(package, &BTreeMap::new()) {
        Ok(notes) => findings.extend(notes.iter().map(|note| Found::of(Severity::Note, note))),
        Err(problems) => findings.extend(problems.into_iter().map(|problem| Found::of(Severity::Error, &problem))),
    }
    for (component, found) in classes::check_package(package, jars, target) {
        findings.push(Found::in_class(&component, found));
    }
}

impl Found {
    fn of(severity: Severity, problem: &Problem) -> Found {
        let Problem { origin, what, remedy } = problem.clone();
        let (file, line, class) = (origin.file, origin.line, String::new());
        Found { severity: severity.to_string(), file, line, class, what, remedy }
    }

    fn in_class(component: &str, found: Finding) -> Found {
        let Finding { severity, jar, class, what, remedy } = found;
        Found { severity: severity.to_string(), file: format!("{component}/{jar}"), line: None, class, what, remedy }
    }

    fn text(&self) -> String {
        let line = self.line.map_or_else(String::new, |line| format!(":{line}"));
        let class = if self.class.is_empty() { String::new() } else { format!("{}: ", self.class) };
        let remedy = if self.remedy.is_empty() { String::new() } else { format!("\n    {}", self.remedy) };
        format!("{}{line}: {}: {class}{}{remedy}", self.file, self.severity, self.what)
    }
}

impl Checked {
    fn summary(&self) -> String {
        let many = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
        let counts = [(self.errors, "error"), (self.warnings, "warning"), (self.notes, "note")];
        let found: Vec<String> =
            counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| many(number, word)).collect();
        let found = if found.is_empty() { "nothing to say".to_owned() } else { found.join(", ") };
        let compared = match &self.flink {
            Some(flink) => format!("for Flink {flink} on Java {}", self.java),
            None => format!("for Java {}; name a distribution with --flink to compare classes", self.java),
        };
        format!("{found}: {} with {} classes, {compared}", self.package, self.classes)
    }
}
