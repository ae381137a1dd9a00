//! The service that manages applications: one on an edge, reached through a local socket.
//! Rules and acts are `apps`'; here is the way in: who asks, what a path means, how an answer is written.
//! Not here: health and metrics of the node, which another service tells.

mod body;
mod caller;
pub mod config;
mod dm;
mod own;
mod routes;
mod server;

pub use server::{Error, run};
