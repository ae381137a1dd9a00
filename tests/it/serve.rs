//! A served mirror as clients see it: ranges, conditions, listings, nothing outside; curl and pip are the real ones.
//! The server listens on loopback, on a port that the system gives.
//! Not here: what is in the mirror.

use crate::project::Project;
use pnda::mirror::serve::{self, Server};
use std::io::Write;
use std::process::Command;

const MANIFEST: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }
"#;

/// A wheel that pip accepts.
fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut file = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    file("tool.py", "answer = 42\n");
    file("tool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n");
    file("tool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
    file("tool-1.0.dist-info/RECORD", "tool.py,,\n");
    zip.finish().unwrap().into_inner()
}

fn served() -> (Project, Server, String) {
    let project = Project::new();
    project.manifest(MANIFEST).pypi("tool", "tool-1.0-py3-none-any.whl", &wheel());
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(0, "generation 1");
    let server = serve::start(&project.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", server.address);
    (project, server, url)
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["--silent", "--path-as-is"]).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn status(arguments: &[&str]) -> String {
    curl(&[&["--output", "/dev/null", "--write-out", "%{http_code}"], arguments].concat())
}

#[test]
fn ranges_and_conditions_are_honoured() {
    let (_project, _server, url) = served();
    let file = format!("{url}/SHA256SUMS");
    let whole = curl(&[&file]);
    assert_eq!(curl(&["--range", "10-19", &file]), whole[10..20]);
    assert_eq!(status(&["--range", "10-19", &file]), "206");
    let head = curl(&["--head", &file]).to_ascii_lowercase();
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").trim().to_owned();
    assert_eq!(status(&["--header", &format!("if-none-match: {tag}"), &file]), "304");
}

#[test]
fn folders_are_listed_and_nothing_outside_is_given() {
    let (project, _server, url) = served();
    std::fs::write(project.path("mirror/outside"), "secret").unwrap();
    assert!(curl(&[&format!("{url}/")]).contains("<a href=\"mirror%5Fpython/\">mirror_python/</a>"));
    for path in ["/../outside", "/%2e%2e/outside", "/mirror_python/../../outside", "/../"] {
        let answer = curl(&[&format!("{url}{path}")]);
        assert!(!answer.contains("secret") && !answer.contains("outside"), "{path}: {answer}");
    }
    assert_eq!(status(&[&format!("{url}/none")]), "404");
    assert_eq!(status(&["--request", "DELETE", &format!("{url}/SHA256SUMS")]), "405");
}

#[test]
fn a_new_generation_is_seen_at_once() {
    let (project, _server, url) = served();
    project.manifest(&MANIFEST.replace("1.0", "2.0")).pypi("tool", "tool-2.0-py3-none-any.whl", b"newer");
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(0, "published generation 2");
    assert!(curl(&[&format!("{url}/generation.toml")]).contains("number = 2"));
}

#[test]
fn pip_installs_from_the_mirror_alone() {
    let (project, _server, url) = served();
    let target = project.path("target");
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-cache-dir", "--isolated", "--target"])
        .arg(&target)
        .args(["--index-url", &format!("{url}/mirror_python/simple"), "tool"])
        .env_remove("PIP_FIND_LINKS")
        .output();
    match output {
        Ok(output) if output.status.success() => assert!(target.join("tool.py").is_file()),
        Ok(output) if String::from_utf8_lossy(&output.stderr).contains("No module named pip") => {
            left_out!("pip against the mirror: pip is not installed");
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => left_out!("pip against the mirror: {error}"),
    }
}

#[test]
fn a_folder_without_a_mirror_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let error = serve::start(folder.path(), "127.0.0.1:0".parse().unwrap()).err().unwrap().to_string();
    assert!(error.contains("holds no published generation; run `pnda mirror build` first"), "{error}");
}
