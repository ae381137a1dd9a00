//! PNDA's Flink platform for sites without a way out: the rooms, each a crate of its own, and the command lines on top.
//! `words` is what all speak; `mirror`, `cluster`, `node` and `apps` do not know each other; `systems` are clients of what
//! is driven. See ARCHITECTURE.md.

pub mod cli;

pub use {agent, apps, cluster, disk, fleet, flink, mirror, node, systems, trial, words};
