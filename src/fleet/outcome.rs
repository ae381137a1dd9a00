//! What a node's answer means, who is changed at the same time, and what all of it came to.
//! A node that would restart what runs is changed after the others of its wave, a few at a time, so that the rest serves.
//! Not here: reaching a node, and installing anything on it.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use words::report::{ReadError, Report};

/// The exit code of an install that only looked, and would change something.
const WOULD_CHANGE: i32 = 4;

/// What driving a node came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Came {
    /// It is as it should be, and was before.
    Unchanged,
    /// It is as it should be now.
    Changed,
    /// It is not as it should be; nothing was done about it.
    WouldChange,
    /// It was tried, and is not as it should be.
    Failed,
    /// Nobody answered there.
    Unreachable,
    /// It was not its turn yet when another failed.
    NotTried,
}

/// One node of a cluster that was driven.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DrivenNode {
    /// Its name.
    pub node: String,
    /// Where it is.
    pub address: String,
    /// What it came to.
    pub result: Came,
    /// How many changes were made, or would be.
    pub changes: usize,
    /// Of these, the services that were running and were restarted or stopped, or would be.
    pub restarts: Vec<String>,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed.
    pub error: Option<String>,
}

/// A cluster that was driven.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Driven {
    /// The cluster's name.
    pub cluster: String,
    /// Its nodes, in the order in which it was their turn.
    pub nodes: Vec<DrivenNode>,
}

impl DrivenNode {
    /// A node whose turn has not come.
    pub fn waiting(node: &str, address: &str) -> DrivenNode {
        DrivenNode {
            node: node.to_owned(),
            address: address.to_owned(),
            result: Came::NotTried,
            changes: 0,
            restarts: Vec::new(),
            seconds: 0.0,
            error: None,
        }
    }

    /// Takes in what was said there: the exit code, none where nobody answered, the answer, and the last lines of talk.
    pub fn hears(&mut self, code: Option<i32>, answer: &str, last: &[String], seconds: f64) {
        self.seconds += seconds;
        let told = Report::read(answer);
        self.result = match (code, &told) {
            (None, _) => Came::Unreachable,
            (Some(0), Ok(told)) if told.steps.is_empty() && self.changes == 0 => Came::Unchanged,
            (Some(0), Ok(_)) => Came::Changed,
            (Some(WOULD_CHANGE), Ok(_)) => Came::WouldChange,
            _ => Came::Failed,
        };
        match told {
            Ok(told) if self.went_well() => {
                self.changes = told.steps.len();
                self.restarts = told.disturbed();
            }
            Err(error @ ReadError::Format(_)) => self.error = Some(error.to_string()),
            _ => self.error = Some(why(code, last)),
        }
    }

    /// It came to no session at all.
    pub fn breaks(&mut self, error: String, seconds: f64) {
        self.seconds += seconds;
        self.result = Came::Failed;
        self.error = Some(error);
    }

    /// Whether it neither failed nor waits.
    pub fn went_well(&self) -> bool {
        matches!(self.result, Came::Unchanged | Came::Changed | Came::WouldChange)
    }
}

fn why(code: Option<i32>, last: &[String]) -> String {
    // What ssh says of a key that is not known, or is another one than was.
    let stranger = code.is_none() && last.iter().any(|line| line.contains("Host key verification failed"));
    let advice = "if this machine is new here, or took the place of another: put its host key into known_hosts, from a \
                  place you trust (ssh-keygen -R takes the old one out)";
    let last: Vec<&str> = last.iter().map(String::as_str).chain(stranger.then_some(advice)).collect();
    let last = last.join("\n");
    match (code, last.is_empty()) {
        (_, false) => last,
        (Some(code), true) => format!("exit code {code}, and not a word"),
        (None, true) => "the session was cut off".to_owned(),
    }
}

/// Nodes of one wave that still want a change, as the rounds in which they get it: those that disturb nobody at once, then
/// those that restart something, `at_once` in a round. Nodes are told by their place.
pub(crate) fn rounds(wave: &[DrivenNode], attend: &BTreeSet<String>, at_once: usize) -> Vec<Vec<usize>> {
    let disturbs = |node: &DrivenNode| node.restarts.iter().any(|service| !attend.contains(service));
    let wanting = |(at, node): (usize, &DrivenNode)| (node.result == Came::WouldChange).then_some((at, disturbs(node)));
    let (loud, quiet): (Vec<_>, Vec<_>) =
        wave.iter().enumerate().filter_map(wanting).partition(|(_, disturbs)| *disturbs);
    let places = |these: &[(usize, bool)]| these.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    let quiet = Some(places(&quiet)).filter(|quiet| !quiet.is_empty());
    quiet.into_iter().chain(loud.chunks(at_once.max(1)).map(places)).collect()
}

impl Driven {
    /// Whether every node is, or could be brought, to what it should be.
    pub fn went_well(&self) -> bool {
        self.nodes.iter().all(DrivenNode::went_well)
    }

    /// Whether a node wants a change that was not made.
    pub fn would_change(&self) -> bool {
        self.nodes.iter().any(|node| node.result == Came::WouldChange)
    }
}

impl fmt::Display for Came {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Came::Unchanged => "unchanged",
            Came::Changed => "changed",
            Came::WouldChange => "would change",
            Came::Failed => "failed",
            Came::Unreachable => "unreachable",
            Came::NotTried => "not tried",
        })
    }
}

impl fmt::Display for Driven {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.nodes.iter().map(|node| node.node.len()).chain([4]).max().unwrap_or_default();
        writeln!(out, "{:width$}  {:12}  {:>7}  {:>7}", "NODE", "RESULT", "CHANGES", "SECONDS")?;
        for node in &self.nodes {
            writeln!(out, "{:width$}  {:12}  {:>7}  {:>7.1}", node.node, node.result, node.changes, node.seconds)?;
        }
        for node in &self.nodes {
            if let Some(error) = &node.error {
                writeln!(out, "{} ({}): {}", node.node, node.address, error.replace('\n', "\n  "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::names::Word;
    use words::report::{Effect, FORMAT, Kind, Line};

    fn node(name: &str, code: Option<i32>, steps: &[(Kind, &str, Effect)]) -> DrivenNode {
        let mut node = DrivenNode::waiting(name, "10.0.0.1");
        let steps = steps.iter().map(|(kind, what, effect)| Line::new(*kind, *what, *effect, "in words")).collect();
        let (format, generation, notes, commands) = (FORMAT, 1, vec![], vec![]);
        let report = Report { format, node: Word::new(name).unwrap(), generation, steps, notes, commands };
        node.hears(code, &serde_json::to_string(&report).unwrap(), &[], 1.0);
        node
    }

    #[test]
    fn an_answer_is_what_its_code_and_its_steps_say() {
        let file = [(Kind::File, "/etc/x", Effect::Create)];
        for (code, steps, came) in [
            (Some(0), &[][..], Came::Unchanged),
            (Some(0), &file, Came::Changed),
            (Some(4), &file, Came::WouldChange),
            (Some(1), &[], Came::Failed),
            (Some(3), &file, Came::Failed),
            (None, &[], Came::Unreachable),
        ] {
            assert_eq!(node("a", code, steps).result, came, "{code:?}");
        }
        let mut other = DrivenNode::waiting("a", "10.0.0.1");
        other.hears(Some(0), "<html>", &["who are you?".into()], 1.0);
        assert_eq!((other.result, other.error.as_deref()), (Came::Failed, Some("who are you?")));
    }

    #[test]
    fn a_machine_with_another_host_key_is_told_with_what_to_do() {
        let mut other = DrivenNode::waiting("a", "10.0.0.1");
        other.hears(None, "", &["Host key verification failed.".into()], 1.0);
        assert_eq!(other.result, Came::Unreachable);
        assert!(other.error.is_some_and(|error| error.contains("ssh-keygen -R")));
    }

    #[test]
    fn those_that_restart_something_come_last_and_one_at_a_time() {
        let restart = (Kind::Service, "yarn-nodemanager", Effect::Restart);
        let agent = (Kind::Service, "pnda-agent", Effect::Restart);
        let wave = [
            node("a", Some(4), &[restart]),
            node("b", Some(0), &[]),
            node("c", Some(4), &[(Kind::File, "/etc/y", Effect::Create)]),
            node("d", Some(4), &[restart, agent]),
            node("e", Some(4), &[agent]),
            node("f", Some(1), &[]),
        ];
        let attend = BTreeSet::from(["pnda-agent".to_owned()]);
        assert_eq!(rounds(&wave, &attend, 1), [vec![2, 4], vec![0], vec![3]]);
        assert_eq!(rounds(&wave, &attend, 9), [vec![2, 4], vec![0, 3]]);
        assert!(rounds(&wave[1..2], &attend, 1).is_empty());
    }

    #[test]
    fn the_table_says_who_failed_and_why() {
        let mut broken = DrivenNode::waiting("worker-1", "10.0.0.5");
        broken.hears(Some(1), "", &["cannot x".into(), "because y".into()], 2.0);
        let nodes = vec![node("a", Some(0), &[]), broken, DrivenNode::waiting("edge", "10.0.0.6")];
        let driven = Driven { cluster: "c".into(), nodes };
        assert_eq!(
            driven.to_string(),
            "NODE      RESULT        CHANGES  SECONDS\n\
             a         unchanged           0      1.0\n\
             worker-1  failed              0      2.0\n\
             edge      not tried           0      0.0\n\
             worker-1 (10.0.0.5): cannot x\n  because y\n"
        );
        assert!(!driven.went_well());
    }
}
