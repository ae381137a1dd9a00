//! The services of a node as children of this program: what systemd does on a node of its own.
//! Each has a log file; all of them end with us, and what a killed run left is ended by the next.
//! Not here: what the services are; the node's document says it.

use crate::error::Error;
use crate::ports::Ports;
use rustix::process::{Pid, Signal, getpgid, kill_process_group, test_kill_process};
use std::fmt::Display;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use systems::probe::{self, Seen};
use walkdir::WalkDir;
use words::event::{Event, Tell};
use words::names::Word;
use words::node::{Node, Ready, Service};

/// How long one look at a service may take.
const ONE_TRY: Duration = Duration::from_secs(2);
/// How long a service may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where services log that have log files of their own, below the trial's folder.
const LOGS: &str = "node/var/log/pnda";

/// Lines of a log that are told.
const LINES: usize = 20;

/// Services that run, on ports that are held for them.
pub(crate) struct Children<'a> {
    running: Vec<Running>,
    ports: &'a Ports,
    logs: PathBuf,
}

struct Running {
    name: String,
    child: Child,
    log: PathBuf,
    began: SystemTime,
    pid_file: PathBuf,
}

impl<'a> Children<'a> {
    /// Starts the services of a node, in order.
    pub(crate) fn start(node: &Node, folder: &Path, ports: &'a Ports, tell: Tell) -> Result<Self, Error> {
        for name in ["log", "run"] {
            fs::create_dir_all(folder.join(name))?;
        }
        let mut children = Children { running: Vec::new(), ports, logs: folder.join(LOGS) };
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
    fn wait_for(&mut self, name: &Word, ready: &Ready) -> Result<(), Error> {
        let deadline = Instant::now() + Duration::from_secs(ready.within.into());
        loop {
            let seen = probe::ask(&ready.at, ONE_TRY);
            if seen == Seen::Answer {
                return Ok(());
            }
            self.check()?;
            if Instant::now() > deadline {
                let what = format!("{name} does not answer at {} after {} s: {seen}", ready.at, ready.within);
                return Err(self.failure(&what, self.running.last()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Fails if a service has ended by itself.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        for at in 0..self.running.len() {
            if let Some(status) = self.running[at].child.try_wait()? {
                let running = &self.running[at];
                return Err(self.failure(&format!("{} ended: {status}", running.name), Some(running)));
            }
        }
        Ok(())
    }

    /// What happened, who has a port that a service needs, and what the service said last.
    fn failure(&self, what: &str, of: Option<&Running>) -> Error {
        let ours: Vec<Pid> = self.running.iter().map(|running| Pid::from_child(&running.child)).collect();
        let group = |pid: u32| getpgid(Pid::from_raw(pid as i32)).ok();
        let taken = self.ports.taken(|pid| group(pid).is_some_and(|group| ours.contains(&group)));
        let said = of.map(|running| last_words(running, &self.logs));
        let all = [Some(what.to_owned()), taken, said].into_iter().flatten();
        Error::Service(all.collect::<Vec<_>>().join("\n  "))
    }

    /// Ends every service, the last started first.
    pub(crate) fn stop(&mut self) {
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

impl Drop for Children<'_> {
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

/// The end of what a service wrote since it began: in a log file of its name, else on its streams.
fn last_words(running: &Running, logs: &Path) -> String {
    let named = |entry: &walkdir::DirEntry| entry.file_name().to_string_lossy().contains(&running.name);
    let since = |file: &PathBuf| fs::metadata(file).and_then(|of| of.modified()).is_ok_and(|at| at >= running.began);
    let found = WalkDir::new(logs).into_iter().flatten().filter(named).map(walkdir::DirEntry::into_path);
    let files = found.filter(|file| file.is_file() && since(file)).chain([running.log.clone()]);
    let told = files.filter_map(|file| {
        let text = String::from_utf8_lossy(&fs::read(&file).ok()?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(LINES)..].join("\n    ");
        (!tail.is_empty()).then(|| format!("{} says:\n    {tail}", file.display()))
    });
    told.collect::<Vec<_>>().join("\n  ")
}

fn start(service: &Service, folder: &Path) -> Result<Running, Error> {
    let name = service.name.to_string();
    let (log, pid_file) = (folder.join(format!("log/{name}.log")), folder.join(format!("run/{name}.pid")));
    let (output, began) = (File::create(&log)?, SystemTime::now());
    let Some((program, arguments)) = service.command.split_first() else { return Err(Error::NoCommand(name)) };
    let child = Command::new(program)
        .args(arguments)
        .envs(&service.environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0)
        .spawn()
        .map_err(|error| Error::Start { name: name.clone(), program: program.clone(), error })?;
    fs::write(&pid_file, child.id().to_string())?;
    Ok(Running { name, child, log, began, pid_file })
}

/// Ends services that an earlier, killed run of the same folder has left; anything else of the same number is let be.
pub(crate) fn stop_strays(folder: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(folder.join("run")) else { return Ok(()) };
    for entry in entries.flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        if let Some(pid) =
            text.trim().parse().ok().and_then(Pid::from_raw).filter(|pid| is_ours(pid.as_raw_nonzero(), folder))
        {
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
pub(crate) fn is_ours(pid: impl Display, folder: &Path) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&command).contains(&*folder.to_string_lossy())
}
