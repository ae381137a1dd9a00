//! What Flink keeps of finished jobs, for the history server and for whoever asks what became of one: a file for each job, and
//! in 2.x a folder for each application. They go by age and by number, the oldest first.
//! Not here: what is in one (`archive`).

use super::{Known, Lying, Verdict, entry};
use crate::archive::of_cluster;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use words::housekeeping::{Entry, Kind};
use words::ids::JobId;

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let kept = kept(known);
    let mut all: Vec<&Lying> = known.found.archives.iter().collect();
    all.sort_by_key(|one| Reverse(one.at_ms));
    let judged = all.into_iter().enumerate().map(|(at, one)| {
        let verdict = may_go(known, &kept, (at, one));
        entry(Kind::Archive, one, None, verdict)
    });
    judged.collect()
}

/// Names of archives that are looked into: those of the runs that the journal has, and of what goes on in YARN.
fn kept(known: &Known<'_>) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, application) in &known.state.applications {
        for (component, one) in &application.components {
            for run in one.run.iter().chain(&one.before) {
                let names = run.job.iter().map(ToString::to_string).chain([of_cluster(run.id.as_str())]);
                kept.extend(names.map(|file| (file, format!("it is of a last run of {name}/{component}"))));
            }
        }
    }
    let live = known.found.live.iter().flat_map(|live| live.keys());
    kept.extend(live.map(|id| (of_cluster(id.as_str()), format!("{id} goes on"))));
    kept
}

fn may_go(known: &Known<'_>, kept: &BTreeMap<String, String>, (at, one): (usize, &Lying)) -> Verdict {
    if JobId::new(one.name()).is_err() {
        return Err("it is not ours: it is not named as Flink names an archive".to_owned());
    }
    if let Some(why) = kept.get(one.name()) {
        return Err(why.clone());
    }
    // A folder is of an application, which may go on although a job of it has finished.
    if one.bytes.is_none() && known.found.live.is_none() {
        return Err("what goes on in YARN is not seen".to_owned());
    }
    if known.is_young(one.at_ms) {
        return Err("it was changed less than an hour ago".to_owned());
    }
    match (known.is_older(one.at_ms, known.rules.archives_ms), at >= known.rules.most_archives) {
        (true, _) => Ok("its job finished long ago".to_owned()),
        (false, true) => Ok(format!("there are more than {} archives", known.rules.most_archives)),
        (false, false) => Err(STAYS.to_owned()),
    }
}

/// Of archives that simply stay there may be very many.
pub(super) const STAYS: &str = "it is neither old enough nor one too many";
