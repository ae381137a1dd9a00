//! What stays of single applications of YARN: the files that were sent for them, and what their job managers kept to take over
//! from one another. It goes once YARN says that the application is over, for then no attempt follows; never by age alone.
//! Not here: what a component goes on from (`checkpoints`).

use super::{Known, Lying, Told, Verdict, entry};
use crate::journal::{Run, Verdict as Ended};
use words::housekeeping::{Entry, Kind};
use words::ids::ApplicationId;
use words::names::{ApplicationName, ComponentName};

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let staging = known.found.staging.iter().map(|one| (Kind::Staging, one));
    let kept = known.found.high_availability.iter().map(|one| (Kind::HighAvailability, one));
    let nodes = known.found.znodes.iter().map(|one| (Kind::Znode, one));
    let judged = staging.chain(kept).chain(nodes).map(|(kind, one)| match ApplicationId::new(one.name()) {
        Err(_) => entry(kind, one, None, Err("it is not ours: it is not named by an application of YARN".to_owned())),
        Ok(id) => {
            let of = known.run(&id);
            entry(kind, one, of.map(|(name, ..)| name), may_go(known, (kind, one), &id))
        }
    });
    judged.collect()
}

fn may_go(known: &Known<'_>, (kind, one): (Kind, &Lying), id: &ApplicationId) -> Verdict {
    let run = known.run(id);
    if let Some((name, component, run)) = run.filter(|(.., run)| run.end.is_none()) {
        let what = if run.accepted { "runs, or is not known to be over" } else { "is being submitted" };
        return Err(format!("{id} of {name}/{component} {what}"));
    }
    let ended = run.and_then(|(.., run)| run.end.as_ref());
    let why = match known.found.yarn.get(id) {
        None => return Err("nobody has asked YARN for it this time".to_owned()),
        Some(Told::Hidden(why)) => return Err(format!("YARN is not seen: {why}")),
        Some(Told::Live) => return Err("YARN says that it goes on, or may".to_owned()),
        // That YARN forgot it proves nothing: somebody may have reserved it. What the journal has seen ended is never submitted again.
        Some(Told::Unknown) => match ended {
            Some(end) if end.verdict != Ended::Lost => {
                "its run is over, as the journal has it, and YARN has forgotten it".to_owned()
            }
            Some(_) => return Err("YARN does not know it any more, and nobody knows how it ended".to_owned()),
            None => return Err("YARN does not know it: it may be about to be submitted".to_owned()),
        },
        Some(Told::Over { user, .. }) if *user != one.owner && kind != Kind::Znode => {
            return Err(format!("it belongs to {}, and its application to {user}", one.owner));
        }
        Some(Told::Over { is_ours: false, .. }) if ended.is_none() => {
            return Err("it is not ours: another one than this cluster's manager has submitted it".to_owned());
        }
        Some(Told::Over { state, .. }) => format!("YARN says {state}, and no attempt follows"),
    };
    match known.is_young(one.at_ms) {
        true => Err("it was changed less than an hour ago".to_owned()),
        false => Ok(why),
    }
}

impl Known<'_> {
    /// The run of a component that has this id, as far as the journal still has it.
    fn run(&self, id: &ApplicationId) -> Option<(&ApplicationName, &ComponentName, &Run)> {
        self.state.applications.iter().find_map(|(name, application)| {
            application.components.iter().find_map(|(component, one)| {
                let run = one.run.iter().chain(&one.before).find(|run| run.id == *id)?;
                Some((name, component, run))
            })
        })
    }
}
