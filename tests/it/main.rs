//! Tests of the programs and of everything that touches a disk or a socket, in one binary.
//! Servers here are scripted and listen on loopback; the real world is in `tests/nodes`.
//! Not here: tests of pure code, which stand beside it.

mod agent;
mod door;
mod fetch;
mod install;
mod mirror;
mod project;
mod serve;
mod upstream;
