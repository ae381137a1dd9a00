//! Orders that change a version, below `/v1`: upgrade, rollback, restart, rescale; and what each would do.
//! Documents are read here, with the mistakes that can be seen in them alone.
//! Not here: what is allowed when, and what follows.

use super::failure::Failure;
use super::routes::{Answer, Asked, document, fine, invalid};
use super::shapes::Findings;
use apps::manager::Manager;
use apps::manager::change::Change;
use hyper::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use words::change::{Plan, Purpose};
use words::names::{ComponentName, PackageName};

/// What an application is to become. What is not said stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Upgrade {
    /// Another package.
    package: Option<PackageName>,
    /// All that is set otherwise than in the package, by type and component: instead of what is set now.
    overrides: Option<Value>,
    /// What is set besides, by type and component.
    set: Option<Value>,
    /// Whether what runs is saved first; without, it is killed, and its newest savepoint or checkpoint counts.
    savepoint: bool,
    /// Whether a release of Flink may be given the state of another one from which it need not be able to read it.
    allow_state_of_other_flink: bool,
    /// Only say what would be done, and what stands against it.
    dry_run: bool,
}

impl Default for Upgrade {
    fn default() -> Upgrade {
        let (package, overrides, set) = Default::default();
        Upgrade { package, overrides, set, savepoint: true, allow_state_of_other_flink: false, dry_run: false }
    }
}

impl From<Upgrade> for Change {
    fn from(asked: Upgrade) -> Change {
        let Upgrade { package, overrides, set, savepoint, allow_state_of_other_flink, dry_run: _ } = asked;
        let change = Change::to(Purpose::Upgrade);
        Change { package, overrides, set, save: savepoint, any_flink: allow_state_of_other_flink, ..change }
    }
}

/// The version before.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rollback {
    /// Only say what would be done, and what stands against it.
    dry_run: bool,
}

/// The same again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Restart {
    /// Whether what runs is saved first; without, it is killed, and its newest savepoint or checkpoint counts.
    savepoint: bool,
    /// Only say what would be done, and what stands against it.
    dry_run: bool,
}

impl Default for Restart {
    fn default() -> Restart {
        Restart { savepoint: true, dry_run: false }
    }
}

/// Another parallelism, which stays with the application.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rescale {
    /// Of one component; without it of all.
    #[serde(default)]
    component: Option<ComponentName>,
    /// How many tasks do each step.
    #[schemars(range(min = 1, max = 32_768))]
    parallelism: u32,
    /// Whether what runs is saved first; without, it is killed, and its newest savepoint or checkpoint counts.
    #[serde(default = "yes")]
    savepoint: bool,
    /// Whether what runs begins anew even where Flink could change it as it runs.
    #[serde(default)]
    restart: bool,
    /// Only say what would be done, and what stands against it.
    #[serde(default)]
    dry_run: bool,
}

fn yes() -> bool {
    true
}

/// A change that was taken, or what it would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ChangeTold {
    Taken(Findings),
    Dry(Box<Plan>),
}

pub(super) fn upgrade(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let wanted: Upgrade = asked.typed()?;
    let dry_run = wanted.dry_run;
    answer(manager, &asked, &wanted.into(), dry_run)
}

pub(super) fn rollback(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let Rollback { dry_run } = asked.typed()?;
    answer(manager, &asked, &Change::to(Purpose::Rollback), dry_run)
}

pub(super) fn restart(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let Restart { savepoint: save, dry_run } = asked.typed()?;
    answer(manager, &asked, &Change { save, ..Change::to(Purpose::Restart) }, dry_run)
}

pub(super) fn rescale(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let Rescale { component, parallelism, savepoint: save, restart: restarts, dry_run } = asked.typed()?;
    if !(1..=32_768).contains(&parallelism) {
        return Err(invalid("`parallelism` is a whole number from 1 to 32768".to_owned()));
    }
    let parallelism = Some((component, parallelism));
    answer(manager, &asked, &Change { parallelism, save, restarts, ..Change::to(Purpose::Rescale) }, dry_run)
}

/// What an upgrade would change, without what would be done.
pub(super) fn difference(manager: &Manager, mut asked: Asked) -> Result<Answer, Failure> {
    let wanted: Upgrade = asked.typed()?;
    fine(&manager.difference(&asked.name(0)?, &wanted.into(), asked.caller()?)?)
}

fn answer(manager: &Manager, asked: &Asked, change: &Change, dry_run: bool) -> Result<Answer, Failure> {
    let (one, by) = (asked.name(0)?, asked.caller()?);
    let told = match dry_run {
        true => ChangeTold::Dry(Box::new(manager.plan(&one, change, by)?)),
        false => ChangeTold::Taken(Findings { findings: manager.change(&one, change, by)? }),
    };
    document(StatusCode::ACCEPTED, &told)
}
