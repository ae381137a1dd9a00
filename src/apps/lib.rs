//! The room of applications: packages, the journal, what is decided about each component, and the acts that follow.
//! `decide` is pure: it sees what is wanted and what is observed, and names the next act.
//! Not here: how YARN, HDFS and Flink are spoken to (`systems`), and the service that runs this (`agent`).

pub mod act;
pub mod alarms;
pub mod archive;
pub mod arrival;
pub mod callbacks;
pub mod client;
pub mod clock;
pub mod counts;
pub mod decide;
pub mod declare;
pub mod defaults;
pub mod holder;
pub mod housekeeping;
pub mod journal;
pub mod logs;
pub mod manager;
pub mod network;
pub mod observe;
pub mod orders;
pub mod package;
pub mod preflight;
pub mod prepare;
pub mod queue;
pub mod respawn;
pub mod restore;
pub mod savepoints;
pub mod saving;
pub mod schedule;
pub mod secrets;
pub mod selftest;
pub mod share;
pub mod site;
pub mod staged;
pub mod status;
pub mod submit;
pub mod vitals;
pub mod workflow;
