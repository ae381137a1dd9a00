//! The RPM format itself: versions and their order, dependencies, a package's headers, and who signed it.
//! Resolving reads repositories with it, publishing describes packages with it.
//! Not here: repositories, ours or others'.

pub mod expression;
pub mod header;
pub mod package;
pub mod relation;
pub mod signature;
pub mod version;
