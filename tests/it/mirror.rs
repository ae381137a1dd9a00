//! The engine from manifest to a served mirror, run as a user runs it, against a scripted registry.
//! Each test states one promise of the command line.
//! Not here: real registries and real clients.

use crate::project::Project;
use crate::upstream::Reply;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

const PLAIN: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }

[[file]]
id = "notes"
urls = ["$UP/gone.txt", "$UP/notes.txt"]
sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
path = "mirror_misc/notes.txt"
"#;

fn plain() -> Project {
    let project = Project::new();
    project.manifest(PLAIN).pypi("tool", "tool-1.0-py3-none-any.whl", b"a wheel");
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    project
}

#[test]
fn a_manifest_becomes_a_mirror_and_then_nothing_is_done() {
    let project = plain();
    project.run("mirror lock").says(0, "locked 2 artifacts, 10 bytes");
    project.run("mirror lock").says(0, "the lock is up to date: 2 artifacts");
    project.run("mirror lock --check").says(0, "the lock is up to date");
    project.run("mirror build").says(0, "published generation 1 (fetched 1 files, 7 bytes)");
    project.upstream.gone();
    project.run("mirror build").says(0, "up to date: generation 1 (fetched 0 files, 0 bytes)");
    assert_eq!(project.upstream.requests(), [""; 0], "the second run asks nobody");
    assert_eq!(project.read("mirror/current/mirror_misc/notes.txt"), "foo");
    assert_eq!(project.read("mirror/current/mirror_python/packages/tool-1.0-py3-none-any.whl"), "a wheel");
    project.run("mirror verify --mirror mirror --key mirror/current/mirror.pub").says(0, "as listed");
}

#[test]
fn side_files_satisfy_the_common_tools() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    let check = |tool: &str, file: &str, folder: &str| {
        let output = Command::new(tool).args(["-c", file]).current_dir(project.path(folder)).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    check("sha256sum", "SHA256SUMS", "mirror/current");
    check("sha256sum", "notes.txt.sha256", "mirror/current/mirror_misc");
    check("sha512sum", "notes.txt.sha512.txt", "mirror/current/mirror_misc");
}

#[test]
fn the_lock_names_no_host_and_says_why() {
    let project = plain();
    project.run("mirror lock");
    let lock = project.read("manifests/pnda.lock");
    assert!(!lock.contains("127.0.0.1") && !lock.contains("http"), "{lock}");
    for part in ["vouched = \"index sha256\"", "because = [\"tool > tool==1.0\"]", "vouched = \"manifest\""] {
        assert!(lock.contains(part), "{part} is not in\n{lock}");
    }
}

#[test]
fn a_lock_that_does_not_match_its_manifests_stops_everything() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    project.manifest(&PLAIN.replace("tool==1.0", "tool==1.1"));
    project.run("mirror build").says(1, "the lock does not match the manifests");
    assert_eq!(project.read("mirror/current/mirror_misc/notes.txt"), "foo");
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = plain();
    project.run("mirror lock --dry-run").says(4, "+ tool/tool-1.0-py3-none-any.whl (7 bytes)");
    assert_eq!(project.read("manifests/pnda.lock"), "");
    project.run("mirror lock");
    project.run("mirror fetch --dry-run").says(4, "would fetch 1 files, 7 bytes");
    project.run("mirror build --dry-run").says(4, "would fetch 1 files, 7 bytes");
    project.run("mirror fetch").says(0, "fetched 1 files, 7 bytes");
    project.run("mirror build --dry-run").says(4, "would make the signing key");
    assert!(!project.path("mirror").exists() && !project.path("key").exists());
    project.run("mirror build").says(0, "published generation 1");
    project.run("mirror build --dry-run").says(0, "up to date: generation 1");
    std::fs::write(project.path("agent"), "a newer agent").unwrap();
    project.run("mirror build --dry-run").says(4, "would publish generation 2");
}

#[test]
fn a_release_that_changed_upstream_is_told() {
    let project = plain();
    project.run("mirror lock");
    project.pypi("tool", "tool-1.0-py3-none-any.whl", b"a WHEEL");
    project.run("mirror lock --check").says(4, "! tool/tool-1.0-py3-none-any.whl was");
    project.run("mirror build").says(3, "has other content");
    assert_eq!(project.read("mirror/current/generation.toml"), "");
}

#[test]
fn one_missing_artifact_leaves_the_published_mirror_as_it_was() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    project.manifest(&PLAIN.replace("1.0", "2.0")).pypi("tool", "tool-2.0-py3-none-any.whl", b"newer");
    project.run("mirror lock").says(0, "locked 2");
    project.upstream.on("/files/tool-2.0-py3-none-any.whl", [Reply::status(404)]);
    project.run("mirror build").says(1, "1 of 1 artifacts could not be fetched");
    assert!(project.read("mirror/current/generation.toml").contains("number = 1"));
    project.run("mirror verify --mirror mirror").says(0, "as listed");
}

#[test]
fn a_flipped_byte_in_the_mirror_is_found() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    let path = project.path("mirror/current/mirror_misc/notes.txt");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "fop").unwrap();
    project.run("mirror verify --mirror mirror").says(3, "differs: mirror_misc/notes.txt has other content");
}

#[test]
fn every_mistake_of_a_manifest_is_told_before_anybody_is_asked() {
    let project = plain();
    project.manifest(&PLAIN.replace("tool==1.0", "tool").replace("urls", "url"));
    let ran = project.run("mirror lock").says(2, "m.toml:4: `tool` does not pin one version");
    assert!(ran.err.contains("did you mean `urls`?"), "{}", ran.err);
    assert!(project.upstream.requests().is_empty());
}

#[test]
fn an_unknown_registry_says_what_to_do() {
    let project = plain();
    let output = Command::new(env!("CARGO_BIN_EXE_pnda"))
        .args(["mirror", "lock", "--manifests", "manifests", "--store", "store"])
        .current_dir(project.path("."))
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("no pypi source is known") && text.contains("--source pypi=URL"), "{text}");
}

#[test]
fn bytes_are_linked_and_not_copied() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    let linked = std::fs::metadata(project.path("mirror/current/mirror_misc/notes.txt")).unwrap();
    assert_eq!(linked.nlink(), 2);
}

#[test]
fn a_run_that_was_killed_leaves_the_mirror_and_is_taken_up_where_it_was() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    let wheel = vec![b'x'; 100_000];
    project.manifest(&PLAIN.replace("1.0", "2.0")).pypi("tool", "tool-2.0-py3-none-any.whl", &wheel);
    project.run("mirror lock").says(0, "locked 2");
    project.upstream.on("/files/tool-2.0-py3-none-any.whl", [Reply::bytes(wheel.as_slice()).hanging_after(60_000)]);
    let mut build = project.command("mirror build").spawn().unwrap();
    let begun = || {
        let partial = std::fs::read_dir(project.path("store/partial")).unwrap().flatten();
        partial.filter_map(|entry| entry.metadata().ok()).any(|file| file.len() == 60_000)
    };
    while !begun() {
        assert!(build.try_wait().unwrap().is_none(), "the build ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    build.kill().unwrap();
    build.wait().unwrap();
    assert!(project.read("mirror/current/generation.toml").contains("number = 1"));
    project.run("mirror verify --mirror mirror").says(0, "as listed");

    project.upstream.on("/files/tool-2.0-py3-none-any.whl", [Reply::bytes(wheel.as_slice())]);
    project.run("mirror build").says(0, "published generation 2 (fetched 1 files, 40000 bytes)");
    assert_eq!(project.upstream.requests().last().unwrap(), "/files/tool-2.0-py3-none-any.whl from 60000");
}

#[test]
fn what_is_lost_in_the_mirror_is_published_anew() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    std::fs::remove_file(project.path("mirror/current/mirror_misc/notes.txt")).unwrap();
    project.run("mirror build").says(0, "published generation 2");
    assert_eq!(project.read("mirror/current/mirror_misc/notes.txt"), "foo");
}

#[test]
fn damaged_bytes_are_never_signed_and_are_fetched_again() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    let served = project.path("mirror/current/mirror_misc/notes.txt");
    std::process::Command::new("chmod").args(["u+w"]).arg(&served).status().unwrap();
    std::fs::write(&served, "fop").unwrap();
    project.run("mirror build --agent manifests/m.toml").says(1, "was damaged and is removed");
    project.run("mirror build --agent manifests/m.toml").says(0, "published generation 2 (fetched 1 files, 3 bytes)");
    project.run("mirror verify --mirror mirror").says(0, "as listed");
}

#[test]
fn a_broken_lock_is_made_anew() {
    let project = plain();
    std::fs::write(project.path("manifests/pnda.lock"), "<<<<<<< HEAD\n").unwrap();
    project.run("mirror build").says(1, "the lock cannot be read");
    project.run("mirror lock").says(0, "locked 2 artifacts");
    project.run("mirror build").says(0, "published generation 1");
}

#[test]
fn a_signed_mirror_is_not_given_another_key_by_accident() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    std::fs::remove_file(project.path("key")).unwrap();
    std::fs::write(project.path("agent"), "a newer agent").unwrap();
    project.run("mirror build").says(2, "is signed by a key that is not in");
    assert!(!project.path("key").exists());
}

#[test]
fn rendering_replaces_only_what_was_rendered_and_trusts_only_the_key_it_is_given() {
    let project = plain();
    project.run("mirror lock");
    project.run("mirror build");
    std::fs::write(project.path("c.toml"), "name = \"c\"\n").unwrap();
    project
        .run("cluster render c.toml --mirror mirror --out manifests")
        .says(2, "is no rendered node: name a new folder");
    assert!(project.path("manifests/m.toml").is_file());
    let other = pnda::mirror::keys::Signer::load_or_make(&project.path("other")).unwrap();
    std::fs::write(project.path("other.pub"), other.public_file()).unwrap();
    let ran = project.run("cluster render c.toml --mirror mirror --out nodes --key other.pub");
    ran.says(3, "was not signed by the expected key");
}

#[test]
fn nothing_comes_into_a_store_while_somebody_removes_from_it() {
    let project = plain();
    project.run("mirror lock");
    let store = pnda::mirror::store::Store::open(&project.path("store")).unwrap();
    let removing = store.lock_exclusive().unwrap();
    project.run("mirror fetch").says(1, "another run is using");
    drop(removing);
    let _bringing = store.lock_shared().unwrap();
    project.run("mirror fetch").says(0, "fetched 1 files");
}

const CLOSURE: &str = "[[maven]]\nid = \"app\"\nroots = [\"g:a:1.0\"]\napps = true\n";

fn pom(artifact: &str, dependency: &str) -> String {
    let dependencies = match dependency.split_once(':') {
        None => String::new(),
        Some((name, version)) => format!(
            "<dependencies><dependency><groupId>g</groupId><artifactId>{name}</artifactId>\
             <version>{version}</version></dependency></dependencies>"
        ),
    };
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>{artifact}</artifactId>\
         <version>1.0</version>{dependencies}</project>"
    )
}

fn maven() -> Project {
    let project = Project::new();
    project.manifest(CLOSURE);
    project.maven("g/a/1.0/a-1.0.pom", pom("a", "b:1.0").as_bytes()).maven("g/a/1.0/a-1.0.jar", b"jar a");
    project.maven("g/b/1.0/b-1.0.pom", pom("b", "").as_bytes()).maven("g/b/1.0/b-1.0.jar", b"jar b");
    project
}

#[test]
fn a_closure_is_mirrored_as_a_repository_and_as_flat_jars() {
    let project = maven();
    project.run("mirror lock").says(0, "locked 4 artifacts");
    assert!(project.read("manifests/pnda.lock").contains("because = [\"app > g:a:1.0 > g:b:1.0\"]"));
    project.upstream.gone();
    project.run("mirror build").says(0, "published generation 1 (fetched 0 files, 0 bytes)");
    for (path, text) in [
        ("mirror_maven/g/b/1.0/b-1.0.jar", "jar b"),
        ("mirror_apps/b-1.0.jar", "jar b"),
        ("mirror_maven/g/a/1.0/a-1.0.pom", &pom("a", "b:1.0")),
    ] {
        assert_eq!(project.read(&format!("mirror/current/{path}")), text);
    }
    assert_eq!(project.read("mirror/current/mirror_maven/g/b/1.0/b-1.0.jar.sha1").len(), 40);
}

#[test]
fn a_jar_that_is_not_what_the_registry_vouches_for_is_refused() {
    let project = maven();
    project.upstream.on("/maven/g/b/1.0/b-1.0.jar", [Reply::bytes("another jar")]);
    project.run("mirror lock").says(1, "g/b/1.0/b-1.0.jar has SHA-1");
    assert_eq!(project.read("manifests/pnda.lock"), "");
}

#[test]
fn a_jar_that_nothing_vouches_for_is_refused() {
    let project = maven();
    project.upstream.on("/maven/g/b/1.0/b-1.0.jar.sha1", [Reply::status(404)]);
    project.run("mirror lock").says(1, "publishes no SHA-1 for it");
}

#[test]
fn a_missing_dependency_is_told_with_who_wants_it() {
    let project = maven();
    project.maven("g/a/1.0/a-1.0.pom", pom("a", "b:9.9").as_bytes());
    let metadata = "<metadata><versioning><versions><version>1.0</version></versions></versioning></metadata>";
    project.upstream.on("/maven/g/b/maven-metadata.xml", [Reply::bytes(metadata)]);
    let ran = project.run("mirror lock").says(1, "g:b");
    for part in ["9.9", "g:a:1.0", "1.0"] {
        assert!(ran.err.contains(part), "{part} is not in\n{}", ran.err);
    }
}

#[test]
fn a_check_notices_that_the_registry_vouches_for_something_else() {
    let project = maven();
    project.run("mirror lock");
    project.maven("g/b/1.0/b-1.0.jar", b"changed after its release");
    project.run("mirror lock").says(0, "the lock is up to date");
    project.run("mirror lock --check").says(4, "! g/b/1.0/b-1.0.jar was");
}

#[test]
fn a_disk_that_is_too_small_is_told_before_anything_is_fetched() {
    let project = plain();
    project.run("mirror lock");
    let lock = project.read("manifests/pnda.lock").replace("size = 7", "size = 9000000000000000");
    std::fs::write(project.path("manifests/pnda.lock"), lock).unwrap();
    project.upstream.gone();
    project.run("mirror build").says(1, "needs 9000000000000000 bytes and its disk has");
    assert!(project.upstream.requests().is_empty());
}

#[test]
fn a_lock_whose_names_leave_the_mirror_is_refused() {
    let project = plain();
    project.run("mirror lock");
    let lock = project.read("manifests/pnda.lock").replace("tool/tool-1.0", "../../tool-1.0");
    std::fs::write(project.path("manifests/pnda.lock"), lock).unwrap();
    project.run("mirror build").says(1, "it has a `.` or `..` segment");
}
