//! Whether the connectors and other parts of Flink that a package brings are built for the line that will run them.
//! They say it themselves: `3.4.0-1.20` is version 3.4.0 for Flink 1.20, and `flink-avro` has Flink's own version.
//! Not here: whether what they refer to is there (`scan`).

use super::finding::Finding;
use super::jar::{Artifact, Jar};
use flink::Severity;
use std::collections::BTreeSet;
use words::flink::Version;
use words::shown::shown;

/// Looks at what the jars say they are made of, or are named for.
pub fn judge(jars: &[Jar], version: Version, findings: &mut Vec<Finding>) {
    for jar in jars {
        let named = named(&jar.name);
        let parts: BTreeSet<&Artifact> = jar.artifacts().iter().chain(&named).filter(|part| is_flinks(part)).collect();
        findings.extend(parts.into_iter().filter_map(|part| of_part(jar, part, version)));
    }
}

fn is_flinks(part: &Artifact) -> bool {
    part.group == "org.apache.flink" && part.name.starts_with("flink-") && !part.name.starts_with("flink-shaded-")
}

/// The artifact that a jar is named for.
fn named(jar: &str) -> Option<Artifact> {
    let name = jar.rsplit('/').next()?.strip_suffix(".jar")?;
    let at = name
        .match_indices('-')
        .map(|(at, _)| at)
        .find(|at| name[at + 1..].starts_with(|c: char| c.is_ascii_digit()))?;
    let (name, version) = (name[..at].to_owned(), name[at + 1..].to_owned());
    Some(Artifact { group: "org.apache.flink".to_owned(), name, version })
        .filter(|part| part.name.starts_with("flink-connector-"))
}

/// The line of Flink that a version names: the one after its dash, or its own where it has none.
fn line(version: &str) -> Option<((u32, u32), bool)> {
    let of = |text: &str| {
        let mut numbers = text.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    match version.rsplit_once('-') {
        Some((_, suffix)) => of(suffix).map(|line| (line, true)),
        None => of(version).map(|line| (line, false)),
    }
}

fn of_part(jar: &Jar, part: &Artifact, version: Version) -> Option<Finding> {
    let (line, suffixed) = line(&part.version)?;
    let (major, minor) = version.line();
    let severity = match line {
        (theirs, _) if theirs != major && part.name.starts_with("flink-connector-") => Severity::Error,
        (theirs, _) if theirs != major => Severity::Warning,
        (_, theirs) if theirs > minor => Severity::Warning,
        _ => return None,
    };
    let (name, theirs) = (shown(&part.name), shown(&part.version));
    let what = format!(
        "it brings {name} {theirs}, which is built for Flink {}.{}, and Flink {version} runs it",
        line.0, line.1
    );
    let remedy = match suffixed {
        true => format!(
            "take the version of {name} that ends with -{major}.{minor}, or with the nearest earlier line of Flink {major}"
        ),
        false => format!(
            "take one that is built for Flink {major}.{minor}, or for the nearest earlier line of Flink {major}; it may have another name now"
        ),
    };
    Some(Finding { severity, jar: jar.name.clone(), class: String::new(), what, remedy })
}
