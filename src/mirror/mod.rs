//! The mirror room: manifest, lock, fetch, store, publish, serve.
//! It speaks in words and uses systems; it knows neither clusters nor the agent.
//! Not here: command lines.

pub mod assembly;
pub mod disk;
pub mod fetch;
pub mod folder;
pub mod keys;
pub mod lock;
pub mod manifest;
pub mod openpgp;
pub mod publish;
pub mod python;
pub mod resolve;
pub mod serve;
pub mod sources;
pub mod store;
pub mod trust;
pub mod verify;
