//! A hostile job and a hostile user on a node whose logs are shipped: what they try with files, links and names.
//! A step of the test in `logs.rs`, which counts what others wrote meanwhile.
//! Not here: the same without nodes; see `tests/clients/logs.rs`.

use crate::logs::{CONTAINERS, SHIPPING, all_arrive, container, write};
use crate::machine;
use crate::node::Node;

/// A hostile job and a hostile user: what they do to their own files stops nobody, shows nothing, and costs little.
pub(crate) fn step(server: &Node, worker: &Node) {
    let folder = container(worker, "application_1700000000000_0008");
    worker.run("install -m 640 -o root -g hadoop /dev/null /srv/of-hadoop").ok();
    worker.run("echo of-another-group >/srv/of-hadoop && install -m 640 -g pnda /srv/of-hadoop /srv/of-pnda").ok();
    let job = [
        "truncate -s 100G a.log",
        "ln -s /dev/zero stdout",
        "ln -s /srv/of-pnda stderr",
        "mkfifo syslog",
        "ln -s /srv ../container_1700000000000_0008_01_000003",
        "head -c 300M /dev/zero | tr \"\\0\" x >taskmanager.log",
    ];
    worker.run(&format!("cd {folder} && runuser -u yarn -- sh -c '{}'", job.join(" && "))).ok();
    // Whether a node protects hard links is its own affair: here is one.
    worker.run(&format!("cp /srv/of-hadoop {CONTAINERS}/of-hadoop && chown root:hadoop {CONTAINERS}/of-hadoop")).ok();
    worker.run(&format!("ln {CONTAINERS}/of-hadoop {folder}/jobmanager.out")).ok();
    hostile_user(worker);

    let application = "application_1700000000000_0009";
    let good = container(worker, application);
    let began = std::time::Instant::now();
    write(worker, &good, 0, 2000, "0", 0);
    all_arrive(server, worker, application, 2000);
    let took = began.elapsed();
    let peak = |unit: &str| {
        let pid = worker.property(unit, "MainPID");
        worker.run(&format!("grep VmHWM /proc/{pid}/status | tr -dc 0-9")).text().parse::<u64>().expect("a number")
            / 1024
    };
    let peaks = SHIPPING.map(|unit| (unit, peak(unit)));
    machine::tell(&format!("logs: beside hostile ones 2000 records took {took:.1?}; most memory, MiB: {peaks:?}"));
    assert!(peaks.iter().all(|(_, peak)| *peak < 128), "{peaks:?}");
    server.run("grep -rq of-another-group /var/log/pnda").exited(1);
    worker.run(&format!("rm -r {CONTAINERS}/application_1700000000000_0008")).ok();
}

/// Nobody but root and its services makes names where they log, and nobody takes a folder of clients' logs before its user.
fn hostile_user(worker: &Node) {
    worker.run("useradd --groups pnda mallory && useradd alice").ok();
    worker.run("runuser -u mallory -- sh -c 'ln -s /etc/passwd /var/log/pnda/flink.log'").exited(1);
    let clients = "/var/log/pnda/flink-clients";
    let taken = "mkdir alice; mkdir root; ln -s /etc root; ln -s /dev/zero x.log; mkdir m; truncate -s 100G m/m.log";
    worker.run(&format!("cd {clients} && runuser -u mallory -- sh -c '{taken}' 2>/dev/null; true")).ok();
    let seen = worker.run(&format!("stat -c '%U %G %a %F' {clients}/root {clients}/alice")).ok();
    assert_eq!(seen.text(), "root pnda-log 2750 directory\nmallory pnda-log 2755 directory");
}
