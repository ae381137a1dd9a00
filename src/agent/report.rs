//! The agent's JSON: `/health` for machines and people, and the metrics in the form of PNDA's data manager.
//! What is not known of now is said to be unknown, never to be dead.
//! Not here: HTTP, or Prometheus' text.

use super::board::View;
use super::config::Place;
use super::health::Round;
use serde::Serialize;
use serde_json::{Value, json};

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

/// The metrics as PNDA's data manager lists them: values are texts, for they came out of a store of texts.
pub fn data_manager(view: &View, now_ms: u64) -> String {
    let metrics: Vec<Value> = match (view, view.last()) {
        (View::Fresh(round), _) => round
            .metrics
            .iter()
            .map(|metric| {
                item(metric.name, &metric.value.to_string(), metric.source, metric.at_ms, &metric.causes_text())
            })
            .collect(),
        (_, Some(last)) => unavailable(last, view),
        (_, None) => Vec::new(),
    };
    json!({ "metrics": metrics, "currentTopics": [], "servertime": now_ms.to_string() }).to_string()
}

/// The console's word for what it has no value of; only the healths, for the other values are gone.
fn unavailable(last: &Round, view: &View) -> Vec<Value> {
    let causes = Value::from(view.blindness().into_iter().collect::<Vec<_>>()).to_string();
    let healths = last.metrics.iter().filter(|metric| metric.name.ends_with(".health"));
    healths.map(|metric| item(metric.name, "UNAVAILABLE", metric.source, metric.at_ms, &causes)).collect()
}

fn item(name: &str, value: &str, source: &str, at_ms: u64, causes: &str) -> Value {
    json!({
        "name": name,
        "info": { "source": source, "value": value, "timestamp": at_ms.to_string(), "causes": causes },
    })
}
