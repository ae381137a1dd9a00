//! Advisories as an operator uses them: a snapshot that was carried in, against what a generation was made from.
//! The records in `tests/fixtures/advisories` have the shapes of OSV's databases; what they tell is made up.
//! Not here: ranges and orders (`src/mirror/advisories`).

use crate::project::Project;
use std::io::Write;

const MANIFEST: &str = r#"
[[maven]]
id = "app"
roots = ["org.example:parser:1.11.3"]

[[pypi]]
id = "tool"
package = "Example_Tool==2.0.1"
wheel = { python = "py3", platform = "any" }
"#;

const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/advisories");

fn project() -> Project {
    let project = Project::new();
    let pom = "<project><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId>\
        <artifactId>parser</artifactId><version>1.11.3</version></project>";
    project.manifest(MANIFEST).pypi("example-tool", "example_tool-2.0.1-py3-none-any.whl", b"wheel");
    let base = "org/example/parser/1.11.3/parser-1.11.3";
    project.maven(&format!("{base}.pom"), pom.as_bytes()).maven(&format!("{base}.jar"), b"jar");
    project.run("mirror lock").says(0, "locked 3");
    project.run("mirror build").says(0, "published generation 1");
    project
}

#[test]
fn what_is_known_of_a_generation_is_told_the_worst_first() {
    let project = project();
    let told = project.run(&format!("mirror advisories --mirror mirror --from {RECORDS}"));
    assert_eq!(
        (told.code, told.out.as_str()),
        (
            3,
            "critical  Maven org.example:parser 1.11.3: GHSA-xxxx-0001-test (CVE-2024-00001); fixed in 1.11.4\n\
            \x20         Code is run while a schema is parsed\n\
            \x20         because app > org.example:parser:1.11.3\n\
            medium    PyPI example-tool 2.0.1: PYSEC-2024-0002 (CVE-2024-00002); no fix known\n\
            \x20         Paths in archives are not checked\n\
            \x20         because tool > example-tool==2.0.1\n\
            generation 1: 2 findings for 2 packages, from 4 advisories\n"
        )
    );
    assert!(told.err.contains("1 of 5 files are no advisories"), "{}", told.err);
}

#[test]
fn only_what_is_bad_enough_fails() {
    let project = project();
    let medium = format!("mirror advisories --mirror mirror --from {RECORDS}/pypi.json --fail-on");
    for (severity, code) in [("any", 3), ("medium", 3), ("high", 0), ("critical", 0)] {
        project.run(&format!("{medium} {severity}")).says(code, "1 findings for 2 packages");
    }
    project.run(&format!("{medium} bad")).says(2, "`bad` is no severity");
}

#[test]
fn a_zip_is_read_like_a_folder() {
    let project = project();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(project.path("all.zip")).unwrap());
    for name in ["maven", "pypi", "debian"] {
        zip.start_file(format!("{name}.json"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(format!("{RECORDS}/{name}.json")).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    let told = project.run("mirror advisories --mirror mirror --from all.zip --json").says(3, "\"advisories\": 3");
    let json: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(json["findings"][0]["fixed"], "1.11.4");
    assert_eq!(json["findings"][0]["severity"], "critical");
}

#[test]
fn a_plain_copy_at_another_site_is_enough() {
    let project = project();
    std::fs::rename(project.path("mirror/generations/1"), project.path("copy")).unwrap();
    for gone in ["mirror", "store", "manifests"] {
        std::fs::remove_dir_all(project.path(gone)).unwrap();
    }
    project.run(&format!("mirror advisories --mirror copy --from {RECORDS}")).says(3, "2 findings");
    project.run("mirror licences --mirror copy").says(0, "no licence named");
    project.run("mirror list --mirror copy").says(0, "* ");
    project.run("mirror verify --mirror copy").says(0, "as listed");
}

#[test]
fn hostile_snapshots_are_told_and_bounded() {
    let project = project();
    let folder = project.path("snapshot");
    std::fs::create_dir(&folder).unwrap();
    let advisories = "mirror advisories --mirror mirror --from snapshot";
    project.run(advisories).says(1, "holds no advisory: give a folder or a zip");
    std::fs::write(folder.join("deep.json"), "[".repeat(200_000)).unwrap();
    std::fs::write(folder.join("kind.json"), r#"{"id": 7}"#).unwrap();
    std::fs::write(folder.join("long.json"), vec![b' '; (16 << 20) + 1]).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("endless.json")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("circle")).unwrap();
    project.run(advisories).says(0, "3 of 3 files are no advisories");
    std::fs::write(project.path("no.zip"), "no zip").unwrap();
    project.run("mirror advisories --mirror mirror --from no.zip").says(1, "is no zip of advisories");
    project.run("mirror advisories --mirror mirror --from nowhere").says(1, "cannot read nowhere");
}
