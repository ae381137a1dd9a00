//! A whole manager, its rounds called by hand, against scripted YARN, Flink and HDFS in which every request may be lost,
//! delayed or doubled and after each of which the manager may be killed: nothing runs twice, and nothing is lost.
//! Not here: real ones; single decisions and orders, which are tested beside their code.

mod adopt;
mod alarms;
mod away;
mod bed;
mod begin;
mod by_client;
mod callbacks;
mod cleanings;
mod declared;
mod faults;
mod given;
mod housekeeping;
mod kept;
mod logs;
mod orders;
mod packages;
mod pages;
mod pairs;
mod preflight;
mod races;
mod refused;
mod requests;
mod rescale;
mod respawn;
mod savepoints;
mod schedule;
mod seeds;
mod several_jobs;
mod shares;
mod stand_by;
mod upgrades;
mod wire;
mod workflows;
