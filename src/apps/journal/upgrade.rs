//! An upgrade of an application: to another package, other settings, or the same ones anew; and how a component of the new
//! version is tried before that is declared good. Records of both, and what is known of them.
//! Pure data. A field that comes later has a default.
//! Not here: what follows from a record (`upgrading`), and what is to be done next (`decide::upgrade`).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use words::change::{Purpose, Step};
use words::digest::Sha256;
use words::ids::{ApplicationId, JobId, TriggerId};
use words::names::{ApplicationName, ComponentName, PackageName};

/// What is so from now on of an upgrade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeFact {
    /// It was ordered. What runs ends first, `save`: with a savepoint; `runs`: the components
    /// that run, or will by themselves, and so shall those of the other version.
    Ordered { purpose: Purpose, package: PackageName, overrides: Value, save: bool, runs: BTreeSet<ComponentName> },
    /// Nothing of the old version runs any more, and this is where its components stood; from here on it is the new one.
    Switched { states: States },
    /// The new version is good.
    Good,
    /// It is not, or may not stay: its runs end.
    Failed { why: String },
    /// Nothing of it runs any more; from here on it is the old one again.
    Returned,
}

/// What is so from now on of a component of a new version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialFact {
    /// YARN runs it: from here on its time counts.
    Began { run: ApplicationId },
    /// Its job runs, all tasks where a checkpoint is asked for now, under this id; without one it has to go on for a while.
    Asked { run: ApplicationId, job: JobId, checkpoint: Option<TriggerId> },
    /// That came to nothing. It may be asked for again.
    NotGood { run: ApplicationId, why: String },
    /// It is good, as this shows.
    Good { run: ApplicationId, by: String },
}

/// Where components stand: a savepoint or checkpoint, or that there is none.
pub type States = BTreeMap<ComponentName, Option<String>>;

/// What an application is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The package.
    pub package: PackageName,
    /// What is set otherwise than there.
    pub overrides: Value,
}

/// The version before, with the state that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Previous {
    /// It.
    pub release: Release,
    /// Where its components stood when it ended.
    pub states: States,
    /// Of its package: deployed again under the same name, that may be another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
}

/// An upgrade, the last one of its application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The number of the order's record.
    pub order: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// What the application was made of.
    pub from: Release,
    /// Of that one's package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_sha256: Option<Sha256>,
    /// What it becomes.
    pub to: Release,
    /// Whether it runs then; what did not run only becomes another one.
    pub starts: bool,
    /// The components that ran or would by themselves: the others have ended, and stay so.
    pub runs: BTreeSet<ComponentName>,
    /// How far it is.
    pub step: Step,
    /// Where the old version's components stood when it ended.
    pub states: States,
    /// Why it did not come to pass.
    pub why: Option<String>,
}

impl Upgrade {
    /// Whether something of it is still to be done.
    pub fn is_under_way(&self) -> bool {
        self.step.is_under_way()
    }

    /// That it did not come to pass, in PNDA's way.
    pub(super) fn error(&self, name: &ApplicationName, why: &str) -> String {
        match self.purpose {
            Purpose::Upgrade => format!("Error upgrading {name} to {}: {why}", self.to.package),
            Purpose::Rescale => format!("Error rescaling {name}: {why}"),
            Purpose::Restart => format!("Error restarting {name}: {why}"),
            Purpose::Rollback => format!("Error going back with {name} to {}: {why}", self.to.package),
        }
    }
}

/// A component of a new version that has to show that it is good.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Since when YARN runs it, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// What it was asked for.
    pub asked: Option<Asked>,
    /// When something came to nothing last, and why.
    pub failed: Option<(u64, String)>,
    /// How often something did.
    pub failures: u32,
    /// It has.
    pub is_good: bool,
}

/// What a component that is tried was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Its job.
    pub job: JobId,
    /// A checkpoint under this id; none where it takes none, and has to go on.
    pub checkpoint: Option<TriggerId>,
    /// When.
    pub at_ms: u64,
}
