//! What a start of an application takes until YARN has accepted it, beside Flink's own client on the same YARN with the same
//! staged distribution; and what looking at a thousand applications takes, beside `yarn application -list`.
//! Not here: what the job does then. Needs the registries, as `pnda try` does.

#[path = "../tests/trial/relay.rs"]
mod relay;

use pnda::apps::journal::{FORMAT, Fact, HdfsJournal, Journal, Record, fresh_id};
use pnda::systems::hadoop::User;
use pnda::systems::webhdfs::WebHdfs;
use pnda::systems::yarn::{ResourceManager, State, Times};
use pnda::words::names::{PackageName, Word};
use pnda::words::parallel;
use relay::Relay;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const APPENDS: usize = 20;
/// Applications that wait in a queue without room.
const MANY: usize = 1000;
/// So many of them are made at once.
const AT_ONCE: usize = 4;
/// Rounds over all of them that are measured.
const LOOKS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(600);

fn main() -> io::Result<()> {
    let temp = tempfile::tempdir()?;
    let bed = Bed::start(temp.path())?;
    let mut out = io::stdout();
    bed.app(&["deploy", bed.package()?.to_str().unwrap_or_default()]);
    let (mut ours, mut theirs, mut busy) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        theirs.push(bed.submitted_by_flink(&format!("client{round}")));
        let (took, processor) = bed.submitted_by_us(&format!("ours{round}"));
        ours.push(took);
        busy.push(processor);
    }
    let appends = bed.appends();
    let (ours, theirs, busy, append) = (median(ours), median(theirs), median(busy), median(appends));
    writeln!(
        out,
        "submit to ACCEPTED   flink run-application {:.2} s   pnda app start {:.3} s   {:.1} times",
        theirs.as_secs_f64(),
        ours.as_secs_f64(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    )?;
    writeln!(
        out,
        "of ours              processor time of the manager {} ms; an append to the journal {:.1} ms, 4 a start",
        busy.as_millis(),
        append.as_secs_f64() * 1000.0
    )?;
    bed.many(&mut out)
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// A trial that stays, its manager, and its ResourceManager.
struct Bed {
    folder: PathBuf,
    trial: Child,
    yarn: ResourceManager,
    user: User,
    config: toml::Table,
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.trial), Signal::INT);
        let _ = self.trial.wait();
    }
}

impl Bed {
    fn start(folder: &Path) -> io::Result<Bed> {
        let folder = folder.join("try");
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nodes-store");
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.arg("try").arg("--dir").arg(&folder).arg("--store").arg(store);
        let mut trial = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(trial.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?).lines();
        let said = lines.map_while(Result::ok).take_while(|line| !line.starts_with("Ctrl-C")).count();
        assert!(said > 0, "the trial does not come up");
        let text = fs::read_to_string(folder.join("node/etc/pnda/applications.toml"))?;
        let config: toml::Table = text.parse().map_err(io::Error::other)?;
        let user = User::simple(config["user"].as_str().unwrap_or_default());
        let address = config["resource_managers"][0].as_str().unwrap_or_default().to_owned();
        let yarn =
            ResourceManager::new(&[address], Times::default()).map_err(io::Error::other)?.reading_as(user.clone());
        Ok(Bed { folder, trial, yarn, user, config })
    }

    fn app(&self, words: &[&str]) -> String {
        app(&self.folder.join("node/var/lib/pnda/applications/socket"), words)
    }

    fn jar(&self) -> PathBuf {
        self.folder.join("mirror/current/mirror_apps/flink-examples-streaming-1.20.0.jar")
    }

    /// A job that never ends, as a package.
    fn package(&self) -> io::Result<PathBuf> {
        let component = self.folder.join("states-1.0.0/flink/machine");
        fs::create_dir_all(&component)?;
        fs::copy(self.jar(), component.join("job.jar"))?;
        let properties = r#"{ "main_jar": "job.jar", "main_class": "org.apache.flink.streaming.examples.statemachine.StateMachineExample" }"#;
        fs::write(component.join("properties.json"), properties)?;
        fs::write(component.join("application.properties"), "")?;
        let file = self.folder.join("states-1.0.0.tar.gz");
        Command::new("tar").arg("czf").arg(&file).arg("-C").arg(&self.folder).arg("states-1.0.0").status()?;
        Ok(file)
    }

    /// Waits until YARN has accepted an application of this name, and ends it; gives how long the first took.
    fn accepted(&self, name: &str, start: Instant) -> Duration {
        let taken = [State::Accepted, State::Running];
        loop {
            let found = self.yarn.applications("pnda", &taken).unwrap_or_default();
            if let Some(one) = found.into_iter().find(|one| one.name == name) {
                let took = start.elapsed();
                let _ = self.yarn.kill(&self.user, &one.id);
                return took;
            }
            assert!(start.elapsed() < PATIENCE, "{name} is not accepted");
            sleep(Duration::from_millis(2));
        }
    }

    fn submitted_by_flink(&self, name: &str) -> Duration {
        let mut command = Command::new(self.folder.join("node/usr/bin/flink"));
        command.args(["run-application", "--target", "yarn-application", "--detached"]);
        command.arg(format!("-Dyarn.application.name={name}")).arg("-Dyarn.tags=pnda");
        command
            .args(["--class", "org.apache.flink.streaming.examples.statemachine.StateMachineExample"])
            .arg(self.jar());
        let start = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the client starts");
        let took = self.accepted(name, start);
        let _ = child.kill();
        let _ = child.wait();
        took
    }

    fn submitted_by_us(&self, name: &str) -> (Duration, Duration) {
        self.app(&["create", name, "--package", "states-1.0.0"]);
        let manager = self.manager();
        let (before, start) = (processor_time(manager), Instant::now());
        self.app(&["start", name]);
        let took = self.accepted(&format!("{name}-machine-job"), start);
        (took, processor_time(manager).saturating_sub(before))
    }

    /// The process of the trial's own manager.
    fn manager(&self) -> u32 {
        let config = self.folder.join("node/etc/pnda/applications.toml");
        let is_it = |pid: &u32| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let text = String::from_utf8_lossy(&command).into_owned();
            text.contains("applications\0--config") && text.contains(&*config.to_string_lossy())
        };
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.into_iter().find(is_it).expect("the trial has a manager")
    }

    fn hdfs(&self) -> WebHdfs {
        let address = self.config["name_nodes"][0].as_str().unwrap_or_default().to_owned();
        WebHdfs::of_several(&[address], self.user.clone(), Default::default()).expect("an address of the trial")
    }

    /// How long appends to a journal of its own take.
    fn appends(&self) -> Vec<Duration> {
        let journal = HdfsJournal::open(self.hdfs(), "/pnda/system/bench/journal").expect("HDFS takes a folder");
        let (package, by) = (PackageName::new("states-1.0.0").expect("a name"), Word::new("bench").expect("a name"));
        let append = |number: usize| {
            let fact = Fact::PackageUndeployed { package: package.clone(), why: None };
            let record =
                Record { format: FORMAT, number: number as u64, nonce: fresh_id(), at_ms: 0, by: by.clone(), fact };
            let start = Instant::now();
            journal.append(&record).expect("HDFS takes a record");
            start.elapsed()
        };
        (1..=APPENDS).map(append).collect()
    }

    /// A manager of its own, whose user may have as many applications as there shall be.
    fn config_of_many(&self, place: &Path, socket: &Path, resource_manager: String) -> toml::Table {
        let mut config = self.config.clone();
        config.insert("folder".into(), place.to_string_lossy().into_owned().into());
        config.insert("socket".into(), socket.to_string_lossy().into_owned().into());
        config.insert("hdfs_folder".into(), "/pnda/system/many".into());
        config.insert("interval_seconds".into(), 5.into());
        config.insert("resource_managers".into(), toml::Value::Array(vec![resource_manager.into()]));
        let limits = ["applications", "waiting", "orders_a_minute", "requests_a_minute"];
        let limits = limits.map(|key| (key.to_owned(), toml::Value::Integer(100_000)));
        config.insert("limits".into(), toml::Value::Table(limits.into_iter().collect()));
        config
    }

    /// A thousand applications that wait, and a manager that looks at them.
    fn many(&self, out: &mut dyn Write) -> io::Result<()> {
        let place = self.folder.join("many");
        fs::create_dir_all(&place)?;
        let (socket, relay) = (place.join("socket"), Relay::default());
        let address = relay.before(self.config["resource_managers"][0].as_str().unwrap_or_default());
        let file = place.join("applications.toml");
        fs::write(&file, self.config_of_many(&place, &socket, address).to_string())?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        command.arg("applications").arg("--config").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let mut manager = command.spawn()?;
        while !app(&socket, &["list"]).contains("no application yet") {
            sleep(Duration::from_millis(100));
        }
        app(&socket, &["deploy", &self.package()?.to_string_lossy()]);
        let start = Instant::now();
        parallel::each(AT_ONCE, 0..MANY, |number| {
            app(&socket, &["create", &format!("many{number}"), "--package", "states-1.0.0"]);
            app(&socket, &["start", &format!("many{number}")]);
        });
        let waits = || self.yarn.applications("pnda", &[State::Accepted, State::Running]).unwrap_or_default().len();
        while waits() < MANY {
            assert!(start.elapsed() < 4 * PATIENCE, "{} of {MANY} were accepted", waits());
            sleep(Duration::from_secs(1));
        }
        writeln!(out, "{MANY} applications      created and submitted in {:.0} s", start.elapsed().as_secs_f64())?;
        sleep(Duration::from_secs(15));
        let before = processor_time(manager.id());
        relay.expect(relay::Moment::Before(usize::MAX), || ());
        sleep(Duration::from_secs(5 * LOOKS as u64));
        let bytes = relay.bytes();
        let (requests, _) = relay.end();
        let processor = (processor_time(manager.id()).saturating_sub(before)) / LOOKS as u32;
        writeln!(
            out,
            "a round over them     {:.1} requests to the ResourceManager, {} KB, {} ms of processor; {} MiB resident",
            requests as f64 / LOOKS as f64,
            bytes / 1000 / LOOKS,
            processor.as_millis(),
            resident(manager.id()) >> 10,
        )?;
        let start = Instant::now();
        let listed = Command::new(self.folder.join("node/usr/bin/yarn")).args(["application", "-list"]).output();
        match listed {
            Ok(listed) => writeln!(
                out,
                "yarn application -list  {:.1} s, {} KB of text",
                start.elapsed().as_secs_f64(),
                listed.stdout.len() / 1000
            )?,
            Err(why) => writeln!(out, "yarn application -list  cannot be run: {why}")?,
        }
        manager.kill()?;
        manager.wait().map(drop)
    }
}

/// `pnda app` against a socket; what it printed.
fn app(socket: &Path, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
    let output = command.args(["app", "--socket"]).arg(socket).args(words).output().expect("pnda starts");
    String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned()
}

/// What a process has used so far. The kernel counts in hundredths of a second.
fn processor_time(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// The memory of a process in KiB.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
