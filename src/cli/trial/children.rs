//! The services of a node as children of this program: what systemd does on a node of its own.
//! Each has a log file; all of them end with us, and what a killed run left is ended by the next.
//! Not here: what the services are; the node's document says it.

use crate::cli::failure::{FAILED, Failure};
use crate::systems::probe::{self, Seen};
use crate::words::event::{Event, Tell};
use crate::words::names::Word;
use crate::words::node::{Node, Ready, Service};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long one look at a service may take.
const ONE_TRY: Duration = Duration::from_secs(2);
/// How long a service may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Services that run.
pub(super) struct Children {
    running: Vec<Running>,
}

struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    pid_file: PathBuf,
}

impl Children {
    /// Starts the services of a node, in order.
    pub(super) fn start(node: &Node, folder: &Path, tell: Tell) -> Result<Children, Failure> {
        for name in ["log", "run"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let mut children = Children { running: Vec::new() };
        for service in &node.services {
            tell(Event::Note(format!("starting {}", service.name)));
            children.running.push(start(service, folder)?);
            if let Some(ready) = &service.ready {
                children.wait_for(&service.name, ready)?;
            }
        }
        Ok(children)
    }

    /// Waits until a service answers.
    fn wait_for(&mut self, name: &Word, ready: &Ready) -> Result<(), Failure> {
        let deadline = Instant::now() + Duration::from_secs(ready.within.into());
        loop {
            let seen = probe::ask(&ready.at, ONE_TRY);
            if seen == Seen::Answer {
                return Ok(());
            }
            self.check()?;
            if Instant::now() > deadline {
                let text = format!("{name} does not answer at {} after {} s: {seen}", ready.at, ready.within);
                return Err(Failure::new(FAILED, text));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Fails if a service has ended by itself.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for running in &mut self.running {
            if let Some(status) = running.child.try_wait()? {
                let text = fs::read_to_string(&running.log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines[lines.len().saturating_sub(20)..].join("\n    ");
                let log = running.log.display();
                return Err(Failure::new(FAILED, format!("{} ended: {status}; {log} says:\n    {tail}", running.name)));
            }
        }
        Ok(())
    }

    /// Ends every service, the last started first.
    pub(super) fn stop(&mut self) {
        while let Some(mut running) = self.running.pop() {
            let _ = signal(&running.child, Signal::TERM);
            let deadline = Instant::now() + PATIENCE;
            while matches!(running.child.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = signal(&running.child, Signal::KILL);
            let _ = running.child.wait();
            let _ = fs::remove_file(&running.pid_file);
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(child: &Child, signal: Signal) -> rustix::io::Result<()> {
    match Pid::from_raw(child.id() as i32) {
        Some(group) => kill_process_group(group, signal),
        None => Ok(()),
    }
}

fn start(service: &Service, folder: &Path) -> Result<Running, Failure> {
    let name = service.name.to_string();
    let (log, pid_file) = (folder.join(format!("log/{name}.log")), folder.join(format!("run/{name}.pid")));
    let output = File::create(&log)?;
    let (program, arguments) =
        service.command.split_first().ok_or_else(|| Failure::new(FAILED, format!("{name} has no command")))?;
    let child = Command::new(program)
        .args(arguments)
        .envs(&service.environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::new(FAILED, format!("cannot start {name} ({program}): {error}")))?;
    fs::write(&pid_file, child.id().to_string())?;
    Ok(Running { name, child, log, pid_file })
}

/// Ends services that an earlier, killed run of the same folder has left; anything else of the same number is let be.
pub(super) fn stop_strays(folder: &Path) -> Result<(), Failure> {
    let Ok(entries) = fs::read_dir(folder.join("run")) else { return Ok(()) };
    for entry in entries.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        if let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw).filter(|pid| is_ours(*pid, folder)) {
            let _ = kill_process_group(pid, Signal::TERM);
            let deadline = Instant::now() + PATIENCE;
            while test_kill_process(pid).is_ok() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = kill_process_group(pid, Signal::KILL);
        }
        fs::remove_file(entry.path())?;
    }
    Ok(())
}

/// Whether a process was started out of this folder.
fn is_ours(pid: Pid, folder: &Path) -> bool {
    let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(&*folder.to_string_lossy())
}
