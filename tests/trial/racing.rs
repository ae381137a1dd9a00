//! Housekeeping that never rests, beside starts and failures on a real YARN, HDFS and ZooKeeper. Everything that a run has looks
//! older than it is: nothing is safe because it is young, and each run begins from the state of the one before.
//! Not here: the rules one by one, and what becomes of requests that are lost.

use super::faults::{Bed, FIRST, Manager, is_running, is_stopped};
use super::housekeeping::Disk;
use super::{kill_job_manager, package, restored};
use pnda::systems::zookeeper::{Error, Place};
use pnda::words::application as told;
use pnda::words::housekeeping::{Cleaning, Kind};
use pnda::words::parallel::AtEnd;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const NAME: &str = "racing";
const PATIENCE: Duration = Duration::from_secs(60);

/// A ZooKeeper of the trial's own Hadoop, until this is dropped.
struct ZooKeeper {
    process: Child,
    address: String,
}

impl Drop for ZooKeeper {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait().map(drop));
    }
}

impl ZooKeeper {
    fn start(folder: &Path) -> ZooKeeper {
        let place = folder.join("racing-zookeeper");
        std::fs::create_dir_all(&place).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let settings = format!(
            "tickTime=500\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
            place.join("data").display()
        );
        std::fs::write(place.join("zoo.cfg"), settings).unwrap();
        let mut java = Command::new(folder.join("node/opt/pnda/jre/bin/java"));
        java.args(["-Xmx128m", "-cp"]).arg(folder.join("node/opt/pnda/hadoop/lib/*"));
        java.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain").arg(place.join("zoo.cfg"));
        java.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let zookeeper = ZooKeeper { process: java.spawn().unwrap(), address: format!("127.0.0.1:{port}") };
        let begun = Instant::now();
        while TcpStream::connect(&zookeeper.address).is_err() {
            assert!(begun.elapsed() < PATIENCE, "ZooKeeper does not listen");
            thread::sleep(Duration::from_millis(100));
        }
        zookeeper
    }
}

/// A manager whose jobs have high availability, and whose housekeeping takes what is an hour old. One attempt: what is killed
/// is begun again by the manager, not by YARN.
fn bed(folder: &Path, zookeeper: &ZooKeeper) -> Bed {
    Bed::of(folder, "racing-managers", |config| {
        config.insert("attempts".into(), 1.into());
        let clean: toml::Table = "checkpoints_seconds = 3600".parse().unwrap();
        config.insert("clean".into(), clean.into());
        let set = format!(
            "high-availability.type: zookeeper\nhigh-availability.zookeeper.quorum: {}\n\
             high-availability.storageDir: {}/pnda/flink/ha\n",
            zookeeper.address,
            config["filesystem"].as_str().unwrap(),
        );
        for (number, release) in config["release"].as_array_mut().unwrap().iter_mut().enumerate() {
            let text = std::fs::read_to_string(release["configuration"].as_str().unwrap()).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with("high-availability"));
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            let file = folder.join(format!("racing-zookeeper/flink-{number}.yaml"));
            std::fs::write(&file, text + &set).unwrap();
            release["configuration"] = file.to_str().unwrap().into();
        }
    })
}

fn clean(manager: &Manager, more: &[&str]) -> Cleaning {
    let text = manager.does(&[&["clean", "--json"], more].concat());
    serde_json::from_str(text.get(text.find('{').unwrap()..).unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Has all that is of the application look old, and orders what may go, until it is over; counts what went.
fn clean_for_long(manager: &Manager, disk: &Disk, is_over: &AtomicBool, removed: &AtomicUsize) {
    while !is_over.load(Ordering::Acquire) {
        let dry = clean(manager, &["--dry-run"]);
        let own = dry.entries.iter().filter(|one| one.application.as_ref().is_some_and(|of| of.as_str() == NAME));
        // What was made old already would only have changed since it was ordered to go.
        let is_new =
            |at_ms: u64| UNIX_EPOCH + Duration::from_millis(at_ms) > SystemTime::now() - Duration::from_secs(86_400);
        for one in own.filter(|one| one.path.starts_with('/') && is_new(one.at_ms)) {
            disk.try_to_age(&one.path, &one.owner, 60);
        }
        let going = clean(manager, &[]).entries.into_iter().filter(|one| one.goes).count();
        removed.fetch_add(going, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(200));
    }
}

/// It runs, has what it needs, and has saved a state of its own.
fn run_is_whole(folder: &Path, manager: &Manager, disk: &Disk, since: Option<&str>) -> told::Component {
    let completed = |one: &told::Component| one.details.as_ref()?.checkpoints.as_ref()?.last_path.clone();
    let is_its_own =
        |one: &told::Component| completed(one).zip(one.job_id.clone()).is_some_and(|(path, job)| path.contains(&job));
    let is_new = |one: &told::Component| one.yarn_id.as_deref() != since;
    let found =
        manager.wait(NAME, |told| is_running(told) && is_new(&told.components[0]) && is_its_own(&told.components[0]));
    let component = found.components.into_iter().next().unwrap();
    let staged = format!("/user/{}/.flink/{}", found.owner, component.yarn_id.as_deref().unwrap());
    assert!(disk.lies(&staged), "{staged}");
    assert_eq!(restored(folder, &component), component.restored_from, "Flink says so too");
    component
}

/// Starts, failures and stops of the two kinds.
fn race(folder: &Path, manager: &Manager, disk: &Disk, (starts, failures): (usize, usize)) {
    let (mut saved, mut jobs): (Option<String>, Vec<String>) = (None, Vec::new());
    for number in 0..starts {
        let before = manager.application(NAME).and_then(|told| told.components[0].yarn_id.clone());
        manager.does(&["start", NAME]);
        let mut run = run_is_whole(folder, manager, disk, before.as_deref());
        // On a machine that is too busy a run may fail by itself, and another one begin from what that saved.
        let is_unseen = |from: &String| from.contains("/chk-") && !jobs.iter().any(|job| from.contains(job));
        let is_newest = |from: &String| match (&saved, jobs.last()) {
            (Some(saved), _) => from == saved || is_unseen(from),
            (None, Some(last)) => from.contains(last) || is_unseen(from),
            (None, None) => is_unseen(from),
        };
        assert!(run.restored_from.as_ref().map_or(number == 0, is_newest), "{saved:?} {jobs:?}: {run:?}");
        if number < failures {
            kill_job_manager(run.yarn_id.as_deref().unwrap());
            let again = run_is_whole(folder, manager, disk, run.yarn_id.as_deref());
            assert!(again.restored_from.as_ref().is_some_and(|from| from.contains("/chk-")), "{again:?}");
            jobs.extend(run.job_id);
            run = again;
        }
        jobs.extend(run.job_id.clone());
        if number + 1 == starts {
            what_zookeeper_has(manager, &run);
        }
        // From a savepoint the next one begins, or from the last checkpoint of what was killed.
        let is_saved = number % 2 == 0;
        manager.does(if is_saved { &["stop", NAME] } else { &["stop", NAME, "--no-savepoint"] });
        let stopped = manager.wait(NAME, is_stopped);
        saved = stopped.components[0].savepoints.last().and_then(|one| one.path.clone()).filter(|_| is_saved);
        assert!(!is_saved || saved.is_some(), "{stopped:?}");
    }
}

/// Nodes of what was killed are left and told, those of what runs are held by its JobManager.
fn what_zookeeper_has(manager: &Manager, run: &told::Component) {
    let found = clean(manager, &["--dry-run"]);
    let nodes: Vec<_> = found.entries.iter().filter(|one| one.kind == Kind::Znode).collect();
    let is_its = |path: &str| path.ends_with(run.yarn_id.as_deref().unwrap());
    let (own, left): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|one| is_its(&one.path));
    assert!(own.len() == 1 && own[0].why.contains("runs"), "{found:?}");
    let held = Place::parse(&own[0].path).unwrap().remove(own[0].at_ms, PATIENCE);
    assert!(matches!(held, Err(Error::Held { .. })), "{held:?}");
    assert!(!left.is_empty(), "{found:?}");
    for one in left {
        assert!(!one.goes && one.why.contains("less than an hour ago"), "{one:?}");
        assert!(Place::parse(&one.path).unwrap().remove(one.at_ms, PATIENCE).unwrap(), "{one:?}");
    }
    let after = clean(manager, &["--dry-run"]);
    let nodes: Vec<_> = after.entries.iter().filter(|one| one.kind == Kind::Znode).map(|one| &one.path).collect();
    assert!(nodes.len() == 1 && is_its(nodes[0]), "{nodes:?}");
}

/// All of it, with so many starts and failures, on the cluster of a trial that stays.
pub(super) fn nothing_of_what_starts_or_runs_goes(folder: &Path, many: (usize, usize)) {
    let (zookeeper, disk) = (ZooKeeper::start(folder), Disk::of(folder));
    let bed = bed(folder, &zookeeper);
    let manager = bed.manager(FIRST, false);
    manager.does(&["deploy", package(folder).to_str().unwrap()]);
    manager.does(&["create", NAME, "--package", "states-1.0.0"]);
    let (is_over, removed) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let _end = AtEnd(|| is_over.store(true, Ordering::Release));
        scope.spawn(|| clean_for_long(&manager, &disk, &is_over, &removed));
        race(folder, &manager, &disk, many);
    });
    let removed = removed.into_inner();
    drop(writeln!(std::io::stderr(), "racing: {removed} things went beside {} starts and {} failures", many.0, many.1));
    assert!(removed >= many.0, "{removed}");
}
