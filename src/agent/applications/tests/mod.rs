//! The manager's listeners as clients see them, over sockets, with YARN and HDFS scripted: who gets in, what is answered, and
//! what hostile clients are told.
//! Not here: single rules, which are tested beside their code.

mod bed;
mod hostile;
mod limits;
mod pnda;
#[path = "../../../../tests/common/scripted_cluster.rs"]
mod scripted_cluster;
mod shown;
mod who;
