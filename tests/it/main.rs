//! Tests of the programs and of everything that touches a disk or a socket, in one binary.
//! Servers here are scripted and listen on loopback; the real world is in `tests/nodes`.
//! Not here: tests of pure code, which stand beside it.

/// Says in one line what was left out and why, past the runner's capture, which hides what a passing test prints.
macro_rules! left_out {
    ($($said:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("left out: {}\n", format_args!($($said)*))))
    };
}

mod advisories;
mod agent;
mod app;
mod apt;
mod apt_client;
mod apt_order;
mod archive;
mod archives;
mod assemblies;
mod certificates;
mod classes;
mod door;
mod drive;
mod faults;
mod fetch;
mod floods;
mod generations;
mod guide;
#[path = "../common/h2.rs"]
mod h2;
mod handbook;
mod housekeeping;
mod install;
mod installed;
mod json;
mod keys;
mod kill;
mod killed;
mod layout;
mod lint;
#[path = "../common/manager.rs"]
mod manager;
mod maven;
mod mirror;
mod openpgp;
mod pipes;
mod project;
mod python;
mod queues;
mod ranges;
mod records;
mod sbom;
#[path = "../common/scripted_cluster.rs"]
mod scripted_cluster;
#[path = "../common/seed.rs"]
mod seed;
mod serve;
mod server;
mod site;
mod streams;
mod terminal;
mod trust;
mod upstream;
mod ways;
mod wrapper;
