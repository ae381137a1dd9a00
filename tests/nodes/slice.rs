//! Flink arrives on four nodes without a way out, works there, and says how it is: the whole way, with real programs.
//! From a mirror that is built, signed and served, through rendered nodes and their install scripts, to Graphite.
//! Not here: how any part decides; that is tested beside its code.

use crate::departures::Departures;
use crate::foreign::brings_its_own_hadoop;
use crate::ground::{Ground, HUB};
use crate::machine;
use crate::node::Node;
use crate::receiver::{self, Carbon, Receiver};
use crate::shell::{Output, until};
use crate::site::Site;
use crate::steps::Steps;
use crate::tls::speaks_tls_and_keeps_its_secret;
use crate::{sql, ways};
use std::collections::BTreeSet;
use std::time::Duration;

const FLINK: &str = "1.20.5";
const OTHER: &str = "2.3.0";
const ARCHIVE: &str = "flink-1.20.5.tar.gz";
const HISTORY_SERVER: &str = "flink-history-server";
const AGENT: &str = "pnda-agent";

/// The port of PNDA's history server.
const PORT: u16 = 8082;

/// Where a rendered folder is put on its node.
const FOLDER: &str = "/srv/pnda";

#[test]
fn flink_arrives_on_nodes_without_a_way_out() {
    let mut steps = Steps::default();
    let names = ["manager", "edge-1", "edge-2", "worker"];
    let Some(mut ground) = steps.take("boot of four nodes", || Ground::with(&names)) else { return };
    let site = match steps.take("mirror build", || Site::build_with_two_flinks(&ground)) {
        Ok(site) => site,
        Err(why) => return machine::left_out("Flink on nodes", &why),
    };
    let graphite = format!("graphite.address={HUB}:{}", receiver::PORT);
    steps.take("render", || site.render("standard", &[&graphite]));
    let _server = site.serve(&ground);
    let carbon = Carbon::start(&ground);
    let receiver = Receiver::listen(&ground, carbon.as_ref());

    steps.take("refusal of a flipped byte", || refuses_a_flipped_byte(&ground, &site));
    ground.node("manager").copy(&site.node("manager"), FOLDER);
    ground.node("manager").run(&format!("sh {FOLDER}/install.sh --dry-run")).exited(4);
    let desk = steps.take("installs by every driver", || ways::arrive(&ground, &site));
    for node in ground.nodes() {
        node.copy(&site.node(&node.name), FOLDER);
        steps.take(&format!("install on {}", node.name), || install(node).ok());
    }
    steps.take("history server answers", || answers_on_the_manager_alone(&ground));
    steps.take("flink on the edges", || runs_on_both_edges(&ground));
    logs_are_found(&ground);
    units_are_sound(&ground);
    steps.take("health", || tells_how_it_is(&ground, &receiver, carbon.as_ref()));
    steps.take("second installs", || ground.nodes().iter().for_each(changes_nothing));
    agents_come_back(&ground);
    steps.take("power cut", || survives_a_power_cut(ground.node_mut("manager")));
    let memory: Vec<String> = ground.nodes().iter().map(|node| format!("{} kB", resident(node))).collect();
    steps.take("a machine that is replaced", || ways::is_replaced(&ground, &site, &desk));
    steps.take("a node that is taken out", || ways::is_removed(&ground, &site, &[&graphite], "worker"));
    steps.take("a second version", || runs_both_versions(&ground, &site));
    steps.take("SQL", || [FLINK, OTHER].iter().for_each(|version| sql::is_answered(ground.node("edge-2"), version)));
    steps.take("the other version", || switches_and_goes_back(&ground, &site));
    steps.take("TLS", || speaks_tls_and_keeps_its_secret(ground.node("manager"), &site, FOLDER));
    steps.take("a site's own Hadoop", || brings_its_own_hadoop(ground.node("edge-1"), &site, FOLDER));

    machine::tell(&format!("nodes: {}; agents hold {}", steps, memory.join(", ")));
    let nobody = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    assert_eq!(ground.departures(), Departures { sent: 0, refused: nobody }, "nothing left, nothing even tried");
}

/// Runs the script of a folder that was brought to the node.
fn install(node: &Node) -> Output {
    node.run(&format!("sh {FOLDER}/install.sh"))
}

fn refuses_a_flipped_byte(ground: &Ground, site: &Site) {
    let node = ground.node("edge-2");
    node.copy(&site.node(&node.name), FOLDER);
    let before = listing(node);
    let refused = site.with_flipped_byte(ARCHIVE, || install(node)).exited(3);
    assert!(refused.stderr.contains(ARCHIVE), "says what was wrong: {}", refused.told());
    assert_same(&before, &listing(node), "a refused installation left something");
}

fn answers_on_the_manager_alone(ground: &Ground) {
    let manager = ground.node("manager");
    manager.wait_active(HISTORY_SERVER);
    let answer = until("the history server answers", Duration::from_secs(90), || {
        let answer = manager.run(&format!("curl --silent --fail http://manager:{PORT}/config"));
        (answer.code == Some(0)).then_some(answer.stdout)
    });
    assert!(answer.contains(&format!("\"flink-version\":\"{FLINK}\"")), "{answer}");
    for node in ground.nodes().iter().filter(|node| node.name != "manager") {
        // curl's code for "nobody listens".
        node.run(&format!("curl --silent http://{}:{PORT}/config", node.address)).exited(7);
        node.run(&format!("curl --silent http://127.0.0.1:{PORT}/config")).exited(7);
        let unit = node.run(&format!("systemctl cat {HISTORY_SERVER}"));
        assert_ne!(unit.code, Some(0), "{} has no history server", node.name);
    }
}

fn runs_on_both_edges(ground: &Ground) {
    for edge in ["edge-1", "edge-2"] {
        let node = ground.node(edge);
        node.run("useradd --create-home alice").ok();
        for said in [node.run("flink --version").ok(), node.run_as("alice", "flink --version").ok()] {
            assert!(said.stdout.contains(&format!("Version: {FLINK},")), "{}", said.told());
        }
    }
    for other in ["manager", "worker"] {
        ground.node(other).run("command -v flink").exited(127);
    }
}

fn logs_are_found(ground: &Ground) {
    for node in ground.nodes() {
        let paths = node.run("cat /opt/pnda/logstash/paths.txt").ok();
        assert!(paths.stdout.contains("/container_*/*.log"), "{}", paths.told());
        // Those of services are there where the services are.
        let everywhere = |line: &&str| line.contains("/flink") || line.contains("/container");
        for glob in paths.stdout.lines().filter(everywhere) {
            let fixed = glob.split('*').next().and_then(|start| start.rsplit_once('/')).expect("an absolute path").0;
            node.run(&format!("test -d {fixed}")).ok();
        }
        assert!(node.run("cat /opt/pnda/logstash/shipper.conf").ok().stdout.contains("/container_*/*.log"));
    }
    let written = ground.node("manager").run("ls /var/log/pnda/flink/*historyserver*.log").ok();
    assert!(!written.text().is_empty(), "the history server logs where the shipper looks");
}

fn units_are_sound(ground: &Ground) {
    for node in ground.nodes() {
        let units = node.run("cd /etc/systemd/system && ls -d pnda-*.service flink-*.service 2>/dev/null; true").ok();
        for unit in units.stdout.lines() {
            let verified = node.run(&format!("systemd-analyze verify {unit}")).ok();
            assert_eq!(verified.stderr, "", "systemd has nothing to say about {unit}");
        }
        assert_ne!(node.property(AGENT, "WatchdogUSec"), "0", "the agent's watchdog is on");
    }
}

fn tells_how_it_is(ground: &Ground, receiver: &Receiver, carbon: Option<&Carbon>) {
    let node = ground.node("manager");
    let told = |word: &'static str| move |since| receiver.wait(since, &node.address, "hadoop.flink.health", word);
    told("OK")(0);
    assert_eq!(receiver.senders("hadoop.flink.health"), [node.address.as_str()], "nobody else has it to tell");
    if let Some(carbon) = carbon {
        carbon.wait("hadoop.flink.health_level");
        assert!(carbon.lacks("hadoop.flink.health"), "a carbon keeps numbers alone, which is why the level is sent");
    }
    assert_eq!(health(node).0, 200);

    let killed = node.property(HISTORY_SERVER, "MainPID");
    node.run(&format!("systemctl kill --signal=KILL {HISTORY_SERVER}")).ok();
    until("systemd starts it again", Duration::from_secs(60), || {
        let now = node.property(HISTORY_SERVER, "MainPID");
        (now != killed && now != "0").then_some(())
    });
    node.wait_active(HISTORY_SERVER);

    let since = receiver.now();
    node.run(&format!("systemctl stop {HISTORY_SERVER}")).ok();
    told("ERROR")(since);
    let (code, page) = health(node);
    assert_eq!(code, 503, "{page}");
    assert!(page.contains("\"ERROR\"") && !page.contains("\"causes\":[]"), "{page}");

    let since = receiver.now();
    node.run(&format!("systemctl start {HISTORY_SERVER}")).ok();
    told("OK")(since);
    assert_eq!(health(node).0, 200);
}

/// The status and body of the agent's own page.
fn health(node: &Node) -> (u16, String) {
    let said = node.run("curl --silent --write-out '\\n%{http_code}' http://127.0.0.1:8084/health").ok();
    let (page, code) = said.text().rsplit_once('\n').expect("curl writes the code");
    (code.parse().expect("a code is a number"), page.to_owned())
}

fn changes_nothing(node: &Node) {
    // What was just started is waited for; that it answers is not the question here.
    until(&format!("services of {} answer", node.name), Duration::from_secs(120), || {
        (node.run(&format!("sh {FOLDER}/install.sh --dry-run")).code == Some(0)).then_some(())
    });
    let state = || (listing(node), pids(node));
    let before = state();
    let said = install(node).ok();
    assert!(said.stdout.contains("nothing to do"), "{}", said.told());
    let after = state();
    assert_same(&before.0, &after.0, "a second installation changed something");
    assert_eq!(before.1, after.1, "no service was restarted on {}", node.name);
}

fn pids(node: &Node) -> Vec<String> {
    [AGENT, HISTORY_SERVER].iter().map(|unit| node.property(unit, "MainPID")).collect()
}

fn agents_come_back(ground: &Ground) {
    for node in ground.nodes() {
        let before = node.property(AGENT, "MainPID");
        node.run(&format!("systemctl restart {AGENT}")).ok();
        node.wait_active(AGENT);
        assert_ne!(node.property(AGENT, "MainPID"), before);
        assert_eq!(node.property(AGENT, "NRestarts"), "0", "it never fell on {}", node.name);
    }
}

fn survives_a_power_cut(node: &mut Node) {
    let before = listing(node);
    node.cut();
    node.boot();
    node.wait_active(HISTORY_SERVER);
    node.wait_active(AGENT);
    changes_nothing(node);
    assert_same(&before, &listing(node), "a power cut changed something");
}

/// Another version comes beside the first on the manager and on an edge; who asks for it gets it.
fn runs_both_versions(ground: &Ground, site: &Site) {
    site.render("standard", &[&format!("flink.also={OTHER}")]);
    for name in ["manager", "edge-2"] {
        let node = ground.node(name);
        node.copy(&site.node(name), FOLDER);
        let before = node.property(HISTORY_SERVER, "MainPID");
        install(node).ok();
        assert_eq!(node.property(HISTORY_SERVER, "MainPID"), before, "nothing that runs has changed");
    }
    let edge = ground.node("edge-2");
    for (line, version) in [
        ("flink --version", FLINK),
        (&format!("flink-{OTHER} --version"), OTHER),
        (&format!("FLINK_VERSION={OTHER} flink --version"), OTHER),
    ] {
        let said = edge.run_as("alice", line).ok();
        assert!(said.stdout.contains(&format!("Version: {version},")), "{}", said.told());
    }
    let refused = edge.run_as("alice", "FLINK_VERSION=1.0.0 flink --version").exited(2);
    assert_eq!(refused.stderr.trim(), format!("flink: Flink 1.0.0 is not on this node; there are: {FLINK} {OTHER}"));
}

/// The one setting, and back without the mirror.
fn switches_and_goes_back(ground: &Ground, site: &Site) {
    let (manager, edge) = (ground.node("manager"), ground.node("edge-2"));
    site.render("standard", &[&format!("flink.version={OTHER}"), &format!("flink.also={FLINK}")]);
    for node in [manager, edge] {
        node.copy(&site.node(&node.name), FOLDER);
        let look = node.run(&format!("sh {FOLDER}/install.sh --dry-run")).exited(4);
        assert_eq!(look.stdout.matches("/opt/pnda/flink ").count(), 1, "{}", look.told());
        install(node).ok();
    }
    let runs = |version: &str| {
        let said = edge.run_as("alice", "flink --version").ok();
        assert!(said.stdout.contains(&format!("Version: {version},")), "{}", said.told());
        let told = manager.run(&format!("curl --silent --fail http://manager:{PORT}/config")).ok();
        assert!(told.stdout.contains(&format!("\"flink-version\":\"{version}\"")), "{}", told.told());
    };
    runs(OTHER);
    for node in [manager, edge] {
        node.run("/opt/pnda/agent/pnda-agent rollback").ok();
    }
    runs(FLINK);
}

fn resident(node: &Node) -> u64 {
    let pid = node.property(AGENT, "MainPID");
    let said = node.run(&format!("awk '/^VmRSS/ {{ print $2 }}' /proc/{pid}/status")).ok();
    said.text().parse().expect("the kernel counts in kB")
}

/// Everything that an installation could touch: path, kind, mode, owner, inode; size and time unless it is a folder,
/// whose time says only that something was staged in it and taken away again. Left out are logs, what systemd and
/// services write while they run, and the users: they are made before anything is staged, and one too many is no harm.
fn listing(node: &Node) -> BTreeSet<String> {
    let users = ["passwd", "group", "shadow", "gshadow"].map(|name| format!("/etc/{name} -o -path /etc/{name}-"));
    let cache = "/var/lib/pnda/flink/history-server/web";
    let skipped = ["/var/log", "/var/lib/systemd", "/var/cache", "/var/tmp", cache, FOLDER].map(str::to_owned);
    let skipped: String = skipped.iter().chain(&users).map(|path| format!("-path {path} -o ")).collect();
    let found = node.run(&format!(
        "find /etc /opt /usr /var /home /srv /boot -xdev \\( {skipped} -false \\) -prune \
        -o -type d -printf '%p %M %U:%G %i\\n' -o -printf '%p %M %U:%G %i %s %T@ %l\\n'"
    ));
    found.ok().stdout.lines().map(str::to_owned).collect()
}

/// Compares two listings and shows what differs, not all of both.
#[track_caller]
fn assert_same(before: &BTreeSet<String>, after: &BTreeSet<String>, what: &str) {
    let gone: Vec<&String> = before.difference(after).collect();
    let new: Vec<&String> = after.difference(before).collect();
    assert!(gone.is_empty() && new.is_empty(), "{what}:\nbefore: {gone:#?}\nafter: {new:#?}");
}
