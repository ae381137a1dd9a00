//! Ordinary clients and the software they install, unmodified, on a mirror that was really made.
//! Each module is one client or one piece of software; what is missing on a machine is said in a line.
//! Not here: our own agent; it is tried on real nodes.

/// Says in one line what was left out and why, past the runner's capture, which hides what a passing test prints.
macro_rules! left_out {
    ($($said:tt)*) => {
        drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("left out: {}\n", format_args!($($said)*))))
    };
}

mod anywhere;
mod classes;
mod flink;
mod hadoop;
mod logs;
#[path = "../common/manager.rs"]
mod manager;
mod maven;
mod mirror;
mod monitoring;
mod namespace;
mod nginx;
mod openapi;
mod python;
#[path = "../common/registries.rs"]
mod registries;
mod rpm;
#[path = "../common/scripted_cluster.rs"]
mod scripted_cluster;
mod webhdfs;
