//! A node takes a Java runtime and a log daemon from the mirror with its own apt, signatures checked, without a way out.
//! The manifest is the example that the project ships; what it names comes from Debian's archive once, while locking.
//! Not here: closures and forgeries in all their forms; those are played against a small archive that stands still.

use crate::departures::Departures;
use crate::ground::Ground;
use crate::node::Node;
use crate::shell::until;
use crate::site::Site;
use crate::{machine, packages};
use pnda::mirror::openpgp::Signer;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[test]
fn java_and_a_log_daemon_arrive_by_apt() {
    if packages::are_left_out("apt on a node") {
        return;
    }
    let Some(ground) = Ground::with(&["worker"]) else { return };
    let start = Instant::now();
    let site = match Site::build_from(&ground, &manifests(&ground)) {
        Ok(site) => site,
        Err(why) => return machine::left_out("apt on a node", &why),
    };
    let built = start.elapsed();
    let server = site.serve(&ground);
    let node = ground.node("worker");
    node.run("command -v java || command -v rsyslogd").exited(127);

    refuses_another_key(&ground, node);
    let start = Instant::now();
    packages::install(node, site.mirror(), &["openjdk-17-jre-headless", "rsyslog"]);
    let installed = start.elapsed();
    let updated = node.run("apt-get update").ok();
    assert!(!updated.stderr.contains("W:"), "apt has nothing to warn of: {}", updated.told());
    assert!(node.run("java -version 2>&1").ok().stdout.contains("OpenJDK"), "Java runs");
    assert!(node.run("rsyslogd -v").ok().stdout.contains("rsyslogd"), "the daemon runs");
    node.wait_active("rsyslog");
    node.run("logger --tag here arrived").ok();
    until("the daemon writes the line", Duration::from_secs(30), || {
        (node.run("grep 'here: arrived' /var/log/syslog").code == Some(0)).then_some(())
    });
    assert_eq!(node.run("apt-get check && dpkg --audit").ok().stderr, "");
    forge_lists(site.mirror());
    // A server believes in its generation, which never changes: what is changed behind its back needs another server.
    drop(server);
    let _server = site.serve(&ground);
    refuses_a_forged_list(node);

    machine::tell(&format!(
        "apt on a node: lock and build {:.1} s, update and install {:.1} s",
        built.as_secs_f64(),
        installed.as_secs_f64()
    ));
    let nobody = vec![("worker".to_owned(), 0)];
    assert_eq!(
        ground.departures(),
        Departures { sent: 0, refused: nobody.into_iter().collect() },
        "nothing tried to leave"
    );
}

/// The example in a folder of its own.
fn manifests(ground: &Ground) -> PathBuf {
    let folder = ground.folder("manifests");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror-manifests/debian/os.toml");
    fs::copy(example, folder.join("os.toml")).expect("the example is there");
    folder
}

fn refuses_another_key(ground: &Ground, node: &Node) {
    let folder = ground.folder("stranger");
    let stranger = Signer::load_or_make(&folder.join("key")).expect("the ground's folder is writable");
    fs::write(folder.join("key.gpg"), stranger.public_binary().expect("it has a public half")).expect("it is writable");
    packages::trust(node, &folder.join("key.gpg"));
    let refused = node.run("apt-get update -o APT::Update::Error-Mode=any").exited(100);
    assert!(refused.stderr.contains("NO_PUBKEY"), "{}", refused.told());
    let refused = node.run("apt-get install --yes rsyslog").exited(100);
    assert!(refused.stderr.contains("Unable to locate package rsyslog"), "{}", refused.told());
}

fn forge_lists(mirror: &Path) {
    let folder = mirror.join("current/mirror_apt/dists/bookworm/main/binary-amd64/by-hash/SHA256");
    for entry in fs::read_dir(folder).expect("lists are there by their digest").flatten() {
        let mut bytes = fs::read(entry.path()).expect("the mirror is readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        // The file may be a hard link into the store, which must stay as it is.
        fs::remove_file(entry.path()).expect("the mirror is writable");
        fs::write(entry.path(), bytes).expect("the mirror is writable");
    }
}

fn refuses_a_forged_list(node: &Node) {
    node.run("rm -r /var/lib/apt/lists && mkdir -p /var/lib/apt/lists/partial").ok();
    let refused = node.run("apt-get update -o APT::Update::Error-Mode=any").exited(100);
    assert!(refused.stderr.contains("Hash Sum mismatch"), "{}", refused.told());
}
