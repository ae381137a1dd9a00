//! Making an application that begins from the state of another one: which state that is, for each component of the same name.
//! It is not copied: it is referred to, and stays until the new one has run.
//! Not here: making the application (`answers`), and that it stays (`decide::dispose`).

use super::{Manager, unavailable};
use crate::journal::{Application, Component, Fork, Key, Origin, State};
use crate::orders::{self, Caller, Refusal};
use crate::restore;
use std::collections::BTreeMap;
use words::chain::chain;
use words::names::{ApplicationName, ComponentName};

impl Manager {
    /// The states of another application from which a new one of this caller would begin.
    pub(super) fn fork(
        &self,
        state: &State,
        (other, components): (&ApplicationName, &[ComponentName]),
        by: &Caller,
    ) -> Result<Fork, Refusal> {
        let application = orders::own(state, other, by)?;
        // The newest state may be that of a version that goes again.
        if let Some(upgrade) = application.upgrading() {
            return Err(Refusal::Conflict(format!(
                "the {} of {other} is under way: ask again when it is over",
                upgrade.purpose
            )));
        }
        let mut states = BTreeMap::new();
        for component in components {
            let Some(known) = application.components.get(component) else { continue };
            let of = Key { application: other.clone(), component: component.clone() };
            states.extend(self.state_of(&of, (application, known), by)?.map(|path| (component.clone(), path)));
        }
        match states.is_empty() {
            true => Err(Refusal::Conflict(format!("{other} has no state of a component that is in the package, too"))),
            false => Ok(Fork { of: other.clone(), states }),
        }
    }

    fn state_of(
        &self,
        of: &Key,
        (application, known): (&Application, &Component),
        by: &Caller,
    ) -> Result<Option<String>, Refusal> {
        let origin = match known.live() {
            None => known.begins_from(&Origin::Newest).clone(),
            // Flink removes the checkpoints of what runs when there are newer ones.
            Some(run) => {
                let kept = known.savepoints.iter().filter(|one| one.run == run.id && !known.is_disposed(&one.id));
                let missing = || {
                    let remedy = format!("`pnda app savepoint {} --wait` first", of.application);
                    Refusal::Conflict(format!("{of} runs, and this run has no savepoint yet: {remedy}"))
                };
                Origin::Path(kept.rev().find_map(|one| one.path()).ok_or_else(missing)?.to_owned())
            }
        };
        // Whoever begins from it must be able to read it.
        let (hdfs, of_owner) = (self.hdfs_as(&by.name), (&application.owner, of));
        match restore::choose(&hdfs, &self.site.cluster, of_owner, known, (&origin, None)) {
            Err(error) if error.is_passing() => Err(unavailable(chain(&error))),
            chosen => chosen.map_err(|error| {
                Refusal::Conflict(format!("nothing can begin from the state of {of}: {}", chain(&error)))
            }),
        }
    }
}
