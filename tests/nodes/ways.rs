//! The first install of fresh nodes by everybody who may drive them: `pnda cluster install` as somebody who is not root,
//! the emitted play and the emitted state; then a machine that is replaced, and a node that is taken out.
//! Not here: the second run of each (cluster.rs), and what is installed (slice.rs).

use crate::drive::Desk;
use crate::drivers::{Ansible, Salt, recap};
use crate::ground::Ground;
use crate::node::Node;
use crate::site::{Site, example};
use std::fs;

const AGENT: &str = "/opt/pnda/agent/pnda-agent";

/// Edge by edge, and the worker, each by another hand; what cannot be had is left out, and comes by hand then.
pub(crate) fn arrive(ground: &Ground, site: &Site) -> Desk {
    let desk = Desk::new(ground);
    let cluster = example("standard");
    let plan = (cluster.as_path(), site.nodes());
    lets_in_who_is_not_root(ground.node("edge-1"));
    let came = desk.install(ground, 0, plan, &["--limit", "edge-1", "--user", "carol", "--become"]);
    assert_eq!(came.of("changed"), ["edge-1"], "{}", came.told());

    let edge = ground.node("edge-2");
    if let Some(ansible) = Ansible::new(&desk, Desk::emit(ground, "ansible", plan.0, plan.1)) {
        let look = ansible.play(ground, &["--check", "--limit", "edge-2"]).ok();
        edge.run(&format!("test -e {AGENT}")).exited(1);
        assert_eq!(recap(&look, "edge-2"), (1, 0), "{}", look.told());
        let did = ansible.play(ground, &["--limit", "edge-2"]).ok();
        assert_eq!(recap(&did, "edge-2"), (1, 0), "{}", did.told());
        edge.run(&format!("{AGENT} verify")).ok();
    }
    let worker = ground.node("worker");
    if let Some(salt) = Salt::new(worker, &Desk::emit(ground, "salt", plan.0, plan.1)) {
        let did = salt.apply("").ok();
        assert!(did.stdout.contains("made on node worker"), "{}", did.told());
        worker.run(&format!("{AGENT} verify")).ok();
    }
    desk
}

/// Somebody with a key who may become root without a password.
fn lets_in_who_is_not_root(node: &Node) {
    node.run(
        "useradd --create-home carol && install -d -m 0700 -o carol ~carol/.ssh && \
         install -m 0600 -o carol ~root/.ssh/authorized_keys ~carol/.ssh/authorized_keys && \
         echo 'carol ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/carol && chmod 0440 /etc/sudoers.d/carol",
    )
    .ok();
}

/// Another machine has a node's name and address: that is told before anything is done there, and then it becomes the node.
pub(crate) fn is_replaced(ground: &Ground, site: &Site, desk: &Desk) {
    let cluster = example("standard");
    let plan = (cluster.as_path(), site.nodes());
    let edge = ground.node("edge-2");
    edge.run(&format!("cp {AGENT} /tmp/agent && /tmp/agent uninstall --purge && rm /tmp/agent")).ok();
    edge.run("rm /etc/ssh/ssh_host_* && ssh-keygen -q -A && systemctl restart ssh").ok();
    let came = desk.install(ground, 1, plan, &["--limit", "edge-2"]);
    assert_eq!(came.of("unreachable"), ["edge-2"], "{}", came.told());
    for said in ["Host key verification failed", "put its host key into known_hosts"] {
        assert!(came.told().contains(said), "{said}: {}", came.told());
    }
    let desk = Desk::new(ground);
    let came = desk.install(ground, 0, plan, &["--limit", "edge-2"]);
    assert_eq!(came.of("changed"), ["edge-2"], "{}", came.told());
}

/// A node that is no longer in the file: it is uninstalled first, and the others are left as they are.
pub(crate) fn is_removed(ground: &Ground, site: &Site, settings: &[&str], name: &str) {
    let (desk, cluster) = (Desk::new(ground), example("standard"));
    desk.verb(ground, &cluster, name, "uninstall").ok();
    ground.node(name).run("test -e /opt/pnda || systemctl cat pnda-agent").exited(1);
    let text = fs::read_to_string(&cluster).expect("the example is there");
    let (head, nodes) = text.split_once("[[node]]").expect("it has nodes");
    let others = nodes.split("[[node]]").filter(|one| !one.contains(&format!("name = \"{name}\"")));
    let smaller = ground.folder("clusters").join("smaller.toml");
    fs::write(&smaller, others.fold(head.to_owned(), |text, one| text + "[[node]]" + one)).expect("it is writable");
    site.render_file(&smaller, settings);
    let came = desk.install(ground, 0, (&smaller, site.nodes()), &[]);
    assert_eq!(came.of("unchanged").len(), ground.nodes().len() - 1, "{}", came.told());
}
