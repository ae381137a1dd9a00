//! Folders that Flink writes to and reads again: whether each is one that Flink takes, and one that others see, too.
//! What Flink refuses, and where a folder without a scheme ends up, was asked of real ones of 1.20 and 2.3.
//! Not here: whether the folder is there, and who may write to it.

use super::contradiction::CHECKPOINTS;
use super::file::Entry;
use super::memory::Deployment;
use super::{Configuration, Findings};

const SAVEPOINTS: &[&str] = &["execution.checkpointing.savepoint-dir", "state.savepoints.dir"];
/// A folder without a scheme is one of the machine's own disk, and nothing says so.
const SILENT: [&[&str]; 3] =
    [&["high-availability.storageDir"], &["jobmanager.archive.fs.dir"], &["historyserver.archive.fs.dir"]];
/// The state of jobs, which the next JobManager reads, wherever it is. An archive that is lost stops no job.
const SHARED: [&[&str]; 3] = [CHECKPOINTS, SAVEPOINTS, SILENT[0]];

/// Looks at all of them.
pub(super) fn judge(configuration: &Configuration, findings: &mut Findings) {
    for entry in [CHECKPOINTS, SAVEPOINTS].iter().filter_map(|keys| configuration.any(keys)) {
        snapshots(entry, findings);
    }
    for entry in SILENT.iter().filter_map(|keys| configuration.any(keys)) {
        if configuration.setting("fs.default-scheme").is_none() {
            on_the_local_disk(entry, findings);
        }
    }
    for entry in SHARED.iter().filter_map(|keys| configuration.any(keys)) {
        unexpanded(entry, findings);
        if configuration.target.deployment == Deployment::Yarn {
            of_one_machine(entry, findings);
        }
    }
    let archive = configuration.any(SILENT[1]).filter(|_| configuration.target.deployment == Deployment::Yarn);
    if let Some(Entry { key, origin, .. }) = archive.filter(|entry| is_of_one_machine(entry)) {
        let what =
            format!("`{key}` is on the disk of whichever machine YARN chooses: nobody learns there how a job ended");
        findings.warning(origin, key, what, "write a folder of HDFS, as in hdfs:///pnda/flink/completed-jobs");
    }
}

/// The scheme of an address, and the path in it.
fn parts(value: &str) -> (Option<&str>, &str) {
    let value = value.trim();
    let scheme = value.split_once(':').filter(|(scheme, _)| !scheme.is_empty() && !scheme.contains('/'));
    let Some((scheme, rest)) = scheme else { return (None, value) };
    match rest.strip_prefix("//") {
        Some(rest) => (Some(scheme), rest.find('/').map_or("", |at| &rest[at..])),
        None => (Some(scheme), rest),
    }
}

/// Flink wants a scheme here, and never the root.
fn snapshots(Entry { key, value, origin, .. }: &Entry, findings: &mut Findings) {
    match parts(value) {
        (None, _) => {
            let what = format!("`{key}` has no scheme: no job would start");
            findings.error(origin, key, what, format!("write hdfs://{value}, or file://{value} for one machine"));
        }
        (Some(_), path) if path.trim_matches('/').is_empty() => {
            let what = format!("`{key}` is the root of a file system, which Flink refuses: no job would start");
            findings.error(
                origin,
                key,
                what,
                format!("name a folder in it, as in {}/flink", value.trim_end_matches('/')),
            );
        }
        _ => {}
    }
}

fn on_the_local_disk(Entry { key, value, origin, .. }: &Entry, findings: &mut Findings) {
    let folders: Vec<&str> = value.split(',').map(str::trim).collect();
    if let Some(folder) = folders.into_iter().find(|folder| folder.starts_with('/')) {
        let what = format!("`{key}` has no scheme: {folder} is a folder of each machine's own disk");
        findings.warning(origin, key, what, format!("write hdfs://{folder}, or file://{folder} if that is meant"));
    }
}

fn is_of_one_machine(entry: &Entry) -> bool {
    parts(&entry.value).0.is_some_and(|scheme| scheme.eq_ignore_ascii_case("file"))
}

fn of_one_machine(entry: &Entry, findings: &mut Findings) {
    let Entry { key, origin, .. } = entry;
    if is_of_one_machine(entry) {
        let what =
            format!("`{key}` is on the disk of whichever machine YARN chooses: it is not found again from another");
        findings.warning(origin, key, what, "write a folder of HDFS, as in hdfs:///pnda/flink");
    }
}

fn unexpanded(Entry { key, value, origin, .. }: &Entry, findings: &mut Findings) {
    if value.contains("${") {
        let what = format!("`{key}` has a variable in it, which nobody expands: the folder is called so");
        findings.warning(origin, key, what, "write what it stands for");
    }
}
