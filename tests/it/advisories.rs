//! Advisories as an operator uses them: a snapshot that was carried in, against what a generation was made from.
//! The records in `tests/fixtures/advisories` have the shapes of OSV's databases; what they tell is made up.
//! Not here: ranges and orders (`src/mirror/advisories`).

use crate::project::Project;
use crate::upstream::Reply;
use pnda::mirror::advisories::order::Order;
use pnda::words::digest::Sha256;
use std::io::Write;
use std::process::Command;

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

/// A package of the source openssl, made by the real dpkg-deb; the source has a version of its own.
fn debian_package(project: &Project) -> Option<Vec<u8>> {
    let control = "Package: libssl3\nSource: openssl (3.0.11-1~deb12u1)\nVersion: 3.0.11-1~deb12u1+b1\n\
        Architecture: amd64\nMaintainer: nobody <nobody@packages.example>\nDescription: made for a test\n";
    std::fs::create_dir_all(project.path("deb/DEBIAN")).unwrap();
    std::fs::write(project.path("deb/DEBIAN/control"), control).unwrap();
    let mut command = Command::new("dpkg-deb");
    let output = command.args(["--build", "--root-owner-group"]).args([project.path("deb"), project.path("x.deb")]);
    match output.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            left_out!("advisories of Debian packages: dpkg-deb: {error}");
            return None;
        }
    }
    Some(std::fs::read(project.path("x.deb")).unwrap())
}

#[test]
fn a_debian_package_is_known_by_its_source() {
    let project = Project::new();
    let Some(package) = debian_package(&project) else { return };
    let (name, sha256) = ("libssl3_3.0.11-1~deb12u1+b1_amd64.deb", Sha256::of(&package));
    project.manifest(&format!(
        "[[file]]\nid = \"ssl\"\nurls = [\"$UP/{name}\"]\nsha256 = \"{sha256}\"\npath = \"mirror_misc/{name}\"\n"
    ));
    project.upstream.on(&format!("/{name}"), [Reply::bytes(package.as_slice())]);
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(0, "published generation 1");
    let advisories = format!("mirror advisories --mirror mirror --from {RECORDS}/debian.json");
    let told = "Debian:12 openssl 3.0.11-1~deb12u1: DSA-0003-1; fixed in 3.0.11-1~deb12u2";
    project.run(&advisories).says(3, told);
    project.run(&format!("{advisories} --debian 12 --fail-on low")).says(0, told);
    project.run(&format!("{advisories} --debian 13")).says(0, "0 findings for 1 packages");
}

#[test]
fn debian_versions_are_in_the_order_of_dpkg() {
    let versions = [
        "0", "1", "1.0", "1.0~", "1.0~~a", "1.0a", "1.0+b1", "1.0-1", "1.0-1.1", "1.0-1~x", "1.01", "1.10", "1:0", "a",
    ];
    for one in versions {
        for other in versions {
            let ours = Order::Debian.compare(one, other).unwrap();
            let relation = if ours.is_lt() {
                "lt"
            } else if ours.is_gt() {
                "gt"
            } else {
                "eq"
            };
            match Command::new("dpkg").args(["--compare-versions", one, relation, other]).output() {
                Ok(output) => assert!(output.status.success(), "{one} {relation} {other}"),
                Err(error) => return left_out!("Debian's order of versions: dpkg: {error}"),
            }
        }
    }
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
