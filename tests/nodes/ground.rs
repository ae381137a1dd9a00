//! The ground that nodes stand on: a bridge in a network namespace of its own, and no way from there to anywhere.
//! Everything it makes carries one name; it goes when the ground is dropped, or at the next start after a kill.
//! Not here: the nodes themselves.

use crate::departures::{self, Departures, WAY_OUT};
use crate::node::Node;
use crate::shell;
use crate::{base, machine};
use rustix::fs::{FlockOperation, flock};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

/// What the name of everything begins with that a ground makes on the machine.
const PREFIX: &str = "pnda-t-";

/// The hub's address: the mirror and every receiver of a test listen there.
pub(crate) const HUB: &str = "10.77.0.1";

/// Held by the one ground that stands: nodes are heavy, and tests of one binary run side by side.
static ALONE: Mutex<()> = Mutex::new(());
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Nodes on a bridge.
pub(crate) struct Ground {
    name: String,
    folder: PathBuf,
    nodes: Vec<Node>,
    _lock: File,
    _alone: MutexGuard<'static, ()>,
}

/// A program that runs on the hub until this is dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Ground {
    /// Nodes of these names, booted, at 10.77.0.2 and up; none if this machine cannot, which it says.
    pub(crate) fn with(names: &[&str]) -> Option<Ground> {
        let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let base = match machine::lacks().map_or_else(base::image, Err) {
            Ok(base) => base,
            Err(why) => {
                machine::left_out("nodes", &why);
                return None;
            }
        };
        sweep();
        let mut ground = Ground::bare(alone);
        for (at, name) in names.iter().enumerate() {
            ground.add(name, &format!("10.77.0.{}", at + 2), &base);
        }
        ground.name_hosts();
        ground.nodes.iter_mut().for_each(Node::boot);
        Some(ground)
    }

    /// The node of this name.
    pub(crate) fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name == name).expect("the test named it")
    }

    /// The node of this name, to power it off and on.
    pub(crate) fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes.iter_mut().find(|node| node.name == name).expect("the test named it")
    }

    /// All nodes.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A folder that lives as long as the ground.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join("hub").join(name);
        fs::create_dir_all(&folder).expect("the ground's folder is writable");
        folder
    }

    /// Starts a program in the hub's network.
    pub(crate) fn start(&self, program: &Path, arguments: &[&str]) -> Running {
        let name = program.file_name().expect("a program has a name").to_string_lossy();
        let log = self.folder("logs").join(format!("{name}.{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = || File::options().create(true).append(true).open(&log).expect("the ground's folder is writable");
        let child = Command::new("ip")
            .args(["netns", "exec", &self.hub()])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file())
            .stderr(file())
            .spawn()
            .expect("ip is installed");
        Running { child, log }
    }

    /// Does something on a thread that stands in the hub's network; sockets made there stay there.
    pub(crate) fn at_hub<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(Path::new("/run/netns").join(self.hub())).expect("the hub's namespace is there");
        let enter = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter");
            act()
        };
        std::thread::scope(|scope| scope.spawn(enter).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// What tried to leave until now.
    pub(crate) fn departures(&self) -> Departures {
        let refused = self.nodes.iter().map(|node| (node.name.clone(), node.refused())).collect();
        Departures { sent: departures::sent(&self.hub(), WAY_OUT), refused }
    }

    fn bare(alone: MutexGuard<'static, ()>) -> Ground {
        let name = format!("{PREFIX}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir(&folder).expect("the temporary folder is writable");
        let lock = File::create(folder.join("lock")).expect("the ground's folder is writable");
        flock(&lock, FlockOperation::LockExclusive).expect("nobody else knows this file");
        let ground = Ground { name, folder, nodes: Vec::new(), _lock: lock, _alone: alone };
        ground.lay_hub();
        ground
    }

    fn lay_hub(&self) {
        let (hub, nowhere) = (self.hub(), format!("{}-nowhere", self.name));
        ip(&["netns", "add", &hub]);
        ip(&["netns", "add", &nowhere]);
        ip(&["-n", &hub, "link", "set", "lo", "up"]);
        ip(&["-n", &hub, "link", "add", "bridge", "type", "bridge"]);
        ip(&["-n", &hub, "link", "set", "bridge", "addrgenmode", "none", "up"]);
        ip(&["-n", &hub, "address", "add", &format!("{HUB}/24"), "dev", "bridge"]);
        ip(&["-n", &hub, "link", "add", WAY_OUT, "type", "veth", "peer", "name", "eth0", "netns", &nowhere]);
        ip(&["-n", &nowhere, "link", "set", "eth0", "addrgenmode", "none", "up"]);
        // Without ARP a packet is sent, and counted, though nobody answers for the address.
        ip(&["-n", &hub, "link", "set", WAY_OUT, "addrgenmode", "none", "arp", "off", "up"]);
        ip(&["-n", &hub, "address", "add", "198.51.100.1/32", "dev", WAY_OUT]);
        ip(&["-n", &hub, "route", "add", "default", "dev", WAY_OUT]);
        ip(&["netns", "exec", &hub, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    }

    fn add(&mut self, name: &str, address: &str, base: &Path) {
        let (hub, namespace) = (self.hub(), format!("{}-{name}", self.name));
        ip(&["netns", "add", &namespace]);
        ip(&["-n", &hub, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &namespace]);
        ip(&["-n", &hub, "link", "set", name, "addrgenmode", "none", "master", "bridge", "up"]);
        ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        ip(&["-n", &namespace, "link", "set", "eth0", "addrgenmode", "none", "up"]);
        ip(&["-n", &namespace, "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        self.nodes.push(Node::new(name, address, namespace, &self.folder, base));
    }

    fn name_hosts(&self) {
        let all: String = self.nodes.iter().map(|node| format!("{} {}\n", node.address, node.name)).collect();
        for node in &self.nodes {
            node.write("/etc/hosts", &format!("127.0.0.1 localhost\n{HUB} hub\n{all}"));
        }
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.name)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in &self.nodes {
                machine::tell(&format!("--- last words of {}\n{}", node.name, node.last_words()));
            }
        }
        self.nodes.iter_mut().for_each(Node::cut);
        clear(&self.folder);
    }
}

impl Running {
    /// What it said until now.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ip(arguments: &[&str]) {
    shell::run("ip", arguments).ok();
}

/// Clears the grounds of runs that were killed: those whose lock nobody holds.
fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let free = || {
            let lock = File::open(entry.path().join("lock"));
            lock.is_ok_and(|lock| flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok())
        };
        if ours && free() {
            clear(&entry.path());
        }
    }
}

/// Ends, unmounts and removes everything that carries a ground's name.
fn clear(folder: &Path) {
    let name = folder.file_name().expect("a ground's folder has a name").to_string_lossy().into_owned();
    let namespaces = || fs::read_dir("/run/netns").into_iter().flatten().flatten().map(|entry| entry.file_name());
    for namespace in namespaces().filter_map(|entry| entry.into_string().ok()) {
        if namespace.strip_prefix(&name).is_some_and(|rest| rest.starts_with('-')) {
            for pid in shell::run("ip", &["netns", "pids", &namespace]).stdout.split_whitespace() {
                shell::run("kill", &["-9", pid]);
            }
            shell::run("ip", &["netns", "delete", &namespace]);
            machine::control_groups().iter().for_each(|root| remove_group(&root.join(&namespace)));
        }
    }
    if let Err(why) = machine::unmount_below(folder) {
        return machine::tell(&format!("{} stays: {why}", folder.display()));
    }
    if let Err(error) = fs::remove_dir_all(folder) {
        machine::tell(&format!("{} stays: {error}", folder.display()));
    }
}

/// Removes a control group and those in it; the kernel lets go a moment after the last process ended.
fn remove_group(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_group(&entry.path());
        }
    }
    for _ in 0..20 {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            _ => return,
        }
    }
}
