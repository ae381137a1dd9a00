//! What programs leave in the folder for temporary things: files of Python that are to be distributed, and whatever a job streams
//! through there. PNDA never removes them; here they go when nothing in them was changed for long, and nothing runs in YARN that
//! may have written them.
//! Not here: who wrote them, which nobody tells. What an application names in its properties stays.

use super::checkpoints::named;
use super::{FLOOR_MS, Known, Lying, Verdict, entry};
use words::housekeeping::{Entry, Kind};

/// Files are written before what needs them is submitted, by so much at most.
const BEFORE_MS: u64 = 24 * FLOOR_MS;

pub(super) fn judge(known: &Known<'_>) -> Vec<Entry> {
    let all = known.found.temporary.iter();
    all.map(|(one, unseen)| entry(Kind::Temporary, one, None, may_go(known, one, unseen.as_deref()))).collect()
}

fn may_go(known: &Known<'_>, one: &Lying, unseen: Option<&str>) -> Verdict {
    if let Some(why) = unseen {
        return Err(format!("when anything in it was changed is not seen: {why}"));
    }
    if !known.is_older(one.at_ms, known.rules.temporary_ms) {
        return Err("something in it was changed not long enough ago".to_owned());
    }
    if let Some(why) = named(known, one) {
        return Err(why);
    }
    let until_ms = one.at_ms + BEFORE_MS;
    if let Some(of) = known.submitted_by(until_ms) {
        return Err(format!("{of} was submitted before, or soon after: it may be its"));
    }
    let Some(live) = &known.found.live else { return Err("what goes on in YARN is not seen".to_owned()) };
    match live.iter().find(|(_, at_ms)| at_ms.is_none_or(|at_ms| at_ms <= until_ms)) {
        Some((id, _)) => Err(format!("{id} goes on, and was submitted before, or soon after: it may be its")),
        None => Ok("nothing in it was changed for long, and nothing goes on that may have written it".to_owned()),
    }
}
