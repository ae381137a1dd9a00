//! PNDA's Flink platform for sites without a way out: three rooms off one hall.
//! `words` is the hall; `mirror`, `cluster` and `agent` are the rooms and do not import each other;
//! `systems` are clients of what we drive; `cli` sits on top. See ARCHITECTURE.md.

pub mod mirror;
pub mod words;
