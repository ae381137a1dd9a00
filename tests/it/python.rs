//! A Python index that is broken or hostile, and closures from a scripted one, through the command line.
//! Each test is one way in which an index can misbehave, or one promise of a closure.
//! Not here: real indexes and real installers (`tests/clients`).

use crate::project::{Project, Ran};
use crate::upstream::Reply;
use pnda::words::digest::Sha256;
use std::io::Write;

/// A closure for one target.
fn closure(requirements: &str) -> String {
    format!(
        "[[pypi]]\nid = \"all\"\nrequirements = [{requirements}]\npythons = [\"3.11\"]\n\
         platforms = [\"manylinux2014_x86_64\"]\n"
    )
}

/// A wheel that says this of itself.
fn wheel(project: &str, version: &str, headers: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let name = format!("{project}-{version}.dist-info/METADATA");
    zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    write!(zip, "Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{headers}").unwrap();
    zip.finish().unwrap().into_inner()
}

/// A source distribution with these files.
fn sdist(name: &str, files: &[(&str, &str)]) -> Listed {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    for (file, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, format!("{name}/{file}"), text.as_bytes()).unwrap();
    }
    listed(&format!("{name}.tar.gz"), tar.into_inner().unwrap().finish().unwrap())
}

/// One file of a page; what is written there can be a lie.
struct Listed {
    name: String,
    bytes: Vec<u8>,
    sha256: Sha256,
    metadata: Option<(Vec<u8>, Sha256)>,
}

fn listed(name: &str, bytes: Vec<u8>) -> Listed {
    Listed { name: name.into(), sha256: Sha256::of(&bytes), bytes, metadata: None }
}

/// A pure wheel with these headers.
fn pure(project: &str, version: &str, headers: &str) -> Listed {
    listed(&format!("{project}-{version}-py3-none-any.whl"), wheel(project, version, headers))
}

impl Listed {
    fn json(&self) -> String {
        let metadata =
            self.metadata.as_ref().map(|(_, sha256)| format!(",\"core-metadata\":{{\"sha256\":\"{sha256}\"}}"));
        format!(
            r#"{{"filename":"{0}","url":"../../files/{0}","size":{1},"hashes":{{"sha256":"{2}"}}{3}}}"#,
            self.name,
            self.bytes.len(),
            self.sha256,
            metadata.unwrap_or_default()
        )
    }

    fn html(&self) -> String {
        format!("<a href=\"../../files/{0}#sha256={1}\">{0}</a><br/>\n", self.name, self.sha256)
    }

    fn serve(&self, project: &Project) {
        project.upstream.on(&format!("/files/{}", self.name), [Reply::bytes(self.bytes.clone())]);
        if let Some((bytes, _)) = &self.metadata {
            project.upstream.on(&format!("/files/{}.metadata", self.name), [Reply::bytes(bytes.clone())]);
        }
    }
}

/// Puts a project into the index as JSON.
fn offer(project: &Project, name: &str, files: &[Listed]) {
    let json: Vec<String> = files.iter().map(Listed::json).collect();
    page(project, name, &format!("{{\"files\":[{}]}}", json.join(",")));
    files.iter().for_each(|file| file.serve(project));
}

fn page(project: &Project, name: &str, text: &str) {
    project.upstream.on(&format!("/simple/{name}/"), [Reply::bytes(text)]);
}

fn lock(project: &Project, requirements: &str) -> Ran {
    project.manifest(&closure(requirements));
    project.run("mirror lock")
}

#[test]
fn a_closure_is_locked_built_and_then_nothing_is_done() {
    let project = Project::new();
    offer(&project, "a", &[pure("a", "1.0", "Requires-Dist: b>=1\n"), pure("a", "0.9", "")]);
    offer(&project, "b", &[pure("b", "1.1", "Requires-Python: >=3.8\n"), pure("b", "1.0", "")]);
    lock(&project, "\"a\"").says(0, "locked 2 artifacts");
    let locked = project.read("manifests/pnda.lock");
    assert!(locked.contains("because = [\"all > a==1.0 > b==1.1\"]"), "{locked}");
    project.run("mirror build").says(0, "published generation 1");
    let page = project.read("mirror/current/mirror_python/simple/b/index.html");
    assert!(
        page.contains("data-requires-python=\"&gt;=3.8\"") && page.contains("data-core-metadata=\"sha256="),
        "{page}"
    );
    let metadata = project.read("mirror/current/mirror_python/packages/b-1.1-py3-none-any.whl.metadata");
    assert!(metadata.contains("Requires-Python: >=3.8"), "{metadata}");
    project.run("mirror build").says(0, "up to date: generation 1");
}

#[test]
fn what_was_agreed_stays_when_something_newer_comes() {
    let project = Project::new();
    offer(&project, "a", &[pure("a", "1.0", "")]);
    lock(&project, "\"a\"").says(0, "locked 1");
    offer(&project, "a", &[pure("a", "1.0", ""), pure("a", "2.0", "")]);
    lock(&project, "\"a\"").says(0, "up to date");
    lock(&project, "\"a>1\"").says(0, "+ a/a-2.0-py3-none-any.whl");
}

#[test]
fn metadata_beside_a_wheel_saves_the_wheel() {
    let project = Project::new();
    let text = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\n";
    let with = |digest| Listed { metadata: Some((text.to_vec(), digest)), ..pure("a", "1.0", "") };
    offer(&project, "a", &[with(Sha256::of(text))]);
    lock(&project, "\"a\"").says(0, "locked 1");
    let asked = project.upstream.requests();
    assert_eq!(asked, ["/simple/a/", "/files/a-1.0-py3-none-any.whl.metadata"]);

    let project = Project::new();
    offer(&project, "a", &[with(Sha256::of(b"other"))]);
    lock(&project, "\"a\"").says(1, "a-1.0-py3-none-any.whl.metadata has sha256");
}

#[test]
fn metadata_that_is_not_what_is_in_the_wheel_is_refused() {
    let project = Project::new();
    let text = b"Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: evil\n";
    let lies = Listed { metadata: Some((text.to_vec(), Sha256::of(text))), ..pure("a", "1.0", "") };
    offer(&project, "evil", &[pure("evil", "1.0", "")]);
    offer(&project, "a", &[lies]);
    lock(&project, "\"a\"").says(0, "locked 2");
    project.run("mirror fetch").says(0, "fetched");
    lock(&project, "\"a\"").says(1, "the METADATA inside a-1.0-py3-none-any.whl has sha256");
}

#[test]
fn a_wheel_that_is_something_else_is_refused() {
    let project = Project::new();
    offer(&project, "a", &[listed("a-1.0-py3-none-any.whl", wheel("a", "6.6", ""))]);
    lock(&project, "\"a\"").says(1, "a-1.0-py3-none-any.whl calls itself a 6.6 inside");
}

#[test]
fn an_index_without_json_is_read_and_sizes_are_learned() {
    let project = Project::new();
    let (a, b) = (pure("a", "1.0", "Requires-Dist: b\n"), pure("b", "1.0", ""));
    for (name, file) in [("a", &a), ("b", &b)] {
        page(&project, name, &format!("<!DOCTYPE html><html><body>{}</body></html>", file.html()));
        file.serve(&project);
    }
    lock(&project, "\"a\"").says(0, "locked 2");
    project.run("mirror build").says(0, "published generation 1 (fetched 0 files");
    // Other bytes than the digest in the link.
    let project = Project::new();
    page(&project, "a", &a.html());
    project.upstream.on("/files/a-1.0-py3-none-any.whl", [Reply::bytes("other")]);
    lock(&project, "\"a\"").says(1, "the index promises");
}

#[test]
fn pages_that_make_no_sense_are_refused() {
    let digest = Sha256::of(b"");
    let file = |name: &str| format!(r#"{{"filename":"{name}","url":"x","size":0,"hashes":{{"sha256":"{digest}"}}}}"#);
    let twice = format!("{},{}", file("a-1.0.tar.gz"), file("a-1.0.tar.gz").replace(&digest.to_string()[..4], "ffff"));
    for (text, why) in [
        ("{\"files\":".to_owned(), "is not PEP 691 JSON"),
        ("maintenance".to_owned(), "is neither JSON nor HTML"),
        (format!("{{\"files\":{}", "[".repeat(1 << 20)), "is not PEP 691 JSON"),
        (format!("{{\"files\":[{twice}]}}"), "the index offers a-1.0.tar.gz twice"),
        (format!("{{\"files\":[{}]}}", file("../../a-1.0.tar.gz")), "the index has no file of it that fits"),
        (
            format!("{{\"files\":[{}]}}", file("a-1.0.tar.gz").replace("sha256\":", "md5\":")),
            "the index publishes no sha256 for a-1.0.tar.gz",
        ),
        (String::new(), "is neither JSON nor HTML"),
    ] {
        let project = Project::new();
        page(&project, "a", &text);
        lock(&project, "\"a\"").says(1, why);
    }
    let project = Project::new();
    project.upstream.on("/simple/a/", [Reply::bytes("{").announcing(1 << 30)]);
    assert_ne!(lock(&project, "\"a\"").code, 0);
    lock(&Project::new(), "\"a\"").says(1, "no version of a will do");
}

#[test]
fn requirements_that_make_no_sense_stop_with_their_reason() {
    for (line, why) in [
        ("b ; (((((((((((((((((((((python_version > '3'", "nested too deep"),
        ("b ; nonsense", "is no requirement"),
        ("b @ file:///etc/passwd", "an address instead of versions"),
        ("\u{431}", "only plain ASCII"),
    ] {
        let project = Project::new();
        offer(&project, "a", &[pure("a", "1.0", &format!("Requires-Dist: {line}\n"))]);
        lock(&project, "\"a\"").says(1, why);
    }
}

#[test]
fn a_conflict_is_told_as_a_person_would() {
    let project = Project::new();
    offer(&project, "flink", &[pure("flink", "1.20.5", "Requires-Dist: a\nRequires-Dist: b\n")]);
    offer(&project, "a", &[pure("a", "1.0", "Requires-Dist: numpy<1.22\n")]);
    offer(&project, "b", &[pure("b", "2.0", "Requires-Dist: numpy>=1.24\n")]);
    offer(&project, "numpy", &[pure("numpy", "1.21", ""), pure("numpy", "1.24", "")]);
    let ran = lock(&project, "\"flink\"").says(1, "for python 3.11 on manylinux2014_x86_64");
    for part in [
        "no version of numpy is good for all",
        "a==1.0 wants numpy<1.22 (it is there for flink==1.20.5)",
        "b==2.0 wants numpy>=1.24 (it is there for flink==1.20.5)",
    ] {
        assert!(ran.err.contains(part), "{part} is not in\n{}", ran.err);
    }
}

#[test]
fn each_project_comes_from_its_own_index_alone() {
    let project = Project::new();
    let from = "[[pypi.from]]\nsource = \"internal\"\nprojects = [\"acme-*\"]\n";
    project.manifest(&format!("{}{from}", closure("\"acme-tool\"")));
    offer(&project, "tool", &[pure("tool", "1.0", "")]);
    // Somebody registered the site's own name in public, with a higher version.
    offer(&project, "acme-tool", &[pure("acme_tool", "99.0", "")]);
    project.run("mirror lock").says(1, "no source `pypi/internal` is set up");
    let own = pure("acme_tool", "1.0", "Requires-Dist: tool\n");
    project.upstream.on("/own/acme-tool/", [Reply::bytes(format!("{{\"files\":[{}]}}", own.json()))]);
    own.serve(&project);
    let source = format!("--source=pypi/internal={}/own", project.upstream.url);
    project.run(&format!("mirror lock {source}")).says(0, "locked 2");
    let locked = project.read("manifests/pnda.lock");
    assert!(locked.contains("origin = \"internal\"") && !locked.contains("99.0"), "{locked}");
    project.run(&format!("mirror build {source}")).says(0, "published generation 1");
}

#[test]
fn hashes_that_the_manifest_gives_are_the_only_ones_taken() {
    let project = Project::new();
    let (old, new) = (pure("a", "1.0", ""), pure("a", "1.1", ""));
    let digest = old.sha256;
    offer(&project, "a", &[old, new]);
    lock(&project, &format!("\"a --hash=sha256:{digest}\"")).says(0, "+ a/a-1.0-py3-none-any.whl");
    assert!(project.read("manifests/pnda.lock").contains("vouched = \"manifest\""));
    let other = Sha256::of(b"other");
    let pasted = format!("\"\"\"\n# made by a tool\na==1.1 \\\\\n    --hash=sha256:{other}\n    # via b\n\"\"\"");
    project.manifest(&closure("").replace("requirements = []", &format!("requirements-txt = {pasted}")));
    project.run("mirror lock").says(1, "the index has no file of a with a digest that the manifest allows");
    project.manifest(&closure("\"a --hash=md5:12\""));
    project.run("mirror lock").says(2, "is no digest that is enough");
}

#[test]
fn what_builds_a_source_distribution_comes_along() {
    let project = Project::new();
    let pyproject =
        "[build-system]\nrequires = [\"maker>=1\"]\nbuild-backend = \"maker\"\n[project]\ndependencies = [\"b\"]\n";
    offer(&project, "a", &[sdist("a-1.0", &[("pyproject.toml", pyproject)])]);
    offer(&project, "b", &[pure("b", "1.0", "")]);
    offer(&project, "maker", &[pure("maker", "2.0", "Requires-Dist: b\n")]);
    lock(&project, "\"a\"").says(0, "locked 3 artifacts");
    let locked = project.read("manifests/pnda.lock");
    for chain in ["all > a==1.0 > to build it > maker==2.0\"", "all > a==1.0 > b==1.0\""] {
        assert!(locked.contains(chain), "{chain} is not in\n{locked}");
    }
    project.manifest(&format!("{}sdists = \"never\"\n", closure("\"a\"")));
    project.run("mirror lock").says(1, "the index has no file of it that fits");
}

#[test]
fn a_source_distribution_that_cannot_say_what_it_needs_asks_the_manifest() {
    let project = Project::new();
    let of = |version: &str| sdist(&format!("a-{version}"), &[("setup.py", "import os")]);
    offer(&project, "a", &[of("1.0"), of("1.1")]);
    offer(&project, "maker", &[pure("maker", "2.0", "")]);
    for name in ["setuptools", "wheel"] {
        offer(&project, name, &[pure(name, "81.0", "")]);
    }
    let ran = lock(&project, "\"a\"").says(1, "nobody can say what a==1.1 needs: only its setup.py would tell");
    assert!(ran.err.contains("write [[pypi.metadata]] with package = \"a==1.1\""), "{}", ran.err);
    let told = "[[pypi.metadata]]\npackage = \"a==1.1\"\nrequires = []\nbuilds-with = [\"maker\"]\n";
    project.manifest(&format!("{}{told}", closure("\"a\"")));
    project.run("mirror lock").says(0, "locked 4 artifacts");
    // An older version that can speak is taken, and it is told which one was not.
    offer(&project, "a", &[of("1.1"), pure("a", "0.9", "")]);
    lock(&project, "\"a<2\"").says(0, "a-0.9-py3-none-any.whl");
}

#[test]
fn targets_share_what_fits_all_and_have_their_own_beside_it() {
    let project = Project::new();
    let own = |python: &str, arch: &str| {
        let name = format!("a-1.0-{python}-{python}-manylinux2014_{arch}.whl");
        listed(&name, wheel("a", "1.0", "Requires-Dist: b\nRequires-Dist: old ; python_version < '3.10'\n"))
    };
    let wheels = [own("cp39", "x86_64"), own("cp39", "aarch64"), own("cp311", "x86_64"), own("cp311", "aarch64")];
    offer(&project, "a", &wheels);
    offer(&project, "b", &[pure("b", "1.0", "")]);
    offer(&project, "old", &[pure("old", "1.0", "")]);
    let all = closure("\"a\"").replace("[\"3.11\"]", "[\"3.9\", \"3.11\"]");
    project.manifest(&all.replace("x86_64\"]", "x86_64\", \"manylinux2014_aarch64\"]"));
    project.run("mirror lock").says(0, "locked 6 artifacts");
    let locked = project.read("manifests/pnda.lock");
    for because in [
        "[\"all > a==1.0 > b==1.0\"]",
        "[\"all > a==1.0 (python 3.11 on manylinux2014_aarch64)\"]",
        "[\"all > a==1.0 > old==1.0 (python 3.9 on manylinux2014_aarch64, python 3.9 on manylinux2014_x86_64)\"]",
    ] {
        assert!(locked.contains(because), "{because} is not in\n{locked}");
    }
}

#[test]
fn packages_that_an_installer_could_confuse_are_not_published() {
    let project = Project::new();
    let entry = |id: &str, source: &str| {
        format!(
            "[[pypi]]\nid = \"{id}\"\npackage = \"a==1.0\"\nwheel = {{ python = \"{id}\", platform = \"any\" }}\n{source}"
        )
    };
    let file = |tag: &str| listed(&format!("a-1.0-{tag}-none-any.whl"), wheel("a", "1.0", tag));
    offer(&project, "a", &[file("py3")]);
    let other = file("py2");
    project.upstream.on("/own/a/", [Reply::bytes(format!("{{\"files\":[{}]}}", other.json()))]);
    other.serve(&project);
    project.manifest(&[entry("py3", ""), entry("py2", "source = \"own\"\n")].concat());
    let source = format!("--source=pypi/own={}/own", project.upstream.url);
    project.run(&format!("mirror lock {source}")).says(0, "locked 2");
    project
        .run(&format!("mirror build {source}"))
        .says(1, "the project a comes from two indexes, the registry and own");
    let alike = listed("A-1.0-py3-none-any.whl", wheel("a", "1.0", "x"));
    project.upstream.on("/own/a/", [Reply::bytes(format!("{{\"files\":[{}]}}", alike.json()))]);
    alike.serve(&project);
    let again = entry("py3", "source = \"own\"\n").replace("id = \"py3\"", "id = \"again\"");
    project.manifest(&[entry("py3", ""), again].concat());
    project.run(&format!("mirror lock {source}")).says(0, "locked 2");
    project.run(&format!("mirror build {source}")).says(1, "look alike; leave one of them out");
}

#[test]
fn what_was_taken_back_is_taken_only_where_it_is_pinned_and_told_with_its_reason() {
    let project = Project::new();
    let files = [pure("a", "1.0", ""), pure("a", "1.1", ""), sdist("a-1.0", &[]), pure("a", "1.2", "")];
    files.iter().for_each(|file| file.serve(&project));
    let yanked = |file: &Listed, how: &str| file.json().replace("\"hashes\"", &format!("\"yanked\":{how},\"hashes\""));
    let [old, new, source, newest] = &files;
    let json = [old.json(), yanked(new, "\"it is broken\""), yanked(source, "true"), yanked(newest, "true")];
    page(&project, "a", &format!("{{\"files\":[{}]}}", json.join(",")));

    let ran = lock(&project, "\"a\"").says(0, "+ a/a-1.0-py3-none-any.whl");
    assert!(!ran.err.contains("was taken back"), "{}", ran.err);
    project.manifest(&format!("{}sdists = \"also\"\n", closure("\"a\"")));
    project.run("mirror lock").says(0, "locked 1 artifacts");
    lock(&project, "\"a>1.0\"").says(1, "no version of a will do");
    lock(&project, "\"a==1.*,>1.0\"").says(1, "no version of a will do");
    let told = "a-1.1-py3-none-any.whl was taken back by its publisher and is here because it is pinned: it is broken";
    lock(&project, "\"a==1.1\"").says(0, told);
    let one = "[[pypi]]\nid = \"one\"\npackage = \"a==VERSION\"\nwheel = { python = \"py3\", platform = \"any\" }\n";
    project.manifest(&one.replace("VERSION", "1.1")).run("mirror lock").says(0, told);
    let told = "a-1.2-py3-none-any.whl was taken back by its publisher and is here because it is pinned: no reason";
    project.manifest(&one.replace("VERSION", "1.2")).run("mirror lock").says(0, told);
}
