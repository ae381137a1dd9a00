//! A cluster in memory that goes on by itself, by a clock of its own: YARN starts what it accepted, each application has a
//! JobManager with one job, jobs take checkpoints and savepoints into HDFS, end, fail and are forgotten.
//! What it does next follows from its seed and from what was asked of it, and from nothing else.
//! Not here: requests that are lost (`line`), and what must always be so (`invariants`).

use super::super::bed::FILESYSTEM;
use crate::clock::Clock;
use crate::submit::RESTORE;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use systems::jobmanager::{self, Outcome};
use systems::webhdfs::Node;
use systems::{Request, webhdfs, yarn};
use words::ids::ApplicationId;

/// From one look of a manager to the next.
pub(super) const TICK_MS: u64 = 5_000;
const EPOCH_MS: u64 = 1_800_000_000_000;
/// From one checkpoint of a job to the next.
const CHECKPOINT_MS: u64 = 30_000;
/// A ResourceManager that forgot all has its nodes end what they run within this.
const GHOST_MS: u64 = 50_000;
/// What hangs ends after this.
const HANG_MS: u64 = 600_000;
/// Runs with so many slots are of a version that fails.
pub(super) const BAD: &str = "3";
const SLOTS: &str = "taskmanager.numberOfTaskSlots";

/// What comes of a savepoint or stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ail {
    /// There is none, and the job goes on.
    Fails,
    /// It lies there, Flink says that it failed, and the job goes on.
    Written,
    /// The job fails over it.
    Dies,
    /// The job fails after it was written.
    DiesWritten,
    /// Nothing for ten minutes, then it fails.
    Hangs,
}

/// How far an application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// YARN has it and no room yet.
    Accepted,
    /// Its job runs.
    Running,
    /// Its job has ended, and YARN has not noticed.
    Leaving,
    Over,
}

/// An application that YARN accepted, and its job.
pub(super) struct Job {
    pub(super) id: ApplicationId,
    number: u64,
    pub(super) stage: Stage,
    /// When the next thing happens to it.
    next_ms: u64,
    /// When it ends, for YARN has forgotten it.
    ghost_until: Option<u64>,
    pub(super) is_placeholder: bool,
    host: String,
    flink: jobmanager::World,
    job: String,
    is_bad: bool,
    /// The state from which it began.
    pub(super) from: Option<String>,
    /// It had a JobManager.
    pub(super) ran: bool,
    checkpoint: u32,
    checkpoint_ms: u64,
    /// When its program has done all there is to do, if it ever has.
    ends_ms: Option<u64>,
    due: BTreeMap<String, (u64, Option<Ail>)>,
    /// The states that it made, oldest first.
    pub(super) made: Vec<String>,
}

impl Job {
    /// It runs, or may come to.
    pub(super) fn is_alive(&self) -> bool {
        self.stage != Stage::Over && !self.is_placeholder
    }
}

/// What goes on, and who cannot be reached until when.
#[derive(Default)]
pub(super) struct Life {
    seed: u64,
    /// In the order in which they came.
    pub(super) jobs: Vec<Job>,
    pub(super) ails: Vec<Ail>,
    /// What a person ended past the manager.
    pub(super) by_person: BTreeSet<ApplicationId>,
    /// What must not be so.
    pub(super) breaches: Vec<String>,
    pub(super) yarn_away: u64,
    pub(super) hdfs_away: u64,
    pub(super) flink_away: u64,
    /// Until when HDFS takes no changes.
    pub(super) hdfs_full: u64,
    /// Until when YARN has attempts of all that runs registered again.
    recovering: u64,
}

/// The cluster.
pub(super) struct Cluster {
    pub(super) yarn: yarn::Fake,
    pub(super) hdfs: webhdfs::Fake,
    now: Arc<AtomicU64>,
    life: Mutex<Life>,
}

/// The clock of the cluster as a node has it.
pub(super) struct Now(Arc<AtomicU64>);

impl Clock for Now {
    fn now_ms(&self) -> u64 {
        EPOCH_MS + self.0.load(Ordering::Relaxed)
    }

    fn passed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _: Duration) {}
}

impl Cluster {
    pub(super) fn of(yarn: yarn::Fake, hdfs: webhdfs::Fake) -> Cluster {
        Cluster { yarn, hdfs, now: Arc::default(), life: Mutex::default() }
    }

    /// As it was when it began, with these files.
    pub(super) fn begin(&self, seed: u64, nodes: &BTreeMap<String, Node>) {
        self.now.store(0, Ordering::Relaxed);
        *self.life() = Life { seed, ..Life::default() };
        *self.yarn.world() = yarn::World::default();
        self.yarn.server.asked();
        let mut hdfs = self.hdfs.world.lock().unwrap();
        hdfs.nodes.clone_from(nodes);
        hdfs.refuse.clear();
        hdfs.clock = EPOCH_MS;
    }

    pub(super) fn clock(&self) -> Now {
        Now(self.now.clone())
    }

    pub(super) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap()
    }

    /// Whether something lies there.
    pub(super) fn has(&self, path: &str) -> bool {
        self.hdfs.world.lock().unwrap().nodes.contains_key(path)
    }

    /// Whether a state lies there and is whole.
    pub(super) fn is_whole(&self, path: &str) -> bool {
        self.has(&format!("{}/_metadata", path.trim_start_matches(FILESYSTEM)))
    }

    /// The bytes of an answer; none where nobody takes the connection.
    pub(super) fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let host = request.url.host_str().unwrap_or_default();
        let now = self.now();
        let mut life = self.life();
        match host {
            "server-0.invalid" if now >= life.yarn_away => {
                drop(life);
                Some(self.yarn.server.answer(request))
            }
            "server-1.invalid" if now >= life.hdfs_away => {
                drop(life);
                Some(self.hdfs.answer_to(request))
            }
            host if now >= life.flink_away => {
                let job = life.jobs.iter_mut().find(|job| job.host.split(':').next() == Some(host))?;
                matches!(job.stage, Stage::Running | Stage::Leaving).then(|| job.flink.answer(request))
            }
            _ => None,
        }
    }

    /// So much time passes.
    pub(super) fn tick(&self, ms: u64) {
        let now = self.now.fetch_add(ms, Ordering::Relaxed) + ms;
        let mut life = self.life();
        self.yarn.server.asked();
        {
            let mut hdfs = self.hdfs.world.lock().unwrap();
            hdfs.clock = EPOCH_MS + now;
            hdfs.refuse.clear();
            if now < life.hdfs_full {
                let why = "Cannot create file/x. Name node is in safe mode.";
                hdfs.refuse.push(("SafeModeException", why, usize::MAX));
            }
        }
        self.take_in(&mut life, now);
        let Life { seed, jobs, ails, recovering, breaches, .. } = &mut *life;
        for job in jobs.iter_mut().filter(|job| job.stage != Stage::Over) {
            breaches.extend(self.go_on(job, (*seed, now, *recovering), ails).err());
        }
    }

    /// What YARN has accepted since.
    fn take_in(&self, life: &mut Life, now: u64) {
        let world = self.yarn.world();
        for (id, known) in &world.applications {
            let is_known = |job: &Job| job.id.as_str() == id && job.ghost_until.is_none();
            if known.finished != 0 || life.jobs.iter().any(is_known) {
                continue;
            }
            let number = life.jobs.len() as u64;
            let is_placeholder = known.context["application-type"] == "placeholder";
            life.jobs.push(Job {
                id: ApplicationId::new(id.as_str()).unwrap(),
                number,
                stage: Stage::Accepted,
                next_ms: now + pick(life.seed, "accepted", number, 4) * TICK_MS,
                ghost_until: None,
                is_placeholder,
                host: format!("jm-{number}.invalid:6123"),
                flink: flink(),
                job: String::new(),
                is_bad: false,
                from: None,
                ran: false,
                checkpoint: 0,
                checkpoint_ms: 0,
                ends_ms: None,
                due: BTreeMap::new(),
                made: Vec::new(),
            });
        }
    }

    /// Fails where YARN or Flink would not find what they were told to.
    fn go_on(
        &self,
        job: &mut Job,
        (seed, now, recovering): (u64, u64, u64),
        ails: &mut Vec<Ail>,
    ) -> Result<(), String> {
        let is_over = job.ghost_until.map_or_else(|| self.has_ended(job), |until| now >= until);
        if is_over {
            job.stage = Stage::Over;
        }
        match job.stage {
            Stage::Accepted if job.is_placeholder => self.end(job, ("FAILED", "FAILED"), ""),
            Stage::Accepted if now >= job.next_ms => return self.start(job, (seed, now)),
            Stage::Running => self.run(job, (seed, now, recovering), ails),
            Stage::Leaving if now >= job.next_ms => self.end(job, ("FINISHED", "SUCCEEDED"), ""),
            _ => {}
        }
        Ok(())
    }

    /// Whether YARN says so, as when somebody has it killed.
    fn has_ended(&self, job: &Job) -> bool {
        self.yarn.world().applications.get(job.id.as_str()).is_some_and(|known| known.finished != 0)
    }

    /// The applications that run, or may come to, whether YARN knows it or not.
    pub(super) fn alive(&self) -> Vec<ApplicationId> {
        let life = self.life();
        let is_alive = |job: &&Job| job.is_alive() && (job.ghost_until.is_some() || !self.has_ended(job));
        life.jobs.iter().filter(is_alive).map(|job| job.id.clone()).collect()
    }

    /// YARN has room for it: its files are fetched, and its program submits its job.
    fn start(&self, job: &mut Job, (seed, now): (u64, u64)) -> Result<(), String> {
        let context = self.yarn.world().applications[job.id.as_str()].context.clone();
        let Some(set) = self.configuration(&context) else {
            self.end(job, ("FAILED", "FAILED"), "a file changed on the source file system");
            return Err(format!("YARN does not find the files of {} as they were submitted", job.id));
        };
        let value = |key: &str| set.get(key).cloned();
        (job.from, job.job) =
            (value(RESTORE), value("$internal.pipeline.job-id").unwrap_or_else(|| format!("{:032x}", job.number)));
        job.is_bad = value(SLOTS).as_deref() == Some(BAD);
        if let Some(from) = job.from.as_ref().filter(|from| !self.is_whole(from)) {
            let why = format!("{} begins from {from}, and there is nothing", job.id);
            self.end(job, ("FAILED", "FAILED"), &why);
            return Err(why);
        }
        if job.is_bad && pick(seed, "bad", 0, 2) == 0 {
            self.end(job, ("FAILED", "FAILED"), "Could not start the program");
            return Ok(());
        }
        job.stage = Stage::Running;
        job.ran = true;
        job.checkpoint_ms = now + CHECKPOINT_MS;
        job.ends_ms = is_scheduled(seed).then(|| now + (2 + pick(seed, "lasts", job.number, 30)) * TICK_MS);
        job.flink.triggered =
            Some(if job.is_bad { Outcome::Failing("x.Expired: expired".to_owned()) } else { Outcome::Done });
        job.flink.jobs = BTreeMap::from([(job.job.clone(), "RUNNING".to_owned())]);
        self.put(&format!("{}/shared", checkpoints(&job.job)), None);
        self.register(job);
        Ok(())
    }

    fn register(&self, job: &Job) {
        self.yarn.run(&job.id, &job.host);
        let node = job.host.split(':').next().map(|host| format!("{host}:8042"));
        self.yarn.world().applications.get_mut(job.id.as_str()).unwrap().node = node;
    }

    /// A checkpoint where it is time, and what was asked for.
    fn run(&self, job: &mut Job, (seed, now, recovering): (u64, u64, u64), ails: &mut Vec<Ail>) {
        let is_known = job.ghost_until.is_none();
        if is_known && now >= recovering && self.yarn.world().applications[job.id.as_str()].state == "ACCEPTED" {
            self.register(job);
        }
        for (id, asked) in &job.flink.operations {
            if asked.outcome.is_none() && !job.due.contains_key(id) {
                let ail = ails.pop();
                let takes = pick(seed, "savepoint", u64::from(job.checkpoint) + job.number, 3) * TICK_MS;
                let takes = if ail == Some(Ail::Hangs) { HANG_MS } else { takes };
                job.due.insert(id.clone(), (now + takes, ail));
            }
        }
        let due: Vec<String> = job.due.iter().filter(|(_, (at, _))| now >= *at).map(|(id, _)| id.clone()).collect();
        for id in due {
            if job.stage == Stage::Running {
                let (_, ail) = job.due.remove(&id).unwrap();
                self.save(job, &id, ail, (seed, now));
            }
        }
        if job.stage == Stage::Running && job.ends_ms.is_some_and(|at| now >= at) {
            // Flink keeps no checkpoint of what is done.
            self.remove(&format!("{}/chk-{}", checkpoints(&job.job), job.checkpoint));
            Cluster::leaves(job, (seed, now));
        }
        if job.stage == Stage::Running && now >= job.checkpoint_ms && !job.is_bad {
            let folder = checkpoints(&job.job);
            let path = |number: u32| format!("{folder}/chk-{number}");
            job.checkpoint_ms = now + CHECKPOINT_MS;
            job.checkpoint += 1;
            self.leave(job, &path(job.checkpoint));
            self.remove(&path(job.checkpoint - 1));
        }
    }

    /// What comes of a savepoint or stop.
    fn save(&self, job: &mut Job, id: &str, ail: Option<Ail>, (seed, now): (u64, u64)) {
        let Some(asked) = job.flink.operations.get(id).cloned() else { return };
        if matches!(ail, None | Some(Ail::Written | Ail::DiesWritten)) {
            let place = jobmanager::Fake::place(&asked.folder, &words::ids::TriggerId::new(id).unwrap());
            self.leave(job, &place);
        }
        let failing = || Outcome::Failing("x.CheckpointException: expired\n\tat x".to_owned());
        let operation = job.flink.operations.get_mut(id).unwrap();
        operation.outcome = Some(if ail.is_none() { Outcome::Done } else { failing() });
        match ail {
            None if asked.stops => Cluster::leaves(job, (seed, now)),
            Some(Ail::Dies | Ail::DiesWritten) => self.end(job, ("FAILED", "FAILED"), "x.Died: of a savepoint"),
            _ => {}
        }
    }

    /// Its job has finished, which YARN does not know yet.
    fn leaves(job: &mut Job, (seed, now): (u64, u64)) {
        job.flink.jobs.insert(job.job.clone(), "FINISHED".to_owned());
        (job.stage, job.next_ms) = (Stage::Leaving, now + pick(seed, "leaving", job.number, 3) * TICK_MS);
    }

    /// YARN says how it ended.
    fn end(&self, job: &mut Job, (state, verdict): (&str, &str), why: &str) {
        job.stage = Stage::Over;
        if job.ghost_until.is_none() {
            self.yarn.set(&job.id, state, verdict);
            self.yarn.world().applications.get_mut(job.id.as_str()).unwrap().diagnostics = why.to_owned();
        }
    }

    /// The application that runs fails, is cancelled in Flink, or is killed by a person.
    pub(super) fn end_what_runs(&self, (state, verdict): (&str, &str), why: &str) {
        let mut life = self.life();
        if let Some(job) =
            life.jobs.iter_mut().rev().find(|job| job.is_alive() && job.ghost_until.is_none() && !self.has_ended(job))
        {
            self.end(job, (state, verdict), why);
            let id = job.id.clone();
            if verdict == "KILLED" {
                life.by_person.insert(id);
            }
        }
    }

    /// YARN is started anew without a memory.
    pub(super) fn forget(&self) {
        let (mut life, now) = (self.life(), self.now());
        self.yarn.world().applications.clear();
        let seed = life.seed;
        for job in life.jobs.iter_mut().filter(|job| job.ghost_until.is_none()) {
            job.ghost_until = Some(now + pick(seed, "ghost", job.number, GHOST_MS));
            if job.stage == Stage::Accepted {
                job.stage = Stage::Over;
            }
        }
    }

    /// YARN is started anew with its memory: attempts register again.
    pub(super) fn recover(&self, ticks: u64) {
        let mut life = self.life();
        life.yarn_away = self.now() + ticks * TICK_MS;
        life.recovering = life.yarn_away + 2 * TICK_MS;
        for known in self.yarn.world().applications.values_mut().filter(|known| known.state == "RUNNING") {
            (known.state, known.master) = ("ACCEPTED".to_owned(), None);
        }
    }

    /// JobManagers are started anew in place: they know nothing of what was asked of them.
    pub(super) fn restart_jobmanagers(&self) {
        for job in &mut self.life().jobs {
            job.flink.operations.clear();
            job.due.clear();
        }
    }

    /// What its configuration sets; none where YARN would not find its files as they were submitted.
    fn configuration(&self, context: &Value) -> Option<BTreeMap<String, String>> {
        let hdfs = self.hdfs.world.lock().unwrap();
        let resources = context["am-container-spec"]["local-resources"]["entry"].as_array()?;
        let mut text = None;
        for resource in resources {
            let path = resource["value"]["resource"].as_str()?.strip_prefix(FILESYSTEM)?;
            let node = hdfs.nodes.get(path).filter(|node| resource["value"]["timestamp"] == node.modified)?;
            if resource["key"] == "config.yaml" {
                text = Some(String::from_utf8(node.bytes.clone()?).unwrap());
            }
        }
        let pair = |line: &str| {
            let (key, value) = line.split_once(": ")?;
            Some((serde_json::from_str(key).ok()?, serde_json::from_str(value).ok()?))
        };
        Some(text?.lines().filter_map(pair).collect())
    }

    /// A state of a job lies there.
    fn leave(&self, job: &mut Job, place: &str) {
        let path = place.trim_start_matches(FILESYSTEM);
        self.put(&format!("{path}/_metadata"), Some(b"m"));
        job.made.push(path.to_owned());
    }

    fn put(&self, path: &str, bytes: Option<&[u8]>) {
        let mut hdfs = self.hdfs.world.lock().unwrap();
        hdfs.clock += 1;
        let now = hdfs.clock;
        let node = |bytes: Option<&[u8]>| Node {
            bytes: bytes.map(<[u8]>::to_vec),
            owner: "alice".into(),
            group: "hadoop".into(),
            mode: "755".into(),
            modified: now,
            note: None,
        };
        for (at, _) in path.match_indices('/').skip(1) {
            hdfs.nodes.entry(path[..at].to_owned()).or_insert_with(|| node(None));
        }
        hdfs.nodes.insert(path.to_owned(), node(bytes));
    }

    fn remove(&self, path: &str) {
        let mut hdfs = self.hdfs.world.lock().unwrap();
        let below = format!("{path}/");
        let gone: Vec<String> = hdfs
            .nodes
            .range(path.to_owned()..)
            .map(|(name, _)| name.clone())
            .take_while(|name| name == path || name.starts_with(&below))
            .collect();
        for name in gone {
            hdfs.nodes.remove(&name);
        }
    }
}

/// A JobManager that nothing was asked of.
fn flink() -> jobmanager::World {
    let mut flink = jobmanager::World::default();
    flink.outcome = Outcome::Pending;
    flink.checkpoints = json!({ "counts": {}, "latest": {} });
    flink.exceptions = json!({ "exceptionHistory": { "entries": [], "truncated": false } });
    flink
}

fn checkpoints(job: &str) -> String {
    format!("/pnda/flink/checkpoints/alice/words/word-count/{job}")
}

/// Whether the application runs by a schedule, and its jobs come to an end.
pub(super) fn is_scheduled(seed: u64) -> bool {
    pick(seed, "scheduled", 0, 5) == 0
}

/// A number below `most` that a seed gives to the `number`th thing of a kind.
pub(super) fn pick(seed: u64, kind: &str, number: u64, most: u64) -> u64 {
    let kind = kind.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    fastrand::Rng::with_seed(seed ^ kind.rotate_left(32) ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .u64(..most.max(1))
}
