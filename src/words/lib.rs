//! The words every room speaks: digests, names, trees, problems, and the two documents that cross rooms.
//! Pure: no file, no socket, no clock, no process is touched here.
//! Not here: how anything is fetched, rendered or installed.

pub mod alarm;
pub mod application;
pub mod chain;
pub mod change;
pub mod declared;
pub mod digest;
pub mod document;
pub mod event;
mod explained;
pub mod figures;
pub mod flink;
pub mod foreign;
#[cfg(test)]
mod frozen;
pub mod generation;
pub mod happened;
pub mod housekeeping;
pub mod ids;
pub mod location;
pub mod markup;
pub mod metric;
pub mod moment;
pub mod names;
pub mod node;
pub mod parallel;
pub mod plain;
pub mod problem;
pub mod report;
pub mod savepoints;
mod schema;
pub mod secret;
pub mod selftest;
pub mod shell;
pub mod shown;
pub mod size;
pub mod tree;
pub mod verdict;
