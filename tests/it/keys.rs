//! A mirror keeps its keys, and goes over to others only step by step, while nodes and machines trust both.
//! The program is run as a user runs it; apt is the real one.
//! Not here: a node that is installed on the way (`tests/nodes/engine.rs`).

use crate::archive::Archive;
use crate::project::{Project, Ran};
use crate::upstream::Reply;
use pnda::mirror::keys::Signer;
use pnda::mirror::openpgp::{self, Keyring};
use pnda::words::node::Node;
use std::collections::BTreeSet;
use std::fs;

/// What a node of every kind is rendered from, as far as a mirror must have it.
const NAMES: [&str; 2] = ["flink-1.20.5.tar.gz", "mirror_misc/jre-17.0.9.2.tar.gz"];

fn files() -> String {
    let file = |(at, path): (usize, &&str)| {
        format!(
            "[[file]]\nid = \"f{at}\"\nurls = [\"$UP/notes.txt\"]\npath = \"{path}\"\n\
             sha256 = \"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"\n"
        )
    };
    NAMES.iter().enumerate().map(file).collect()
}

/// A published mirror of a few files, and of packages of Debian if it is to have some.
fn published(apt: &str) -> Project {
    let project = Project::new();
    project.upstream.on("/notes.txt", [Reply::bytes("foo")]);
    project.manifest(&format!("{}{apt}", files()));
    if !apt.is_empty() {
        Archive::of("a 1").serve(&project);
    }
    project.run("mirror lock").says(0, "locked");
    project.run("mirror build").says(0, "published generation 1");
    for name in ["key", "other"] {
        let signer = Signer::load_or_make(&project.path(name)).unwrap();
        fs::write(project.path(&format!("{name}.pub")), signer.public_file()).unwrap();
    }
    project
}

const APT: &str = "[[apt]]\nid = \"os\"\npackages = [\"a\"]\nsuites = [\"stable\"]\n";

/// Builds with another key than `key`, which the project's own words name.
fn build(project: &Project, key: &str, more: &str) -> Ran {
    project.run(&format!("mirror build{more} --key={key}"))
}

#[test]
fn a_mirror_does_not_take_another_key_that_is_there() {
    let project = published("");
    let (list, public) = (project.read("mirror/current/generation.toml"), project.read("mirror/current/mirror.pub"));
    let refused = "is signed by another key than other: name the one that signed it";
    for agent in ["an agent", "a newer agent"] {
        fs::write(project.path("agent"), agent).unwrap();
        build(&project, "other", "").says(2, refused).says(2, "then say --new-key");
        build(&project, "other", " --dry-run").says(2, refused);
    }
    assert_eq!(project.read("mirror/current/generation.toml"), list);
    build(&project, "other", " --new-key").says(0, "published generation 2");
    assert_ne!(project.read("mirror/current/mirror.pub"), public);
    project.run("mirror build").says(2, "is signed by another key than key");
    project.run("mirror rollback --mirror mirror --key key").says(2, "is signed by another key than key");
    let back = "mirror rollback --mirror mirror --key other";
    project.run(back).says(3, "name its public half with --signed-by");
    project.run(&format!("{back} --signed-by other.pub")).says(3, "was not signed by the key");
    project.run(&format!("{back} --signed-by key.pub")).says(0, "published generation 3 with the content of 1");
    project.run("mirror verify --mirror mirror --key other.pub").says(0, "as listed");
}

/// A way to damage a mirror.
type Damage = fn(&Project);

fn remove(project: &Project, path: &str) {
    fs::remove_file(project.path(path)).unwrap();
}

fn spoil(project: &Project, path: &str) {
    // Not in place: other generations may have the same file.
    remove(project, path);
    fs::write(project.path(path), "damaged").unwrap();
}

const SIGNATURE: &str = "mirror/current/generation.toml.minisig";

#[test]
fn a_damaged_mirror_keeps_its_key_as_long_as_anything_names_it() {
    let damages: [(&str, Damage); 7] = [
        ("no signature", |project| remove(project, SIGNATURE)),
        ("a signature that is none", |project| spoil(project, SIGNATURE)),
        ("nothing current", |project| remove(project, "mirror/current")),
        ("no list", |project| remove(project, "mirror/current/generation.toml")),
        ("a public key that is none", |project| spoil(project, "mirror/current/mirror.pub")),
        ("nothing current, and no signature", |project| {
            remove(project, SIGNATURE);
            remove(project, "mirror/current");
        }),
        ("a generation that says nothing, behind one that does", |project| {
            fs::write(project.path("agent"), "a newer agent").unwrap();
            project.run("mirror build").says(0, "published generation 2");
            remove(project, SIGNATURE);
            spoil(project, "mirror/current/mirror.pub");
        }),
    ];
    for (what, damage) in damages {
        let project = published("");
        damage(&project);
        fs::write(project.path("agent"), "the newest agent").unwrap();
        println!("{what}");
        for more in ["", " --dry-run"] {
            build(&project, "other", more).says(2, "is signed by another key than other");
        }
        build(&project, "none", "").says(2, "is signed by a key that is not in none");
        build(&project, "key", "").says(0, "published generation");
        build(&project, "other", " --new-key").says(0, "published generation");
    }
}

#[test]
fn a_mirror_that_does_not_say_whose_it_is_takes_a_key_only_where_somebody_says_so() {
    let project = published("");
    remove(&project, SIGNATURE);
    remove(&project, "mirror/current/mirror.pub");
    for key in ["key", "other"] {
        build(&project, key, "").says(2, "nothing in mirror says which key signed it").says(2, "say --new-key");
    }
    remove(&project, "mirror/current");
    build(&project, "other", "").says(2, "nothing in mirror says which key signed it");
    build(&project, "none", "").says(2, "is signed by a key that is not in none");
    build(&project, "key", " --new-key").says(0, "published generation 2");
}

#[test]
fn damaged_lists_of_packages_keep_their_key_as_long_as_anything_names_it() {
    let project = published(APT);
    fs::copy(project.path("key"), project.path("mixed")).unwrap();
    openpgp::Signer::load_or_make(&project.path("mixed.pgp")).unwrap();
    // While a mirror goes over, the keys of both are published; the first is the one that signs.
    build(&project, "key", " --other-key mixed").says(0, "published generation 2");
    let apt = |name: &str| format!("mirror/current/mirror_apt/{name}");
    let refused = "is signed by another key than mixed.pgp";
    for name in ["dists/stable/Release.gpg", "pnda-mirror.gpg", "pnda-mirror.asc"] {
        spoil(&project, &apt(name));
        build(&project, "mixed", "").says(2, refused);
        build(&project, "key", " --other-key mixed --dry-run").says(4, "would publish generation 3");
    }
    fs::remove_dir_all(project.path("mirror/generations/1")).unwrap();
    build(&project, "mixed", "").says(2, "nothing in mirror says which key signed it");
    build(&project, "mixed", " --new-key").says(0, "published generation 3");
}

#[test]
fn lists_of_packages_keep_their_key_too_and_both_are_published_on_the_way() {
    let project = published(APT);
    let apt = |name: &str| fs::read(project.path("mirror/current/mirror_apt").join(name)).unwrap();
    let print = |key: &str| openpgp::Signer::load_or_make(&project.path(&format!("{key}.pgp"))).unwrap().fingerprint();
    let (first, second) = (print("key"), print("other"));
    // The mirror's own key is right, the one beside it is another's.
    fs::copy(project.path("key"), project.path("mixed")).unwrap();
    fs::copy(project.path("other.pgp"), project.path("mixed.pgp")).unwrap();
    build(&project, "mixed", "").says(2, "is signed by another key than mixed.pgp");

    // A list that is mended keeps its key as well.
    let list = project.path("mirror/current/mirror_apt/dists/stable/InRelease");
    fs::set_permissions(&list, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    fs::write(&list, "damaged").unwrap();
    let repair = "mirror verify --mirror mirror --repair --manifests manifests --store store --agent agent --quiet";
    project.run(&format!("{repair} --signing-key other")).says(3, "is signed by another key than other.pgp");
    project.run(&format!("{repair} --signing-key key")).says(0, "mended 1 files, 0 differences are left");

    let ring = |name: &str| Keyring::parse(&apt(name)).unwrap();
    // Who signed, and whose keys apt and people are given.
    let published = || {
        let (_, by) = ring("pnda-mirror.gpg").cleartext(&text(&apt("dists/stable/InRelease"))).unwrap();
        assert_eq!(ring("pnda-mirror.gpg").fingerprints(), ring("pnda-mirror.asc").fingerprints());
        (by, BTreeSet::from_iter(ring("pnda-mirror.gpg").fingerprints()))
    };
    build(&project, "key", " --other-key other").says(0, "published generation 2");
    assert_eq!(published(), (first.clone(), BTreeSet::from([first.clone(), second.clone()])));
    build(&project, "key", " --other-key other").says(0, "up to date: generation 2").says(0, "other public key RW");
    build(&project, "other", " --other-key key --new-key").says(0, "published generation 3");
    assert_eq!(published(), (second.clone(), BTreeSet::from([second.clone(), first])));
    build(&project, "other", "").says(0, "published generation 4");
    assert_eq!(published(), (second.clone(), BTreeSet::from([second])));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn nodes_are_rendered_with_two_keys_while_a_mirror_goes_over() {
    let project = published("");
    fs::write(project.path("c.toml"), CLUSTER).unwrap();
    let render = |keys: &str| {
        let keys: String = keys.split(' ').map(|key| format!(" --key {key}.pub")).collect();
        project.run(&format!("cluster render c.toml --mirror mirror --out nodes{keys}"))
    };
    let node = || toml::from_str::<Node>(&project.read("nodes/edge/node.toml")).unwrap();
    render("key").says(0, "");
    let one = node();
    assert_eq!((one.format, one.mirror.public_key.len()), (1, 1), "read by every agent");
    render("key other").says(0, "");
    let both = node();
    assert_eq!((both.format, both.mirror.public_key.len()), (2, 2));
    // As an agent reads it that knows one key: it finds the format, which it does not know.
    assert!(
        project
            .read("nodes/edge/node.toml")
            .contains(&format!("public_key = \"{}\"", String::from(both.mirror.public_key)))
    );
    render("key key").says(0, "");
    assert_eq!((node().format, node().mirror), (1, one.mirror), "one that is named twice is one");
    Signer::load_or_make(&project.path("third"))
        .map(|third| fs::write(project.path("third.pub"), third.public_file()))
        .unwrap()
        .unwrap();
    render("key other third").says(2, "nodes would trust 3 keys");
    render("other").says(3, "was not signed by the expected key");
    build(&project, "other", " --new-key").says(0, "published generation 2");
    render("key").says(3, "was not signed by the expected key");
    render("key other").says(0, "");
    render("other").says(0, "");
}

const CLUSTER: &str = "name = \"c\"\nmirror.url = \"http://mirror.example:8080\"\n[[node]]\nname = \"edge\"\n\
                       address = \"10.0.0.1\"\nkinds = [\"manager\", \"edge\", \"worker\"]\n";
