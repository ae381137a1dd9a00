//! The manager on a real pair of ResourceManagers and a real pair of NameNodes: the first that is listed stands by, and the
//! active ones lose their power while an application runs and while one is being started. Nothing runs twice, nothing is
//! lost, and what is seen meanwhile is told as it is.
//! Not here: how the pairs are brought up (`ground`), and Kerberos.

use super::faults::{Bed, FIRST, Manager, is_running, is_stopped, is_taken};
use super::ground::{Ground, until};
use super::package;
use super::relay::Moment;
use pnda::words::application::{self as told, State};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// After the id of an application was reserved, and before it is submitted.
const RESERVED: Moment = Moment::BeforeFirst(".flink/application_");

/// What the manager looks for in Graphite.
const SERIES: &str = "application.kpi.first.machine.jobmanager.Status.JVM.Threads.Count ";

/// Listens as Graphite does; gives the address, and what came.
fn receiver() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (listener, came) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let (address, kept) = (listener.local_addr().unwrap(), came.clone());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let kept = kept.clone();
            thread::spawn(move || {
                let ours = |line: &String| line.starts_with(SERIES);
                let lines = BufReader::new(stream).lines().map_while(Result::ok).filter(ours);
                lines.for_each(|line| kept.lock().unwrap().push(line));
            });
        }
    });
    (address, came)
}

/// What has jobs send metrics there.
fn reporter(graphite: SocketAddr) -> String {
    let mut reporter = "metrics.reporters: grph\nmetrics.scope.jm: jobmanager\n".to_owned();
    for (key, value) in [
        ("factory.class", "org.apache.flink.metrics.graphite.GraphiteReporterFactory"),
        ("host", "127.0.0.1"),
        ("port", &graphite.port().to_string()),
        ("protocol", "TCP"),
        ("interval", "5 SECONDS"),
    ] {
        reporter += &format!("metrics.reporter.grph.{key}: {value}\n");
    }
    reporter
}

/// Managers that know both of each, and the names that clients have for the pair of NameNodes; Flink is told more.
pub(super) fn bed(folder: &Path, name: &str, ground: &Ground, more: &str) -> Bed {
    Bed::of(folder, name, |config| {
        let text = toml::to_string(config).unwrap();
        let (hdfs, conf) = (config["filesystem"].as_str().unwrap(), folder.join("node/etc/hadoop/conf"));
        let conf = (conf.display().to_string(), ground.place.join("conf").display().to_string());
        let mut changed: toml::Table = text.replace(hdfs, "hdfs://pair").replace(&conf.0, &conf.1).parse().unwrap();
        for (key, names) in [("resource_managers", ["rm1", "rm2"]), ("name_nodes", ["nn1", "nn2"])] {
            let addresses = names.map(|name| ground.web(name).into()).to_vec();
            changed.insert(key.into(), toml::Value::Array(addresses));
        }
        for (number, release) in changed["release"].as_array_mut().unwrap().iter_mut().enumerate() {
            let text = std::fs::read_to_string(release["configuration"].as_str().unwrap()).unwrap();
            let file = ground.place.join(format!("flink-{number}.yaml"));
            std::fs::write(&file, text.replace(hdfs, "hdfs://pair") + more).unwrap();
            release["configuration"] = file.to_str().unwrap().into();
        }
        *config = changed;
    })
}

/// What an application went through until it is well again, for at least so long.
fn seen_until_well(manager: &Manager, name: &str, at_least: Duration, mut is_over: impl FnMut() -> bool) -> Vec<State> {
    let (begun, mut seen) = (Instant::now(), Vec::new());
    until(&format!("{name} is well again"), || {
        let told = manager.application(name);
        if let Some(state) =
            told.as_ref().map(|told| told.components[0].state).filter(|state| seen.last() != Some(state))
        {
            seen.push(state);
        }
        begun.elapsed() > at_least && is_over() && told.is_some_and(|told| is_running(&told))
    });
    seen
}

/// The one that it has in YARN, which is the one that the manager knows.
fn only(bed: &Bed, name: &str, told: &told::Application) -> String {
    let known = told.components[0].yarn_id.clone().unwrap();
    let found = bed.in_yarn(name);
    let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, [known.as_str()], "{name}: one, and the one that is known");
    known
}

/// Nobody who looked was told that it is over, or that nobody knows of it.
fn is_never_over(seen: &[State]) {
    let allowed = [State::Running, State::CannotSee, State::Restarting, State::Waiting, State::Starting];
    assert!(seen.iter().all(|state| allowed.contains(state)), "{seen:?}");
}

/// Starts one, and does something between its reservation and its submission; gives what YARN has then.
fn start_and_lose(bed: &Bed, name: &str, lose: impl FnOnce() + Send + 'static) -> told::Application {
    let manager = bed.manager(FIRST, true);
    manager.does(&["create", name, "--package", "states-1.0.0"]);
    bed.relay.expect(RESERVED, lose);
    manager.does(&["start", name]);
    let taken = manager.wait(name, is_taken);
    assert!(bed.relay.end().1, "{name}: it was lost between reservation and submission");
    taken
}

/// The JobManager of an application.
fn job_manager(id: &str) -> Pid {
    let pid = |entry: std::fs::DirEntry| {
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).into_owned();
        let is_it = command.contains(id) && command.split('\0').next()?.ends_with("/java");
        let is_it = is_it && command.contains("YarnApplicationClusterEntryPoint");
        Pid::from_raw(entry.file_name().to_str()?.parse().ok()?).filter(|_| is_it)
    };
    std::fs::read_dir("/proc").unwrap().flatten().find_map(pid).expect("it runs on this machine")
}

fn is_listening(address: &str) -> bool {
    TcpStream::connect(address.trim_start_matches("http://")).is_ok()
}

/// One that runs while its JobManager hangs, and while the ResourceManager that is active loses its power.
fn runs_on(ground: &mut Ground, manager: &Manager) -> (String, Vec<State>) {
    let known = manager.wait("first", is_running).components[0].yarn_id.clone().unwrap();
    let master = job_manager(&known);
    kill_process(master, Signal::STOP).unwrap();
    manager.wait("first", |told| told.components[0].state == State::CannotSee);
    kill_process(master, Signal::CONT).unwrap();
    manager.wait("first", is_running);
    ground.kill("rm2");
    let seen = seen_until_well(manager, "first", Duration::from_secs(2), || ground.is_active("rm1"));
    is_never_over(&seen);
    assert!(seen.contains(&State::CannotSee), "nobody answers for some seconds: {seen:?}");
    (known, seen)
}

/// The ResourceManager that has reserved an id loses its power before it is submitted.
fn starts_at_the_other(ground: &mut Ground, bed: &Bed) {
    ground.resource_manager("rm2");
    ground.wait_for_worker();
    until("rm2 is back", || is_listening(&ground.web("rm2")) && !ground.is_active("rm2"));
    let (gave, pid) = (ground.started("rm1"), ground.pid("rm1"));
    let second = start_and_lose(bed, "second", move || kill_process(pid, Signal::KILL).unwrap());
    let id = only(bed, "second", &second);
    assert!(id.starts_with(&format!("application_{gave}_")), "{id}: reserved at the one that is gone");
}

/// The NameNode that is active loses its power when an id is reserved, and nobody takes its place for a moment.
fn starts_without_a_name_node(ground: &Ground, bed: &Bed) {
    let pid = ground.pid("nn2");
    let third = thread::scope(|scope| {
        let started = scope.spawn(|| start_and_lose(bed, "third", move || kill_process(pid, Signal::KILL).unwrap()));
        until("the NameNode is gone", || !is_listening(&ground.web("nn2")));
        ground.make_active("nn1");
        started.join().unwrap()
    });
    only(bed, "third", &third);
}

/// All three run, each once, and end as they are told to.
fn all_end_well(bed: &Bed, first: &str) {
    let manager = bed.manager(FIRST, false);
    for name in ["first", "second", "third"] {
        let known = only(bed, name, &manager.wait(name, is_running));
        assert!(name != "first" || known == first, "{known}");
    }
    manager.does(&["stop", "first"]);
    let stopped = manager.wait("first", is_stopped);
    let saved: Vec<_> = stopped.components[0].savepoints.iter().filter_map(|one| one.path.as_deref()).collect();
    assert!(saved.len() == 1 && saved[0].starts_with("hdfs://pair/"), "{saved:?}");
    for name in ["second", "third"] {
        manager.does(&["stop", name, "--no-savepoint", "--wait"]);
    }
}

/// All of it, on what a trial that has ended left.
pub fn the_active_ones_may_go(folder: &Path) {
    let begun = Instant::now();
    let mut ground = Ground::up(folder, "pairs");
    let (graphite, came) = receiver();
    let bed = bed(folder, "pairs-managers", &ground, &reporter(graphite));
    let mut told = vec![format!("up after {} s", begun.elapsed().as_secs())];
    let mut step = |what: &str| told.push(format!("{what} {} s", begun.elapsed().as_secs()));
    let manager = bed.manager(FIRST, false);
    manager.does(&["deploy", package(folder).to_str().unwrap()]);
    manager.does(&["create", "first", "--package", "states-1.0.0"]);
    manager.does(&["start", "first"]);
    let (first, seen) = runs_on(&mut ground, &manager);
    drop(manager);
    step("the first one runs on");
    starts_at_the_other(&mut ground, &bed);
    step("the second is in YARN");
    starts_without_a_name_node(&ground, &bed);
    step("the third is in YARN");
    all_end_well(&bed, &first);
    assert!(!came.lock().unwrap().is_empty(), "Flink's reporter sends what is looked for: {SERIES}");
    step("all have ended");
    drop(writeln!(std::io::stderr(), "pairs: {}; while the ResourceManager was gone: {seen:?}", told.join(", ")));
}
