//! What of the logs of a run is wanted, and what its containers are called: which process, of which attempt. Pure.
//! Ends where somebody looks, the rest where somebody follows; whole lines as far as there are any.
//! Not here: where logs are, and reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use words::ids::ContainerId;

/// YARN's own files in a container: how it was started and what lay in it, of no interest where logs are read.
const YARNS: [&str; 3] = ["directory.info", "launch_container.sh", "prelaunch.out"];
/// A line that is not ended yet is waited for up to this length.
const LONGEST_LINE: usize = 64 << 10;

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Bytes of each container.
    pub bytes: u64,
    /// Whether lines that are not ended yet are left for the next time.
    pub follows: bool,
    /// How far logs were read, by container and name; without it their ends are wanted.
    pub read: Option<BTreeMap<String, BTreeMap<String, u64>>>,
}

/// The name of a log that was rolled over, without its number, and the number.
fn rolled(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('.').filter(|(_, end)| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Wanted {
    /// Which part of each log of a container, by name and size, is wanted: together no more than `most` bytes. One that was
    /// gathered may lack what was read on the node; only there a log may begin anew.
    pub fn ranges(
        &self,
        container: &ContainerId,
        logs: &BTreeMap<String, u64>,
        is_gathered: bool,
        most: u64,
    ) -> Vec<(String, Range<u64>)> {
        let wanted = logs.iter().filter(|(name, size)| **size > 0 && !YARNS.contains(&name.as_str()));
        let read = self.read.as_ref().map(|read| read.get(container.as_str()));
        let mut starts: Vec<(&String, Range<u64>)> = Vec::new();
        for (name, size) in wanted {
            let start = read.flatten().map_or(0, |read| start(read, name, logs, is_gathered));
            starts.extend(Some((name, start.min(*size)..*size)).filter(|(_, range)| !range.is_empty()));
        }
        let shares = shares(starts.iter().map(|(_, range)| range.end - range.start).collect(), most);
        let part = |((name, range), share): ((&String, Range<u64>), u64)| match self.read {
            None => (name.clone(), range.end - share..range.end),
            Some(_) => (name.clone(), range.start..range.start + share),
        };
        starts.into_iter().zip(shares).map(part).filter(|(_, range)| !range.is_empty()).collect()
    }

    /// Takes from a part what is no whole line: at its beginning where something is left out before it, and at its end where
    /// the line may still be written to. Gives where the rest begins.
    pub fn whole_lines(&self, mut from: u64, bytes: &mut Vec<u8>, may_grow: bool) -> u64 {
        if self.follows && may_grow {
            match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => bytes.truncate(end + 1),
                None if bytes.len() < LONGEST_LINE => bytes.clear(),
                None => {}
            }
        }
        if self.read.is_none()
            && from > 0
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n').filter(|end| end + 1 < bytes.len())
        {
            bytes.drain(..=end);
            from += end as u64 + 1;
        }
        from
    }
}

/// Where what is new begins in a log, by how far the logs of its container were read.
fn start(read: &BTreeMap<String, u64>, name: &str, logs: &BTreeMap<String, u64>, is_gathered: bool) -> u64 {
    let size = |name: &str| logs.get(name).copied().unwrap_or_default();
    if let Some((base, number)) = rolled(name)
        && let Some(to) = read.get(base)
    {
        // What was the log itself until a moment ago goes on where that was read to; what is older is known.
        let is_new = number == "1" && size(base) < *to;
        return if is_new { *read.get(name).unwrap_or(to).max(to) } else { u64::MAX };
    }
    // A log that is shorter than what was read of it has begun anew.
    read.get(name).copied().filter(|to| *to <= size(name) || is_gathered).unwrap_or_default()
}

/// Gives each what it has, and where that is more than there is for all, the same to those that have more.
fn shares(sizes: Vec<u64>, most: u64) -> Vec<u64> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| sizes[*at]);
    let (mut left, mut shares) = (most, vec![0; sizes.len()]);
    for (done, at) in order.into_iter().enumerate() {
        shares[at] = sizes[at].min(left / (sizes.len() - done) as u64);
        left -= shares[at];
    }
    shares
}

/// What each container is called, sorted by attempt: the first of an attempt is the JobManager, the others are numbered as
/// YARN numbers them, so that a name stays whose it is while others go.
pub fn processes<'a>(containers: impl IntoIterator<Item = &'a ContainerId>) -> Vec<(&'a ContainerId, String)> {
    let sorted: BTreeSet<(u64, u64, u64, &ContainerId)> =
        containers.into_iter().map(|one| (one.attempt(), one.epoch(), one.number(), one)).collect();
    let (mut named, mut before) = (Vec::new(), None);
    for (attempt, _, number, container) in sorted {
        let is_first = before.is_none_or(|(of, _)| of != attempt);
        if is_first && number == 1 {
            named.push((container, "JobManager".to_owned()));
            before = Some((attempt, 0));
            continue;
        }
        let last = before.filter(|(of, _)| *of == attempt).map_or(0, |(_, last)| last);
        // After a restart of YARN its numbers begin anew.
        let number = number.saturating_sub(1).max(last + 1);
        named.push((container, format!("TaskManager {number}")));
        before = Some((attempt, number));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(text: &str) -> ContainerId {
        ContainerId::new(text).unwrap()
    }

    fn one() -> ContainerId {
        container("container_1_2_01_000001")
    }

    fn logs(list: &[(&str, u64)]) -> BTreeMap<String, u64> {
        list.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect()
    }

    fn read(list: &[(&str, u64)]) -> Wanted {
        let read = list.iter().map(|(name, to)| ((*name).to_owned(), *to)).collect();
        Wanted { bytes: 0, follows: true, read: Some(BTreeMap::from([(one().to_string(), read)])) }
    }

    #[test]
    fn small_logs_are_whole_and_large_ones_share_the_rest() {
        assert_eq!(shares(vec![1000, 5, 1000, 0], 105), [50, 5, 50, 0]);
        assert_eq!(shares(vec![10, 20], 1000), [10, 20]);
        let all = logs(&[("a.log", 1000), ("a.err", 10), ("launch_container.sh", 9), ("empty", 0)]);
        let ranges = Wanted::default().ranges(&one(), &all, false, 110);
        assert_eq!(ranges, [("a.err".into(), 0..10), ("a.log".into(), 900..1000)]);
    }

    #[test]
    fn who_follows_gets_what_is_new_and_a_log_that_was_rolled_over_goes_on() {
        let ranges = |read: &Wanted, list: &[(&str, u64)]| read.ranges(&one(), &logs(list), false, 100);
        let known = read(&[("a.log", 70)]);
        assert_eq!(ranges(&known, &[("a.log", 90), ("b.log", 7)]), [("a.log".into(), 70..90), ("b.log".into(), 0..7)]);
        assert_eq!(ranges(&known, &[("a.log", 70), ("a.log.1", 500), ("a.log.2", 500)]), []);
        let rolled = [("a.log", 5), ("a.log.1", 75), ("a.log.2", 500)];
        assert_eq!(ranges(&known, &rolled), [("a.log".into(), 0..5), ("a.log.1".into(), 70..75)]);
        let again = read(&[("a.log", 70), ("a.log.1", 75)]);
        assert_eq!(ranges(&again, &[("a.log", 0), ("a.log.1", 75)]), []);
        assert_eq!(ranges(&known, &[("a.log", 1000)]), [("a.log".into(), 70..170)]);
        // It began anew on a node; in HDFS there is only less of it yet.
        assert_eq!(ranges(&known, &[("a.log", 60)]), [("a.log".into(), 0..60)]);
        assert_eq!(known.ranges(&one(), &logs(&[("a.log", 60)]), true, 100), []);
    }

    #[test]
    fn lines_are_whole_where_they_can_be() {
        let cut = |wanted: &Wanted, from, text: &str, may_grow| {
            let mut bytes = text.as_bytes().to_vec();
            let from = wanted.whole_lines(from, &mut bytes, may_grow);
            (from, String::from_utf8(bytes).unwrap())
        };
        let (look, follow) = (Wanted::default(), read(&[]));
        assert_eq!(cut(&look, 10, "f\nline\nbeg", true), (12, "line\nbeg".into()));
        assert_eq!(cut(&look, 0, "line\n", true), (0, "line\n".into()));
        assert_eq!(cut(&look, 10, "one long line\n", true), (10, "one long line\n".into()));
        assert_eq!(cut(&follow, 10, "rest\nbeg", true), (10, "rest\n".into()));
        assert_eq!(cut(&follow, 10, "beg", true), (10, String::new()));
        assert_eq!(cut(&follow, 10, "beg", false), (10, "beg".into()));
        assert_eq!(cut(&follow, 0, &"x".repeat(LONGEST_LINE), true).1.len(), LONGEST_LINE);
    }

    #[test]
    fn processes_have_names_that_stay() {
        let names = |list: &[&str]| {
            let list: Vec<ContainerId> = list.iter().map(|text| container(text)).collect();
            processes(&list).into_iter().map(|(of, name)| format!("{}:{name}", of.attempt())).collect::<Vec<_>>()
        };
        assert_eq!(
            names(&["container_1_2_01_000010", "container_1_2_02_000001", "container_1_2_01_000001"]),
            ["1:JobManager", "1:TaskManager 9", "2:JobManager"]
        );
        let restarted = ["container_1_2_01_000001", "container_1_2_01_000003", "container_e05_1_2_01_000001"];
        assert_eq!(names(&restarted), ["1:JobManager", "1:TaskManager 2", "1:TaskManager 3"]);
        let all_after = ["container_e05_1_2_01_000001", "container_e05_1_2_01_000002"];
        assert_eq!(names(&all_after), ["1:JobManager", "1:TaskManager 1"]);
    }
}
