//! The plan of a drive: which nodes are visited in which wave, and whether they are only looked at.
//! It is made before anything is reached, and what is done afterwards is what it says.
//! Not here: visiting a node.

use cluster::Planned;
use std::fmt;
use words::problem::nearest;

/// A node that is meant and that the cluster does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cluster {cluster} has no node {node}{}", like.as_ref().map(|like| format!("; did you mean {like}?")).unwrap_or_default())]
pub struct Unknown {
    cluster: String,
    node: String,
    like: Option<String>,
}

/// What a visit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visits {
    /// Each node is only looked at: a dry run.
    Looks,
    /// Each node is brought to what it should be. Where nodes that run would restart something, this many at a time are.
    Changes { at_once: usize },
}

/// Who is visited, in which order.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The cluster's name.
    pub cluster: &'a str,
    /// Nodes that are visited at the same time; no wave is empty.
    pub waves: Vec<Vec<&'a Planned>>,
}

impl<'a> Plan<'a> {
    /// The waves of a cluster with the nodes that are meant: all of them where `limit` is empty.
    pub fn of(cluster: &'a cluster::Plan, limit: &[String]) -> Result<Plan<'a>, Unknown> {
        let all = || cluster.waves.iter().flat_map(|wave| &wave.nodes).map(|node| &*node.node);
        if let Some(name) = limit.iter().find(|name| !all().any(|node| node == name.as_str())) {
            let like = nearest(name, all()).map(str::to_owned);
            return Err(Unknown { cluster: cluster.cluster.clone(), node: name.clone(), like });
        }
        let meant = |node: &&Planned| limit.is_empty() || limit.contains(&node.node);
        let waves = cluster.waves.iter().map(|wave| wave.nodes.iter().filter(meant).collect::<Vec<_>>());
        Ok(Plan { cluster: &cluster.cluster, waves: waves.filter(|wave| !wave.is_empty()).collect() })
    }
}

impl fmt::Display for Plan<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, wave) in self.waves.iter().enumerate() {
            let nodes: Vec<String> = wave.iter().map(|node| format!("{} ({})", node.node, node.address)).collect();
            writeln!(out, "wave {}: {}", number + 1, nodes.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::Wave;

    fn planned() -> cluster::Plan {
        let node = |name: &str| Planned {
            node: name.to_owned(),
            address: format!("{name}.example"),
            kinds: vec![],
            roles: vec![],
            waits: vec![],
        };
        let wave = |names: &[&str]| Wave { nodes: names.iter().map(|name| node(name)).collect() };
        let waves = vec![wave(&["manager-1"]), wave(&["worker-1", "worker-2"]), wave(&["edge-1"])];
        cluster::Plan { cluster: "pico".to_owned(), waves, everywhere: Default::default() }
    }

    #[test]
    fn a_plan_prints_its_waves_and_has_none_without_nodes() {
        let cluster = planned();
        assert_eq!(
            Plan::of(&cluster, &[]).unwrap().to_string(),
            "wave 1: manager-1 (manager-1.example)\n\
             wave 2: worker-1 (worker-1.example), worker-2 (worker-2.example)\n\
             wave 3: edge-1 (edge-1.example)\n"
        );
        let limited = Plan::of(&cluster, &["worker-2".to_owned()]).unwrap();
        assert_eq!(limited.to_string(), "wave 1: worker-2 (worker-2.example)\n");
    }

    #[test]
    fn a_node_that_is_not_there_is_told_with_the_one_that_is_like_it() {
        let error = Plan::of(&planned(), &["worker-3".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("cluster pico has no node worker-3; did you mean worker-"), "{error}");
    }
}
