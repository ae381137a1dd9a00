//! What others named reaches a terminal as marks: no sequence that it would obey, nothing hidden, no line of theirs.
//! Held over the types that refuse names, and over whole runs of the program against hostile registries and files.
//! Not here: which names are refused, which the types' own tests say.

use crate::project::{Project, Ran};
use crate::upstream::Reply;
use pnda::mirror::openpgp::Fingerprint;
use pnda::words::digest::{Sha1, Sha256};
use pnda::words::flink;
use pnda::words::location::Location;
use pnda::words::names::{Host, NodePath, SafePath, Word};
use std::error::Error;
use std::fs;

/// The window's title, a colour in two ways, a direction that is turned, a character of no width, and a line of its own.
const EVIL: &str = "x\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}1m\u{202e}gpj.\u{200b}\r\npnda: all is well";

fn is_hidden(c: &char) -> bool {
    c.is_control() || ['\u{202e}', '\u{200b}'].contains(c)
}

#[test]
fn every_type_that_refuses_a_name_says_it_on_one_line_of_marks() {
    fn refused<T, E: Error>(read: Result<T, E>) -> String {
        read.err().expect("it is refused").to_string()
    }
    let told = [
        refused(Word::new(EVIL)),
        refused(Host::new(EVIL)),
        refused(SafePath::new(EVIL)),
        refused(NodePath::new(format!("/{EVIL}"))),
        refused(EVIL.parse::<Sha256>()),
        refused(EVIL.parse::<Sha1>()),
        refused(EVIL.parse::<flink::Version>()),
        refused(Location::parse(&format!("gopher://{EVIL}"))),
        refused(Fingerprint::new(EVIL)),
    ];
    for text in told {
        assert!(!text.chars().any(|c| is_hidden(&c)), "{text:?}");
    }
}

/// A run that fails, and says nothing that a terminal would obey: only its own line ends are there.
fn says_marks(ran: Ran, part: &str) {
    let code = if ran.code == 2 { 2 } else { 1 };
    let ran = ran.says(code, part);
    let said = format!("{}{}", ran.out, ran.err);
    let hidden: String = said.chars().filter(|c| is_hidden(c) && *c != '\n').collect();
    assert!(hidden.is_empty(), "{hidden:?} in {said:?}");
    assert!(!said.lines().any(|line| line.starts_with("pnda: all is well")), "{said}");
}

#[test]
fn an_index_of_python_cannot_write_to_the_terminal() {
    let project = Project::new();
    project.manifest(
        "[[pypi]]\nid = \"tool\"\npackage = \"tool==1.0\"\nwheel = { python = \"py3\", platform = \"any\" }\n",
    );
    let name = serde_json::Value::String(format!("tool-1.0-py3-none-any.whl{EVIL}"));
    let page =
        format!(r#"{{"files":[{{"filename":{name},"url":"../../files/{{}}","size":1,"hashes":{{"sha256":"00"}}}}]}}"#);
    project.upstream.on("/simple/tool/", [Reply::bytes(page)]);
    says_marks(project.run("mirror lock"), "tool");
}

#[test]
fn a_registry_of_maven_cannot_write_to_the_terminal() {
    let project = Project::new();
    project.manifest("[[maven]]\nid = \"app\"\nroots = [\"g:a:1.0\"]\n");
    let evil = EVIL.replace(['\u{1b}', '\u{7}'], "");
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>a</artifactId><version>1.0</version>\
         <dependencies><dependency><groupId>g</groupId><artifactId>{evil}</artifactId><version>{evil}</version>\
         </dependency></dependencies></project>"
    );
    project.maven("g/a/1.0/a-1.0.pom", pom.as_bytes()).maven("g/a/1.0/a-1.0.jar", b"jar");
    says_marks(project.run("mirror lock"), "");
}

#[test]
fn neither_a_manifest_nor_a_cluster_can_write_to_the_terminal() {
    let project = Project::new();
    let escaped = |text: &str| text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect::<String>();
    project.manifest(&format!("[[file]]\nid = \"{0}\"\nurls = [\"{0}\"]\npath = \"{0}\"\n", escaped(EVIL)));
    says_marks(project.run("mirror lock"), "m.toml:");
    let cluster = format!("name = \"{0}\"\nmirror.url = \"{0}\"\nflavor = \"{0}\"\n\"{0}\" = 1\n", escaped(EVIL));
    fs::write(project.path("c.toml"), cluster).unwrap();
    says_marks(project.run("cluster check c.toml"), "c.toml:");
}
