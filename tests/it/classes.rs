//! Classes are looked at by a process of its own.
//! It finds the same, holds to its bounds and cannot take anybody along.
//! Not here: what is looked for.

use crate::scripted_cluster::package;
use pnda::apps::package::classes::apart::{self, Question};
use pnda::apps::package::flink::Program;
use pnda::words::names::{PackageName, SafePath};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

const PACKAGE: &str = "word-count-1.0.0";

/// A release whose only jar has a class that is none.
fn question(folder: &Path) -> Question {
    fs::create_dir_all(folder.join("lib")).unwrap();
    let mut jar = zip::ZipWriter::new(File::create(folder.join("lib/flink-dist-1.20.5.jar")).unwrap());
    jar.start_file("a/B.class", zip::write::SimpleFileOptions::default()).unwrap();
    jar.write_all(b"no class").unwrap();
    jar.finish().unwrap();
    let program = Program::Jar { jar: SafePath::new("count.jar").unwrap(), class: "example.Count".to_owned() };
    let package = PackageName::new(PACKAGE).unwrap();
    Question { package, folder: "flink/count".into(), program, flink: folder.into(), hadoop: Vec::new(), java: 17 }
}

#[test]
fn a_process_of_its_own_finds_the_same_and_its_end_is_told() {
    let agent = Path::new(env!("CARGO_BIN_EXE_pnda-agent"));
    let folder = tempfile::tempdir().unwrap();
    let (question, archive) = (question(folder.path()), package(PACKAGE));
    let found = apart::ask(agent, &question, &*archive);
    assert_eq!(found, apart::look(&question, &*archive));
    assert!(found.unwrap()[0].what.contains("cannot be read as a jar"));

    let gone = Question { flink: folder.path().join("gone"), ..question };
    let why = apart::ask(agent, &gone, &*archive).unwrap_err();
    assert!(why.contains("gone"), "{why}");
    // More than it may hold: a question without an end.
    let endless = Question { folder: "x".repeat(8 << 20), ..gone };
    let why = apart::ask(agent, &endless, &*archive).unwrap_err();
    assert!(why.contains("ended before its time"), "{why}");
    assert!(apart::ask(Path::new("/nowhere/pnda-agent"), &endless, &*archive).is_err());
}
