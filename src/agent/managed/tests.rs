//! The manager's figures as they are told: to Prometheus, to Graphite, and as the health of its node.
//! Not here: where they come from.
//! A scraper's reader of the format is `prometheus::tests`.

use super::*;
use crate::board::{Counts, View};
use crate::health::{Round, judge};
use crate::prometheus::tests::{place, scrape};
use serde_json::json;
use words::metric::Health;

/// A manager with one component that does well and one that does not.
pub(crate) fn figures() -> Figures {
    let component = |name: &str, state: &str, alarms: serde_json::Value| {
        json!({
            "application": "words", "component": name, "owner": "alice", "state": state, "restarts": 3,
            "task_restarts": 2, "completed": 7, "failed": 1, "checkpoint_ms": 1_795_409_770_000_u64,
            "interval_ms": 10_000, "held_up": 25, "attempt": 1, "alarms": alarms,
        })
    };
    let told = json!({
        "manages": true, "states": { "running": 1, "failed": 1 }, "alarms": { "critical": 1, "warning": 1 },
        "components": [
            component("count", "running", json!([])),
            component("split", "failed", json!([["given-up", "critical"], ["restarts", "warning"]])),
        ],
        "records": 41, "rounds": { "count": 9, "failed": 1, "micros": 1_500_000 },
        "requests": { "namenode": { "count": 5, "failed": 0, "micros": 20_000 } },
    });
    serde_json::from_value(told).unwrap()
}

fn page(round: Round) -> String {
    crate::prometheus::page(&View::Fresh(Arc::new(round)), &Counts::default(), &place())
}

fn round(managed: Managed) -> Round {
    judge(None, 1_795_409_779_500).with_manager(Some(managed))
}

#[test]
fn a_page_has_a_series_for_each_component_and_all_that_is_counted() {
    let text = page(round(Managed::Told(Arc::new(figures()))));
    let series = scrape(&text);
    let own = "cluster=\"pico\",node=\"manager\",application=\"words\",component=\"split\",owner=\"alice\"";
    for expected in [
        format!("pnda_application_state{{{own},state=\"failed\"}}"),
        format!("pnda_application_alarm{{{own},alarm=\"given-up\",severity=\"critical\"}}"),
        format!("pnda_application_last_checkpoint_timestamp_seconds{{{own}}}"),
        "pnda_application_components{cluster=\"pico\",node=\"manager\",state=\"cannot-see\"}".to_owned(),
        "pnda_applications_manager_requests_seconds_sum{cluster=\"pico\",node=\"manager\",server=\"namenode\"}"
            .to_owned(),
    ] {
        assert!(series.contains(&expected), "{expected}: {text}");
    }
    assert!(
        text.contains("pnda_applications_manager_rounds_seconds_sum{cluster=\"pico\",node=\"manager\"} 1.5\n"),
        "{text}"
    );
    let by = Figures { manages: false, ..figures() };
    let series = scrape(&page(round(Managed::Told(Arc::new(by)))));
    assert!(!series.iter().any(|series| series.starts_with("pnda_application_")), "one that stands by knows nothing");
    let silent = scrape(&page(round(Managed::Silent("no".into()))));
    assert_eq!(silent.iter().filter(|series| series.starts_with("pnda_application")).count(), 1);
}

#[test]
fn every_state_is_counted() {
    let schema = schemars::schema_for!(words::application::State).to_value().to_string();
    assert_eq!(schema.matches("\"const\"").count(), prometheus::STATES.len(), "{schema}");
    let words: std::collections::BTreeSet<String> = prometheus::STATES.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), prometheus::STATES.len());
}

#[test]
fn a_node_whose_manager_is_silent_does_not_work_and_alarms_are_a_warning() {
    let told = round(Managed::Told(Arc::new(figures())));
    assert_eq!((told.health, told.causes.as_slice()), (Health::Warn, &["words/split: given-up".to_owned()][..]));
    let silent = round(Managed::ask(Path::new("/nonexistent/socket"), Duration::from_secs(1)));
    assert_eq!(silent.health, Health::Error);
    assert!(
        silent.causes[0].starts_with("the manager of applications does not answer: nobody answers at"),
        "{silent:?}"
    );
    assert_eq!(round(Managed::Told(Arc::default())).health, Health::Ok);
    let many = vec![figures().components.remove(1); 25];
    let many = round(Managed::Told(Arc::new(Figures { components: many, ..Figures::default() })));
    assert_eq!(many.causes.last().unwrap(), "15 more; `pnda app alarms` has all");
}

#[test]
fn graphite_gets_names_that_flink_s_reporter_never_uses() {
    let lines = graphite::lines(&figures(), 1_795_409_779_500);
    assert!(lines.starts_with("application.health.words.count.level 0 1795409779\n"), "{lines}");
    assert!(lines.contains("application.health.words.split.level 2 1795409779\n"), "{lines}");
    assert!(lines.contains("application.health.words.count.checkpoint_age_seconds 9 1795409779\n"), "{lines}");
    assert!(lines.lines().all(|line| line.split(' ').count() == 3), "{lines}");
    let flinks = apps::arrival::prefix(&apps::journal::Key {
        application: words::names::ApplicationName::new("health").unwrap(),
        component: words::names::ComponentName::new("words").unwrap(),
    });
    assert!(!flinks.starts_with(&format!("{}.", graphite::PREFIX)), "{flinks}");
}

#[test]
fn the_console_has_them_on_the_page_of_their_application_and_no_block_takes_its_colour_from_them() {
    let metrics = console::metrics(&figures(), 1_795_409_779_500);
    let told = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name}"));
    let status = told("application.kpi.words.split.status");
    assert_eq!((&*status.source, status.value.to_string()), ("application.words", "ERROR".to_owned()));
    assert_eq!(status.causes, ["given-up", "restarts"]);
    assert_eq!(told("application.kpi.words.count.state").value.to_string(), "running");
    assert_eq!(told("application.kpi.words.count.checkpoint_age_seconds").value.to_string(), "9");
    assert!(metrics.iter().all(|metric| !metric.name.ends_with("health") && !metric.name.contains(':')));
    let stands_by = Figures { components: Vec::new(), ..figures() };
    assert!(console::metrics(&stands_by, 1).is_empty());
}
