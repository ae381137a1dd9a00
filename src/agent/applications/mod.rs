//! The service that manages applications: one on an edge, reached through a local socket and, where the site wants it, the
//! network.
//! Rules and acts are `apps`'; here is the way in: who asks, what a path means, how an answer is written.
//! Not here: health and metrics of the node, which another service tells.

mod access;
mod body;
mod caller;
mod changes;
pub mod config;
mod dashboard;
mod declared;
mod dm;
mod entrances;
mod failure;
mod gate;
mod house;
mod listener;
pub mod openapi;
mod outgoing;
mod own;
mod repository;
mod route;
mod routes;
mod server;
mod shapes;
mod streams;
mod table;
#[cfg(test)]
mod tests;
mod tokens;

pub use server::{Error, run};
