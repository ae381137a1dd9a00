//! Reads the log files of a node, whoever writes them: `pnda-agent logs` as a service of its own, without rights.
//! No file can stop or slow the others: each gives a bounded piece in turn, and only regular files that belong to whoever
//! owns their folder are opened, through no link. What was read waits in a queue on disk, with a share for each writer.
//! Not here: sending; rsyslog reads the queue and sends it.

pub mod config;
mod follow;
mod glob;
mod handles;
mod notes;
mod progress;
mod reader;
mod record;
mod spool;
mod text;
mod walk;

pub use reader::{Error, run};
