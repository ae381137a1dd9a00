//! systemd, asked and told through `systemctl`.
//! Starting is bounded in time, and *up* means still up a moment later.
//! Not here: which services should run.

use super::hdfs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systems::probe::Seen;
use words::names::Word;
use words::node::{Gate, Service, ServiceKind};

/// How much of a failed service's journal is shown.
const JOURNAL_LINES: &str = "20";

/// Why a service is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program is not there.
    #[error("cannot run {program}")]
    Run { program: String, source: io::Error },
    /// systemd refused.
    #[error("systemd refused to {verb} {service}: {why}")]
    Refused { verb: &'static str, service: String, why: String },
    /// It did not come up.
    #[error("service {service} did not come up: it is {state} after {seconds} s\nits last words:\n{journal}")]
    Down { service: Word, state: String, seconds: u64, journal: String },
    /// It runs, or tries to, and does not answer.
    #[error(
        "service {service} is {state}, but does not do its work: {gate} was asked for {seconds} s, last seen: {seen}\nits last words:\n{journal}"
    )]
    Unready { service: Word, state: String, gate: Gate, seconds: u64, seen: Seen, journal: String },
}

/// What systemd says of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// `active`, `inactive`, `failed`, …
    pub active: String,
    /// Starts with the machine.
    pub enabled: bool,
    /// An operator forbade it to start.
    pub masked: bool,
    /// Its unit file changed since systemd read it.
    pub stale: bool,
    /// Its main process, and how often it was started anew.
    pub life: (String, String),
}

impl ServiceState {
    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.active == "active"
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Waits {
    /// For a service to be up.
    pub up: Duration,
    /// Between two looks.
    pub look: Duration,
    /// A program with a wrong configuration is up for a moment; this is longer than such a moment.
    pub settle: Duration,
    /// For HDFS.
    pub hdfs: hdfs::Patience,
}

impl Default for Waits {
    fn default() -> Waits {
        let look = Duration::from_millis(50);
        Waits { up: Duration::from_secs(90), look, settle: Duration::from_secs(2), hdfs: hdfs::Patience::default() }
    }
}

/// The machine's systemd.
#[derive(Debug, Clone)]
pub struct Systemd {
    /// The folder of `systemctl` and `journalctl`; none to find them as the shell does.
    pub programs: Option<PathBuf>,
    /// How long to wait.
    pub waits: Waits,
}

impl Systemd {
    /// The one that runs this machine, if one does.
    pub fn of_machine() -> Option<Systemd> {
        Path::new("/run/systemd/system").is_dir().then(|| Systemd { programs: None, waits: Waits::default() })
    }

    /// What it says of services, in their order.
    pub fn look<'a>(&self, services: impl Iterator<Item = &'a Word>) -> Result<Vec<(Word, ServiceState)>, Error> {
        let services: Vec<&Word> = services.collect();
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let properties = "--property=ActiveState,UnitFileState,NeedDaemonReload,LoadState,MainPID,NRestarts";
        let units: Vec<String> = services.iter().map(|service| unit(service)).collect();
        let mut arguments = vec!["show", properties];
        arguments.extend(units.iter().map(String::as_str));
        let answer = self.run("systemctl", &arguments)?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let mut blocks = text.split("\n\n").map(parse);
        Ok(services.into_iter().map(|service| (service.clone(), blocks.next().unwrap_or_default())).collect())
    }

    /// Makes systemd read its unit files again.
    pub fn reload(&self) -> Result<(), Error> {
        self.tell("daemon-reload", None, &["daemon-reload"])
    }

    /// Makes a service start with the machine.
    pub fn enable(&self, service: &Word) -> Result<(), Error> {
        // The link that it makes counts when the machine starts; systemd need not read all its units again for it.
        self.tell("enable", Some(service), &["enable", "--quiet", "--no-reload"])
    }

    /// Starts a service, whatever became of it before, or restarts it.
    pub fn restart(&self, service: &Word) -> Result<(), Error> {
        // A unit that failed too often in a row refuses to start until that is forgotten; if it did not, this fails.
        let _ = self.tell("reset-failed", Some(service), &["reset-failed"]);
        self.tell("restart", Some(service), &["restart", "--no-block"])
    }

    /// Stops a service and keeps it from starting with the machine.
    pub fn retire(&self, service: &Word) -> Result<(), Error> {
        self.tell("disable", Some(service), &["disable", "--now", "--quiet"])
    }

    /// Waits until all of them are up, and stay so where being up says no more than that a program was started.
    pub fn wait(&self, services: &[&Service]) -> Result<(), Error> {
        let start = Instant::now();
        let up = loop {
            let states = self.look(services.iter().map(|service| &service.name))?;
            let waiting = states.iter().find(|(_, state)| !state.is_active());
            match waiting {
                None => break states,
                Some((service, state)) if state.active == "failed" || start.elapsed() > self.waits.up => {
                    return Err(self.down(service, state, start));
                }
                Some(_) => sleep(self.waits.look),
            }
        };
        if services.iter().all(|service| service.kind == ServiceKind::Notify) {
            return Ok(());
        }
        sleep(self.waits.settle);
        let later = self.look(services.iter().map(|service| &service.name))?;
        let fell = up.iter().zip(&later).find(|((_, before), (_, now))| !now.is_active() || now.life != before.life);
        match fell {
            None => Ok(()),
            Some((_, (service, state))) => Err(self.down(service, state, start)),
        }
    }

    /// A service that did not answer in time.
    pub fn unready(&self, service: &Word, state: &ServiceState, gate: &Gate, seen: &Seen, waited: Duration) -> Error {
        let (seconds, journal) = (waited.as_secs(), self.last_words(service));
        let (service, state, gate, seen) = (service.clone(), state.active.clone(), gate.clone(), seen.clone());
        Error::Unready { service, state, gate, seconds, seen, journal }
    }

    fn last_words(&self, service: &Word) -> String {
        let arguments = ["--unit", &unit(service), "--lines", JOURNAL_LINES, "--no-pager", "--output", "cat"];
        let journal = self.run("journalctl", &arguments);
        journal.map_or_else(|error| error.to_string(), |answer| lossy(&answer.stdout))
    }

    fn down(&self, service: &Word, state: &ServiceState, start: Instant) -> Error {
        let journal = self.last_words(service);
        let state = if state.is_active() { "restarting".into() } else { state.active.clone() };
        Error::Down { service: service.clone(), state, seconds: start.elapsed().as_secs(), journal }
    }

    fn tell(&self, verb: &'static str, service: Option<&Word>, arguments: &[&str]) -> Result<(), Error> {
        let unit = service.map(unit);
        let arguments: Vec<&str> = arguments.iter().copied().chain(unit.as_deref()).collect();
        let answer = self.run("systemctl", &arguments)?;
        if answer.status.success() {
            return Ok(());
        }
        let service = unit.unwrap_or_else(|| "the unit files".into());
        Err(Error::Refused { verb, service, why: lossy(&answer.stderr).replace('\n', "; ") })
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Output, Error> {
        let path = self.programs.as_ref().map_or_else(|| program.into(), |folder| folder.join(program));
        let mut command = Command::new(path);
        command.args(arguments).stdin(Stdio::null()).env("SYSTEMD_COLORS", "0").env("LC_ALL", "C");
        command.output().map_err(|source| Error::Run { program: program.to_owned(), source })
    }
}

fn unit(service: &Word) -> String {
    format!("{service}.service")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// One block of `key=value` lines.
fn parse(block: &str) -> ServiceState {
    let value = |key: &str| {
        let line = block.lines().find_map(|line| line.split_once('=').filter(|(name, _)| *name == key));
        line.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let file = value("UnitFileState");
    ServiceState {
        active: value("ActiveState"),
        // A static unit has nothing to enable; others start it.
        enabled: matches!(file.as_str(), "enabled" | "static" | "alias" | "generated" | "indirect"),
        masked: file.starts_with("masked") || value("LoadState") == "masked",
        stale: value("NeedDaemonReload") == "yes",
        life: (value("MainPID"), value("NRestarts")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A systemctl that writes down what it is told and answers with the file `answer`,
    /// once something was restarted with the file `after`.
    pub(crate) fn scripted(folder: &Path, answer: &str) -> Systemd {
        std::fs::write(folder.join("answer"), answer).unwrap();
        let script = format!(
            "#!/bin/sh\ncd {}\ncase $1 in show) cat answer;; *) echo \"$@\" >>told;; esac\n\
             if [ $1 = restart ] && [ -f after ]; then mv after answer; fi\n",
            folder.display()
        );
        for (name, text) in [("systemctl", script.as_str()), ("journalctl", "#!/bin/sh\necho port is taken\n")] {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let short = Duration::from_millis(1);
        let hdfs = hdfs::Patience { short: short * 20, long: short * 200, look: short };
        Systemd { programs: Some(folder.to_owned()), waits: Waits { up: short * 50, look: short, settle: short, hdfs } }
    }

    fn word(text: &str) -> Word {
        Word::new(text).unwrap()
    }

    fn service(kind: ServiceKind) -> Service {
        let (name, user) = (word("agent"), word("pnda"));
        let (command, unit, restart_on, environment) = (Vec::new(), Vec::new(), Vec::new(), Default::default());
        Service { name, about: String::new(), kind, user, command, environment, restart_on, unit, ready: None }
    }

    #[test]
    fn each_service_has_its_block() {
        let folder = tempfile::tempdir().unwrap();
        let systemd = scripted(
            folder.path(),
            "MainPID=7\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n\n\
             LoadState=not-found\nActiveState=inactive\nUnitFileState=\n",
        );
        let states = systemd.look([word("agent"), word("history")].iter()).unwrap();
        assert!(states[0].1.is_active() && states[0].1.enabled && !states[0].1.stale);
        assert_eq!(states[1], (word("history"), ServiceState { active: "inactive".into(), ..Default::default() }));
    }

    #[test]
    fn a_service_that_stays_down_tells_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        for answer in ["ActiveState=failed\n", "ActiveState=activating\n"] {
            let error = scripted(folder.path(), answer).wait(&[&service(ServiceKind::Exec)]).unwrap_err().to_string();
            assert!(error.contains("agent did not come up") && error.contains("port is taken"), "{error}");
        }
    }

    #[test]
    fn who_says_that_it_is_up_is_believed_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut systemd = scripted(folder.path(), "ActiveState=active\n");
        systemd.waits.settle = Duration::from_secs(600);
        systemd.wait(&[&service(ServiceKind::Notify)]).unwrap();
    }

    #[test]
    fn services_are_told_by_their_units() {
        let folder = tempfile::tempdir().unwrap();
        let systemd = scripted(folder.path(), "ActiveState=active\n");
        systemd.reload().unwrap();
        systemd.enable(&word("agent")).unwrap();
        systemd.restart(&word("agent")).unwrap();
        systemd.wait(&[&service(ServiceKind::Exec)]).unwrap();
        let told = std::fs::read_to_string(folder.path().join("told")).unwrap();
        let expected = "daemon-reload\nenable --quiet --no-reload agent.service\nreset-failed agent.service\n\
                        restart --no-block agent.service\n";
        assert_eq!(told, expected);
    }
}
