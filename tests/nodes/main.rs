//! Real systemd nodes without a way out, and what is proved on them.
//! Needs root, network namespaces, overlayfs, systemd-nspawn and debootstrap; says in one line when it leaves out.
//! Not here: anything that can be told from text or from a temporary folder; that is tested beside the code.

mod applications;
mod apt;
mod base;
mod cluster;
mod departures;
mod drive;
mod drivers;
mod endless;
mod engine;
mod events;
mod faults;
mod foreign;
mod ground;
mod harness;
mod keys;
mod logs;
mod machine;
mod node;
mod packages;
mod receiver;
#[path = "../common/registries.rs"]
mod registries;
mod shell;
mod site;
mod slice;
mod sql;
mod steps;
mod strangers;
mod tls;
mod ways;
