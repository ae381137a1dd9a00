//! A submission by Flink's own client of which there is no id yet, and those that came to nothing before it.
//! A snapshot has them in this very shape: a field that comes later has a default.
//! Not here: what follows from them (`decide::attempt`).

use super::application::Component;
use super::record::Intent;
use serde::{Deserialize, Serialize};
use words::names::Word;

/// A start of Flink's own client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The folder of its files, on the node that started it.
    pub folder: Word,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Submissions by Flink's own client that came to nothing, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// How many.
    pub count: u32,
    /// When the last one was written down, in milliseconds since 1970.
    pub at_ms: u64,
    /// Why.
    pub why: String,
}

/// A submission by Flink's own client, of which there is no id yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The tag that its application has in YARN, and nobody else's.
    pub tag: Word,
    /// The client was started, or may have been.
    pub begun: Option<Begun>,
    /// When it was intended.
    pub at_ms: u64,
    /// What it will be.
    pub intent: Intent,
}

impl Component {
    /// Flink's own client came to nothing and is tried again, for this reason; or it did not. The time of a schedule that it was
    /// for has had no run.
    pub(super) fn refuse(&mut self, why: Option<&String>, due_ms: Option<u64>, at_ms: u64) {
        let count = self.refusals.as_ref().map_or(0, |refusals| refusals.count) + 1;
        self.refusals = why.map(|why| Refusals { count, at_ms, why: why.clone() });
        if let Some(due_ms) = due_ms {
            self.handled_ms = due_ms.saturating_sub(1);
        }
    }

    /// What has ended is what took the id of a run that YARN did not take from Flink's own client: the order has had no run then.
    pub(super) fn was_refused(&mut self) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| run.is_placeholder && run.tag.is_some()) else { return false };
        self.insists = Some(std::mem::take(&mut run.order));
        true
    }
}

/// What is known of a run that somebody else submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// The folder in HDFS in which its job keeps its checkpoints, if it keeps any there.
    pub states: Option<String>,
}
