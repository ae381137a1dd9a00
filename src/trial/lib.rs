//! The trial of the whole on one machine, without root, under one folder, made of the real pieces: a mirror that is served,
//! the shipped cluster of one node, its own `install.sh`, its services as children of this program, and one application.
//! Not here: a second way of doing any of that.

mod children;
mod error;
mod job;
mod plan;
mod ports;
mod run;

pub use error::Error;
pub use plan::{Choices, Plan};
pub use run::{Mirror, Prepared, Trial};
