//! The mirror room: manifest, lock, fetch, store, publish, serve.
//! It speaks in words and uses systems; it knows neither clusters nor the agent.
//! Not here: command lines.

pub mod advisories;
pub mod assembly;
pub mod compression;
pub mod fetch;
pub mod gc;
pub mod generations;
pub mod keys;
pub mod licences;
pub mod lock;
pub mod manifest;
pub mod openpgp;
pub mod owner;
pub mod publish;
pub mod purl;
pub mod python;
pub mod resolve;
pub mod rpm;
pub mod sbom;
pub mod serve;
pub mod signing;
pub mod sources;
pub mod store;
pub mod trust;
pub mod verify;
pub mod why;
