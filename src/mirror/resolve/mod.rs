//! Resolvers: from what a manifest names to everything that has to be fetched for it.
//! One folder per kind of registry.
//! Not here: how bytes are fetched or kept.

pub mod maven;
