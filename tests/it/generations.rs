//! Generations as an operator handles them: list, diff, rollback, clean-up, status, two builders, damage and its repair.
//! The program is run as a user runs it; mirrors, stores and registries are those of the test.
//! Not here: being killed on the way (`killed`).

use crate::project::Project;
use crate::upstream::Reply;
use pnda::mirror::gc::users;
use pnda::mirror::generations::{self, alone::alone};
use pnda::mirror::store::Store;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const MANIFEST: &str = r#"
[[pypi]]
id = "tool"
package = "tool==1.0"
wheel = { python = "py3", platform = "any" }

[[file]]
id = "notes"
urls = ["$UP/notes.txt"]
sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
path = "mirror_misc/notes.txt"
"#;

/// A project with `versions` generations: the first has tool 1.0, the next 2.0, and so on.
fn project(versions: u32) -> Project {
    let project = Project::new();
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    for version in 1..=versions {
        let (name, text) = (format!("tool-{version}.0-py3-none-any.whl"), format!("wheel {version}"));
        project.manifest(&MANIFEST.replace("1.0", &format!("{version}.0"))).pypi("tool", &name, text.as_bytes());
        project.run("mirror lock").says(0, "locked 2");
        project.run("mirror build").says(0, &format!("published generation {version} "));
    }
    project
}

fn wheel(generation: u32, version: u32) -> String {
    format!("mirror/generations/{generation}/mirror_python/packages/tool-{version}.0-py3-none-any.whl")
}

/// Writes other bytes into a file that cannot be written, without making it another file.
fn damage(path: &Path, text: &str) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn generations_are_listed_with_what_is_new_in_them() {
    let project = project(2);
    let listed = project.run("mirror list --mirror mirror").says(0, "GENERATION");
    let lines: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines[1][0], lines[2][0], lines[2][1]), ("1", "*", "2"), "{}", listed.out);
    let rows: serde_json::Value = serde_json::from_str(&project.run("mirror list --mirror mirror --json").out).unwrap();
    assert!(rows[1]["current"].as_bool().unwrap() && rows[0]["published"].as_u64().unwrap() > 1_700_000_000);
    assert!(rows[1]["new_bytes"].as_u64().unwrap() < rows[1]["bytes"].as_u64().unwrap());
    project.run("mirror list --mirror manifests").says(1, "holds no published generation; run `pnda mirror build`");
}

#[test]
fn what_was_published_from_the_same_inputs_is_not_laid_out_again() {
    let project = project(1);
    let state = project.path("mirror/.state/1.toml");
    let noted = fs::read_to_string(&state).unwrap();
    let laid_out = |told: &str| project.run("mirror build").says(0, told).err.contains("laying out the mirror");
    assert!(noted.contains("inputs = "));
    assert!(!laid_out("up to date: generation 1 (fetched 0 files"));
    // Without the note, or with that of another mirror, all is looked at.
    fs::write(&state, noted.replace("inputs = \"", "inputs = \"00")).unwrap();
    assert!(laid_out("up to date: generation 1 ") && fs::read_to_string(&state).unwrap().contains("inputs = "));
    assert!(!laid_out("up to date: generation 1 "));
    // A comment may be one that matters.
    project.manifest(&format!("# newer\n{}", MANIFEST));
    assert!(laid_out("up to date: generation 1 "));
    fs::remove_file(project.path("mirror/current/mirror_misc/notes.txt")).unwrap();
    assert!(laid_out("published generation 2 "));
    fs::write(project.path("agent"), "a newer agent").unwrap();
    assert!(laid_out("published generation 3 "));
    fs::remove_file(project.path("key")).unwrap();
    project.run("mirror build").says(2, "is signed by a key that is not in");
}

#[test]
fn a_difference_is_told_in_words() {
    let project = project(2);
    let told = project.run("mirror diff 1 2 --mirror mirror").says(0, "pypi tool 1.0 is now 2.0");
    assert!(told.out.contains("  + mirror_python/packages/tool-2.0-py3-none-any.whl (7 bytes)"), "{}", told.out);
    assert!(!told.out.contains("notes"), "{}", told.out);
    project.run("mirror diff 1 --mirror mirror --brief --exit-code").says(4, "mirror_python: 1 added, 1 removed");
    project.run("mirror diff 2 2 --mirror mirror --exit-code").says(0, "hold the same");
    project.run("mirror diff 7 2 --mirror mirror").says(1, "has no generation 7; it keeps 1, 2");
    let json: serde_json::Value =
        serde_json::from_str(&project.run("mirror diff 1 2 --mirror mirror --json").out).unwrap();
    assert_eq!(json["packages"][0]["name"], "tool");
}

#[test]
fn going_back_is_a_step_forward() {
    let project = project(2);
    project.run("mirror rollback --mirror mirror --key key --dry-run").says(4, "would publish generation 3");
    project.run("mirror rollback --mirror mirror --key key").says(0, "published generation 3 with the content of 1");
    let inode = |path: &str| fs::metadata(project.path(path)).unwrap().ino();
    assert_eq!(inode(&wheel(1, 1)), inode(&wheel(3, 1)), "its bytes are not copied");
    project.run("mirror verify --mirror mirror --key mirror/generations/1/mirror.pub").says(0, "generation 3: ");
    project.run("mirror list --mirror mirror").says(0, "content of 1");
    project.run("mirror rollback 1 --mirror mirror --key key").says(0, "up to date: generation 3 has the content of 1");
    project.run("mirror rollback 2 --mirror mirror --key key --verify").says(0, "published generation 4");
    project.run("mirror build").says(0, "up to date: generation 4");
}

#[test]
fn nobody_goes_back_to_what_is_damaged_or_foreign() {
    let project = project(2);
    damage(&project.path(&wheel(1, 1)), "WHEEL 1");
    project
        .run("mirror rollback --mirror mirror --key key --verify")
        .says(3, "is not whole, first of all mirror_python");
    fs::remove_file(project.path(&wheel(1, 1))).unwrap();
    project.run("mirror rollback --mirror mirror --key key").says(3, "--repair --generation 1");
    project.run("mirror rollback --mirror mirror --key other").says(2, "the mirror's key is not here");
    pnda::mirror::keys::Signer::load_or_make(&project.path("other")).unwrap();
    project.run("mirror rollback --mirror mirror --key other").says(2, "is signed by another key than other");
    let new = "mirror rollback --mirror mirror --key other --new-key";
    project.run(new).says(3, "was not signed by the key");
    assert!(project.read("mirror/current/generation.toml").contains("number = 2"));
}

#[test]
fn clean_up_keeps_what_is_current_new_or_being_read() {
    let project = project(5);
    fs::create_dir(project.path("mirror/generations/.old-0")).unwrap();
    project
        .run("mirror gc --mirror mirror --keep 2 --dry-run")
        .says(4, "would remove generations: 1, 2, 3; kept: 4, 5");
    let pinned = generations::pin(&project.path("mirror/generations/2")).unwrap();
    project.run("mirror gc --mirror mirror --keep 2").says(0, "somebody is reading 2");
    drop(pinned);
    project.run("mirror gc --mirror mirror --keep 2").says(0, "removed generations: 2; kept: 4, 5");
    project.run("mirror gc --mirror mirror --keep 2").says(0, "removed generations: none");
    assert!(!project.path("mirror/generations/.old-0").exists() && !project.path("mirror/.state/1.toml").exists());
    std::os::unix::fs::symlink("generations/4", project.path("mirror/.c")).unwrap();
    fs::rename(project.path("mirror/.c"), project.path("mirror/current")).unwrap();
    project.run("mirror gc --mirror mirror --keep 1").says(0, "kept: 4, 5");
    project.run("mirror gc --mirror mirror --keep 0").says(2, "0 is not in 1..");
    project.run("mirror gc --mirror manifests --keep 1").says(2, "keeps no generations");
}

#[test]
fn a_store_loses_only_what_no_mirror_refers_to() {
    let project = project(3);
    let gc = "mirror gc --mirror mirror --keep 1 --manifests manifests --store store";
    project.run(gc).says(0, "removed 0 files of the store");
    project.run(&format!("{gc} --grace 0 --dry-run")).says(4, "would remove");
    project.run(&format!("{gc} --grace 0")).says(0, "removed generations: none; kept: 3");
    let store = Store::open(&project.path("store")).unwrap();
    let there = |text: &str| store.path(pnda::words::digest::Sha256::of(text.as_bytes())).exists();
    assert!(!there("wheel 1") && !there("wheel 2") && there("wheel 3") && there("foo"));
    project.upstream.gone();
    project.run("mirror build").says(0, "up to date: generation 3 (fetched 0 files, 0 bytes)");
    project.run("mirror verify --mirror mirror").says(0, "as listed");
}

#[test]
fn a_locked_build_that_is_still_to_come_keeps_its_bytes() {
    let project = project(1);
    project.manifest(&MANIFEST.replace("1.0", "2.0")).pypi("tool", "tool-2.0-py3-none-any.whl", b"wheel 2");
    project.run("mirror lock").says(0, "locked 2");
    project.run("mirror fetch").says(0, "fetched 1 files");
    let gc = "mirror gc --mirror mirror --keep 1 --store store --grace 0";
    project.run(&format!("{gc} --manifests manifests")).says(0, "removed 0 files of the store");
    let running = Store::open(&project.path("store")).unwrap().lock_shared().unwrap();
    project.run(gc).says(1, "another run is using");
    drop(running);
    project.run(gc).says(0, "removed 1 files of the store");
}

#[test]
fn a_mirror_that_cannot_be_seen_stops_the_clean_up_of_its_store() {
    let project = project(2);
    // Another mirror of the same store, of which only an empty mount point is left.
    let store = Store::open(&project.path("store")).unwrap();
    fs::create_dir(project.path("other")).unwrap();
    users::note(&store, &project.path("other")).unwrap();
    let gc = "mirror gc --mirror mirror --keep 1 --store store --grace 0";
    let told = project.run(gc).says(1, "uses this store but cannot be seen now: mount it, or say `--forget");
    assert!(told.err.contains("nothing of the store was removed"));
    assert!(project.path("mirror/generations/1").exists(), "nor any generation");
    project.run(&format!("{gc} --forget other --dry-run")).says(4, "would remove");
    project.run(gc).says(1, "cannot be seen now");
    project.run(&format!("{gc} --forget other")).says(0, "removed generations: 1; kept: 2");
}

#[test]
fn the_second_builder_is_told_who_the_first_is() {
    let project = project(1);
    let held = alone(&project.path("mirror")).unwrap();
    let pid = std::process::id();
    for words in ["mirror build", "mirror rollback --mirror mirror --key key", "mirror gc --mirror mirror --keep 1"] {
        project.run(words).says(1, &format!("(process {pid}): wait until it ends, or stop it with `kill {pid}`"));
    }
    project.run("mirror verify --mirror mirror").says(0, "as listed");
    project.run("mirror status --mirror mirror --manifests manifests").says(0, "a run is changing the mirror now");
    drop(held);
    project.run("mirror build").says(0, "up to date: generation 1");
}

#[test]
fn status_says_on_one_page_how_a_mirror_is() {
    let project = project(2);
    let status = "mirror status --mirror mirror --manifests manifests --store store";
    let told = project.run(status).says(0, "generation   2, published 2");
    for part in [
        "verified     never",
        "lock         answers the manifests; the current generation is made from it",
        "kept         1, 2",
        "signed by    RW",
        "store        ",
        "used by      ",
    ] {
        assert!(told.out.contains(part), "{part} is not in\n{}", told.out);
    }
    project.run("mirror verify --mirror mirror --sample 2 --seed 1").says(0, "read 2 of ");
    project.run(status).says(0, ": read 2 of ");
    project.manifest(&MANIFEST.replace("1.0", "9.0"));
    project.run(status).says(0, "lock         the lock does not match the manifests");
    let json: serde_json::Value = serde_json::from_str(&project.run(&format!("{status} --json")).out).unwrap();
    assert_eq!(json["generations"], serde_json::json!([1, 2]));
    assert_eq!(json["verified"]["read"], 2);
}

#[test]
fn a_sample_looks_at_every_length_and_reads_some_bytes() {
    let project = project(1);
    damage(&project.path("mirror/current/mirror_misc/notes.txt"), "fop");
    let verify = "mirror verify --mirror mirror --sample";
    let found = |seed: u32| project.run(&format!("{verify} 3 --seed {seed}")).code == 3;
    let seeds: Vec<bool> = (0..20).map(found).collect();
    assert!(seeds.contains(&true) && seeds.contains(&false), "{seeds:?}");
    assert_eq!((0..20).map(found).collect::<Vec<_>>(), seeds, "the same seed reads the same files");
    project.run(&format!("{verify} 100%")).says(3, "mirror_misc/notes.txt has other content");
    damage(&project.path("mirror/current/mirror_misc/notes.txt"), "longer");
    project.run(&format!("{verify} 1 --seed 1")).says(3, "has 6 bytes, listed are 3");
    project.run(&format!("{verify} 0%")).says(2, "is no sample");
}

const REPAIR: &str = "mirror verify --mirror mirror --repair --manifests manifests --store store --agent agent --quiet";

/// The same with the registry of the test.
fn repair(project: &Project) -> crate::project::Ran {
    let registry = format!("--source=pypi={}/simple", project.upstream.url);
    project.run(&format!("{REPAIR} {registry}"))
}

#[test]
fn damage_that_mirror_and_store_share_is_mended_from_the_registry_everywhere() {
    let project = project(2);
    let notes = |generation: u32| project.path(&format!("mirror/generations/{generation}/mirror_misc/notes.txt"));
    damage(&notes(2), "fop");
    assert_eq!(fs::read_to_string(notes(1)).unwrap(), "fop", "it is one file under three names");
    project.run("mirror verify --mirror mirror").says(3, "mirror_misc/notes.txt has other content");
    repair(&project).says(0, "mended 2 files, 0 differences are left");
    assert_eq!(project.upstream.requests().last().unwrap(), "/notes.txt");
    for generation in [1, 2] {
        assert_eq!(fs::read_to_string(notes(generation)).unwrap(), "foo");
        project.run(&format!("mirror verify --mirror mirror --generation {generation}")).says(0, "as listed");
    }
}

#[test]
fn what_another_generation_or_the_store_has_is_not_fetched() {
    let project = project(2);
    let requests = project.upstream.requests().len();
    fs::remove_file(project.path(&wheel(2, 2))).unwrap();
    repair(&project).says(0, "mended 1 files, 0 differences are left");
    assert_eq!(fs::metadata(project.path(&wheel(2, 2))).unwrap().nlink(), 2, "it is a link into the store again");
    fs::remove_file(project.path("mirror/generations/2/mirror_misc/notes.txt")).unwrap();
    fs::remove_dir_all(project.path("store")).unwrap();
    repair(&project).says(0, "mended 1 files, 0 differences are left");
    assert_eq!(project.upstream.requests().len(), requests, "nobody was asked");
}

#[test]
fn what_was_made_here_is_made_again() {
    let project = project(1);
    for name in ["SHA256SUMS", "mirror_python/simple/index.html", "pnda-agent.sha256", "pnda-agent", "pnda.lock"] {
        let path = project.path("mirror/current").join(name);
        damage(&path, "?");
    }
    fs::remove_dir_all(project.path("mirror/current/sbom")).unwrap();
    repair(&project).says(0, " 0 differences are left");
    project.run("mirror verify --mirror mirror").says(0, "as listed");
}

#[test]
fn what_cannot_be_mended_is_said_with_the_reason() {
    let project = project(1);
    damage(&project.path("mirror/current/mirror_misc/notes.txt"), "fop");
    fs::write(project.path("mirror/current/more"), "").unwrap();
    project.upstream.on("/notes.txt", [Reply::status(404)]);
    let told = repair(&project).says(3, "left differs: mirror_misc/notes.txt has other content");
    assert!(
        told.out.contains("left not in the list: more") && told.err.contains("notes.txt"),
        "{}{}",
        told.out,
        told.err
    );
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    repair(&project).says(3, "mended 1 files, 1 differences are left");
}

#[test]
fn a_list_that_is_not_as_it_was_signed_is_not_signed_anew_for_that_but_published_anew() {
    let project = project(1);
    for (name, from, to) in
        [("generation.toml", "size = ", "size = 1"), ("generation.toml.minisig", "comment: ", "comment: x")]
    {
        let path = project.path("mirror/current").join(name);
        let text = fs::read_to_string(&path).unwrap();
        damage(&path, &text.replace(from, to));
        let registry = format!("--source=pypi={}/simple", project.upstream.url);
        let repair = project.run(&format!("{REPAIR} {registry} --signing-key key"));
        let told = repair.says(3, "cannot be trusted: copy it anew, or publish the next with `pnda mirror build`");
        assert!(told.err.contains("was not signed by the expected key"), "{}", told.err);
        assert_ne!(fs::read_to_string(&path).unwrap(), text, "nobody knows what it listed");
        project.run("mirror build").says(0, "published generation");
        project.run("mirror verify --mirror mirror --key mirror/current/mirror.pub").says(0, "as listed");
    }
}
