//! Whether the metrics of a component that runs arrive in Graphite: its JobManager reports one series from its first minute on.
//! Asked when somebody looks. Where Graphite cannot be asked nobody knows, and that is said.
//! Not here: how Graphite is asked (`systems`), and what else it is sent.

use crate::journal::Key;
use systems::graphite_render::Render;
use words::application::Metrics;
use words::chain::chain;

/// How often Flink's reporter sends, as the cluster sets it, and how often it may fail to before that is told.
const INTERVAL: u64 = 60;
const MISSED: u64 = 5;
/// What every JobManager of 1.x and 2.x tells of itself, whatever its job does.
const SERIES: &str = "jobmanager.Status.JVM.Threads.Count";

/// What the metrics of an application's component begin with.
pub fn prefix(of: &Key) -> String {
    format!("application.kpi.{}.{}", of.application, of.component)
}

/// What Graphite says of a component whose job began then, in milliseconds since 1970.
pub fn of(graphite: Option<&str>, of: &Key, (since_ms, now_ms): (u64, u64)) -> Metrics {
    let unknown = |why: String| Metrics { last_ms: None, are_late: false, hidden: Some(why) };
    let Some(address) = graphite else {
        return unknown("not known: `graphite.web` of the cluster file says where Graphite can be asked".to_owned());
    };
    let series = format!("{}.{SERIES}", prefix(of));
    let within = MISSED * INTERVAL;
    // One interval more, so that what has just become late is told with its time.
    match Render::new(address).and_then(|render| render.last(&series, within + INTERVAL)) {
        Ok(last) => judge(last, within, (since_ms, now_ms)),
        Err(error) => unknown(format!("not known: {}", chain(&error))),
    }
}

fn judge(last: Option<u64>, within: u64, (since_ms, now_ms): (u64, u64)) -> Metrics {
    let last_ms = last.map(|second| second * 1000);
    let silent_ms = now_ms.saturating_sub(last_ms.unwrap_or_default().max(since_ms));
    Metrics { last_ms, are_late: silent_ms > within * 1000, hidden: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systems::Scripted;
    use words::names::{ApplicationName, ComponentName};

    const NOW: u64 = 1_796_000_000_000;

    fn key() -> Key {
        Key { application: ApplicationName::new("words").unwrap(), component: ComponentName::new("count").unwrap() }
    }

    #[test]
    fn five_intervals_without_a_value_are_late_and_a_job_that_has_just_begun_is_not() {
        let late = |last: Option<u64>, since_ms| judge(last, 300, (since_ms, NOW)).are_late;
        assert!(!late(Some(NOW / 1000 - 200), 0) && late(Some(NOW / 1000 - 301), 0));
        assert!(!late(None, NOW - 60_000) && late(None, NOW - 300_001));
        // An earlier run's value is no sign of this one, nor is a clock that is ahead.
        assert!(!late(Some(NOW / 1000 - 400), NOW - 60_000) && !late(Some(NOW / 1000 + 9), 0));
    }

    #[test]
    fn what_cannot_be_asked_is_not_known_and_never_late() {
        let none = of(None, &key(), (0, NOW));
        assert!(none.hidden.unwrap().contains("`graphite.web`") && !none.are_late);
        let silent = of(Some("http://127.0.0.1:1"), &key(), (0, NOW));
        assert!(silent.hidden.unwrap().starts_with("not known: Graphite does not answer") && !silent.are_late);
    }

    #[test]
    fn the_series_of_the_component_is_asked_for() {
        let body = format!(r#"[{{"target": "x", "datapoints": [[41.0, {}]]}}]"#, NOW / 1000 - 30);
        let length = body.len();
        let answer = format!("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
        let server = Scripted::start(move |_| answer.clone().into_bytes());
        let told = of(Some(&server.address), &key(), (0, NOW));
        assert_eq!(told, Metrics { last_ms: Some(NOW - 30_000), are_late: false, hidden: None });
        let asked = server.asked().concat();
        assert!(asked.contains("target=application.kpi.words.count.jobmanager.Status.JVM.Threads.Count"), "{asked}");
    }
}
