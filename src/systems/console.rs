//! Posts metrics to the PNDA console's data logger, in its JSON, to the letter.
//! The logger refuses bodies beyond 100 KiB, so what is longer goes in several.
//! Not here: when to send, or what to do when it fails.

use super::{client, site};
use reqwest::Method;
use reqwest::header::{CONNECTION, CONTENT_TYPE};
use serde::{Serialize, Serializer};
use std::time::Duration;
use url::Url;
use words::metric::{Metric, Value};

/// The limit of the logger's body parser.
const LONGEST_BODY: usize = 102_400;

/// Why the console does not have them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody took them in time.
    #[error("cannot post to {url}")]
    Post { url: Url, source: Box<client::Failure> },
    /// It answered, and did not take them.
    #[error("{url} answered with status {status}")]
    Status { url: Url, status: u16 },
}

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<Item<'a>>,
    timestamp: u64,
}

#[derive(Serialize)]
struct Item<'a> {
    source: &'a str,
    metric: &'a str,
    value: Plain<'a>,
    causes: String,
    timestamp: u64,
}

impl Item<'_> {
    fn of(metric: &Metric) -> Item<'_> {
        Item {
            source: &metric.source,
            metric: &metric.name,
            value: Plain(&metric.value),
            causes: metric.causes_text(),
            timestamp: metric.at_ms,
        }
    }
}

/// A value as JSON's own kinds.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Flag(flag) => out.serialize_bool(*flag),
            Value::Number(number) => out.serialize_i64(*number),
            other => out.collect_str(other),
        }
    }
}

/// The bodies to post, in order: one, unless it would be too long; then each half for itself. A metric that is too long alone goes
/// all the same, and the logger says so.
pub fn bodies(metrics: &[Metric], now_ms: u64) -> Vec<String> {
    let whole = body(metrics, now_ms);
    if whole.len() <= LONGEST_BODY || metrics.len() < 2 {
        return vec![whole];
    }
    let (first, second) = metrics.split_at(metrics.len() / 2);
    [bodies(first, now_ms), bodies(second, now_ms)].concat()
}

fn body(metrics: &[Metric], now_ms: u64) -> String {
    let data = metrics.iter().map(Item::of).collect();
    serde_json::to_string(&Body { data, timestamp: now_ms }).expect("numbers and texts are always JSON")
}

/// Posts them; `deadline` is for each body.
pub fn post(url: &Url, metrics: &[Metric], now_ms: u64, deadline: Duration) -> Result<(), Error> {
    let client = site::client(deadline);
    for body in bodies(metrics, now_ms) {
        let request = client.request(Method::POST, url.as_str()).header(CONTENT_TYPE, "application/json");
        let answer = client.send(request.header(CONNECTION, "close").body(body));
        let answer = answer.map_err(|source| Error::Post { url: url.clone(), source: Box::new(source) })?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(Error::Status { url: url.clone(), status });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::metric::Health;

    fn metric(name: &'static str, value: Value, causes: &[&str]) -> Metric {
        let causes = causes.iter().map(|cause| (*cause).to_owned()).collect();
        Metric { source: "flink".into(), name: name.into(), value, causes, at_ms: 1500 }
    }

    #[test]
    fn the_body_is_the_one_the_data_logger_reads() {
        let metrics = [
            metric("flink.history_server_available_success", Value::Flag(false), &[]),
            metric("flink.history_server_available_ms", Value::Number(-1), &[]),
            metric("flink.installed_flink_version", Value::Text(String::new()), &[]),
            metric("flink.health", Value::Health(Health::Error), &["it says \"no\""]),
        ];
        let expected = concat!(
            r#"{"data":["#,
            r#"{"source":"flink","metric":"flink.history_server_available_success","value":false,"causes":"[]","timestamp":1500},"#,
            r#"{"source":"flink","metric":"flink.history_server_available_ms","value":-1,"causes":"[]","timestamp":1500},"#,
            r#"{"source":"flink","metric":"flink.installed_flink_version","value":"","causes":"[]","timestamp":1500},"#,
            r#"{"source":"flink","metric":"flink.health","value":"ERROR","causes":"[\"it says \\\"no\\\"\"]","timestamp":1500}"#,
            r#"],"timestamp":1501}"#
        );
        assert_eq!(bodies(&metrics, 1501), [expected]);
    }

    #[test]
    fn what_is_too_long_goes_in_parts() {
        let long = "x".repeat(60_000);
        let metric = metric("flink.health", Value::Health(Health::Error), &[&long]);
        let bodies = bodies(&[metric.clone(), metric], 1);
        assert_eq!(bodies.len(), 2);
        assert!(bodies.iter().all(|body| body.len() <= LONGEST_BODY));
        let many: Vec<Metric> = (0..9000).map(|count| self::metric("x", Value::Number(count), &[])).collect();
        let bodies = super::bodies(&many, 1);
        assert!(bodies.len() < 20 && bodies.iter().all(|body| body.len() <= LONGEST_BODY), "{}", bodies.len());
        assert_eq!(bodies.iter().map(|body| body.matches("metric").count()).sum::<usize>(), 9000);
    }
}
