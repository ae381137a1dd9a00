//! How all applications of a cluster are together. The node that manages them writes it into HDFS, into the file that says which
//! one that is; the agent beside the history server reads it there and makes one health of both, as PNDA has one.
//! Not here: writing and reading the file, and what either makes of it.

use crate::metric::Health;
use serde::{Deserialize, Serialize};

/// The whole file is shorter.
pub const LONGEST: usize = 1024;
/// So much of it is causes.
const MOST: usize = 600;

/// A verdict with its causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst.
    pub health: Health,
    /// Why it is not OK.
    pub causes: Vec<String>,
}

impl Default for Verdict {
    fn default() -> Verdict {
        Verdict { health: Health::Ok, causes: Vec::new() }
    }
}

impl Verdict {
    /// Of what is wrong, the worst first; how much is left out is told.
    pub fn of(mut all: Vec<(Health, String)>) -> Verdict {
        all.sort_by(|(left, _), (right, _)| right.cmp(left));
        let health = all.first().map_or(Health::Ok, |(health, _)| *health);
        let (mut causes, mut left, count) = (Vec::new(), MOST, all.len());
        for (_, cause) in all {
            let cause: String = cause.chars().filter(|c| !c.is_control()).take(150).collect();
            // As JSON a character may take six bytes.
            let size = serde_json::to_string(&cause).map_or(MOST, |text| text.len() + 1);
            if size > left {
                break;
            }
            left -= size;
            causes.push(cause);
        }
        if causes.len() < count {
            causes.push(format!("{} more; `pnda app alarms` has all", count - causes.len()));
        }
        Verdict { health, causes }
    }

    /// The file of a node that manages.
    pub fn file(&self, node: &str) -> String {
        match serde_json::to_string(self) {
            Ok(text) if node.len() + text.len() < LONGEST => format!("{node}\n{text}"),
            _ => node.to_owned(),
        }
    }
}

/// Reads that file: the node, and the verdict where it has one. A release before this one wrote none.
pub fn read(text: &str) -> (&str, Option<Verdict>) {
    let (node, verdict) = text.split_once('\n').unwrap_or((text, ""));
    (node.trim(), serde_json::from_str(verdict).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_the_file_has_an_end() {
        let verdict = Verdict::of(vec![(Health::Warn, "a".into()), (Health::Error, "b\n".into())]);
        assert_eq!(verdict, Verdict { health: Health::Error, causes: vec!["b".into(), "a".into()] });
        let text = verdict.file("edge-1");
        assert_eq!(text, "edge-1\n{\"health\":\"ERROR\",\"causes\":[\"b\",\"a\"]}");
        assert_eq!(read(&text), ("edge-1", Some(verdict)));
        for cause in ["\"".repeat(140), "ä".repeat(140), "x".repeat(500)] {
            let many = Verdict::of(vec![(Health::Warn, cause); 100]);
            let text = many.file(&"n".repeat(255));
            assert!(text.len() <= LONGEST && many.causes.last().unwrap().contains(" more; "), "{text}");
            assert_eq!(read(&text).1, Some(many));
        }
    }

    #[test]
    fn what_others_wrote_has_no_verdict() {
        assert_eq!(read("edge-1"), ("edge-1", None));
        assert_eq!(read(""), ("", None));
        assert_eq!(read("edge-1\n{\"health\":\"FINE\"}"), ("edge-1", None));
        assert_eq!((Verdict::of(Vec::new()), Verdict::default().causes.len()), (Verdict::default(), 0));
    }
}
