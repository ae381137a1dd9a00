//! What an install of one node takes, beside ansible-playbook and salt-call doing the same steps with modules of their own.
//! Fresh nodes of the test ground, one mirror, an edge of the standard cluster: first run, second run, best of three.
//! Not here: six nodes over ssh, which tests/nodes/cluster.rs tells.
#![expect(dead_code, unused_imports, reason = "the test ground is shared whole, and a bench stands on a part of it")]

#[path = "../tests/nodes/base.rs"]
mod base;
#[path = "../tests/nodes/departures.rs"]
mod departures;
#[path = "../tests/nodes/drive.rs"]
mod drive;
#[path = "../tests/nodes/drivers.rs"]
mod drivers;
#[path = "../tests/nodes/ground.rs"]
mod ground;
#[path = "../tests/nodes/machine.rs"]
mod machine;
#[path = "../tests/nodes/node.rs"]
mod node;
#[path = "../tests/common/registries.rs"]
mod registries;
#[path = "install/same.rs"]
mod same;
#[path = "../tests/nodes/shell.rs"]
mod shell;
#[path = "../tests/nodes/site.rs"]
mod site;

use drivers::Salt;
use ground::Ground;
use node::Node;
use pnda::words::node as document;
use shell::Output;
use site::Site;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The node whose tree is brought about, under whatever name a machine has.
const EDGE: &str = "edge-1";
/// Where its folder lies on a machine.
const FOLDER: &str = "/srv/pnda";
const ROUNDS: usize = 3;
const WAYS: [Way; 3] = [Way::Pnda, Way::Ansible, Way::Salt];

/// Who brings it about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Pnda,
    Ansible,
    Salt,
}

impl Way {
    fn command(self) -> &'static str {
        match self {
            Way::Pnda => "sh install.sh",
            Way::Ansible => "ansible-playbook",
            Way::Salt => "salt-call --local",
        }
    }

    /// The name of the machine that it has to itself in a round.
    fn machine(self, round: usize) -> String {
        format!("{self:?}-{round}").to_lowercase()
    }
}

fn main() -> io::Result<()> {
    let rounds: Vec<String> = (1..=ROUNDS).flat_map(|round| WAYS.map(|way| way.machine(round))).collect();
    let Some(ground) = Ground::with(&rounds.iter().map(String::as_str).collect::<Vec<_>>()) else { return Ok(()) };
    let site = match Site::build_with_two_flinks(&ground) {
        Ok(site) => site,
        Err(why) => return writeln!(io::stdout(), "no mirror: {why}"),
    };
    site.render("standard", &[]);
    let _server = site.serve(&ground);
    let Some(ansible) = drivers::ansible() else { return Ok(()) };
    let steps = steps(&ground, &site.node(EDGE))?;
    let mut taken = Vec::new();
    for round in 1..=ROUNDS {
        let mut trees = Vec::new();
        for way in WAYS {
            let node = ground.node(&way.machine(round));
            node.copy(&site.node(EDGE), FOLDER);
            let Some(times) = measure(way, node, &steps, &ansible) else { return Ok(()) };
            taken.push((way, times));
            trees.push(tree(node));
        }
        assert!(trees.iter().all(|one| *one == trees[0]), "not the same steps:\n{}", differences(&trees));
    }
    tell(&taken)
}

/// The same steps as a play and as a state, beside each other.
fn steps(ground: &Ground, folder: &Path) -> io::Result<PathBuf> {
    let text = fs::read_to_string(folder.join(document::DOCUMENT))?;
    let node: document::Node = toml::from_str(&text).map_err(io::Error::other)?;
    let steps = ground.folder("steps");
    for part in ["states", "pillar"] {
        fs::create_dir_all(steps.join(part))?;
    }
    fs::write(steps.join("pillar/top.sls"), "base: {}\n")?;
    fs::write(steps.join("site.yml"), same::play(&node, FOLDER).to_string())?;
    fs::write(steps.join("states/pnda.sls"), same::state(&node, FOLDER).to_string())?;
    Ok(steps)
}

/// Seconds of the first and of the second run.
fn measure(way: Way, node: &Node, steps: &Path, ansible: &Path) -> Option<[f64; 2]> {
    let run: Box<dyn Fn() -> Output> = match way {
        Way::Pnda => Box::new(|| node.run(&format!("sh {FOLDER}/install.sh"))),
        Way::Ansible => {
            node.copy(ansible, "/srv/ansible");
            node.copy(steps, "/srv/steps");
            // Without a second connection for each step, and without asking the machine about itself, it is at its fastest.
            let settings = "ANSIBLE_PIPELINING=1 ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False";
            let python = "PYTHONPATH=$(echo /srv/ansible/lib/python3*/site-packages) python3";
            let play = "/srv/ansible/bin/ansible-playbook -i localhost, -c local site.yml";
            Box::new(move || node.run(&format!("cd /srv/steps && {settings} {python} {play}")))
        }
        Way::Salt => {
            let salt = Salt::new(node, steps)?;
            Box::new(move || salt.apply(""))
        }
    };
    let second = |said: &Output| match way {
        Way::Pnda => said.stdout.contains("nothing to do"),
        Way::Ansible => said.stdout.contains("changed=0 "),
        Way::Salt => !said.stdout.contains("\"changes\": {\n"),
    };
    let timed = || {
        let began = Instant::now();
        let said = run().ok();
        (began.elapsed().as_secs_f64(), said)
    };
    let ((first, _), (again, said)) = (timed(), timed());
    assert!(second(&said), "the second run changed something: {}", said.told());
    node.wait_active("pnda-agent");
    Some([first, again])
}

/// Everything that was brought about: names, modes, owners, lengths, links.
fn tree(node: &Node) -> Vec<String> {
    let places = "/etc/pnda /etc/profile.d/wrapper.sh /etc/systemd/system/pnda-agent.service /opt/pnda \
                  /usr/bin/flink /usr/bin/*.sh /var/log/pnda /var/lib/pnda";
    let ours = "-path /var/lib/pnda/install -prune -o -path '/var/log/pnda/*/*' -prune -o";
    let found = node.run(&format!(
        "find {places} {ours} -type f -printf '%p %M %u:%g %s\\n' -o -printf '%p %M %u:%g %l\\n' | sort"
    ));
    found.ok().stdout.lines().map(str::to_owned).collect()
}

fn differences(trees: &[Vec<String>]) -> String {
    let all = |line: &&String| trees.iter().all(|tree| tree.contains(line));
    let lines = WAYS.iter().zip(trees).flat_map(|(way, tree)| {
        tree.iter().filter(|line| !all(line)).take(20).map(move |line| format!("{way:?}: {line}\n"))
    });
    lines.collect()
}

fn tell(taken: &[(Way, [f64; 2])]) -> io::Result<()> {
    let best = |wanted: Way, at: usize| {
        let times = taken.iter().filter(|(way, _)| *way == wanted).map(|(_, times)| times[at]);
        times.fold(f64::MAX, f64::min)
    };
    let mut out = io::stdout();
    writeln!(out, "| best of {ROUNDS} | first run | ratio | second run | ratio |\n|---|---|---|---|---|")?;
    for way in WAYS {
        let of = |at| (best(way, at), best(way, at) / best(Way::Pnda, at));
        let ((first, more), (again, more_again)) = (of(0), of(1));
        let name = way.command();
        writeln!(out, "| `{name}` | {first:.2} s | {more:.1} | {again:.2} s | {more_again:.1} |")?;
    }
    Ok(())
}
