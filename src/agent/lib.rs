//! The agent's room: one small service per node that looks, judges, and tells.
//! `service` runs it; `health` decides; `board` holds what is known now; `logs` reads log files; the rest renders or sends.
//! Not here: the installer (`node`), and how a history server or a receiver is spoken to (`systems`).

pub mod api;
pub mod applications;
pub mod board;
pub mod clock;
pub mod config;
pub mod config_file;
pub mod coordinators;
mod ending;
mod guests;
pub mod health;
mod log;
pub mod logs;
pub mod managed;
pub mod managers;
pub mod prometheus;
mod publish;
pub mod report;
pub mod service;
mod systemd;
