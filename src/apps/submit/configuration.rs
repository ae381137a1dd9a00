//! The configuration that a component runs with: the cluster's, what its package and the overrides set, and above both what
//! only the submission may say. Pure.
//! Not here: which keys a package may not set (`package`), and the launch context (`context`).

use super::{Cluster, Distribution, Job, Refused, Way, client};
use crate::package::flink::Program;
use crate::package::python;
use crate::secrets::{self, Values};
use flink::memory::{Deployment, Model, Process};
use flink::{Severity, Syntax, Target};
use std::collections::BTreeMap;
use words::ids::ApplicationId;
use words::problem::Source;

/// The lines that were submitted to natively and whose clients' submissions ours are held against.
pub const LINES: std::ops::Range<(u32, u32)> = (1, 20)..(3, 0);
/// The oldest line whose options are known here.
const OLDEST: (u32, u32) = (1, 15);
/// Older names of what is set here: with two names Flink takes one of the values.
const RENAMED: [&str; 5] = [
    "execution.savepoint.path",
    "state.checkpoint-storage",
    "state.checkpoints.create-subdir",
    "state.checkpoints.dir",
    "state.savepoints.dir",
];
/// Whether a job removes the state that it began from, by its two names.
const CLAIMS: [&str; 2] = ["execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"];
/// Whether Flink looks for the program's jars itself.
const INCLUDED: &str = "yarn.classpath.include-user-jar";
/// Where options end that Flink reads: its driver of Python keeps `-p 7` for itself (measured).
pub(super) const END: &str = "--";
/// From which state a job begins.
pub const RESTORE: &str = "execution.state-recovery.path";

/// A configuration and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What Flink's file sets, each key once.
    pub pairs: BTreeMap<String, String>,
    /// The program's arguments.
    pub arguments: Vec<String>,
    /// The memory of the JobManager.
    pub memory: Model,
    /// The memory of each TaskManager.
    pub worker_memory: Model,
    /// What is worth knowing: one sentence each.
    pub warnings: Vec<String>,
}

impl Configuration {
    /// What a key is set to.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.get(key).map(String::as_str)
    }

    /// The same with secrets in its values: nobody is told of it.
    pub fn with_secrets(self, values: &Values) -> Configuration {
        let filled = self.pairs.iter().map(|(key, value)| (key.clone(), secrets::filled(value, values)));
        Configuration { pairs: filled.collect(), ..self }
    }

    /// As Flink's file: keys and values as JSON writes them, which YAML reads and which no value can break out of.
    pub fn text(&self) -> String {
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let lines = self.pairs.iter().map(|(key, value)| format!("{}: {}\n", json(key), json(value)));
        let list = |values: &[String]| values.iter().map(|value| json(value)).collect::<Vec<_>>().join(", ");
        let lists = [("$internal.application.program-args", list(&self.arguments))];
        let lists = lists.iter().map(|(key, values)| format!("{}: [{values}]\n", json(key)));
        lines.chain(lists).collect()
    }
}

/// Puts it together, and holds what people have set against Flink's own rules.
pub fn configuration(cluster: &Cluster, flink: &Distribution, job: &Job) -> Result<Configuration, Refused> {
    match (&job.way, flink.version.line()) {
        (Way::Client(_), line) if line < OLDEST => return Err(Refused::TooOld(flink.version)),
        (Way::Client(_), _) if job.brings_archives() => return Err(Refused::Archives(job.of.clone())),
        (Way::Native(_), line) if !LINES.contains(&line) => return Err(Refused::Version(flink.version)),
        _ => {}
    }
    let mut pairs = flink.configuration.clone();
    pairs.extend(job.configuration.clone());
    // From which state it begins was chosen and written down before.
    pairs.retain(|key, _| !RENAMED.contains(&key.as_str()) && key != RESTORE);
    let is_claim = |key: &str, value: &str| CLAIMS.contains(&key) && !value.eq_ignore_ascii_case("NO_CLAIM");
    let claims: Vec<_> = pairs.iter().filter(|(key, value)| is_claim(key, value)).map(|(key, _)| key.clone()).collect();
    claims.iter().for_each(|key| drop(pairs.remove(key)));
    let supervised = supervised(cluster, job, &pairs).into_iter();
    pairs.extend(supervised.map(|(key, value)| (client::key_in(flink.version, &key).to_owned(), value)));
    pairs.extend(program(job, &pairs));
    let (memory, worker_memory, mut warnings) = judged(flink, &pairs)?;
    warnings.extend(claims.into_iter().map(|key| {
        format!("{key} is left out: nothing claims a state, for the version before may begin from it again")
    }));
    match &job.way {
        Way::Native(id) => pairs.extend(internal(job, id)),
        Way::Client(tag) => pairs.extend(client::pairs(cluster, job, tag)),
    }
    Ok(Configuration { pairs, arguments: arguments(job), memory, worker_memory, warnings })
}

/// What a job needs that is stopped with its state and started again from it.
fn supervised(cluster: &Cluster, job: &Job, set: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let url = |path: String| format!("{}{path}", cluster.filesystem);
    let mut pairs = vec![
        ("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION".to_owned()),
        ("execution.checkpointing.create-subdir", "true".to_owned()),
        ("execution.checkpointing.storage", "filesystem".to_owned()),
        ("execution.checkpointing.dir", url(cluster.checkpoints_of(&job.owner, &job.of))),
        ("execution.checkpointing.savepoint-dir", url(cluster.savepoints_of(&job.owner, &job.of))),
    ];
    if is_lonely(set) {
        // Without high availability a second attempt would begin from the state that the first began from.
        pairs.push(("yarn.application-attempts", "1".to_owned()));
    }
    pairs.extend(job.restore.iter().map(|restore| (RESTORE, restore.clone())));
    let reporters = set.get("metrics.reporters").map(String::as_str).unwrap_or_default();
    let prefix = crate::arrival::prefix(&job.of);
    let reporters = reporters.split([',', ';']).map(str::trim).filter(|name| !name.is_empty());
    let reporters = reporters.map(|name| (format!("metrics.reporter.{name}.prefix"), prefix.clone()));
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(reporters).collect()
}

/// What the kind of program needs.
fn program(job: &Job, set: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let pairs = match &job.program {
        Program::Jar { jar, .. } => {
            vec![(INCLUDED, "DISABLED".to_owned()), ("pipeline.jars", format!("file:/usrlib/{}", jar.file_name()))]
        }
        Program::Python { files, has_jars, .. } => {
            let files = files.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let files = (!files.is_empty()).then_some(("python.files", files));
            // Flink looks for jars with one value alone, and does not start with it where there are none.
            let mut pairs = vec![(INCLUDED, if *has_jars { "DISABLED" } else { "ORDER" }.to_owned())];
            pairs.extend(files.into_iter().chain(interpreters(job, set)));
            pairs
        }
    };
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Both interpreters run in containers here, so one that is named is meant for both; the package's before the cluster's.
fn interpreters(job: &Job, set: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let both = [python::EXECUTABLE, python::CLIENT_EXECUTABLE];
    let named = |from: &BTreeMap<String, String>| both.iter().find_map(|key| from.get(*key).cloned());
    let own = |key: &str| job.configuration.get(key).cloned();
    let found = |key: &str| own(key).or_else(|| named(&job.configuration)).or_else(|| set.get(key).cloned());
    both.into_iter().filter_map(|key| Some((key, found(key).or_else(|| named(set))?))).collect()
}

/// The words that the main class is given.
fn arguments(job: &Job) -> Vec<String> {
    let script = match &job.program {
        Program::Jar { .. } => vec![],
        Program::Python { script, .. } => ["--python", &script.to_string(), END].map(str::to_owned).into(),
    };
    script.into_iter().chain(job.arguments.iter().cloned()).collect()
}

/// No high availability: a JobManager that is lost takes its job with it.
pub(super) fn is_lonely(set: &BTreeMap<String, String>) -> bool {
    let kind = set.get("high-availability.type").or_else(|| set.get("high-availability")).map(String::as_str);
    kind.is_none_or(|kind| kind.eq_ignore_ascii_case("none"))
}

/// What Flink's own client would set, and nobody else may.
fn internal(job: &Job, id: &ApplicationId) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("$internal.application.main", job.main_class().to_owned()),
        // Without it a program's second job begins beside the first instead of after it (measured).
        ("execution.attached", "true".to_owned()),
        ("execution.shutdown-on-attached-exit", "false".to_owned()),
        ("execution.target", "yarn-application".to_owned()),
        ("high-availability.cluster-id", id.to_string()),
        ("internal.cluster.execution-mode", "NORMAL".to_owned()),
        ("yarn.application.name", job.name()),
    ];
    if let Some(id) = &job.job {
        pairs.push(("$internal.pipeline.job-id", id.to_string()));
    }
    if let Some(queue) = &job.queue {
        pairs.push(("yarn.application.queue", queue.to_string()));
    }
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What Flink would refuse is refused here, all of it with its reasons; the rest is told.
fn judged(flink: &Distribution, pairs: &BTreeMap<String, String>) -> Result<(Model, Model, Vec<String>), Refused> {
    // As its release reads it: each has its own syntax, and keys that are only read there.
    let text = client::text(flink.version, pairs).map_err(|why| Refused::Configuration(vec![why]))?;
    let target = Target { version: flink.version, java: None, deployment: Deployment::Yarn };
    let source = Source { file: "the component's configuration", text: &text };
    let syntax = Syntax::from(flink.version.configuration_file());
    let linted = flink::lint(source, syntax, target).map_err(|_| Refused::Version(flink.version))?;
    let (configuration, findings) = linted;
    let told = |finding: &flink::Finding| match finding.remedy.as_str() {
        "" => finding.what.clone(),
        remedy => format!("{}: {remedy}", finding.what),
    };
    let of = |severity| findings.iter().filter(move |finding| finding.severity == severity).map(told);
    let errors: Vec<String> = of(Severity::Error).collect();
    let sizes = [Process::JobManager, Process::TaskManager].map(|process| flink::memory::of(&configuration, process));
    match sizes {
        [Ok(job_manager), Ok(task_manager)] if errors.is_empty() => {
            Ok((job_manager, task_manager, of(Severity::Warning).collect()))
        }
        // A size that is wrong is among the errors; one that is missing is not.
        sizes if errors.is_empty() => {
            let refusals = sizes.into_iter().filter_map(Result::err);
            Err(Refused::Configuration(refusals.map(|one| format!("{}: {}", one.what, one.remedy)).collect()))
        }
        _ => Err(Refused::Configuration(errors)),
    }
}
