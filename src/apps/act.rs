//! The acts: submitting, killing, asking for a savepoint. Nothing else in the program does any of these, and each is done only
//! after the journal has it. What an act brought about is not believed from its answer but observed.
//! Not here: what is to be done.

use crate::housekeeping::Places;
use crate::journal::{Key, Leaving, Rescaling, Run, Savepoint, fresh_id};
use crate::observe::manager;
use crate::submit::{self, Cluster, Configuration, Distribution, Job, Refused, Resource};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};
use systems::call::Caller;
use systems::hadoop::User;
use systems::jobmanager::{self, JobManager, SavepointRequest, StopRequest};
use systems::oozie::{self, Oozie, Verb};
use systems::webhdfs::{self, Status, WebHdfs};
use systems::yarn::{self, NewApplication, ResourceManager};
use systems::zookeeper::{self, Place};
use words::housekeeping::Kind;
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::Word;
use words::parallel;

/// Files that are sent to HDFS at once.
const AT_ONCE: usize = 4;
/// So long a server of ZooKeeper may take for one answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why an act did not succeed, as far as that is known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is refused before anything is sent.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A file of the component is gone from this machine.
    #[error("cannot read {}", file.display())]
    Read { file: PathBuf, source: io::Error },
    /// HDFS does not take what YARN must find there.
    #[error("HDFS does not take the files of {of}")]
    Hdfs { of: Key, source: webhdfs::Error },
    /// YARN.
    #[error(transparent)]
    Yarn(#[from] yarn::Error),
    /// The JobManager does not take the request, or nobody knows whether it did.
    #[error("the JobManager of {id} does not take the request", id = .run.0)]
    JobManager { run: (words::ids::ApplicationId,), source: jobmanager::Error },
    /// What is to be removed is not the component's.
    #[error("{folder} stays: it does not lie in the folder of savepoints of {of}")]
    Elsewhere { of: Key, folder: String },
    /// What is to be removed is not what its kind is.
    #[error("{path} stays: it does not lie where such things lie")]
    Strange { path: String },
    /// HDFS does not remove it.
    #[error("HDFS does not remove {path}")]
    Removal { path: String, source: webhdfs::Error },
    /// ZooKeeper does not remove it.
    #[error(transparent)]
    ZooKeeper(#[from] zookeeper::Error),
    /// There is no JobManager to ask.
    #[error("the application {0} has no JobManager now")]
    NoJobManager(words::ids::ApplicationId),
}

impl Error {
    /// Whether trying again can never help.
    pub fn is_final(&self) -> bool {
        match self {
            Error::Refused(_) => true,
            Error::Yarn(error) => matches!(error, yarn::Error::Refused { status: 400 | 403, .. }),
            // A quota that is used up, or a NameNode's trouble of its own, passes.
            Error::Hdfs { source, .. } => {
                matches!(source, webhdfs::Error::Refused { kind, .. } if kind == "AccessControlException")
            }
            Error::Strange { .. } => true,
            Error::ZooKeeper(error) => !error.is_passing(),
            Error::Removal { source, .. } => !source.is_passing() && matches!(source, webhdfs::Error::Refused { .. }),
            _ => false,
        }
    }
}

/// What acts.
pub struct Hands<'a> {
    /// YARN.
    pub yarn: &'a ResourceManager,
    /// HDFS, as the agent's own user.
    pub hdfs: &'a WebHdfs,
    /// What asks JobManagers.
    pub flink: &'a Caller,
    /// The cluster's facts.
    pub cluster: &'a Cluster,
}

/// A run with its files.
pub struct Shipment<'a> {
    /// Under which id.
    pub id: &'a ApplicationId,
    /// What runs.
    pub job: &'a Job,
    /// On which Flink.
    pub flink: &'a Distribution,
    /// With which configuration.
    pub configuration: &'a Configuration,
    /// What goes into its containers beside Flink.
    pub files: Vec<Part>,
}

/// A file on this machine that goes into the containers of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place in the container, or the folder that it is unpacked into.
    pub key: String,
    /// The file.
    pub file: PathBuf,
    /// Whether it is unpacked.
    pub is_archive: bool,
}

impl Hands<'_> {
    /// An id that nobody else has. One that is never used costs nothing.
    pub fn reserve(&self, owner: &Word) -> Result<NewApplication, yarn::Error> {
        self.yarn.new_application(&User::simple(owner.as_str()))
    }

    /// Brings the files of a run to HDFS; gives what YARN is to get.
    pub fn prepare(&self, shipment: Shipment<'_>) -> Result<Value, Error> {
        let (job, user) = (shipment.job, User::simple(shipment.job.owner.as_str()));
        let own = self.ship(&shipment, &self.hdfs.as_user(&user))?;
        Ok(submit::context(self.cluster, shipment.flink, (job, shipment.id), shipment.configuration, &own)?)
    }

    /// Submits a run under its id. YARN takes a known id without effect.
    pub fn submit(&self, owner: &Word, context: &Value) -> Result<(), Error> {
        Ok(self.yarn.submit(&User::simple(owner.as_str()), context)?)
    }

    /// Sends the files, as the owner and readable by him alone, and learns how HDFS has them. Each try has a folder of its
    /// own: YARN refuses a file that was written again after it was submitted, and an earlier try may have come through.
    fn ship(&self, shipment: &Shipment<'_>, hdfs: &WebHdfs) -> Result<Vec<Resource>, Error> {
        let (job, staging) = (shipment.job, submit::staging(&shipment.job.owner, shipment.id));
        let place = format!("{staging}/{:.8}", fresh_id());
        let failed = |source| Error::Hdfs { of: job.of.clone(), source };
        hdfs.make_folder(&staging, "700").map_err(failed)?;
        hdfs.make_folder(&place, "700").map_err(failed)?;
        let name = shipment.flink.version.configuration_file().name().to_owned();
        let text = shipment.configuration.text();
        let path = format!("{place}/{name}");
        hdfs.write(&path, "600", text.len() as u64, &mut text.as_bytes()).map_err(failed)?;
        let sent = parallel::try_each(AT_ONCE, shipment.files.clone(), |Part { key, file, is_archive }| {
            let read = |source| Error::Read { file: file.clone(), source };
            let path = match file.file_name().and_then(|name| name.to_str()) {
                // YARN sees by the name how it is packed.
                Some(name) if is_archive => format!("{place}/{key}/{name}"),
                _ => format!("{place}/{key}"),
            };
            let (size, mut bytes) = (fs::metadata(&file).map_err(read)?.len(), File::open(&file).map_err(read)?);
            hdfs.write(&path, "600", size, &mut bytes).map_err(failed)?;
            Ok::<_, Error>((key, path, is_archive))
        })?;
        let all: Vec<_> = sent.into_iter().chain([(name, path, false)]).collect();
        as_they_lie(hdfs, all).map_err(failed)
    }

    /// Ends a run without a savepoint.
    pub fn kill(&self, owner: &Word, run: &Run) -> Result<(), Error> {
        self.kill_application(owner, &run.id)
    }

    /// Ends an application of YARN.
    pub fn kill_application(&self, owner: &Word, id: &ApplicationId) -> Result<(), Error> {
        Ok(self.yarn.kill(&User::simple(owner.as_str()), id)?)
    }

    /// Brings the files of a job of Oozie's to its folder, as the owner; its actions run as him, too.
    pub fn ship_workflow(&self, of: &Key, owner: &Word, folder: &str, parts: Vec<Part>) -> Result<(), Error> {
        let hdfs = self.hdfs.as_user(&User::simple(owner.as_str()));
        let failed = |source| Error::Hdfs { of: of.clone(), source };
        hdfs.make_folder(folder, "700").map_err(failed)?;
        let sent = parallel::try_each(AT_ONCE, parts, |Part { key, file, .. }| {
            let read = |source| Error::Read { file: file.clone(), source };
            let (size, mut bytes) = (fs::metadata(&file).map_err(read)?.len(), File::open(&file).map_err(read)?);
            hdfs.write(&format!("{folder}/{key}"), "600", size, &mut bytes).map_err(failed)
        })?;
        drop(sent);
        Ok(())
    }

    /// Submits a job to Oozie. Twice is two jobs.
    pub fn submit_workflow(
        &self,
        oozie: &Oozie,
        owner: &Word,
        configuration: &BTreeMap<String, String>,
    ) -> Result<oozie::JobId, oozie::Error> {
        oozie.submit(&User::simple(owner.as_str()), configuration)
    }

    /// Has Oozie do something with a job.
    pub fn tell(&self, oozie: &Oozie, owner: &Word, (id, verb): (&oozie::JobId, Verb)) -> Result<(), oozie::Error> {
        oozie.tell(&User::simple(owner.as_str()), id, verb)
    }

    /// Removes the folder of a job of Oozie's: what would begin from it comes to nothing.
    pub fn withdraw(&self, owner: &Word, folder: &str) -> Result<(), webhdfs::Error> {
        self.hdfs.as_user(&User::simple(owner.as_str())).delete(folder)
    }

    /// Removes what was sent for a run that is over: Flink does it only where it ended by itself.
    pub fn clean(&self, owner: &Word, run: &Run) -> Result<(), webhdfs::Error> {
        self.hdfs.as_user(&User::simple(owner.as_str())).delete(&submit::staging(owner, &run.id))
    }

    /// Makes the folder of a savepoint, as the owner, whose job writes into it.
    pub fn make_savepoint_folder(&self, of: &Key, owner: &Word, folder: &str) -> Result<(), Error> {
        let failed = |source| Error::Hdfs { of: of.clone(), source };
        self.hdfs.as_user(&User::simple(owner.as_str())).make_folder(folder, "750").map_err(failed)
    }

    /// Makes the folders that a component wants to have, as its owner. Those that are there stay as they are.
    pub fn make_folders(&self, of: &Key, owner: &Word, folders: &[String]) -> Result<(), Error> {
        let hdfs = self.hdfs.as_user(&User::simple(owner.as_str()));
        let made = folders.iter().try_for_each(|folder| match hdfs.status(folder)? {
            Some(_) => Ok(()),
            None => hdfs.make_folder(folder, "750"),
        });
        made.map_err(|source| Error::Hdfs { of: of.clone(), source })
    }

    /// Removes a savepoint with its folder, as the owner, and nothing that lies elsewhere than in his component's folder.
    pub fn dispose(&self, of: &Key, owner: &Word, folder: &str) -> Result<(), Error> {
        if !is_own(&self.cluster.savepoints_of(owner, of), folder) {
            return Err(Error::Elsewhere { of: of.clone(), folder: folder.to_owned() });
        }
        let failed = |source| Error::Hdfs { of: of.clone(), source };
        self.hdfs.as_user(&User::simple(owner.as_str())).delete(folder).map_err(failed)
    }

    /// Removes what nobody needs, as whose it is, where it is still as it was when that was decided. Gives whether it is gone.
    pub fn remove(&self, places: &Places, one: &Leaving) -> Result<bool, Error> {
        let path = &one.path;
        if !places.are_of(one.kind, &one.owner, path) {
            return Err(Error::Strange { path: path.clone() });
        }
        if one.kind == Kind::Znode {
            let place = Place::parse(path).ok_or_else(|| Error::Strange { path: path.clone() })?;
            return Ok(place.remove(one.at_ms, PATIENCE)?);
        }
        let failed = |source| Error::Removal { path: path.clone(), source };
        let hdfs = self.hdfs.as_user(&User::simple(&one.owner));
        let Some(found) = hdfs.status(path).map_err(failed)? else { return Ok(true) };
        let changed = match one.kind {
            // Somebody may have put more into it than is looked through.
            Kind::Temporary => match hdfs.changed(path) {
                Err(error) if !error.is_passing() => None,
                changed => changed.map_err(failed)?,
            },
            _ => Some(found.modification_time),
        };
        match changed == Some(one.at_ms) && found.owner == one.owner {
            true => hdfs.delete(path).map(|()| true).map_err(failed),
            false => Ok(false),
        }
    }

    /// Has a job take a checkpoint. Under one id Flink takes one, however often it is asked.
    pub fn checkpoint(&self, run: &Run, job: &JobId, id: &TriggerId) -> Result<(), Error> {
        let asked = self.master(run)?.checkpoint(job, id);
        asked.map_err(|source| Error::JobManager { run: (run.id.clone(),), source })
    }

    /// Has a job go on with another parallelism. The same once more is without effect. Gives whether it has such steps.
    pub fn rescale(&self, run: &Run, job: &JobId, Rescaling { from, to, .. }: &Rescaling) -> Result<bool, Error> {
        let asked = self.master(run)?.rescale(job, *from, *to);
        asked.map_err(|source| Error::JobManager { run: (run.id.clone(),), source })
    }

    fn master(&self, run: &Run) -> Result<JobManager, Error> {
        let application = self.yarn.application(&run.id)?.ok_or_else(|| Error::NoJobManager(run.id.clone()))?;
        manager(&application, self.flink).ok_or_else(|| Error::NoJobManager(run.id.clone()))
    }

    /// Has a job saved, with which it stops or goes on. Under one id Flink takes one, however often it is asked.
    pub fn save(&self, run: &Run, savepoint: &Savepoint) -> Result<(), Error> {
        let manager = self.master(run)?;
        let target_directory = Some(format!("{}{}", self.cluster.filesystem, savepoint.folder));
        let trigger_id = Some(savepoint.id.clone());
        let asked = match savepoint.goes_on {
            true => manager.savepoint(&savepoint.job, &SavepointRequest { target_directory, trigger_id }),
            false => {
                let request = StopRequest { target_directory, drain: savepoint.drain, trigger_id };
                manager.stop(&savepoint.job, &request)
            }
        };
        asked.map(drop).map_err(|source| Error::JobManager { run: (run.id.clone(),), source })
    }
}

/// Whether a folder is one of savepoints of a component: in its folder, or in one below that.
pub(crate) fn is_own(all: &str, folder: &str) -> bool {
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let below = folder.strip_prefix(all).and_then(|below| below.strip_prefix('/'));
    below.is_some_and(|below| below.split('/').count() <= 2 && below.split('/').all(plain))
}

/// Files as HDFS has them, by key and path: each folder is listed once.
fn as_they_lie(hdfs: &WebHdfs, all: Vec<(String, String, bool)>) -> Result<Vec<Resource>, webhdfs::Error> {
    let folders: BTreeSet<&str> = all.iter().filter_map(|(_, path, _)| Some(path.rsplit_once('/')?.0)).collect();
    let listed = parallel::try_each(AT_ONCE, folders, |folder| {
        let list = hdfs.list(folder)?.unwrap_or_default().into_iter();
        Ok(list.map(|status| (format!("{folder}/{}", status.path_suffix), status)).collect::<Vec<_>>())
    })?;
    let found: BTreeMap<String, Status> = listed.into_iter().flatten().collect();
    let resource = |(key, path, is_archive): (String, String, bool)| {
        let Some(status) = found.get(&path) else { return Err(webhdfs::Error::Declined { verb: "find", path }) };
        let (size, time_ms) = (status.length, status.modification_time);
        Ok(Resource { key, path, size, time_ms, is_public: false, is_archive })
    };
    all.into_iter().map(resource).collect()
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_what_lies_in_the_folder_of_a_component_is_removed() {
        let own = |folder| is_own("/s/alice/a/c", folder);
        assert!(own("/s/alice/a/c/0a1b") && own("/s/alice/a/c/0a1b/savepoint-1") && own("/s/alice/a/c/savepoint-2"));
        for other in [
            "/s/alice/a/c",
            "/s/alice/a/c/",
            "/s/alice/a/c/..",
            "/s/alice/a/c/../d",
            "/s/alice/a/c/x/../y",
            "/s/alice/a/c//x",
            "/s/alice/a/c/x/y/z",
            "/s/alice/a/cd",
            "/s/alice/a/d/x",
            "/",
            "",
        ] {
            assert!(!own(other), "{other}");
        }
    }
}
