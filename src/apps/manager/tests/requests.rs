//! What a start asks of YARN and HDFS, from the order until YARN has accepted it: the numbers may only shrink.
//! What is done every few seconds, and once a round, belongs to no start and is not counted.
//! Not here: what becomes of a request that is lost.

use super::bed::{Bed, TestClock, alice, application, is_running, is_stopped, told_of};
use super::preflight::{capture, tell};
use crate::journal::Origin;
use crate::manager::Manager;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Folders of plugins that a release of Flink has.
const PLUGINS: usize = 10;

/// The requests of a start, those at the order apart.
fn start(bed: &mut Bed, manager: &Manager) -> (Vec<String>, Vec<String>) {
    bed.wire.plan().lines.clear();
    manager.start_if_ready(&application(), Origin::Newest, &alice()).unwrap();
    let ordered = std::mem::take(&mut bed.wire.plan().lines);
    while manager.serve() {}
    let carried_out = std::mem::take(&mut bed.wire.plan().lines);
    assert!(bed.settle(manager, is_running), "{:?}", told_of(manager));
    (ordered, carried_out)
}

/// How many there are of each kind: method, server, operation.
fn kinds<'a>(lines: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for line in lines {
        let (method, target) = line.split_once(' ').unwrap();
        let operation = target.split(['?', '&']).find_map(|part| part.strip_prefix("op="));
        let kind = match operation {
            Some(operation) if target.contains("written=yes") => format!("{method} DataNode {operation}"),
            Some(operation) => format!("{method} WebHDFS {operation}"),
            None => format!("{method} YARN {}", target.split(['?', '/']).nth(4).unwrap_or(target)),
        };
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

#[test]
fn a_start_asks_no_more_than_it_needs_and_nothing_twice() {
    let mut bed = Bed::new();
    for plugin in 0..PLUGINS {
        let path = format!("/pnda/flink/2.3.0/plugins/p{plugin}/p.jar");
        bed.hdfs.client().write(&path, "644", 1, &mut &b"p"[..]).unwrap();
    }
    tell(&bed, capture("scheduler-labels"));
    let nodes = r#"{"nodes":{"node":[{"state":"RUNNING","availMemoryMB":9000}]}}"#;
    bed.yarn.world().answers.insert("/ws/v1/cluster/nodes".into(), nodes.into());
    let manager = bed.manager_by(&Arc::new(TestClock::by(0)));
    manager.round();
    let (mut counts, mut begun) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (ordered, carried_out) = start(&mut bed, &manager);
        println!("{:#?}", kinds(ordered.iter().chain(&carried_out)));
        for part in [&ordered, &carried_out] {
            // Each record is held against the journal's snapshots: that is part of writing it.
            let others: Vec<&String> = part.iter().filter(|line| !line.contains("/journal/snapshots?")).collect();
            let different: BTreeSet<&&String> = others.iter().collect();
            assert_eq!(different.len(), others.len(), "{part:#?}");
        }
        counts.push([ordered.len(), carried_out.len()]);
        begun.extend(bed.submitted());
        manager.stop(&application(), true, &alice()).unwrap();
        assert!(bed.settle(&manager, is_stopped), "{:?}", told_of(&manager));
    }
    assert_eq!(begun.len(), 2);
    // The first one of a manager lists its release of Flink, too.
    // Whether the state is still there that it begins from is asked anew.
    assert_eq!(counts, [[29, 28], [15, 30]]);
}
