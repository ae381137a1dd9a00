//! For Ansible: an inventory whose groups are the waves, a play over them, and a role of one visit to a node.
//! `--check` is `--dry-run`, and `--diff` shows the plan; what restarts something has a play of its own, a few at a time.
//! Not here: the tasks, which stand in `ansible/tasks.yml` as Ansible reads them.

use super::{stamp, yaml};
use crate::{Plan, packed};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use words::names::SafePath;
use words::tree::{Entry, Tree};

const TASKS: &str = include_str!("ansible/tasks.yml");
const DEFAULTS: &str = include_str!("ansible/defaults.yml");

/// The folder that `ansible-playbook -i inventory.yml site.yml` runs in.
///
/// # Errors
/// A node's bytes are not at hand.
pub fn ansible(plan: &Plan, nodes: &BTreeMap<String, Tree>) -> io::Result<Tree> {
    let mut tree = Tree::default();
    let mut put = |path: String, bytes: Vec<u8>| {
        let path = SafePath::new(path).map_err(io::Error::other)?;
        tree.insert(path, Entry::file(bytes)).map_err(io::Error::other)
    };
    put("inventory.yml".into(), inventory(plan).into_bytes())?;
    put("site.yml".into(), site(plan).into_bytes())?;
    let stamp = stamp(&plan.cluster);
    put("roles/pnda/tasks/main.yml".into(), format!("---\n{stamp}{TASKS}").into_bytes())?;
    put("roles/pnda/defaults/main.yml".into(), format!("---\n{stamp}{DEFAULTS}").into_bytes())?;
    for (node, folder) in nodes {
        put(format!("roles/pnda/files/{node}.tar"), packed(folder)?)?;
    }
    Ok(tree)
}

/// Waves are groups. That of a wave's restarts is empty, and filled while the play runs.
fn inventory(plan: &Plan) -> String {
    let mut text = format!("---\n{}all:\n  vars:\n", stamp(&plan.cluster));
    let _ = writeln!(text, "    pnda_everywhere: {}\n  children:", yaml(&plan.everywhere));
    for (at, wave) in plan.waves.iter().enumerate() {
        let _ = writeln!(text, "    wave_{}:\n      hosts:", at + 1);
        for node in &wave.nodes {
            let _ = writeln!(text, "        {}:\n          ansible_host: {}", yaml(&node.node), yaml(&node.address));
        }
        let _ = writeln!(text, "    wave_{}_restarts:", at + 1);
    }
    text
}

fn site(plan: &Plan) -> String {
    let mut text = format!("---\n{}", stamp(&plan.cluster));
    for (at, _) in plan.waves.iter().enumerate() {
        let wave = format!("wave_{}", at + 1);
        let _ = write!(
            text,
            "- name: Wave {number}\n  hosts: {wave}\n  gather_facts: false\n  become: true\n  any_errors_fatal: true\n\
             \x20 roles:\n    - role: pnda\n      vars:\n        pnda_wave: {wave}\n\n\
             - name: Wave {number}, what restarts running services\n  hosts: {wave}_restarts\n  gather_facts: false\n\
             \x20 become: true\n  any_errors_fatal: true\n  serial: \"{{{{ pnda_at_once | default(1) }}}}\"\n\
             \x20 roles:\n    - role: pnda\n      vars:\n        pnda_wave: {wave}\n        pnda_restart_now: true\n\n",
            number = at + 1,
        );
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emit::tests::{folders, plan};

    #[test]
    fn waves_are_groups_and_each_has_a_play_for_what_restarts() {
        assert_eq!(
            inventory(&plan()),
            "---\n# Made by pnda for cluster c.\nall:\n  vars:\n    pnda_everywhere: [\"pnda-agent\"]\n  children:\n\
             \x20   wave_1:\n      hosts:\n        \"a\":\n          ansible_host: \"10.0.0.1\"\n    wave_1_restarts:\n\
             \x20   wave_2:\n      hosts:\n        \"b\":\n          ansible_host: \"10.0.0.2\"\n    wave_2_restarts:\n"
        );
        let hosts = site(&plan())
            .lines()
            .filter_map(|line| Some(line.strip_prefix("  hosts: ")?.to_owned()))
            .collect::<Vec<_>>();
        assert_eq!(hosts, ["wave_1", "wave_1_restarts", "wave_2", "wave_2_restarts"]);
    }

    #[test]
    fn a_nodes_folder_is_one_file() {
        let tree = ansible(&plan(), &folders()).unwrap();
        let paths: Vec<String> = tree.iter().map(|(path, _)| path.to_string()).collect();
        let role = ["defaults/main.yml", "files/a.tar", "files/b.tar", "tasks/main.yml"]
            .map(|path| format!("roles/pnda/{path}"));
        let all: Vec<&str> =
            ["inventory.yml"].into_iter().chain(role.iter().map(String::as_str)).chain(["site.yml"]).collect();
        assert_eq!(paths, all);
    }
}
