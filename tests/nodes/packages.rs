//! Debian packages that nodes take from the mirror with their own apt, signatures checked.
//! What a test needs of them is locked from this machine's archive, once.
//! Not here: whether apt can be deceived (apt.rs).

use crate::ground::HUB;
use crate::node::Node;
use crate::{base, machine};
use std::fs;
use std::path::Path;

/// What the packages are taken from.
const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];

/// Whether this machine's apt uses the archive that nodes are of; says so if it does not.
pub(crate) fn are_left_out(what: &str) -> bool {
    let missing = SUITES.into_iter().find(|suite| base::archive(suite).is_none());
    if let Some(suite) = missing {
        machine::left_out(what, &format!("this machine's apt does not use {suite}"));
    }
    missing.is_some()
}

/// The manifest of these packages, with everything that a minimal installation does not have.
pub(crate) fn manifest(packages: &[&str]) -> String {
    format!("[[apt]]\nid = \"packages\"\npackages = {packages:?}\nsuites = {SUITES:?}\nbase = \"minbase\"\n")
}

/// Tells the node's apt of the mirror, and of the key in a file.
pub(crate) fn trust(node: &Node, key: &Path) {
    node.run("mkdir -p /etc/apt/keyrings").ok();
    node.write_bytes("/etc/apt/keyrings/pnda.gpg", &fs::read(key).expect("the key is there"));
    let source = format!(
        "Types: deb\nURIs: http://{HUB}:8080/mirror_apt\nSuites: bookworm\nComponents: main\n\
         Signed-By: /etc/apt/keyrings/pnda.gpg\n"
    );
    node.write("/etc/apt/sources.list.d/pnda.sources", &source);
}

/// Installs packages of a mirror that is served.
pub(crate) fn install(node: &Node, mirror: &Path, packages: &[&str]) {
    trust(node, &mirror.join("current/mirror_apt/pnda-mirror.gpg"));
    node.run("apt-get update -o APT::Update::Error-Mode=any").ok();
    let install = "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends";
    node.run(&format!("{install} {}", packages.join(" "))).ok();
}
