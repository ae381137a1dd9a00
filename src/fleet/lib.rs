//! The fleet room: the nodes of a cluster over ssh, wave by wave, a few at a time.
//! A plan says who is visited in which wave; a dry run is that plan with every visit only a look.
//! Not here: who is in which wave (the cluster room), what a node does about it (the node room), and printing.

mod install;
mod outcome;
mod plan;
mod reach;
mod verb;

pub use install::Install;
pub use outcome::{Came, Driven, DrivenNode};
pub use plan::{Plan, Unknown, Visits};
pub use reach::{Reach, Said, Tell};
pub use verb::{Answered, run};
