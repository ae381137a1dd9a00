//! What Maven repositories give and refuse, as somebody who locks meets it: signers, other repositories, what is missing.
//! Scripted repositories on loopback; each test states one promise.
//! Not here: what belongs to a closure, and Maven itself (`tests/clients`).

use crate::project::Project;
use crate::upstream::Reply;
use pnda::mirror::openpgp::Signer;
use pnda::words::digest::Sha1;
use std::fs;

fn pom(artifact: &str, version: &str, inner: &str) -> String {
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>{artifact}</artifactId>\
         <version>{version}</version>{inner}</project>"
    )
}

fn wants(artifact: &str, version: &str) -> String {
    format!(
        "<dependencies><dependency><groupId>g</groupId><artifactId>{artifact}</artifactId>\
         <version>{version}</version></dependency></dependencies>"
    )
}

fn root(version: &str, more: &str) -> String {
    format!("[[maven]]\nid = \"app\"\nroots = [\"g:a:{version}\"]\n{more}")
}

/// `g:a:1.0` alone, from the registry.
fn one() -> Project {
    let project = Project::new();
    release(&project, "1.0", b"jar");
    project.manifest(&root("1.0", ""));
    project
}

fn release(project: &Project, version: &str, jar: &[u8]) {
    let file = format!("g/a/{version}/a-{version}");
    project.maven(&format!("{file}.pom"), pom("a", version, "").as_bytes()).maven(&format!("{file}.jar"), jar);
}

fn sign(project: &Project, path: &str, bytes: &[u8], signer: &Signer) {
    project.upstream.on(&format!("/maven/{path}.asc"), [Reply::bytes(signer.detached(bytes).unwrap())]);
}

fn signer(project: &Project, name: &str) -> Signer {
    Signer::load_or_make(&project.path(name)).unwrap()
}

#[test]
fn a_signer_is_pinned_and_another_one_needs_a_persons_word() {
    let project = one();
    let (first, second) = (signer(&project, "first"), signer(&project, "second"));
    sign(&project, "g/a/1.0/a-1.0.jar", b"jar", &first);
    project.run("mirror lock").says(0, "locked 2 artifacts");
    assert!(project.read("manifests/pnda.lock").contains(&format!("signer = \"{}\"", first.fingerprint())));

    release(&project, "1.1", b"newer");
    sign(&project, "g/a/1.1/a-1.1.jar", b"newer", &second);
    project.manifest(&root("1.1", ""));
    let ran = project.run("mirror lock").says(1, "signed by");
    for part in [first.fingerprint().as_str(), second.fingerprint().as_str(), "signers = [\"FINGERPRINT\"]"] {
        assert!(ran.err.contains(part), "{part} is not in\n{}", ran.err);
    }
    project.manifest(&root("1.1", &format!("signers = [\"{}\"]\n", second.fingerprint())));
    project.run("mirror lock").says(0, "locked 2 artifacts");
}

#[test]
fn a_signature_by_a_key_of_the_site_vouches_and_is_published() {
    let project = one();
    let signer = signer(&project, "key-of-g");
    fs::write(project.path("keys.asc"), signer.public_armored().unwrap()).unwrap();
    fs::create_dir_all(project.path(".config/pnda")).unwrap();
    let sources = format!(
        "[[source]]\nkind = \"maven\"\nurl = \"{}/maven\"\nkeys = \"{}\"\npolicy = \"signature\"\n",
        project.upstream.url,
        project.path("keys.asc").display()
    );
    fs::write(project.path(".config/pnda/sources.toml"), sources).unwrap();
    sign(&project, "g/a/1.0/a-1.0.jar", b"another jar", &signer);
    project.run("mirror lock").says(1, "the OpenPGP signature of g/a/1.0/a-1.0.jar is false");

    sign(&project, "g/a/1.0/a-1.0.jar", b"jar", &signer);
    sign(&project, "g/a/1.0/a-1.0.pom", pom("a", "1.0", "").as_bytes(), &signer);
    project.run("mirror lock").says(0, "locked 4 artifacts");
    assert_eq!(project.read("manifests/pnda.lock").matches("vouched = \"signature\"").count(), 4);
    project.run("mirror lock --check").says(0, "up to date");
    project.upstream.on("/maven/g/a/1.0/a-1.0.jar.asc", [Reply::status(404)]);
    project.run("mirror lock --check").says(1, "a-1.0.jar: not signed any more");
    project.upstream.gone();
    project.run("mirror build").says(0, "published generation 1");
    let served = |name: &str| project.read(&format!("mirror/current/mirror_maven/g/a/1.0/a-1.0.jar{name}"));
    assert!(served(".asc").starts_with("-----BEGIN PGP SIGNATURE"));
    assert_eq!(served(".sha1"), Sha1::of(b"jar").to_string(), "computed, as the lock does not say it");
}

/// `g:a:1.0`, whose POM names a repository in which `g:b:1.0` is.
fn elsewhere() -> Project {
    let project = one();
    let named =
        "<repositories><repository><id>third</id><url>https://third.example/m</url></repository></repositories>";
    let text = pom("a", "1.0", &(wants("b", "1.0") + named));
    project.maven("g/a/1.0/a-1.0.pom", text.as_bytes());
    for (path, text) in [("g/b/1.0/b-1.0.pom", pom("b", "1.0", "")), ("g/b/1.0/b-1.0.jar", "jar b".into())] {
        project.upstream.on(&format!("/third/{path}"), [Reply::bytes(text.as_str())]);
        project.upstream.on(&format!("/third/{path}.sha1"), [Reply::bytes(Sha1::of(text.as_bytes()).to_string())]);
    }
    project
}

#[test]
fn a_repository_that_a_pom_names_is_off_until_the_site_turns_it_on() {
    let project = elsewhere();
    let ran = project.run("mirror lock").says(1, "`g:b:pom:1.0` does not exist");
    let told =
        "`g:a:1.0` names the repository `third` (https://third.example/m), which is off: `--source maven/third=URL`";
    assert!(ran.err.contains(told), "{}", ran.err);
    assert!(project.upstream.requests().iter().all(|path| !path.starts_with("/third")));

    let on = format!("--source=maven/third={}/third", project.upstream.url);
    project.run(&format!("mirror lock {on}")).says(0, "locked 4 artifacts");
    assert_eq!(project.read("manifests/pnda.lock").matches("origin = \"third\"").count(), 2);
    project.run(&format!("mirror lock {on}")).says(0, "up to date");
    project.run(&format!("mirror build {on}")).says(0, "published generation 1");
    assert_eq!(project.read("mirror/current/mirror_maven/g/b/1.0/b-1.0.jar"), "jar b");
}

#[test]
fn all_jars_that_do_not_exist_are_told_with_the_nearest_that_do() {
    let project = Project::new();
    project.manifest(&root("1.20.5", ""));
    project.maven("g/a/1.20.5/a-1.20.5.pom", pom("a", "1.20.5", &wants("b", "2.0")).as_bytes());
    project.maven("g/b/2.0/b-2.0.pom", pom("b", "2.0", "").as_bytes());
    let versions =
        "<version>1.20.0</version><version>1.20.3</version><version>1.20.5</version><version>2.3.0</version>";
    let metadata = format!("<metadata><versioning><versions>{versions}</versions></versioning></metadata>");
    project.upstream.on("/maven/g/a/maven-metadata.xml", [Reply::bytes(metadata)]);
    let ran = project.run("mirror lock").says(1, "2 of the closure do not exist");
    for part in ["`g:a:1.20.5`; the nearest other version is 1.20.3", "`g:b:2.0`; there is no other version"] {
        assert!(ran.err.contains(part), "{part} is not in\n{}", ran.err);
    }
}

#[test]
fn hostile_and_broken_poms_are_refused_and_said_what_they_are() {
    let bomb = "<!DOCTYPE p [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><project><version>&b;</version></project>";
    let parent = "<parent><groupId>g</groupId><artifactId>a</artifactId><version>1.0</version></parent>";
    for (text, part) in [
        ("<project>\n<a></project>".to_owned(), "line 2"),
        (String::new(), "is not readable"),
        (bomb.to_owned(), "is not readable"),
        (pom("a", "1.0", &wants("../../etc", "1.0")), "cannot be used"),
        (pom("a", "1.0", &wants("b", "../../../etc/passwd")), "cannot be used"),
        (pom("a", "1.0", &wants("b", "[1,")), "is not closed"),
        (pom("a", "1.0", parent), "is among its own parents"),
        (pom("a", "1.0", &(wants("b", "${v}") + "<properties><v>${v}</v></properties>")), "stands for itself"),
    ] {
        let project = one();
        project.maven("g/a/1.0/a-1.0.pom", text.as_bytes());
        project.run("mirror lock").says(1, part);
        assert!(project.upstream.requests().iter().all(|path| !path.contains("etc")), "{text}");
    }
}

#[test]
fn metadata_that_lists_what_is_no_version_leads_nowhere() {
    let project = one();
    project.maven("g/a/1.0/a-1.0.pom", pom("a", "1.0", &wants("b", "[1,)")).as_bytes());
    let metadata = "<metadata><versioning><versions><version>../../9</version></versions></versioning></metadata>";
    project.upstream.on("/maven/g/b/maven-metadata.xml", [Reply::bytes(metadata)]);
    project.run("mirror lock").says(1, "has no version in [1,)");
    project.upstream.on("/maven/g/b/maven-metadata.xml", [Reply::bytes("<html><p></html>")]);
    project.run("mirror lock").says(1, "is no list of versions");
}

#[test]
fn what_entries_share_is_asked_for_once_and_what_they_say_stays_theirs() {
    let project = Project::new();
    let (one, two) = ("id = \"one\"\nroots = [\"g:a:1.0\"]\n", "id = \"two\"\nroots = [\"g:c:1.0\"]\n");
    project.manifest(&format!("[[maven]]\n{one}\n[[maven]]\n{two}exclude = [\"g:d\"]\n"));
    for (artifact, inner) in
        [("a", wants("b", "[1,)")), ("b", wants("d", "1.0")), ("c", wants("b", "[1,)")), ("d", String::new())]
    {
        let file = format!("g/{artifact}/1.0/{artifact}-1.0");
        project.maven(&format!("{file}.pom"), pom(artifact, "1.0", &inner).as_bytes());
        project.maven(&format!("{file}.jar"), artifact.as_bytes());
    }
    let metadata = "<metadata><versioning><versions><version>1.0</version></versions></versioning></metadata>";
    project.upstream.on("/maven/g/b/maven-metadata.xml", [Reply::bytes(metadata)]);
    project.run("mirror lock").says(0, "locked 8 artifacts");
    let mut asked = project.upstream.requests();
    asked.sort();
    for path in ["/maven/g/b/1.0/b-1.0.pom", "/maven/g/b/maven-metadata.xml"] {
        assert!(asked.iter().any(|asked| asked == path), "{asked:?}");
    }
    assert!(asked.windows(2).all(|pair| pair[0] != pair[1]), "{asked:?}");
    let lock = project.read("manifests/pnda.lock");
    for (chain, is_there) in [
        ("one > g:a:1.0 > g:b:1.0 > g:d:1.0", true),
        ("two > g:c:1.0 > g:b:1.0", true),
        ("g:c:1.0 > g:b:1.0 > g:d", false),
    ] {
        assert_eq!(lock.contains(chain), is_there, "{chain}\n{lock}");
    }
}
