//! Classes that are there twice: in the package and in the target, or in two jars of the package.
//! Which copy runs depends on the name; the same bytes harm nobody.
//! Not here: whether what runs has what is referred to (`scan`).

use super::finding::{Finding, many};
use super::jar::Jar;
use super::scan::dotted;
use super::target::{Target, is_parent_first};
use super::world::World;
use flink::Severity;
use std::collections::BTreeMap;

const FLINK: &str = "org/apache/flink/";
/// Java packages and classes that are named; more are counted.
const SAMPLES: usize = 3;

/// What becomes of the package's copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// They are never loaded, and are Flink's own.
    Flinks,
    /// They are never loaded, and are of a library that Flink shares with jobs.
    Shared,
    /// They are loaded instead of the target's.
    Own,
}

/// Everything that the package and the target both have.
pub fn with_target(world: &World<'_>, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(usize, &str, Fate), Vec<&str>> = BTreeMap::new();
    for (class, at) in world.classes() {
        let Some(other) = world.target.jar(class) else { continue };
        let fate = match class {
            class if class.starts_with(FLINK) => Fate::Flinks,
            class if is_parent_first(class) => Fate::Shared,
            _ => Fate::Own,
        };
        groups.entry((at, &other.name, fate)).or_default().push(class);
    }
    for ((at, other, fate), mut classes) in groups {
        classes.sort_unstable();
        findings.push(group(&world.jars[at], world.target, other, fate, &classes));
    }
}

fn group(jar: &Jar, target: &Target, other: &str, fate: Fate, classes: &[&str]) -> Finding {
    let differs = |class: &&&str| target.jar(class).is_none_or(|theirs| theirs.sum(class) != jar.sum(class));
    let differing: Vec<&str> = classes.iter().filter(differs).copied().collect();
    let shown = if differing.is_empty() { classes } else { &differing };
    let both =
        format!("{} of it {} in {other} too: {}", many(classes.len(), "class"), are(classes.len()), named(shown));
    let (severity, what, remedy) = match fate {
        _ if differing.is_empty() => {
            (Severity::Note, format!("{both}; they are the same, and harm nobody"), LEAVE_OUT.to_owned())
        }
        Fate::Own => {
            let what = format!("{both}; the package's own are used");
            (Severity::Note, what, "this is harmless unless objects of them go from the program to Flink".to_owned())
        }
        Fate::Shared => (Severity::Warning, format!("{both}; those of {other} are used"), LEAVE_OUT.to_owned()),
        Fate::Flinks => {
            let what = format!(
                "{both}; {} differ{}, and those of {other} are used",
                differing.len(),
                if differing.len() == 1 { "s" } else { "" }
            );
            let severity = if of_the_line(jar, target) { Severity::Warning } else { Severity::Error };
            (severity, what, "set the scope of Flink's own parts to `provided`, and build again".to_owned())
        }
    };
    Finding { severity, jar: jar.name.clone(), class: dotted(shown[0]), what, remedy }
}

const LEAVE_OUT: &str = "they can be left out of the jar: set the scope of their artifact to `provided`";

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// Whether all parts of Flink that a jar says it is made of are of the target's line of releases.
fn of_the_line(jar: &Jar, target: &Target) -> bool {
    let Some(line) = target.version.map(|version| version.line()) else { return false };
    let begin = format!("{}.{}.", line.0, line.1);
    let flinks = jar.artifacts().iter().filter(|part| part.group == "org.apache.flink" && !part.version.contains('-'));
    let mut versions = flinks.map(|part| part.version.starts_with(&begin)).peekable();
    versions.peek().is_some() && versions.all(|fits| fits)
}

/// Java packages with how many classes each, then the first classes.
fn named(classes: &[&str]) -> String {
    let mut packages: BTreeMap<String, usize> = BTreeMap::new();
    for class in classes {
        let folder = class.rsplit_once('/').map_or("", |(folder, _)| folder);
        let parts: Vec<&str> = folder.split('/').take(4).collect();
        *packages.entry(dotted(&parts.join("/"))).or_default() += 1;
    }
    let mut listed: Vec<String> =
        packages.iter().take(SAMPLES).map(|(name, count)| format!("{name} ({count})")).collect();
    if packages.len() > SAMPLES {
        listed.push(format!("{} more Java packages", packages.len() - SAMPLES));
    }
    listed.join(", ")
}

/// Classes that several jars of the package have in different versions; only one of each is used.
pub fn within(world: &World<'_>, findings: &mut Vec<Finding>) {
    let mut groups: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
    for (at, jar) in world.jars.iter().enumerate() {
        for class in jar.classes() {
            let first = world.owner(class).filter(|first| *first != at);
            let Some(first) = first.filter(|first| world.jars[*first].sum(class) != jar.sum(class)) else { continue };
            groups.entry((first, at)).or_default().push(class);
        }
    }
    for ((first, at), mut classes) in groups {
        classes.sort_unstable();
        let what = format!(
            "{} of it {} in {} too, and different: {}",
            many(classes.len(), "class"),
            are(classes.len()),
            world.jars[first].name,
            named(&classes)
        );
        let remedy = "which one is used depends on the order of the jars: pack each class once".to_owned();
        let jar = world.jars[at].name.clone();
        findings.push(Finding { severity: Severity::Warning, jar, class: dotted(classes[0]), what, remedy });
    }
}
