//! Carries a script out: real managers on two nodes, their rounds called by hand on one thread, on a cluster in memory; after
//! each step, and at the end, what must be so is looked at.
//! Not here: what may happen (`steps`), and what must be so (`invariants`).

use super::super::bed::{Bed, alice, application, key};
use super::super::upgrades::{NEWER, deploy};
use super::cluster::{BAD, Cluster, TICK_MS};
use super::kind::{Kind, snapshots};
use super::line::{Line, Plan};
use super::steps::{Event, Order, Step};
use super::told::Told;
use super::{invariants, line};
use crate::journal::{Origin, Release};
use crate::manager::Manager;
use crate::manager::change::Change;
use crate::orders::{Refusal, is_stopping};
use crate::package::tests::WORDCOUNT;
use crate::share::Share;
use crate::site::Site;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use systems::Request;
use systems::webhdfs::Node;
use words::change::Purpose;
use words::ids::TriggerId;
use words::parallel;
use words::savepoints::Dispose;

/// Ticks after the last fault, and longer ones after those.
const SHORT: usize = 80;
const LONG: usize = 120;
const LONG_MS: u64 = 60_000;
/// Another node takes over within so many.
const TAKES_OVER: usize = 14;
/// Looks after components in one round; more is no end.
const MOST_LOOKS: usize = 200;

/// A manager on one of two nodes.
struct Edge {
    who: usize,
    is_second: bool,
    manager: Manager,
}

/// Who manages, and who thinks so.
#[derive(Default)]
struct Edges {
    active: Option<Arc<Edge>>,
    asleep: Option<Arc<Edge>>,
    begun: usize,
}

/// A cluster with an application, on which one script after the other is carried out.
pub(super) struct Play {
    cluster: Arc<Cluster>,
    line: Arc<Line>,
    told: Arc<Mutex<Told>>,
    seed: AtomicU64,
    edges: Mutex<Edges>,
    site: Site,
    /// HDFS as it is when a script begins, by the kind of its application.
    fresh: Vec<(Kind, BTreeMap<String, Node>)>,
    _bed: Bed,
}

impl Play {
    pub(super) fn new() -> Arc<Play> {
        let bed = Bed::new();
        let manager = bed.manager();
        manager.round();
        deploy(&manager);
        let fresh = |kind: Kind| {
            manager.delete(&application(), &alice()).unwrap();
            manager.round();
            manager.create(&application(), &kind.release(WORDCOUNT, "2").overrides, &alice()).unwrap();
            let mut files = bed.hdfs.world.lock().unwrap().nodes.clone();
            files.remove("/pnda/apps/manager");
            (kind, files)
        };
        let fresh = Kind::ALL.map(fresh).to_vec();
        drop(manager);
        let cluster = Arc::new(Cluster::of(bed.yarn.clone(), bed.hdfs.clone()));
        let told = Arc::<Mutex<Told>>::default();
        let (seen, watched) = (told.clone(), cluster.clone());
        let watch = move |request: &Request| {
            if request.method == "GET" {
                return Ok(());
            }
            let mut told = seen.lock().unwrap();
            told.catch_up(&watched)?;
            invariants::is_recorded_before(&told, &watched, request)
        };
        let line = Line::before(cluster.clone(), Box::new(watch));
        let site = bed.site.clone();
        Arc::new(Play { cluster, line, told, seed: AtomicU64::new(0), edges: Mutex::default(), site, fresh, _bed: bed })
    }

    /// Carries a script out; gives how many faults came, or what went wrong.
    pub(super) fn run(self: &Arc<Play>, seed: u64, steps: &[Step], traces: bool) -> Result<usize, String> {
        parallel::one_after_the_other();
        fastrand::seed(seed);
        self.seed.store(seed, Ordering::Relaxed);
        *self.line.plan() = Plan { trace: traces.then(Vec::new), ..Plan::default() };
        *self.told.lock().unwrap() = Told::default();
        *self.edges.lock().unwrap() = Edges::default();
        for is_second in [false, true] {
            let folder = self.site_of(is_second).folder;
            let _ = fs::remove_dir_all(folder.join("work"));
            for end in ["", "-wal", "-shm", "-journal"] {
                let _ = fs::remove_file(folder.join(format!("journal.sqlite{end}")));
            }
        }
        let (_, files) = self.fresh.iter().find(|(kind, _)| *kind == Kind::of(seed)).unwrap();
        self.cluster.begin(seed, files);
        self.told.lock().unwrap().catch_up(&self.cluster)?;
        self.edges.lock().unwrap().active = Some(self.another(false));
        self.tick(TICK_MS)?;
        for step in steps {
            self.line.tell(|| format!("{} s: {step:?}", self.cluster.now() / 1000));
            self.step(*step)?;
            self.check()?;
        }
        self.line.tell(|| format!("{} s: the end of faults", self.cluster.now() / 1000));
        self.finish()?;
        Ok(self.line.plan().hits)
    }

    fn kind(&self) -> Kind {
        Kind::of(self.seed.load(Ordering::Relaxed))
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.line.plan().trace.take().unwrap_or_default()
    }

    fn site_of(&self, is_second: bool) -> Site {
        let folder = &self.site.folder;
        let folder = if is_second { folder.with_file_name("elsewhere") } else { folder.clone() };
        Site { folder, ..self.site.clone() }
    }

    fn another(&self, is_second: bool) -> Arc<Edge> {
        let who = {
            let mut edges = self.edges.lock().unwrap();
            edges.begun += 1;
            edges.begun
        };
        let site = self.site_of(is_second);
        self.line.plan().work.insert(who, site.folder.join("work"));
        let manager = Manager::through(self.line.network(who), site).unwrap().by(self.cluster.clock());
        let manager = manager.sharing(Share { orders: u32::MAX, ..Share::default() });
        let manager = manager.keeping(snapshots(self.seed.load(Ordering::Relaxed)));
        let manager = manager.on_node(if is_second { "edge-2" } else { "edge-1" });
        Arc::new(Edge { who, is_second, manager })
    }

    fn active(&self) -> Arc<Edge> {
        self.edges.lock().unwrap().active.clone().unwrap()
    }

    fn check(&self) -> Result<(), String> {
        let mut breaches = std::mem::take(&mut self.line.plan().breaches);
        breaches.append(&mut self.cluster.life().breaches);
        breaches.into_iter().next().map_or(Ok(()), Err)?;
        let mut told = self.told.lock().unwrap();
        let facts = told.catch_up(&self.cluster)?;
        facts.iter().for_each(|fact| self.line.tell(|| format!("    journal: {}", fact.line())));
        invariants::one_is_alive(&told, &self.cluster)
    }

    /// Time passes, and who manages looks.
    fn tick(self: &Arc<Play>, ms: u64) -> Result<(), String> {
        self.cluster.tick(ms);
        self.check()?;
        self.round(&self.active())?;
        self.check()
    }

    fn round(self: &Arc<Play>, edge: &Arc<Edge>) -> Result<(), String> {
        self.prepare_to_hold(edge);
        edge.manager.begin_round();
        let looks = (0..MOST_LOOKS).take_while(|_| edge.manager.serve()).count();
        self.line.plan().meanwhile = None;
        self.bury(edge);
        if looks == MOST_LOOKS { Err("a round has no end".to_owned()) } else { Ok(()) }
    }

    /// Somebody who was killed is begun again on his node.
    fn bury(&self, edge: &Arc<Edge>) {
        if !self.line.plan().dead.contains(&edge.who) {
            return;
        }
        let left = std::mem::take(&mut self.line.plan().left);
        left.iter().for_each(|folder| fs::create_dir_all(folder).unwrap());
        let mut edges = self.edges.lock().unwrap();
        let is_it = |other: &Option<Arc<Edge>>| other.as_ref().is_some_and(|other| other.who == edge.who);
        if is_it(&edges.asleep) {
            edges.asleep = None;
        } else if is_it(&edges.active) {
            drop(edges);
            let next = self.another(edge.is_second);
            self.edges.lock().unwrap().active = Some(next);
        }
    }

    /// Where this one is held in the middle of something, the other node takes over.
    fn prepare_to_hold(self: &Arc<Play>, edge: &Arc<Edge>) {
        if self.edges.lock().unwrap().asleep.is_some() {
            return;
        }
        let (play, held) = (self.clone(), edge.clone());
        self.line.plan().meanwhile = Some(Box::new(move || {
            let outcome = play.elsewhere(&held);
            play.line.plan().breaches.extend(outcome.err());
        }));
    }

    /// The other node goes on until it manages; this one thinks that it still does.
    fn elsewhere(self: &Arc<Play>, edge: &Arc<Edge>) -> Result<(), String> {
        // What was written until now is held against the cluster as it is now.
        self.check()?;
        let other = self.another(!edge.is_second);
        {
            let mut edges = self.edges.lock().unwrap();
            (edges.asleep, edges.active) = (Some(edge.clone()), Some(other));
        }
        for _ in 0..TAKES_OVER {
            self.cluster.tick(TICK_MS);
            self.check()?;
            self.round(&self.active())?;
            self.check()?;
        }
        Ok(())
    }

    fn step(self: &Arc<Play>, step: Step) -> Result<(), String> {
        match step {
            Step::Order(order) => self.order(order),
            Step::Event(event) => {
                self.befall(event);
                Ok(())
            }
            Step::Fault(after, fault, kills) => {
                let mut plan = self.line.plan();
                let at = plan.count + after + 1;
                plan.armed.push((at, fault, kills && !matches!(fault, line::Fault::Held)));
                Ok(())
            }
            Step::Pass(ticks) => (0..ticks).try_for_each(|_| self.tick(TICK_MS)),
            Step::Jump(seconds) => self.tick(seconds * 1000),
            Step::Kill => {
                let edge = self.active();
                self.line.plan().dead.insert(edge.who);
                self.bury(&edge);
                Ok(())
            }
            Step::Elsewhere => self.elsewhere(&self.active()),
            Step::Wake => {
                let asleep = self.edges.lock().unwrap().asleep.clone();
                asleep.map_or(Ok(()), |asleep| self.round(&asleep))
            }
        }
    }

    fn befall(&self, event: Event) {
        let until = |ticks: u64| self.cluster.now() + ticks * TICK_MS;
        match event {
            Event::Fails => self.cluster.end_what_runs(("FAILED", "FAILED"), "x.Failed: by itself"),
            Event::Killed => self.cluster.end_what_runs(("KILLED", "KILLED"), "by root"),
            Event::Cancelled => self.cluster.end_what_runs(("FINISHED", "KILLED"), ""),
            Event::Forgets => self.cluster.forget(),
            Event::Recovers(ticks) => self.cluster.recover(ticks),
            Event::JobManagersBeginAnew => self.cluster.restart_jobmanagers(),
            Event::YarnAway(ticks) => self.cluster.life().yarn_away = until(ticks),
            Event::HdfsAway(ticks) => self.cluster.life().hdfs_away = until(ticks),
            Event::FlinkAway(ticks) => self.cluster.life().flink_away = until(ticks),
            Event::HdfsFull(ticks) => self.cluster.life().hdfs_full = until(ticks),
            Event::Ails(ail) => self.cluster.life().ails.push(ail),
        }
    }

    /// What a person orders of whoever manages. What was taken is written down.
    fn order(self: &Arc<Play>, order: Order) -> Result<(), String> {
        let edge = self.active();
        let manager = &edge.manager;
        let before = {
            let mut told = self.told.lock().unwrap();
            told.catch_up(&self.cluster)?;
            told.state.clone()
        };
        let name = application();
        let known = before.applications.get(&name);
        let is_joined = match order {
            Order::Stop => known.is_some_and(|one| is_stopping(one, true, false)),
            Order::Kill => known.is_some_and(|one| is_stopping(one, false, false)),
            Order::Drain => known.is_some_and(|one| is_stopping(one, true, true)),
            _ => false,
        };
        self.prepare_to_hold(&edge);
        let outcome = self.give(manager, order);
        self.line.plan().meanwhile = None;
        self.line.tell(|| format!("    answer: {outcome:?}"));
        let mut told = self.told.lock().unwrap();
        let number = before.number;
        told.catch_up(&self.cluster)?;
        let is_written = told.state.number > number;
        drop(told);
        // What a manager that was killed meanwhile answered, nobody heard.
        let is_heard = !self.line.plan().dead.contains(&edge.who);
        self.bury(&edge);
        match outcome {
            Ok(true) if is_heard && !is_written && !is_joined => {
                Err(format!("{order:?} was taken, and is not in the journal"))
            }
            _ => Ok(()),
        }
    }

    /// Gives whether it was to be written down.
    fn give(&self, manager: &Manager, order: Order) -> Result<bool, Refusal> {
        let (name, by) = (application(), alice());
        let written = |()| true;
        match order {
            Order::Start | Order::StartEmpty => {
                let origin = if order == Order::Start { Origin::Newest } else { Origin::Empty };
                match manager.start(&name, origin.clone(), &by) {
                    Err(Refusal::NotFound(_)) => {
                        manager.create(&name, &self.kind().release(WORDCOUNT, "2").overrides, &by)?;
                        manager.start(&name, origin, &by).map(written)
                    }
                    outcome => outcome.map(written),
                }
            }
            Order::Stop => manager.stop(&name, true, &by).map(written),
            Order::Kill => manager.stop(&name, false, &by).map(written),
            Order::Drain => manager.drain(&name, &by).map(written),
            Order::Savepoint => manager.savepoint(&name, &by).map(|_| false),
            Order::Dispose(nth, newest) => self.dispose(manager, nth, newest),
            Order::Upgrade { bad } => {
                let state = manager.state()?;
                let now = state.applications.get(&name).map(|one| one.package.clone());
                let to = if now.is_some_and(|now| now.as_str() == WORDCOUNT) { NEWER } else { WORDCOUNT };
                let release = self.kind().release(to, if bad { BAD } else { "2" });
                manager.order_change(&name, (Purpose::Upgrade, release, true), &by).map(written)
            }
            Order::Rollback => manager.change(&name, &Change::to(Purpose::Rollback), &by).map(|_| true),
            Order::Restart => {
                let state = manager.state()?;
                let Some(one) = state.applications.get(&name) else { return Ok(false) };
                let release = Release { package: one.package.clone(), overrides: one.overrides.clone() };
                manager.order_change(&name, (Purpose::Restart, release, true), &by).map(written)
            }
            Order::Delete => manager.delete(&name, &by).map(written),
        }
    }

    fn dispose(&self, manager: &Manager, nth: usize, newest: bool) -> Result<bool, Refusal> {
        let state = manager.state()?;
        let component = state.applications.get(&application()).and_then(|one| one.components.get(&key().component));
        let Some(id) = component.and_then(|one| one.savepoints.get(nth)).map(|one| one.id.clone()) else {
            return Ok(false);
        };
        if newest {
            self.told.lock().unwrap().spelt_out.insert(TriggerId::clone(&id));
        }
        manager.dispose(&application(), &id, Dispose { newest, dry_run: false }, &alice()).map(|_| true)
    }

    /// No more faults: all comes to rest, and stays so.
    fn finish(self: &Arc<Play>) -> Result<(), String> {
        {
            let mut plan = self.line.plan();
            plan.armed.clear();
            drop(plan);
            let mut life = self.cluster.life();
            (life.yarn_away, life.hdfs_away, life.flink_away, life.hdfs_full) = (0, 0, 0, 0);
            life.ails.clear();
        }
        let asleep = self.edges.lock().unwrap().asleep.clone();
        let mut why = Ok(());
        let mut rests = 0;
        for tick in 0..SHORT + LONG {
            self.tick(if tick < SHORT && rests == 0 { TICK_MS } else { LONG_MS })?;
            if let Some(asleep) = asleep.as_ref().filter(|_| tick < 3) {
                self.round(asleep)?;
            }
            let told = self.told.lock().unwrap();
            why = invariants::has_come_to_rest(&told, &self.cluster, &self.active().manager);
            rests = if why.is_ok() { rests + 1 } else { 0 };
            if rests == 3 {
                break;
            }
        }
        why.map_err(|why| format!("it does not come to rest: {why}"))?;
        let told = self.told.lock().unwrap();
        invariants::the_last_order_counts(&told)?;
        invariants::no_savepoint_is_lost(&told, &self.cluster, &self.active().manager)?;
        let files = fs::read_dir(self.site_of(self.active().is_second).folder.join("work")).map_or(0, Iterator::count);
        if files > 0 {
            return Err("files of runs stay on the node".to_owned());
        }
        told.is_as_it_was(&self.cluster)
    }
}
