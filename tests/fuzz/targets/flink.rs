//! Flink's configuration in both of its forms: whatever it says, it is judged in bounded time, and its memory adds up.
//! A process's parts never come to more than the whole, and the heap is never more than Flink's own part.
//! Not here: what the findings are.

use super::text;
use pnda::flink::memory::{Deployment, Process, of};
use pnda::flink::{Syntax, Target, lint};
use pnda::words::problem::Source;

fn judged(bytes: &[u8], syntax: Syntax) -> String {
    let text = text(bytes);
    let mut said = String::new();
    for version in ["1.15.4", "1.20.5", "2.3.0"] {
        let deployment = if text.len().is_multiple_of(2) { Deployment::Yarn } else { Deployment::Standalone };
        let target = Target { version: version.parse().unwrap(), java: Some(17), deployment };
        let (configuration, findings) = lint(Source { file: "f", text: &text }, syntax, target).unwrap();
        assert!(findings.is_sorted());
        for process in [Process::JobManager, Process::TaskManager] {
            if let Ok(model) = of(&configuration, process) {
                let size = |name| model.size(name).unwrap();
                let whole = size("flink.size") + size("jvm-metaspace.size") + size("jvm-overhead");
                assert_eq!(size("process.size"), whole, "{model:?}");
                assert!(model.heap() <= size("flink.size"), "{model:?}");
            }
        }
        said.extend(findings.iter().map(|finding| format!("{} {}", finding.severity, finding.what.len() / 16)));
    }
    said
}

pub fn lines(bytes: &[u8]) -> String {
    judged(bytes, Syntax::Lines)
}

pub fn yaml(bytes: &[u8]) -> String {
    judged(bytes, Syntax::Yaml)
}
