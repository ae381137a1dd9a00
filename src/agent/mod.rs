//! The agent's room: one small service per node that looks, judges, and tells; and the installer that placed it.
//! `service` runs it; `health` decides; `board` holds what is known now; `install` stands apart; the rest renders or sends.
//! Not here: how a history server or a receiver is spoken to; see `systems`.

pub mod api;
pub mod board;
mod bounded;
pub mod clock;
pub mod config;
mod guests;
pub mod hadoop;
pub mod health;
pub mod install;
mod log;
pub mod logs;
pub mod prometheus;
mod publish;
pub mod report;
pub mod service;
mod systemd;
