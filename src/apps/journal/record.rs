//! The journal's records: numbered facts about packages and applications, each written before what it speaks of is done.
//! The format outlives releases: `format` tells it, and a frozen sample of each is read by a test.
//! Not here: where records lie, and what follows from them (`state`).

use super::cleaning::{Cleaning, Stayed};
use super::rescaling::Rescaling;
use super::upgrade::{TrialFact, UpgradeFact};
use super::workflow::WorkflowFact;
use crate::respawn::Policy;
use crate::saving::Saving;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use words::digest::Sha256;
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::{ApplicationName, ComponentName, PackageName, Word};

/// The format that is written, and the newest that is read. From 2 on a submission begins with a record of its own; 3 has more
/// kinds of records.
pub const FORMAT: u32 = 4;

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format: 1 to 3.
    pub format: u32,
    /// Its number, from 1 on and without a gap.
    pub number: u64,
    /// By which the writer knows its own record again when the answer to its writing was lost.
    pub nonce: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who asked for it: a user, or the agent itself.
    pub by: Word,
    /// What is so from now on.
    pub fact: Fact,
}

/// A component of an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The application.
    pub application: ApplicationName,
    /// The component in its package.
    pub component: ComponentName,
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.application, self.component)
    }
}

/// From which state a run begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The newest state that there is; empty if there never was one.
    Newest,
    /// Empty, although there is state.
    Empty,
    /// This savepoint or checkpoint.
    Path(String),
}

/// What is so from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fact {
    /// A package may be used.
    PackageDeployed { package: PackageName, sha256: Sha256, size: u64 },
    /// It may not any more.
    PackageUndeployed {
        package: PackageName,
        /// Why, where housekeeping did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// An application of a package; nothing of it runs.
    ApplicationCreated {
        application: ApplicationName,
        package: PackageName,
        owner: Word,
        overrides: Value,
        components: Vec<ComponentName>,
        /// Those that Oozie runs.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        workflows: Vec<ComponentName>,
        /// Where its first run begins, where that is a state of another application.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        forked: Option<Fork>,
    },
    /// All its components shall run.
    StartOrdered { application: ApplicationName, origin: Origin },
    /// None shall run; `save`: only after a savepoint; `drain`: for good, with all windows closed before it.
    StopOrdered {
        application: ApplicationName,
        save: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drain: bool,
    },
    /// It shall end, without a savepoint, and be forgotten.
    DeleteOrdered { application: ApplicationName },
    /// It is forgotten.
    ApplicationDeleted { application: ApplicationName },
    /// When runs of a component begin, from the next start on; none: with the start.
    ScheduleSet { of: Key, schedule: Option<Schedule> },
    /// A component cannot be started; the order is over.
    StartFailed { of: Key, why: String },
    /// A component will be submitted under this id. In format 1 it may come to run at any time from here on.
    RunIntended {
        of: Key,
        id: ApplicationId,
        #[serde(flatten)]
        intent: Intent,
    },
    /// A component will be submitted by Flink's own client, which chooses the id; its application will have this tag.
    ClientIntended {
        of: Key,
        tag: Word,
        #[serde(flatten)]
        intent: Intent,
    },
    /// The client is started now; from here on its application may come to run at any time.
    /// Its files lie in a folder of this name on its node.
    ClientBegun { of: Key, tag: Word, folder: Word },
    /// Its application has this id, whether YARN has it already or not.
    ClientFound {
        of: Key,
        tag: Word,
        id: ApplicationId,
        /// YARN did not have it when the client had ended, and said this: it is tried again once the id is occupied.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// It has submitted nothing, or nobody waits for it any more.
    ClientEnded {
        of: Key,
        tag: Word,
        why: String,
        /// It was to run, and is tried again after a while.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// Its files are in HDFS, and the request to YARN leaves now; from here on it may come to run at any time.
    SubmissionBegun { of: Key, id: ApplicationId },
    /// A component goes on with an application of YARN that somebody else submitted, and which runs.
    RunAdopted {
        of: Key,
        id: ApplicationId,
        #[serde(flatten)]
        intent: Intent,
        /// The folder in HDFS in which its job keeps its checkpoints, if it keeps any there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        states: Option<String>,
        /// The savepoint that is taken of it at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        savepoint: Option<TriggerId>,
    },
    /// A component that ended by itself cannot be started again; the order goes on for the others.
    RespawnFailed { of: Key, why: String },
    /// YARN knows the id; as the run, or as the placeholder that took it.
    RunAccepted {
        of: Key,
        id: ApplicationId,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_placeholder: bool,
    },
    /// It is over.
    RunEnded { of: Key, id: ApplicationId, end: End },
    /// A savepoint of each component that runs shall be taken; they go on.
    SavepointOrdered {
        application: ApplicationName,
        /// The ids under which they are taken, as whoever ordered them was told.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        ids: BTreeMap<ComponentName, TriggerId>,
    },
    /// A savepoint is about to be asked for under this id, after which the job stops; or goes on.
    SavepointIntended {
        of: Key,
        id: TriggerId,
        run: ApplicationId,
        job: JobId,
        folder: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        goes_on: bool,
        /// Nobody ordered it: it was time.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        periodic: bool,
        /// All windows are closed before it, for the job ends for good.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drain: bool,
    },
    /// It is complete.
    SavepointCompleted { of: Key, id: TriggerId, path: String },
    /// There is none. The job goes on, and the order to stop is over; unless the job is.
    SavepointFailed {
        of: Key,
        id: TriggerId,
        why: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_over: bool,
    },
    /// A savepoint of a component shall be removed with its files, which lie in this folder with nothing else.
    DisposalOrdered { of: Key, id: TriggerId, folder: String },
    /// Its files are gone.
    SavepointDisposed { of: Key, id: TriggerId },
    /// The next run of a component begins from this state in HDFS, wherever it comes from.
    StateAdopted { of: Key, path: String },
    /// Of an upgrade.
    Upgrade { application: ApplicationName, step: UpgradeFact },
    /// Of a component of a new version.
    Trial { of: Key, step: TrialFact },
    /// Of a job of Oozie's, which has this token.
    Workflow { of: Key, token: Word, step: WorkflowFact },
    /// What nobody needs any more shall be removed, as far as it is still as it was.
    CleaningOrdered(Cleaning),
    /// That is done: so much is gone.
    CleaningEnded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        application: Option<ApplicationName>,
        /// The number of the order's record.
        order: u64,
        removed: usize,
        /// What is still there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stayed: Vec<Stayed>,
    },
    /// A run is killed that was to be saved, for no job of it ever ran: from here on it does not go on, whatever is ordered.
    KillIntended { of: Key, id: ApplicationId },
    /// Jobs that go on shall have another parallelism, which stays with the application.
    RescaleOrdered { application: ApplicationName, overrides: Value, components: BTreeMap<ComponentName, Rescaling> },
    /// Flink has taken that; or has not, and why.
    RescaleEnded {
        of: Key,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// The states of another application from which the first run of each component begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The application.
    pub of: ApplicationName,
    /// By component.
    pub states: BTreeMap<ComponentName, String>,
}

/// What a run will be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The order that it follows: the number of its record.
    pub order: u64,
    /// The queue that is asked for.
    pub queue: Option<Word>,
    /// The id of its job, where it has one job that we name.
    pub job: Option<JobId>,
    /// The savepoint or checkpoint that it begins from.
    pub restore: Option<String>,
    /// What follows when it ends by itself.
    #[serde(default, skip_serializing_if = "Policy::is_none")]
    pub policy: Policy,
    /// The time of its schedule that it is for, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<u64>,
    /// The package that it is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// When a savepoint of it is taken by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<Saving>,
    /// How new the newest state of its component was before it, by the clock of HDFS, in milliseconds since 1970: where its
    /// jobs have ids of their own, what is newer is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states_ms: Option<u64>,
    /// The folder in HDFS for the checkpoints of its component: the site may have another one by the time that it is looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The verdict.
    pub verdict: Verdict,
    /// YARN's words, bounded.
    pub diagnostics: String,
    /// When, in milliseconds since 1970, if YARN says so.
    pub at_ms: Option<u64>,
    /// How long its master was there, in milliseconds, if YARN says so: waiting for room is not running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran_ms: Option<u64>,
    /// It ended before it had a JobManager.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_ran: bool,
    /// A checkpoint of it was seen complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub had_state: bool,
}

impl End {
    /// One of which nothing more is known.
    pub fn of(verdict: Verdict, diagnostics: impl Into<String>) -> End {
        End { verdict, diagnostics: diagnostics.into(), at_ms: None, ran_ms: None, never_ran: false, had_state: false }
    }
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its job finished, or stopped after a savepoint.
    Succeeded,
    /// Its job failed, or YARN had no more attempts for it.
    Failed,
    /// Its job was cancelled in Flink.
    Cancelled,
    /// YARN killed it, whoever asked for that.
    Killed,
    /// It is over, and nobody knows any more how.
    Lost,
    /// It was never submitted.
    Abandoned,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A later release wrote it.
    #[error(
        "record {number} of the journal has format {found}, and this release reads up to {FORMAT}: install the release \
         that wrote it, or a newer one; nothing is lost"
    )]
    Newer { number: u64, found: u64 },
    /// Nobody wrote this.
    #[error("record {number} of the journal is damaged: {why}")]
    Damaged { number: u64, why: String },
}

impl Record {
    /// As it lies in the journal.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads record `number`; the format is looked at before anything else.
    pub fn read(number: u64, bytes: &[u8]) -> Result<Record, Unreadable> {
        let damaged = |why: String| Unreadable::Damaged { number, why };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        let format = value.get("format").and_then(Value::as_u64).ok_or_else(|| damaged("it has no format".into()))?;
        if format > u64::from(FORMAT) {
            return Err(Unreadable::Newer { number, found: format });
        }
        let record: Record = serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
        match record.number == number {
            true => Ok(record),
            false => Err(damaged(format!("it says that it is record {}", record.number))),
        }
    }
}
