//! Whether there is the queue, and whether it takes applications. What YARN does with each was asked of real ones of 3.4: an
//! unknown queue, one that is stopped and one with queues in it are answered 202, and the application fails then.
//! Not here: who may use it (`access`), and how large its containers are (`room`).

use super::{Facts, Wanted};
use systems::yarn::scheduler::{Kind, Queue, Scheduler};
use words::application::Finding;

/// What YARN takes where nobody names one.
const DEFAULT: &str = "default";
/// So many are named in a remedy.
const SHOWN: usize = 20;

/// The queue that is meant, if it is there.
pub(super) fn found<'a>(wanted: &Wanted<'_>, facts: &'a Facts) -> Option<(&'a Scheduler, &'a Queue)> {
    let scheduler = facts.scheduler.as_ref()?;
    // Without a name the fair scheduler chooses one by whose application it is.
    let name = wanted.queue.or((scheduler.kind == Kind::Capacity).then_some(DEFAULT))?;
    Some((scheduler, scheduler.find(name)?))
}

pub(super) fn judge(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    let Some(scheduler) = facts.scheduler.as_ref().filter(|scheduler| scheduler.kind != Kind::Other) else { return };
    let Some((_, queue)) = found(wanted, facts) else {
        findings.extend(wanted.queue.and_then(|name| missing(scheduler, name, facts)));
        return;
    };
    let place = format!("queue {}", queue.path);
    if !queue.is_leaf && !queue.grows {
        let inside = scheduler.queues.iter().filter(|one| one.path.starts_with(&format!("{}.", queue.path)));
        let what = "applications run in queues that have none in them, and this one has";
        findings.push(Finding::refusal(&place, what, format!("name one of {}", leaves(inside))));
    }
    let stopped = scheduler.way_to(queue).find(|one| !matches!(one.state.as_str(), "" | "RUNNING"));
    if let Some(one) = stopped {
        let what = format!("{} is {}: it takes no applications", one.path, one.state);
        findings.push(Finding::refusal(&place, what, "have YARN's administrators start it, or use another queue"));
    }
}

fn missing(scheduler: &Scheduler, name: &str, facts: &Facts) -> Option<Finding> {
    let place = format!("queue {name}");
    let remedy = format!("there are {}", leaves(scheduler.queues.iter()));
    if scheduler.kind == Kind::Fair {
        let what = "YARN has no such queue, and takes its default one instead";
        return (facts.makes_queues == Some(false)).then(|| Finding::warning(place, what, remedy));
    }
    let above = name.rsplit_once('.').and_then(|(above, _)| scheduler.find(above));
    let what = "YARN has no such queue: it would take the application and fail it";
    (!above.is_some_and(|above| above.grows)).then(|| Finding::refusal(place, what, remedy))
}

fn leaves<'a>(queues: impl Iterator<Item = &'a Queue>) -> String {
    let mut names: Vec<&str> = queues.filter(|queue| queue.is_leaf).map(|queue| queue.path.as_str()).collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", names.join(", "))
}
