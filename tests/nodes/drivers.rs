//! The programs that sites drive their machines with, as they come from the registry: ansible-core on the hub, Salt on a node.
//! Each runs what `pnda cluster emit` wrote; they are installed once and kept beside the base image.
//! Not here: what they are to bring about (cluster.rs).

use crate::drive::Desk;
use crate::ground::Ground;
use crate::node::Node;
use crate::shell::{self, Output};
use crate::{base, machine};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The versions that are known to work with the Python of a node.
const ANSIBLE: &str = "ansible-core==2.19.*";
const SALT: &str = "salt==3008.*";

/// Where Salt lies on a node, with everything that belongs to it.
const ON_NODE: &str = "/srv/salt";

/// ansible-core, and the folder of a play.
pub(crate) struct Ansible<'a> {
    desk: &'a Desk,
    program: PathBuf,
    play: PathBuf,
}

impl<'a> Ansible<'a> {
    /// Installs it if it is not there; says in one line why where it cannot be had.
    pub(crate) fn new(desk: &'a Desk, play: PathBuf) -> Option<Ansible<'a>> {
        Some(Ansible { desk, program: ansible()?.join("bin/ansible-playbook"), play })
    }

    /// Runs the play from the hub; gives what each node came to.
    pub(crate) fn play(&self, ground: &Ground, options: &[&str]) -> Output {
        let mut command = Command::new(text(&self.program));
        command.args(["-i", "inventory.yml", "site.yml", "--ssh-common-args"]);
        command.arg(format!("-F {}", self.desk.config().display()));
        command.args(options).current_dir(&self.play);
        command
            .env("ANSIBLE_HOME", ground.folder("ansible"))
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_LOCALHOST_WARNING", "False")
            .env("LANG", "C.UTF-8");
        ground.at_hub(|| shell::finish(&mut command))
    }
}

/// The folder of ansible-core, an environment of Python; says in one line why where it cannot be had.
pub(crate) fn ansible() -> Option<PathBuf> {
    installed("ansible", |folder| {
        let made = shell::run("python3", &["-m", "venv", text(folder)]);
        if made.code != Some(0) {
            return made;
        }
        shell::run(text(&folder.join("bin/python3")), &["-m", "pip", "install", "--quiet", ANSIBLE])
    })
}

/// What a play's recap says of a node: changed, and failed or unreachable.
pub(crate) fn recap(said: &Output, node: &str) -> (u32, u32) {
    let recap = said.stdout.lines().rev().find(|line| line.starts_with(node) && line.contains("changed="));
    let recap = recap.unwrap_or_else(|| panic!("{node} is not in the recap: {}", said.told()));
    let count = |name: &str| {
        let value = recap.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse::<u32>().ok()).unwrap_or_default()
    };
    (count("changed"), count("failed") + count("unreachable"))
}

/// Salt on a node, without a master.
pub(crate) struct Salt<'a> {
    node: &'a Node,
}

impl<'a> Salt<'a> {
    /// Brings Salt and what was emitted for it to a node; says in one line why where it cannot be had.
    pub(crate) fn new(node: &'a Node, emitted: &Path) -> Option<Salt<'a>> {
        // What is compiled in it was compiled for one Python: the machine's must be the node's.
        let asked = "import sys; print(sys.version_info[:2])";
        let (here, there) = (shell::run("python3", &["-c", asked]), node.run(&format!("python3 -c '{asked}'")));
        if here.stdout != there.stdout {
            machine::left_out("Salt on a node", "this machine's Python is not the one that nodes have");
            return None;
        }
        let folder = installed("salt", |folder| {
            shell::run("python3", &["-m", "pip", "install", "--quiet", "--target", text(folder), SALT])
        })?;
        node.copy(&folder, ON_NODE);
        node.copy(emitted, "/srv/emitted");
        Some(Salt { node })
    }

    /// Applies the state; gives its answer.
    pub(crate) fn apply(&self, options: &str) -> Output {
        let call = "import sys; from salt.scripts import salt_call; sys.exit(salt_call())";
        self.node.run(&format!(
            "cd /srv/emitted && PYTHONPATH={ON_NODE} PYTHONWARNINGS=ignore python3 -c '{call}' --local --retcode-passthrough \
             --file-root=/srv/emitted/states --pillar-root=/srv/emitted/pillar --id={} --out=json \
             state.apply pnda {options}",
            self.node.name
        ))
    }
}

/// A folder beside the base image that is made whole or not at all.
fn installed(name: &str, make: impl FnOnce(&Path) -> Output) -> Option<PathBuf> {
    let folder = base::cache().join(format!("nodes-{name}"));
    let done = folder.join("is-whole");
    if !done.exists() {
        let _ = fs::remove_dir_all(&folder);
        let made = make(&folder);
        if made.code != Some(0) {
            let why = made.stderr.lines().last().unwrap_or("it did not say why").to_owned();
            machine::left_out(&format!("{name} on nodes"), &why);
            return None;
        }
        fs::write(&done, "").expect("the cache is writable");
    }
    Some(folder)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test's own paths are text")
}
