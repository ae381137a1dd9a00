//! The Hadoop that a site brings: whether its configuration and its class path are what Flink's clients need.
//! Looked at before anything is installed, and again by `pnda-agent check`; every fault is one line with its remedy.
//! Not here: the Hadoop that roles install, or whether its services answer.
//!
//! Its command is a script that reads what others than root may own, as `hadoop-env.sh` of the configuration. So root never
//! runs it: it runs as nobody, who must be able to use it anyway, for jobs are submitted by users with no more rights.

mod configuration;
mod jars;

use super::bounded::{self, Task, Whose};
use configuration::Configuration;
use disk::regular::{self, Links};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use words::node::SiteHadoop;

/// What a command that only prints a path may take, with a JVM on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A class path is some kilobytes; a configuration of a large site some hundred.
const LONGEST: u64 = 4 << 20;
/// A class path names some ten folders, which hold some hundred jars; others than root may write it, and fill them.
const MOST_ENTRIES: usize = 2_000;
/// As many files are looked for jars.
const MOST_FILES: usize = 20_000;
/// User and group `nobody` of the kernel and of every distribution; the numbers need no entry in a database.
const NOBODY: (u32, u32) = (65534, 65534);

/// What is wrong with the site's Hadoop. Its configuration lies below `root`; `classes` says whether its class path can
/// be looked at from here.
pub fn faults(hadoop: &SiteHadoop, root: &Path, classes: Classes) -> Vec<String> {
    let conf = hadoop.conf.under(root);
    let mut faults = Vec::new();
    let mut files = Vec::new();
    for name in configuration::FILES {
        match read(&conf.join(name)).and_then(|text| Configuration::parse(&text).map_err(io::Error::other)) {
            Ok(file) => files.push(file),
            Err(error) => faults.push(unread(&format!("{}/{name}", hadoop.conf), &error)),
        }
    }
    if let [core, hdfs, yarn] = files.as_slice() {
        faults.extend(configuration::faults(hadoop.conf.as_str(), core, hdfs, yarn));
    }
    if classes == Classes::Here {
        match class_path(hadoop, &conf) {
            Ok(class_path) => faults.extend(jars::faults(&class_path)),
            Err(fault) => faults.push(fault),
        }
    }
    // Some of it is what the site's files and command say, and it is shown on terminals.
    faults.iter().map(|fault| fault.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()).collect()
}

/// Whether the class path can be looked at: in an image nothing runs, and its paths lead elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classes {
    /// It can.
    Here,
    /// It cannot.
    Elsewhere,
}

fn unread(path: &str, error: &io::Error) -> String {
    let remedy = "deploy the client configuration of the site's Hadoop here, or name its folder in hadoop.conf";
    match error.kind() {
        io::ErrorKind::NotFound => format!("{path} is missing: {remedy}"),
        _ => format!("{path} cannot be used: {error}: {remedy}"),
    }
}

fn read(path: &Path) -> io::Result<String> {
    String::from_utf8(regular::read(path, Links::Follow, LONGEST)?).map_err(io::Error::other)
}

/// What the site says, or else its command.
fn class_path(hadoop: &SiteHadoop, conf: &Path) -> Result<String, String> {
    if let Some(class_path) = &hadoop.class_path {
        return Ok(class_path.clone());
    }
    let command = hadoop.command.as_str();
    let remedy =
        "install the client packages of the site's Hadoop here, or name them in hadoop.command or hadoop.class_path";
    if !Path::new(command).exists() {
        return Err(format!("{command} is missing: {remedy}"));
    }
    ask(command, conf).map_err(|why| format!("`{command} classpath` {why}: {remedy}"))
}

fn ask(command: &str, conf: &Path) -> Result<String, String> {
    let user = rustix::process::geteuid().is_root().then_some(NOBODY);
    let given = |name: &str| Some((name.to_owned(), std::env::var_os(name)?));
    let who: Vec<_> = match user {
        Some(_) => [("HOME", "/"), ("USER", "nobody")].map(|(name, value)| (name.to_owned(), value.into())).into(),
        None => ["HOME", "USER"].into_iter().filter_map(given).collect(),
    };
    // Where Java is, is no secret, and not every configuration says it.
    let environment = who.into_iter().chain(given("JAVA_HOME"));
    let environment = environment.chain([("HADOOP_CONF_DIR".to_owned(), conf.into())]).collect();
    let ended = bounded::run(Task {
        program: command,
        arguments: &["classpath".to_owned()],
        environment,
        user,
        whose: Whose::Foreign,
        time: PATIENCE,
        kept: LONGEST as usize,
        lock: None,
    });
    let ended = ended.map_err(|error| format!("does not start: {error}"))?;
    let text = String::from_utf8(ended.output).ok().filter(|_| ended.whole);
    let asked = if user.is_some() { ", asked as the user nobody, who must be able to read all it needs" } else { "" };
    match ended.status {
        None => Err(format!("does not end within {} s", PATIENCE.as_secs())),
        Some(status) if !status.success() => Err(format!("ends with {status}{asked}")),
        Some(_) => text.map(|text| text.trim().to_owned()).ok_or_else(|| "prints no text".to_owned()),
    }
}

/// The jars that a class path names, its own and those of its `…/*`, as far as they are looked at.
fn entries(class_path: &str, looked_at: impl Fn(&Path) -> bool) -> Result<BTreeSet<PathBuf>, String> {
    let too_many = |most: usize, what: &str| {
        let remedy = "name only what Flink's clients need in hadoop.class_path";
        format!("the class path of the site's Hadoop has more than {most} {what}: {remedy}")
    };
    let mut entries = BTreeSet::new();
    for entry in class_path.split([':', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        entries.insert(entry);
        if entries.len() > MOST_ENTRIES {
            return Err(too_many(MOST_ENTRIES, "entries"));
        }
    }
    let (mut found, mut seen) = (BTreeSet::new(), 0);
    for entry in entries {
        let Some(folder) = entry.strip_suffix("/*").or_else(|| entry.strip_suffix("/*.jar")) else {
            found.extend(Some(PathBuf::from(entry)).filter(|jar| looked_at(jar)));
            continue;
        };
        for file in std::fs::read_dir(folder).into_iter().flatten() {
            seen += 1;
            if seen > MOST_FILES {
                return Err(too_many(MOST_FILES, "files in its folders"));
            }
            found.extend(file.ok().map(|file| file.path()).filter(|jar| looked_at(jar)));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
