//! A job of Flink's that copies numbers from one topic of Kafka to another, each exactly once, on a real cluster: its worker, its
//! JobManager and its manager are killed, it begins again by order, gets another parallelism, stops with its state and starts.
//! None of the numbers is lost and none comes twice, as somebody reads them who sees only what is committed.
//! Not here: faults of the broker, and what else may happen to a manager (`faults`).

use super::faults::{Bed, FIRST, Manager, has_saved, is_stopped};
use super::kafka::{Broker, Numbers};
use super::relay::Moment;
use super::{kill_job_manager, kill_processes, master, packed, restored};
use pnda::words::application as told;
use rustix::process::{Signal, kill_process};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/copies/Copies.java");
const CONNECTOR: [&str; 2] = ["flink-connector-kafka-3.4.0-1.20.jar", "kafka-clients-3.4.0.jar"];
const NAME: &str = "copies";
const NUMBERS: &str = "numbers";
const COPIES: &str = "copies";
/// How long anything may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Nothing more comes after so long, in which a reader also learns what it reads.
const SILENCE: Duration = Duration::from_secs(10);

/// The job and all of the connector in one jar, as programs for Kafka are packed; none without a compiler.
fn compiled(folder: &Path) -> Option<PathBuf> {
    if Command::new("javac").arg("-version").output().is_err() {
        drop(writeln!(std::io::stderr(), "left out: exactly once in the trial: the program `javac` is not installed"));
        return None;
    }
    let (classes, jar) = (folder.join("copies"), folder.join("copies.jar"));
    std::fs::create_dir_all(&classes).unwrap();
    let run = |command: &mut Command| assert!(command.current_dir(&classes).status().unwrap().success());
    for one in CONNECTOR {
        let from = folder.join("mirror/current/mirror_apps").join(one);
        run(Command::new("jar").arg("--extract").arg("--file").arg(from));
    }
    let path = format!("{}/*:.", folder.join("node/opt/pnda/flink-1.20.5/lib").display());
    run(Command::new("javac").args(["--release", "17", "-cp", &path, "-d", ".", SOURCE]));
    run(Command::new("jar").arg("--create").arg("--file").arg(&jar).args(["-C", ".", "."]));
    Some(jar)
}

/// The run that follows this one, when it has saved.
fn next(manager: &Manager, before: &told::Application) -> told::Application {
    let old = &before.components[0].yarn_id;
    manager.wait(NAME, |told| told.components[0].yarn_id != *old && has_saved(told))
}

/// Flink has all tasks begin again from a checkpoint, within the same run.
fn loses_its_worker(folder: &Path, running: &told::Application) {
    let id = running.components[0].yarn_id.as_deref().unwrap();
    kill_processes(|command| command.contains("YarnTaskExecutorRunner") && command.contains(id));
    let deadline = Instant::now() + PATIENCE;
    while restored(folder, &running.components[0]).is_none_or(|path| !path.contains("/chk-")) {
        assert!(Instant::now() < deadline, "no task began again");
        thread::sleep(Duration::from_millis(500));
    }
}

/// Its manager is killed after it has stopped with a savepoint and before it is submitted again.
fn begins_again_by_order(bed: &Bed, manager: Manager, before: &told::Application) -> Manager {
    drop(manager);
    let manager = bed.manager(FIRST, true);
    let pid = manager.pid();
    bed.relay.expect(Moment::BeforeFirst("new-application"), move || kill_process(pid, Signal::KILL).unwrap());
    manager.does(&["restart", NAME]);
    let deadline = Instant::now() + PATIENCE;
    while bed.relay.waits() {
        assert!(Instant::now() < deadline, "nothing was sent for it");
        thread::sleep(Duration::from_millis(20));
    }
    drop(manager);
    let manager = bed.manager(FIRST, false);
    let again = next(&manager, before);
    let saved = again.components[0].savepoints.last().unwrap().path.clone();
    assert_eq!(again.components[0].restored_from, saved, "from the savepoint of its stop");
    manager
}

/// By way of a savepoint; Flink says how many tasks there are then, and from where they began.
fn gets_another_parallelism(folder: &Path, manager: &Manager) {
    manager.does(&["rescale", NAME, "--parallelism", "2", "--wait"]);
    let wide = manager.wait(NAME, has_saved);
    let (flink, job) = master(folder, &wide.components[0]);
    let vertices = flink.job(&job).unwrap().unwrap().vertices;
    assert!(vertices.iter().any(|vertex| vertex.parallelism == 2), "{vertices:?}");
    let saved = wide.components[0].savepoints.last().unwrap().path.clone();
    assert_eq!((restored(folder, &wide.components[0]), &wide.components[0].restored_from), (saved.clone(), &saved));
}

/// All of it, on the cluster of a trial that stays and has a broker.
pub fn none_is_lost_and_none_comes_twice(folder: &Path) {
    let Some(jar) = compiled(folder) else { return };
    let broker = Broker::of(folder);
    broker.create(NUMBERS, 2);
    broker.create(COPIES, 2);
    let numbers = Numbers::into(&broker, NUMBERS);
    let bed = Bed::of(folder, "exactly-once", |_| {});
    let manager = bed.manager(FIRST, false);
    let properties = serde_json::json!({
        "main_jar": "copies.jar", "main_class": "Copies",
        "application_args": format!("{} {NUMBERS} {COPIES} EXACTLY_ONCE", broker.address),
        "flink_config_args": "-Dtaskmanager.numberOfTaskSlots=2",
    });
    manager.does(&["deploy", packed(folder, "copies-1.0.0", &jar, &properties).to_str().unwrap()]);
    manager.does(&["create", NAME, "--package", "copies-1.0.0"]);
    manager.does(&["start", NAME]);
    let first = manager.wait(NAME, has_saved);
    loses_its_worker(folder, &first);
    let first = manager.wait(NAME, has_saved);
    kill_job_manager(first.components[0].yarn_id.as_deref().unwrap());
    let second = next(&manager, &first);
    assert!(second.components[0].restored_from.as_ref().is_some_and(|path| path.contains("/chk-")), "{second:?}");
    let manager = begins_again_by_order(&bed, manager, &second);
    gets_another_parallelism(folder, &manager);
    manager.does(&["stop", NAME]);
    manager.wait(NAME, is_stopped);
    let count = numbers.end();
    manager.does(&["start", NAME]);
    manager.wait(NAME, has_saved);
    // What is there is read at once, and what is missing is waited for.
    let before = broker.read(COPIES, true, count, PATIENCE);
    assert_eq!(before.len(), count, "so many come of so many numbers");
    manager.does(&["stop", NAME]);
    manager.wait(NAME, is_stopped);
    let mut copies: Vec<usize> =
        broker.read(COPIES, true, 2 * count, SILENCE).iter().map(|line| line.parse().unwrap()).collect();
    copies.sort_unstable();
    let is_wrong = |(at, number): (usize, &usize)| (at + 1 != *number).then_some((at + 1, *number));
    assert_eq!(copies.iter().enumerate().find_map(is_wrong), None, "the first that is lost or came twice, of {count}");
    assert_eq!(copies.len(), count);
    let all = broker.read(COPIES, false, count + 1, SILENCE).len();
    assert!(all > count, "nothing was taken back: all that befell it came between two records");
    assert_eq!(bed.in_yarn(NAME).len(), 5, "one run followed the other");
    drop(writeln!(std::io::stderr(), "exactly once: {count} numbers"));
    manager.does(&["delete", NAME, "--yes"]);
    manager.does(&["undeploy", "copies-1.0.0"]);
}
