//! The model against what real Flinks told their own start scripts (`tools/flink-probe/Memory.java`).
//! Every configuration of the fixtures, both processes: the same bytes, or refused by both.
//! Not here: wording.

use super::{Deployment, Model, Process, of};
use crate::{Syntax, Target, lint};
use std::collections::BTreeMap;
use std::path::Path;
use words::problem::Source;

/// What the scripts were told: options of Java and settings, or that there is no starting.
fn ours(configuration: &crate::Configuration, process: Process) -> Option<Vec<String>> {
    of(configuration, process).ok().map(|model| {
        let mut words = java_options(&model, configuration);
        words.extend(settings(&model));
        words
    })
}

fn java_options(model: &Model, configuration: &crate::Configuration) -> Vec<String> {
    let mut options = vec![format!("-Xmx{}", model.heap()), format!("-Xms{}", model.heap())];
    let size = |name: &str| model.size(name).unwrap();
    let direct = match model.process {
        Process::TaskManager => Some(size("framework.off-heap.size") + size("task.off-heap.size") + size("network")),
        Process::JobManager => {
            let limit = configuration.entry("jobmanager.memory.enable-jvm-direct-memory-limit");
            limit.filter(|entry| entry.value == "true").map(|_| size("off-heap.size"))
        }
    };
    options.extend(direct.map(|bytes| format!("-XX:MaxDirectMemorySize={bytes}")));
    options.push(format!("-XX:MaxMetaspaceSize={}", size("jvm-metaspace.size")));
    options
}

fn settings(model: &Model) -> Vec<String> {
    let word = model.process.word();
    let parts = model.parts.iter().filter(|part| !["process.size", "flink.size"].contains(&part.name));
    let mut settings: Vec<String> = parts
        .flat_map(|part| match part.name {
            "network" | "jvm-overhead" => {
                vec![(format!("{}.min", part.name), part.bytes), (format!("{}.max", part.name), part.bytes)]
            }
            name => vec![(name.to_owned(), part.bytes)],
        })
        .map(|(name, bytes)| format!("{word}.memory.{name}={bytes}b"))
        .collect();
    settings.sort();
    settings
}

/// What the fixture says: by process, the words that are told; none where it was refused.
fn theirs(answers: &[&str]) -> BTreeMap<String, Option<Vec<String>>> {
    let mut told: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
    for answer in answers {
        let (mark, process, words) = (&answer[..1], &answer[2..4], answer.get(5..).unwrap_or_default());
        let slot = told.entry(process.to_owned()).or_insert_with(|| (mark == "=").then(Vec::new));
        let memory = |word: &&str| word.starts_with('-') || word.contains(".memory.");
        slot.iter_mut().for_each(|told| told.extend(words.split(' ').filter(memory).map(str::to_owned)));
    }
    told
}

#[test]
fn every_size_is_the_one_that_flink_computes() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for version in ["1.15.4", "1.20.5", "2.3.0"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/flink/memory-{version}.txt"));
        let text = std::fs::read_to_string(path).unwrap();
        for case in text.trim().split("\n\n") {
            let (given, answers): (Vec<&str>, Vec<&str>) =
                case.lines().partition(|line| !line.starts_with("= ") && !line.starts_with("! "));
            let target = Target { version: version.parse().unwrap(), java: None, deployment: Deployment::Standalone };
            let text = given.join("\n");
            let (configuration, _) = lint(Source { file: "case", text: &text }, Syntax::Lines, target).unwrap();
            for (process, theirs) in theirs(&answers) {
                let process = if process == "jm" { Process::JobManager } else { Process::TaskManager };
                let ours = ours(&configuration, process);
                compared += 1;
                if ours != theirs {
                    wrong.push(format!(
                        "{version} {process}\n{text}\nours   {ours:?} {:?}\ntheirs {theirs:?}",
                        of(&configuration, process).err()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(compared > 340, "{compared}");
}

#[test]
fn a_process_for_an_old_heap_has_a_heap_of_that_size() {
    for (process, heap) in [
        (Process::JobManager, 1024),
        (Process::JobManager, 20_000),
        (Process::TaskManager, 512),
        (Process::TaskManager, 2048),
        (Process::TaskManager, 30_000),
    ] {
        let whole = super::process_with_heap(process, heap << 20);
        let text = format!("{}: {whole}\n", process.size_key());
        let target = Target { version: "1.20.5".parse().unwrap(), java: None, deployment: Deployment::Yarn };
        let (configuration, _) = lint(Source { file: "c", text: &text }, Syntax::Lines, target).unwrap();
        let model = of(&configuration, process).unwrap();
        let given = model.heap() >> 20;
        assert!((heap - 1..=heap + 2).contains(&given), "{text} gives {given} for {heap}");
    }
}
