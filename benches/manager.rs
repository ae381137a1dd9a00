//! What the manager of applications takes of a machine: its memory and processor time with nothing to look after, with a hundred
//! and with a thousand components that run, and how soon it knows them again; YARN, HDFS and Flink are scripted in this process.
//! Not here: what a real YARN answers, and how fast (`applications`).

#[path = "../tests/common/scripted_cluster.rs"]
mod scripted_cluster;

use pnda::systems::jobmanager;
use pnda::systems::{webhdfs, yarn};
use pnda::words::ids::{ApplicationId, JobId};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const COMPONENTS: [usize; 2] = [100, 1000];
/// From one round to the next, as the agent's role has it.
const ROUND: Duration = Duration::from_secs(5);
/// Rounds that are measured.
const ROUNDS: u32 = 12;
const PATIENCE: Duration = Duration::from_secs(300);
const PACKAGE: &str = "word-count-1.0.0";

fn main() -> io::Result<()> {
    let temp = tempfile::tempdir()?;
    let (yarn, hdfs) = (yarn::Fake::start(), webhdfs::Fake::start());
    let job = JobId::new("1".repeat(32)).map_err(io::Error::other)?;
    let flink = jobmanager::Fake::start(&job);
    let manager = Manager::start(temp.path(), &yarn, &hdfs)?;
    sleep(2 * ROUND);
    manager.measure("nothing to look after", &yarn, &flink)?;
    manager.deploy(temp.path())?;
    let mut made = 0;
    for count in COMPONENTS {
        for number in made..count {
            manager.app(&["create", &format!("a{number}"), "--package", PACKAGE]);
            manager.app(&["start", &format!("a{number}")]);
        }
        made = count;
        manager.wait_until_they_run(count, &yarn, &flink);
        sleep(ROUND);
        manager.measure(&format!("{count} components that run"), &yarn, &flink)?;
    }
    drop(manager);
    let begun = Instant::now();
    let manager = Manager::start(temp.path(), &yarn, &hdfs)?;
    let records = hdfs.listing().iter().filter(|path| path.contains("/journal/")).count();
    let took = begun.elapsed().as_millis();
    writeln!(io::stdout(), "{:26} known again in {took} ms, {records} files in the journal", manager.count())
}

struct Manager {
    process: Child,
    socket: std::path::PathBuf,
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Manager {
    fn start(folder: &Path, yarn: &yarn::Fake, hdfs: &webhdfs::Fake) -> io::Result<Manager> {
        let (first, tables) = scripted_cluster::configuration(folder, yarn, hdfs);
        // Whoever measures orders.
        let first = first.replace("user = \"pnda\"", &format!("user = \"{}\"", whoami()?));
        let limits =
            "[limits]\napplications = 2000\nwaiting = 2000\norders_a_minute = 10000\nrequests_a_minute = 1000000\n";
        let file = folder.join("applications.toml");
        let text = format!("{first}admins = \"root\"\ninterval_seconds = {}\n{limits}{tables}", ROUND.as_secs());
        fs::write(&file, text.replace(&format!("tokens = \"{}/tokens\"\n", folder.display()), ""))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        command.arg("applications").arg("--config").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = Manager { process: command.spawn()?, socket: folder.join("socket") };
        let begun = Instant::now();
        while !manager.is_there() {
            assert!(begun.elapsed() < PATIENCE, "{}", manager.app(&["list"]));
            sleep(Duration::from_millis(5));
        }
        Ok(manager)
    }

    /// Whether it has read its journal.
    fn is_there(&self) -> bool {
        let told = self.app(&["list"]);
        told.contains("no application yet") || told.contains("APPLICATION")
    }

    /// How many applications it knows, in words.
    fn count(&self) -> String {
        format!("{} applications", self.app(&["list"]).lines().count() - 1)
    }

    /// YARN has them run as soon as it has them.
    fn wait_until_they_run(&self, count: usize, yarn: &yarn::Fake, flink: &jobmanager::Fake) {
        let begun = Instant::now();
        while self.app(&["list"]).matches("running").count() < count {
            let ids: Vec<String> = yarn.world().applications.keys().cloned().collect();
            for id in ids.iter().filter_map(|id| ApplicationId::new(id.as_str()).ok()) {
                yarn.run(&id, &flink.host_port().to_string());
            }
            assert!(begun.elapsed() < PATIENCE, "{}", self.app(&["list"]));
            sleep(Duration::from_secs(1));
        }
    }

    /// `pnda app`; what it printed.
    fn app(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda"));
        let output = command.args(["app", "--socket"]).arg(&self.socket).args(words).output().expect("pnda starts");
        String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned()
    }

    fn deploy(&self, folder: &Path) -> io::Result<()> {
        let file = folder.join(format!("{PACKAGE}.tar.gz"));
        fs::write(&file, scripted_cluster::package(PACKAGE))?;
        self.app(&["deploy", &file.to_string_lossy()]);
        Ok(())
    }

    fn measure(&self, what: &str, yarn: &yarn::Fake, flink: &jobmanager::Fake) -> io::Result<()> {
        drop((yarn.server.asked(), flink.server.asked()));
        let (before, begun) = (processor_time(self.process.id()), Instant::now());
        sleep(ROUND * ROUNDS);
        let (used, passed) = (processor_time(self.process.id()) - before, begun.elapsed());
        let asked = [&yarn.server, &flink.server].map(|server| server.asked().len() / ROUNDS as usize);
        writeln!(
            io::stdout(),
            "{what:26} {:.1} MiB resident; {:.1} ms of processor a round, {:.3} % of a core; {} requests to YARN and {} to Flink a round",
            resident(self.process.id()) as f64 / 1024.0,
            used.as_secs_f64() * 1000.0 / f64::from(ROUNDS),
            100.0 * used.as_secs_f64() / passed.as_secs_f64(),
            asked[0],
            asked[1],
        )
    }
}

fn whoami() -> io::Result<String> {
    let output = Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a process has used so far, with threads that have ended; Linux counts it in hundredths of a second.
fn processor_time(pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// The memory of a process in KiB.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
