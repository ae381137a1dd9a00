//! One node: a real systemd on a root file system of its own, in a network namespace of its own.
//! Commands run inside as on a machine that somebody logged in to; power off and on keep its disk.
//! Not here: its network (ground.rs), or what is installed on it.

use crate::shell::{self, Output, until};
use crate::{departures, machine};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// systemd's "power off now", SIGRTMIN+4; the number is that of Linux with glibc.
const POWER_OFF: &str = "-38";

/// A command that takes longer hangs.
const PATIENCE_SECONDS: &str = "600";

/// A node, powered on or off.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its host name.
    pub(crate) name: String,
    /// Its address on the bridge.
    pub(crate) address: String,
    namespace: String,
    folder: PathBuf,
    power: Option<Power>,
}

#[derive(Debug)]
struct Power {
    nspawn: Child,
    init: u32,
    /// The second at which its boot was over: what its journal says before is nobody's concern.
    since: String,
}

impl Node {
    /// Lays a disk of its own over the base image; the network namespace must be there.
    pub(crate) fn new(name: &str, address: &str, namespace: String, ground: &Path, base: &Path) -> Node {
        let folder = ground.join(name);
        let [upper, work, root] = ["upper", "work", "root"].map(|part| folder.join(part));
        for path in [&upper, &work, &root] {
            fs::create_dir_all(path).expect("the ground's folder is writable");
        }
        machine::overlay(base, &upper, &work, &root).ok();
        Node { name: name.to_owned(), address: address.to_owned(), namespace, folder, power: None }
    }

    /// Writes a file onto its disk from outside.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.write_bytes(path, text.as_bytes());
    }

    /// The same of bytes.
    pub(crate) fn write_bytes(&self, path: &str, bytes: &[u8]) {
        fs::write(self.root().join(path.trim_start_matches('/')), bytes).expect("the node's disk is writable");
    }

    /// Powers it on and waits until systemd says that everything runs.
    pub(crate) fn boot(&mut self) {
        assert!(self.power.is_none(), "{} is on", self.name);
        let mut nspawn = self.spawn();
        let init = until(&format!("{}: init starts", self.name), Duration::from_secs(20), || {
            let ended = nspawn.try_wait().expect("a child can be asked").map(|status| status.to_string());
            assert!(ended.is_none(), "{} did not start: {}\n{}", self.name, ended.unwrap_or_default(), self.console());
            init_of(nspawn.id())
        });
        self.power = Some(Power { nspawn, init, since: String::new() });
        let state = until(&format!("{}: boot ends", self.name), Duration::from_secs(60), || {
            let state = self.run("systemctl is-system-running");
            ["running", "degraded"].contains(&state.text()).then(|| state.text().to_owned())
        });
        if state != "running" {
            panic!("{} is {state}: {}", self.name, self.run("systemctl --failed --no-legend").stdout);
        }
        let now = self.run("date +%s.%6N").ok().text().to_owned();
        self.power.as_mut().expect("it was set above").since = now;
    }

    /// Asks it to power off and waits until it is off.
    pub(crate) fn power_off(&mut self) {
        let Some(mut power) = self.power.take() else { return };
        shell::run("kill", &[POWER_OFF, &power.init.to_string()]).ok();
        until(&format!("{}: powers off", self.name), Duration::from_secs(60), || {
            power.nspawn.try_wait().expect("a child can be asked")
        });
    }

    /// Cuts its power.
    pub(crate) fn cut(&mut self) {
        let Some(mut power) = self.power.take() else { return };
        // The end of a pid namespace's init ends everything in it.
        shell::run("kill", &["-9", &power.init.to_string()]);
        let _ = power.nspawn.wait();
    }

    /// Runs a line of shell on the node as root.
    pub(crate) fn run(&self, line: &str) -> Output {
        shell::finish(self.inside(&["/bin/sh", "-c", line]).env("HOME", "/root"))
    }

    /// Runs a line of shell on the node as somebody who logged in.
    pub(crate) fn run_as(&self, user: &str, line: &str) -> Output {
        shell::finish(&mut self.inside(&["runuser", "--login", user, "--shell", "/bin/sh", "--command", line]))
    }

    /// Copies a folder of this machine, with its modes, to a path on the node.
    pub(crate) fn copy(&self, folder: &Path, to: &str) {
        self.run(&format!("mkdir -p {to}")).ok();
        let mut packed = Command::new("tar")
            .args(["--create", "--owner=root", "--group=root", "--file=-", "--directory"])
            .args([folder, Path::new(".")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("tar is installed");
        let stream = packed.stdout.take().expect("it was asked for");
        let mut unpack = self.inside(&["tar", "--extract", "--file=-", "--directory", to]);
        let unpacked = unpack.stdin(stream).output().expect("nsenter is installed");
        shell::from(format!("copy {} to {}:{to}", folder.display(), self.name), unpacked).ok();
        assert!(packed.wait().is_ok_and(|status| status.success()), "cannot pack {}", folder.display());
    }

    /// Waits until a unit is active; panics with its journal when it does not come up.
    pub(crate) fn wait_active(&self, unit: &str) {
        let limit = Duration::from_secs(60);
        let start = std::time::Instant::now();
        while self.run(&format!("systemctl is-active {unit}")).code != Some(0) {
            let journal = || self.run(&format!("journalctl --no-pager -n 30 -u {unit}")).stdout;
            assert!(start.elapsed() < limit, "{unit} on {} does not come up:\n{}", self.name, journal());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// One property of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        self.run(&format!("systemctl show --value --property={name} {unit}")).ok().text().to_owned()
    }

    /// How often its kernel refused to send for want of a route, since its network was made.
    pub(crate) fn refused(&self) -> u64 {
        departures::refused(self.power().init)
    }

    /// The last lines of its journal, for the message of a test that failed.
    pub(crate) fn last_words(&self) -> String {
        match &self.power {
            Some(power) => self.run(&format!("journalctl --quiet --no-pager -n 40 --since @{}", power.since)).stdout,
            None => self.console(),
        }
    }

    fn spawn(&self) -> Child {
        let groups = self.control_groups();
        for group in &groups {
            fs::create_dir_all(group).expect("root makes control groups");
        }
        // In a group shared with other nodes, stopping a unit would fail where another node has one of that name.
        let enter: String =
            groups.iter().map(|group| format!("echo $$ > {}/cgroup.procs && ", group.display())).collect();
        let log = || File::create(self.folder.join("console")).expect("the ground's folder is writable");
        Command::new("sh")
            .args(["-c", &format!("{enter} exec systemd-nspawn \"$@\""), "sh", "--quiet", "--boot"])
            .args(["--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off", "--link-journal=no"])
            .arg(format!("--directory={}", self.root().display()))
            .arg(format!("--machine={}", self.namespace))
            .arg(format!("--hostname={}", self.name))
            .arg(format!("--network-namespace-path=/run/netns/{}", self.namespace))
            .stdin(Stdio::null())
            .stdout(log())
            .stderr(log())
            .spawn()
            .expect("sh is there")
    }

    fn inside(&self, words: &[&str]) -> Command {
        let init = self.power().init.to_string();
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=5", PATIENCE_SECONDS, "nsenter", "--all", "--target", &init, "--"])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8");
        command
    }

    fn power(&self) -> &Power {
        self.power.as_ref().unwrap_or_else(|| panic!("{} is off", self.name))
    }

    /// Its disk, as this machine sees it.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn console(&self) -> String {
        fs::read_to_string(self.folder.join("console")).unwrap_or_default()
    }

    fn control_groups(&self) -> Vec<PathBuf> {
        machine::control_groups().into_iter().map(|root| root.join(&self.namespace)).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.cut();
    }
}

/// The process that is pid 1 of the node, as this machine counts.
fn init_of(nspawn: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(|pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let one = status.lines().find_map(|line| line.strip_prefix("NSpid:")).is_some_and(|ids| ids.ends_with("\t1"));
        one && status.starts_with("Name:\tsystemd\n")
    })
}
