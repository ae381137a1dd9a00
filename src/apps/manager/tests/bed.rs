//! A cluster for tests of the manager: scripted YARN, Flink and HDFS behind a wire, a package, an application, and what
//! time brings: what is accepted runs, and a job that is stopped leaves its savepoint and ends.
//! Not here: what is tested with it.

use super::wire::{Answer, Fault, Server, Wire};
use crate::client::{Client, Runner};
use crate::clock::{Clock, SystemClock};
use crate::journal::{Book, Component, HdfsJournal, Key, Origin, Run, State};
use crate::manager::{Callbacks, Manager};
use crate::orders::{Caller, Refusal};
use crate::package::tests::{WORDCOUNT, wordcount};
use crate::site::{Release, Site};
use crate::submit::Cluster;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use systems::hadoop::User;
use systems::webhdfs::WebHdfs;
use systems::{jobmanager, oozie, webhdfs, yarn};
use words::application::{self as told, Phase};
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::{ApplicationName, ComponentName, PackageName, Word};

/// More rounds than anything needs.
pub(super) const ROUNDS: usize = 16;
pub(super) const FILESYSTEM: &str = "hdfs://nn.example:8020";
/// The servers' places on the wire.
pub(super) const YARN: usize = 0;
pub(super) const HDFS: usize = 1;
pub(super) const FLINK: usize = 2;
const OOZIE: usize = 3;

pub(super) struct Bed {
    pub(super) yarn: yarn::Fake,
    pub(super) hdfs: webhdfs::Fake,
    pub(super) flink: jobmanager::Fake,
    pub(super) oozie: oozie::Fake,
    pub(super) wire: Wire,
    /// The savepoints that were ever asked for, with their folders.
    pub(super) savepoints: BTreeMap<String, String>,
    /// What is refused besides while something suffers.
    pub(super) refusals: Vec<Answer>,
    /// How far the job is that was stopped last.
    leaving: usize,
    /// How far the time of new managers' world is ahead, in milliseconds.
    pub(super) ahead_ms: u64,
    /// So many rounds are enough.
    pub(super) rounds: usize,
    /// Runs with this many slots in each TaskManager fail before they have a job.
    pub(super) failing: Option<&'static str>,
    /// From where runs began that were seen to begin.
    pub(super) began: BTreeMap<String, Option<String>>,
    /// No two runs may ever live at once.
    pub(super) is_alone: bool,
    pub(super) site: Site,
    pub(super) folder: tempfile::TempDir,
    /// What stands in the place of Flink's own client.
    pub(super) client: Option<Arc<dyn Runner>>,
}

pub(super) fn word(text: &str) -> Word {
    Word::new(text).unwrap()
}

pub(super) fn alice() -> Caller {
    Caller { name: word("alice"), is_admin: false }
}

pub(super) fn application() -> ApplicationName {
    ApplicationName::new("words").unwrap()
}

pub(super) fn key() -> Key {
    Key { application: application(), component: ComponentName::new("word-count").unwrap() }
}

/// A clock that goes forward by `step` seconds each time that somebody looks.
pub(super) struct TestClock {
    pub(super) seconds: AtomicU64,
    pub(super) step: u64,
    /// How far the time of the world is ahead, in milliseconds.
    pub(super) ahead_ms: AtomicU64,
}

impl TestClock {
    pub(super) fn by(step: u64) -> TestClock {
        TestClock { seconds: AtomicU64::new(0), step, ahead_ms: AtomicU64::new(0) }
    }
}

impl Clock for Arc<TestClock> {
    fn now_ms(&self) -> u64 {
        SystemClock::default().now_ms() + self.ahead_ms.load(Ordering::Relaxed)
    }

    fn passed(&self) -> Duration {
        Duration::from_secs(self.seconds.fetch_add(self.step, Ordering::Relaxed))
    }

    fn sleep(&self, time: Duration) {
        self.seconds.fetch_add(time.as_secs(), Ordering::Relaxed);
        std::thread::yield_now();
    }
}

impl Bed {
    /// One with an application that was never started.
    pub(super) fn new() -> Bed {
        let (yarn, hdfs) = (yarn::Fake::start(), webhdfs::Fake::start());
        let flink = jobmanager::Fake::start(&JobId::new("0".repeat(32)).unwrap());
        let oozie = oozie::Fake::start();
        let (manager, files, jobs) = (yarn.server.clone(), hdfs.clone(), flink.server.clone());
        let workflows = oozie.server.clone();
        let servers: [Server; 4] = [
            Box::new(move |request| manager.answer(request)),
            Box::new(move |request| files.answer_to(request)),
            Box::new(move |request| jobs.answer(request)),
            Box::new(move |request| workflows.answer(request)),
        ];
        let wire = Wire::before(servers.into());
        // In memory where there is such a place: thousands of copies are made, each with its writes to the disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let site = site(&wire, folder.path());
        let bed = Bed {
            yarn,
            hdfs,
            flink,
            oozie,
            wire,
            savepoints: BTreeMap::new(),
            refusals: Vec::new(),
            leaving: 0,
            ahead_ms: 0,
            rounds: ROUNDS,
            failing: None,
            began: BTreeMap::new(),
            is_alone: false,
            site,
            folder,
            client: None,
        };
        let root = bed.hdfs.client();
        root.make_folder("/pnda/flink/2.3.0/plugins", "755").unwrap();
        root.write("/pnda/flink/2.3.0/lib/flink-dist-2.3.0.jar", "644", 4, &mut &b"dist"[..]).unwrap();
        for folder in ["/user/alice", "/pnda/flink/checkpoints", "/pnda/flink/savepoints"] {
            root.make_folder(folder, "1777").unwrap();
        }
        let (manager, package) = (bed.manager(), PackageName::new(WORDCOUNT).unwrap());
        manager.round();
        manager.receive(&package, &alice(), &*wordcount(), None).unwrap();
        manager.deploy(&package, &alice()).unwrap();
        manager.create(&application(), &json!({ "package": WORDCOUNT }), &alice()).unwrap();
        bed
    }

    /// A manager for which every pause is over at once.
    pub(super) fn manager(&self) -> Manager {
        let clock = Arc::new(TestClock::by(3600));
        clock.ahead_ms.store(self.ahead_ms, Ordering::Relaxed);
        self.manager_by(&clock)
    }

    pub(super) fn manager_by(&self, clock: &Arc<TestClock>) -> Manager {
        self.with_client(Manager::through(self.wire.network(), self.site.clone()).unwrap().by(clock.clone()))
    }

    fn with_client(&self, manager: Manager) -> Manager {
        match &self.client {
            Some(client) => manager.running(client.clone()),
            None => manager,
        }
    }

    /// One on another node, which shares nothing with the first but the cluster.
    pub(super) fn manager_elsewhere(&self) -> Manager {
        self.manager_elsewhere_by(&TestClock::by(3600).into())
    }

    pub(super) fn manager_elsewhere_by(&self, clock: &Arc<TestClock>) -> Manager {
        let (folder, clock) = (self.folder.path().join("elsewhere"), clock.clone());
        self.with_client(Manager::through(self.wire.network(), Site { folder, ..self.site.clone() }).unwrap().by(clock))
    }

    /// The same with an application that Flink's own client submits.
    pub(super) fn into_by_client(mut self, client: Arc<dyn Runner>) -> Bed {
        self.site.client = Some(Client { java: "/java".into(), java_options: vec![], hadoop_conf: "/conf".into() });
        let manager = self.manager();
        manager.round();
        manager.delete(&application(), &alice()).unwrap();
        manager.round();
        let overrides = json!({ "package": WORDCOUNT, "flink": { "word-count": { "flink_submission": "client" } } });
        manager.create(&application(), &overrides, &alice()).unwrap();
        drop(manager);
        Bed { client: Some(client), ..self }
    }

    /// The same with the site's defaults in `defaults.toml` of its folder.
    pub(super) fn with_defaults(mut self) -> Bed {
        self.site.defaults = Some(self.folder.path().join("defaults.toml"));
        self
    }

    /// The same, where changes of state are told at an address.
    pub(super) fn calling_back(mut self, address: &str) -> Bed {
        let at = |path: &str| Some(format!("{address}{path}"));
        self.site.callbacks = Callbacks { packages: at("/packages"), applications: at("/applications") };
        self
    }

    /// HDFS as it was, and a node that has no copy of a later journal.
    pub(super) fn take_back(&self, nodes: &BTreeMap<String, webhdfs::Node>) {
        self.hdfs.world.lock().unwrap().nodes = nodes.clone();
        let _ = std::fs::remove_file(self.folder.path().join("apps/journal.sqlite"));
    }

    /// HDFS without the wire.
    pub(super) fn direct(&self, user: &str) -> WebHdfs {
        self.hdfs.client().as_user(&User::simple(user))
    }

    /// Runs whose files are still on the node.
    pub(super) fn work(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("apps/work")).map_or(0, Iterator::count)
    }

    /// What a manager leaves on the node that is killed while it submits.
    fn leave_work(&self) {
        let left = std::mem::take(&mut self.wire.plan().left);
        left.iter().for_each(|folder| std::fs::create_dir_all(folder).unwrap());
    }

    /// What the journal says to whoever reads it anew.
    pub(super) fn journal(&self) -> Arc<State> {
        let journal = HdfsJournal::open(self.direct("pnda"), "/pnda/apps/journal").unwrap();
        Book::open(Arc::new(journal)).unwrap().state
    }

    /// The ids that were ever sent to the ResourceManager and that it got, since the last time.
    pub(super) fn submitted(&self) -> BTreeSet<String> {
        let posts = self.yarn.server.asked().into_iter().filter(|line| line.starts_with("POST /ws/v1/cluster/apps?"));
        posts.map(|line| body_of(&line)["application-id"].as_str().unwrap().to_owned()).collect()
    }

    /// Goes on for a moment: YARN starts what it accepted, and a job that is stopped goes away in steps.
    pub(super) fn step(&mut self) {
        for line in self.flink.server.asked() {
            if line.starts_with("POST /jobs/") && !line.contains("/checkpoints") {
                let body = body_of(&line);
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                if body["target-directory"].is_string() {
                    let place = jobmanager::Fake::place(&text("target-directory"), &trigger(&text("triggerId")));
                    self.leave(&place);
                    continue;
                }
                if self.savepoints.insert(text("triggerId"), text("targetDirectory")).is_none() {
                    self.leaving = 1;
                }
            }
        }
        let of_state = |state: &str| -> Vec<ApplicationId> {
            let world = self.yarn.world();
            let fitting = world.applications.iter().filter(|(_, one)| one.state == state);
            fitting.map(|(id, _)| ApplicationId::new(id.as_str()).unwrap()).collect()
        };
        let (accepted, running) = (of_state("ACCEPTED"), of_state("RUNNING"));
        assert!(!self.is_alone || accepted.len() + running.len() <= 1, "{accepted:?} {running:?}");
        for id in accepted {
            if self.is_placeholder(&id) {
                self.yarn.set(&id, "FAILED", "FAILED");
                continue;
            }
            let from = self.set_for(&id, "execution.state-recovery.path");
            self.began.insert(id.to_string(), from);
            if self.failing.is_some() && self.set_for(&id, "taskmanager.numberOfTaskSlots").as_deref() == self.failing {
                self.yarn.set(&id, "FAILED", "FAILED");
                continue;
            }
            // The job of a batch program has an id of its own.
            let job = self.set_for(&id, "$internal.pipeline.job-id").unwrap_or_else(|| "f".repeat(32));
            self.flink.world().jobs = BTreeMap::from([(job, "RUNNING".to_owned())]);
            self.wire.plan().hidden.retain(|place| *place != FLINK);
            self.yarn.run(&id, self.wire.addresses[FLINK].trim_start_matches("http://"));
        }
        for id in running.iter().filter(|_| self.leaving > 0) {
            match self.leaving {
                1 => self.leave_savepoint(),
                2 => self.wire.plan().hidden.push(FLINK),
                _ => self.yarn.set(id, "FINISHED", "SUCCEEDED"),
            }
        }
        self.leaving = if running.is_empty() || self.leaving > 2 || self.leaving == 0 { 0 } else { self.leaving + 1 };
    }

    /// What takes an id and does nothing.
    pub(super) fn is_placeholder(&self, id: &ApplicationId) -> bool {
        self.yarn.world().applications[id.as_str()].context["application-type"] == "placeholder"
    }

    /// Flink writes `_metadata` last.
    fn leave_savepoint(&self) {
        for job in self.flink.world().jobs.values_mut() {
            *job = "FINISHED".to_owned();
        }
        for place in self.places() {
            self.leave(&place);
        }
    }

    /// A state lies there.
    pub(super) fn leave(&self, place: &str) {
        let path = format!("{}/_metadata", place.trim_start_matches(FILESYSTEM));
        self.direct("alice").write(&path, "640", 1, &mut &b"m"[..]).unwrap();
    }

    /// Where the savepoints lie that were asked for.
    pub(super) fn places(&self) -> Vec<String> {
        let place = |(id, folder): (&String, &String)| jobmanager::Fake::place(folder, &trigger(id));
        self.savepoints.iter().map(place).collect()
    }

    /// What a run's configuration, as it lies in HDFS, sets a key to.
    pub(super) fn set_for(&self, id: &ApplicationId, key: &str) -> Option<String> {
        // Each try has a folder; YARN was told of the last one.
        let staging = format!("/user/alice/.flink/{id}");
        let submitted = self.yarn.world().applications[id.as_str()].context.to_string();
        let tries = self.direct("alice").list(&staging).unwrap().unwrap_or_default();
        let told = tries.iter().find(|one| submitted.contains(&format!("{staging}/{}/", one.path_suffix))).unwrap();
        let file = format!("{staging}/{}/config.yaml", told.path_suffix);
        let text = String::from_utf8(self.direct("alice").read(&file, 1 << 20).unwrap().unwrap()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("\"{key}\": ")))?;
        Some(serde_json::from_str(value).unwrap())
    }

    /// Rounds until the application is as it should be.
    pub(super) fn settle(&mut self, manager: &Manager, is_good: impl Fn(&told::Application) -> bool) -> bool {
        (0..self.rounds).any(|_| {
            manager.round();
            self.step();
            told_of(manager).is_some_and(|told| is_good(&told))
        })
    }

    /// The application runs.
    pub(super) fn started(&mut self) -> (Manager, ApplicationId) {
        let manager = self.manager();
        let id = self.started_by(&manager);
        (manager, id)
    }

    /// The application runs, by this manager.
    pub(super) fn started_by(&mut self, manager: &Manager) -> ApplicationId {
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        assert!(self.settle(manager, is_running), "{:?}", told_of(manager));
        let id = told_of(manager).unwrap().components[0].yarn_id.clone().unwrap();
        ApplicationId::new(id).unwrap()
    }

    /// A start was ordered and is intended; its submission came nowhere.
    pub(super) fn intended(&mut self) -> (Manager, Run) {
        let manager = self.manager();
        manager.round();
        manager.start(&application(), Origin::Newest, &alice()).unwrap();
        self.yarn.server.drop("POST /ws/v1/cluster/apps?", 1);
        manager.round();
        let run = self.component().run.unwrap();
        assert!(!run.accepted && self.yarn.world().applications.is_empty());
        self.submitted();
        (manager, run)
    }

    /// The component as the journal has it.
    pub(super) fn component(&self) -> Component {
        self.journal().applications[&application()].components[&key().component].clone()
    }

    /// One manager until the fault, or until all is well; then, if it was killed, another one. Whoever ordered and was told
    /// that it did not work orders again. Gives the last manager, and whether the fault came.
    pub(super) fn suffer(
        &mut self,
        (number, fault, kills): (usize, Fault, bool),
        order: impl Fn(&Manager) -> Result<(), Refusal>,
        is_good: impl Fn(&told::Application) -> bool,
    ) -> (Manager, bool) {
        self.wire.expect(number, fault, kills);
        self.wire.plan().answers = self.refusals.clone();
        self.wire.plan().work = self.folder.path().join("apps/work");
        let mut manager = self.manager();
        manager.round();
        let mut ordered = order(&manager).is_ok();
        for _ in 0..self.rounds {
            manager.round();
            self.step();
            if self.wire.plan().is_dead {
                drop(manager);
                self.leave_work();
                self.wire.revive();
                manager = self.manager();
                manager.round();
            }
            if !ordered {
                ordered = matches!(order(&manager), Ok(()) | Err(Refusal::Conflict(_)));
            }
            if ordered && told_of(&manager).is_some_and(|told| is_good(&told)) {
                break;
            }
        }
        let hit = self.wire.plan().count >= number;
        self.wire.plan().fault = None;
        manager.round();
        (manager, hit)
    }
}

fn site(wire: &Wire, folder: &std::path::Path) -> Site {
    let (configuration, log) = (folder.join("config.yaml"), folder.join("log4j.properties"));
    std::fs::write(&configuration, "jobmanager.memory.process.size: 1600m\ntaskmanager.memory.process.size: 1728m\n")
        .unwrap();
    std::fs::write(&log, "rootLogger.level = INFO\n").unwrap();
    let flink = "2.3.0".parse().unwrap();
    let release = Release { configuration, log, staged: "/pnda/flink/2.3.0".into() };
    Site {
        cluster: Cluster {
            name: word("pico"),
            filesystem: FILESYSTEM.into(),
            class_path: vec!["/etc/hadoop/conf".into()],
            checkpoints: "/pnda/flink/checkpoints".into(),
            savepoints: "/pnda/flink/savepoints".into(),
            archive: "/pnda/flink/completed-jobs".into(),
            logs: "/app-logs".into(),
            attempts: 2,
        },
        user: word("pnda"),
        admins: word("admins"),
        resource_managers: vec![wire.addresses[YARN].clone()],
        name_nodes: vec![wire.addresses[HDFS].clone()],
        folder: folder.join("apps"),
        hdfs_folder: "/pnda/apps".into(),
        flinks: BTreeMap::from([(flink, release)]),
        flink_home: folder.join("flink"),
        queue_map: None,
        mirror: None,
        graphite: None,
        oozie: Some(wire.addresses[OOZIE].clone()),
        callbacks: Callbacks::default(),
        client: None,
        defaults: None,
        secrets: Some(folder.join("secrets")),
        environment: BTreeMap::new(),
    }
}

fn trigger(id: &str) -> TriggerId {
    TriggerId::new(id).unwrap()
}

/// The JSON at the end of a noted request.
fn body_of(line: &str) -> Value {
    serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap()
}

pub(super) fn told_of(manager: &Manager) -> Option<told::Application> {
    manager.application(&application()).ok()?
}

pub(super) fn is_running(told: &told::Application) -> bool {
    told.status == Phase::Started && told.components[0].state == told::State::Running
}

pub(super) fn is_stopped(told: &told::Application) -> bool {
    told.status == Phase::Created && told.components[0].state == told::State::Stopped
}
