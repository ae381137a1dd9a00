//! The install engine on a real systemd: what is prepared once, gates, ports that are taken, a kill while it waits,
//! going back, drift, power, and taking everything away. The service is a small server that takes its time to answer.
//! Not here: the project's own roles, and HDFS.

use crate::ground::Ground;
use crate::node::Node;
use crate::shell::Output;
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::SafePath;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Waits as long as its configuration says, and answers then.
const SERVER: &str = r#"use strict; use IO::Socket::INET;
open(my $f, '<', '/etc/web/delay') or die; my $delay = <$f>; close $f; chomp $delay;
$| = 1; print "sleeping $delay seconds\n"; sleep $delay;
-d '/srv/web/data' or die "nothing was prepared\n";
my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8123, Listen => 5, ReuseAddr => 1) or die "$!\n";
while (my $c = $s->accept) { my $l = <$c>; print $c "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n"; close $c; }
"#;

const UNIT: &str = "[Unit]\nDescription=A server that takes its time\n[Service]\nType=exec\nUser=web\n\
                    ExecStart=/usr/bin/perl /opt/web/serve.pl\n[Install]\nWantedBy=multi-user.target\n";

#[test]
fn an_install_is_done_when_its_services_answer() {
    let Some(mut ground) = Ground::with(&["edge-1"]) else { return };
    let folder = ground.folder("engine");
    fs::copy(env!("CARGO_BIN_EXE_pnda-agent"), folder.join("pnda-agent")).expect("the ground's folder is writable");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a key can be made");
    let node = ground.node("edge-1");
    let before = listing(node);
    render(node, &folder, &pair, "2");
    is_done_when_it_answers(node);
    finds_a_port_that_is_taken(node);
    goes_back_from_what_never_answers(node, &folder, &pair);
    goes_on_after_a_kill(node, &folder, &pair);
    finds_and_mends_drift(node);
    let node = ground.node_mut("edge-1");
    node.cut();
    node.boot();
    agent(node, "install --node /srv/engine/node").ok();
    assert_eq!(node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    leaves_nothing(node, &before);
}

/// The node's folder and its mirror, brought to the node.
fn render(node: &Node, folder: &Path, pair: &minisign::KeyPair, delay: &str) {
    let delay = format!("{delay}\n");
    let files =
        [("/etc/web/delay", delay.as_str()), ("/opt/web/serve.pl", SERVER), ("/etc/systemd/system/web.service", UNIT)];
    let mut document = format!(
        "format = 1\ncluster = \"c\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{}\"\nscope = \"system\"\nroot = \"/\"\n\
         [mirror]\nurl = \"/srv/engine/mirror\"\npublic_key = \"{}\"\n\
         [[user]]\nname = \"web\"\ngroup = \"web\"\nhome = \"/srv/web\"\n\
         [[directory]]\npath = \"/srv/web\"\nowner = \"web\"\ngroup = \"web\"\nmode = \"0750\"\n\
         [[once]]\nname = \"web-data\"\nuser = \"web\"\ncreates = \"/srv/web/data\"\n\
         command = [\"/bin/mkdir\", \"/srv/web/data\"]\n\
         [[service]]\nname = \"web\"\nabout = \"a server\"\nkind = \"exec\"\nuser = \"web\"\n\
         command = [\"/usr/bin/perl\", \"/opt/web/serve.pl\"]\nrestart_on = [\"/etc/web\"]\n\
         [service.ready]\nat = \"http://127.0.0.1:8123/\"\nwithin = 6\n",
        Sha256::of(delay.as_bytes()),
        pair.pk.to_base64(),
    );
    for (path, text) in files {
        let file = folder.join(format!("node/files{path}"));
        fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("the ground's folder is writable");
        fs::write(file, text).expect("the ground's folder is writable");
        let sha256 = Sha256::of(text.as_bytes());
        document += &format!(
            "[[file]]\npath = \"{path}\"\nsha256 = \"{sha256}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n"
        );
    }
    let list = Generation { number: 1, lock: Sha256::of(b""), files: BTreeMap::<SafePath, Listed>::new() }.render();
    let signature = minisign::sign(None, &pair.sk, list.as_bytes(), None, None).expect("a list can be signed");
    fs::create_dir_all(folder.join("mirror")).expect("the ground's folder is writable");
    for (name, text) in [
        ("node/node.toml", document),
        ("mirror/generation.toml", list),
        ("mirror/generation.toml.minisig", signature.to_string()),
    ] {
        fs::write(folder.join(name), text).expect("the ground's folder is writable");
    }
    node.copy(folder, "/srv/engine");
}

fn agent(node: &Node, words: &str) -> Output {
    node.run(&format!("/srv/engine/pnda-agent {words}"))
}

fn install(node: &Node) -> Output {
    agent(node, "install --node /srv/engine/node")
}

fn is_done_when_it_answers(node: &Node) {
    agent(node, "install --node /srv/engine/node --dry-run").exited(4);
    install(node).ok();
    assert_eq!(node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok", "at once, without a wait");
    assert_eq!(node.run("stat --format %U /srv/web/data").ok().text(), "web");
    let started = node.property("web", "MainPID");
    assert!(install(node).ok().text().starts_with("nothing to do"));
    assert_eq!(node.property("web", "MainPID"), started);
}

fn finds_a_port_that_is_taken(node: &Node) {
    node.run("systemctl stop web").ok();
    node.run("echo 0 > /etc/web/delay; systemd-run --unit thief /usr/bin/perl /opt/web/serve.pl").ok();
    node.run("until curl --silent http://127.0.0.1:8123/; do sleep 0.1; done").ok();
    let refused = install(node).exited(1);
    let thief = node.property("thief", "MainPID");
    assert!(
        refused.stderr.contains(&format!("port 8123 is taken by process {thief} (/usr/bin/perl")),
        "{}",
        refused.told()
    );
    node.run("systemctl stop thief").ok();
    assert!(install(node).ok().text().contains("kept as /etc/web/delay.pnda-saved"));
    node.run("rm /etc/web/delay.pnda-saved; curl --silent http://127.0.0.1:8123/").ok();
}

fn goes_back_from_what_never_answers(node: &Node, folder: &Path, pair: &minisign::KeyPair) {
    render(node, folder, pair, "1000");
    let refused = install(node).exited(1);
    for said in ["service web is active, but does not do its work", "connection refused", "sleeping 1000 seconds"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.told());
    }
    agent(node, "verify").exited(3);
    agent(node, "rollback").ok();
    assert_eq!(node.run("cat /etc/web/delay").ok().text(), "2");
    assert_eq!(node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    agent(node, "verify").ok();
}

fn goes_on_after_a_kill(node: &Node, folder: &Path, pair: &minisign::KeyPair) {
    render(node, folder, pair, "3");
    node.run("timeout --signal=KILL 2 /srv/engine/pnda-agent install --node /srv/engine/node").exited(137);
    assert_eq!(node.run("cat /etc/web/delay").ok().text(), "3", "it was killed while it waited");
    install(node).ok();
    assert_eq!(node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    assert!(install(node).ok().text().starts_with("nothing to do"));
}

fn finds_and_mends_drift(node: &Node) {
    node.run("echo '# by hand' >> /opt/web/serve.pl; chown web /etc/web/delay; systemctl disable --now web").ok();
    let found = agent(node, "verify").exited(3).stdout;
    for said in [
        "/opt/web/serve.pl: changed",
        "- # by hand",
        "/etc/web/delay: has another owner or mode",
        "web: does not run",
        "web: does not start with the machine",
    ] {
        assert!(found.contains(said), "{said} is not in\n{found}");
    }
    agent(node, "repair").ok();
    assert!(agent(node, "verify").ok().text().ends_with("is as it was installed"));
    node.run("rm /opt/web/serve.pl.pnda-saved").ok();
}

fn leaves_nothing(node: &Node, before: &str) {
    node.run("rm -r /srv/engine/node /srv/engine/mirror").ok();
    agent(node, "uninstall --purge").ok();
    node.run("rm -r /srv/engine").ok();
    node.run("getent passwd web").exited(2);
    node.run("systemctl cat web").exited(1);
    let after = listing(node);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(&after));
    let left: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// Everything that an install could leave, but for what the system itself writes.
fn listing(node: &Node) -> String {
    node.run("find /etc /opt /srv /usr /var/lib -not -path '/var/lib/systemd/*' -not -name '*-' | sort").ok().stdout
}
