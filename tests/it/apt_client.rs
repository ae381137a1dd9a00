//! A mirror of Debian packages as apt itself sees it, with a root of its own: what it installs and what it refuses.
//! Needs apt, and says so where there is none.
//! Not here: what is in the mirror (apt.rs).

use crate::apt::{PACKAGES, project};
use pnda::mirror::openpgp::Signer;
use pnda::mirror::serve;
use std::fs;
use std::path::Path;
use std::process::Command;

/// apt with everything of its own in one folder: it sees nothing of this machine but its programs.
fn apt(root: &Path, words: &str) -> (bool, String) {
    let command =
        Command::new("apt-get").args(words.split(' ')).env("APT_CONFIG", root.join("apt.conf")).output().unwrap();
    let text = [command.stdout, command.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (command.status.success(), text)
}

fn lay_apt(root: &Path, url: &str) {
    for folder in [
        "etc/apt/apt.conf.d",
        "etc/apt/preferences.d",
        "etc/apt/sources.list.d",
        "etc/apt/trusted.gpg.d",
        "var/lib/apt/lists/partial",
        "var/lib/dpkg",
        "var/cache/apt/archives/partial",
        "var/log/apt",
    ] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let options = format!(
        "Dir \"{0}\";\nDir::State::status \"{0}/var/lib/dpkg/status\";\nAPT::Architecture \"amd64\";\n\
         APT::Architectures {{ \"amd64\"; }};\nAPT::Sandbox::User \"root\";\nDebug::NoLocking \"true\";\n",
        root.display()
    );
    fs::write(root.join("apt.conf"), options).unwrap();
    let key = root.join("key.gpg");
    let source = format!("deb [signed-by={}] {url}/mirror_apt stable main\n", key.display());
    fs::write(root.join("etc/apt/sources.list"), source).unwrap();
}

#[test]
fn apt_installs_from_the_mirror_and_from_nothing_that_was_forged() {
    if Command::new("apt-get").arg("--version").output().is_err() {
        left_out!("the mirror as apt sees it: apt is not installed");
        return;
    }
    let (project, archive) = project(PACKAGES);
    project.run("mirror lock");
    project.run("mirror build").says(0, "generation 1");
    let root = project.path("apt");
    // A server believes in its generation, which never changes: what is changed behind its back needs another server.
    let served = || {
        let server = serve::start(&project.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap();
        lay_apt(&root, &format!("http://{}", server.address));
        server
    };
    let _first = served();
    let section = project.path("mirror/current/mirror_apt");

    let stranger = Signer::load_or_make(&project.path("stranger.key")).unwrap();
    fs::write(root.join("key.gpg"), stranger.public_binary().unwrap()).unwrap();
    let (done, said) = apt(&root, "update -o APT::Update::Error-Mode=any");
    assert!(!done && said.contains("NO_PUBKEY"), "{said}");

    fs::copy(section.join("pnda-mirror.gpg"), root.join("key.gpg")).unwrap();
    let (done, said) = apt(&root, "update -o APT::Update::Error-Mode=any -o Debug::Acquire::http=true");
    assert!(done && !said.contains("W: "), "{said}");
    assert!(said.contains("/by-hash/SHA256/"), "lists are asked for by their digest: {said}");
    let (done, said) = apt(&root, "install --yes --download-only a");
    assert!(done, "{said}");
    assert_eq!(fs::read(root.join("var/cache/apt/archives/b_1_all.deb")).unwrap(), archive.bytes("b_1"));

    for entry in fs::read_dir(section.join("dists/stable/main/binary-amd64/by-hash/SHA256")).unwrap() {
        let path = entry.unwrap().path();
        fs::remove_file(&path).unwrap();
        fs::write(path, "forged").unwrap();
    }
    let forget = || {
        fs::remove_dir_all(root.join("var/lib/apt/lists")).unwrap();
        fs::create_dir_all(root.join("var/lib/apt/lists/partial")).unwrap();
    };
    forget();
    let _second = served();
    let (done, said) = apt(&root, "update -o APT::Update::Error-Mode=any");
    assert!(!done && said.contains("unexpected size"), "{said}");
    let text = fs::read_to_string(section.join("dists/stable/InRelease")).unwrap();
    fs::remove_file(section.join("dists/stable/InRelease")).unwrap();
    fs::write(section.join("dists/stable/InRelease"), text.replace("Origin: pnda", "Origin: pnds")).unwrap();
    forget();
    let _third = served();
    let (done, said) = apt(&root, "update -o APT::Update::Error-Mode=any");
    assert!(!done && said.contains("BADSIG"), "{said}");
}

#[test]
fn apt_believes_either_key_while_a_mirror_goes_over() {
    if Command::new("apt-get").arg("--version").output().is_err() {
        left_out!("the mirror's other key as apt sees it: apt is not installed");
        return;
    }
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    let root = project.path("apt");
    let ring = || fs::read(project.path("mirror/current/mirror_apt/pnda-mirror.gpg")).unwrap();
    let update = |ring: &[u8]| {
        let _ = fs::remove_dir_all(root.join("var/lib/apt/lists"));
        let server = serve::start(&project.path("mirror"), "127.0.0.1:0".parse().unwrap()).unwrap();
        lay_apt(&root, &format!("http://{}", server.address));
        fs::write(root.join("key.gpg"), ring).unwrap();
        apt(&root, "update -o APT::Update::Error-Mode=any")
    };
    project.run("mirror build").says(0, "generation 1");
    let first = ring();
    project.run("mirror build --other-key other").says(0, "generation 2");
    let both = ring();
    for trusted in [&first, &both] {
        let (done, said) = update(trusted);
        assert!(done && !said.contains("W: "), "{said}");
    }
    project.run("mirror build --key=other --other-key key --new-key").says(0, "generation 3");
    let (done, said) = update(&both);
    assert!(done && !said.contains("W: "), "{said}");
    let (done, said) = update(&first);
    assert!(!done && said.contains("NO_PUBKEY"), "{said}");
    project.run("mirror build --key=other").says(0, "generation 4");
    let (done, said) = update(&ring());
    assert!(done && !said.contains("W: "), "{said}");
}

#[test]
fn a_damaged_list_of_packages_is_signed_anew_by_the_key_that_signed_it() {
    let (project, _) = project(PACKAGES);
    project.run("mirror lock");
    project.run("mirror build").says(0, "generation 1");
    let names = ["InRelease", "Release.gpg"];
    let place = |name: &str| project.path("mirror/current/mirror_apt/dists/stable").join(name);
    let whole = names.map(|name| fs::read(place(name)).unwrap());
    for name in names {
        // The store has the same file.
        fs::set_permissions(place(name), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        fs::write(place(name), "damaged").unwrap();
    }
    let repair = "mirror verify --mirror mirror --repair --manifests manifests --store store --agent agent --quiet";
    let told = project.run(repair).says(3, "mended 0 files, 2 differences are left");
    let says =
        ".config/pnda/mirror.key.pgp: bring that key, or name the one beside it (for a repair with --signing-key)";
    assert!(told.err.contains(says), "{}", told.err);
    assert!(!project.path(".config/pnda/mirror.key.pgp").exists(), "no other key is made");
    project.run(&format!("{repair} --signing-key key")).says(0, "mended 2 files, 0 differences are left");
    assert_eq!(names.map(|name| fs::read(place(name)).unwrap()), whole);
}
