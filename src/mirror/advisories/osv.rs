//! One advisory in OSV's format: the parts that say what it is about, which versions it affects, and how bad it is.
//! What else a record holds is not looked at. Records come from anywhere, so their texts are made plain before they are told.
//! Not here: reading a snapshot of them (`snapshot`).

use super::order::Order;
use super::{Severity, cvss};
use serde::{Deserialize, Deserializer};
use std::cmp::Ordering;

/// What is told of a summary.
const LONGEST_SUMMARY: usize = 200;

/// One advisory.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// When it was taken back, if it was.
    pub withdrawn: Option<String>,
    /// What else it is called.
    #[serde(deserialize_with = "or_nothing")]
    pub aliases: Vec<String>,
    summary: String,
    details: String,
    #[serde(deserialize_with = "or_nothing")]
    severity: Vec<Score>,
    /// What it is about.
    #[serde(deserialize_with = "or_nothing")]
    pub affected: Vec<Affected>,
    database_specific: serde_json::Value,
}

/// A CVSS vector.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Score {
    score: String,
}

/// A package and its affected versions.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Affected {
    /// The package.
    pub package: Package,
    #[serde(deserialize_with = "or_nothing")]
    severity: Vec<Score>,
    #[serde(deserialize_with = "or_nothing")]
    ranges: Vec<Range>,
    #[serde(deserialize_with = "or_nothing")]
    versions: Vec<String>,
    database_specific: serde_json::Value,
    ecosystem_specific: serde_json::Value,
}

/// A package of an ecosystem.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Package {
    /// The ecosystem, and behind a colon its release.
    pub ecosystem: String,
    /// The name there.
    pub name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Range {
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "or_nothing")]
    events: Vec<Event>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Event {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// A list that may be written as `null`, as some databases do.
fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Record {
    /// How bad it says it is for one of the things it is about.
    pub(super) fn severity(&self, affected: &Affected) -> Severity {
        let word = |specific: &serde_json::Value| specific.get("severity")?.as_str()?.parse().ok();
        let words = [&affected.database_specific, &affected.ecosystem_specific, &self.database_specific];
        let scores =
            || affected.severity.iter().chain(&self.severity).filter_map(|score| cvss::rating(&score.score)).max();
        words.into_iter().find_map(word).or_else(scores).unwrap_or(Severity::Unknown)
    }

    /// What it says in a sentence: its summary, else where its details begin.
    pub(super) fn sentence(&self) -> String {
        let text = if self.summary.trim().is_empty() { &self.details } else { &self.summary };
        plain(text.trim().lines().next().unwrap_or_default())
    }
}

/// A text of the world as it may be printed: short, and nothing that moves a terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SUMMARY).collect()
}

impl Affected {
    /// The order of its ecosystem, if it is one that is known here, and the release.
    pub(super) fn order(&self) -> Option<(Order, Option<&str>)> {
        let (name, release) = match self.package.ecosystem.split_once(':') {
            Some((name, release)) => (name, Some(release)),
            None => (self.package.ecosystem.as_str(), None),
        };
        Some((Order::of_ecosystem(name)?, release))
    }

    /// Whether a version is affected, as OSV's specification evaluates it.
    pub(super) fn includes(&self, order: Order, version: &str) -> bool {
        let same = |listed: &String| listed == version || order.compare(listed, version) == Some(Ordering::Equal);
        self.versions.iter().any(same) || self.ordered().any(|range| range.includes(order, version))
    }

    /// The first later version that is mended, of the ranges that affect this one.
    pub(super) fn fixed(&self, order: Order, version: &str) -> Option<String> {
        let affecting: Vec<&Range> = self.ordered().filter(|range| range.includes(order, version)).collect();
        let ranges = if affecting.is_empty() { self.ordered().collect() } else { affecting };
        let fixes = ranges.into_iter().flat_map(|range| &range.events).filter_map(|event| event.fixed.as_ref());
        let later = fixes.filter(|fixed| order.compare(fixed, version) == Some(Ordering::Greater));
        later.min_by(|a, b| order.compare(a, b).unwrap_or(Ordering::Equal)).map(|fixed| plain(fixed))
    }

    /// The ranges of versions; those of commits say nothing of a package.
    fn ordered(&self) -> impl Iterator<Item = &Range> {
        self.ranges.iter().filter(|range| range.kind != "GIT")
    }
}

impl Range {
    fn includes(&self, order: Order, version: &str) -> bool {
        let at_or_after = |bound: &str| bound == "0" || order.compare(version, bound).is_some_and(Ordering::is_ge);
        let mut limits = self.events.iter().filter_map(|event| event.limit.as_deref()).peekable();
        let before = |limit: &str| limit == "*" || order.compare(version, limit) == Some(Ordering::Less);
        if limits.peek().is_some() && !limits.any(before) {
            return false;
        }
        let mut events: Vec<&Event> = self.events.iter().filter(|event| event.bound().is_some()).collect();
        events.sort_by(|a, b| a.compare(b, order));
        let mut affected = false;
        for event in events {
            if event.introduced.as_deref().is_some_and(at_or_after) {
                affected = true;
            } else if event.fixed.as_deref().is_some_and(at_or_after)
                || event
                    .last_affected
                    .as_deref()
                    .is_some_and(|last| order.compare(version, last) == Some(Ordering::Greater))
            {
                affected = false;
            }
        }
        affected
    }
}

impl Event {
    fn bound(&self) -> Option<&str> {
        self.introduced.as_deref().or(self.fixed.as_deref()).or(self.last_affected.as_deref())
    }

    /// By version, from nothing on; what has no place in the order stays where it was.
    fn compare(&self, other: &Event, order: Order) -> Ordering {
        match (self.bound().unwrap_or_default(), other.bound().unwrap_or_default()) {
            ("0", "0") => Ordering::Equal,
            ("0", _) => Ordering::Less,
            (_, "0") => Ordering::Greater,
            (one, other) => order.compare(one, other).unwrap_or(Ordering::Equal),
        }
    }
}
