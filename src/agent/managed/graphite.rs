//! The manager's figures as lines for Graphite: `application.health.APPLICATION.COMPONENT.…`. What Flink's own reporter sends
//! begins with `application.kpi.`, and no name has a dot, so that neither can ever be taken for the other.
//! Not here: sending.

use words::alarm::Severity;
use words::figures::{Component, Figures};
use words::metric::Health;

/// What all of them begin with.
pub const PREFIX: &str = "application.health";

/// The lines of all components, at a time in milliseconds since 1970.
pub fn lines(figures: &Figures, at_ms: u64) -> String {
    figures.components.iter().map(|component| of_component(component, at_ms)).collect()
}

fn of_component(of: &Component, at_ms: u64) -> String {
    let level = of.alarms.iter().map(|(_, severity)| match severity {
        Severity::Critical => Health::Error,
        Severity::Warning => Health::Warn,
    });
    let values = [
        ("level", Some(u64::from(level.max().unwrap_or(Health::Ok).level()))),
        ("alarms", Some(of.alarms.len() as u64)),
        ("restarts", Some(of.restarts)),
        ("task_restarts", of.task_restarts),
        ("checkpoints_completed", of.completed),
        ("checkpoints_failed", of.failed),
        ("checkpoint_age_seconds", of.checkpoint_ms.map(|ms| at_ms.saturating_sub(ms) / 1000)),
        ("back_pressure_percent", of.held_up),
        ("attempt", of.attempt),
    ];
    let seconds = at_ms / 1000;
    let known = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let line = |(name, value)| format!("{PREFIX}.{}.{}.{name} {value} {seconds}\n", of.application, of.component);
    known.map(line).collect()
}
