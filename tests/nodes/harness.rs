//! The test of the test ground itself: nodes are real, see each other, and cannot leave.
//! What it proves is what the other tests rest on, the counters above all: they are seen to count.
//! Not here: anything about the project's programs.

use crate::departures::Departures;
use crate::ground::{Ground, HUB};
use crate::shell::until;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// An address for documentation: it is nobody's, and outside the ground.
const OUTSIDE: &str = "192.0.2.1";

#[test]
fn nodes_see_each_other_and_nothing_else() {
    let names = ["manager", "edge-1", "edge-2", "worker"];
    let Some(mut ground) = Ground::with(&names) else { return };
    for node in ground.nodes() {
        assert_eq!(node.run("hostname").ok().text(), node.name);
        for other in names {
            // Nobody listens on port 1; that it is refused, and not unreachable, is the other node's own answer.
            let asked = node.run(&format!("bash -c 'exec 3<>/dev/tcp/{other}/1'"));
            assert!(asked.stderr.contains("Connection refused"), "{}", asked.told());
        }
    }
    bears_units_and_people(&ground);
    hears_the_hub(&ground);
    cannot_leave(&ground);
    its_counter_counts(&ground);
    its_disk_outlives_its_power(&mut ground);
}

fn bears_units_and_people(ground: &Ground) {
    let node = ground.node("manager");
    let folder = ground.folder("units");
    let unit = "[Service]\nType=exec\nDynamicUser=yes\nProtectSystem=strict\nExecStart=sleep 1000\n";
    fs::write(folder.join("sleeper.service"), unit).expect("the ground's folder is writable");
    node.copy(&folder, "/etc/systemd/system");
    node.run("systemctl daemon-reload && systemctl start sleeper").ok();
    node.wait_active("sleeper");
    assert_eq!(node.run(&format!("ps -o user= -p {}", node.property("sleeper", "MainPID"))).ok().text(), "sleeper");
    node.run("useradd --create-home alice").ok();
    assert_eq!(node.run_as("alice", "whoami; test \"$PWD\" = ~").ok().text(), "alice");
    // The same unit on another node is another unit.
    ground.node("worker").copy(&folder, "/etc/systemd/system");
    ground.node("worker").run("systemctl daemon-reload && systemctl start sleeper && systemctl stop sleeper").ok();
    node.wait_active("sleeper");
}

fn hears_the_hub(ground: &Ground) {
    let listener = ground.at_hub(|| TcpListener::bind((HUB, 0)).expect("the hub has its address"));
    let port = listener.local_addr().expect("it is bound").port();
    let answer = std::thread::spawn(move || {
        let (mut stream, from) = listener.accept().expect("a node calls");
        stream.write_all(b"well met\n").expect("the node listens");
        from.ip().to_string()
    });
    let heard = ground.node("worker").run(&format!("bash -c 'head -1 < /dev/tcp/hub/{port}'")).ok();
    let mut program = ground.start(Path::new("/bin/sh"), &["-c", "hostname -I; exec sleep 1000"]);
    until("the hub's program speaks", Duration::from_secs(5), || program.said().contains(HUB).then_some(()));
    assert!(program.runs());
    assert_eq!((heard.text(), answer.join().expect("it answered").as_str()), ("well met", "10.77.0.5"));
}

fn cannot_leave(ground: &Ground) {
    let still = ground.departures();
    assert_eq!(
        still,
        Departures { sent: 0, refused: still.refused.iter().map(|(name, _)| (name.clone(), 0)).collect() }
    );
    for node in ground.nodes() {
        assert_eq!(node.run("ip route show default").ok().text(), "");
        assert_eq!(node.run("ip -6 route show default").ok().text(), "");
        let start = Instant::now();
        let tried = node.run(&format!("bash -c 'exec 3<>/dev/tcp/{OUTSIDE}/80'"));
        assert!(tried.stderr.contains("Network is unreachable"), "{}", tried.told());
        assert!(start.elapsed().as_secs() < 2, "refused at once, not after a timeout");
        assert_eq!(node.refused(), 1, "the attempt was counted");
    }
    assert_eq!(ground.departures().sent, 0);
}

/// A counter that stays at zero proves something only if it would have moved.
fn its_counter_counts(ground: &Ground) {
    let node = ground.node("edge-1");
    node.run(&format!("ip route add default via {HUB}")).ok();
    node.run(&format!("timeout 1 bash -c 'exec 3<>/dev/tcp/{OUTSIDE}/80'"));
    node.run("ip route del default").ok();
    assert!(ground.departures().sent > 0, "a node that finds a way is counted on it");
}

fn its_disk_outlives_its_power(ground: &mut Ground) {
    let node = ground.node_mut("edge-2");
    node.run("echo kept > /srv/note").ok();
    node.power_off();
    node.boot();
    assert_eq!(node.run("cat /srv/note").ok().text(), "kept");
    node.cut();
    node.boot();
    assert_eq!(node.run("cat /srv/note").ok().text(), "kept");
}
