//! From which state a run begins: the newest that there is of the same component, and which one that is.
//! Where a state was kept and is not there any more, nothing is guessed: the start fails and says what was looked for.
//! Not here: taking savepoints, and what Flink makes of a state.

use crate::journal::{Adopted, Component, Key, Origin, Outcome, Run, Verdict};
use crate::observe::newest_state;
use crate::savepoints::lies_in;
use crate::submit::Cluster;
use systems::webhdfs::{self, Status, WebHdfs};
use words::ids::JobId;
use words::names::Word;
use words::parallel;

/// Folders of jobs that are looked into at once,
const AT_ONCE: usize = 4;
/// and in all.
const MOST_JOBS: usize = 10_000;
/// The clock of the manager and that of HDFS are not further apart.
const CLOCKS_MS: u64 = 3_600_000;
/// So many savepoints of one run that nobody knows to be complete are looked for, the last ones.
const MOST_UNKNOWN: usize = 10;

/// Why nothing can be begun.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// HDFS does not answer.
    #[error("cannot look for the state of {of} in HDFS")]
    Hidden { of: Key, source: webhdfs::Error },
    /// It was there, or somebody says that it is.
    #[error(
        "there is no savepoint or checkpoint in {path}{}: name another with --from, or begin without state with --empty",
        if *.noted { ", where the journal says that one was kept" } else { "" }
    )]
    Gone { path: String, noted: bool },
    /// Not all of them are looked into.
    #[error(
        "{folder} has folders of {jobs} jobs, and {MOST_JOBS} are looked into: have housekeeping remove those of old runs"
    )]
    TooMany { folder: String, jobs: usize },
    /// An earlier release has not noted what there was before.
    #[error("whether {path} is of the last run or was there before is not known: name it or another state with --from")]
    Unsure { path: String },
}

impl Error {
    /// Whether the same may go well later by itself.
    pub fn is_passing(&self) -> bool {
        let is_denied = |source: &webhdfs::Error| matches!(source, webhdfs::Error::Refused { kind, .. } if kind == "AccessControlException");
        matches!(self, Error::Hidden { source, .. } if !is_denied(source))
    }
}

/// Chooses. `hdfs` asks as the application's owner, for his job will have to read it.
pub fn choose(
    hdfs: &WebHdfs,
    cluster: &Cluster,
    (owner, of): (&Word, &Key),
    component: &Component,
    (origin, first): (&Origin, Option<&str>),
) -> Result<Option<String>, Error> {
    match origin {
        Origin::Empty => Ok(None),
        Origin::Path(path) if !is_another_s(cluster, (owner, of), path) => {
            Ok(Some(there(hdfs, cluster, of, path, false)?.0))
        }
        Origin::Path(_) | Origin::Newest if component.last_that_ran().is_none() => {
            let first = component.forked.as_deref().or(first);
            first.map(|path| Ok(there(hdfs, cluster, of, path, false)?.0)).transpose()
        }
        Origin::Path(_) | Origin::Newest => newest(hdfs, cluster, (owner, of), component),
    }
}

fn newest(
    hdfs: &WebHdfs,
    cluster: &Cluster,
    (owner, of): (&Word, &Key),
    component: &Component,
) -> Result<Option<String>, Error> {
    let Some(run) = component.last_that_ran() else { return Ok(None) };
    if let Some(path) = saved(component, run) {
        return Ok(Some(there(hdfs, cluster, of, path, true)?.0));
    }
    // Where it keeps its checkpoints is not known: an older savepoint is not the newest state.
    if let Some(Adopted { states: None }) = &run.adopted {
        return Err(Error::Gone { path: format!("the folders of {}, which was adopted", run.id), noted: false });
    }
    let hidden = |source| Error::Hidden { of: of.clone(), source };
    let folder = run.checkpoints.clone().unwrap_or_else(|| cluster.checkpoints_of(owner, of));
    let kept = checkpoint(hdfs, (&folder, &hidden), run)?;
    let whole = |(path, at_ms): (String, u64)| (format!("{}{path}", cluster.filesystem), at_ms);
    let mut states: Vec<(String, u64)> = kept.map(whole).into_iter().collect();
    // That there was a state stays known, although somebody has had it removed.
    let lost = lost(run).map(|job| format!("{folder}/{job}"));
    let gone = removed(component, run).map(str::to_owned).or(lost);
    let mut gone = gone.map(|path| Error::Gone { path, noted: true });
    let of_run = component.savepoints.iter().rev().filter(|one| one.run == run.id && !component.is_disposed(&one.id));
    let mut unknown = 0;
    for savepoint in of_run {
        match &savepoint.outcome {
            Outcome::Completed(path) => match there(hdfs, cluster, of, path, true) {
                // Those before it are older.
                Ok(found) => {
                    states.push(found);
                    break;
                }
                // One that somebody has removed is none where there is another.
                Err(error @ Error::Gone { .. }) => gone = Some(error),
                Err(error) => return Err(error),
            },
            // Flink may have completed it all the same, and nobody heard of it.
            Outcome::Failed(_) | Outcome::Pending if unknown < MOST_UNKNOWN => {
                unknown += 1;
                states.extend(newest_state(hdfs, &savepoint.folder).map_err(hidden)?.map(whole));
            }
            Outcome::Failed(_) | Outcome::Pending => {}
        }
    }
    // Which of them is the newest, the times in HDFS say.
    let restore = run.restore.as_ref().filter(|path| !is_removed(component, path));
    match (states.into_iter().max_by_key(|(_, at_ms)| *at_ms), gone, restore) {
        (Some((path, _)), ..) => Ok(Some(path)),
        (None, Some(gone), _) => Err(gone),
        // It took no state of its own: what it began from is still the newest.
        (None, None, Some(path)) => Ok(Some(there(hdfs, cluster, of, path, true)?.0)),
        // Whether it had any, whoever submitted it knows.
        (None, None, None) => match run.adopted.as_ref().and_then(|adopted| adopted.states.clone()) {
            Some(path) => Err(Error::Gone { path, noted: false }),
            None => Ok(None),
        },
    }
}

/// The newest checkpoint of a run, whose jobs keep theirs in a folder unless somebody else submitted it.
fn checkpoint(
    hdfs: &WebHdfs,
    (all, hidden): (&str, &impl Fn(webhdfs::Error) -> Error),
    run: &Run,
) -> Result<Option<(String, u64)>, Error> {
    let newest = match (&run.adopted, &run.job) {
        (Some(Adopted { states }), _) => states.as_ref().map_or(Ok(None), |folder| newest_state(hdfs, folder)),
        (None, Some(job)) => newest_state(hdfs, &format!("{all}/{job}")),
        (None, None) => return newest_of_several(hdfs, (all, hidden), run),
    };
    newest.map_err(hidden)
}

/// The same of a program that may run several jobs: the newest of any of this run.
fn newest_of_several(
    hdfs: &WebHdfs,
    (all, hidden): (&str, &impl Fn(webhdfs::Error) -> Error),
    run: &Run,
) -> Result<Option<(String, u64)>, Error> {
    if let Some(before) = run.states_ms {
        let newest = newest_of_jobs(hdfs, (all, hidden), before)?;
        return Ok(newest.filter(|(_, at_ms)| *at_ms > before));
    }
    // An earlier release noted none. The record's own time is of another clock.
    let newest = newest_of_jobs(hdfs, (all, hidden), 0)?;
    match newest {
        Some((path, at_ms)) if at_ms.abs_diff(run.at_ms) < CLOCKS_MS => Err(Error::Unsure { path }),
        newest => Ok(newest.filter(|(_, at_ms)| *at_ms > run.at_ms)),
    }
}

/// How new the newest state of a component's jobs is, by the clock of HDFS; 0 where there is none. What its next run makes is
/// newer.
pub fn newest_before(hdfs: &WebHdfs, cluster: &Cluster, (owner, of): (&Word, &Key)) -> Result<u64, Error> {
    let hidden = |source| Error::Hidden { of: of.clone(), source };
    let newest = newest_of_jobs(hdfs, (&cluster.checkpoints_of(owner, of), &hidden), 0)?;
    Ok(newest.map_or(0, |(_, at_ms)| at_ms))
}

/// The newest state in the folders of all jobs that changed since a moment. The folder of a job changes when a state in it is
/// begun, not when it becomes whole: so the one that changed last need not have it.
fn newest_of_jobs(
    hdfs: &WebHdfs,
    (folder, hidden): (&str, &impl Fn(webhdfs::Error) -> Error),
    since_ms: u64,
) -> Result<Option<(String, u64)>, Error> {
    let mut jobs = hdfs.list(folder).map_err(hidden)?.unwrap_or_default();
    jobs.retain(|job| job.is_folder() && job.modification_time >= since_ms);
    if jobs.len() > MOST_JOBS {
        return Err(Error::TooMany { folder: folder.to_owned(), jobs: jobs.len() });
    }
    let of = |job: Status| newest_state(hdfs, &format!("{folder}/{}", job.path_suffix));
    let states = parallel::try_each(AT_ONCE, jobs, of).map_err(hidden)?;
    Ok(states.into_iter().flatten().max_by_key(|(_, at_ms)| *at_ms))
}

/// The savepoint with which a run stopped.
fn saved<'a>(component: &'a Component, run: &Run) -> Option<&'a str> {
    let of_run = component.savepoints.iter().rev().filter(|one| one.run == run.id && !one.goes_on);
    of_run.filter(|one| !component.is_disposed(&one.id)).find_map(|savepoint| savepoint.path())
}

/// The job of a run that had completed a checkpoint and did not come to its own end, with which Flink removes them.
fn lost(run: &Run) -> Option<&JobId> {
    let end = run.end.as_ref().filter(|end| end.had_state && end.verdict != Verdict::Succeeded)?;
    run.job.as_ref().filter(|_| !end.never_ran)
}

/// The last state of a run that was removed, or is being removed.
fn removed<'a>(component: &'a Component, run: &Run) -> Option<&'a str> {
    let going = component.savepoints.iter().rev().filter(|one| one.run == run.id && component.is_disposed(&one.id));
    let gone = component.disposed.as_ref().filter(|disposed| disposed.run == run.id);
    going.filter_map(|one| one.path()).next().or(gone.map(|disposed| disposed.path.as_str()))
}

fn is_removed(component: &Component, path: &str) -> bool {
    component.disposals.iter().any(|disposal| lies_in(path, &disposal.folder))
}

/// Whether a state is of another component of the same application: what is named for that one is not for all.
fn is_another_s(cluster: &Cluster, (owner, of): (&Word, &Key), path: &str) -> bool {
    [&cluster.savepoints, &cluster.checkpoints].into_iter().any(|all| {
        let application = format!("{all}/{owner}/{}", of.application);
        lies_in(path, &application) && !lies_in(path, &format!("{application}/{}", of.component))
    })
}

/// A path whose metadata can be read, and since when they are there; other file systems than the cluster's own are Flink's to
/// look into.
fn there(hdfs: &WebHdfs, cluster: &Cluster, of: &Key, path: &str, noted: bool) -> Result<(String, u64), Error> {
    let local = match path.strip_prefix(cluster.filesystem.as_str()).filter(|local| local.starts_with('/')) {
        Some(local) => local,
        None if path.starts_with('/') => path,
        None if path.contains("://") => return Ok((path.to_owned(), 0)),
        None => return Err(Error::Gone { path: path.to_owned(), noted }),
    };
    // One state has one path, by which it is known again.
    let local = local.trim_end_matches('/');
    if !local.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")) {
        return Err(Error::Gone { path: path.to_owned(), noted });
    }
    let found = hdfs.status(&format!("{local}/_metadata"));
    match found.map_err(|source| Error::Hidden { of: of.clone(), source })? {
        Some(whole) => Ok((format!("{}{local}", cluster.filesystem), whole.modification_time)),
        None => Err(Error::Gone { path: path.to_owned(), noted }),
    }
}
