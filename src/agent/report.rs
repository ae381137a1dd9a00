//! The agent's JSON: `/health` for machines and people, and the metrics in the form of PNDA's data manager.
//! What is not known of now is said to be unknown, never to be dead.
//! Not here: HTTP, or Prometheus' text.

use super::board::View;
use super::config::Place;
use super::health::Round;
use serde::Serialize;
use serde_json::{Value, json};
use words::metric::{Metric, Value as Measured};

/// What `/health` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `OK`, `WARN`, `ERROR`, or `UNKNOWN` where nothing is known of now.
    pub status: &'static str,
    /// Why it is not `OK`.
    pub causes: Vec<String>,
    /// When the agent last looked.
    pub checked_at_ms: Option<u64>,
    /// The path of the history server that told.
    pub via: Option<&'static str>,
    /// The version of Flink that answers.
    pub flink_version: Option<String>,
    /// The jobs that the history server has read.
    pub completed_jobs: Option<u64>,
    /// The kind of failure in one word.
    pub fault: Option<&'static str>,
    /// The node.
    pub node: String,
    /// Its cluster.
    pub cluster: String,
}

impl Report {
    /// The report of what is known.
    pub fn of(view: &View, place: &Place) -> Report {
        let flink = view.fresh().and_then(|round| round.flink.clone()).unwrap_or_default();
        let causes = match view.blindness() {
            Some(blindness) => vec![blindness],
            None => view.fresh().map(|round| round.causes.clone()).unwrap_or_default(),
        };
        Report {
            status: view.fresh().map_or("UNKNOWN", |round| round.health.as_str()),
            causes,
            checked_at_ms: view.last().map(|round| round.at_ms),
            via: flink.via,
            flink_version: flink.version,
            completed_jobs: flink.completed_jobs,
            fault: flink.fault.map(|fault| fault.kind),
            node: place.node.to_string(),
            cluster: place.cluster.to_string(),
        }
    }

    /// Whether a load balancer may take it for well.
    pub fn is_serving(&self) -> bool {
        matches!(self.status, "OK" | "WARN")
    }

    /// Its JSON, one line.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string(self).expect("texts and numbers are always JSON");
        text.push('\n');
        text
    }
}

/// The metrics as PNDA's data manager lists them: values are texts, for there they come out of a store of texts.
pub fn data_manager(view: &View, now_ms: u64) -> String {
    let metrics: Vec<Value> = match view {
        View::Nothing => Vec::new(),
        View::Stale { last, .. } => unavailable(last, view),
        View::Fresh(round) => round.metrics.iter().map(available).collect(),
    };
    json!({ "metrics": metrics, "currentTopics": [], "servertime": now_ms.to_string() }).to_string()
}

fn available(metric: &Metric) -> Value {
    item(metric, &metric.value.to_string(), &metric.causes_text())
}

/// The console's word for what it has no value of; only the healths, for the other values are gone.
fn unavailable(last: &Round, view: &View) -> Vec<Value> {
    let causes = Value::from(view.blindness().into_iter().collect::<Vec<_>>()).to_string();
    let healths = last.metrics.iter().filter(|metric| matches!(metric.value, Measured::Health(_)));
    healths.map(|metric| item(metric, "UNAVAILABLE", &causes)).collect()
}

fn item(metric: &Metric, value: &str, causes: &str) -> Value {
    let (source, timestamp) = (&metric.source, metric.at_ms.to_string());
    json!({
        "name": metric.name,
        "info": { "source": source, "value": value, "timestamp": timestamp, "causes": causes },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Flink, judge};
    use std::sync::Arc;
    use std::time::Duration;
    use words::metric::Health;

    fn place() -> Place {
        Place { cluster: "pico".to_owned().try_into().unwrap(), node: "manager".to_owned().try_into().unwrap() }
    }

    fn round(health: Health, causes: &[&str]) -> Arc<Round> {
        let causes: Vec<String> = causes.iter().map(|cause| (*cause).to_owned()).collect();
        let flink = Flink { version: Some("1.20.5".into()), via: Some("/jobs/overview"), ..Flink::default() };
        let metric = |name: &'static str, value, causes: &[String]| Metric {
            source: "flink".into(),
            name: name.into(),
            value,
            causes: causes.to_vec(),
            at_ms: 1500,
        };
        let metrics = vec![
            metric("flink.history_server_available_success", Measured::Flag(true), &[]),
            metric("flink.health", Measured::Health(health), &causes),
        ];
        Arc::new(Round { health, causes, flink: Some(flink), metrics, ..judge(None, 1500) })
    }

    #[test]
    fn health_is_one_line_of_json() {
        let report = Report::of(&View::Fresh(round(Health::Warn, &["hm"])), &place());
        assert!(report.is_serving());
        assert_eq!(
            report.json(),
            "{\"status\":\"WARN\",\"causes\":[\"hm\"],\"checked_at_ms\":1500,\"via\":\"/jobs/overview\",\
             \"flink_version\":\"1.20.5\",\"completed_jobs\":null,\"fault\":null,\"node\":\"manager\",\
             \"cluster\":\"pico\"}\n"
        );
    }

    #[test]
    fn not_seeing_is_unknown_and_neither_well_nor_dead() {
        let before = Report::of(&View::Nothing, &place());
        assert_eq!((before.status, before.is_serving(), before.checked_at_ms), ("UNKNOWN", false, None));
        let stale = View::Stale { last: round(Health::Ok, &[]), age: Duration::from_secs(95) };
        let report = Report::of(&stale, &place());
        assert_eq!((report.status, report.checked_at_ms, report.via), ("UNKNOWN", Some(1500), None));
        assert_eq!(report.causes, ["the agent has not looked for 95 s; the last time it was OK"]);
    }

    #[test]
    fn the_data_manager_lists_texts() {
        let text = data_manager(&View::Fresh(round(Health::Error, &["no"])), 1501);
        let expected = json!({
            "metrics": [
                {"name": "flink.history_server_available_success",
                 "info": {"source": "flink", "value": "true", "timestamp": "1500", "causes": "[]"}},
                {"name": "flink.health",
                 "info": {"source": "flink", "value": "ERROR", "timestamp": "1500", "causes": "[\"no\"]"}},
            ],
            "currentTopics": [],
            "servertime": "1501",
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn the_data_manager_calls_what_it_cannot_see_unavailable() {
        let stale = View::Stale { last: round(Health::Ok, &[]), age: Duration::from_secs(95) };
        let text: Value = serde_json::from_str(&data_manager(&stale, 1)).unwrap();
        assert_eq!(text["metrics"].as_array().unwrap().len(), 1);
        assert_eq!(text["metrics"][0]["info"]["value"], "UNAVAILABLE");
        let nothing: Value = serde_json::from_str(&data_manager(&View::Nothing, 1)).unwrap();
        assert_eq!(nothing["metrics"], json!([]));
    }
}
