//! What PNDA's configuration of Flink 1.4 says, for the Flink of today: its keys translated, with the numbers that fit.
//! The keys are those of PNDA's own template and of the guides of its time.
//! Not here: keys that Flink of today still knows under another name (`catalogue`).

use super::catalogue::{Catalogue, Standing};
use super::file::Entry;
use super::{Configuration, Findings, memory, value};

/// Keys of 1.4 that no line from 1.15 on has, with what became of them.
const GONE: &[(&str, &str)] = &[
    ("containerized.heap-cutoff-min", "leave it out: the JVM's own share is `jobmanager.memory.jvm-overhead.min` now"),
    (
        "containerized.heap-cutoff-ratio",
        "leave it out: the JVM's own share is `jobmanager.memory.jvm-overhead.fraction` now",
    ),
    ("fs.hdfs.hadoopconf", "write `env.hadoop.conf.dir`"),
    ("fs.hdfs.hdfsdefault", "write `env.hadoop.conf.dir`"),
    ("fs.hdfs.hdfssite", "write `env.hadoop.conf.dir`"),
    ("mode", "leave it out: there is one mode only"),
    ("python.dc.tmp.dir", "leave it out: the Python API that used it is gone"),
    ("taskmanager.memory.off-heap", "leave it out: managed memory is always outside the heap"),
    ("taskmanager.memory.preallocate", "leave it out: managed memory is taken as it is needed"),
    ("yarn.heap-cutoff-min", "leave it out: the JVM's own share is `jobmanager.memory.jvm-overhead.min` now"),
    ("yarn.heap-cutoff-ratio", "leave it out: the JVM's own share is `jobmanager.memory.jvm-overhead.fraction` now"),
    ("yarn.maximum-failed-containers", "write `resourcemanager.start-worker.max-failure-rate`"),
    ("yarn.reallocate-failed", "leave it out: lost containers are always replaced"),
];

/// Beginnings of keys that moved whole.
const MOVED: &[(&str, &str)] = &[
    ("yarn.application-master.env.", "containerized.master.env."),
    ("yarn.taskmanager.env.", "containerized.taskmanager.env."),
];

/// Says what there is to say about a key of that time; false if it is none.
pub(super) fn judge(configuration: &Configuration, entry: &Entry, findings: &mut Findings) -> bool {
    let Entry { key, value, origin, .. } = entry;
    if let Some((_, remedy)) = GONE.iter().find(|(gone, _)| gone == key) {
        findings.warning(origin, key, format!("`{key}` is of Flink 1.4, and no Flink from 1.15 on reads it"), *remedy);
        return true;
    }
    if let Some((moved, to)) = MOVED.iter().find(|(moved, _)| key.starts_with(moved)) {
        let what = format!("`{key}` is of Flink 1.4, and no Flink from 1.15 on reads it");
        findings.warning(origin, key, what, format!("write `{to}{}`", &key[moved.len()..]));
        return true;
    }
    match key.as_str() {
        "jobmanager.heap.mb" | "jobmanager.heap.size" => {
            heap(configuration, entry, memory::Process::JobManager, findings)
        }
        "taskmanager.heap.mb" | "taskmanager.heap.size" => {
            heap(configuration, entry, memory::Process::TaskManager, findings)
        }
        _ => return reporter(configuration, key, value, entry, findings),
    }
    true
}

/// The old heap keys: what they come to in this line, and the size of a whole process with a heap of that size.
fn heap(configuration: &Configuration, entry: &Entry, process: memory::Process, findings: &mut Findings) {
    let Entry { key, value, origin, .. } = entry;
    let given = match key.ends_with(".mb") {
        true => value.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << 20)),
        false => value::bytes(value),
    };
    let Some(given) = given else {
        findings.error(
            origin,
            key,
            format!("`{key}` cannot be `{value}`"),
            "write a size of the whole process instead",
        );
        return;
    };
    let whole = memory::process_with_heap(process, given);
    let remedy = format!(
        "write `{}: {whole}`: a heap of {} and all that goes with it",
        process.size_key(),
        memory::print(given)
    );
    let known = Catalogue::get().standing(key, configuration.line);
    if matches!(known, Standing::Elsewhere { .. } | Standing::Unknown) {
        let here = Catalogue::get().name(configuration.line);
        findings.warning(origin, key, format!("Flink {here} ignores `{key}`, which is of Flink 1.4"), remedy);
        return;
    }
    let set = process.sizes().into_iter().find_map(|size| configuration.entry(&size));
    if let Some(other) = set {
        let what = format!("`{key}` is of Flink 1.4 and ignored: `{}` is set too", other.key);
        findings.warning(origin, key, what, "leave it out");
        return;
    }
    let came = memory::of(configuration, process).ok().map(|model| model.heap());
    let now = match (configuration.target.deployment, process) {
        (memory::Deployment::Yarn, _) => "the whole process",
        (memory::Deployment::Standalone, memory::Process::JobManager) => "its heap",
        (memory::Deployment::Standalone, memory::Process::TaskManager) => "all of the process but the JVM's own parts",
    };
    let came = came.map_or_else(String::new, |heap| format!(": the heap comes to {}", memory::print(heap)));
    findings.note(origin, key, format!("`{key}` is of Flink 1.4 and means {now} now{came}"), remedy);
}

/// Reporters by their class: the last line that built them so was 1.16.
fn reporter(configuration: &Configuration, key: &str, class: &str, entry: &Entry, findings: &mut Findings) -> bool {
    let words: Vec<&str> = key.split('.').collect();
    let ["metrics", "reporter", name, "class"] = words[..] else { return false };
    let factory = format!("metrics.reporter.{name}.factory.class");
    let remedy = format!("write `{factory}: {class}Factory`");
    let here = Catalogue::get().name(configuration.line);
    let what = match (configuration.target.version.line() >= (1, 17), configuration.entry(&factory)) {
        (_, Some(_)) => return true,
        (true, None) => format!("Flink {here} builds no reporter from a class: `{name}` reports nothing"),
        (false, None) => {
            findings.note(&entry.origin, key, format!("`{key}` works up to Flink 1.16 only"), remedy);
            return true;
        }
    };
    findings.warning(&entry.origin, key, what, remedy);
    true
}
