//! The mirror: from manifests over a lock and a store to a published tree.
//! One folder per step of that way.
//! Not here: nodes and clusters.

pub mod resolve;
