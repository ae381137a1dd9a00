//! A cluster as its operator drives it, from one machine over ssh: keys are made, host keys are known, nothing is weakened.
//! Everything is asked of the real `pnda`, `ssh` and `sshd`; what a run came to is read from its `--json`.
//! Not here: what a cluster does once it stands (cluster.rs).

use crate::ground::{Ground, Running};
use crate::node::Node;
use crate::shell::{self, Output};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PNDA: &str = env!("CARGO_BIN_EXE_pnda");

/// The machine that nodes are driven from: the hub, with a key that nodes let in.
pub(crate) struct Desk {
    config: PathBuf,
}

impl Desk {
    /// Makes a key, lets it in on every node, and notes every node's own key.
    pub(crate) fn new(ground: &Ground) -> Desk {
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
        Desk { config }
    }

    /// The configuration of ssh.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// Runs a verb of the agent on nodes.
    pub(crate) fn verb(&self, ground: &Ground, cluster: &Path, limit: &str, verb: &str) -> Output {
        let words = ["run", text(cluster), "--limit", limit, "--ssh-config", text(&self.config), "--quiet", "--", verb];
        cluster_at(ground, &words)
    }

    /// Writes the cluster for another driver.
    pub(crate) fn emit(ground: &Ground, form: &str, cluster: &Path, nodes: &Path) -> PathBuf {
        let out = ground.folder("emitted").join(form);
        cluster_at(ground, &["emit", form, text(cluster), "--nodes", text(nodes), "--out", text(&out)]).ok();
        out
    }

    /// Brings a cluster to what its rendered nodes say; the exit code must be this one.
    #[track_caller]
    pub(crate) fn install(&self, ground: &Ground, code: i32, plan: (&Path, &Path), options: &[&str]) -> Came {
        let words = self.words(ground, plan);
        let words: Vec<&str> = words.iter().map(String::as_str).chain(options.iter().copied()).collect();
        let said = cluster_at(ground, &words).exited(code);
        Came(serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {}", said.told())), said)
    }

    /// Begins the same and does not wait for it.
    pub(crate) fn begin_install(&self, ground: &Ground, plan: (&Path, &Path)) -> Running {
        let words = self.words(ground, plan);
        let words: Vec<&str> = ["cluster"].into_iter().chain(words.iter().map(String::as_str)).collect();
        ground.start(Path::new(PNDA), &words)
    }

    /// A cluster file, its rendered nodes and their certificates as the words of an install.
    fn words(&self, ground: &Ground, (cluster, nodes): (&Path, &Path)) -> Vec<String> {
        let certificates = Desk::certificates(ground, cluster, &[]);
        let words = ["install", text(cluster), "--nodes", text(nodes), "--certificates", text(&certificates)];
        words.into_iter().chain(["--json", "--ssh-config", text(&self.config)]).map(str::to_owned).collect()
    }

    /// The certificates of a cluster's nodes: made once, and those of further nodes when they come.
    pub(crate) fn certificates(ground: &Ground, cluster: &Path, options: &[&str]) -> PathBuf {
        let out = ground.folder("certificates");
        let words = ["certificates", text(cluster), "--out", text(&out)];
        cluster_at(ground, &words.into_iter().chain(options.iter().copied()).collect::<Vec<_>>()).ok();
        out
    }
}

/// Types a verb of `pnda cluster` at the hub.
fn cluster_at(ground: &Ground, words: &[&str]) -> Output {
    ground.at_hub(|| shell::finish(Command::new(PNDA).arg("cluster").args(words)))
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
    node.run(&format!("mkdir -p -m 0700 ~/.ssh && echo '{}' > ~/.ssh/authorized_keys", public.trim())).ok();
    format!("{} {}", node.address, node.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub").ok().stdout)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's own paths are text")
}
