//! `pnda try` for real: registries, Flink, a job, its archive, and the end of every child.
//! Downloads are kept between runs of the tests, in the cache that the nodes' tests use too.
//! Not here: nodes of their own; see `tests/nodes`.

use pnda::mirror::lock::Source;
use pnda::systems::hadoop::User;
use pnda::systems::jobmanager::JobManager;
use pnda::systems::yarn::{ResourceManager, Times};
use pnda::words::application as told;
use pnda::words::ids::{ApplicationId, JobId};
use registries::out_of_reach;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[path = "trial/alarms.rs"]
mod alarms;
#[path = "trial/browser.rs"]
mod browser;
#[path = "trial/by_client.rs"]
mod by_client;
#[path = "trial/conformance.rs"]
mod conformance;
#[path = "trial/declared.rs"]
mod declared;
#[path = "trial/exactly_once.rs"]
mod exactly_once;
#[path = "trial/faults.rs"]
mod faults;
#[path = "trial/flinks.rs"]
mod flinks;
#[path = "trial/ground.rs"]
mod ground;
#[path = "trial/housekeeping.rs"]
mod housekeeping;
#[path = "trial/kafka.rs"]
mod kafka;
#[path = "trial/kills.rs"]
mod kills;
#[path = "trial/mishaps.rs"]
mod mishaps;
#[path = "trial/oozie.rs"]
mod oozie;
#[path = "trial/pairs.rs"]
mod pairs;
#[path = "trial/racing.rs"]
mod racing;
#[path = "common/registries.rs"]
mod registries;
#[path = "trial/relay.rs"]
mod relay;
#[path = "trial/rescale.rs"]
mod rescale;
#[path = "trial/savepoints.rs"]
mod savepoints;
#[path = "trial/upgrades.rs"]
mod upgrades;
#[path = "trial/workflows.rs"]
mod workflows;

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");

/// Where nobody listens: whoever asks a registry fails.
const NOBODY: [&str; 2] = ["--source=maven=http://127.0.0.1:1", "--source=pypi=http://127.0.0.1:1"];

/// Whether everything is to be tried often and for long.
fn is_long() -> bool {
    std::env::var_os("PNDA_TEST_LONG").is_some()
}

fn store() -> PathBuf {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder holds it").to_owned();
    std::env::var_os("PNDA_TEST_CACHE").map_or(own, PathBuf::from).join("nodes-store")
}

fn trial(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(PNDA);
    command.arg("try").arg("--dir").arg(folder).arg("--store").arg(store()).args(more);
    command
}

/// Runs a trial that ends by itself; gives whether it succeeded, and what it printed on both streams.
fn run(folder: &Path, more: &[&str]) -> (bool, String) {
    let output = trial(folder, &[&["--once"], more].concat()).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned())
}

/// The same for one that must succeed.
fn once(folder: &Path, more: &[&str]) -> String {
    let (success, text) = run(folder, more);
    assert!(success, "{text}");
    text
}

/// A trial that stays. What a test that fails leaves is ended, too, for others would suffer from it.
struct Staying(Child);

impl Drop for Staying {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
            let _ = self.0.wait();
        }
    }
}

/// Starts a trial that stays, and waits until it says that it does.
fn staying(folder: &Path, more: &[&str]) -> Staying {
    let more = [&NOBODY, more].concat();
    let mut child = trial(folder, &more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.starts_with("Ctrl-C")).collect();
    let staying = Staying(child);
    assert!(said.iter().any(|line| line.contains("FINISHED")), "{said:?}");
    staying
}

/// Sends records to the trial's broker and reads them back, with Kafka's own clients.
fn records_go_through_the_broker(folder: &Path) {
    let broker = kafka::Broker::of(folder);
    broker.write("tried", "one\ntwo\nthree\n");
    assert_eq!(broker.read("tried", true, 3, Duration::from_secs(30)), ["one", "two", "three"]);
}

/// `pnda app` against the trial's manager; gives whether it succeeded, and what it printed on both streams.
fn app(folder: &Path, words: &[&str]) -> (bool, String) {
    let socket = folder.join("node/var/lib/pnda/applications/socket");
    // As on an edge, where the agent's program is called so.
    let mut command = Command::new(folder.join("node/usr/bin/pnda"));
    let output = command.arg("app").arg("--socket").arg(socket).args(words).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned())
}

/// The same for what must succeed.
fn app_does(folder: &Path, words: &[&str]) -> String {
    let (success, text) = app(folder, words);
    assert!(success, "{words:?}: {text}");
    text
}

/// A package of one component, with this jar.
fn packed(folder: &Path, package: &str, jar: &Path, properties: &serde_json::Value) -> PathBuf {
    let component = folder.join(package).join("flink/machine");
    std::fs::create_dir_all(&component).unwrap();
    std::fs::copy(jar, component.join(jar.file_name().unwrap())).unwrap();
    std::fs::write(component.join("properties.json"), properties.to_string()).unwrap();
    std::fs::write(component.join("application.properties"), "").unwrap();
    let file = folder.join(format!("{package}.tar.gz"));
    let packed = Command::new("tar").arg("czf").arg(&file).arg("-C").arg(folder).arg(package).status().unwrap();
    assert!(packed.success());
    file
}

/// A package with a job that never ends and keeps state, from the jar of Flink's examples.
fn package(folder: &Path) -> PathBuf {
    let jar = "flink-examples-streaming-1.20.0.jar";
    let main = "org.apache.flink.streaming.examples.statemachine.StateMachineExample";
    let properties = serde_json::json!({
        "main_jar": jar, "main_class": main, "application_args": "--error-rate 0.01 --sleep 5",
        "flink_config_args": "-yn 1 -Dexecution.checkpointing.interval=1s",
    });
    packed(folder, "states-1.0.0", &folder.join("mirror/current/mirror_apps").join(jar), &properties)
}

/// The only component of an application, as the manager tells it. On a busy machine somebody may not answer for a moment, which
/// says nothing: then it is looked at again.
fn component(folder: &Path, application: &str) -> told::Component {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, text) = app(folder, &["status", application, "--json"]);
        let told: told::Application = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let one = told.components.into_iter().next().unwrap();
        if one.state != told::State::Unknown || Instant::now() > deadline {
            return one;
        }
        sleep(Duration::from_secs(1));
    }
}

/// The JobManager of a component that runs, and its job.
fn master(folder: &Path, component: &told::Component) -> (JobManager, JobId) {
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let yarn = config["resource_managers"][0].as_str().unwrap();
    // YARN tells only whom it concerns where an application answers.
    let user = User::simple(config["user"].as_str().unwrap());
    let yarn = ResourceManager::new(&[yarn], Times::default()).unwrap().reading_as(user);
    master_by(&yarn, component)
}

/// The same, as this ResourceManager knows it.
fn master_by(yarn: &ResourceManager, component: &told::Component) -> (JobManager, JobId) {
    let id = ApplicationId::new(component.yarn_id.clone().unwrap()).unwrap();
    let application = yarn.application(&id).unwrap().unwrap();
    let manager = JobManager::new(&application.am_rpc_address.unwrap(), Times::default());
    (manager, JobId::new(component.job_id.clone().unwrap()).unwrap())
}

/// The state from which Flink itself says that a job began.
fn restored(folder: &Path, component: &told::Component) -> Option<String> {
    let (manager, job) = master(folder, component);
    manager.checkpoints(&job).unwrap().restored?.external_path
}

/// How many applications YARN has ever seen.
fn submitted(folder: &Path) -> u64 {
    let config = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
    let config: toml::Table = config.parse().unwrap();
    let url = format!("{}/ws/v1/cluster/metrics", config["resource_managers"][0].as_str().unwrap());
    let text = pnda::systems::site::client(Duration::from_secs(20)).get(&url, 1 << 20).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&text).unwrap();
    metrics["clusterMetrics"]["appsSubmitted"].as_u64().unwrap()
}

/// A queue that YARN does not have and a container that it does not give are told together; a dry run changes nothing.
fn what_cannot_run_is_refused_before_anything_is_submitted(folder: &Path) {
    let before = submitted(folder);
    let dry = app_does(folder, &["start", "states", "--dry-run"]);
    assert!(dry.contains("nothing stands against a start") && dry.contains("StateMachineExample"), "{dry}");
    let large = "machine.flink_config_args=-Dtaskmanager.memory.process.size=64g";
    app_does(folder, &["create", "large", "--package", "states-1.0.0", "--set", large]);
    let map = folder.join("node/opt/pnda/rm-wrapper/policies/map.txt");
    let text = std::fs::read_to_string(&map).unwrap();
    std::fs::write(&map, "* nowhere\n").unwrap();
    let (success, refused) = app(folder, &["start", "large"]);
    assert!(!success && refused.contains("queue nowhere: YARN has no such queue"), "{refused}");
    assert!(refused.contains("a TaskManager asks for 65536 MB, and the largest container"), "{refused}");
    let (success, dry) = app(folder, &["start", "large", "--dry-run"]);
    assert!(!success && dry.contains("a start would be refused") && dry.contains("queue nowhere"), "{dry}");
    std::fs::write(&map, text).unwrap();
    assert_eq!(component(folder, "large").yarn_id, None);
    app_does(folder, &["delete", "large", "--yes"]);
    assert_eq!(submitted(folder), before, "YARN was given nothing");
}

/// The end of an application's JobManager, as when its machine loses its power.
fn kill_job_manager(id: &str) {
    kill_processes(|command| command.contains("YarnApplicationClusterEntryPoint") && command.contains(id));
}

/// Ends processes as the kernel does when memory is short.
fn kill_processes(is_meant: impl Fn(&str) -> bool) {
    let found = processes_that(is_meant);
    assert!(!found.is_empty(), "nothing to kill");
    for (pid, _) in found {
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }
}

/// Its JobManager is killed, which ends the run: another one follows, by itself.
fn what_fails_begins_again_from_its_newest_checkpoint(folder: &Path, failing: &told::Component) {
    let deadline = Instant::now() + Duration::from_secs(240);
    let until = |what: &str, is_good: &dyn Fn(&told::Component) -> bool| loop {
        let found = component(folder, "states");
        if is_good(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: {found:?}");
        sleep(Duration::from_millis(500));
    };
    let completed = |found: &told::Component| found.details.as_ref()?.checkpoints.as_ref()?.last_path.clone();
    until("a checkpoint", &|found| completed(found).is_some_and(|path| path.contains("/chk-")));
    let id = failing.yarn_id.as_deref().unwrap();
    kill_job_manager(id);
    let again =
        until("another run", &|found| found.state == told::State::Running && found.yarn_id.as_deref() != Some(id));
    let from = again.restored_from.clone().unwrap();
    assert!(from.contains("/chk-"), "{from}");
    assert_eq!(restored(folder, &again), Some(from), "Flink says so too");
    let history = app_does(folder, &["history", "states"]);
    assert!(history.contains(&format!("{id} failed")), "{history}");
    alarms::the_agent_s_page_has_the_component(folder, "states");
}

/// Deploys, starts, stops and starts again; what is refused says why.
fn an_application_stops_and_starts_with_its_state(folder: &Path) {
    let file = package(folder);
    app_does(folder, &["deploy", file.to_str().unwrap()]);
    let told = app_does(folder, &["create", "states", "--package", "states-1.0.0"]);
    assert!(told.contains("`-yn 1` is dropped"), "{told}");
    let (success, refused) = app(folder, &["create", "States", "--package", "states-1.0.0"]);
    assert!(!success && refused.contains("differ in capital letters only"), "{refused}");
    let explained = app_does(folder, &["explain", "states"]);
    assert!(explained.contains("execution.checkpointing.interval") && explained.contains("package"), "{explained}");

    what_cannot_run_is_refused_before_anything_is_submitted(folder);
    app_does(folder, &["start", "states", "--wait"]);
    let first = component(folder, "states");
    assert_eq!((first.state, &first.restored_from), (told::State::Running, &None));
    flinks::a_container_has_flink_by_its_content(folder, "states", "1.20.5");
    part("Flink's pages", || browser::flinks_pages_show_the_job(folder, "states", "State machine job"));
    conformance::servers_in_memory_answer_as_the_real_ones(folder, "states");
    let (success, refused) = app(folder, &["undeploy", "states-1.0.0"]);
    assert!(!success && refused.contains("states"), "{refused}");
    let logs = app_does(folder, &["logs", "states"]);
    assert!(logs.contains("JobManager, attempt 1: jobmanager.log") && logs.contains("taskmanager.log"), "{logs}");

    app_does(folder, &["stop", "states", "--wait"]);
    // Its nodes have them no more: `-f` waits for the last lines until YARN has brought them to HDFS.
    let ended = app_does(folder, &["logs", "states", "-f"]);
    assert!(ended.contains("TaskManager 1, attempt 1") && ended.contains("Terminating cluster entrypoint"), "{ended}");
    let stopped = component(folder, "states");
    let savepoint = stopped.savepoints[0].path.clone().unwrap();
    assert_eq!((stopped.state, stopped.yarn_id), (told::State::Stopped, first.yarn_id.clone()));
    app_does(folder, &["start", "states", "--wait"]);
    let second = component(folder, "states");
    assert_eq!(second.restored_from, Some(savepoint.clone()));
    assert_eq!(restored(folder, &second), Some(savepoint), "Flink says so too");
    assert_ne!(second.yarn_id, first.yarn_id);
    declared::is_exported_and_looked_at(folder, "states");
    let saved = app_does(folder, &["savepoint", "states", "--wait"]);
    assert!(saved.contains("completed"), "{saved}");
    let goes_on = component(folder, "states");
    assert_eq!((goes_on.state, goes_on.savepoints.last().map(|last| last.goes_on)), (told::State::Running, Some(true)));
    part("savepoints", || savepoints::are_listed_and_removed(folder, &second));
    part("a run that fails", || what_fails_begins_again_from_its_newest_checkpoint(folder, &second));
    part("upgrades", || upgrades::a_good_version_stays_and_a_bad_one_goes_back(folder));

    app_does(folder, &["stop", "states", "--no-savepoint", "--wait"]);
    assert_eq!(component(folder, "states").state, told::State::Stopped);
    assert!(app_does(folder, &["logs", "states", "-f"]).contains("jobmanager.log"), "after it was killed, too");
    part("savepoints in time", || savepoints::are_taken_in_time_by_a_copy_that_ends_for_good(folder));
    part("another parallelism", || rescale::a_job_goes_on_with_another_parallelism(folder));
    part("housekeeping", || housekeeping::what_nobody_needs_goes_and_nothing_else(folder));
    app_does(folder, &["delete", "states", "--yes"]);
    app_does(folder, &["undeploy", "states-1.0.0"]);
    upgrades::undeploy(folder);
    part("alarms and selftest", || alarms::a_job_that_fails_is_told_and_a_selftest_passes(folder));
}

/// A part of the test, and how long it took.
fn part<T>(name: &str, done: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = done();
    drop(writeln!(std::io::stderr(), "trial: {name}: {} s", begun.elapsed().as_secs()));
    done
}

/// The processes whose command line names the folder.
fn processes(folder: &Path) -> Vec<String> {
    let named = processes_that(|command| command.contains(&*folder.to_string_lossy()));
    named.into_iter().map(|(_, command)| command).collect()
}

/// Processes by their command lines, with their ids.
fn processes_that(is_meant: impl Fn(&str) -> bool) -> Vec<(i32, String)> {
    let process = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&command).replace('\0', " ")))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter_map(process).filter(|(_, command)| is_meant(command)).collect()
}

/// Clusters would starve each other on few cores: one test after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// A folder in which a trial has run, unless registries are out of reach; and what it printed.
fn tried(folder: &Path) -> Option<String> {
    let (success, text) = run(folder, &[]);
    if let Some(why) = out_of_reach(&[Source::Maven, Source::Pypi], &text).filter(|_| !success) {
        drop(writeln!(std::io::stderr(), "left out: pnda try: {why}"));
        return None;
    }
    assert!(success && text.contains("health          OK") && text.contains("FINISHED"), "{text}");
    assert_eq!(processes(folder), [""; 0], "every child has ended");
    Some(text)
}

/// Ends a trial as a person does.
fn interrupt(mut trial: Staying, folder: &Path) {
    kill_process(Pid::from_child(&trial.0), Signal::INT).unwrap();
    assert!(trial.0.wait().unwrap().success());
    assert_eq!(processes(folder), [""; 0], "Ctrl-C ends every child");
}

#[test]
fn everything_comes_up_on_one_machine_and_goes_down_again() {
    let _alone = ALONE.lock();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("try");
    if tried(&folder).is_none() {
        return;
    }
    let second = once(&folder, &NOBODY);
    assert!(second.contains("nothing to do") && second.contains("FINISHED"), "{second}");

    let manifests = flinks::manifests(temp.path(), &[]);
    let also = format!("flink.also={}", flinks::OTHER);
    let client = "applications.flink_client=on";
    let two_flinks = ["--manifests", manifests.to_str().unwrap(), "--set", &also, "--set", client];
    let interrupted = staying(&folder, &[&["--kafka"], &two_flinks[..]].concat());
    part("records", || records_go_through_the_broker(&folder));
    part("an application", || an_application_stops_and_starts_with_its_state(&folder));
    part("the other Flink", || flinks::an_application_runs_on_the_flink_that_it_asks_for(&folder));
    part("adoption", || by_client::what_somebody_submitted_is_adopted(&folder));
    part("Flink's own client", || by_client::flinks_own_client_submits(&folder));
    part("housekeeping beside starts", || racing::nothing_of_what_starts_or_runs_goes(&folder, (5, 2)));
    part("kills", || faults::nothing_runs_twice_and_nothing_is_lost(&folder));
    interrupt(interrupted, &folder);

    let mut killed = staying(&folder, &two_flinks);
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    assert!(processes(&folder).len() >= 6, "a killed trial leaves its services");
    once(&folder, &[&NOBODY, &two_flinks[..]].concat());
    assert_eq!(processes(&folder), [""; 0], "the next one ends them");
}

#[test]
fn what_oozie_runs_is_the_manager_s() {
    let _alone = ALONE.lock();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("try");
    if !is_long() || tried(&folder).is_none() {
        return;
    }
    let (manifests, oozie) = (flinks::manifests(temp.path(), &["oozie"]), oozie::settings());
    let settings = ["--manifests", manifests.to_str().unwrap()].into_iter().chain(oozie.iter().map(String::as_str));
    let interrupted = staying(&folder, &settings.collect::<Vec<_>>());
    part("Oozie", || oozie::a_flink_job_runs_in_time(&folder));
    part("components of Oozie", || workflows::a_coordinator_of_pnda_s_runs(&folder));
    interrupt(interrupted, &folder);
}

#[test]
fn records_and_files_outlive_much() {
    let _alone = ALONE.lock();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("try");
    if !is_long() || tried(&folder).is_none() {
        return;
    }
    let interrupted = staying(&folder, &["--kafka"]);
    part("exactly once", || exactly_once::none_is_lost_and_none_comes_twice(&folder));
    part("housekeeping beside starts", || racing::nothing_of_what_starts_or_runs_goes(&folder, (100, 20)));
    interrupt(interrupted, &folder);
}

#[test]
fn managers_and_clusters_are_killed_fifty_times() {
    let _alone = ALONE.lock();
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("try");
    if !is_long() || tried(&folder).is_none() {
        return;
    }
    part("pairs", || pairs::the_active_ones_may_go(&folder));
    assert_eq!(processes(&folder), [""; 0], "nothing of the pairs is left");
    part("fifty kills", || kills::fifty_times_nothing_runs_twice_or_begins_empty(&folder));
    assert_eq!(processes(&folder), [""; 0], "nothing of it is left");
}
