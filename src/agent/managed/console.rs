//! The manager's figures as PNDA's console has them: on the page of an application are all metrics that begin with
//! `application.kpi.APPLICATION.`, from the source `application.APPLICATION`.
//! None of them is called `health`: the console colours its Flink block by the first name that ends so and has `flink` in it, as an
//! application may have.
//! Not here: posting.

use super::{values, worst};
use words::figures::{Component, Figures};
use words::metric::{Metric, Value};

/// All of them, at a time in milliseconds since 1970.
pub fn metrics(figures: &Figures, at_ms: u64) -> Vec<Metric> {
    figures.components.iter().flat_map(|component| of_component(component, at_ms)).collect()
}

fn of_component(of: &Component, at_ms: u64) -> Vec<Metric> {
    let metric = |name: &str, value, causes| Metric {
        source: format!("application.{}", of.application).into(),
        name: format!("application.kpi.{}.{}.{name}", of.application, of.component).into(),
        value,
        causes,
        at_ms,
    };
    let causes = of.alarms.iter().map(|(alarm, _)| alarm.to_string()).collect();
    let mut all = vec![
        metric("status", Value::Health(worst(of)), causes),
        metric("state", Value::Text(of.state.to_string()), Vec::new()),
    ];
    let number = |value: u64| Value::Number(value.try_into().unwrap_or(i64::MAX));
    all.extend(values(of, at_ms).into_iter().map(|(name, value)| metric(name, number(value), Vec::new())));
    all
}
