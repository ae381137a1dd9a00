//! Looks at jobs that run, once a minute each and one after the other in a thread of its own: three small questions to a
//! JobManager, a fourth for each new job, and every five minutes one to Graphite where it can be asked.
//! Not here: what follows from a look (`vitals`), and rounds, which wait for none of this.

use super::{Manager, lock};
use crate::arrival;
use crate::decide::{Job, Yarn};
use crate::journal::{Key, Run, State};
use crate::vitals::{Look, Vitals};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use systems::jobmanager::{Error, JobManager};
use words::application::Metrics;
use words::ids::{HostPort, JobId};
use words::names::Word;
use words::parallel::AtEnd;

/// From one look at a job to the next.
const INTERVAL: Duration = Duration::from_secs(60);
/// From one question to Graphite to the next.
const OF_GRAPHITE: Duration = Duration::from_secs(300);
/// From one look at what is due to the next.
const TICK: Duration = Duration::from_secs(1);

/// After so many JobManagers of one owner that do not answer, the others of his are left for the next time: each takes seconds.
const SILENT: usize = 3;

/// What is known of a job, and when it was looked at.
#[derive(Default, Clone)]
pub(super) struct Looked {
    at: Option<Duration>,
    graphite_at: Option<Duration>,
    pub(super) vitals: Option<Vitals>,
}

/// A job that is to be looked at.
struct Due {
    of: Key,
    master: HostPort,
    job: JobId,
    owner: Word,
}

impl Manager {
    /// Looks for ever.
    pub(super) fn look_at_jobs_for_ever(&self) {
        let _end = AtEnd(|| self.close());
        while !self.closed.load(Ordering::Acquire) {
            self.look_at_jobs();
            self.clock.sleep(TICK);
        }
    }

    /// Whether a look at the job of a run has found a checkpoint complete.
    pub(super) fn has_saved(&self, of: &Key, run: &Run) -> bool {
        let looked = lock(&self.looked_at);
        let vitals = looked.get(of).and_then(|looked| looked.vitals.as_ref());
        vitals.is_some_and(|vitals| run.job.as_ref() == Some(&vitals.job) && vitals.has_completed())
    }

    /// One look at each job of which the last one is old.
    pub fn look_at_jobs(&self) {
        let Ok(state) = self.state() else { return };
        let now = self.clock.passed();
        let mut graphite = self.site.graphite.as_deref();
        let mut silent: BTreeMap<Word, usize> = BTreeMap::new();
        for due in self.due(&state, now) {
            if self.closed.load(Ordering::Acquire) {
                return;
            }
            if silent.get(&due.owner).is_some_and(|count| *count >= SILENT) {
                continue;
            }
            // What is known stays so while somebody is asked.
            let known = lock(&self.looked_at).get(&due.of).cloned().unwrap_or_default();
            let looked = match self.look_at_job(&due, &known, now, &mut graphite) {
                Some(looked) => looked,
                None => {
                    *silent.entry(due.owner).or_default() += 1;
                    Looked { at: Some(now), ..known }
                }
            };
            lock(&self.looked_at).insert(due.of, looked);
        }
    }

    fn due(&self, state: &State, now: Duration) -> Vec<Due> {
        let mut running = BTreeMap::new();
        for (of, observed) in lock(&self.seen).iter() {
            let Yarn::Known(seen) = &observed.yarn else { continue };
            if let (Job::Known { id, .. }, Some(master)) = (&seen.job, &seen.master) {
                running.insert(of.clone(), (id.clone(), master.clone()));
            }
        }
        let mut looked = lock(&self.looked_at);
        let is_live = |of: &Key| super::rounds::component_of(state, of).is_some_and(|(_, one)| one.live().is_some());
        looked.retain(|of, _| is_live(of));
        let is_due = |of: &Key| {
            let at = looked.get(of).and_then(|looked| looked.at);
            is_live(of) && at.is_none_or(|at| at + INTERVAL <= now)
        };
        let due = running.into_iter().filter(|(of, _)| is_due(of));
        let owned = due.filter_map(|one| Some((super::rounds::component_of(state, &one.0)?.0.owner.clone(), one)));
        owned.map(|(owner, (of, (job, master)))| Due { of, master, job, owner }).collect()
    }

    /// None where it cannot be seen: it is as it was.
    fn look_at_job(&self, due: &Due, known: &Looked, now: Duration, graphite: &mut Option<&str>) -> Option<Looked> {
        let Looked { graphite_at, vitals, .. } = known.clone();
        let master = JobManager::through(self.network.flink.clone(), &due.master);
        let look = self.ask(&master, &due.job, vitals.as_ref()).ok()??;
        let is_asked = graphite.is_some() && graphite_at.is_none_or(|at| at + OF_GRAPHITE <= now);
        let began = look.job.started_ms.unwrap_or(look.at_ms);
        let metrics = is_asked.then(|| arrival::of(*graphite, &due.of, (began, look.at_ms)));
        // One that hangs holds this up once, not for each job.
        if metrics.as_ref().is_some_and(|metrics| metrics.hidden.is_some()) {
            *graphite = None;
        }
        let metrics = metrics.filter(|metrics: &Metrics| metrics.hidden.is_none());
        let vitals = Some(Vitals::after(vitals, Look { metrics, ..look }));
        Some(Looked { at: Some(now), graphite_at: if is_asked { Some(now) } else { graphite_at }, vitals })
    }

    fn ask(&self, master: &JobManager, id: &JobId, known: Option<&Vitals>) -> Result<Option<Look>, Error> {
        let Some(job) = master.job(id)? else { return Ok(None) };
        let known = known.filter(|known| known.job == *id);
        let interval_ms = known.map_or_else(|| master.checkpoint_interval(id), |known| Ok(known.interval_ms))?;
        // A job in batch mode has none to tell of.
        let checkpoints = interval_ms.map(|_| master.checkpoints(id)).transpose()?;
        let restarts = master.restarts(id)?;
        let at_ms = self.clock.now_ms();
        Ok(Some(Look { at_ms, job, interval_ms, checkpoints, restarts, metrics: None }))
    }
}
