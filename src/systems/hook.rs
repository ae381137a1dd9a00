//! Gives one document to whoever wants to be told: to a program on its standard input, or to a web address by POST. Each once,
//! within a time, and with nothing of it in an argument or an error.
//! Not here: what is told, and trying again.

use super::client::Client;
use super::site;
use disk::regular;
use reqwest::Method;
use reqwest::header::{CONNECTION, CONTENT_TYPE};
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use url::Url;

/// How long telling may take.
const TIME: Duration = Duration::from_secs(20);
/// A file with an address is shorter.
const LONGEST: u64 = 4096;
/// Where a service would find its programs too.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Who runs a program for a manager that is root: nobody.
const NOBODY: u32 = 65534;

/// Whom to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hook {
    /// This program, as the user that we are, and never as root.
    Program(PathBuf),
    /// The address in this file, which may be a secret.
    Address(PathBuf),
}

/// Why it was not told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be run.
    #[error("cannot run {}", program.display())]
    Run { program: PathBuf, source: io::Error },
    /// It says that it did not do it, or took too long.
    #[error("{} {how}", program.display())]
    Failed { program: PathBuf, how: String },
    /// There is no address.
    #[error("there is no address in {}: {why}", file.display())]
    Address { file: PathBuf, why: String },
    /// Nobody takes it, or nobody knows.
    #[error("who is named in {} {how}", file.display())]
    Post { file: PathBuf, how: String },
}

/// Why an address that is no secret was not told.
#[derive(Debug, thiserror::Error)]
#[error("{address} {how}")]
pub struct Refused {
    address: String,
    how: String,
}

impl Hook {
    /// Tells it.
    pub fn tell(&self, document: &str) -> Result<(), Error> {
        match self {
            Hook::Program(program) => run(program, document, TIME),
            Hook::Address(file) => post(file, document),
        }
    }
}

/// With nothing of our environment, in a group of its own, whose processes end with it.
fn run(program: &Path, document: &str, time: Duration) -> Result<(), Error> {
    let failed = |how: String| Error::Failed { program: program.to_owned(), how };
    let cannot = |source| Error::Run { program: program.to_owned(), source };
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("LANG", "C.UTF-8").current_dir("/").process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child = command.spawn().map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        // It fits into the pipe; who reads nothing of it may still do what it is for.
        let _ = input.write_all(document.as_bytes());
    }
    let status = wait(&mut child, time);
    if let Some(group) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    match status.map_err(cannot)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failed(match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit code {code}"),
            (None, signal) => format!("was ended by signal {}", signal.unwrap_or_default()),
        })),
        None => {
            let _ = child.wait();
            Err(failed(format!("did not end within {} s", time.as_secs())))
        }
    }
}

fn wait(child: &mut Child, time: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > time {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn post(file: &Path, document: &str) -> Result<(), Error> {
    let none = |why: String| Error::Address { file: file.to_owned(), why };
    let failed = |how: String| Error::Post { file: file.to_owned(), how };
    let text = regular::read_short_text(file, LONGEST).map_err(|error| none(error.to_string()))?;
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| none("write one line as in https://pager.example/alarms".to_owned()))?;
    send(&url, document).map_err(failed)
}

/// Gives a document to an address that is no secret.
pub fn post_to(address: &str, document: &str) -> Result<(), Refused> {
    let refused = |how: String| Refused { address: address.to_owned(), how };
    let url = Url::parse(address).map_err(|error| refused(format!("is no address: {error}")))?;
    send(&url, document).map_err(refused)
}

/// Gives what went wrong, without the address.
fn send(url: &Url, document: &str) -> Result<(), String> {
    let client: Client = site::client(TIME);
    let request = client.request(Method::POST, url.as_str()).header(CONTENT_TYPE, "application/json");
    let answer = client.send(request.header(CONNECTION, "close").body(document.to_owned()));
    let answer = answer.map_err(|failure| {
        if failure.is_unsent() { "does not take the connection" } else { "gave no answer" }.to_owned()
    })?;
    match answer.status().as_u16() {
        200..300 => Ok(()),
        status => Err(format!("answered with status {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scripted;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn script(folder: &Path, text: &str) -> PathBuf {
        let file = folder.join("hook");
        fs::write(&file, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
        file
    }

    #[test]
    fn a_program_gets_the_document_and_nothing_of_ours_and_is_never_root() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let text = format!("cat > {0}; id -u >> {0}; env | grep -c CARGO >> {0}; echo $# >> {0}", out.display());
        Hook::Program(script(folder.path(), &text)).tell("{\"alarm\":1}\n").unwrap();
        let said = fs::read_to_string(&out).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!((lines[0], &lines[2..]), ("{\"alarm\":1}", &["0", "0"][..]), "{said}");
        assert_ne!(lines[1], "0");
    }

    #[test]
    fn a_program_that_fails_or_hangs_is_told_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let told =
            |text: &str| run(&script(folder.path(), text), "x", Duration::from_millis(300)).unwrap_err().to_string();
        assert!(told("exit 3").ends_with("ended with exit code 3"));
        let late = folder.path().join("late");
        let hangs = told(&format!("(sleep 1; : > {}) & sleep 60", late.display()));
        assert!(hangs.contains("did not end within"), "{hangs}");
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!late.exists());
        let missing = Hook::Program("/nowhere/hook".into()).tell("x").unwrap_err();
        assert!(matches!(missing, Error::Run { .. }));
    }

    #[test]
    fn an_address_gets_the_document_and_is_in_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        let server = Scripted::start(|request| {
            let status = if request.url.path().starts_with("/ok") { 204 } else { 500 };
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").into_bytes()
        });
        let tell = |address: &str| {
            fs::write(&file, address).unwrap();
            Hook::Address(file.clone()).tell("{\"alarm\":1}").map_err(|error| error.to_string())
        };
        tell(&format!("{}/ok/hush\n", server.address)).unwrap();
        assert!(server.asked().concat().contains("POST /ok/hush"));
        for address in [format!("{}/no/hush", server.address), "http://127.0.0.1:1/hush".to_owned(), "hush".to_owned()]
        {
            let told = tell(&address).unwrap_err();
            assert!(!told.contains("hush"), "{told}");
        }
    }
}
