//! What went wrong in a job, a line each: the innermost cause of a stack, and how often it came.
//! Stacks are long and come from user code; what is kept is bounded.
//! Not here: asking for it.

use crate::lenient;
use serde::Deserialize;

/// How much of one line is kept.
const LONGEST_LINE: usize = 1000;
/// The words before the place of a savepoint that was made although stopping failed, and those after it.
const SAVED: (&str, &str) = ("A savepoint has been created at: ", ", but the corresponding job");

/// What failed in a job, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// A line each; the same cause in the same step comes once.
    pub list: Vec<Failure>,
    /// Whether there were more than are here.
    pub truncated: bool,
}

/// Something that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The innermost cause: the class and what it says.
    pub cause: String,
    /// The step of the job, if it was in one of its tasks.
    pub step: Option<String>,
    /// When it came last.
    pub at_ms: Option<u64>,
    /// How often it came.
    pub count: u64,
}

/// `/jobs/ID/exceptions`: the history from 1.13 on, before it a list, and the latest beside either until 1.20.
#[derive(Deserialize)]
pub(super) struct Told {
    #[serde(default, rename = "exceptionHistory")]
    history: Option<History>,
    #[serde(default, rename = "all-exceptions", deserialize_with = "lenient::list")]
    all: Vec<Entry>,
    #[serde(default, rename = "root-exception", deserialize_with = "lenient::some_text")]
    root: Option<String>,
    #[serde(default, deserialize_with = "lenient::moment")]
    timestamp: Option<u64>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct History {
    #[serde(default, deserialize_with = "lenient::list")]
    entries: Vec<Entry>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default, alias = "exception", deserialize_with = "lenient::text")]
    stacktrace: String,
    #[serde(default, alias = "task", rename = "taskName", deserialize_with = "lenient::some_text")]
    task: Option<String>,
    #[serde(default, deserialize_with = "lenient::moment")]
    timestamp: Option<u64>,
}

impl Told {
    /// At most this many lines.
    pub(super) fn failures(self, most: usize) -> Failures {
        let history = self.history.unwrap_or(History { entries: Vec::new(), truncated: false });
        let mut entries = if history.entries.is_empty() { self.all } else { history.entries };
        if let (true, Some(stacktrace)) = (entries.is_empty(), self.root) {
            entries.push(Entry { stacktrace, task: None, timestamp: self.timestamp });
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.timestamp));
        let mut failures = Failures { list: Vec::new(), truncated: self.truncated || history.truncated };
        for Entry { stacktrace, task, timestamp } in entries {
            let (cause, step) = (cause(&stacktrace), task.map(|task| cut(step_of(&task))));
            let known = failures.list.iter().position(|known| known.cause == cause && known.step == step);
            match known {
                Some(known) => failures.list[known].count += 1,
                None if failures.list.len() < most => {
                    failures.list.push(Failure { cause, step, at_ms: timestamp, count: 1 });
                }
                None => failures.truncated = true,
            }
        }
        failures
    }
}

/// The innermost cause of a stack in one line: after the last `Caused by:` that stands at the beginning of a line, for
/// those of suppressed exceptions are indented.
pub(super) fn cause(stack: &str) -> String {
    let inner = stack.lines().rev().find_map(|line| line.strip_prefix("Caused by: "));
    let first = || stack.lines().map(str::trim).find(|line| !line.is_empty());
    cut(inner.or_else(first).unwrap_or_default())
}

/// The place of a savepoint that a failed stop left behind.
pub(super) fn saved(stack: &str) -> Option<String> {
    let (_, rest) = stack.split_once(SAVED.0)?;
    let line = rest.lines().next()?;
    let place = line.rsplit_once(SAVED.1).map(|(place, _)| place)?.trim();
    (!place.is_empty() && place.len() <= 4096).then(|| place.to_owned())
}

/// A task's name is `STEP (2/4) - execution #7`, of which each try has another: its step is what stays.
fn step_of(task: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |text: &str| text.split_once('/').is_some_and(|(one, all)| is_number(one) && is_number(all));
    let Some((step, rest)) = task.rsplit_once(" (") else { return task };
    if rest.split_once(')').is_some_and(|(part, _)| is_part(part)) { step } else { task }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_the_last_that_is_not_indented() {
        let stack = "a.B: c\n\tat x\n\tSuppressed: s.T: u\n\t\tat x\n\tCaused by: s.V: w\nCaused by: d.E: f\n\tat y\n";
        assert_eq!(cause(stack), "d.E: f");
        assert_eq!(cause("\na.B: c\n\tat x"), "a.B: c");
        assert_eq!((cause("").as_str(), cause(&"ä".repeat(5000)).chars().count()), ("", LONGEST_LINE + 1));
    }

    #[test]
    fn a_savepoint_that_was_made_although_stopping_failed_is_found() {
        let stack = "java.util.concurrent.CompletionException: org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException: A savepoint has been created at: hdfs:/sp/a, but b/savepoint-1, but the corresponding job 00 failed during stopping. The savepoint is consistent.\n\tat x";
        assert_eq!(saved(stack).as_deref(), Some("hdfs:/sp/a, but b/savepoint-1"));
        assert_eq!(saved("A savepoint has been created at: hdfs:/sp"), None);
    }

    #[test]
    fn any_text_has_a_line_and_a_step() {
        let parts = ["Caused by: ", "\n", " (", ")", "1/2", "ä", SAVED.0, SAVED.1, "\t", " - execution #1", "日"];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let text: String = (0..random.usize(..12)).map(|_| parts[random.usize(..parts.len())]).collect();
            assert!(!cause(&text).contains('\n') && text.starts_with(step_of(&text)), "{text:?}");
            assert!(saved(&text).is_none_or(|place| text.contains(&place)), "{text:?}");
        }
    }

    #[test]
    fn a_step_is_what_its_tasks_have_in_common() {
        assert_eq!(step_of("Source: src -> m (1/1) - execution #42"), "Source: src -> m");
        assert_eq!(step_of("Map (x) (12/128)"), "Map (x)");
        assert_eq!((step_of("Map (x)"), step_of("Map (1/x)"), step_of("")), ("Map (x)", "Map (1/x)", ""));
    }

    #[test]
    fn the_same_comes_once_with_a_count_and_the_rest_is_bounded() {
        let entry = |at: u64, what: &str| format!(r#"{{"stacktrace":"x\nCaused by: {what}","timestamp":{at}}}"#);
        let entries = [entry(1, "a"), entry(3, "a"), entry(2, "b"), entry(1, "c")].join(",");
        let text = format!(r#"{{"exceptionHistory":{{"entries":[{entries}]}}}}"#);
        let failures = serde_json::from_str::<Told>(&text).unwrap().failures(2);
        let lines: Vec<_> = failures.list.iter().map(|one| (one.cause.as_str(), one.at_ms, one.count)).collect();
        assert_eq!((lines, failures.truncated), (vec![("a", Some(3), 2), ("b", Some(2), 1)], true));
        let old = r#"{"root-exception":"r\n\tat x","timestamp":5,"all-exceptions":[],"truncated":false}"#;
        let failures = serde_json::from_str::<Told>(old).unwrap().failures(9);
        assert_eq!((failures.list[0].cause.as_str(), failures.list[0].at_ms), ("r", Some(5)));
        let old =
            r#"{"root-exception":"r","all-exceptions":[{"exception":"e","task":"t","location":"h","timestamp":1}]}"#;
        let failures = serde_json::from_str::<Told>(old).unwrap().failures(9);
        assert_eq!(failures.list[0], Failure { cause: "e".into(), step: Some("t".into()), at_ms: Some(1), count: 1 });
    }
}
