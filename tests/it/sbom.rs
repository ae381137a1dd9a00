//! Bills of materials and licences as the program prints them; the schema is that of CycloneDX's own validator.
//! The validator is a Python package; where no index gives it, that part is left out.
//! Not here: what goes into a bill (`src/mirror/sbom`).

use crate::project::Project;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const MANIFEST: &str = r#"
[[maven]]
id = "app"
roots = ["g:a:1.0"]

[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }

[[assembly]]
id = "flink"
path = "flink-1.20.5.tar.gz"
[[assembly.take]]
from = "tool"
"#;

/// A wheel with this metadata.
fn wheel(metadata: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("tool-1.0.dist-info/METADATA", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(metadata.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

fn pom(artifact: &str, rest: &str) -> Vec<u8> {
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>{artifact}</artifactId>\
         <version>1.0</version>{rest}</project>"
    )
    .into_bytes()
}

fn project() -> Project {
    let project = Project::new();
    let metadata = "Metadata-Version: 2.4\nName: tool\nVersion: 1.0\nLicense-Expression: MIT OR BSD-3-Clause\n";
    project.manifest(MANIFEST).pypi("tool", "tool-1.0-py3-none-any.whl", &wheel(metadata));
    let dependency = "<dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><version>1.0</version>\
        </dependency></dependencies>";
    let parent = "<parent><groupId>g</groupId><artifactId>p</artifactId><version>1.0</version></parent>";
    let licence = |name: &str| format!("<licenses><license><name>{name}</name></license></licenses>");
    project.maven("g/a/1.0/a-1.0.pom", &pom("a", &format!("{parent}{dependency}"))).maven("g/a/1.0/a-1.0.jar", b"a");
    let apache = licence("The Apache License, Version 2.0");
    project.maven("g/p/1.0/p-1.0.pom", &pom("p", &format!("<packaging>pom</packaging>{apache}")));
    project.maven("g/b/1.0/b-1.0.pom", &pom("b", "")).maven("g/b/1.0/b-1.0.jar", b"b");
    project.run("mirror lock").says(0, "locked 6");
    project.run("mirror build").says(0, "published generation 1");
    project
}

#[test]
fn a_bill_is_printed_as_it_was_published_and_is_the_same_each_time() {
    let project = project();
    let printed = project.run("mirror sbom --mirror mirror").says(0, "\"specVersion\": \"1.6\"").out;
    assert_eq!(printed, project.read("mirror/current/sbom/generation.cdx.json"));
    let role =
        project.run("mirror sbom --mirror mirror --role flink-client --format cyclonedx").says(0, "role-flink-client");
    assert!(role.out.contains("flink-1.20.5.tar.gz") && role.out.contains("pkg:pypi/tool@1.0"), "{}", role.out);
    assert!(!role.out.contains("pkg:maven/"), "{}", role.out);
    project.run("mirror sbom --mirror mirror --role edge").says(2, "its roles are agent, applications, flink-client");
    std::fs::rename(project.path("mirror"), project.path("first")).unwrap();
    project.run("mirror build").says(0, "published generation 1");
    assert_eq!(project.read("mirror/current/generation.toml"), project.read("first/current/generation.toml"));
}

#[test]
fn a_bill_that_was_changed_is_not_printed() {
    let project = project();
    std::fs::write(project.path("mirror/current/sbom/generation.cdx.json"), "{}").unwrap();
    project.run("mirror sbom --mirror mirror").says(3, "is not as listed");
    project.run("mirror licences --mirror mirror").says(3, "is not as listed");
}

#[test]
fn licences_are_listed_with_what_is_under_them() {
    let project = project();
    let told = project.run("mirror licences --mirror mirror");
    assert_eq!(
        told.out,
        "    2  Apache-2.0\n         g:a 1.0\n         g:p 1.0\n    1  MIT OR BSD-3-Clause\n         tool 1.0\n    \
             1  (no licence named)\n         g:b 1.0\n"
    );
    project.run("mirror licences --mirror mirror --json").says(0, "\"unknown\": [\n    \"g:b 1.0\"");
}

#[test]
fn every_bill_follows_the_schema_of_cyclonedx() {
    let project = project();
    let Some(modules) = validator() else { return };
    let script = "import pathlib, sys\n\
        from cyclonedx.schema import SchemaVersion\n\
        from cyclonedx.validation.json import JsonStrictValidator\n\
        for path in sys.argv[1:]:\n    \
            error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(pathlib.Path(path).read_text())\n    \
            if error: sys.exit(f'{path}: {error}')\n\
        print('valid', len(sys.argv) - 1)";
    let bills = std::fs::read_dir(project.path("mirror/current/sbom")).unwrap();
    let bill = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    let bills: Vec<PathBuf> = bills.map(|entry| entry.unwrap().path()).filter(bill).collect();
    let output = python(&modules).arg("-c").arg(script).args(&bills).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&text).trim(), format!("valid {}", bills.len()));
    assert!(bills.len() > 3, "the generation and the roles");
}

/// The folder of Python modules with the validator, made once; they come from whichever index the machine's pip uses.
fn validator() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cyclonedx");
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let has = || run(python(&folder).args(["-c", "import cyclonedx, jsonschema"]));
    let package = "cyclonedx-python-lib[json-validation]==11.12.0";
    let install =
        || run(Command::new("python3").args(["-m", "pip", "install", "--quiet", "--target"]).arg(&folder).arg(package));
    if let Err(why) = has().or_else(|_| install()) {
        left_out!("bills of materials against CycloneDX's schema: {}", why.lines().last().unwrap_or_default());
        return None;
    }
    Some(folder)
}

fn python(modules: &Path) -> Command {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", modules);
    command
}
