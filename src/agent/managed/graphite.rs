//! The manager's figures as lines for Graphite: `application.health.APPLICATION.COMPONENT.…`. What Flink's own reporter sends
//! begins with `application.kpi.`, and no name has a dot, so that neither can ever be taken for the other.
//! Not here: sending.

use super::{values, worst};
use std::iter;
use words::figures::{Component, Figures};

/// What all of them begin with.
pub const PREFIX: &str = "application.health";

/// The lines of all components, at a time in milliseconds since 1970.
pub fn lines(figures: &Figures, at_ms: u64) -> String {
    figures.components.iter().map(|component| of_component(component, at_ms)).collect()
}

fn of_component(of: &Component, at_ms: u64) -> String {
    let level = ("level", u64::from(worst(of).level()));
    let line =
        |(name, value)| format!("{PREFIX}.{}.{}.{name} {value} {}\n", of.application, of.component, at_ms / 1000);
    iter::once(level).chain(values(of, at_ms)).map(line).collect()
}
