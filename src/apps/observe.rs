//! Looks at a component's run: at YARN, at Flink's JobManager where there is one, and at HDFS for what a run left behind.
//! What does not answer is hidden, and says so; an address of a JobManager is read anew each time.
//! Not here: what follows from what is seen.

use crate::decide::attempt::{Found, Trail, Tried};
use crate::decide::{Archived, Job, Observed, Saved, Seen, Traces, Yarn};
use crate::journal::{self, Attempt, Component, Key, Run, Savepoint, Wanted};
use crate::submit::{Cluster, placeholder};
use crate::{archive, client};
use std::path::Path;
use systems::call::Caller;
use systems::hadoop::User;
use systems::jobmanager::{Archive, JobManager, JobOverview, Operation};
use systems::webhdfs::{self, WebHdfs};
use systems::yarn::{self, Application, FinalStatus, ResourceManager, State};
use words::ids::{HostPort, JobId};
use words::names::Word;

/// No path of a savepoint is longer.
const LONGEST_PATH: usize = 4096;
/// What Flink adds to a folder is shorter.
const LONGEST_PLACE: usize = 200;
/// So many of the newest folders are looked into for a state that is whole.
const MOST_STATES: usize = 50;
/// YARN's words for why something failed or waits, bounded.
const LONGEST_WORDS: usize = 2000;
const RESOURCE_MANAGER: &str = "the ResourceManager";

/// What YARN has said of a run when it was asked for many.
#[derive(Debug, Clone)]
pub enum Listed {
    /// Nothing: it is to be asked for this one.
    Ask,
    /// It does not answer.
    Hidden(String),
    /// This.
    Found(Box<Application>),
}

/// A component as the journal has it, with its application.
pub type Known<'a> = (&'a Key, &'a journal::Application, &'a Component);

/// Looks at runs.
pub struct Observer<'a> {
    /// YARN.
    pub yarn: &'a ResourceManager,
    /// HDFS, as the agent's own user.
    pub hdfs: &'a WebHdfs,
    /// What asks JobManagers.
    pub flink: &'a Caller,
    /// Where things lie in HDFS.
    pub cluster: &'a Cluster,
    /// Where Flink's own client has what is its on this node.
    pub clients: &'a Path,
}

impl Observer<'_> {
    /// Looks at one component. What was listed of it was so when the journal's last record had the number `as_of`.
    pub fn look(&self, as_of: u64, (of, application, component): Known<'_>, listed: Listed) -> Observed {
        if let Some(attempt) = &component.attempt {
            return Observed { as_of, yarn: Yarn::Tried(Box::new(self.tried(&application.owner, attempt))) };
        }
        let yarn = match (component.live(), listed) {
            (None, _) => Yarn::NoRun,
            (Some(_), Listed::Hidden(why)) => Yarn::Hidden { hop: RESOURCE_MANAGER, why },
            // A list may be older than the run.
            (Some(run), Listed::Found(found)) if found.id == run.id => {
                self.run((of, application, component), run, Ok(Some(*found)))
            }
            (Some(run), _) => self.run((of, application, component), run, self.yarn.application(&run.id)),
        };
        Observed { as_of, yarn }
    }

    /// What became of a submission by Flink's own client. What it left is looked at first: what it did until then YARN has.
    fn tried(&self, owner: &Word, attempt: &Attempt) -> Tried {
        let Some(begun) = &attempt.begun else {
            return Tried { found: Found::None, trail: Trail::None };
        };
        let trail = client::trail(&client::folder(self.clients, &begun.folder));
        let hidden = |error: yarn::Error| Found::Hidden { hop: RESOURCE_MANAGER, why: error.to_string() };
        let known = |application: Application| Found::Known {
            is_stored: !matches!(application.state, State::New | State::NewSaving | State::Submitted),
            id: application.id,
        };
        let by_id = match &trail {
            Trail::Ended { id: Some(id), .. } => self.yarn.application(id),
            Trail::Ended { id: None, .. } | Trail::Running | Trail::None => Ok(None),
        };
        let found = match by_id {
            Err(error) => hidden(error),
            Ok(Some(application)) => known(application),
            Ok(None) => match self.yarn.applications(attempt.tag.as_str(), &[]) {
                Err(error) => hidden(error),
                // Whoever may see a tag may use it.
                Ok(all) => all.into_iter().find(|one| one.user == owner.as_str()).map_or(Found::None, known),
            },
        };
        Tried { found, trail }
    }

    fn run(
        &self,
        (of, known, component): Known<'_>,
        run: &Run,
        found: Result<Option<Application>, systems::yarn::Error>,
    ) -> Yarn {
        let owner = &known.owner;
        match found {
            Err(error) => Yarn::Hidden { hop: RESOURCE_MANAGER, why: error.to_string() },
            Ok(None) => {
                // What was never sent leaves none.
                let traces = if run.accepted || !run.begun { Traces::None } else { self.traces(of, owner, run) };
                let ran = run.accepted || matches!(traces, Traces::Found(_));
                let archived = if ran { self.archived(owner, run) } else { Archived::None };
                let saved = component.pending().map_or(Saved::None, |pending| self.left(owner, pending));
                Yarn::Unknown { traces, saved, archived }
            }
            Ok(Some(application)) if !application.user.is_empty() && application.user != owner.as_str() => {
                Yarn::Foreign(application.user)
            }
            Ok(Some(application)) => {
                let had_master = match self.had_master(known, &application) {
                    Ok(had_master) => had_master,
                    Err(why) => return Yarn::Hidden { hop: RESOURCE_MANAGER, why },
                };
                let seen = self.seen(owner, component, application);
                Yarn::Known(Box::new(Seen { had_master, ..seen }))
            }
        }
    }

    /// Whether a JobManager of it ever started. Asked only where something depends on it: a stop, or where the next run begins.
    fn had_master(&self, known: &journal::Application, application: &Application) -> Result<bool, String> {
        let is_asked = matches!(known.wanted, Wanted::Stopped { save: true, .. });
        let here = application.am_host_http_address.is_some() || application.am_rpc_address.is_some();
        if here || application.state == State::Running || !(is_asked || application.state.is_final()) {
            return Ok(true);
        }
        let attempts = self.yarn.attempts(&application.id).map_err(|error| error.to_string())?;
        Ok(attempts.len() > 1 || attempts.iter().any(|attempt| attempt.node_http_address.is_some()))
    }

    fn seen(&self, owner: &Word, component: &Component, application: Application) -> Seen {
        let manager = manager(&application, self.flink);
        let job = match &manager {
            None => Job::None,
            Some(manager) => job(manager),
        };
        let saved = component.pending().map_or(Saved::None, |pending| match (application.state.is_final(), &manager) {
            (true, _) => self.left(owner, pending),
            (false, Some(manager)) => operation(manager, pending),
            (false, None) => Saved::Hidden("it has no address now".to_owned()),
        });
        let cause = component.live().filter(|_| has_failed(&application)).and_then(|run| self.cause(owner, run));
        let diagnostics = [cause.as_deref(), Some(application.diagnostics.trim())];
        let diagnostics =
            diagnostics.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
        let diagnostics = diagnostics.chars().take(LONGEST_WORDS).collect();
        let (attempt, master) = (application.attempt(), address(&application));
        let Application { state, final_status, queue, finished_ms, launched_ms, .. } = application;
        let ran_ms = finished_ms.zip(launched_ms).map(|(finished, launched)| finished.saturating_sub(launched));
        let is_placeholder = application.application_type.eq_ignore_ascii_case(placeholder::TYPE);
        Seen {
            state,
            final_status,
            diagnostics,
            queue,
            had_master: true,
            finished_ms,
            ran_ms,
            is_placeholder,
            job,
            saved,
            attempt,
            master,
        }
    }

    fn archives(&self, owner: &Word, run: &Run) -> Result<Vec<Archive>, webhdfs::Error> {
        archive::of_run(&self.hdfs.as_user(&User::simple(owner.as_str())), &self.cluster.archive, (owner, run))
    }

    /// Of a program that may run several jobs no archive of a job tells the end.
    fn archived(&self, owner: &Word, run: &Run) -> Archived {
        if run.job.is_none() {
            return Archived::None;
        }
        match self.archives(owner, run) {
            Ok(archives) => archive::end(&archives).map_or(Archived::None, Archived::Ended),
            Err(error) if error.is_passing() => Archived::Hidden(error.to_string()),
            // What its owner may not read, or made otherwise, tells nothing.
            Err(_) => Archived::None,
        }
    }

    /// Why a job failed, in Flink's words: YARN's are about processes. Without an archive nothing is lost but the words.
    fn cause(&self, owner: &Word, run: &Run) -> Option<String> {
        let archives = self.archives(owner, run).ok()?;
        archives.iter().find_map(|archive| Some(archive.failures(1)?.list.into_iter().next()?.cause))
    }

    /// The savepoint that lies in its folder, whoever can still tell of it.
    fn left(&self, owner: &Word, pending: &Savepoint) -> Saved {
        let hdfs = self.hdfs.as_user(&User::simple(owner.as_str()));
        match newest_state(&hdfs, &pending.folder) {
            Ok(Some((path, _))) => Saved::At(format!("{}{path}", self.cluster.filesystem)),
            Ok(None) => Saved::None,
            Err(error) => Saved::Hidden(error.to_string()),
        }
    }

    /// What a run leaves behind that YARN does not know any more: its job's checkpoints and archive, its logs.
    fn traces(&self, of: &Key, owner: &Word, run: &Run) -> Traces {
        let Cluster { archive, logs, .. } = self.cluster;
        let checkpoints = self.cluster.checkpoints_of(owner, of);
        let bucket =
            run.id.as_str().rsplit('_').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0) % 10_000;
        let job = |job: &JobId| [format!("{checkpoints}/{job}"), format!("{archive}/{job}")];
        let mut places: Vec<String> = run.job.iter().flat_map(job).collect();
        places.push(format!("{archive}/{}", archive::of_cluster(run.id.as_str())));
        let formats = ["tfile", "indexedfile"].into_iter();
        places.extend(formats.map(|format| format!("{logs}/{owner}/bucket-logs-{format}/{bucket:04}/{}", run.id)));
        let hdfs = self.hdfs.as_user(&User::simple(owner.as_str()));
        for place in places {
            match hdfs.status(&place) {
                Ok(Some(_)) => return Traces::Found(place),
                Ok(None) => {}
                Err(error) => return Traces::Hidden(error.to_string()),
            }
        }
        Traces::None
    }
}

fn has_failed(application: &Application) -> bool {
    let is_failed = application.state == State::Failed || application.final_status == FinalStatus::Failed;
    application.state.is_final() && is_failed
}

/// The JobManager of an application that runs.
pub fn manager(application: &Application, flink: &Caller) -> Option<JobManager> {
    Some(JobManager::through(flink.clone(), &address(application)?))
}

/// Its port is what the master itself told YARN. Its host is the node on which YARN runs it, whatever the master told: a job
/// leads nobody to another machine.
fn address(application: &Application) -> Option<HostPort> {
    let Application { am_rpc_address, am_host_http_address, .. } = application;
    let (told, node) = am_rpc_address.as_ref().zip(am_host_http_address.as_ref())?;
    let is_running = application.state == State::Running;
    is_running.then(|| HostPort { host: node.host.clone(), port: told.port })
}

/// The job that counts: one that is not over, else the last.
pub fn that_counts(jobs: &[JobOverview]) -> Option<&JobOverview> {
    jobs.iter().find(|job| !job.state.is_final()).or(jobs.last())
}

fn job(manager: &JobManager) -> Job {
    let jobs = match manager.jobs() {
        Ok(jobs) => jobs,
        Err(error) => return Job::Hidden(error.to_string()),
    };
    match that_counts(&jobs) {
        None => Job::None,
        Some(job) => Job::Known {
            id: job.id.clone(),
            state: job.state.to_string(),
            is_running: job.tasks.total > 0 && job.tasks.running + job.tasks.finished == job.tasks.total,
        },
    }
}

fn operation(manager: &JobManager, pending: &Savepoint) -> Saved {
    match manager.operation(&pending.job, &pending.id) {
        Err(error) => Saved::Hidden(error.to_string()),
        Ok(Operation::Unknown) => Saved::Unknown,
        Ok(Operation::InProgress) => Saved::InProgress,
        Ok(Operation::Completed { location }) if is_place(&location, &pending.folder) => Saved::At(location),
        Ok(Operation::Completed { .. }) => Saved::Failed("Flink says no usable place of it".to_owned()),
        // The job may go on. Where the next run begins, the folder is looked into.
        Ok(Operation::Failed { cause, saved: Some(path) }) => {
            Saved::Failed(format!("{cause}; a savepoint lies in {path}"))
        }
        Ok(Operation::Failed { cause, saved: None }) => Saved::Failed(cause.chars().take(LONGEST_WORDS).collect()),
    }
}

/// Whether a place is one below the folder that was asked for: who says so is a program of the owner's.
fn is_place(place: &str, folder: &str) -> bool {
    let below = place.split_once(folder).and_then(|(_, below)| below.strip_prefix('/'));
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    below.is_some_and(|below| below.len() <= LONGEST_PLACE && plain(below)) && place.len() <= LONGEST_PATH
}

/// The newest folder in a folder that is a whole savepoint or checkpoint, and when it became so: Flink writes its `_metadata`
/// last.
pub fn newest_state(hdfs: &WebHdfs, folder: &str) -> Result<Option<(String, u64)>, webhdfs::Error> {
    let mut found = hdfs.list(folder)?.unwrap_or_default();
    // What else its owner puts there is not looked into.
    let is_state = |name: &str| name.starts_with("chk-") || name.starts_with("savepoint-");
    found.retain(|status| status.is_folder() && is_state(&status.path_suffix));
    found.sort_by_key(|status| std::cmp::Reverse(status.modification_time));
    for status in found.into_iter().take(MOST_STATES) {
        let path = format!("{folder}/{}", status.path_suffix);
        if let Some(whole) = hdfs.status(&format!("{path}/_metadata"))? {
            return Ok(Some((path, whole.modification_time)));
        }
    }
    Ok(None)
}
