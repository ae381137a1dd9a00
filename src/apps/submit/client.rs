//! What Flink's own client is told: its configuration, which is that of the run, and the words of its command line.
//! Pure. It reads the words from a file, for a command line is everybody's to read.
//! Not here: starting it, and what it leaves behind (`client`).

use super::configuration::{END, RESTORE};
use super::context::tags;
use super::{Cluster, Job};
use crate::package::flink::Program;
use std::collections::BTreeMap;
use words::flink::{ConfigurationFile, Version};
use words::names::Word;

/// The class that is Flink's command line.
const FRONTEND: &str = "org.apache.flink.client.cli.CliFrontend";
/// The memory of the client itself: it reads files and sends them on.
const HEAP: &str = "-Xmx256m";
/// The line from which on keys have the names that are written here.
const RENAMED_IN: (u32, u32) = (1, 20);
/// What the keys that are set for each run were called before.
const OLDER: [(&str, &str); 5] = [
    ("execution.checkpointing.create-subdir", "state.checkpoints.create-subdir"),
    ("execution.checkpointing.storage", "state.checkpoint-storage"),
    ("execution.checkpointing.dir", "state.checkpoints.dir"),
    ("execution.checkpointing.savepoint-dir", "state.savepoints.dir"),
    (RESTORE, "execution.savepoint.path"),
];
/// What the command line sets by its own options alone, whatever the configuration says: the option, and the key of each time.
const LEAVES_OUT: [&str; 2] =
    ["execution.state-recovery.ignore-unclaimed-state", "execution.savepoint.ignore-unclaimed-state"];
const CLAIMS: [&str; 2] = ["execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"];

/// The name of a key in a release.
pub(super) fn key_in(version: Version, key: &str) -> &str {
    let is_older = version.line() < RENAMED_IN;
    OLDER.iter().find(|(newer, _)| is_older && *newer == key).map_or(key, |(_, older)| *older)
}

/// What is set for the client besides what is set for each run. It reserves the application's id itself: the tag is what the
/// run is known by until that is seen.
pub(super) fn pairs(cluster: &Cluster, job: &Job, tag: &Word) -> Vec<(String, String)> {
    let mut tags = tags(cluster, job.order);
    tags.push(tag.to_string());
    let mut pairs = vec![
        ("yarn.application.name", job.name()),
        ("yarn.tags", tags.join(",")),
        ("execution.target", "yarn-application".to_owned()),
    ];
    pairs.extend(job.job.as_ref().map(|id| ("$internal.pipeline.job-id", id.to_string())));
    pairs.extend(job.queue.as_ref().map(|queue| ("yarn.application.queue", queue.to_string())));
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The text of its configuration file. Values of earlier releases are the rest of their line, and have no escapes.
pub fn text(version: Version, pairs: &BTreeMap<String, String>) -> Result<String, String> {
    let json = |text: &str| serde_json::Value::from(text).to_string();
    match version.configuration_file() {
        ConfigurationFile::Yaml => {
            Ok(pairs.iter().map(|(key, value)| format!("{}: {}\n", json(key), json(value))).collect())
        }
        ConfigurationFile::Lines => {
            let is_plain = |text: &str| !text.contains(['\n', '\r', '#']) && text.trim() == text;
            match pairs.iter().find(|(key, value)| !is_plain(key) || key.contains(": ") || !is_plain(value)) {
                Some((key, _)) => Err(format!("the value of {key} cannot be written into Flink {version}'s file")),
                None => Ok(pairs.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()),
            }
        }
    }
}

/// Where the client finds what it needs on this machine.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Options of Java.
    pub java_options: &'a [String],
    /// Jars and folders of Flink and Hadoop.
    pub class_path: &'a str,
    /// The settings of its own log.
    pub log: &'a str,
    /// The folder of the program's jars.
    pub jars: &'a str,
}

/// The words of Java's command line: Flink's command line is a program of Java. `set` is the run's configuration.
pub fn words(version: Version, job: &Job, set: &BTreeMap<String, String>, places: Places<'_>) -> Vec<String> {
    let mut words = vec![HEAP.to_owned()];
    words.extend(places.java_options.iter().cloned());
    words.push(format!("-Dlog4j.configurationFile=file:{}", places.log));
    words.extend(["-cp", places.class_path, FRONTEND].map(str::to_owned));
    // From 2.0 on there is one command for both.
    words.push(if version.line() >= (2, 0) { "run" } else { "run-application" }.to_owned());
    words.extend(["-t", "yarn-application"].map(str::to_owned));
    if let Some(path) = &job.restore {
        words.extend(["-s".to_owned(), path.clone()]);
        words.extend(is_set(set, &LEAVES_OUT).filter(|set| *set == "true").map(|_| "-n".to_owned()));
        let claim = if version.line() >= (2, 0) { "-claimMode" } else { "-restoreMode" };
        words.extend(is_set(set, &CLAIMS).into_iter().flat_map(|mode| [claim.to_owned(), mode.to_owned()]));
    }
    match &job.program {
        Program::Jar { jar, class } => {
            words.extend(["-c".to_owned(), class.clone(), format!("{}/{}", places.jars, jar.file_name())]);
        }
        // No jar ends Flink's own options here: the first mark ends the client's, the other one those of `PythonDriver`.
        Program::Python { script, .. } => words.extend(["-py", &script.to_string(), END, END].map(str::to_owned)),
    }
    words.extend(job.arguments.iter().cloned());
    words
}

fn is_set<'a>(set: &'a BTreeMap<String, String>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| set.get(*key)).map(String::as_str)
}

/// Words as Java reads them from a file: each in quotes on a line of its own.
pub fn quoted(words: &[String]) -> String {
    let quote = |word: &String| {
        let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "\\r");
        format!("\"{escaped}\"\n")
    };
    words.iter().map(quote).collect()
}
