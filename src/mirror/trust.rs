//! Trust: what vouches for each artifact, what a site demands of each source, and which exceptions it made and why.
//! Judging is pure; every breach is told at once.
//! Not here: how a signature or checksum is checked.

use super::lock::{Artifact, Lock};
use super::sources::{Key, Sources};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use words::names::SafePath;

/// What must vouch for an artifact, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nobody: the bytes that came first are the bytes for ever.
    FirstUse,
    /// A checksum that its publisher or its registry gives beside it.
    Checksum,
    /// A signature by a trusted key, of the artifact itself or of the index that holds its digest.
    Signature,
}

/// A text that names none.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no policy: write signature, checksum or first-use")]
pub struct BadPolicy(String);

impl Policy {
    /// Reads a policy as it is written in `sources.toml`.
    pub fn parse(text: &str) -> Result<Policy, BadPolicy> {
        let known = [Policy::FirstUse, Policy::Checksum, Policy::Signature];
        known.into_iter().find(|policy| policy.to_string() == text).ok_or_else(|| BadPolicy(text.to_owned()))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Policy::FirstUse => "first-use",
            Policy::Checksum => "checksum",
            Policy::Signature => "signature",
        })
    }
}

/// An exception that the manifest makes, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The addresses it is for; one `*` stands for any characters.
    pub artifact: String,
    /// What is enough for them.
    pub allows: Policy,
    /// Why, for whoever reads a report.
    pub reason: String,
}

impl Waiver {
    /// Whether it is for this address.
    pub fn covers(&self, address: &SafePath) -> bool {
        words::names::matches(&self.artifact, address.as_str())
    }
}

impl fmt::Display for Waiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} needs no more than {}: {}", self.artifact, self.allows, self.reason)
    }
}

/// One artifact that nobody vouches for as the site demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {found} vouches for it, the policy of {key} demands {demanded}")]
pub struct Breach {
    /// The artifact.
    pub address: SafePath,
    /// Its source.
    pub key: Key,
    /// What vouches for it.
    pub found: Policy,
    /// What should.
    pub demanded: Policy,
}

/// Everything that nobody vouches for as the site demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} artifacts are not vouched for as their sources demand:\n{}\n\
     ask for less in sources.toml (policy), or name the exception in a manifest: \
     [[waiver]] with artifact, allows and reason",
    .0.len(), lines(.0)
)]
pub struct Breaches(pub Vec<Breach>);

fn lines(breaches: &[Breach]) -> String {
    breaches.iter().map(|breach| format!("  {breach}")).collect::<Vec<_>>().join("\n")
}

/// What judging a lock came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What is not as demanded.
    pub breaches: Vec<Breach>,
    /// Artifacts that an exception lets through, with it.
    pub waived: Vec<(SafePath, Waiver)>,
    /// Exceptions that are for nothing.
    pub idle: Vec<Waiver>,
}

impl Judgement {
    /// Nothing is left that nobody vouches for.
    pub fn passed(self) -> Result<Judgement, Breaches> {
        if self.breaches.is_empty() { Ok(self) } else { Err(Breaches(self.breaches)) }
    }

    /// The exceptions that were made, for people.
    pub fn notes(&self) -> Vec<String> {
        let mut counts: BTreeMap<&Waiver, usize> = BTreeMap::new();
        self.waived.iter().for_each(|(_, waiver)| *counts.entry(waiver).or_default() += 1);
        let waived = counts.into_iter().map(|(waiver, count)| format!("waived for {count} artifacts: {waiver}"));
        let idle = self.idle.iter().map(|waiver| format!("a waiver is for nothing: {waiver}"));
        waived.chain(idle).collect()
    }
}

/// Holds every artifact of a lock against the policy of its source.
pub fn judge(lock: &Lock, sources: &Sources) -> Judgement {
    judge_each(&lock.waivers, &lock.artifacts, sources)
}

/// The same, of artifacts that are not held all at once.
pub fn judge_each<A: Borrow<Artifact>>(
    waivers: &[Waiver],
    artifacts: impl IntoIterator<Item = A>,
    sources: &Sources,
) -> Judgement {
    let mut judgement = Judgement { idle: waivers.to_vec(), ..Judgement::default() };
    for artifact in artifacts {
        let artifact = artifact.borrow();
        let Some(breach) = breach(artifact, sources) else { continue };
        let waiver = waivers.iter().find(|waiver| waiver.covers(&artifact.address) && waiver.allows <= breach.found);
        match waiver {
            Some(waiver) => {
                judgement.idle.retain(|idle| idle != waiver);
                judgement.waived.push((artifact.address.clone(), waiver.clone()));
            }
            None => judgement.breaches.push(breach),
        }
    }
    judgement
}

fn breach(artifact: &Artifact, sources: &Sources) -> Option<Breach> {
    let key = artifact.key();
    let demanded = sources.policy(&key).unwrap_or(Policy::Checksum);
    let found = artifact.vouched.strength();
    (found < demanded).then(|| Breach { address: artifact.address.clone(), key, found, demanded })
}
