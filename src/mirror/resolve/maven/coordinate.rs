//! Coordinates of Maven artifacts: what they are called and where a Maven repository keeps them.
//! A `Coordinate` was checked, so its path cannot leave the repository; a `Pattern` names what is left out.
//! Not here: which coordinates belong together.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use words::names::{SafePath, Word};

/// One artifact in one version: `group:artifact[:extension[:classifier]]:version`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Coordinate {
    group: Word,
    artifact: Word,
    extension: Word,
    classifier: Option<Word>,
    version: Word,
}

/// A text that is no coordinate or pattern, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}: {why}")]
pub struct BadCoordinate {
    text: String,
    wanted: &'static str,
    why: String,
}

impl BadCoordinate {
    /// What is wrong with it.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl Coordinate {
    /// The jar of a version.
    pub fn jar(group: &str, artifact: &str, version: &str) -> Result<Coordinate, BadCoordinate> {
        Coordinate::new(group, artifact, "jar", "", version)
    }

    /// An artifact of any extension; an empty classifier is none.
    pub fn new(
        group: &str,
        artifact: &str,
        extension: &str,
        classifier: &str,
        version: &str,
    ) -> Result<Coordinate, BadCoordinate> {
        let bad = |why: String| BadCoordinate {
            text: join(group, artifact, extension, classifier, version),
            wanted: "a coordinate",
            why,
        };
        let word = |part: &str, what| Word::new(part).map_err(|why| bad(format!("its {what}: {why}")));
        if group.split('.').any(str::is_empty) {
            return Err(bad("its group has an empty part".to_owned()));
        }
        Ok(Coordinate {
            group: word(group, "group")?,
            artifact: word(artifact, "artifact")?,
            extension: word(extension, "extension")?,
            classifier: if classifier.is_empty() { None } else { Some(word(classifier, "classifier")?) },
            version: word(version, "version")?,
        })
    }

    /// The group, such as `org.apache.flink`.
    pub fn group(&self) -> &str {
        self.group.as_str()
    }

    /// The artifact, such as `flink-avro`.
    pub fn artifact(&self) -> &str {
        self.artifact.as_str()
    }

    /// The version; never a range.
    pub fn version(&self) -> &str {
        self.version.as_str()
    }

    /// The extension of the file, such as `jar`.
    pub fn extension(&self) -> &str {
        self.extension.as_str()
    }

    /// The classifier, such as `tests`.
    pub fn classifier(&self) -> Option<&str> {
        self.classifier.as_ref().map(Word::as_str)
    }

    /// The POM that describes this artifact.
    pub fn pom(&self) -> Coordinate {
        let extension = Word::new("pom").expect("`pom` is a word");
        Coordinate { extension, classifier: None, ..self.clone() }
    }

    /// The place of the file in a repository of Maven's layout.
    pub fn path(&self) -> SafePath {
        let (artifact, version, extension) = (&self.artifact, &self.version, &self.extension);
        let group = self.group().replace('.', "/");
        let classifier = self.classifier().map(|classifier| format!("-{classifier}")).unwrap_or_default();
        let path = format!("{group}/{artifact}/{version}/{artifact}-{version}{classifier}.{extension}");
        SafePath::new(path).expect("words joined by `/` are a safe path")
    }
}

/// Maven's text form; the extension is left out where it says nothing.
fn join(group: &str, artifact: &str, extension: &str, classifier: &str, version: &str) -> String {
    match (extension, classifier) {
        ("jar", "") => format!("{group}:{artifact}:{version}"),
        (_, "") => format!("{group}:{artifact}:{extension}:{version}"),
        _ => format!("{group}:{artifact}:{extension}:{classifier}:{version}"),
    }
}

impl fmt::Display for Coordinate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classifier = self.classifier().unwrap_or_default();
        out.write_str(&join(self.group(), self.artifact(), self.extension(), classifier, self.version()))
    }
}

impl fmt::Debug for Coordinate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Coordinate {
    type Err = BadCoordinate;

    fn from_str(text: &str) -> Result<Coordinate, BadCoordinate> {
        match text.split(':').collect::<Vec<_>>()[..] {
            [group, artifact, version] => Coordinate::jar(group, artifact, version),
            [group, artifact, extension, version] => Coordinate::new(group, artifact, extension, "", version),
            [group, artifact, extension, classifier, version] if !classifier.is_empty() => {
                Coordinate::new(group, artifact, extension, classifier, version)
            }
            _ => Err(BadCoordinate {
                text: text.to_owned(),
                wanted: "a coordinate",
                why: "write group:artifact[:extension[:classifier]]:version".to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for Coordinate {
    type Error = BadCoordinate;

    fn try_from(text: String) -> Result<Coordinate, BadCoordinate> {
        text.parse()
    }
}

impl From<Coordinate> for String {
    fn from(coordinate: Coordinate) -> String {
        coordinate.to_string()
    }
}

/// What is left out: `group:artifact`, each of them or both `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    pub(super) group: String,
    pub(super) artifact: String,
}

impl Pattern {
    /// Leaves out everything.
    pub fn everything() -> Pattern {
        Pattern::of("*", "*")
    }

    /// From the parts of an `<exclusion>`; a part that no artifact can have simply never matches.
    pub(super) fn of(group: &str, artifact: &str) -> Pattern {
        Pattern { group: group.to_owned(), artifact: artifact.to_owned() }
    }

    /// Whether an artifact is meant.
    pub fn matches(&self, group: &str, artifact: &str) -> bool {
        let one = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        one(&self.artifact, artifact) && one(&self.group, group)
    }
}

impl FromStr for Pattern {
    type Err = BadCoordinate;

    fn from_str(text: &str) -> Result<Pattern, BadCoordinate> {
        let bad = |why: String| BadCoordinate { text: text.to_owned(), wanted: "an exclusion", why };
        let (group, artifact) = text.split_once(':').ok_or_else(|| bad("write group:artifact or group:*".into()))?;
        for part in [group, artifact].into_iter().filter(|part| *part != "*") {
            Word::new(part).map_err(|why| bad(why.to_string()))?;
        }
        Ok(Pattern::of(group, artifact))
    }
}

impl TryFrom<String> for Pattern {
    type Error = BadCoordinate;

    fn try_from(text: String) -> Result<Pattern, BadCoordinate> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.group, self.artifact)
    }
}

/// An artifact whatever its version: what mediation chooses one version for. Not checked: a POM may say anything.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) extension: String,
    pub(super) classifier: String,
}

impl Key {
    /// The checked coordinate of one version.
    pub(super) fn at(&self, version: &str) -> Result<Coordinate, BadCoordinate> {
        Coordinate::new(&self.group, &self.artifact, &self.extension, &self.classifier, version)
    }
}

impl From<&Coordinate> for Key {
    fn from(coordinate: &Coordinate) -> Key {
        Key {
            group: coordinate.group().to_owned(),
            artifact: coordinate.artifact().to_owned(),
            extension: coordinate.extension().to_owned(),
            classifier: coordinate.classifier().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.group, self.artifact)?;
        if !self.classifier.is_empty() || self.extension != "jar" {
            write!(out, ":{}", self.extension)?;
        }
        if self.classifier.is_empty() { Ok(()) } else { write!(out, ":{}", self.classifier) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_reads_as_it_is_written() {
        for text in ["org.x:a:1.0", "org.x:a:pom:1.0", "org.x:a:jar:tests:1.0", "org.x:a:tar.gz:bin:1.0-rc+1"] {
            assert_eq!(text.parse::<Coordinate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_coordinate_knows_its_place() {
        let tests: Coordinate = "org.x.y:a-b:jar:tests:1.0".parse().unwrap();
        assert_eq!(tests.path().as_str(), "org/x/y/a-b/1.0/a-b-1.0-tests.jar");
        assert_eq!(tests.pom().path().as_str(), "org/x/y/a-b/1.0/a-b-1.0.pom");
    }

    #[test]
    fn a_coordinate_cannot_leave_the_repository() {
        let hostile = ["a", "a:b", "a:b:", ":b:1", "a..b:c:1", ".a:c:1", "a.:c:1", "../x:b:1", "a:..:1", "a:b/c:1"];
        for text in
            hostile.into_iter().chain(["a:b:..", "a:b:jar::1", "a:b:${v}", "a:b:c:d:e:f", "a:b:1\n", "a:b:[1,2)"])
        {
            assert!(text.parse::<Coordinate>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_may_leave_out_whole_groups() {
        let group: Pattern = "org.x:*".parse().unwrap();
        assert!(group.matches("org.x", "a") && !group.matches("org.x.y", "a"));
        assert!(Pattern::everything().matches("org.x", "a"));
        assert!("org.x".parse::<Pattern>().is_err() && "org x:a".parse::<Pattern>().is_err());
    }
}
