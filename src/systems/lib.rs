//! Clients of what we drive: web servers, Flink, HDFS, YARN, metrics receivers, ssh; and what bounds those who come from outside.
//! They may use the words; they know nothing of mirrors, clusters or the agent.
//! Not here: any decision.

pub mod aggregated_logs;
pub mod bounded;
pub mod call;
pub mod client;
pub mod console;
pub mod download;
pub mod graphite;
pub mod graphite_render;
pub mod hadoop;
pub mod history_server;
pub mod hook;
pub mod hostnames;
pub mod http;
pub mod jobmanager;
pub mod keyring;
mod lenient;
pub mod local;
pub mod manager;
pub mod meter;
pub mod oozie;
pub mod places;
pub mod probe;
#[cfg(any(test, feature = "testing"))]
mod scripted;
pub mod signed_list;
pub mod site;
pub mod site_hadoop;
pub mod ssh;
pub mod subject;
pub mod transport;
pub mod users;
pub mod webhdfs;
pub mod yarn;
pub mod zookeeper;

#[cfg(any(test, feature = "testing"))]
pub use scripted::{InProcess, Request, Scripted};
