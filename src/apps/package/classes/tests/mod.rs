//! Tests of the look into jars: class files of a few hundred bytes whose sources lie beside them (`tests/fixtures/classes`).
//! `new` is a target; the programs in `job` were compiled against `old`, which had more.
//! Not here: real distributions of Flink, and what a compiler makes of real programs.

mod found;
mod hostile;

use super::jar::Jar;
use super::{Finding, Jars, Severity, Target, check};
use crate::package::flink::Program;
use std::fs::{self, File};
use std::io::{Cursor, Seek, Write};
use std::path::Path;
use words::names::SafePath;
use zip::write::SimpleFileOptions;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/classes");
const JAVA: u16 = 17;

/// The members of a jar.
pub(crate) type Members = Vec<(String, Vec<u8>)>;

/// The class files below a folder of the fixtures whose paths begin so.
pub(crate) fn classes(folder: &str, begin: &[&str]) -> Members {
    let root = Path::new(FIXTURES).join(folder);
    let (mut folders, mut members) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".class") && begin.iter().any(|begin| name.starts_with(begin)) {
                members.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    members.sort();
    members
}

/// A jar of them.
pub(crate) fn packed(members: &Members) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn jar(name: &str, members: &Members) -> Jar {
    Jar::read(name, file(&packed(members)), JAVA).unwrap()
}

fn target_of(members: &Members) -> Target {
    Target::of(Some("2.0.0".parse().unwrap()), JAVA, vec![jar("flink-dist-2.0.0.jar", members)], Vec::new())
}

fn target() -> Target {
    target_of(&classes("new", &[""]))
}

fn program(class: &str) -> Program {
    Program::Jar { jar: SafePath::new("job.jar").unwrap(), class: class.to_owned() }
}

fn jars(all: Vec<(&str, Vec<u8>)>) -> Jars {
    let mut jars = Jars::default();
    for (name, bytes) in all {
        jars.add(&SafePath::new(name).unwrap(), Jar::read(name, file(&bytes), JAVA));
    }
    jars
}

/// What is found in the programs whose class files begin so, the first of which is the main class.
fn found(main: &str, begin: &[&str]) -> Vec<Finding> {
    check(&program(main), &jars(vec![("job.jar", packed(&classes("job", begin)))]), &target())
}

fn errors(findings: &[Finding]) -> Vec<String> {
    of(findings, Severity::Error)
}

fn of(findings: &[Finding], severity: Severity) -> Vec<String> {
    findings.iter().filter(|finding| finding.severity == severity).map(ToString::to_string).collect()
}
