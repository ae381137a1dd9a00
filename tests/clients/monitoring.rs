//! The role `monitoring` before the programs that it is for: promtool holds the alert rules against series, and a Prometheus of
//! the distribution scrapes the real agent and answers every query of every panel.
//! The manager behind the agent is scripted, so that every series is there. Not here: Grafana, and what the figures mean.

use pnda::cluster::{Inputs, render};
use pnda::words::digest::Sha256;
use pnda::words::generation::{Generation, Listed};
use pnda::words::names::{SafePath, Word};
use pnda::words::problem::Source;
use pnda::words::tree::Entry;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const AGENT: &str = env!("CARGO_BIN_EXE_pnda-agent");
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// A file of the role, as an edge gets it.
fn rendered(name: &str) -> String {
    let cluster = &pnda::cluster::example_clusters()["standard.toml"];
    let cluster = cluster.replacen("[mirror]", "stacks = [\"monitoring\"]\n\n[mirror]", 1);
    let names = ["flink-1.20.5.tar.gz", "hadoop-3.4.2.tar.gz", "mirror_misc/jre-17.0.9.2.tar.gz", "pnda-agent"];
    let listed = |name: &str| Listed { size: name.len() as u64, sha256: Sha256::of(name.as_bytes()) };
    let files = names.iter().map(|name| (SafePath::new(*name).unwrap(), listed(name))).collect();
    let generation = Generation { number: 7, lock: Sha256::of(b"lock"), files };
    let inputs = Inputs::shipped(Source { file: "standard.toml", text: &cluster }, Some(&generation), KEY);
    let rendered = render(&inputs).unwrap_or_else(|problems| panic!("{problems}"));
    let place = SafePath::new(format!("files/etc/pnda/monitoring/{name}")).unwrap();
    let edge = &rendered.nodes[&Word::new("edge-1").unwrap()];
    match edge.get(&place) {
        Some(Entry::File { bytes, .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{place}: {other:?}"),
    }
}

fn is_missing(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_err()
}

#[test]
fn the_alert_rules_fire_when_they_should() {
    if is_missing("promtool") {
        return left_out!("alert rules: promtool is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("alerts.yaml"), rendered("alerts.yaml")).unwrap();
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/monitoring/alerts.test.yml");
    fs::copy(tests, folder.path().join("alerts.test.yml")).unwrap();
    for words in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yml"]] {
        let output = Command::new("promtool").args(words).current_dir(folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said));
    }
}

/// Everything that a manager can tell; what it counts has grown by `number`.
fn figures(number: u64) -> Value {
    let tally = |failed| json!({ "count": 10 * number, "failed": failed * number, "micros": 50_000 * number });
    let component = |name: &str, alarms: Value| {
        json!({
            "application": "words", "component": name, "owner": "alice", "state": "running", "restarts": 1,
            "task_restarts": number, "completed": 5 * number, "failed": number, "checkpoint_ms": 1_795_409_770_000_u64,
            "interval_ms": 10_000, "held_up": 25, "attempt": 1, "alarms": alarms,
        })
    };
    json!({
        "manages": true, "states": { "running": 2 }, "alarms": { "critical": 1 },
        "components": [component("count", json!([])), component("split", json!([["given-up", "critical"]]))],
        "records": 40 + number, "rounds": tally(0), "looks": tally(0), "appends": tally(1),
        "requests": { "resourcemanager": tally(0), "namenode": tally(1), "jobmanager": tally(0) },
    })
}

/// A manager that tells this to whoever asks, until the test ends.
fn manager(socket: &Path) {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        for (number, mut stream) in (1..).zip(listener.incoming().map_while(Result::ok)) {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer);
            let body = figures(number).to_string();
            let head = format!("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn spawn(command: &mut Command, log: &Path) -> Running {
    let log = fs::File::create(log).unwrap();
    let errors = log.try_clone().unwrap();
    Running(command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().unwrap())
}

/// What Prometheus answers, once it does.
fn ask(port: u16, path: &str, query: &[(&str, &str)]) -> Value {
    let mut url = url::Url::parse(&format!("http://127.0.0.1:{port}{path}")).unwrap();
    url.query_pairs_mut().extend_pairs(query);
    let output = Command::new("curl").args(["--silent", "--max-time", "10", url.as_str()]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}

/// Each query of each panel, with the title of its panel.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let of = |panel: &Value| {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (title.clone(), target["expr"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    // What Grafana fills in.
    let filled =
        |text: String| text.replace("$cluster", ".*").replace("$application", ".*").replace("$__rate_interval", "10s");
    panels.flat_map(of).map(|(title, text)| (title, filled(text))).collect()
}

#[test]
fn a_prometheus_that_scraped_the_agent_answers_every_query_of_the_dashboard() {
    if is_missing("prometheus") {
        return left_out!("the dashboard: prometheus is not installed");
    }
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path();
    manager(&folder.join("socket"));
    let (agent, prometheus) = (free_port(), free_port());
    let config = format!(
        "cluster = \"pico\"\nnode = \"edge\"\nlisten = \"127.0.0.1:{agent}\"\ninterval_seconds = 1\n\
         [history_server]\nurl = \"http://127.0.0.1:1\"\n[applications]\nsocket = \"{}\"\n",
        folder.join("socket").display()
    );
    fs::write(folder.join("agent.toml"), config).unwrap();
    let mut command = Command::new(AGENT);
    let _agent = spawn(command.args(["run", "--config"]).arg(folder.join("agent.toml")), &folder.join("agent.log"));
    fs::write(folder.join("alerts.yaml"), rendered("alerts.yaml")).unwrap();
    let scrape = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [alerts.yaml]\n\
         scrape_configs: [{{job_name: pnda, static_configs: [{{targets: ['127.0.0.1:{agent}']}}]}}]\n"
    );
    fs::write(folder.join("prometheus.yml"), scrape).unwrap();
    let mut command = Command::new("prometheus");
    command.arg("--config.file=prometheus.yml").arg("--storage.tsdb.path=data").current_dir(folder);
    command.arg(format!("--web.listen-address=127.0.0.1:{prometheus}"));
    let log = folder.join("prometheus.log");
    let _prometheus = spawn(&mut command, &log);

    let dashboard: Value = serde_json::from_str(&rendered("dashboard.json")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(90);
    let all = queries(&dashboard);
    assert!(all.len() > 15, "{all:?}");
    for (title, query) in all {
        loop {
            let answer = ask(prometheus, "/api/v1/query", &[("query", &query)]);
            if answer["data"]["result"].as_array().is_some_and(|found| !found.is_empty()) {
                break;
            }
            let log = || fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < deadline, "{title}: {query}: {answer}\n{}", log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    let rules = ask(prometheus, "/api/v1/rules", &[]);
    let rules = rules["data"]["groups"][0]["rules"].as_array().unwrap().clone();
    assert!(rules.len() >= 8 && rules.iter().all(|rule| rule["health"] != "err"), "{rules:?}");
    // A label's values, which Grafana asks for to fill its lists.
    let values = ask(prometheus, "/api/v1/label/application/values", &[]);
    assert_eq!(values["data"], json!(["words"]));
}
