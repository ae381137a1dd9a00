//! Whether the owner may use the queue, by YARN's word or else by its lists, and whether YARN asks its lists at all.
//! An administrator of YARN may not submit because of that: the lists of the queue and those above it count (measured on 3.4).
//! Not here: whether the queue is there (`queue`).

use super::{Facts, Wanted, queue};
use words::application::Finding;

pub(super) fn judge(wanted: &Wanted<'_>, facts: &Facts, findings: &mut Vec<Finding>) {
    match facts.has_access_lists {
        Some(true) => {}
        Some(false) => {
            let what = "YARN's access lists are off: every user of the cluster may kill this application";
            findings.push(Finding::warning("yarn.acl.enable", what, "have it set to true in yarn-site.xml"));
            return;
        }
        None => return,
    }
    let Some((scheduler, queue)) = queue::found(wanted, facts) else { return };
    let groups = facts.groups.as_deref();
    let lists: Option<Vec<bool>> = scheduler
        .way_to(queue)
        .map(|one| Some(one.access.as_ref()?.iter().any(|list| admits(list, wanted.owner.as_str(), groups))))
        .collect();
    let by_lists = lists.map(|lists| lists.contains(&true)).filter(|may| *may || groups.is_some());
    if facts.may_submit.or(by_lists) == Some(false) {
        let own = queue.access.as_ref().map_or("", |[submit, _]| submit.trim());
        let list = if own.is_empty() { "nobody".to_owned() } else { format!("`{own}`") };
        let what = format!("{} may not use it: YARN gives it to {list}", wanted.owner);
        let remedy =
            "have YARN's administrators add the user or a group of his to it, or the map of queues name another one";
        findings.push(Finding::refusal(format!("queue {}", queue.path), what, remedy));
    }
}

/// Hadoop's lists: users, a blank, groups; each with commas. `*` is everybody.
fn admits(list: &str, user: &str, groups: Option<&[String]>) -> bool {
    if list.trim() == "*" {
        return true;
    }
    let (users, members) = list.split_once(' ').unwrap_or((list, ""));
    let has = |names: &str, name: &str| names.split(',').any(|one| one.trim() == name);
    has(users, user) || groups.unwrap_or_default().iter().any(|group| has(members, group))
}
