//! The trial's broker of Kafka by Kafka's own clients: a topic, numbers that somebody writes into it all the time, and what a
//! reader finds who sees only what is committed.
//! Not here: what becomes of the numbers (`exactly_once`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// From one number to the next.
const PAUSE: Duration = Duration::from_millis(5);

/// The broker.
pub struct Broker {
    node: PathBuf,
    /// `host:port`.
    pub address: String,
}

impl Broker {
    pub fn of(folder: &Path) -> Broker {
        let node = folder.join("node");
        let properties = std::fs::read_to_string(node.join("etc/kafka/server.properties")).unwrap();
        let listener =
            properties.lines().find_map(|line| line.strip_prefix("listeners=")?.split("://").nth(1)).unwrap();
        Broker { node, address: listener.split(',').next().unwrap().to_owned() }
    }

    /// One of Kafka's programs.
    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.node.join("opt/pnda/kafka/bin").join(format!("kafka-{name}.sh")));
        command.args(["--bootstrap-server", &self.address]).args(arguments);
        command.env("JAVA_HOME", self.node.join("opt/pnda/jre")).stderr(Stdio::null());
        command
    }

    pub fn create(&self, topic: &str, partitions: u32) {
        let partitions = partitions.to_string();
        let mut command = self.program("topics", &["--create", "--topic", topic, "--partitions", &partitions]);
        assert!(command.stdout(Stdio::null()).status().unwrap().success(), "{topic}");
    }

    /// Writes the lines that are put into it until it is closed.
    fn producer(&self, topic: &str) -> Child {
        // Each line leaves at once, as records do that people send.
        let mut command = self.program("console-producer", &["--topic", topic, "--timeout", "0"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    pub fn write(&self, topic: &str, text: &str) {
        let mut child = self.producer(topic);
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// The lines of a topic that are committed, or all: so many, or fewer where none comes for so long.
    pub fn read(&self, topic: &str, committed: bool, most: usize, silence: Duration) -> Vec<String> {
        let (most, silence) = (most.to_string(), silence.as_millis().to_string());
        let isolation = if committed { "read_committed" } else { "read_uncommitted" };
        let mut arguments = vec!["--topic", topic, "--from-beginning", "--isolation-level", isolation];
        arguments.extend(["--max-messages", &most, "--timeout-ms", &silence]);
        let output = self.program("console-consumer", &arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

/// Writes 1, 2, 3 and so on into a topic until it is told to end.
pub struct Numbers {
    is_over: Arc<AtomicBool>,
    writer: JoinHandle<usize>,
}

impl Numbers {
    pub fn into(broker: &Broker, topic: &str) -> Numbers {
        let is_over = Arc::<AtomicBool>::default();
        let (mut child, stops) = (broker.producer(topic), is_over.clone());
        let writer = thread::spawn(move || {
            let (mut lines, mut count) = (child.stdin.take().unwrap(), 0);
            while !stops.load(Ordering::Relaxed) {
                count += 1;
                writeln!(lines, "{count}").unwrap();
                thread::sleep(PAUSE);
            }
            drop(lines);
            assert!(child.wait().unwrap().success(), "the broker has them all");
            count
        });
        Numbers { is_over, writer }
    }

    /// Ends it when the broker has them all; gives how many there are.
    pub fn end(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.writer.join().unwrap()
    }
}
