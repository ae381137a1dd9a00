//! `pnda-agent` as systemd runs it: readiness, watchdog, pages, receivers, a history server that comes and goes, the end.
//! All partners are small servers on the loopback; the agent tells its own port in its first line.
//! Not here: what a real history server answers; see the fixtures and the tests on nodes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(10);

fn agent() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
    command.env_remove("JOURNAL_STREAM").env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
    command
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// A history server of Flink 1.20.5 with two jobs.
fn history_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 2048];
            let count = stream.read(&mut request).unwrap_or(0);
            let body = match request[..count].starts_with(b"GET /config") {
                true => r#"{"flink-version":"1.20.5","features":{"web-history":true}}"#,
                false => r#"{"jobs":[{},{}]}"#,
            };
            let _ = stream.write_all(answer(body).as_bytes());
        }
    });
    port
}

/// Takes whatever comes on each connection, answers it, and hands it on.
fn receiver(reply: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (give, take) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let mut text = String::new();
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut part) {
                text.push_str(&String::from_utf8_lossy(&part[..count]));
            }
            let _ = stream.write_all(reply.as_bytes());
            if give.send(text).is_err() {
                return;
            }
        }
    });
    (port, take)
}

fn config(folder: &Path, sections: &str) -> String {
    let file = folder.join("agent.toml");
    let head = "cluster = \"pico\"\nnode = \"manager\"\nlisten = \"127.0.0.1:0\"\ninterval_seconds = 1\n";
    std::fs::write(&file, format!("{head}{sections}")).unwrap();
    file.display().to_string()
}

/// A running agent; it is ended with the test.
struct Running {
    child: Child,
    lines: Receiver<String>,
    port: u16,
}

impl Running {
    fn start(command: &mut Command, file: &str) -> Running {
        let mut child = command.args(["run", "--config", file]).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (give, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| give.send(line)));
        let first = lines.recv_timeout(SOON).unwrap();
        let port = first.rsplit(':').next().unwrap().parse().unwrap();
        Running { child, lines, port }
    }

    /// Waits for a line of the log that holds a text.
    fn line(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(SOON).unwrap_or_else(|_| panic!("no line with {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn terminate(mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        (self.child.wait().unwrap().code(), start.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_node_with_a_history_server_tells_everybody_that_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let (graphite, lines) = receiver("");
    let (console, posts) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let sections = format!(
        "[history_server]\nurl = \"http://127.0.0.1:{}\"\n[graphite]\naddress = \"127.0.0.1:{graphite}\"\n\
         [console]\nurl = \"http://127.0.0.1:{console}/metrics\"\n",
        history_server()
    );
    let file = config(folder.path(), &sections);
    let running = Running::start(&mut agent(), &file);
    assert_eq!(
        running.line("health="),
        "level=info message=\"flink OK: history server of Flink 1.20.5, jobs told by /jobs/overview\" \
         health=OK was=UNKNOWN"
    );
    let lines = lines.recv_timeout(SOON).unwrap();
    assert!(lines.contains("\nhadoop.flink.health OK 1") && lines.contains("\nhadoop.flink.health_level 0 1"));
    let post = posts.recv_timeout(SOON).unwrap();
    assert!(post.starts_with("POST /metrics HTTP/1.1\r\n") && post.contains("\"metric\":\"flink.health\""), "{post}");
    let health = running.get("/health");
    assert!(health.starts_with("HTTP/1.1 200 ") && health.contains("\"completed_jobs\":2"), "{health}");
    assert!(running.get("/metrics").contains("\npnda_flink_health{cluster=\"pico\",node=\"manager\"} 0\n"));
    assert!(running.get("/api/dm/metrics").contains("hadoop.flink.health"));
    assert!(running.get("/").starts_with("HTTP/1.1 404 "));
}

#[test]
fn systemd_is_told_all_it_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(SOON)).unwrap();
    let said = || {
        let mut message = [0; 1024];
        let count = systemd.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..count]).into_owned()
    };
    let file = config(folder.path(), "");
    let mut command = agent();
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "200000").env("JOURNAL_STREAM", "8:1");
    let running = Running::start(&mut command, &file);
    assert_eq!(said(), "READY=1\n");
    let mut seen = Vec::new();
    // It hears of the watchdog after each server that a round asks, too.
    while !seen.contains(&"STATUS=no history server on this node, nothing to watch\n".to_owned()) {
        assert!(seen.len() < 10, "{seen:?}");
        seen.push(said());
    }
    let start = Instant::now();
    seen.extend((0..10).map(|_| said()));
    assert!(seen.iter().filter(|text| *text == "WATCHDOG=1\n").count() >= 10);
    assert!(start.elapsed() >= Duration::from_millis(500), "the watchdog is fed at half of its time");
    assert!(running.line("nothing to watch").starts_with("<6>level=info "));
    let (code, took) = running.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_history_server_that_is_gone_is_an_error_and_deaf_receivers_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sections = format!("[history_server]\nurl = \"http://{gone}\"\n[graphite]\naddress = \"{gone}\"\n");
    let file = config(folder.path(), &sections);
    let running = Running::start(&mut agent(), &file);
    let error = running.line("health=ERROR");
    assert!(error.contains("Unable to connect to the Flink History Server (request path = /config)"), "{error}");
    assert!(running.line("level=warn").contains("graphite does not take metrics; every round tries again"));
    let start = Instant::now();
    while !running.get("/metrics").contains("receiver=\"graphite\"} 2\n") {
        assert!(start.elapsed() < SOON);
        thread::sleep(Duration::from_millis(50));
    }
    assert!(running.lines.try_recv().is_err(), "one line for one change");
    let health = running.get("/health");
    assert!(health.starts_with("HTTP/1.1 503 ") && health.contains("\"fault\":\"unreachable\""), "{health}");
}

#[test]
fn a_hanging_history_server_and_a_half_request_do_not_delay_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let sections = format!("[history_server]\nurl = \"http://{}\"\n", mute.local_addr().unwrap());
    let running = Running::start(&mut agent(), &config(folder.path(), &sections));
    let mut half = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
    half.write_all(b"GET /hea").unwrap();
    running.line("no complete answer within 500 ms");
    let (code, took) = running.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn heads_without_an_end_blind_nobody_and_strangers_names_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&mut agent(), &config(folder.path(), ""));
    let half = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nhost:").unwrap();
        stream
    };
    let _halves: Vec<TcpStream> = (0..300).map(half).collect();
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", running.port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: {host}\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(ask("localhost:8084").starts_with("HTTP/1.1 200 OK\r\n"));
    let refused = ask("evil.example");
    assert!(refused.starts_with("HTTP/1.1 421 ") && !refused.contains("pico"), "{refused}");
}

#[test]
fn an_address_that_is_taken_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let file = folder.path().join("agent.toml");
    let address = taken.local_addr().unwrap();
    std::fs::write(&file, format!("cluster = \"a\"\nnode = \"b\"\nlisten = \"{address}\"\n")).unwrap();
    let done = agent().args(["run", "--config", &file.display().to_string()]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("cannot listen on") && said.contains("set another `listen`"), "{said}");
}

fn check(file: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = agent().args(["check", "--config", file]).args(more).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_check_by_hand_says_what_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), &format!("[history_server]\nurl = \"http://127.0.0.1:{}\"\n", history_server()));
    let (code, table, _) = check(&file, &[]);
    assert_eq!(code, Some(0));
    assert!(table.starts_with("node "), "{table}");
    assert!(table.contains("OK") && table.contains("/jobs/overview"), "{table}");
    let (code, json, _) = check(&file, &["--json"]);
    assert_eq!(code, Some(0));
    assert!(json.starts_with("{\"status\":\"OK\",\"causes\":[],"), "{json}");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = config(folder.path(), &format!("[history_server]\nurl = \"http://{gone}\"\n"));
    let (code, table, _) = check(&file, &[]);
    assert_eq!(code, Some(1));
    assert!(table.contains("Unable to connect") && table.contains("Connection refused"), "{table}");
}

#[test]
fn mistakes_in_the_configuration_come_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "[histroy_server]\n[graphite]\nadress = \"a:1\"\n");
    let (code, _, said) = check(&file, &[]);
    assert_eq!(code, Some(2));
    for text in ["agent.toml:5: ", "did you mean `history_server`?", "did you mean `address`?", "has no `address`"] {
        assert!(said.contains(text), "{text} is not in {said}");
    }
    assert_eq!(check(&file, &["--jsno"]).0, Some(2));
    let (code, _, said) = check("/nonexistent/agent.toml", &[]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("cannot read the agent's configuration /nonexistent/agent.toml\n  because: No such file"),
        "{said}"
    );
}
