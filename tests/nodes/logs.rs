//! Logs of a node arrive at the log server: real rsyslog on both sides, installed from the mirror, counted line by line.
//! Records are written as YARN's containers write them, while either side stops, files roll and folders go.
//! Not here: Flink itself; `arrives_at_the_log_server` is for whoever has run a job.

use crate::departures::Departures;
use crate::drive::Desk;
use crate::ground::Ground;
use crate::node::Node;
use crate::shell::until;
use crate::site::Site;
use crate::steps::Steps;
use crate::{machine, packages, strangers};
use pnda::cluster::{self, Inputs};
use pnda::words::generation::Generation;
use pnda::words::problem;
use pnda::words::tree::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What ships logs, and what takes and rotates them.
pub(crate) const PACKAGES: [&str; 3] = ["rsyslog", "rsyslog-relp", "logrotate"];

const CLUSTER: &str = "name = \"ground\"\nstacks = [\"logs\"]\n[mirror]\nurl = \"http://10.77.0.1:8080\"\n\
     [[node]]\nname = \"server\"\naddress = \"10.77.0.2\"\nkinds = [\"logserver\"]\n\
     [[node]]\nname = \"worker\"\naddress = \"10.77.0.3\"\nkinds = [\"worker\"]\n";

/// What reads, and what sends.
pub(crate) const SHIPPING: [&str; 3] = ["pnda-log-jobs", "pnda-log-services", "pnda-log-shipper"];

pub(crate) const CONTAINERS: &str = "/var/log/pnda/hadoop-yarn/container";

/// Writes records as Flink's log4j2 does, every tenth with a stack trace; rolls as it does, after its last line.
const WRITER: &str = r#"
use strict;
my ($folder, $from, $count, $pause, $roll) = @ARGV;
umask 0027;
my $file = "$folder/taskmanager.log";
my $out;
sub start { open $out, '>>', $file or die "$file: $!"; $out->autoflush(1); }
use IO::Handle;
start();
for my $i ($from .. $from + $count - 1) {
    if ($roll and $i > $from and $i % $roll == 0) {
        print $out "2026-01-01 00:00:00,000 INFO  this file ends\n";
        close $out;
        for my $at (reverse 1 .. 9) { rename "$file.$at", "$file." . ($at + 1) if -e "$file.$at"; }
        rename $file, "$file.1";
        start();
    }
    my $text = sprintf "2026-01-01 00:00:00,%03d INFO  a.b.C - record %d end\n", $i % 1000, $i;
    $text .= "java.lang.IllegalStateException: $i\n\tat a.b.C(D.java:1)\n\tat e.f.G(H.java:2)\n" if $i % 10 == 0;
    print $out $text;
    select undef, undef, undef, $pause if $pause > 0;
}
"#;

/// Sends lines as they are, with the node's certificate and the action that its shipper has.
const RAW: &str = r#"
{
    echo 'global(workDirectory="/srv/raw" net.enableDNS="off")'
    echo 'module(load="imfile" mode="polling" pollingInterval="1")'
    grep 'load="omrelp"' /etc/pnda/rsyslog/shipper.conf
    echo 'template(name="record" type="string" string="%msg%")'
    echo 'ruleset(name="send") { action('
    sed -n '/type="omrelp"/,/^    )/p' /etc/pnda/rsyslog/shipper.conf
    echo '}'
    echo 'input(type="imfile" file="/srv/raw/lines" tag="t" ruleset="send")'
} >/srv/raw/conf
exec systemd-run --quiet --unit=raw -p LoadCredential=key.pem:/etc/pnda/tls/key.pem     -p LoadCredential=certificate.pem:/etc/pnda/tls/certificate.pem     -p LoadCredential=authority.pem:/etc/pnda/tls/authority.pem /usr/sbin/rsyslogd -n -iNONE -f /srv/raw/conf
"#;

#[test]
fn logs_arrive_whole_whatever_stops() {
    if packages::are_left_out("logs on nodes") {
        return;
    }
    let mut steps = Steps::default();
    let Some(ground) = steps.take("boot", || Ground::with(&["server", "worker"])) else { return };
    let manifests = ground.folder("manifests");
    fs::write(manifests.join("logs.toml"), packages::manifest(&PACKAGES)).expect("the ground's folder is writable");
    let site = match steps.take("mirror", || Site::build_from(&ground, &manifests)) {
        Ok(site) => site,
        Err(why) => return machine::left_out("logs on nodes", &why),
    };
    let _served = site.serve(&ground);
    steps.take("packages", || install_rsyslog(ground.nodes(), site.mirror()));
    let folders = render(&ground, site.mirror());
    let cluster = ground.folder("cluster").join("ground.toml");
    // As it is rendered, but by the roles that the program carries.
    let whole = CLUSTER.replace("\"logserver\"", "\"logserver\", \"manager\"");
    fs::write(&cluster, whole).expect("the ground's folder is writable");
    let certificates = Desk::certificates(&ground, &cluster, &[]);
    for name in ["server", "worker"] {
        let node = ground.node(name);
        node.copy(&folders.join(name), "/srv/pnda");
        let lacks = node.run("sh /srv/pnda/install.sh").exited(1);
        assert!(lacks.stderr.contains("install with --certificates"), "{}", lacks.told());
        node.copy(&certificates.join(name), "/srv/certificates");
        let bring = "sh /srv/pnda/install.sh --certificates /srv/certificates && rm -r /srv/certificates";
        steps.take(&format!("install on {name}"), || node.run(bring).ok());
        assert_eq!(node.run("stat -c %U:%a /etc/pnda/tls /etc/pnda/tls/key.pem").ok().text(), "root:700\nroot:600");
        let again = node.run("sh /srv/pnda/install.sh").ok();
        assert!(again.stdout.contains("nothing to do"), "{}", again.told());
        let lacks = node.run("/opt/pnda/bin/rsyslog-has rsyslog:imfile rsyslog-hiredis:omhiredis").exited(1);
        assert!(lacks.stderr.contains("apt-get install rsyslog-hiredis;"), "{}", lacks.told());
    }
    ground.node("server").wait_active("pnda-log-server");
    ground.node("server").wait_active("pnda-log-housekeeping");
    for unit in SHIPPING {
        ground.nodes().iter().for_each(|node| node.wait_active(unit));
    }

    let (server, worker) = (ground.node("server"), ground.node("worker"));
    worker.run(&format!("cat >/srv/write.pl <<'END'\n{WRITER}END")).ok();
    steps.take("quiet", || quiet(server, worker));
    steps.take("restarts", || restarts(server, worker));
    steps.take("rolls", || rolls(server, worker));
    steps.take("hostile", || hostile(server, worker));
    steps.take("strangers", || strangers::step(server, worker));
    steps.take("services", || services(server, worker));
    steps.take("full disk", || full_disk(server, worker));
    steps.take("rotation", || rotation(server, worker));
    steps.take("renewal", || renewal(&ground, &cluster, server, worker));
    nobody_else_reads(worker);
    machine::tell(&format!("logs: {steps}"));
    let nobody = ["server", "worker"].map(|name| (name.to_owned(), 0));
    assert_eq!(ground.departures(), Departures { sent: 0, refused: nobody.into_iter().collect() });
}

/// Every node takes what ships logs from the mirror.
pub(crate) fn install_rsyslog(nodes: &[Node], mirror: &Path) {
    std::thread::scope(|scope| {
        nodes.iter().for_each(|node| {
            scope.spawn(|| packages::install(node, mirror, &PACKAGES));
        });
    });
}

/// Whether what a job's containers logged is in the application's file on the log server: this text, from this file.
pub(crate) fn arrives_at_the_log_server(server: &Node, application: &str, logtype: &str, text: &str) {
    let file = file_of(application);
    until(&format!("{logtype} of {application} arrives"), Duration::from_secs(60), || {
        let lines = server.run(&format!("grep -F -- '{text}' {file}")).stdout;
        lines.lines().any(|line| line.split(' ').nth(3) == Some(logtype)).then_some(())
    });
}

/// What the services of logs say, and what waits where.
const WAITS: &str = "journalctl --no-pager -o cat -n 40 -u 'pnda-log-*'; \
    ls -l /var/lib/pnda/log-reader/*/* /var/lib/pnda/log-shipper /var/log/pnda /var/log/pnda/hadoop-yarn 2>&1";

fn file_of(application: &str) -> String {
    format!("/var/log/pnda/yarn-{application}.log")
}

/// A container's folder as the NodeManager makes it.
pub(crate) fn container(worker: &Node, application: &str) -> String {
    let folder = format!("{CONTAINERS}/{application}/container_{}_01_000002", &application["application_".len()..]);
    worker.run(&format!("install -d -o yarn -g hadoop -m 750 {CONTAINERS}/{application} {folder}")).ok();
    folder
}

pub(crate) fn write(worker: &Node, folder: &str, from: u32, count: u32, pause: &str, roll: u32) {
    worker.run(&format!("runuser -u yarn -- perl /srv/write.pl {folder} {from} {count} {pause} {roll}")).ok();
}

/// Starts the writer and comes back at once.
fn begin(worker: &Node, folder: &str, count: u32, roll: u32) {
    worker.run("systemctl reset-failed writer 2>/dev/null; true").ok();
    let unit = "systemd-run --quiet --unit=writer --uid=yarn --gid=hadoop";
    worker.run(&format!("{unit} perl /srv/write.pl {folder} 0 {count} 0.002 {roll}")).ok();
}

/// Waits until the writer has ended, and until so many different records are there; each must be there once.
pub(crate) fn all_arrive(server: &Node, worker: &Node, application: &str, count: usize) {
    until("the writer ends", Duration::from_secs(120), || {
        (worker.run("systemctl is-active writer").code != Some(0)).then_some(())
    });
    let file = file_of(application);
    let numbers = format!("grep -o ' record [0-9]* end' {file}");
    let seen = || server.run(&format!("{numbers} | sort -u | wc -l")).text().parse().unwrap_or(0);
    let mut last = (0, std::time::Instant::now());
    loop {
        let now: usize = seen();
        if now >= count {
            break;
        }
        if now > last.0 {
            last = (now, std::time::Instant::now());
        }
        assert!(
            last.1.elapsed() < Duration::from_secs(40),
            "{now} of {count} arrived: {}\n{}\n{}",
            missing(server, &file, count),
            worker.run(WAITS).told(),
            server.run(WAITS).told()
        );
        std::thread::sleep(Duration::from_millis(500));
    }
    let twice = server.run(&format!("{numbers} | sort | uniq -d | wc -l"));
    assert_eq!(twice.text(), "0", "no record of {application} arrives twice");
    let traces = server.run(&format!("grep -A3 -E ' record [0-9]*0 end' {file} | grep -c '^\t\tat e.f.G'"));
    assert_eq!(traces.text(), (count / 10).to_string(), "each stack trace follows its record");
    let begun = server.run(&format!("grep -v -c '^\t' {file}")).text().parse::<usize>().expect("a number");
    let others =
        server.run(&format!("grep -c ' INFO  this file ends' {file}")).text().parse::<usize>().expect("a number");
    assert_eq!(begun - others, count, "a line that begins with no tab is a record");
}

fn missing(server: &Node, file: &str, count: usize) -> String {
    let script = format!(
        "grep -o ' record [0-9]* end' {file} | cut -d' ' -f3 | sort >/tmp/got; seq 0 {} | sort | comm -23 - /tmp/got | sort -n | tr '\\n' ' ' | cut -c1-300",
        count - 1
    );
    server.run(&script).stdout
}

fn quiet(server: &Node, worker: &Node) {
    let application = "application_1700000000000_0001";
    let folder = container(worker, application);
    write(worker, &folder, 0, 2000, "0", 0);
    all_arrive(server, worker, application, 2000);
    let first = server.run(&format!("head -1 {}", file_of(application))).ok();
    let words: Vec<&str> = first.text().splitn(5, ' ').collect();
    assert!(words[0].len() == 24 && words[0].ends_with('Z') && words[0].contains('T'), "{}", first.told());
    let rest = [words[1], words[2], words[3], words[4]];
    let text = "2026-01-01 00:00:00,000 INFO  a.b.C - record 0 end";
    assert_eq!(rest, ["worker", "container_1700000000000_0001_01_000002", "taskmanager.log", text]);
    // The next file may get this one's inode; the reader's own cage lets it see which is which.
    worker.run("grep -q '\"born\"' /var/lib/pnda/log-reader/jobs/notes.json").ok();
    // As YARN does a while after the end.
    worker.run(&format!("rm -r {CONTAINERS}/{application}")).ok();
}

/// The shipper restarts, the server is away for seconds, and the folder goes when all is over.
fn restarts(server: &Node, worker: &Node) {
    let application = "application_1700000000000_0002";
    let folder = container(worker, application);
    begin(worker, &folder, 6000, 0);
    std::thread::sleep(Duration::from_secs(1));
    worker.run(&format!("systemctl restart {}", SHIPPING.join(" "))).ok();
    std::thread::sleep(Duration::from_secs(2));
    server.run("systemctl stop pnda-log-server").ok();
    std::thread::sleep(Duration::from_secs(4));
    // What is written now goes to the node's disk, and the folder goes before the server is back.
    until("the writer ends", Duration::from_secs(120), || {
        (worker.run("systemctl is-active writer").code != Some(0)).then_some(())
    });
    std::thread::sleep(Duration::from_secs(5));
    worker.run(&format!("rm -r {CONTAINERS}/{application}")).ok();
    server.run("systemctl start pnda-log-server").ok();
    all_arrive(server, worker, application, 6000);
}

/// A file rolls while it is read, and while nobody reads.
fn rolls(server: &Node, worker: &Node) {
    let application = "application_1700000000000_0003";
    let folder = container(worker, application);
    begin(worker, &folder, 4000, 600);
    std::thread::sleep(Duration::from_secs(2));
    worker.run(&format!("systemctl stop {}", SHIPPING.join(" "))).ok();
    std::thread::sleep(Duration::from_secs(3));
    worker.run(&format!("systemctl start {}", SHIPPING.join(" "))).ok();
    all_arrive(server, worker, application, 4000);
}

/// What a text says cannot begin a line, end up in another file, or reach a terminal.
fn hostile(server: &Node, worker: &Node) {
    let application = "application_1700000000000_0004";
    let folder = container(worker, application);
    let text = r"2026-01-01 00:00:00,000 INFO bytes \377\376 and \033[31m end\n2099-forged host container file text\n";
    worker.run(&format!("printf '{text}' | runuser -u yarn -- tee {folder}/flink.log")).ok();
    arrives_at_the_log_server(server, application, "flink.log", "INFO bytes ?? and #027[31m end");
    let file = file_of(application);
    server.run(&format!("grep -q '^\t2099-forged' {file} && ! grep -q '^2099-forged' {file}")).ok();
    let lines = [
        r#"{"applicationId":"../../../tmp/x","source":"../../etc/y","message":"of-no-file"}"#,
        r#"{"source":"flink","host":"a\nb","path":"/x\ny","message":"odd\n2099"}"#,
        "not JSON",
    ];
    let lines = lines.join("\n");
    // Whoever has the node's certificate can send what it likes, but not as another node.
    worker.run(&format!("mkdir -p /srv/raw && cat >/srv/raw/lines <<'END'\n{lines}\nEND")).ok();
    worker.run(&format!("sh -s <<'END'\n{RAW}END")).ok();
    until("a record that is made up arrives", Duration::from_secs(20), || {
        (server.run(r"grep -Fq -- '- worker /x#010y odd' /var/log/pnda/flink.log").code == Some(0)).then_some(())
    });
    worker.run("systemctl stop raw; bash -c 'echo plain >/dev/tcp/server/2515'").exited(1);
    server.run("grep -rq of-no-file /var/log/pnda /tmp /etc").exited(1);
}

/// Files of services, and the journal of ours alone.
fn services(server: &Node, worker: &Node) {
    let line = "2026-01-01 00:00:00,000 INFO served";
    let write = format!("umask 027; echo '{line}' >/var/log/pnda/flink/flink-pnda-historyserver-0-worker.log");
    worker.run(&format!("runuser -u pnda -- sh -c \"{write}\"")).ok();
    worker.run("systemd-run --quiet --unit=platform_app-demo-job --wait echo ours").ok();
    worker.run("systemd-run --quiet --unit=somebody --wait echo theirs").ok();
    let arrives = |file: &str, line: &str| {
        until(&format!("{line} is in {file}"), Duration::from_secs(30), || {
            (server.run(&format!("grep -q -- '{line}$' /var/log/pnda/{file}")).code == Some(0)).then_some(())
        });
    };
    arrives("flink.log", &format!("Z worker /var/log/pnda/flink/flink-pnda-historyserver-0-worker.log {line}"));
    arrives("platform_app-demo-job.log", "Z worker journald ours");
    server.run("test -e /var/log/pnda/somebody.log").exited(1);
}

/// While the server's disk is nearly full, which a large wish for room stands for, records wait on their node.
fn full_disk(server: &Node, worker: &Node) {
    let application = "application_1700000000000_0007";
    let folder = container(worker, application);
    let script = "/opt/pnda/bin/log-housekeeping";
    let spare = |line: &str| {
        server.run(&format!("sed -i 's/^spare=.*/{line}/' {script} && systemctl restart pnda-log-housekeeping")).ok();
    };
    let own = server.run(&format!("grep ^spare= {script}")).ok().text().to_owned();
    spare("spare=99999999999");
    until("the server is held", Duration::from_secs(20), || {
        let pid = server.property("pnda-log-server", "MainPID");
        server.run(&format!("grep -q 'State:.*stopped' /proc/{pid}/status")).code.filter(|code| *code == 0)
    });
    begin(worker, &folder, 2000, 0);
    until("the writer ends", Duration::from_secs(60), || {
        (worker.run("systemctl is-active writer").code != Some(0)).then_some(())
    });
    server.run(&format!("test -e {}", file_of(application))).exited(1);
    spare(&own);
    all_arrive(server, worker, application, 2000);
}

/// A large file is rotated while records come in, and old logs of applications go.
fn rotation(server: &Node, worker: &Node) {
    let old = "/var/log/pnda/yarn-application_1_0001.log";
    server.run(&format!("runuser -u pnda-log -- touch -d '4 days ago' {old}")).ok();
    let application = "application_1700000000000_0005";
    let folder = container(worker, application);
    begin(worker, &folder, 4000, 0);
    std::thread::sleep(Duration::from_secs(2));
    server.run("sed -i 's/size 10M/size 10k/' /etc/pnda/rsyslog/logrotate.conf").ok();
    server.run("systemctl restart pnda-log-housekeeping").ok();
    until("the writer ends", Duration::from_secs(120), || {
        (worker.run("systemctl is-active writer").code != Some(0)).then_some(())
    });
    let both =
        format!("cat {file} {file}.1 2>/dev/null | grep -o ' record [0-9]* end' | sort", file = file_of(application));
    until("what came in while rotating is in one file or the other", Duration::from_secs(40), || {
        (server.run(&format!("{both} -u | wc -l")).text() == "4000").then_some(())
    });
    assert_eq!(server.run(&format!("{both} | uniq -d | wc -l")).text(), "0");
    server.run(&format!("test -s {}.1 && test ! -e {old}", file_of(application))).ok();
}

/// Every certificate is made anew while records come in: both sides restart with the new ones, and all arrive.
fn renewal(ground: &Ground, cluster: &Path, server: &Node, worker: &Node) {
    let application = "application_1700000000000_0008";
    let folder = container(worker, application);
    begin(worker, &folder, 6000, 0);
    let out = Desk::certificates(ground, cluster, &[]);
    for node in [server, worker] {
        fs::remove_dir_all(out.join(&node.name)).expect("it was made");
        Desk::certificates(ground, cluster, &[]);
        node.copy(&out.join(&node.name), "/srv/certificates");
        let unit = if node.name == "server" { "pnda-log-server" } else { "pnda-log-shipper" };
        let before = node.property(unit, "MainPID");
        node.run("sh /srv/pnda/install.sh --certificates /srv/certificates && rm -r /srv/certificates").ok();
        assert_ne!(node.property(unit, "MainPID"), before, "{unit} has the new one");
        let again = node.run("sh /srv/pnda/install.sh").ok();
        assert!(again.stdout.contains("nothing to do"), "{}", again.told());
    }
    all_arrive(server, worker, application, 6000);
}

fn nobody_else_reads(worker: &Node) {
    let folder = container(worker, "application_1700000000000_0006");
    worker.run(&format!("ls {folder}")).ok();
    worker.run("useradd somebody").ok();
    worker.run(&format!("runuser -u somebody -- ls {folder}")).exited(2);
    worker.run("runuser -u somebody -- ls /var/lib/pnda/log-shipper").exited(2);
    worker.run("runuser -u somebody -- ls /var/lib/pnda/log-reader").exited(2);
    SHIPPING.iter().for_each(|unit| assert_eq!(worker.property(unit, "User"), "pnda-log"));
}

/// The nodes' folders; no manager is there, so Flink, which would take minutes and add nothing, is on none.
fn render(ground: &Ground, mirror: &Path) -> PathBuf {
    let list = fs::read_to_string(mirror.join("current/generation.toml")).expect("the mirror has a list");
    let key = fs::read_to_string(mirror.join("current/mirror.pub")).expect("the mirror has a key");
    let public_key = key.lines().last().expect("the key has a line");
    let generation = Generation::parse(&list).expect("the list can be read");
    let not_needed = |text: String| text.replace("placement = \"one manager\"", "placement = \"every manager\"");
    let rendered = cluster::render(&Inputs {
        cluster: problem::Source { file: "ground.toml", text: CLUSTER },
        roles: cluster::default_roles().into_iter().map(|(name, text)| (name, not_needed(text))).collect(),
        flavors: cluster::default_flavors(),
        templates: cluster::default_templates(),
        generation: Some(&generation),
        public_keys: vec![public_key],
        overrides: Vec::new(),
        root: None,
    });
    let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
    let out = ground.folder("nodes");
    for (node, tree) in &rendered.nodes {
        for (path, entry) in tree.iter() {
            let Entry::File { bytes, .. } = entry else { continue };
            let file = out.join(node.as_str()).join(path.to_string());
            fs::create_dir_all(file.parent().expect("it has a folder")).expect("the ground's folder is writable");
            fs::write(file, bytes).expect("the ground's folder is writable");
        }
    }
    out
}
