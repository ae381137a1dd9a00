//! The memory of Flink's processes, computed as Flink does, byte for byte: what each part gets and why, or what Flink refuses.
//! Held against the answers of real Flinks (`tests/fixtures/flink`), which the same program of theirs gave.
//! Not here: anything that is not memory.

mod jobmanager;
mod part;
mod process;
mod taskmanager;
#[cfg(test)]
mod tests;

pub use part::Part;

use super::catalogue::{Catalogue, Row};
use super::file::Entry;
use super::{Configuration, Findings, Syntax, value};
use part::Sizes;
use std::fmt;

/// Who starts the processes: the old heap keys mean something else to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// YARN's containers: the old keys are the whole process.
    Yarn,
    /// Flink's own scripts: the old keys are the job manager's heap, and all of a task manager but the JVM's own share.
    Standalone,
}

/// Which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    JobManager,
    TaskManager,
}

/// What Flink would not start with: what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The key that is most to blame.
    pub key: String,
    /// What does not fit.
    pub what: String,
    /// What would.
    pub remedy: String,
}

/// A process and all parts of its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Which process.
    pub process: Process,
    /// From the whole to the smallest part, indented by depth.
    pub parts: Vec<Part>,
}

impl fmt::Display for Process {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Process::JobManager => "job manager",
            Process::TaskManager => "task manager",
        })
    }
}

impl Process {
    /// The first word of its keys.
    pub(super) fn word(self) -> &'static str {
        match self {
            Process::JobManager => "jobmanager",
            Process::TaskManager => "taskmanager",
        }
    }

    /// The key of the whole process's size.
    pub(super) fn size_key(self) -> String {
        format!("{}.memory.process.size", self.word())
    }

    /// The keys of which Flink needs one.
    pub(super) fn sizes(self) -> Vec<String> {
        let heap = match self {
            Process::JobManager => "heap.size",
            Process::TaskManager => "task.heap.size",
        };
        ["process.size", "flink.size", heap].map(|name| format!("{}.memory.{name}", self.word())).into()
    }
}

impl Model {
    /// The size of a part, by its key without the process's word.
    pub fn size(&self, name: &str) -> Option<u64> {
        self.parts.iter().find(|part| part.name == name).map(|part| part.bytes)
    }

    /// What `-Xmx` will be.
    pub fn heap(&self) -> u64 {
        let heaps = ["heap.size", "framework.heap.size", "task.heap.size"];
        heaps.iter().filter_map(|name| self.size(name)).sum()
    }
}

impl fmt::Display for Model {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |part: &Part| format!("{}{}", "  ".repeat(part.depth + 1), part.title);
        let wide = self.parts.iter().map(|part| name(part).len()).max().unwrap_or_default();
        writeln!(out, "{}", self.process)?;
        for part in &self.parts {
            writeln!(out, "{:wide$}  {:>10}  {:>14}  {}", name(part), print(part.bytes), part.bytes, part.why)?;
        }
        Ok(())
    }
}

/// Computes a process's memory.
pub fn of(configuration: &Configuration, process: Process) -> Result<Model, Refusal> {
    let sizes = Sizes { configuration, process };
    match process {
        Process::JobManager => jobmanager::model(&sizes),
        Process::TaskManager => taskmanager::model(&sizes),
    }
}

/// Whether an entry says anything of a process's sizes; a client's file need not.
fn speaks_of(entry: &Entry, process: Process) -> bool {
    let Some(name) = entry.key.strip_prefix(process.word()).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let others =
        ["segment-size", "enable-jvm-direct-memory-limit", "consumer-weights", "preallocate", "memory.off-heap"];
    let sizes = name.starts_with("memory.") || name.starts_with("heap.");
    sizes && !others.iter().any(|other| name.ends_with(other))
}

/// Notes what Flink would refuse.
pub(super) fn judge(configuration: &Configuration, findings: &mut Findings) {
    for process in [Process::JobManager, Process::TaskManager] {
        let Some(first) = configuration.entries.iter().find(|entry| speaks_of(entry, process)) else { continue };
        let Err(Refusal { key, what, remedy }) = of(configuration, process) else { continue };
        let blamed = configuration.entry(&key);
        // A value that is no size was told by its type.
        let version = configuration.target.version;
        let told = |row: &Row| blamed.is_some_and(|entry| !value::fits(row, &entry.value, Syntax::Lines, version));
        if !Catalogue::get().option(&key, configuration.line).is_some_and(told) {
            let origin = &blamed.unwrap_or(first).origin;
            findings.error(origin, &key, format!("no {process} would start: {what}"), remedy);
        }
    }
}

/// The size of a whole process that has a heap of so many bytes, with Flink's defaults for everything else.
pub(super) fn process_with_heap(process: Process, heap: u64) -> String {
    let mebi = |bytes: u64| bytes.div_ceil(1 << 20);
    let with_overhead = |rest: u64| rest + (rest / 9).clamp(192, 1024);
    let heap = mebi(heap);
    let whole = match process {
        Process::JobManager => with_overhead(heap + 128 + 256),
        // Managed memory and the network have fractions of what is left: the heap is half of it, less the framework's.
        Process::TaskManager => with_overhead((heap + 128) * 2 + 256),
    };
    format!("{whole}m")
}

/// A size as people read it: exact in the largest unit that divides it, else with one decimal.
pub fn print(bytes: u64) -> String {
    for (unit, shift) in [("g", 30), ("m", 20), ("k", 10)] {
        if bytes >= 1 << shift && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1}k", bytes as f64 / 1024.0),
        _ => format!("{:.1}m", bytes as f64 / 1_048_576.0),
    }
}
