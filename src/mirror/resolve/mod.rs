//! Manifest to lock: the only place that asks the network what exists.
//! One file per kind of source; each reads its registry's answers and chooses.
//! Not here: how the rest of the room uses what was agreed.

pub mod pypi;
