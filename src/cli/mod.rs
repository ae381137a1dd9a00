//! The command lines of both programs: they read arguments, call a room, print, and choose the exit code.
//! Exit codes: 0 done, 1 failed, 2 wrong usage, 3 verification found a difference, 4 something would change.
//! Not here: any logic.

pub mod agent;
mod agent_install;
mod agent_installed;
mod agent_queue;
pub mod app;
mod cluster;
mod complete;
pub mod edge;
pub mod failure;
mod lint;
pub mod mirror;
mod package;
pub mod pnda;
mod progress;
mod shipped;
mod trial;
