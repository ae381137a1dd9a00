//! RPM repositories: which packages an entry comes to, from the repositories' own indexes.
//! Reading and choosing are pure; `repository` is the only file that asks the network.
//! Not here: the format of packages and versions (`mirror::rpm`).

mod choice;
pub mod closure;
pub mod files;
pub mod groups;
mod present;
pub mod primary;
pub mod repomd;
pub mod universe;
pub mod xml;
