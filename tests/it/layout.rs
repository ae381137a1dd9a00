//! What PNDA's states read of a mirror, file by file, against a mirror that was built and is served.
//! Paragraphs are those of the contract in `guide/compatibility.md`; each file is read as the state reads it.
//! Not here: what a state does with a file once it has it.

use crate::project::Project;
use crate::site::{Answer, curl};
use crate::upstream::Reply;
use pnda::mirror::serve::{self, Server};
use pnda::words::digest::Sha256;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::Command;

/// Plain files, as sites that come from PNDA have them, and one entry of every other kind.
const FILES: &[&str] = &[
    "deployment-manager-2.0.0.tar.gz",
    "platformlibs-2.0.0-py2.7.egg",
    "mirror_misc/zookeeper-3.4.11.tar.gz",
    "mirror_misc/logstash-6.2.1.tar.gz",
    "mirror_misc/node-v6.17.1-linux-x64.tar.gz",
    "mirror_misc/je-5.0.73.jar",
    "mirror_misc/knox-1.2.0.zip",
    "mirror_misc/jmxproxy-3.2.0.jar",
    "mirror_misc/consul_1.0.3_linux_amd64.zip",
];
const SUMS: &str = "mirror_misc/consul_1.0.3_SHA256SUMS";
const PACKAGES: &str = r#"
[[pypi]]
id = "tool"
package = "tool-box==1.0"
wheel = { python = "py3", platform = "any" }

[[maven]]
id = "app"
roots = ["org.example:app:1.0"]
transitive = false
apps = true

[[assembly]]
id = "flink"
path = "flink-1.20.5.tar.gz"

[[assembly.take]]
from = "tool"
members = "tool_box/"
"#;
const WHEEL: &str = "tool_box-1.0-py3-none-any.whl";
const RPM: &str = "app-2.0-3.noarch.rpm";
const SPEC: &str = "Name: app\nVersion: 2.0\nRelease: 3\nSummary: one of a test\nLicense: MIT\nBuildArch: noarch\n\
                    %description\none of a test\n%files\n";

/// How a state reads a file.
enum Read {
    /// It is unpacked or copied, and nothing is compared.
    Unchecked,
    /// Salt's `source_hash` names a side file, by what its name has more than the file's own.
    Beside(&'static str),
    /// Salt's `source_hash` names this file.
    Listed(&'static str),
}

/// The contract's list: the file, its paragraph, and how a state reads it.
const CONTRACT: &[(&str, &str, Read)] = &[
    ("flink-1.20.5.tar.gz", "1.3", Read::Beside(".sha512.txt")),
    ("deployment-manager-2.0.0.tar.gz", "1.10", Read::Beside(".sha512.txt")),
    ("platformlibs-2.0.0-py2.7.egg", "1.10", Read::Beside(".sha512.txt")),
    ("mirror_misc/zookeeper-3.4.11.tar.gz", "1.4", Read::Beside(".sha1")),
    ("mirror_misc/logstash-6.2.1.tar.gz", "1.4, shipper", Read::Beside(".sha512")),
    ("mirror_misc/logstash-6.2.1.tar.gz", "1.4, server", Read::Beside(".sha1")),
    ("mirror_misc/node-v6.17.1-linux-x64.tar.gz", "1.4", Read::Beside(".sha1.txt")),
    ("mirror_misc/je-5.0.73.jar", "1.4", Read::Beside(".sha512.txt")),
    ("mirror_misc/knox-1.2.0.zip", "1.4", Read::Beside(".sha256")),
    ("mirror_misc/jmxproxy-3.2.0.jar", "1.4", Read::Unchecked),
    ("mirror_misc/consul_1.0.3_linux_amd64.zip", "1.4", Read::Listed(SUMS)),
    ("mirror_apps/app-1.0.jar", "1.8", Read::Unchecked),
    ("mirror_python/packages/tool_box-1.0-py3-none-any.whl", "1.7", Read::Unchecked),
];

fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let metadata = "Metadata-Version: 2.1\nName: tool-box\nVersion: 1.0\n";
    for (name, text) in [("tool_box/bin/run.sh", "#!/bin/sh\n"), ("tool_box-1.0.dist-info/METADATA", metadata)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A project that asks for all of it; `more` goes into its manifest.
fn project(more: &str) -> Project {
    let project = Project::new();
    let mut manifest = format!("{PACKAGES}{more}");
    let consul = FILES.last().unwrap();
    let sums = format!("{}  {}\n", Sha256::of(consul.as_bytes()), consul.rsplit('/').next().unwrap());
    let files = FILES.iter().map(|path| (*path, (*path).to_owned())).chain([(SUMS, sums)]);
    for (at, (path, bytes)) in files.enumerate() {
        let sha256 = Sha256::of(bytes.as_bytes());
        manifest += &format!(
            "[[file]]\nid = \"f{at}\"\nurls = [\"$UP/plain/{path}\"]\npath = \"{path}\"\nsha256 = \"{sha256}\"\n"
        );
        project.upstream.on(&format!("/plain/{path}"), [Reply::bytes(bytes)]);
    }
    project.manifest(&manifest).pypi("tool-box", WHEEL, &wheel());
    let pom = "<project><groupId>org.example</groupId><artifactId>app</artifactId><version>1.0</version></project>";
    project.maven("org/example/app/1.0/app-1.0.pom", pom.as_bytes()).maven("org/example/app/1.0/app-1.0.jar", b"jar");
    project
}

fn served(project: &Project) -> Server {
    project.run("mirror lock").says(0, "locked");
    project.run("mirror build").says(0, "generation 1");
    serve::start(&project.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap()
}

fn get(server: &Server, path: &str) -> Answer {
    let answer = curl(&["--location", &format!("http://{}/{path}", server.address)]);
    assert_eq!(answer.status(), 200, "{path}: {}", answer.head);
    answer
}

/// What Salt takes out of a `source_hash`: the only digest whose length it knows in a line that names the file.
fn digest_of_salt(text: &str, name: &str) -> String {
    let is_digest = |word: &&str| [40, 64, 128].contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit());
    let named = |line: &&str| line.split_whitespace().any(|word| word.trim_start_matches('*') == name);
    let line = text.lines().find(named).unwrap_or_else(|| panic!("{name} is not in {text}"));
    assert!(line.split_whitespace().next().filter(is_digest).is_some(), "a digest comes first: {line}");
    line.split_whitespace().find(is_digest).unwrap().to_owned()
}

/// The digest of a file by the tool of the machine, which also accepts the list that the mirror gives.
fn agrees(list: &str, digest: &str, name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let tool = match digest.len() {
        40 => "sha1sum",
        64 => "sha256sum",
        _ => "sha512sum",
    };
    for text in [list.to_owned(), format!("{digest}  {name}\n")] {
        fs::write(folder.path().join("list"), text).unwrap();
        let checked = Command::new(tool).args(["--check", "--strict", "list"]).current_dir(folder.path()).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}

#[test]
fn every_file_of_the_contract_is_there_and_is_read_as_the_states_read_it() {
    let project = project("");
    let server = served(&project);
    for (path, paragraph, read) in CONTRACT {
        let bytes = get(&server, path).body;
        let name = path.rsplit('/').next().unwrap();
        let list = match read {
            Read::Unchecked => continue,
            Read::Beside(ending) => format!("{path}{ending}"),
            Read::Listed(list) => (*list).to_owned(),
        };
        let text = get(&server, &list).text();
        agrees(&text, &digest_of_salt(&text, name), name, &bytes);
        assert!(!text.is_empty(), "{paragraph}");
    }
    // pnda-cli only asks whether somebody is there.
    let head = curl(&["--head", &format!("http://{}", server.address)]);
    assert!([200, 403, 301, 302, 303, 307, 308].contains(&head.status()), "{}", head.head);
}

#[test]
fn a_side_file_that_the_manifest_names_is_its_publishers_own() {
    let said = format!("{}  zookeeper-3.4.11.tar.gz from its publisher\n", "ab".repeat(20));
    let more = format!(
        "[[file]]\nid = \"own\"\nurls = [\"$UP/own\"]\npath = \"mirror_misc/zookeeper-3.4.11.tar.gz.sha1\"\n\
         sha256 = \"{}\"\n",
        Sha256::of(said.as_bytes())
    );
    let project = project(&more);
    project.upstream.on("/own", [Reply::bytes(said.as_str())]);
    let server = served(&project);
    assert_eq!(get(&server, "mirror_misc/zookeeper-3.4.11.tar.gz.sha1").text(), said);
}

#[test]
fn links_of_the_python_index_lead_to_the_packages() {
    let project = project("");
    let server = served(&project);
    let page = get(&server, "mirror_python/simple/tool-box/index.html").text();
    let link = format!("../../packages/{WHEEL}#sha256={}", Sha256::of(&wheel()));
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    // pip asks for the folder, easy_install follows the links of the page.
    assert_eq!(get(&server, "mirror_python/simple/tool-box/").text(), page);
    assert!(get(&server, "mirror_python/simple/").text().contains("tool-box"));
    let folder = url::Url::parse("http://mirror.example/mirror_python/simple/tool-box/").unwrap();
    assert_eq!(get(&server, folder.join(&link).unwrap().path().trim_start_matches('/')).body, wheel());
}

/// A repository with one package.
fn build(top: &Path, repository: &Path) {
    fs::create_dir(top).unwrap();
    fs::write(top.join("app.spec"), SPEC).unwrap();
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.args(["-bb", "--quiet", "--define", &format!("_topdir {}", top.display())]).arg(top.join("app.spec"));
    let done = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    done(&mut rpmbuild);
    fs::copy(top.join("RPMS/noarch").join(RPM), repository.join(RPM)).unwrap();
    done(Command::new("createrepo_c").arg("--quiet").arg(repository));
}

#[test]
fn rpm_packages_lie_flat_beside_their_index_and_the_key() {
    for tool in ["rpmbuild", "createrepo_c"] {
        if Command::new(tool).arg("--version").output().is_err() {
            left_out!("the layout of mirror_rpm: {tool} is not installed");
            return;
        }
    }
    let project = project("[[rpm]]\nid = \"el\"\npackages = [\"app\"]\nrepositories = [\"el\"]\n");
    let repository = project.path("repository");
    fs::create_dir(&repository).unwrap();
    build(&project.path("build"), &repository);
    fs::create_dir_all(project.path(".config/pnda")).unwrap();
    let source = format!("[[source]]\nkind = \"rpm\"\nid = \"el\"\nurl = \"{}/rpm\"\n", project.upstream.url);
    fs::write(project.path(".config/pnda/sources.toml"), source).unwrap();
    project.upstream.on(&format!("/rpm/{RPM}"), [Reply::bytes(fs::read(repository.join(RPM)).unwrap())]);
    for file in fs::read_dir(repository.join("repodata")).unwrap().flatten() {
        let path = format!("/rpm/repodata/{}", file.file_name().into_string().unwrap());
        project.upstream.on(&path, [Reply::bytes(fs::read(file.path()).unwrap())]);
    }
    let server = served(&project);
    assert_eq!(get(&server, &format!("mirror_rpm/{RPM}")).body, fs::read(repository.join(RPM)).unwrap());
    assert!(get(&server, "mirror_rpm/repodata/repomd.xml").text().contains("type=\"primary\""));
    assert!(get(&server, "mirror_rpm/RPM-GPG-KEY-pnda-mirror").text().contains("BEGIN PGP PUBLIC KEY BLOCK"));
}
