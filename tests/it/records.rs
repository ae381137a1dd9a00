//! Records reach the log server from nodes alone: real rsyslogd on both sides, with what was rendered for them and with
//! certificates as `pnda cluster certificates` makes them; the nodes are addresses of loopback.
//! Not here: that no record is lost or comes twice while things stop, which is counted on nodes.

use pnda::cluster::{self, Inputs, Order, Pair, Plan};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::{SafePath, Word};
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const DAY: u64 = 86_400;
const RSYSLOGD: &str = "/usr/sbin/rsyslogd";

/// A rsyslogd of a test; it ends with it.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A rendered cluster with its certificates.
struct Ground {
    folder: TempDir,
    plan: Plan,
    authority: Pair,
    files: BTreeMap<String, String>,
    ports: [u16; 2],
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn inputs<'a>(text: &'a str, generation: &'a Generation) -> Inputs<'a> {
    let not_needed = |text: String| text.replace("placement = \"one manager\"", "placement = \"every manager\"");
    let shipped = Inputs::shipped(Source { file: "c.toml", text }, Some(generation), KEY);
    let roles = shipped.roles.iter().map(|(name, text)| (name.clone(), not_needed(text.clone()))).collect();
    Inputs { roles, ..shipped }
}

impl Ground {
    fn new() -> Ground {
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port()];
        let text = format!(
            "name = \"c\"\nstacks = [\"logs\"]\n[mirror]\nurl = \"http://m:1\"\n[settings.log]\nport = {}\njson_port = {}\njson = \"on\"\n\
             [[node]]\nname = \"server\"\naddress = \"127.0.0.1\"\nkinds = [\"logserver\"]\n\
             [[node]]\nname = \"worker\"\naddress = \"127.0.0.2\"\nkinds = [\"worker\"]\n",
            ports[0], ports[1]
        );
        let listed = Listed { size: 1, sha256: Sha256::of(b"1") };
        let files = [(SafePath::new("pnda-agent").unwrap(), listed)].into();
        let generation = Generation { number: 1, lock: Sha256::of(b""), files };
        let root = Some(folder.path().display().to_string());
        let inputs = Inputs { root, ..inputs(&text, &generation) };
        let plan = cluster::plan(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
        let rendered = cluster::render(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
        let mut files = BTreeMap::new();
        for (node, path) in [("server", "server.conf"), ("worker", "shipper.conf")] {
            let tree = &rendered.nodes[&Word::new(node).unwrap()];
            let place = SafePath::new(format!("files/etc/pnda/rsyslog/{path}")).unwrap();
            let Some(Entry::File { bytes, .. }) = tree.get(&place) else { panic!("{node} has no {path}") };
            files.insert(path.to_owned(), String::from_utf8(bytes).unwrap());
        }
        for made in ["var/lib/pnda/log-server", "var/log/pnda"] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        let authority = Order { plan: &plan, now: now(), days: 90 }.authority().unwrap();
        Ground { folder, plan, authority, files, ports }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A pair of an authority; it began so many days ago and holds for ninety.
    fn pair(&self, node: &str, authority: &Pair, ago: u64) -> Pair {
        let mut plan = self.plan.clone();
        if node == "stranger" {
            plan.waves[0].nodes[0].node = node.to_owned();
        }
        Order { plan: &plan, now: now() - ago * DAY, days: 90 }.pair(node, authority).unwrap()
    }

    /// A folder as systemd hands it to a service.
    fn credentials(&self, name: &str, pair: &Pair, authority: &Pair) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let files =
            [("key.pem", &pair.key), ("certificate.pem", &pair.certificate), ("authority.pem", &authority.certificate)];
        // As the node has them: with a first line that says what they were made from.
        files.iter().for_each(|(file, text)| fs::write(folder.join(file), format!("# Made by pnda\n{text}")).unwrap());
        folder
    }

    fn server(&self) -> Daemon {
        let pair = self.pair("server", &self.authority, 0);
        let credentials = self.credentials("of-server", &pair, &self.authority);
        let conf = self.path("server.conf");
        fs::write(&conf, &self.files["server.conf"]).unwrap();
        let server = daemon(Command::new(RSYSLOGD).args(["-n", "-iNONE", "-f"]).arg(conf), &credentials);
        let begun = Instant::now();
        while self.ports.iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the server listens");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// The configuration of a client that sends one record from the worker's address, with the rendered action.
    fn client(&self, name: &str, change: impl Fn(&str) -> String) -> PathBuf {
        let work = self.path(&format!("client-{name}"));
        fs::create_dir_all(&work).unwrap();
        let record = format!(
            "{{\"@timestamp\":\"2026-01-01T00:00:00.000Z\",\"host\":\"server\",\"source\":\"flink\",\"path\":\"/x\",\
             \"message\":\"record of {name}\"}}\n"
        );
        fs::write(work.join("record"), record).unwrap();
        let shipper = &self.files["shipper.conf"];
        let action = shipper.split("    action(").find(|text| text.contains("type=\"omrelp\"")).unwrap();
        let action = action.split_once("\n    )").unwrap().0;
        let action = change(action).replace("type=\"omrelp\"", "type=\"omrelp\" localClientIP=\"127.0.0.2\"");
        let load = shipper.lines().find(|line| line.contains("load=\"omrelp\"")).unwrap();
        let (work, conf) = (work.display(), self.path(&format!("client-{name}.conf")));
        let text = format!(
            "global(workDirectory=\"{work}\" net.enableDNS=\"off\")\n\
             module(load=\"imfile\" mode=\"polling\" pollingInterval=\"1\")\n{load}\n\
             template(name=\"record\" type=\"string\" string=\"%msg%\")\n\
             ruleset(name=\"send\" queue.type=\"LinkedList\" queue.timeoutShutdown=\"10\") {{\n    action({action}\n    )\n}}\n\
             input(type=\"imfile\" file=\"{work}/record\" tag=\"t\" ruleset=\"send\")\n"
        );
        fs::write(&conf, text).unwrap();
        conf
    }

    fn sends(&self, name: &str, credentials: &Path, change: impl Fn(&str) -> String) -> Daemon {
        let conf = self.client(name, change);
        daemon(Command::new(RSYSLOGD).args(["-n", "-iNONE", "-f"]).arg(conf), credentials)
    }

    /// What the server wrote, without what it wrote of itself.
    fn written(&self) -> String {
        let file = self.path("var/log/pnda/flink.log");
        fs::read_to_string(file).unwrap_or_default()
    }

    fn wait_for(&self, text: &str) {
        let begun = Instant::now();
        while !self.written().contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{text} is not in\n{}", self.written());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn daemon(command: &mut Command, credentials: &Path) -> Daemon {
    let command = command.env("CREDENTIALS_DIRECTORY", credentials).stdin(Stdio::null());
    Daemon(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

fn lacks(modules: &[&str]) -> bool {
    let has = |module: &&&str| {
        let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
        places.iter().any(|place| Path::new(place).join("rsyslog").join(format!("{module}.so")).exists())
    };
    let missing = modules.iter().find(|module| !has(module));
    if let Some(module) = missing {
        left_out!("records by TLS: this machine has no rsyslog with {module}");
    }
    missing.is_some()
}

/// An action with other certificates than the one that was rendered: without any, or without TLS.
fn without(action: &str, words: &[&str]) -> String {
    let kept = action.lines().filter(|line| !words.iter().any(|word| line.contains(word)));
    kept.collect::<Vec<_>>().join("\n")
}

#[test]
fn only_nodes_log_as_nodes() {
    if lacks(&["imrelp", "omrelp", "imfile", "mmjsonparse", "mmutf8fix", "lmnsd_gtls"]) {
        return;
    }
    let ground = Ground::new();
    let foreign = Order { plan: &ground.plan, now: now(), days: 90 }.authority().unwrap();
    let _server = ground.server();
    // Whoever connects and says nothing keeps nobody out.
    let _silent: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", ground.ports[0])).unwrap()).collect();
    let as_it_is = |action: &str| action.to_owned();
    let worker = ground.pair("worker", &ground.authority, 0);
    let good = ground.credentials("good", &worker, &ground.authority);
    let of = |name: &str, pair: &Pair, believes: &Pair| {
        ground.sends(name, &ground.credentials(&format!("of-{name}"), pair, believes), as_it_is)
    };
    let _bad = [
        of("foreign", &ground.pair("worker", &foreign, 0), &ground.authority),
        of("stranger", &ground.pair("stranger", &ground.authority, 0), &ground.authority),
        of("expired", &ground.pair("worker", &ground.authority, 100), &ground.authority),
        // The client does not tell a server that it has no reason to believe.
        of("careful", &worker, &foreign),
        ground.sends("misled", &good, |action| action.replace("\"server\"", "\"another\"")),
        ground.sends("nameless", &good, |action| without(action, &["tls.myCert", "tls.myPrivKey"])),
        ground.sends("plain", &good, |action| without(action, &["tls"])),
    ];
    std::thread::sleep(Duration::from_secs(4));
    let _good = ground.sends("worker", &good, as_it_is);
    ground.wait_for("record of worker\n");
    std::thread::sleep(Duration::from_secs(2));
    // It says that it is the server; where it comes from says better.
    assert_eq!(ground.written(), "2026-01-01T00:00:00.000Z worker /x record of worker\n");
}

#[test]
fn lines_of_json_need_a_certificate_too() {
    if lacks(&["imrelp", "imtcp", "mmjsonparse", "mmutf8fix", "lmnsd_gtls"]) {
        return;
    }
    let ground = Ground::new();
    let _server = ground.server();
    let send = |pair: Option<&Pair>, name: &str| -> std::io::Result<()> {
        let record =
            format!("{{\"source\":\"flink\",\"host\":\"worker\",\"path\":\"/x\",\"message\":\"record of {name}\"}}\n");
        let mut tcp = TcpStream::connect(("127.0.0.1", ground.ports[1]))?;
        tcp.set_read_timeout(Some(Duration::from_secs(2)))?;
        let Some(pair) = pair else { return tcp.write_all(record.as_bytes()) };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ground.authority.certificate.as_bytes()).unwrap()).unwrap();
        let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let config = builder.with_client_auth_cert(vec![certificate], key).unwrap();
        // Its certificate has the server's address as well, for shippers that go by it.
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(connection, tcp).write_all(record.as_bytes())
    };
    // That the server breaks off is not always seen while it is written to.
    let _ = send(None, "plain");
    let _ = send(Some(&ground.pair("stranger", &ground.authority, 0)), "stranger");
    send(Some(&ground.pair("worker", &ground.authority, 0)), "worker").unwrap();
    ground.wait_for("record of worker\n");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(ground.written(), "- server /x record of worker\n", "it came from the server's address");
}

#[test]
fn a_shipper_that_gave_up_on_its_server_is_ended_so_that_it_starts_again() {
    if lacks(&["imrelp", "omrelp", "imfile", "mmjsonparse", "mmutf8fix", "lmnsd_gtls"]) {
        return;
    }
    let ground = Ground::new();
    let _server = ground.server();
    let worker = ground.pair("worker", &ground.authority, 0);
    let good = ground.credentials("good", &worker, &ground.authority);
    let script = cluster::default_templates()["opt/pnda/bin/rsyslog-run"].replace("sleep 60", "sleep 1");
    let run = ground.path("rsyslog-run");
    fs::write(&run, script).unwrap();
    let start = |conf: &Path| daemon(Command::new("sh").arg(&run).arg(conf), &good);
    let mut misled = start(&ground.client("misled", |action| action.replace("\"server\"", "\"another\"")));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = misled.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it is ended");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(status.signal(), Some(9), "systemd takes that for a failure, and starts it again");
    let mut right = start(&ground.client("worker", str::to_owned));
    ground.wait_for("record of worker\n");
    std::thread::sleep(Duration::from_secs(3));
    assert!(right.0.try_wait().unwrap().is_none(), "and one that its server takes goes on");
}
