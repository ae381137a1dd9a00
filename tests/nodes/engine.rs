//! The install engine on a real systemd: what is prepared once, gates, ports that are taken, a kill while it waits,
//! going back, drift, power, another key of the mirror, and taking everything away. The service is a small server that takes its time to answer.
//! Not here: the project's own roles, and HDFS.

use crate::ground::Ground;
use crate::node::Node;
use crate::shell::Output;
use crate::steps::Steps;
use crate::{faults, keys, machine};
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

/// Whose a file is.
const OURS: &str = "owner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n";

/// A node, what it is to have, and who vouches for that.
pub(crate) struct Bed<'a> {
    /// The node.
    pub(crate) node: &'a Node,
    folder: &'a Path,
    pair: &'a minisign::KeyPair,
}

/// What a node is to have besides the server.
#[derive(Default)]
pub(crate) struct More {
    /// Further lines of its document.
    pub(crate) document: String,
    /// A file and its text.
    pub(crate) placed: Option<(&'static str, &'static str)>,
    /// A file of the mirror, which is called `blob` there.
    pub(crate) download: Option<(&'static str, Vec<u8>)>,
    /// A file beside the mirror, which nobody installs.
    pub(crate) file: Option<(&'static str, &'static str)>,
}

#[test]
fn an_install_is_done_when_its_services_answer() {
    let Some(mut ground) = Ground::with(&["edge-1"]) else { return };
    let folder = ground.folder("engine");
    fs::copy(env!("CARGO_BIN_EXE_pnda-agent"), folder.join("pnda-agent")).expect("the ground's folder is writable");
    let pair = minisign::KeyPair::generate_unencrypted_keypair().expect("a key can be made");
    let bed = Bed { node: ground.node("edge-1"), folder: &folder, pair: &pair };
    let mut steps = Steps::default();
    steps.take("another key", || keys::go_over(bed.node, &ground.folder("keys")));
    let before = listing(bed.node);
    bed.render("2", &More::default());
    steps.take("answers", || is_done_when_it_answers(&bed));
    steps.take("a taken port", || finds_a_port_that_is_taken(&bed));
    steps.take("never answers", || goes_back_from_what_never_answers(&bed));
    steps.take("a kill", || goes_on_after_a_kill(&bed));
    steps.take("drift", || finds_and_mends_drift(&bed));
    steps.take("faults", || faults::leave_what_works(&bed));
    let node = ground.node_mut("edge-1");
    node.cut();
    node.boot();
    let bed = Bed { node: ground.node("edge-1"), folder: &folder, pair: &pair };
    bed.install().ok();
    assert_eq!(bed.node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    leaves_nothing(&bed, &before);
    machine::tell(&format!("engine: {steps}"));
}

impl Bed<'_> {
    /// The node's folder and its mirror, brought to the node.
    pub(crate) fn render(&self, delay: &str, more: &More) {
        let write = |name: &str, bytes: &[u8]| {
            let file = self.folder.join(name);
            fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("the ground's folder is writable");
            fs::write(file, bytes).expect("the ground's folder is writable");
        };
        let delay = format!("{delay}\n");
        let files =
            [("/etc/web/delay", &*delay), ("/opt/web/serve.pl", SERVER), ("/etc/systemd/system/web.service", UNIT)];
        let mut document = self.head(&delay) + &more.document;
        for (path, text) in files.into_iter().chain(more.placed) {
            write(&format!("node/files{path}"), text.as_bytes());
            document += &format!("[[file]]\npath = \"{path}\"\nsha256 = \"{}\"\n{OURS}", Sha256::of(text.as_bytes()));
        }
        let mut listed = BTreeMap::new();
        if let Some((path, bytes)) = &more.download {
            write("mirror/blob", bytes);
            let (size, sha256) = (bytes.len() as u64, Sha256::of(bytes));
            listed.insert(SafePath::new("blob").expect("a plain name"), Listed { size, sha256 });
            let what = format!("from = \"blob\"\nsize = {size}\nsha256 = \"{sha256}\"");
            document += &format!("[[download]]\npath = \"{path}\"\n{what}\n{OURS}");
        }
        let list = Generation { number: 1, lock: Sha256::of(b""), files: listed }.render();
        let signature = minisign::sign(None, &self.pair.sk, list.as_bytes(), None, None).expect("a list can be signed");
        write("node/node.toml", document.as_bytes());
        write("mirror/generation.toml", list.as_bytes());
        write("mirror/generation.toml.minisig", signature.to_string().as_bytes());
        more.file.iter().for_each(|(name, text)| write(name, text.as_bytes()));
        self.node.copy(self.folder, "/srv/engine");
    }

    /// A user, its folder, what is prepared in it, and the service that lives on it.
    fn head(&self, inputs: &str) -> String {
        format!(
            "format = 1\ncluster = \"c\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{}\"\nscope = \"system\"\nroot = \"/\"\n\
             [mirror]\nurl = \"/srv/engine/mirror\"\npublic_key = \"{}\"\n\
             [[user]]\nname = \"web\"\ngroup = \"web\"\nhome = \"/srv/web\"\n\
             [[directory]]\npath = \"/srv/web\"\nowner = \"web\"\ngroup = \"web\"\nmode = \"0750\"\n\
             [[once]]\nname = \"web-data\"\nuser = \"web\"\ncreates = \"/srv/web/data\"\n\
             command = [\"/bin/mkdir\", \"/srv/web/data\"]\n\
             [[service]]\nname = \"web\"\nabout = \"a server\"\nkind = \"exec\"\nuser = \"web\"\n\
             command = [\"/usr/bin/perl\", \"/opt/web/serve.pl\"]\nrestart_on = [\"/etc/web\"]\n\
             [service.ready]\nat = \"http://127.0.0.1:8123/\"\nwithin = 6\n",
            Sha256::of(inputs.as_bytes()),
            self.pair.pk.to_base64(),
        )
    }

    /// Says something to the agent on the node.
    pub(crate) fn agent(&self, words: &str) -> Output {
        self.node.run(&format!("/srv/engine/pnda-agent {words}"))
    }

    /// Installs what was rendered last.
    pub(crate) fn install(&self) -> Output {
        self.agent("install --node /srv/engine/node")
    }

    /// Installs it once more, which changes nothing; notes on the machine may come before that.
    fn does_nothing(&self) {
        let again = self.install().ok();
        assert!(again.text().lines().last().is_some_and(|line| line.starts_with("nothing to do")), "{}", again.told());
    }
}

fn is_done_when_it_answers(bed: &Bed) {
    bed.agent("install --node /srv/engine/node --dry-run").exited(4);
    bed.install().ok();
    assert_eq!(bed.node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok", "at once, without a wait");
    assert_eq!(bed.node.run("stat --format %U /srv/web/data").ok().text(), "web");
    let started = bed.node.property("web", "MainPID");
    bed.does_nothing();
    assert_eq!(bed.node.property("web", "MainPID"), started);
}

fn finds_a_port_that_is_taken(bed: &Bed) {
    bed.node.run("systemctl stop web").ok();
    bed.node.run("echo 0 > /etc/web/delay; systemd-run --unit thief /usr/bin/perl /opt/web/serve.pl").ok();
    bed.node.run("until curl --silent http://127.0.0.1:8123/; do sleep 0.1; done").ok();
    let refused = bed.install().exited(1);
    let thief = bed.node.property("thief", "MainPID");
    assert!(
        refused.stderr.contains(&format!("port 8123 is taken by process {thief} (/usr/bin/perl")),
        "{}",
        refused.told()
    );
    bed.node.run("systemctl stop thief").ok();
    assert!(bed.install().ok().text().contains("kept as /etc/web/delay.pnda-saved"));
    bed.node.run("rm /etc/web/delay.pnda-saved; curl --silent http://127.0.0.1:8123/").ok();
}

fn goes_back_from_what_never_answers(bed: &Bed) {
    bed.render("1000", &More::default());
    let refused = bed.install().exited(1);
    for said in ["service web is active, but does not do its work", "connection refused", "sleeping 1000 seconds"] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.told());
    }
    bed.agent("verify").exited(3);
    bed.agent("rollback").ok();
    assert_eq!(bed.node.run("cat /etc/web/delay").ok().text(), "2");
    assert_eq!(bed.node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    bed.agent("verify").ok();
}

fn goes_on_after_a_kill(bed: &Bed) {
    bed.render("3", &More::default());
    bed.node.run("timeout --signal=KILL 2 /srv/engine/pnda-agent install --node /srv/engine/node").exited(137);
    assert_eq!(bed.node.run("cat /etc/web/delay").ok().text(), "3", "it was killed while it waited");
    bed.install().ok();
    assert_eq!(bed.node.run("curl --silent http://127.0.0.1:8123/").ok().text(), "ok");
    bed.does_nothing();
}

fn finds_and_mends_drift(bed: &Bed) {
    bed.node.run("echo '# by hand' >> /opt/web/serve.pl; chown web /etc/web/delay; systemctl disable --now web").ok();
    let found = bed.agent("verify").exited(3).stdout;
    for said in [
        "/opt/web/serve.pl: changed",
        "- # by hand",
        "/etc/web/delay: has another owner or mode",
        "web: does not run",
        "web: does not start with the machine",
    ] {
        assert!(found.contains(said), "{said} is not in\n{found}");
    }
    bed.agent("repair").ok();
    assert!(bed.agent("verify").ok().text().ends_with("is as it was installed"));
    bed.node.run("rm /opt/web/serve.pl.pnda-saved").ok();
}

fn leaves_nothing(bed: &Bed, before: &str) {
    bed.node.run("rm -r /srv/engine/node /srv/engine/mirror").ok();
    bed.agent("uninstall --purge").ok();
    bed.node.run("rm -r /srv/engine").ok();
    bed.node.run("getent passwd web").exited(2);
    bed.node.run("systemctl cat web").exited(1);
    let after = listing(bed.node);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (before, after) = (lines(before), lines(&after));
    let left: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// Everything that an install could leave, but for what the system itself writes.
fn listing(node: &Node) -> String {
    node.run("find /etc /opt /srv /usr /var/lib -not -path '/var/lib/systemd/*' -not -name '*-' | sort").ok().stdout
}
