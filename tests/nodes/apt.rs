//! A node takes a Java runtime and a log daemon from the mirror with its own apt, signatures checked, without a way out.
//! The manifest is the example that the project ships; what it names comes from Debian's archive once, while locking.
//! Not here: closures and forgeries in all their forms; those are played against a small archive that stands still.

use crate::base;
use crate::departures::Departures;
use crate::ground::{Ground, HUB, Running};
use crate::machine;
use crate::node::Node;
use crate::registries::out_of_reach;
use crate::shell::{self, until};
use pnda::mirror::lock::Source;
use pnda::mirror::openpgp::Signer;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");
const AGENT: &str = env!("CARGO_BIN_EXE_pnda-agent");
const LISTEN: &str = "10.77.0.1:8080";
/// What the example takes its packages from.
const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];

#[test]
fn java_and_a_log_daemon_arrive_by_apt() {
    if let Some(suite) = SUITES.into_iter().find(|suite| base::archive(suite).is_none()) {
        return machine::left_out("apt on a node", &format!("this machine's apt does not use {suite}"));
    }
    let Some(ground) = Ground::with(&["worker"]) else { return };
    let start = Instant::now();
    let mirror = match build(&ground) {
        Ok(mirror) => mirror,
        Err(why) => return machine::left_out("apt on a node", &why),
    };
    let built = start.elapsed();
    let server = serve(&ground, &mirror);
    let node = ground.node("worker");
    node.run("command -v java || command -v rsyslogd").exited(127);

    refuses_another_key(&ground, node);
    trusts(node, &mirror.join("current/mirror_apt"), "pnda-mirror.gpg");
    let start = Instant::now();
    let updated = node.run("apt-get update -o APT::Update::Error-Mode=any").ok();
    assert!(!updated.stderr.contains("W:"), "apt has nothing to warn of: {}", updated.told());
    node.run(
        "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends openjdk-17-jre-headless rsyslog",
    )
    .ok();
    let installed = start.elapsed();
    assert!(node.run("java -version 2>&1").ok().stdout.contains("OpenJDK"), "Java runs");
    assert!(node.run("rsyslogd -v").ok().stdout.contains("rsyslogd"), "the daemon runs");
    node.wait_active("rsyslog");
    node.run("logger --tag here arrived").ok();
    until("the daemon writes the line", Duration::from_secs(30), || {
        (node.run("grep 'here: arrived' /var/log/syslog").code == Some(0)).then_some(())
    });
    assert_eq!(node.run("apt-get check && dpkg --audit").ok().stderr, "");
    forge_lists(&mirror);
    // A server believes in its generation, which never changes: what is changed behind its back needs another server.
    drop(server);
    let _server = serve(&ground, &mirror);
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

/// Locks and builds the example in a folder of its own; what earlier runs downloaded is not downloaded again.
/// Says why where Debian's archive is out of reach.
fn build(ground: &Ground) -> Result<PathBuf, String> {
    let (manifests, mirror) = (ground.folder("manifests"), ground.folder("mirror"));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror-manifests/debian/os.toml");
    fs::copy(example, manifests.join("os.toml")).expect("the example is there");
    let (store, key) = (base::cache().join("nodes-store"), ground.folder("key").join("mirror.key"));
    let common = ["--manifests", text(&manifests), "--store", text(&store), "--quiet"];
    let locked = shell::finish(Command::new(PNDA).args(["mirror", "lock"]).args(common));
    if let Some(why) = out_of_reach(&[Source::Apt], &locked.stderr).filter(|_| locked.code != Some(0)) {
        return Err(why);
    }
    locked.ok();
    let build = ["mirror", "build", "--mirror", text(&mirror), "--key", text(&key), "--agent", AGENT];
    shell::finish(Command::new(PNDA).args(build).args(common)).ok();
    Ok(mirror)
}

/// Tells the node's apt of the mirror, and of the key in a file of a folder.
fn trusts(node: &Node, folder: &Path, key: &str) {
    node.run("mkdir -p /etc/apt/keyrings").ok();
    let bytes = fs::read(folder.join(key)).expect("the key is there");
    let hex: String = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    node.run(&format!("printf '{hex}' > /etc/apt/keyrings/pnda.gpg")).ok();
    let source = format!(
        "Types: deb\nURIs: http://{HUB}:8080/mirror_apt\nSuites: bookworm\nComponents: main\n\
         Signed-By: /etc/apt/keyrings/pnda.gpg\n"
    );
    node.run(&format!("cat > /etc/apt/sources.list.d/pnda.sources <<'END'\n{source}END")).ok();
}

fn refuses_another_key(ground: &Ground, node: &Node) {
    let folder = ground.folder("stranger");
    let stranger = Signer::load_or_make(&folder.join("key")).expect("the ground's folder is writable");
    fs::write(folder.join("key.gpg"), stranger.public_binary().expect("it has a public half")).expect("it is writable");
    trusts(node, &folder, "key.gpg");
    let refused = node.run("apt-get update -o APT::Update::Error-Mode=any").exited(100);
    assert!(refused.stderr.contains("NO_PUBKEY"), "{}", refused.told());
    let refused = node.run("apt-get install --yes rsyslog").exited(100);
    assert!(refused.stderr.contains("Unable to locate package rsyslog"), "{}", refused.told());
}

fn serve(ground: &Ground, mirror: &Path) -> Running {
    let server = ground.start(Path::new(PNDA), &["mirror", "serve", "--mirror", text(mirror), "--listen", LISTEN]);
    until("the mirror answers", Duration::from_secs(20), || ground.at_hub(|| TcpStream::connect(LISTEN).ok()));
    server
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

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's own paths are text")
}
