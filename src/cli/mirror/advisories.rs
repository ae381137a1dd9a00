//! `pnda mirror advisories`: a snapshot of advisories against what a generation was made from.
//! Every finding is told; exit code 3 if one is as bad as `--fail-on` or worse.
//! Not here: matching.

use super::sbom::Copy;
use crate::cli::failure::{MISMATCH, Outcome, say, say_json, warn};
use crate::mirror::advisories::{Finding, Matcher, Severity, debian, packages, snapshot};
use crate::mirror::lock::{Artifact, Lock};
use crate::words::digest::Sha256;
use crate::words::generation::LOCK;
use crate::words::names::SafePath;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `pnda mirror advisories`.
#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    copy: Copy,
    /// The snapshot: a folder or a zip with advisories in OSV's format.
    #[arg(long, value_name = "FOLDER or ZIP")]
    from: PathBuf,
    /// From which severity on a finding is a failure: any, low, medium, high or critical; what says no severity counts
    /// for `any` only.
    #[arg(long, value_name = "SEVERITY", default_value = "any")]
    fail_on: Severity,
    /// The release that Debian packages are of, as in 12; without it advisories of every release count.
    #[arg(long, value_name = "RELEASE")]
    debian: Option<String>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Judged<'a> {
    /// The generation.
    generation: u64,
    /// How many packages it was made from.
    packages: usize,
    /// How many advisories the snapshot holds.
    advisories: usize,
    /// How many of its files are none.
    broken: usize,
    /// What applies, the worst first.
    findings: &'a [Finding],
}

/// Runs it.
pub fn run(arguments: &Arguments) -> Outcome {
    let (folder, list) = arguments.copy.list()?;
    let text = Copy::text(&folder, &list, &SafePath::new(LOCK)?, "it was made by an older program; build it anew")?;
    let lock = Lock::parse(&text)?;
    let places: BTreeMap<Sha256, &SafePath> = list.files.iter().map(|(path, listed)| (listed.sha256, path)).collect();
    // A Debian package's source stands in the package, which lies on the mirror under some path.
    let source = |artifact: &Artifact| debian::source(&places.get(&artifact.sha256)?.under(&folder));
    let packages = packages(&lock.artifacts, source);
    let mut matcher = Matcher::new(&packages, arguments.debian.as_deref());
    let read = snapshot::read(&arguments.from, |record| matcher.take(record))?;
    let findings = matcher.findings();
    if read.broken > 0 {
        let named = read.named.join("\n  ");
        warn(&format!(
            "{} of {} files are no advisories, among them\n  {named}",
            read.broken,
            read.broken + read.records
        ))?;
    }
    if arguments.json {
        let (generation, known, advisories, broken) = (list.number, packages.len(), read.records, read.broken);
        say_json(&Judged { generation, packages: known, advisories, broken, findings: &findings })?;
    } else {
        findings.iter().try_for_each(|finding| say(&lines(finding)))?;
        let (number, count, known) = (list.number, findings.len(), packages.len());
        say(&format!("generation {number}: {count} findings for {known} packages, from {} advisories", read.records))?;
    }
    let bad = findings.iter().any(|finding| finding.severity >= arguments.fail_on);
    Ok(if bad { ExitCode::from(MISMATCH) } else { ExitCode::SUCCESS })
}

fn lines(finding: &Finding) -> String {
    let aliases = if finding.aliases.is_empty() { String::new() } else { format!(" ({})", finding.aliases.join(", ")) };
    let fixed = match &finding.fixed {
        Some(version) => format!("fixed in {version}"),
        None => "no fix known".to_owned(),
    };
    let mut text = format!(
        "{:<8}  {} {} {}: {}{aliases}; {fixed}",
        finding.severity, finding.ecosystem, finding.package, finding.version, finding.id
    );
    if !finding.summary.is_empty() {
        text.push_str(&format!("\n          {}", finding.summary));
    }
    finding.because.iter().for_each(|chain| text.push_str(&format!("\n          because {chain}")));
    text
}
