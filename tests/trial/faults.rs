//! The manager on a real YARN and HDFS, killed and held in the middle of starts and stops: nothing runs twice, nothing is
//! lost; and two writers of one journal on a real NameNode.
//! Not here: faults of the servers themselves, which `src/apps/manager/tests` makes up.

use super::relay::{Moment, Relay};
use super::{is_long, kills, master_by, package};
use pnda::apps::journal::{
    AppendError, Book, FORMAT, Fact, HdfsJournal, Journal, NoteError, ReadError, Record, fresh_id,
};
use pnda::systems::hadoop::User;
use pnda::systems::webhdfs::WebHdfs;
use pnda::systems::yarn::{Application, ResourceManager, Times};
use pnda::words::application as told;
use pnda::words::names::{PackageName, Word};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The node that has the packages at first; another one takes them from HDFS.
pub(super) const FIRST: &str = "edge-1";
/// How long anything may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// A cluster, and the configuration of managers of it that are not the trial's own.
pub(super) struct Bed {
    /// Where its managers have what is theirs.
    place: PathBuf,
    config: toml::Table,
    pub(super) relay: Relay,
}

/// A manager of our own.
pub(super) struct Manager {
    process: Child,
    socket: PathBuf,
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Manager {
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    pub(super) fn app(&self, words: &[&str]) -> (bool, String) {
        let mut command = Command::new(super::PNDA);
        let output = command.args(["app", "--socket"]).arg(&self.socket).args(words).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned())
    }

    /// What it says to an order that must succeed.
    pub(super) fn does(&self, words: &[&str]) -> String {
        let (success, text) = self.app(words);
        assert!(success, "{words:?}: {text}");
        text
    }

    pub(super) fn application(&self, name: &str) -> Option<told::Application> {
        serde_json::from_str(&self.app(&["status", name, "--json"]).1).ok()
    }

    /// Waits until an application is as it should be.
    pub(super) fn wait(&self, name: &str, is_good: impl Fn(&told::Application) -> bool) -> told::Application {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.application(name);
            if let Some(good) = found.as_ref().filter(|told| is_good(told)) {
                return good.clone();
            }
            assert!(Instant::now() < deadline, "{name}: {found:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// YARN has it.
pub(super) fn is_taken(told: &told::Application) -> bool {
    use told::State::{Restarting, Running, Starting, Waiting};
    matches!(told.components[0].state, Waiting | Starting | Running | Restarting)
}

pub(super) fn is_running(told: &told::Application) -> bool {
    told.components[0].state == told::State::Running
}

/// Runs, with a checkpoint of its own from which it may begin again.
pub fn has_saved(told: &told::Application) -> bool {
    let checkpoints = told.components[0].details.as_ref().and_then(|details| details.checkpoints.as_ref());
    is_running(told) && checkpoints.is_some_and(|all| all.completed > 0)
}

pub(super) fn is_stopped(told: &told::Application) -> bool {
    told.status == told::Phase::Created && told.components[0].state == told::State::Stopped
}

impl Bed {
    /// Managers with the trial's configuration, changed, on nodes below a folder of this name.
    pub(super) fn of(folder: &Path, name: &str, change: impl FnOnce(&mut toml::Table)) -> Bed {
        let text = std::fs::read_to_string(folder.join("node/etc/pnda/applications.toml")).unwrap();
        let (mut config, relay): (toml::Table, Relay) = (text.parse().unwrap(), Relay::default());
        config.insert("hdfs_folder".into(), format!("/pnda/system/{name}").into());
        config.insert("interval_seconds".into(), 1.into());
        change(&mut config);
        Bed { place: folder.join(name), config, relay }
    }

    /// The folder of a node's manager.
    pub(super) fn place(&self, node: &str) -> PathBuf {
        self.place.join(node)
    }

    /// All addresses of a kind.
    fn servers(&self, key: &str) -> Vec<String> {
        self.config[key].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    /// A manager on a node of its own name, which reaches its servers through the relay or directly.
    pub(super) fn manager(&self, node: &str, through_relay: bool) -> Manager {
        let place = self.place.join(node);
        std::fs::create_dir_all(&place).unwrap();
        let (mut config, socket) = (self.config.clone(), place.join("socket"));
        config.insert("folder".into(), place.to_str().unwrap().into());
        config.insert("socket".into(), socket.to_str().unwrap().into());
        for key in ["resource_managers", "name_nodes"].iter().filter(|_| through_relay) {
            let addresses = self.servers(key).iter().map(|server| self.relay.before(server).into()).collect();
            config.insert((*key).into(), toml::Value::Array(addresses));
        }
        let file = place.join("applications.toml");
        std::fs::write(&file, config.to_string()).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(place.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pnda-agent"));
        command.arg("applications").arg("--config").arg(&file).stdout(Stdio::null()).stderr(log);
        let manager = Manager { process: command.spawn().unwrap(), socket };
        let deadline = Instant::now() + PATIENCE;
        // It answers before it has read the journal, and says so until then.
        while !manager.app(&["list"]).0 {
            assert!(Instant::now() < deadline, "{node} does not answer: {}", manager.app(&["list"]).1);
            thread::sleep(Duration::from_millis(50));
        }
        manager
    }

    fn yarn(&self) -> ResourceManager {
        // YARN tells only whom it concerns where an application answers.
        let user = User::simple(self.config["user"].as_str().unwrap());
        ResourceManager::new(&self.servers("resource_managers"), Times::default()).unwrap().reading_as(user)
    }

    /// The state from which Flink itself says that a job began.
    pub(super) fn restored(&self, component: &told::Component) -> Option<String> {
        let (manager, job) = master_by(&self.yarn(), component);
        manager.checkpoints(&job).unwrap().restored?.external_path
    }

    /// All applications of a name that YARN ever had.
    pub(super) fn in_yarn(&self, name: &str) -> Vec<Application> {
        let mut all = self.yarn().applications("pnda", &[]).unwrap();
        all.retain(|one| one.name == format!("{name}-machine-job"));
        all
    }

    /// The manager is killed at a request of what is ordered; gives the next one, which has all it needs.
    pub(super) fn killed(
        &self,
        name: &str,
        moment: Moment,
        order: &[&str],
        is_done: &dyn Fn(&told::Application) -> bool,
    ) -> (Manager, usize, bool) {
        let manager = self.manager(FIRST, true);
        // The first round is over.
        thread::sleep(Duration::from_millis(300));
        let pid = manager.pid();
        self.relay.expect(moment, move || kill_process(pid, Signal::KILL).unwrap());
        let (ordered, _) = manager.app(order);
        let deadline = Instant::now() + PATIENCE;
        let mut manager = manager;
        while manager.process.try_wait().unwrap().is_none()
            && !manager.application(name).is_some_and(|told| is_done(&told))
        {
            assert!(Instant::now() < deadline, "{name}: {:?}", manager.application(name));
            thread::sleep(Duration::from_millis(20));
        }
        let (count, hit) = self.relay.end();
        drop(manager);
        let manager = self.manager(FIRST, false);
        if !ordered {
            // Whoever was not told that it is done asks again; the order may have been written all the same.
            let _ = manager.app(order);
        }
        (manager, count, hit)
    }

    fn kill_during_a_start(&self, number: usize, moment: Moment) -> (usize, bool) {
        let name = format!("start{number}");
        self.manager(FIRST, false).does(&["create", &name, "--package", "states-1.0.0"]);
        let (manager, count, hit) = self.killed(&name, moment, &["start", &name], &is_taken);
        let taken = manager.wait(&name, is_taken);
        let found = self.in_yarn(&name);
        let ids: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, [taken.components[0].yarn_id.as_deref().unwrap()], "{name}: one, and the one that is known");
        manager.does(&["stop", &name, "--no-savepoint", "--wait"]);
        manager.does(&["delete", &name, "--yes"]);
        (count, hit)
    }

    fn kill_during_a_stop(&self, number: usize, moment: Moment) -> (usize, bool) {
        let name = format!("stop{number}");
        let manager = self.manager(FIRST, false);
        manager.does(&["create", &name, "--package", "states-1.0.0"]);
        manager.does(&["start", &name]);
        manager.wait(&name, is_running);
        drop(manager);
        let (manager, count, hit) = self.killed(&name, moment, &["stop", &name], &is_stopped);
        let stopped = manager.wait(&name, is_stopped);
        let saved: Vec<_> = stopped.components[0].savepoints.iter().filter_map(|one| one.path.clone()).collect();
        assert_eq!(saved.len(), 1, "{name}: {stopped:?}");
        manager.does(&["start", &name]);
        let running = manager.wait(&name, is_running);
        assert_eq!(self.restored(&running.components[0]).as_ref(), Some(&saved[0]), "{name}");
        manager.does(&["stop", &name, "--no-savepoint", "--wait"]);
        assert_eq!(self.in_yarn(&name).len(), 2, "{name}");
        manager.does(&["delete", &name, "--yes"]);
        (count, hit)
    }

    /// Held between the record of what will be submitted and the submission, while another manager does all there is to do.
    fn a_manager_that_sleeps_submits_nothing_twice(&self) {
        let first = self.manager(FIRST, true);
        first.does(&["create", "sleeper", "--package", "states-1.0.0"]);
        let pid = first.pid();
        self.relay.expect(Moment::BeforeFirst(".flink/application_"), move || kill_process(pid, Signal::STOP).unwrap());
        let _ = first.app(&["start", "sleeper"]);
        let deadline = Instant::now() + PATIENCE;
        while self.relay.waits() {
            assert!(Instant::now() < deadline, "nothing was sent for it");
            thread::sleep(Duration::from_millis(20));
        }
        let second = self.manager("edge-2", false);
        second.wait("sleeper", is_running);
        thread::sleep(Duration::from_secs(if is_long() { 120 } else { 2 }));
        kill_process(pid, Signal::CONT).unwrap();
        // The first one goes on with what it had begun, and learns what has happened.
        first.wait("sleeper", is_running);
        assert_eq!(self.in_yarn("sleeper").len(), 1);
        drop(first);
        let running = second.wait("sleeper", is_running);
        // What the first one sent late is not what the job is made of: a TaskManager that is gone comes back.
        second.does(&["stop", "sleeper", "--wait"]);
        assert_eq!(second.wait("sleeper", is_stopped).components[0].yarn_id, running.components[0].yarn_id);
        second.does(&["delete", "sleeper", "--yes"]);
    }

    fn journal(&self, name: &str) -> HdfsJournal {
        let user = self.config["user"].as_str().unwrap();
        let hdfs = WebHdfs::of_several(&self.servers("name_nodes"), User::simple(user), Default::default()).unwrap();
        HdfsJournal::open(hdfs, &format!("/pnda/system/{name}/journal")).unwrap()
    }

    /// Writes so many records, each as the next one after what is there.
    fn write(&self, name: &str, records: usize) -> BTreeSet<u64> {
        let journal = self.journal("two-writers");
        let fact = Fact::PackageUndeployed { package: PackageName::new("states-1.0.0").unwrap(), why: None };
        let (by, mut number, mut written) = (Word::new(name).unwrap(), 1, BTreeSet::new());
        while written.len() < records {
            let record =
                Record { format: FORMAT, number, nonce: fresh_id(), at_ms: 0, by: by.clone(), fact: fact.clone() };
            match journal.append(&record) {
                Ok(()) => drop(written.insert(number)),
                Err(AppendError::Superseded { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            number += 1;
        }
        written
    }

    fn of_two_writers_each_number_is_written_once(&self) {
        let records = if is_long() { 1000 } else { 150 };
        let written = thread::scope(|scope| {
            let one = scope.spawn(|| self.write("one", records));
            let other = scope.spawn(|| self.write("other", records));
            [one.join().unwrap(), other.join().unwrap()]
        });
        let read = self.journal("two-writers").read(1, 3 * records).unwrap();
        assert_eq!(read.len(), 2 * records, "every number once, without a gap");
        for record in read {
            let by = usize::from(record.by.as_str() == "other");
            assert!(written[by].contains(&record.number) && !written[1 - by].contains(&record.number));
        }
    }
}

/// A writer that was late from the first record on, two others, and one who keeps snapshots meanwhile.
fn what_snapshots_cover_goes_and_no_number_is_free_again(bed: &Bed) {
    // Whoever reads while snapshots are kept may have to begin anew.
    let opened = |_| Book::open(Arc::new(bed.journal("snapshots"))).ok();
    let open = || (0..100).find_map(opened).expect("a journal that can be read");
    let by = Word::new("writer").unwrap();
    let fact = || Fact::PackageUndeployed { package: PackageName::new("states-1.0.0").unwrap(), why: None };
    let mut late = open();
    let write = |records: usize| {
        let mut book = open();
        let mut written = 0;
        while written < records {
            match book.note(&by, 0, fact()) {
                Ok(()) => written += 1,
                // Others have written, and maybe so much that what this one knows is gone.
                Err(NoteError::Append(AppendError::Superseded { .. })) => book = open(),
                Err(error) => panic!("{error}"),
            }
        }
    };
    let records = if is_long() { 500 } else { 40 };
    let keep = || {
        let book = open();
        bed.journal("snapshots").keep(&book.snapshot()).unwrap();
        book.state.number
    };
    thread::scope(|scope| {
        let writers = [scope.spawn(|| write(records)), scope.spawn(|| write(records))];
        while !writers.iter().all(|writer| writer.is_finished()) {
            keep();
        }
    });
    write(1);
    let (older, newest) = (keep(), {
        write(1);
        keep()
    });
    assert_eq!((older, newest), (2 * records as u64 + 1, 2 * records as u64 + 2), "every number once");
    let refused = late.note(&by, 0, fact());
    assert!(matches!(refused, Err(NoteError::Append(AppendError::Superseded { number: 1 }))), "{refused:?}");
    assert!(matches!(late.catch_up(), Err(ReadError::Removed { number: 1 })));
    assert_eq!(open().state.number, newest);
}

/// All of it, on the cluster of a trial that stays.
pub fn nothing_runs_twice_and_nothing_is_lost(folder: &Path) {
    let bed = Bed::of(folder, "faults", |_| {});
    bed.manager(FIRST, false).does(&["deploy", package(folder).to_str().unwrap()]);
    bed.of_two_writers_each_number_is_written_once();
    what_snapshots_cover_goes_and_no_number_is_free_again(&bed);
    bed.a_manager_that_sleeps_submits_nothing_twice();
    // One that is never reached counts the requests.
    let (of_start, _) = bed.kill_during_a_start(0, Moment::Before(usize::MAX));
    let (starts, stops) = if is_long() { (20, 10) } else { (4, 1) };
    let mut hits = 0;
    for number in 1..=starts {
        let at = 1 + (number - 1) * of_start / starts;
        let moment = if number % 2 == 0 { Moment::Before(at) } else { Moment::After(at) };
        hits += usize::from(bed.kill_during_a_start(number, moment).1);
    }
    for number in 1..=stops {
        let moment = if number % 2 == 0 { Moment::Before(number) } else { Moment::After(number + 2) };
        hits += usize::from(bed.kill_during_a_stop(number, moment).1);
    }
    let told = format!(
        "a start has {of_start} requests; the manager was killed {hits} times in {} starts and stops",
        starts + stops
    );
    drop(writeln!(std::io::stderr(), "{told}"));
    assert!(hits + 1 >= starts + stops, "{told}");
    kills::an_upgrade_goes_on_where_its_manager_was_killed(&bed);
    bed.manager(FIRST, false).does(&["undeploy", "states-1.0.0"]);
}
