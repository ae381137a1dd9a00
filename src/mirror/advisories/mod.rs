//! Known vulnerabilities of what a generation was made from: a snapshot of advisories in OSV's format against its lock.
//! Nothing is asked of any network; the snapshot is a folder or a zip that somebody carried in.
//! Not here: whether a vulnerability can be reached in a particular installation.

use super::lock::{Artifact, Chain, Chains};
use super::purl::Purl;
use osv::{Affected, Record};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use words::names::SafePath;

mod cvss;
pub mod debian;
pub mod order;
pub mod osv;
pub mod snapshot;

use order::Order;

/// How bad an advisory says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not say, or not in a way that is understood here.
    Unknown,
    Low,
    Medium,
    High,
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Severity::Unknown => "unknown",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        })
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Severity, String> {
        match text.to_ascii_lowercase().as_str() {
            "any" | "unknown" => Ok(Severity::Unknown),
            "low" => Ok(Severity::Low),
            "medium" | "moderate" => Ok(Severity::Medium),
            "high" => Ok(Severity::High),
            "critical" => Ok(Severity::Critical),
            _ => Err(format!("`{text}` is no severity: they are any, low, medium, high and critical")),
        }
    }
}

/// One package in one version, as its ecosystem knows it, and the artifacts that are it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// How its versions are ordered, which is also where it belongs.
    pub order: Order,
    /// Its name in the ecosystem: a Debian package's is that of its source.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it is in the lock, and why.
    pub artifacts: Vec<(SafePath, Chains)>,
}

/// The packages of a lock that an ecosystem knows; POMs are no code. A Debian package is known by its source, which
/// `source_of` may tell.
pub fn packages(artifacts: &[Artifact], source_of: impl Fn(&Artifact) -> Option<debian::Source>) -> Vec<Package> {
    let mut packages: BTreeMap<(Order, String, String), Package> = BTreeMap::new();
    for artifact in artifacts {
        let purl = Purl::of(artifact);
        let Some((order, version)) = Order::of_kind(purl.kind).zip(purl.version.clone()) else { continue };
        if purl.is_pom() {
            continue;
        }
        let (mut name, mut version) = (purl.full_name(), version);
        if order == Order::Debian
            && let Some(source) = source_of(artifact)
        {
            name = source.name;
            version = source.version.unwrap_or(version);
        }
        let key = (order, order.name(&name), version.clone());
        let package = packages.entry(key).or_insert_with_key(|(order, name, version)| Package {
            order: *order,
            name: name.clone(),
            version: version.clone(),
            artifacts: Vec::new(),
        });
        package.artifacts.push((artifact.address.clone(), artifact.because.clone()));
    }
    packages.into_values().collect()
}

/// One advisory that applies to one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The advisory's id.
    pub id: String,
    /// What else it is called, as CVE-2024-1.
    pub aliases: Vec<String>,
    /// The ecosystem, as the advisory names it.
    pub ecosystem: String,
    /// The package's name there.
    pub package: String,
    /// The version that is on the mirror.
    pub version: String,
    /// The first later version in which it is mended, if there is one.
    pub fixed: Option<String>,
    /// In a sentence.
    pub summary: String,
    /// Where the package is in the lock.
    pub artifacts: Vec<SafePath>,
    /// Why it is there.
    pub because: Vec<String>,
}

/// Holds advisories against packages, one after the other.
pub struct Matcher<'a> {
    by_name: BTreeMap<(Order, &'a str), Vec<&'a Package>>,
    /// The release whose Debian advisories count; all of them without one.
    debian: Option<&'a str>,
    findings: Vec<Finding>,
}

impl<'a> Matcher<'a> {
    /// For these packages; `debian` is the release that Debian packages are of, as in `12`.
    pub fn new(packages: &'a [Package], debian: Option<&'a str>) -> Matcher<'a> {
        let mut by_name: BTreeMap<_, Vec<&Package>> = BTreeMap::new();
        for package in packages {
            by_name.entry((package.order, package.name.as_str())).or_default().push(package);
        }
        Matcher { by_name, debian, findings: Vec::new() }
    }

    /// Takes one advisory.
    pub fn take(&mut self, record: &Record) {
        if record.withdrawn.is_some() {
            return;
        }
        let mut told = BTreeSet::new();
        for affected in &record.affected {
            let Some((order, release)) = affected.order() else { continue };
            if order == Order::Debian && self.debian.is_some() && release.is_some() && release != self.debian {
                continue;
            }
            let name = order.name(&affected.package.name);
            for package in self.by_name.get(&(order, name.as_str())).into_iter().flatten() {
                if affected.includes(order, &package.version)
                    && told.insert((
                        affected.package.ecosystem.as_str(),
                        package.name.as_str(),
                        package.version.as_str(),
                    ))
                {
                    self.findings.push(finding(record, affected, package));
                }
            }
        }
    }

    /// Everything that applies, the worst first.
    pub fn findings(mut self) -> Vec<Finding> {
        self.findings.sort_by(|a, b| {
            (b.severity, &a.package, &a.version, &a.id, &a.ecosystem).cmp(&(
                a.severity,
                &b.package,
                &b.version,
                &b.id,
                &b.ecosystem,
            ))
        });
        self.findings
    }
}

fn finding(record: &Record, affected: &Affected, package: &Package) -> Finding {
    let because: BTreeSet<&Chain> = package.artifacts.iter().flat_map(|(_, because)| because.iter()).collect();
    Finding {
        severity: record.severity(affected),
        id: osv::plain(&record.id),
        aliases: record.aliases.iter().map(|alias| osv::plain(alias)).collect(),
        ecosystem: osv::plain(&affected.package.ecosystem),
        package: package.name.clone(),
        version: package.version.clone(),
        fixed: affected.fixed(package.order, &package.version),
        summary: record.sentence(),
        artifacts: package.artifacts.iter().map(|(address, _)| address.clone()).collect(),
        because: because.into_iter().map(Chain::to_string).collect(),
    }
}

#[cfg(test)]
mod tests;
