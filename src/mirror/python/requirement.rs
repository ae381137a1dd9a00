//! One requirement as PEP 508 writes it: a project, extras, versions, and when it applies.
//! Texts come from strangers, so their length and nesting are bounded before they are parsed.
//! Not here: what satisfies it.

use super::filename::normalise;
use pep440_rs::{Operator, Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerEnvironment, MarkerTree, VerbatimUrl, VersionOrUrl};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use words::names::Word;

/// Longer than any requirement that is meant to be read.
const MOST_BYTES: usize = 4096;
/// More comparisons in one marker than anybody writes; each could double the work of the parser.
const MOST_TERMS: usize = 64;
/// Deeper parentheses than anybody writes.
const MOST_DEPTH: usize = 16;

/// A requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The project, normalised.
    pub project: Word,
    /// The extras that come with it.
    pub extras: BTreeSet<ExtraName>,
    /// The versions that satisfy it.
    pub versions: VersionSpecifiers,
    marker: MarkerTree,
}

/// A text that is no requirement that we can satisfy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no requirement that an index can satisfy: {why}")]
pub struct BadRequirement {
    text: String,
    why: String,
}

impl Requirement {
    /// Reads `tool[extra]>=1,<2 ; python_version < '3.12'`.
    pub fn parse(text: &str) -> Result<Requirement, BadRequirement> {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
        let bad = |why: &str| BadRequirement { text: shown.clone(), why: why.to_owned() };
        if let Some(why) = refuse(text) {
            return Err(bad(why));
        }
        let parsed: pep508_rs::Requirement<VerbatimUrl> =
            FromStr::from_str(text).map_err(|error: pep508_rs::Pep508Error| bad(&first_line(&error)))?;
        let versions = match parsed.version_or_url {
            None => VersionSpecifiers::empty(),
            Some(VersionOrUrl::VersionSpecifier(versions)) => versions,
            Some(VersionOrUrl::Url(_)) => return Err(bad("it names an address instead of versions")),
        };
        let project = normalise(parsed.name.as_ref()).map_err(|error| bad(&error.to_string()))?;
        Ok(Requirement { project, extras: parsed.extras.into_iter().collect(), versions, marker: parsed.marker })
    }

    /// Whether it holds in an environment, for somebody who was asked for with these extras.
    pub fn applies(&self, environment: &MarkerEnvironment, extras: &BTreeSet<ExtraName>) -> bool {
        let extras: Vec<ExtraName> = extras.iter().cloned().collect();
        self.marker.evaluate(environment, &extras)
    }

    /// Whether it names this one version, which allows even what was withdrawn.
    pub fn pins(&self, version: &Version) -> bool {
        let exact = |operator: &Operator| matches!(operator, Operator::Equal | Operator::ExactEqual);
        self.versions.iter().any(|one| exact(one.operator()) && one.contains(version))
    }

    /// Whether it names one version, whichever.
    pub fn is_pin(&self) -> bool {
        self.versions.iter().any(|one| matches!(one.operator(), Operator::Equal | Operator::ExactEqual))
    }

    /// Whether it bounds versions from above.
    pub fn has_upper_bound(&self) -> bool {
        let upper = |operator: &Operator| {
            matches!(
                operator,
                Operator::LessThan | Operator::LessThanEqual | Operator::TildeEqual | Operator::EqualStar
            )
        };
        self.is_pin() || self.versions.iter().any(|one| upper(one.operator()))
    }

    /// Whether it asks for pre-releases by naming one.
    pub fn names_prerelease(&self) -> bool {
        self.versions.iter().any(|one| one.any_prerelease())
    }
}

fn refuse(text: &str) -> Option<&'static str> {
    if text.len() > MOST_BYTES {
        return Some("it is too long");
    }
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t') {
        return Some("only plain ASCII is allowed");
    }
    // The parser panics at a name that something follows and that ends otherwise.
    let names = text.split(['<', '>', '=', '!', '~', ';', '@', '(']).next().unwrap_or_default();
    if names.split(|c: char| !is_of_name(c)).any(|name| name.ends_with(['.', '-', '_'])) {
        return Some("a name ends with a letter or a digit");
    }
    let mut depth = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MOST_DEPTH {
            return Some("its parentheses are nested too deep");
        }
    }
    let terms = text.split_whitespace().filter(|word| matches!(*word, "and" | "or")).count();
    (terms > MOST_TERMS).then_some("its marker compares too much")
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// What the parser says, without the drawing below it.
fn first_line(error: &pep508_rs::Pep508Error) -> String {
    error.message.to_string().lines().next().unwrap_or_default().to_owned()
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.project.fmt(out)?;
        let extras: Vec<&str> = self.extras.iter().map(AsRef::as_ref).collect();
        if !extras.is_empty() {
            write!(out, "[{}]", extras.join(","))?;
        }
        let versions: Vec<String> = self.versions.iter().map(ToString::to_string).collect();
        out.write_str(&versions.join(","))?;
        match self.marker.try_to_string() {
            Some(marker) => write!(out, " ; {marker}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_read_and_written() {
        let read = Requirement::parse("Big_Tool [Fast] >=1.0, <2 ; python_version < \"3.12\"").unwrap();
        assert_eq!(read.to_string(), "big-tool[fast]>=1.0,<2 ; python_full_version < '3.12'");
        assert!(read.has_upper_bound() && !read.is_pin());
        let pin = Requirement::parse("tool==1.0").unwrap();
        assert!(pin.is_pin() && pin.pins(&"1.0.0".parse().unwrap()) && !pin.pins(&"1.1".parse().unwrap()));
    }

    #[test]
    fn garbage_is_refused_and_nothing_breaks() {
        let deep = format!("tool ; {}python_version < '3'{}", "(".repeat(200), ")".repeat(200));
        let many = format!("tool ; {}", vec!["python_version < '3'"; 80].join(" or "));
        let long = format!("tool>={}", "1".repeat(5000));
        for text in [
            "",
            "tool>=",
            "tool ; python_version <",
            "tool ; nonsense == 'x'",
            "tool ; (((",
            "tool @ https://a.example/tool.whl",
            "tool @ file:///etc/passwd",
            "tоol",
            "tool\n>=1",
            "-e .",
            "tool. >=1",
            "tool-;",
            "tool[extra.]",
            "tool[a, b_ ]>=1",
            "tool>=99999999999999999999999999",
            &deep,
            &many,
            &long,
        ] {
            assert!(Requirement::parse(text).is_err(), "{text}");
        }
    }
}
