//! The server as the operator sees it: TLS, the access log, signals, limits, the systemd unit.
//! The program is run as it is installed; clients are curl and sockets that do not behave.
//! Not here: what is answered (`serve`).

use crate::h2;
use crate::site::{Site, curl, raw};
use pnda::mirror::serve::tls;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `pnda mirror serve`, running.
pub struct Running {
    child: Child,
    /// What it said on standard output until it served.
    pub said: Vec<String>,
    pub url: String,
}

impl Running {
    pub fn start(site: &Site, options: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.env_clear().env("HOME", site.path("")).args(["mirror", "serve", "--listen", "127.0.0.1:0", "--mirror"]);
        command.arg(site.path("mirror")).args(options).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running { child: command.spawn().unwrap(), said: Vec::new(), url: String::new() };
        let out = running.child.stdout.take().unwrap();
        let lines = BufReader::new(out).lines().map(Result::unwrap);
        running.said = lines.take_while(|line| !running.serves(line)).collect();
        if running.url.is_empty() {
            let why = running.rest();
            panic!("it did not serve: {:?} {why}", running.said);
        }
        running
    }

    fn serves(&mut self, line: &str) -> bool {
        self.url = line.split_once(" on ").map_or("", |(_, url)| url.trim_end_matches('/')).to_owned();
        !self.url.is_empty()
    }

    /// What it says on standard error until it ends.
    fn rest(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// It is a child that was not waited for, so the number is still its own even when it has ended.
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Tells it to stop; gives its exit code and what it said on standard error.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        let text = self.rest();
        (self.child.wait().unwrap().code(), text)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something is so.
fn eventually(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_certificate_of_its_own_is_made_once_and_trusted_by_curl() {
    let site = Site::of(&[("a.txt", b"one"), ("large.bin", &[7; 3_000_000])]);
    let options = ["--tls", "self", "--tls-name", "mirror.example"];
    let server = Running::start(&site, &options);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let certificate = server.said[0].strip_prefix("certificate ").unwrap().to_owned();
    let key = certificate.replace(".crt", ".pem");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let openssl =
        Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in", &certificate]).output();
    match openssl {
        Ok(output) => {
            let text = String::from_utf8(output.stdout).unwrap();
            let found = text.trim().rsplit('=').next().unwrap().to_owned();
            assert_eq!(server.said[1], format!("SHA-256 {found}"));
        }
        Err(error) => left_out!("the fingerprint against openssl: {error}"),
    }
    for version in ["--http1.1", "--http2"] {
        let answer = curl(&[version, "--cacert", &certificate, &format!("{}/large.bin", server.url)]);
        assert!(answer.status() == 200 && answer.body == [7; 3_000_000], "{version}: {}", answer.head);
        let proto = if version == "--http2" { "HTTP/2 200" } else { "HTTP/1.1 200" };
        assert!(answer.head.starts_with(proto), "{}", answer.head);
    }
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let named = ["--cacert", &certificate, "--resolve", &format!("mirror.example:{port}:127.0.0.1")];
    assert_eq!(curl(&[&named[..], &[&format!("https://mirror.example:{port}/a.txt")]].concat()).text(), "one");
    let said = server.said[1].clone();
    assert_eq!(server.stop().0, Some(0));
    let again = Running::start(&site, &options);
    assert_eq!(again.said[1], said);
    let (_, talk) = { Running::start(&site, &["--tls", "self", "--tls-name", "other.example"]).stop() };
    assert!(talk.contains("it is not for other.example; remove "), "{talk}");
}

#[test]
fn a_changed_certificate_is_taken_up_on_sighup() {
    let site = Site::of(&[("a.txt", b"one")]);
    let pair = |name: &str| tls::own(&site.path(name), &["127.0.0.1".to_owned()]).unwrap().pair;
    let (used, other) = (pair("used"), pair("other"));
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (certificate, key) = (text(&used.certificate), text(&used.key));
    let server = Running::start(&site, &["--tls-cert", &certificate, "--tls-key", &key]);
    let url = format!("{}/a.txt", server.url);
    let trusted = |certificate: &str| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--cacert", certificate, &url]);
        curl.env("no_proxy", "*").status().unwrap().success()
    };
    let new = text(&other.certificate);
    assert!(trusted(&certificate) && !trusted(&new));
    std::fs::write(&used.key, "broken").unwrap();
    server.signal(Signal::HUP);
    assert!(trusted(&certificate), "a broken key changes nothing");
    std::fs::copy(&other.key, &used.key).unwrap();
    std::fs::copy(&other.certificate, &used.certificate).unwrap();
    server.signal(Signal::HUP);
    eventually("the new certificate", || trusted(&new));
    let (code, said) = server.stop();
    assert_eq!(code, Some(0));
    assert!(said.contains("serving goes on as it was: cannot serve over TLS"), "{said}");
}

#[test]
fn every_answer_is_noted_and_the_log_can_be_rotated() {
    let site = Site::of(&[("a.txt", b"0123456789"), ("large.bin", &[7; 3_000_000])]);
    let log = site.path("access.log");
    let server = Running::start(&site, &["--access-log", log.to_str().unwrap()]);
    curl(&["--range", "2-4", "--user-agent", "apt\t\"1\"", &format!("{}/a.txt?token=secret", server.url)]);
    curl(&[&format!("{}/large.bin", server.url)]);
    let address = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    raw(address, "GET /no\u{20ac}ne HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    raw(
        address,
        "GET http://user:secret@mirror.example/a.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let lines = || std::fs::read_to_string(&log).unwrap_or_default();
    eventually("four lines", || lines().lines().count() == 4);
    let text = lines();
    for part in [
        "127.0.0.1 - - [",
        "] \"GET /a.txt HTTP/1.1\" 206 3 \"-\" \"apt\\x09\\x221\\x22\"\n",
        "\"GET /large.bin HTTP/1.1\" 200 3000000 \"-\" \"curl/",
        "\"GET /no\\xE2\\x82\\xACne HTTP/1.1\" 404 ",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("secret"), "{text}");
    std::fs::rename(&log, site.path("access.log.1")).unwrap();
    server.signal(Signal::HUP);
    eventually("a new file", || log.exists());
    curl(&[&format!("{}/a.txt", server.url)]);
    eventually("a line in it", || lines().lines().count() == 1);
    drop(server);
    let server = Running::start(&site, &["--access-log", "-"]);
    curl(&[&format!("{}/a.txt", server.url)]);
    let (_, said) = server.stop();
    assert!(said.contains("\"GET /a.txt HTTP/1.1\" 200 10 "), "{said}");
}

#[test]
fn of_a_broken_answer_the_log_tells_what_went() {
    let site = Site::of(&[("large.bin", &vec![7; 50_000_000])]);
    let log = site.path("access.log");
    let server = Running::start(&site, &["--access-log", log.to_str().unwrap()]);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    // Nobody reads until the way is full; then the client goes, and reads what was under way.
    std::thread::sleep(Duration::from_millis(300));
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    eventually("a line", || std::fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n')));
    let mut came = Vec::new();
    stream.read_to_end(&mut came).unwrap();
    let head = came.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(
        came.len() < 50_000_000 && text.contains(&format!(" 200 {} ", came.len() - head)),
        "{}: {text}",
        came.len()
    );
}

#[test]
fn a_download_comes_to_its_end_before_the_server_does() {
    let bytes = vec![9; 50_000_000];
    let site = Site::of(&[("large.bin", &bytes)]);
    let server = Running::start(&site, &[]);
    let address: SocketAddr = server.url.strip_prefix("http://").unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut begin = vec![0; 1000];
    stream.read_exact(&mut begin).unwrap();
    server.signal(Signal::TERM);
    eventually("nobody is accepted any more", || TcpStream::connect(address).is_err());
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(begin.len() + rest.len() > bytes.len(), "{}", rest.len());
    assert_eq!(server.stop().0, Some(0));
}

#[test]
fn heads_without_end_are_refused() {
    let site = Site::of(&[("a.txt", b"one")]);
    let server = site.serve();
    let long = "x".repeat(100_000);
    let many: String = (0..200).map(|at| format!("h{at}: x\r\n")).collect();
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n"), 414..=431),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nlong: {long}\r\n\r\n"), 431..=431),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431..=431),
        ("GET / HTTP/1.1\r\nbroken\r\n\r\n".to_owned(), 400..=400),
        ("\u{1}\u{2}\u{3} nonsense\r\n\r\n".to_owned(), 400..=400),
    ] {
        let answer = raw(server.address, &request);
        assert!(status.contains(&answer.status()), "{status:?}: {}", answer.head);
    }
    assert_eq!(curl(&[&format!("http://{}/a.txt", server.address)]).text(), "one");
}

/// Bytes of memory that a process held at most.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn answers_that_nobody_reads_take_little_memory() {
    let site = Site::of(&[("large.bin", &vec![7; 30_000_000])]);
    let server = Running::start(&site, &["--connections", "64", "--share", "64"]);
    let address = server.url.strip_prefix("http://").unwrap();
    let before = peak(&server.child);
    let ask = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&h2::ask("/large.bin", 32)).unwrap();
        stream.read_exact(&mut [0; 20]).unwrap();
        stream
    };
    let _unread: Vec<TcpStream> = (0..60).map(ask).collect();
    std::thread::sleep(Duration::from_secs(1));
    let more = peak(&server.child) - before;
    assert!(more < 30_000_000, "{more} bytes");
}

#[test]
fn a_client_that_says_nothing_is_sent_away() {
    let site = Site::of(&[("a.txt", b"one")]);
    let server = site.serve();
    let begin = Instant::now();
    let ends = |said: &str| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        stream
    };
    // Nothing; the beginning of either version of HTTP.
    for mut stream in ["", "P", "GET / HTTP/1.1\r\nHost:"].map(ends) {
        stream.set_read_timeout(Some(Duration::from_secs(100))).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
    }
    assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_calls_safe() {
    let site = Site::of(&[("a.txt", b"one")]);
    let print = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        let output =
            command.args(["mirror", "serve", "--print-unit", "--mirror", "/srv/mirror"]).args(options).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for (name, options) in [
        ("plain", &["--listen", "10.77.0.1:8080", "--access-log", "-"][..]),
        ("own", &["--listen", "0.0.0.0:443", "--tls", "self", "--tls-name", "mirror.example"]),
        ("given", &["--tls-cert", "/etc/pnda/mirror.crt", "--tls-key", "/etc/pnda/mirror.pem"]),
    ] {
        let unit = site.path(&format!("pnda-mirror-{name}.service"));
        std::fs::write(&unit, print(options)).unwrap();
        let analyze = |options: &[&str]| Command::new("systemd-analyze").args(options).arg(&unit).output();
        let Ok(verified) = analyze(&["verify", "--man=no"]) else {
            left_out!("the unit against systemd: systemd-analyze is not installed");
            return;
        };
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && !said.contains(&*format!("pnda-mirror-{name}")), "{said}");
        // The threshold is in tenths: 2.0 of 10.
        let safe = analyze(&["security", "--offline=true", "--no-pager", "--threshold=20"]).unwrap();
        let said = String::from_utf8_lossy(&safe.stdout).into_owned();
        assert!(safe.status.success(), "{said}{}", String::from_utf8_lossy(&safe.stderr));
    }
}
