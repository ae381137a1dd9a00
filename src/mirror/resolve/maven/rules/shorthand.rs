//! POMs and requests of a test in a line each, and the one place that knows the resolver's interface.
//! `a 1: want b 1 -c` is `g:a:1` that wants `g:b:1` without `g:c`.
//! Not here: the rules.

use super::*;

/// A registry of texts.
pub(super) struct Texts(pub(super) BTreeMap<Coordinate, String>);

impl Poms for Texts {
    fn pom(&self, coordinate: &Coordinate) -> Result<Arc<[u8]>, PomError> {
        assert_eq!(coordinate.extension(), "pom");
        match self.0.get(coordinate).map(String::as_str) {
            Some("broken") => Err(PomError::Other("connection reset".into())),
            Some(text) => Ok(text.as_bytes().into()),
            None => Err(PomError::Missing),
        }
    }

    fn versions(&self, group: &str, artifact: &str) -> Result<Vec<String>, PomError> {
        let versions = self.0.keys().filter(|pom| pom.group() == group && pom.artifact() == artifact);
        Ok(versions.map(|pom| pom.version().to_owned()).collect())
    }
}

pub(super) fn coordinate(artifact: &str, version: &str) -> Coordinate {
    Coordinate::jar("g", artifact, version).unwrap()
}

/// `b 1 runtime optional type=pom -c -x:*` as XML.
pub(super) fn dependency(words: &[&str]) -> String {
    let mut out = format!("<dependency><groupId>g</groupId><artifactId>{}</artifactId>", words[0]);
    let mut exclusions = String::new();
    for (at, word) in words[1..].iter().enumerate() {
        match word.split_once('=') {
            Some((name, value)) => write!(out, "<{name}>{value}</{name}>").unwrap(),
            None if *word == "optional" => out.push_str("<optional>true</optional>"),
            None if word.starts_with('-') => {
                let (group, artifact) = word[1..].split_once(':').unwrap_or(("g", &word[1..]));
                let (group, artifact) =
                    (format!("<groupId>{group}</groupId>"), format!("<artifactId>{artifact}</artifactId>"));
                write!(exclusions, "<exclusion>{group}{artifact}</exclusion>").unwrap();
            }
            None if ["compile", "runtime", "provided", "test", "system", "import"].contains(word) => {
                write!(out, "<scope>{word}</scope>").unwrap();
            }
            None => {
                assert_eq!(at, 0, "{word}");
                write!(out, "<version>{word}</version>").unwrap();
            }
        }
    }
    out + "<exclusions>" + &exclusions + "</exclusions></dependency>"
}

/// The body of a POM from statements.
pub(super) fn body(statements: &str) -> String {
    let (mut managed, mut wanted, mut properties, mut rest) =
        (String::new(), String::new(), String::new(), String::new());
    for statement in statements.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words[0] {
            "want" => wanted += &dependency(&words[1..]),
            "manage" => managed += &dependency(&words[1..]),
            "import" => managed += &dependency(&[words[1], words[2], "type=pom", "import"]),
            "set" => write!(properties, "<{0}>{1}</{0}>", words[1], words.get(2).unwrap_or(&"")).unwrap(),
            "parent" => {
                let (artifact, version) = (words[1], words[2]);
                write!(rest, "<parent><groupId>g</groupId><artifactId>{artifact}</artifactId><version>{version}</version></parent>").unwrap();
            }
            "relocate" => {
                let version = words.get(2).map(|version| format!("<version>{version}</version>")).unwrap_or_default();
                let target = format!("<artifactId>{}</artifactId>{version}", words[1]);
                write!(rest, "<distributionManagement><relocation>{target}</relocation></distributionManagement>")
                    .unwrap();
            }
            "repository" => {
                let (id, url) = (words[1], words[2]);
                write!(rest, "<repositories><repository><id>{id}</id><url>{url}</url></repository></repositories>")
                    .unwrap();
            }
            other => panic!("{other}"),
        }
    }
    let management = format!("<dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement>");
    format!("<properties>{properties}</properties>{management}<dependencies>{wanted}</dependencies>{rest}")
}

/// One POM a line: `artifact version: statement; statement`, or `artifact version: <xml>`, or `broken`.
pub(super) fn texts(lines: &str) -> Texts {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Texts(lines.map(text).collect())
}

pub(super) fn text(line: &str) -> (Coordinate, String) {
    let (name, statements) = line.split_once(':').unwrap();
    let (artifact, version) = name.split_once(' ').unwrap();
    let inner = match statements.trim() {
        "broken" => return (coordinate(artifact, version).pom(), "broken".to_owned()),
        xml if xml.starts_with('<') => xml.to_owned(),
        statements => body(statements),
    };
    let own = format!("<groupId>g</groupId><artifactId>{artifact}</artifactId><version>{version}</version>");
    (coordinate(artifact, version).pom(), format!("<project>{own}{inner}</project>"))
}

/// `a 1, b 2` are roots; `pin`, `bom`, `without` and `alone` do what they say.
pub(super) fn request(roots: &str) -> Request {
    let mut request = Request { roots: vec![], managed: vec![], boms: vec![], exclusions: vec![] };
    for root in roots.split(',') {
        let words: Vec<&str> = root.split_whitespace().collect();
        match words[..] {
            ["pin", artifact, version] => request.managed.push(coordinate(artifact, version)),
            ["bom", artifact, version] => request.boms.push(coordinate(artifact, version)),
            ["without", pattern] => request.exclusions.push(pattern.parse().unwrap()),
            [artifact, version, ref rest @ ..] => {
                let transitive = rest != ["alone"];
                let exclusions = rest.iter().filter(|_| transitive);
                let exclusions = exclusions.map(|word| word[1..].parse::<Pattern>().unwrap()).collect();
                request.roots.push(Root { coordinate: coordinate(artifact, version), exclusions, transitive });
            }
            _ => panic!("{root}"),
        }
    }
    request
}

pub(super) fn closure(roots: &str, lines: &str) -> Result<Closure, Error> {
    Resolver::new(&texts(lines), 17).closure(&request(roots))
}

/// The artifacts as `a 1, b 2`.
pub(super) fn check(roots: &str, lines: &str, expected: &str) {
    let closure = closure(roots, lines).unwrap_or_else(|error| panic!("{error}"));
    let told = |coordinate: &Coordinate| coordinate.to_string().replace("g:", "").replace(':', " ");
    let artifacts: Vec<String> = closure.artifacts.iter().map(|chosen| told(&chosen.coordinate)).collect();
    assert_eq!(artifacts.join(", "), expected);
}

/// The message of a failure.
pub(super) fn refuse(roots: &str, lines: &str, expected: &str) {
    assert_eq!(closure(roots, lines).unwrap_err().to_string(), expected);
}
