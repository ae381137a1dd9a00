//! x
mod agent;
