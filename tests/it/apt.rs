//! Debian packages from manifest to mirror, against a small archive that stands still; its other side is scripted.
//! What upstream drops, bends or forges is played here; the lock and the mirror say what came of it.
//! Not here: Debian's own archive and real nodes.

use crate::archive::{self, Archive};
use crate::project::{Project, Ran};
use crate::upstream::Reply;
use pnda::mirror::openpgp::{Keyring, Signer};
use std::fs;
use std::process::Command;

const MANIFEST: &str = "[[apt]]\nid = \"os\"\npackages = [\"a\"]\nsuites = [\"stable\"]\n";
pub(crate) const PACKAGES: &str = "a 1:1.0-1; Depends: b (>= 1), libc\nb 1; Architecture: all\nlibc 2; Essential: yes";
const INRELEASE: &str = "/apt/dists/stable/InRelease";

pub(crate) fn project(lines: &str) -> (Project, Archive) {
    let (project, archive) = (Project::new(), Archive::of(lines));
    project.manifest(MANIFEST);
    archive.serve(&project);
    (project, archive)
}

/// Locks, and gives what a person is told besides.
fn lock_aloud(project: &Project) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_pnda"))
        .args(["mirror", "lock", "--manifests", "manifests", "--store", "store"])
        .current_dir(project.path("."))
        .env_clear()
        .env("HOME", project.path("."))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn packages_become_a_signed_archive_and_then_nothing_is_done() {
    let (project, archive) = project(PACKAGES);
    project.run("mirror lock").says(0, "locked 3 artifacts");
    project.run("mirror lock").says(0, "the lock is up to date: 3 artifacts");
    project.run("mirror lock --check").says(0, "the lock is up to date");
    let lock = project.read("manifests/pnda.lock");
    for part in ["vouched = \"signed index\"", "origin = \"stable\"", "because = [\"os > a=1:1.0-1 > b=1\"]"] {
        assert!(lock.contains(part), "{part} is not in\n{lock}");
    }
    assert!(!lock.contains("127.0.0.1"), "{lock}");
    project.run("mirror build --dry-run").says(4, "would fetch 3 files");
    project.run("mirror fetch");
    project.run("mirror build --dry-run").says(4, "would make the signing key");
    project.run("mirror build").says(0, "published generation 1");
    project.upstream.gone();
    project.run("mirror build").says(0, "up to date: generation 1 (fetched 0 files, 0 bytes)");
    assert!(project.upstream.requests().is_empty(), "the second run asks nobody");
    project.run("mirror verify --mirror mirror --key mirror/current/mirror.pub").says(0, "as listed");

    let section = project.path("mirror/current/mirror_apt");
    assert_eq!(fs::read(section.join("pool/main/b_1.deb")).unwrap(), archive.bytes("b_1"));
    let ring = Keyring::parse(&fs::read(section.join("pnda-mirror.gpg")).unwrap()).unwrap();
    let signed = fs::read_to_string(section.join("dists/stable/InRelease")).unwrap();
    let (text, by) = ring.cleartext(&signed).unwrap();
    assert_eq!(ring.fingerprints(), [by]);
    assert_eq!(text.trim_end(), fs::read_to_string(section.join("dists/stable/Release")).unwrap().trim_end());
    let list = fs::read_to_string(section.join("dists/stable/main/binary-amd64/Packages")).unwrap();
    let names: Vec<&str> = list.lines().filter(|line| line.starts_with("Package: ")).collect();
    assert_eq!(names, ["Package: a", "Package: b", "Package: libc"]);
    assert!(
        list.contains(" with two lines\nSize: ") && list.contains("Filename: pool/main/a_1%3a1.0-1.deb\n"),
        "{list}"
    );
}

#[test]
fn a_mirror_is_not_given_another_key_by_accident() {
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    project.run("mirror build").says(0, "generation 1");
    fs::rename(project.path("key.pgp"), project.path("away")).unwrap();
    project.run("mirror build").says(2, "is signed by a key that is not in key.pgp: bring that key");
    fs::rename(project.path("away"), project.path("key.pgp")).unwrap();
    project.run("mirror build").says(0, "up to date: generation 1");
}

#[test]
fn the_same_lock_gives_the_same_bytes_in_another_place() {
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    project.run("mirror build").says(0, "generation 1");
    fs::rename(project.path("store"), project.path("old-store")).unwrap();
    fs::rename(project.path("mirror"), project.path("old-mirror")).unwrap();
    project.run("mirror build").says(0, "generation 1");
    for name in ["InRelease", "Release.gpg", "main/binary-amd64/Packages.gz", "main/binary-amd64/Packages.zst"] {
        let read =
            |mirror: &str| fs::read(project.path(mirror).join("current/mirror_apt/dists/stable").join(name)).unwrap();
        assert_eq!(read("mirror"), read("old-mirror"), "{name}");
    }
}

#[test]
fn what_upstream_dropped_stays_while_the_store_holds_it() {
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    project.run("mirror build").says(0, "generation 1");
    Archive::of(&PACKAGES.replace("b 1;", "b 2;")).serve(&project);
    let told = lock_aloud(&project).says(0, "the lock is up to date: 3 artifacts");
    assert!(
        told.err.contains("upstream has dropped b=1 and has 2 now; the store holds it and it stays"),
        "{}",
        told.err
    );
    project.run("mirror build").says(0, "up to date: generation 1");

    project.run("mirror lock --upgrade --dry-run").says(4, "+ pool/main/b_2.deb");
    project.run("mirror lock --upgrade b --dry-run").says(4, "+ pool/main/b_2.deb");
    let told = project.run("mirror lock --upgrade oss").says(2, "");
    assert!(told.err.contains("cannot upgrade `oss`: did you mean `os`?"), "{}", told.err);
    fs::remove_dir_all(project.path("store/sha256")).unwrap();
    let told = lock_aloud(&project).says(0, "- pool/main/b_1.deb");
    assert!(
        told.err.contains("upstream has dropped b_1.deb, and the store does not hold it: b=2 takes its place"),
        "{}",
        told.err
    );
}

#[test]
fn what_upstream_dropped_goes_when_it_does_not_fit_any_more() {
    let lines = "a 1; Depends: b\nb 1; Depends: c (= 1)\nc 1";
    let (project, _) = project(lines);
    project.run("mirror lock");
    project.run("mirror fetch");
    fs::remove_file(stored(&project, &Archive::of(lines), "c_1")).unwrap();
    Archive::of("a 1; Depends: b\nb 2; Depends: c (= 2)\nc 2").serve(&project);
    let told = lock_aloud(&project).says(0, "+ pool/main/c_2.deb");
    assert!(told.err.contains("upstream has dropped b_1.deb, and it does not fit any more: b=2"), "{}", told.err);
}

#[test]
fn another_release_keeps_nothing_of_the_old_one() {
    let (project, _) = project("a 2");
    project.run("mirror lock");
    project.run("mirror fetch");
    let next = Archive::of("a 3");
    let release = next.serve_lists(&project, &["amd64"]);
    let signed = archive::signer().cleartext(&release).unwrap();
    project.upstream.on("/apt/dists/next/InRelease", [Reply::bytes(signed)]);
    project
        .upstream
        .on("/apt/dists/next/main/binary-amd64/Packages.gz", [Reply::bytes(archive::gzip(next.list.as_bytes()))]);
    project.manifest(&MANIFEST.replace("stable", "next"));
    project.run("mirror lock").says(0, "+ pool/main/a_3.deb");
    assert!(!project.read("manifests/pnda.lock").contains("a_2.deb"));
}

#[test]
fn what_upstream_dropped_before_it_was_fetched_is_told_as_such() {
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    project.upstream.on("/apt/pool/main/b_1.deb", [Reply::status(404)]);
    let said = project.run("mirror fetch").says(1, "1 of 3 artifacts could not be fetched");
    assert!(
        said.err.contains("pool/main/b_1.deb\n  because: upstream has dropped it since it was locked"),
        "{}",
        said.err
    );
}

fn stored(project: &Project, archive: &Archive, name: &str) -> std::path::PathBuf {
    let digest = pnda::words::digest::Sha256::of(archive.bytes(name)).to_string();
    project.path("store/sha256").join(&digest[..2]).join(&digest[2..])
}

#[test]
fn newer_versions_come_when_they_are_asked_for() {
    let (project, _) = project("a 1");
    project.run("mirror lock");
    Archive::of("a 1\na 2").serve(&project);
    let told = lock_aloud(&project).says(0, "the lock is up to date");
    assert!(told.err.contains("the last lock's versions stay: a=1 (there is 2)"), "{}", told.err);
    project.run("mirror lock --upgrade").says(0, "+ pool/main/a_2.deb");
    project.manifest(&MANIFEST.replace("\"a\"", "\"a=1\"")).run("mirror lock").says(0, "+ pool/main/a_1.deb");
}

#[test]
fn what_nodes_have_is_a_list_beside_the_manifest() {
    let (project, _) = project(PACKAGES);
    project.manifest(&format!("{MANIFEST}base = \"node.packages\"\n"));
    project.run("mirror lock").says(2, "there is no list `node.packages`");
    fs::write(project.path("manifests/node.packages"), "libc:amd64\t2\n").unwrap();
    project.run("mirror lock").says(0, "locked 2 artifacts");
    fs::write(project.path("manifests/node.packages"), "libc:amd64\t2\nb\t1\n").unwrap();
    project.run("mirror build").says(1, "the lock does not match the manifests");
    project.run("mirror lock").says(0, "locked 1 artifacts");

    // A list has names alone; what they stand for, the suites know.
    let lines = "a 1; Depends: awk\nmawk 1; Provides: awk\ngawk 2; Provides: awk; Priority: important";
    Archive::of(lines).serve(&project);
    fs::write(project.path("manifests/node.packages"), "mawk 1\n").unwrap();
    project.run("mirror lock").says(0, "locked 1 artifacts");
}

/// Bends an archive, and says what locking then says.
fn refused(part: &str, bend: impl FnOnce(&mut Archive)) {
    let (project, mut archive) = project(PACKAGES);
    bend(&mut archive);
    archive.serve(&project);
    project.run("mirror lock").says(1, part);
    assert_eq!(project.read("manifests/pnda.lock"), "", "nothing is agreed");
}

#[test]
fn an_archive_that_is_bent_is_refused() {
    let list = |from: &'static str, to: &'static str| {
        move |archive: &mut Archive| archive.list = archive.list.replace(from, to)
    };
    refused("has a Filename that cannot be used", list("pool/main/b_1.deb", "../../etc/cron.d/x"));
    refused("line 1: `rubbish` is no field of control data", list("Package: a", "rubbish"));
    refused("line 2: the field Version is given twice", list("Package: a", "Version: 1"));
    refused("`1_0` is no Debian version", list("1:1.0-1", "1_0"));
    refused("a=1:1.0-1 has a Depends that cannot be read", list("b (>= 1)", "b (>> "));
    refused("os > a=1:1.0-1 needs b (>= 2), which is not to be had: there is 1", list("b (>= 1)", "b (>= 2)"));
    let digest = "0".repeat(64);
    let bomb = format!(" {digest} 9 main/binary-amd64/Packages\n");
    let size = archive::gzip(Archive::of(PACKAGES).list.as_bytes()).len();
    let other = format!("{bomb} {digest} {size} main/binary-amd64/Packages.gz\n");
    refused("has other content", move |archive| archive.lie = Some(other));
    let packed = archive::gzip(Archive::of(PACKAGES).list.as_bytes());
    let real = format!("{bomb} {} {size} main/binary-amd64/Packages.gz\n", pnda::words::digest::Sha256::of(&packed));
    refused("it unpacks to more than the 9 bytes that it may have", move |archive| archive.lie = Some(real));
    refused("which is not digest, size and path", |archive| archive.lie = Some(" 12 x ../Packages\n".into()));
    refused("allow-expired = true", |archive| archive.head = "Valid-Until: Mon, 01 Jun 2020 00:00:00 UTC\n".into());
    refused("which is no date", |archive| archive.head = "Date: tomorrow\n".into());
}

#[test]
fn a_snapshot_is_taken_where_the_manifest_says_so() {
    let (project, mut archive) = project(PACKAGES);
    archive.head = "Valid-Until: Mon, 01 Jun 2020 00:00:00 UTC\n".into();
    archive.serve(&project);
    project.manifest(&format!("{MANIFEST}allow-expired = true\n")).run("mirror lock").says(0, "locked 3");
}

#[test]
fn an_archive_that_goes_back_in_time_is_refused_unless_the_manifest_says_so() {
    let (project, mut archive) = project(PACKAGES);
    project.run("mirror lock");
    let (head, lock) = (archive.head.clone(), project.read("manifests/pnda.lock"));
    archive.head = "Date: Mon, 01 Jun 2020 00:00:00 UTC\n".into();
    archive.serve(&project);
    let gone_back = "stable went back in time: its Release is of Mon, 01 Jun 2020 00:00:00 GMT";
    project.run("mirror lock").says(1, gone_back).says(1, "allow-older = true");
    assert_eq!(project.read("manifests/pnda.lock"), lock, "the lock stays as it was");

    project.manifest(&format!("{MANIFEST}allow-older = true\n"));
    let told = lock_aloud(&project).says(0, "lock");
    assert!(told.err.contains(gone_back), "{}", told.err);
    project.manifest(MANIFEST).run("mirror lock").says(1, gone_back);
    archive.head = head;
    archive.serve(&project);
    project.run("mirror lock").says(0, "lock");
}

#[test]
fn only_a_trusted_signature_counts_and_the_signer_stays_the_same() {
    let (project, archive) = project(PACKAGES);
    let stranger = Signer::load_or_make(&project.path("stranger.key")).unwrap();
    archive.serve_signed(&project, &stranger);
    project.run("mirror lock").says(1, &format!("it was signed by {}", stranger.fingerprint()));
    let release = archive.serve_lists(&project, &["amd64"]);
    let forged = archive::signer().cleartext(&release).unwrap().replace("Origin: test", "Origin: tost");
    project.upstream.on(INRELEASE, [Reply::bytes(forged)]);
    project.run("mirror lock").says(1, "does not fit the bytes");

    project.upstream.on(INRELEASE, [Reply::status(404)]);
    project.upstream.on("/apt/dists/stable/Release", [Reply::bytes(release.clone())]);
    project.run("mirror lock").says(1, "the Release of stable is not signed");
    let apart = archive::signer().detached(release.as_bytes()).unwrap();
    project.upstream.on("/apt/dists/stable/Release.gpg", [Reply::bytes(apart)]);
    project.run("mirror lock").says(0, "locked 3");

    // Both keys are trusted now, and still nobody else may sign than the one of the lock.
    let both = format!("{}{}", archive::signer().public_armored().unwrap(), stranger.public_armored().unwrap());
    archive.serve_signed(&project, &stranger);
    fs::write(project.path("archive.asc"), both).unwrap();
    let said = project.run("mirror lock").says(1, &format!("is signed by {}", stranger.fingerprint()));
    assert!(said.err.contains(&format!("the lock says {}", archive::signer().fingerprint())), "{}", said.err);
    let lock =
        project.read("manifests/pnda.lock").replace(&format!("signer = \"{}\"\n", archive::signer().fingerprint()), "");
    fs::write(project.path("manifests/pnda.lock"), lock).unwrap();
    project.run("mirror lock").says(0, "locked 3");
}

#[test]
fn an_unsigned_archive_is_used_where_the_site_accepts_that() {
    let (project, archive) = project(PACKAGES);
    let release = archive.serve_lists(&project, &["amd64"]);
    project.upstream.on(INRELEASE, [Reply::status(404)]);
    project.upstream.on("/apt/dists/stable/Release", [Reply::bytes(release)]);
    let file = project.path(".config/pnda/sources.toml");
    fs::write(&file, format!("{}policy = \"checksum\"\n", fs::read_to_string(&file).unwrap())).unwrap();
    project.run("mirror lock").says(0, "locked 3");
    assert!(project.read("manifests/pnda.lock").contains("vouched = \"index sha256\""));
}

#[test]
fn a_file_that_is_no_package_is_not_published() {
    let (project, mut archive) = project("a 1");
    let (digest, size) = (pnda::words::digest::Sha256::of(b"rubbish"), 7);
    let lines = archive.list.lines().map(|line| match line.split(':').next() {
        Some("SHA256") => format!("SHA256: {digest}\n"),
        Some("Size") => format!("Size: {size}\n"),
        _ => format!("{line}\n"),
    });
    archive.list = lines.collect();
    archive.serve(&project);
    project.upstream.on("/apt/pool/main/a_1.deb", [Reply::bytes("rubbish")]);
    project.run("mirror lock").says(0, "locked 1");
    project.run("mirror build").says(1, "pool/main/a_1.deb does not say what package it is");
    assert!(!project.path("mirror/current").exists());
}

#[test]
fn each_architecture_has_a_closure_and_a_list_of_its_own() {
    let lines =
        "a 1; Architecture: all; Depends: b\nb 1\nb 2; Architecture: arm64; Depends: c\nc 1; Architecture: arm64";
    let (project, archive) = project(lines);
    archive.serve(&project);
    let two = format!("{MANIFEST}architectures = [\"amd64\", \"arm64\"]\n");
    project.manifest(&two).run("mirror lock").says(1, "the Release has no list of main for arm64");
    archive.serve_for(&project, &["amd64", "arm64"]);
    project.run("mirror lock").says(0, "locked 4 artifacts");
    project.run("mirror build").says(0, "generation 1");
    let names = |architecture: &str| -> Vec<String> {
        let list = project.read(&format!("mirror/current/mirror_apt/dists/stable/main/binary-{architecture}/Packages"));
        let name = |line: &str| Some(line.strip_prefix("Filename: pool/main/")?.to_owned());
        list.lines().filter_map(name).collect()
    };
    assert_eq!(names("amd64"), ["a_1.deb", "b_1.deb"]);
    assert_eq!(names("arm64"), ["a_1.deb", "b_2.deb", "c_1.deb"]);
}
