//! A mirror that goes over to another key, and a node that installs from it all the way: trusting one, both, the other.
//! The mirror is built by the program itself; it holds nothing but the agent.
//! Not here: refusals that need no node (`tests/it/keys.rs`).

use crate::node::Node;
use crate::shell::{self, Output};
use pnda::words::digest::Sha256;
use std::fs;
use std::path::Path;

/// What the node is to have, and where its mirror is.
struct Bed<'a> {
    node: &'a Node,
    folder: &'a Path,
}

/// Goes through all of it, and takes away what was installed.
pub(crate) fn go_over(node: &Node, folder: &Path) {
    let bed = Bed { node, folder };
    fs::create_dir_all(folder.join("manifests")).expect("the ground's folder is writable");
    fs::write(folder.join("manifests/m.toml"), "# Nothing but the agent.\n").expect("the ground's folder is writable");
    fs::copy(env!("CARGO_BIN_EXE_pnda-agent"), folder.join("pnda-agent")).expect("the ground's folder is writable");
    bed.pnda(&["lock"]).ok();
    let built = bed.build(&["--key", "a", "--other-key", "b"]).ok();
    let key = |what: &str| {
        let line = built.stdout.lines().find_map(|line| line.strip_prefix(what));
        line.unwrap_or_else(|| panic!("{what} is not in {}", built.told())).trim().to_owned()
    };
    let (a, b) = (key("public key "), key("other public key "));
    let both = format!("{a} {b}");

    bed.install(1, &a).ok();
    bed.install(2, &both).ok();
    fs::write(folder.join("pnda-agent-2"), "another program").expect("the ground's folder is writable");
    let other = bed.build(&["--key", "b", "--agent", "pnda-agent-2"]).exited(2);
    assert!(other.stderr.contains("say --new-key"), "{}", other.told());
    bed.build(&["--key", "b", "--other-key", "a", "--new-key"]).ok();
    bed.install(3, &both).ok();
    let early = bed.install(4, &a).exited(3);
    assert!(early.stderr.contains("was not signed by the expected key"), "{}", early.told());
    bed.install(4, &b).ok();
    // Whoever has the old key signs a newer list; nobody believes it.
    bed.build(&["--key", "a", "--new-key"]).ok();
    let late = bed.install(5, &b).exited(3);
    assert!(late.stderr.contains("was not signed by the expected key"), "{}", late.told());
    assert_eq!(node.run("cat /etc/keys-step").ok().text(), "4");
    bed.agent("uninstall --purge").ok();
    node.run("rm -r /srv/keys").ok();
}

impl Bed<'_> {
    fn pnda(&self, words: &[&str]) -> Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pnda"));
        command.arg("mirror").args(words).args(["--manifests", "manifests", "--store", "store", "--quiet"]);
        shell::finish(command.current_dir(self.folder))
    }

    fn build(&self, words: &[&str]) -> Output {
        let agent = if words.contains(&"--agent") { &[][..] } else { &["--agent", "pnda-agent"] };
        self.pnda(&[&["build", "--mirror", "mirror"], agent, words].concat())
    }

    fn agent(&self, words: &str) -> Output {
        self.node.run(&format!("/srv/keys/pnda-agent {words}"))
    }

    /// Installs a file that says which step this is, from a mirror whose list one of these keys must have signed.
    fn install(&self, step: u32, keys: &str) -> Output {
        let text = format!("{step}\n");
        let format = keys.split(' ').count();
        let document = format!(
            "format = {format}\ncluster = \"c\"\nnode = \"edge-1\"\nroles = []\ninputs = \"{sha256}\"\n\
             scope = \"system\"\nroot = \"/\"\n\
             [mirror]\nurl = \"/srv/keys/mirror/current\"\npublic_key = \"{keys}\"\n\
             [[file]]\npath = \"/etc/keys-step\"\nsha256 = \"{sha256}\"\nowner = \"root\"\ngroup = \"root\"\nmode = \"0644\"\n\
             [[download]]\npath = \"/opt/keys-agent\"\nfrom = \"pnda-agent\"\nsize = {size}\nsha256 = \"{agent}\"\n\
             owner = \"root\"\ngroup = \"root\"\nmode = \"0755\"\n",
            sha256 = Sha256::of(text.as_bytes()),
            size = fs::metadata(self.folder.join("pnda-agent")).expect("it is there").len(),
            agent = Sha256::of(&fs::read(self.folder.join("pnda-agent")).expect("it is there")),
        );
        fs::create_dir_all(self.folder.join("node/files/etc")).expect("the ground's folder is writable");
        fs::write(self.folder.join("node/files/etc/keys-step"), text).expect("the ground's folder is writable");
        fs::write(self.folder.join("node/node.toml"), document).expect("the ground's folder is writable");
        self.node.run("rm -rf /srv/keys/mirror").ok();
        self.node.copy(self.folder, "/srv/keys");
        self.agent("install --node /srv/keys/node")
    }
}
