//! A job that counts the events of a Kafka topic, Avro in and Avro out: compiled for the test, submitted from an edge.
//! Its libraries are the connectors of the mirror; who submits is somebody with no rights but a queue.
//! Not here: the cluster on which it runs (cluster.rs).

use crate::ground::HUB;
use crate::node::Node;
use crate::shell::{self, until};
use crate::site::Site;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

const FLINK: &str = "opt/pnda/flink-1.20.5/lib";
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events/Events.java");

/// Where events come from, and how many of each.
const EVENTS: [(u8, &str); 2] = [(20, "temperature-hall-one"), (30, "temperature-hall-two")];

/// Events lie in a topic; what will read them is built with what nodes and the mirror hold, and brought to an edge.
pub(crate) fn prepare(site: &Site, edge: &Node, broker: &Node, folder: &Path) {
    broker.run(&kafka(broker, "topics", "--create --topic events")).ok();
    let lines: String = EVENTS.iter().flat_map(|(count, from)| vec![avro(32, from) + "\n"; (*count).into()]).collect();
    broker.write("/srv/events", &lines);
    broker.run(&kafka(broker, "console-producer", "--topic events </srv/events")).ok();

    let apps = site.mirror().join("current/mirror_apps");
    let classes = folder.join("classes");
    let path = format!("{}/*:{}/*", edge.root().join(FLINK).display(), apps.display());
    shell::run("javac", &["--release", "17", "-cp", &path, "-d", text(&classes), SOURCE]).ok();
    let libraries = fs::read_dir(&apps).expect("the mirror has applications' libraries").flatten();
    let libraries: Vec<String> = libraries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let connectors = libraries.iter().filter(|name| !name.contains("examples"));
    let urls: Vec<String> = connectors.map(|name| format!("-O http://{HUB}:8080/mirror_apps/{name}")).collect();
    edge.run_as("alice", &format!("mkdir lib && cd lib && curl --silent --fail {}", urls.join(" "))).ok();
    edge.copy(&classes, "/srv/events");
    edge.run("cd /srv/events && /usr/bin/python3 -m zipfile -c events.jar Events.class").ok();
}

/// Submits it, and waits for its end; gives its application.
pub(crate) fn run(edge: &Node, broker: &Node) -> String {
    let options = "-Dyarn.application.queue=dev -Dyarn.application.name=events -Dyarn.ship-files=$HOME/lib";
    let job = format!("--class Events /srv/events/events.jar {}:9092 events counts", broker.address);
    edge.run_as("alice", &format!("flink run-application --target yarn-application {options} {job}")).ok();
    let told = until("the application ends", Duration::from_secs(180), || {
        let all = "http://manager:8088/ws/v1/cluster/apps?states=FINISHED,FAILED,KILLED";
        let answer: Value = serde_json::from_str(&edge.run(&format!("curl --silent '{all}'")).stdout).ok()?;
        answer["apps"]["app"].get(0).cloned()
    });
    for (field, value) in [("finalStatus", "SUCCEEDED"), ("user", "alice"), ("queue", "root.applications.dev")] {
        assert_eq!(told[field], value, "{told}");
    }
    told["id"].as_str().expect("an application has an id").to_owned()
}

/// What it counted is in the topic that it writes.
pub(crate) fn are_counted(broker: &Node) {
    let read = "--topic counts --from-beginning --max-messages 2 --timeout-ms 30000";
    let came = broker.run(&kafka(broker, "console-consumer", read)).ok();
    let mut counts: Vec<&str> = came.stdout.lines().collect();
    counts.sort_unstable();
    assert_eq!(counts, EVENTS.map(|(count, from)| avro(count, from)));
}

/// What it says in its log of each count.
pub(crate) fn words() -> Vec<String> {
    EVENTS.iter().map(|(count, from)| format!("counted {count} of {from}")).collect()
}

/// A command line of Kafka.
fn kafka(broker: &Node, script: &str, words: &str) -> String {
    let address = &broker.address;
    format!("JAVA_HOME=/opt/pnda/jre /opt/pnda/kafka/bin/kafka-{script}.sh --bootstrap-server {address}:9092 {words}")
}

/// A record of a number and a text as Avro encodes it: for 16 to 63, each length and number is one printable byte.
fn avro(number: u8, text: &str) -> String {
    let length = u8::try_from(text.len()).expect("the test's own texts are short");
    [number, length].map(|number| char::from(2 * number)).into_iter().collect::<String>() + text
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's own paths are text")
}
