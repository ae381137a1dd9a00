//! RPM repositories: which packages an entry comes to, from the repositories' own indexes.
//! Reading and choosing are pure; `repository` is the only file that asks the network.
//! Not here: the format of packages and versions (`mirror::rpm`).

pub mod files;
pub mod groups;
pub mod primary;
pub mod repomd;
pub mod xml;
