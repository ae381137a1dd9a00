//! For Salt: a state that brings a minion its node's folder and runs its script, pillar, and an orchestration of the waves.
//! `test=True` is `--dry-run`; what changed is what the script says.
//! Not here: the state, which stands in `salt/init.sls` as Salt reads it.

use super::{stamp, yaml};
use crate::cluster::Plan;
use crate::words::names::SafePath;
use crate::words::tree::{Entry, Tree};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

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
