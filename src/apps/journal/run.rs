//! One run of a component: one application of YARN, as the journal tells of it.
//! A snapshot has it in this very shape: a field that comes later has a default.
//! Not here: which record changes what (`state`).

use super::attempt::Adopted;
use super::record::{End, Intent, Origin, Verdict};
use crate::respawn::Policy;
use crate::saving::Saving;
use serde::{Deserialize, Serialize};
use words::ids::{ApplicationId, JobId};
use words::names::{PackageName, Word};

/// One run: one application of YARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// YARN's id, reserved before anything was sent.
    pub id: ApplicationId,
    /// The order that it follows.
    pub order: u64,
    /// When it was intended.
    pub at_ms: u64,
    /// The queue that was asked for.
    pub queue: Option<Word>,
    /// The job's id, where we name it.
    pub job: Option<JobId>,
    /// The state from which it began.
    pub restore: Option<String>,
    /// The tag by which it was found, where Flink's own client submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Word>,
    /// A request to submit it left, or may have.
    pub begun: bool,
    /// YARN knows it.
    pub accepted: bool,
    /// What YARN knows took its id, and ran nothing.
    pub is_placeholder: bool,
    /// Another run by the same order was before it, or follows at another time: the order goes on whatever becomes of this one.
    pub is_respawn: bool,
    /// What follows when it ends by itself.
    pub policy: Policy,
    /// It is over.
    pub end: Option<End>,
    /// When that was written down, in milliseconds since 1970; 0 before.
    pub ended_ms: u64,
    /// The package that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// When a savepoint of it is taken by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saving: Option<Saving>,
    /// How new the newest state of its component was before it, by the clock of HDFS, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states_ms: Option<u64>,
    /// The folder in HDFS for the checkpoints of its component, where that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoints: Option<String>,
    /// Somebody else submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
    /// It is being killed without a savepoint, although one was ordered: no job of it ever ran.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_killed: bool,
    /// What its component was to begin from, until this run shows that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<Origin>,
}

impl Run {
    /// One of which nothing more is known than by which order and when.
    pub fn of(id: ApplicationId, order: u64, at_ms: u64) -> Run {
        Run {
            id,
            order,
            at_ms,
            queue: None,
            job: None,
            restore: None,
            tag: None,
            begun: false,
            accepted: false,
            is_placeholder: false,
            is_respawn: false,
            policy: Policy::default(),
            end: None,
            ended_ms: 0,
            package: None,
            saving: None,
            states_ms: None,
            checkpoints: None,
            adopted: None,
            is_killed: false,
            begins: None,
        }
    }

    /// One that is intended, and of which nothing was sent.
    pub(super) fn intended(id: ApplicationId, at_ms: u64, intent: Intent) -> Run {
        let Intent { order, queue, job, restore, policy, package, saving, states_ms, checkpoints, due_ms: _ } = intent;
        Run { queue, job, restore, policy, package, saving, states_ms, checkpoints, ..Run::of(id, order, at_ms) }
    }

    /// Whether it ever ran, as far as anybody knows.
    pub fn ran(&self) -> bool {
        let is_lost = |end: &End| end.verdict == Verdict::Lost;
        let end = self.end.as_ref();
        end.is_some_and(is_lost) || (self.accepted && !self.is_placeholder && !end.is_some_and(|end| end.never_ran))
    }
}
