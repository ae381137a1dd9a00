//! Logs of hostile jobs on the way through the agent's reader and the real rsyslogd, from the rendered configurations.
//! Whatever one job or user does to its files, the records of the others arrive, and no process grows.
//! Not here: nodes, units and their limits; see `tests/nodes/logs.rs`.

use pnda::cluster::{self, Inputs};
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::fs::{self, File};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// One node that is both sides, below a folder of the test's own.
struct Site {
    root: PathBuf,
    json_port: u16,
    running: Vec<(&'static str, Child)>,
    _folder: tempfile::TempDir,
}

impl Site {
    fn begin() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let ports = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, json_port] = ports.map(|listener| listener.local_addr().unwrap().port());
        let text = format!(
            "name = \"one\"\nstacks = [\"logs\"]\n[mirror]\nurl = \"http://127.0.0.1:1\"\n\
             [settings]\nlog.tls = \"off\"\nlog.json = \"on\"\nlog.port = {port}\nlog.json_port = {json_port}\nlog.queue = \"64m\"\n\
             [[node]]\nname = \"one\"\naddress = \"127.0.0.1\"\nkinds = [\"logserver\", \"worker\"]\n"
        );
        let source = Source { file: "one.toml", text: &text };
        let not_needed = |text: String| text.replace("placement = \"one manager\"", "placement = \"every manager\"");
        let roles = cluster::default_roles().into_iter().map(|(name, text)| (name, not_needed(text)));
        let inputs = Inputs {
            root: root.to_str().map(str::to_owned),
            roles: roles.collect(),
            ..Inputs::shipped(source, None, KEY)
        };
        let rendered = cluster::render(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
        let tree = rendered.nodes.values().next().unwrap();
        for (path, entry) in tree.iter() {
            let (Some(path), Entry::File { bytes, .. }) =
                (path.to_string().strip_prefix("files/").map(PathBuf::from), entry)
            else {
                continue;
            };
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        let folders = ["log-reader/jobs", "log-reader/services", "log-shipper", "log-server"];
        folders.iter().for_each(|name| fs::create_dir_all(root.join("var/lib/pnda").join(name)).unwrap());
        fs::create_dir_all(root.join("var/log/pnda/hadoop-yarn/container")).unwrap();
        fs::create_dir_all(root.join("var/log/pnda/flink-clients")).unwrap();
        Site { root, json_port, running: Vec::new(), _folder: folder }
    }

    fn start(&mut self) {
        // The journal is the machine's own.
        let shipper = self.root.join("etc/pnda/rsyslog/shipper.conf");
        let text = fs::read_to_string(&shipper).unwrap();
        let lines = text.lines().filter(|line| !line.contains("load=\"imjournal\""));
        fs::write(&shipper, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        for (name, conf) in [("server", "server.conf"), ("shipper", "shipper.conf")] {
            let conf = self.root.join("etc/pnda/rsyslog").join(conf);
            let checked = Command::new(RSYSLOGD).args(["-N1", "-f"]).arg(&conf).output().unwrap();
            assert!(checked.status.success(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
            let mut command = Command::new(RSYSLOGD);
            command.args(["-n", "-iNONE", "-f"]).arg(&conf);
            self.run(name, command);
        }
        let mut reader = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        reader.arg("logs").arg("--config").arg(self.root.join("etc/pnda/logs/jobs.toml"));
        self.run("reader", reader);
    }

    fn run(&mut self, name: &'static str, mut command: Command) {
        let told = File::create(self.root.join(format!("{name}.told"))).unwrap();
        self.running.push((name, command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told).spawn().unwrap()));
    }

    fn container(&self, application: u32) -> PathBuf {
        let name = format!("application_1_{application:04}/container_1_{application:04}_01_000001");
        let folder = self.root.join("var/log/pnda/hadoop-yarn/container").join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn logs(&self) -> PathBuf {
        self.root.join("var/log/pnda")
    }

    fn arrived(&self, file: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.logs().join(file)).unwrap_or_default()).into_owned()
    }

    fn until(&self, what: &str, done: impl Fn() -> bool) -> Duration {
        let began = Instant::now();
        while !done() {
            let told =
                ["server", "shipper", "reader"].map(|name| fs::read_to_string(self.root.join(format!("{name}.told"))));
            assert!(began.elapsed() < Duration::from_secs(60), "{what}: {told:?}");
            thread::sleep(Duration::from_millis(100));
        }
        began.elapsed()
    }

    /// The most memory that each had, in MiB.
    fn peaks(&self) -> Vec<(&'static str, u64)> {
        let peak = |child: &Child| {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it runs");
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
        };
        self.running.iter().map(|(name, child)| (*name, peak(child))).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// A whole record with a stack trace, and one behind it.
fn write_records(folder: &Path, from: u32) {
    let mut text = String::new();
    for number in from..from + 10 {
        text += &format!("2026-01-01 00:00:00,000 INFO record {number} end\n\tat a.b.C\n\tat d.e.F\n");
    }
    let mut file = File::options().append(true).create(true).open(folder.join("taskmanager.log")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn lacks() -> Option<&'static str> {
    let has = |module: &str| {
        [
            "/usr/lib/rsyslog",
            "/usr/lib64/rsyslog",
            "/usr/lib/x86_64-linux-gnu/rsyslog",
            "/usr/lib/aarch64-linux-gnu/rsyslog",
        ]
        .iter()
        .any(|folder| Path::new(folder).join(module).exists())
    };
    if !Path::new(RSYSLOGD).exists() {
        return Some("rsyslogd is not installed");
    }
    if !has("omrelp.so") {
        return Some("rsyslog-relp is not installed");
    }
    (!rustix::process::geteuid().is_root()).then_some("only root can make files of somebody else")
}

#[test]
fn no_file_of_a_job_stops_or_shows_what_is_of_others() {
    if let Some(why) = lacks() {
        return left_out!("hostile logs: {why}");
    }
    let mut site = Site::begin();
    let secret = site.root.join("secret");
    fs::write(&secret, "keystore.password: of-another-group\n").unwrap();

    let holes = site.container(1);
    File::create(holes.join("a.log")).unwrap().set_len(100 << 30).unwrap();
    let client = site.root.join("var/log/pnda/flink-clients/somebody");
    fs::create_dir(&client).unwrap();
    File::create(client.join("b.log")).unwrap().set_len(100 << 30).unwrap();
    let endless = site.container(2);
    symlink("/dev/zero", endless.join("stdout")).unwrap();
    let line = site.container(3);
    fs::write(line.join("stdout"), vec![b'x'; 300 << 20]).unwrap();
    let links = site.container(4);
    symlink(&secret, links.join("stdout")).unwrap();
    symlink(site.root.join("folder"), links.parent().unwrap().join("container_1_0004_01_000002")).unwrap();
    fs::create_dir(site.root.join("folder")).unwrap();
    fs::write(site.root.join("folder/stdout"), "of-another-group too\n").unwrap();
    let hard = site.container(5);
    let of_another = hard.join("stdout");
    fs::write(&of_another, "of-another-group as well\n").unwrap();
    std::os::unix::fs::chown(&of_another, Some(4242), Some(4242)).unwrap();
    assert!(Command::new("mkfifo").arg(hard.join("stderr")).status().unwrap().success());
    let controls = site.container(6);
    fs::write(controls.join("stdout"), vec![1; 2 << 20]).unwrap();

    site.start();
    let good = site.container(7);
    write_records(&good, 0);
    let file = "yarn-application_1_0007.log";
    let count = || site.arrived(file).matches("\n\t\tat a.b.C\n\t\tat d.e.F\n").count();
    let first = site.until("the records of another job arrive", || count() == 10);
    // While all that is still going on, again.
    write_records(&good, 10);
    let second = site.until("more records of another job arrive", || count() == 20);
    site.until("control characters arrive", || site.arrived("yarn-application_1_0006.log").contains("#001#001"));
    site.until("the line without an end arrives", || site.arrived("yarn-application_1_0003.log").len() > 4 << 20);
    let peaks = site.peaks();
    drop(writeln!(
        std::io::stderr(),
        "hostile logs: another job's records arrived after {first:.1?} and {second:.1?}; most memory, MiB: {peaks:?}"
    ));
    assert!(peaks.iter().all(|(_, peak)| *peak < 128), "{peaks:?}");
    let mut look = Command::new("grep");
    look.arg("-rl").arg("of-another-group").args([site.logs(), site.root.join("var/lib")]);
    let found = String::from_utf8(look.output().unwrap().stdout).unwrap();
    let mut found = found.lines();
    assert!(
        found.all(|name| name.ends_with("application_1_0005/container_1_0005_01_000001/stdout")),
        "a secret was read"
    );
}

#[test]
fn a_log_server_takes_names_that_it_knows_and_nothing_for_a_terminal() {
    if let Some(why) = lacks() {
        return left_out!("hostile records: {why}");
    }
    let mut site = Site::begin();
    site.start();
    let port = site.json_port;
    site.until("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for number in 0..500 {
        writeln!(stream, "{{\"source\":\"made-up-{number}\",\"message\":\"of no file\"}}").unwrap();
    }
    let long = "9".repeat(100);
    writeln!(stream, "{{\"applicationId\":\"application_{long}_1\",\"message\":\"of no file\"}}").unwrap();
    let text = "a\u{9b}31m\u{85}b\u{1b}[31m\u{7f}";
    let message = serde_json::to_string(text).unwrap();
    writeln!(stream, "{{\"source\":\"flink\",\"host\":\"one\",\"path\":{message},\"message\":{message}}}").unwrap();
    writeln!(stream, "{{\"source\":\"platform_app-a-b\",\"message\":\"é is no control\"}}").unwrap();
    site.until("the last record arrives", || site.arrived("platform_app-a-b.log").ends_with("é is no control\n"));
    let escaped = "a#15531m#133b#027[31m#127";
    assert!(
        site.arrived("flink.log").ends_with(&format!(" one {escaped} {escaped}\n")),
        "{}",
        site.arrived("flink.log")
    );
    let files = fs::read_dir(site.logs()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
    assert_eq!(files, 2);
}

#[test]
fn the_records_of_more_applications_than_rsyslog_sees_at_a_time_all_arrive() {
    if let Some(why) = lacks() {
        return left_out!("many applications: {why}");
    }
    let mut site = Site::begin();
    let applications = 1000..1300;
    applications.clone().for_each(|number| write_records(&site.container(number), 0));
    site.start();
    let arrived = |number| site.arrived(&format!("yarn-application_1_{number}.log")).contains("record 9 end");
    let took = site.until("all records arrive", || applications.clone().all(arrived));
    drop(writeln!(std::io::stderr(), "300 applications: all records arrived after {took:.1?}"));
    let out = site.root.join("var/lib/pnda/log-reader/jobs/out");
    assert!(fs::read_dir(out).unwrap().count() <= 128);
}
