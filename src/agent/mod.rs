//! The agent's room: one small service per node that looks, judges, and tells.
//! `service` runs it; `health` decides; `board` holds what is known now; everything else renders or sends that.
//! Not here: how a history server or a receiver is spoken to; see `systems`.

pub mod api;
pub mod board;
pub mod clock;
pub mod config;
mod guests;
pub mod health;
mod log;
pub mod prometheus;
mod publish;
pub mod report;
pub mod service;
mod systemd;
