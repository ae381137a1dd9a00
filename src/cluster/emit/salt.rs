//! For Salt: a state that brings a minion its node's folder and runs its script, pillar, and an orchestration of the waves.
//! `test=True` is `--dry-run`; what changed is what the script says.
//! Not here: the state, which stands in `salt/init.sls` as Salt reads it.

use super::{stamp, yaml};
use crate::Plan;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use words::names::SafePath;
use words::tree::{Entry, Tree};

const STATE: &str = include_str!("salt/init.sls");
const DOOR: &str = include_str!("salt/door.sh");
const TOP: &str = "base:\n  '*':\n    - pnda\n";

/// The folders `states` and `pillar`, for a master or for `salt-call --local`.
///
/// # Errors
/// Two things want the same place.
pub fn salt(plan: &Plan, nodes: &BTreeMap<String, Tree>) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut put = |path: String, entry: Entry| {
        let path = SafePath::new(path).map_err(io::Error::other)?;
        tree.insert(path, entry).map_err(io::Error::other)
    };
    let stamp = stamp(&plan.cluster);
    put("states/top.sls".into(), Entry::file(format!("{stamp}{TOP}")))?;
    put("states/pnda/init.sls".into(), Entry::file(format!("{stamp}{STATE}")))?;
    put("states/pnda/door.sh".into(), Entry::file(DOOR))?;
    put("states/pnda/cluster.sls".into(), Entry::file(orchestration(plan)))?;
    put("pillar/top.sls".into(), Entry::file(format!("{stamp}{TOP}")))?;
    let options = "pnda:\n  # Further options of install.sh, as in --mirror /media/pnda.\n  options: ''\n  \
        # How many nodes of a wave are installed at the same time by pnda.cluster.\n  at_once: 1\n";
    put("pillar/pnda.sls".into(), Entry::file(format!("{stamp}{options}")))?;
    for (node, folder) in nodes {
        for (path, entry) in folder.iter() {
            put(format!("states/pnda/nodes/{node}/{path}"), entry.clone())?;
        }
    }
    Ok(tree)
}

/// What a master runs with `salt-run state.orchestrate pnda.cluster`: wave after wave, and none after one that failed.
fn orchestration(plan: &Plan) -> String {
    let mut text = format!("{}{{% set at_once = salt['pillar.get']('pnda:at_once', 1) %}}\n", stamp(&plan.cluster));
    for (at, wave) in plan.waves.iter().enumerate() {
        let nodes: Vec<&str> = wave.nodes.iter().map(|node| node.node.as_str()).collect();
        let _ = write!(
            text,
            "\nwave {}:\n  salt.state:\n    - tgt: {}\n    - tgt_type: list\n    - sls: pnda\n    - batch: {{{{ at_once }}}}\n",
            at + 1,
            yaml(&nodes)
        );
        if at > 0 {
            let _ = writeln!(text, "    - require:\n      - salt: wave {at}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::tests::{folders, plan};
    use std::fs;
    use std::process::Command;

    #[test]
    fn a_wave_waits_for_the_one_before() {
        let text = orchestration(&plan());
        let waves: Vec<&str> = text.lines().filter(|line| line.contains("wave")).collect();
        assert_eq!(waves, ["wave 1:", "wave 2:", "      - salt: wave 1"], "{text}");
        assert!(text.contains("    - tgt: [\"b\"]\n"), "{text}");
        let tree = salt(&plan(), &folders()).unwrap();
        assert!(tree.get(&SafePath::new("states/pnda/nodes/a/install.sh").unwrap()).is_some());
    }

    #[test]
    fn the_last_line_says_whether_anything_changed() {
        let folder = tempfile::tempdir().unwrap();
        let door = folder.path().join("door.sh");
        fs::write(&door, DOOR).unwrap();
        let run = |verb: &str, script: &str| {
            let install = folder.path().join("install.sh");
            fs::write(&install, script).unwrap();
            let output = Command::new("sh").arg(&door).arg(verb).arg(&install).arg("--keep=3").output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            (output.status.code(), said.lines().last().map(str::to_owned))
        };
        let line = |text: &str| Some(text.to_owned());
        // What the script says does not matter, only how it ends.
        let nothing = line("changed=no comment='nothing to do'");
        for verb in ["look", "install"] {
            assert_eq!(run(verb, "echo 2 changes made"), (Some(0), nothing.clone()), "{verb}");
            assert_eq!(run(verb, "echo no >&2; exit 3"), (Some(3), None), "{verb}");
        }
        let would = "case $* in --dry-run\\ --keep=3) exit 4 ;; esac; echo nothing to do";
        assert_eq!(run("look", would), (Some(0), line("changed=yes comment='the node would change'")));
        assert_eq!(run("install", would), (Some(0), line("changed=yes comment='the node was changed'")));
        let fails = "case $* in --dry-run\\ --keep=3) exit 4 ;; esac; exit 1";
        assert_eq!(run("install", fails), (Some(1), None));
    }
}
