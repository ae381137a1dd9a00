//! A cluster as its operator drives it, from one machine over ssh: keys are made, host keys are known, nothing is weakened.
//! Everything is asked of the real `pnda`, `ssh` and `sshd`; what a run came to is read from its `--json`.
//! Not here: what a cluster does once it stands (cluster.rs).

use crate::ground::Ground;
use crate::node::Node;
use crate::shell::{self, Output};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");

/// The machine that nodes are driven from: the hub, with a key that nodes let in.
pub(crate) struct Desk<'a> {
    ground: &'a Ground,
    config: PathBuf,
}

impl<'a> Desk<'a> {
    /// Makes a key, lets it in on every node, and notes every node's own key.
    pub(crate) fn new(ground: &'a Ground) -> Desk<'a> {
        let folder = ground.folder("desk");
        let key = folder.join("key");
        if !key.exists() {
            shell::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "desk", "-f", text(&key)]).ok();
        }
        let public = fs::read_to_string(key.with_extension("pub")).expect("ssh-keygen wrote it");
        let known: String = ground.nodes().iter().map(|node| lets_in(node, &public)).collect();
        let hosts = folder.join("known_hosts");
        fs::write(&hosts, known).expect("the ground's folder is writable");
        let config = folder.join("config");
        let text = format!(
            "User root\nIdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\nStrictHostKeyChecking yes\n",
            key.display(),
            hosts.display()
        );
        fs::write(&config, text).expect("the ground's folder is writable");
        Desk { ground, config }
    }

    /// Types a verb of `pnda cluster` at the desk.
    pub(crate) fn cluster(&self, words: &[&str]) -> Output {
        let mut command = Command::new(PNDA);
        command.arg("cluster").args(words).args(["--ssh-config", text(&self.config)]);
        self.ground.at_hub(|| shell::finish(&mut command))
    }

    /// Brings a cluster to what its rendered nodes say; the exit code must be this one.
    #[track_caller]
    pub(crate) fn install(&self, code: i32, cluster: &Path, nodes: &Path, options: &[&str]) -> Came {
        let words = ["install", text(cluster), "--nodes", text(nodes), "--json"];
        let said = self.cluster(&[&words[..], options].concat()).exited(code);
        Came(serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.told())), said)
    }
}

/// What a run came to.
pub(crate) struct Came(Value, Output);

impl Came {
    /// The nodes of a result, in their order.
    pub(crate) fn of(&self, result: &str) -> Vec<&str> {
        let nodes = self.0["nodes"].as_array().expect("a run has nodes").iter();
        nodes.filter(|node| node["result"] == result).filter_map(|node| node["node"].as_str()).collect()
    }

    /// The services that one node restarted.
    pub(crate) fn restarts(&self, name: &str) -> Vec<&str> {
        let nodes = self.0["nodes"].as_array().expect("a run has nodes").iter();
        let of = nodes.filter(|node| node["node"] == name).filter_map(|node| node["restarts"].as_array());
        of.flatten().filter_map(Value::as_str).collect()
    }

    /// Everything, for the message of a test that failed.
    pub(crate) fn told(&self) -> String {
        self.1.told()
    }
}

/// Lets a key in as root; gives the line by which the node is known.
fn lets_in(node: &Node, public: &str) -> String {
    node.run("mkdir -p -m 0700 /root/.ssh").ok();
    node.write("/root/.ssh/authorized_keys", public);
    format!("{} {}", node.address, node.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub").ok().stdout)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's own paths are text")
}
