//! Records in words: one line for a log, and one for people.
//! What an application overrides may be a secret, and is in neither.
//! Not here: the format in which records lie (`record`).

use super::cleaning::{told_end, told_order};
use super::record::{Fact, Origin, Verdict};
use super::upgrade::{TrialFact, UpgradeFact};
use std::fmt;
use words::change::Purpose;
use words::names::ComponentName;

impl Fact {
    /// As a log has it: its kind and what it is about. What an application overrides may be a secret.
    pub fn line(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.remove("overrides");
            // What housekeeping removes is told by its number; the journal has it all.
            for list in ["entries", "stayed"] {
                let count = object.get(list).and_then(|all| all.as_array()).map(Vec::len);
                count.into_iter().for_each(|count| drop(object.insert(list.to_owned(), count.into())));
            }
        }
        if let Some(ordered) = value.pointer_mut("/step/ordered").and_then(serde_json::Value::as_object_mut) {
            ordered.remove("overrides");
        }
        value.to_string()
    }

    /// Its kind, as it is written.
    pub fn kind(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("kind").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    /// The component that it is about, and what happened, in one line for people.
    pub fn told(&self) -> (Option<&ComponentName>, String) {
        let text = match self {
            Fact::PackageDeployed { package, .. } => format!("{package} was deployed"),
            Fact::PackageUndeployed { package, why: None } => format!("{package} was undeployed"),
            Fact::PackageUndeployed { package, why: Some(why) } => {
                format!("{package} was undeployed by housekeeping: {why}")
            }
            Fact::ApplicationCreated { package, forked: Some(fork), .. } => {
                format!("made of {package}, to begin from the state of {}", fork.of)
            }
            Fact::ApplicationCreated { package, .. } => format!("made of {package}"),
            Fact::StartOrdered { origin: Origin::Newest, .. } => "a start was ordered".to_owned(),
            Fact::StartOrdered { origin: Origin::Empty, .. } => "a start without state was ordered".to_owned(),
            Fact::StartOrdered { origin: Origin::Path(path), .. } => format!("a start from {path} was ordered"),
            Fact::StopOrdered { drain: true, .. } => {
                "a stop for good was ordered: drained, with a savepoint".to_owned()
            }
            Fact::StopOrdered { save: true, .. } => "a stop with a savepoint was ordered".to_owned(),
            Fact::StopOrdered { save: false, .. } => "a stop without a savepoint was ordered".to_owned(),
            Fact::SavepointOrdered { .. } => "a savepoint was ordered".to_owned(),
            Fact::DeleteOrdered { .. } => "its end was ordered".to_owned(),
            Fact::ApplicationDeleted { .. } => "it was forgotten".to_owned(),
            Fact::ScheduleSet { of, schedule: Some(schedule) } => {
                return (Some(&of.component), format!("its runs begin at {schedule}"));
            }
            Fact::ScheduleSet { of, schedule: None } => {
                return (Some(&of.component), "it has no schedule any more".to_owned());
            }
            Fact::StartFailed { of, why } => return (Some(&of.component), format!("it cannot be started: {why}")),
            Fact::RespawnFailed { of, why } => {
                return (Some(&of.component), format!("it cannot be started again: {why}"));
            }
            Fact::RunIntended { of, id, intent } => {
                let from = intent.restore.as_ref().map(|path| format!(", from {path}")).unwrap_or_default();
                return (Some(&of.component), format!("{id} will be submitted{from}"));
            }
            Fact::SubmissionBegun { of, id } => return (Some(&of.component), format!("{id} is submitted")),
            Fact::RunAccepted { of, id, .. } => return (Some(&of.component), format!("YARN has {id}")),
            Fact::RunEnded { of, id, end } => {
                let why = end.diagnostics.lines().next().filter(|why| !why.is_empty());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                return (Some(&of.component), format!("{id} {}{why}", end.verdict));
            }
            Fact::Upgrade { step, .. } => step.told(),
            Fact::Trial { of, step } => return (Some(&of.component), step.told()),
            Fact::Workflow { of, step, .. } => return (Some(&of.component), step.told()),
            fact => return fact.told_of_others(),
        };
        (None, text)
    }

    /// The same of submissions by Flink's client, of savepoints, and of what is killed.
    fn told_of_others(&self) -> (Option<&ComponentName>, String) {
        match self {
            Fact::ClientIntended { of, tag, intent } => {
                let from = intent.restore.as_ref().map(|path| format!(", from {path}")).unwrap_or_default();
                (Some(&of.component), format!("Flink's client will submit it with the tag {tag}{from}"))
            }
            Fact::ClientBegun { of, .. } => (Some(&of.component), "Flink's client is started".to_owned()),
            Fact::ClientFound { of, id, .. } => {
                (Some(&of.component), format!("Flink's client has submitted it as {id}"))
            }
            Fact::ClientEnded { of, why, .. } => {
                (Some(&of.component), format!("Flink's client submitted nothing: {why}"))
            }
            Fact::RunAdopted { of, id, .. } => {
                (Some(&of.component), format!("it goes on with {id}, which somebody else submitted"))
            }
            Fact::SavepointIntended { of, id, periodic: true, .. } => {
                (Some(&of.component), format!("savepoint {id} is taken, as it is time"))
            }
            Fact::SavepointIntended { of, id, .. } => (Some(&of.component), format!("savepoint {id} is taken")),
            Fact::SavepointCompleted { of, id, path } => {
                (Some(&of.component), format!("savepoint {id} lies in {path}"))
            }
            Fact::SavepointFailed { of, id, why, .. } => (Some(&of.component), format!("savepoint {id} failed: {why}")),
            Fact::StateAdopted { of, path } => (Some(&of.component), format!("its next run begins from {path}")),
            Fact::DisposalOrdered { of, id, folder } => {
                (Some(&of.component), format!("savepoint {id} is removed, with all in {folder}"))
            }
            Fact::KillIntended { of, id } => (Some(&of.component), format!("{id} is killed, for it never had a job")),
            Fact::SavepointDisposed { of, id } => (Some(&of.component), format!("savepoint {id} is gone")),
            Fact::RescaleOrdered { .. } => (None, "another parallelism was ordered, as it runs".to_owned()),
            Fact::RescaleEnded { of, why: None } => (Some(&of.component), "Flink has taken it".to_owned()),
            Fact::RescaleEnded { of, why: Some(why) } => {
                (Some(&of.component), format!("Flink has not taken it: {why}"))
            }
            Fact::CleaningOrdered(cleaning) => (None, told_order(cleaning)),
            Fact::CleaningEnded { removed, stayed, .. } => (None, told_end(*removed, stayed)),
            _ => (None, String::new()),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Verdict::Succeeded => "succeeded",
            Verdict::Failed => "failed",
            Verdict::Cancelled => "was cancelled",
            Verdict::Killed => "was killed",
            Verdict::Lost => "is over, nobody knows how",
            Verdict::Abandoned => "was never submitted",
        })
    }
}

impl UpgradeFact {
    fn told(&self) -> String {
        match self {
            UpgradeFact::Ordered { purpose, package, save, .. } => {
                let how = if *save { "after a savepoint" } else { "without a savepoint" };
                match purpose {
                    Purpose::Upgrade => format!("an upgrade to {package} was ordered, {how}"),
                    Purpose::Rescale => format!("another parallelism was ordered, {how}"),
                    Purpose::Restart => format!("a restart was ordered, {how}"),
                    Purpose::Rollback => format!("the way back to {package} was ordered, {how}"),
                }
            }
            UpgradeFact::Switched { .. } => "nothing of the old version runs; the new one begins".to_owned(),
            UpgradeFact::Good => "the new version is good".to_owned(),
            UpgradeFact::Failed { why } => format!("the new version goes: {why}"),
            UpgradeFact::Returned => "nothing of the new version runs; it is the old one again".to_owned(),
        }
    }
}

impl TrialFact {
    fn told(&self) -> String {
        match self {
            TrialFact::Began { run } => format!("{run} is tried"),
            TrialFact::Asked { checkpoint: Some(id), .. } => format!("all tasks run; checkpoint {id} is asked for"),
            TrialFact::Asked { checkpoint: None, .. } => "its job runs, and takes no checkpoints".to_owned(),
            TrialFact::NotGood { why, .. } => format!("not good yet: {why}"),
            TrialFact::Good { by, .. } => format!("it is good: {by}"),
        }
    }
}
