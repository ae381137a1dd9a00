//! The Hadoop that a site brings: whether its configuration and its class path are what Flink's clients need.
//! Looked at before anything is installed, and again by `pnda-agent check`; every fault is one line with its remedy.
//! Not here: the Hadoop that roles install, or whether its services answer.

mod configuration;
mod jars;

use crate::words::node::SiteHadoop;
use configuration::Configuration;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a command that only prints a path may take, with a JVM on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A class path is some kilobytes; a configuration of a large site some hundred.
const LONGEST: u64 = 4 << 20;

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
    faults
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
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
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
    let mut asked = Command::new(command);
    asked.arg("classpath").env("HADOOP_CONF_DIR", conf).current_dir("/").process_group(0);
    asked.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = asked.spawn().map_err(|error| format!("does not start: {error}"))?;
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.map(|output| output.take(LONGEST).read_to_string(&mut text));
        // Nobody waits any more if it took too long.
        let _ = sender.send(read.and_then(Result::ok).map(|_| text));
    });
    let said = receiver.recv_timeout(PATIENCE);
    if said.is_err()
        && let Some(group) = rustix::process::Pid::from_raw(child.id() as i32)
    {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    match said {
        Err(_) => Err(format!("does not end within {} s", PATIENCE.as_secs())),
        Ok(_) if !status.success() => Err(format!("ends with {status}")),
        Ok(None) => Err("prints no text".to_owned()),
        Ok(Some(text)) => Ok(text.trim().to_owned()),
    }
}

/// The jars that a class path names: its own, and those of its `…/*`.
fn entries(class_path: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in class_path.split([':', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some(folder) = entry.strip_suffix("/*").or_else(|| entry.strip_suffix("/*.jar")) else {
            found.push(PathBuf::from(entry));
            continue;
        };
        let mut jars: Vec<PathBuf> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("jar")))
            .collect();
        jars.sort();
        found.extend(jars);
    }
    found
}

#[cfg(test)]
mod tests;
