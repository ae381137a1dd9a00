//! Asks Graphite's render API when the last value of a series came.
//! One bounded question, no redirect, no retry.
//! Not here: which series is asked for, and what is late.

use crate::client::Client;
use crate::site;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

/// A question holds up somebody who looks at a status.
const DEADLINE: Duration = Duration::from_secs(5);
/// An hour of one series, a value each second, is shorter.
const LONGEST: u64 = 1 << 20;

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no address.
    #[error("`{0}` is not the address of a web server, as in http://graphite:8080")]
    Address(String),
    /// It does not answer.
    #[error("Graphite does not answer at {address}")]
    Silent { address: String, source: std::io::Error },
    /// What it answers is not understood.
    #[error("what answers at {address} is no render API of Graphite")]
    Answer { address: String, source: serde_json::Error },
}

/// The render API of one Graphite.
#[derive(Debug, Clone)]
pub struct Render {
    base: Url,
    client: Client,
}

/// A series, with its values and the second of each.
#[derive(Deserialize)]
struct Series {
    datapoints: Vec<(Option<f64>, u64)>,
}

impl Render {
    /// The one at an address, as in `http://graphite:8080`.
    pub fn new(address: &str) -> Result<Render, Error> {
        let base = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = base.ok_or_else(|| Error::Address(address.to_owned()))?;
        Ok(Render { base, client: site::client(DEADLINE) })
    }

    /// When the last value of a series came, in seconds since 1970; none if none came within so many seconds.
    pub fn last(&self, series: &str, within: u64) -> Result<Option<u64>, Error> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("render");
        }
        let from = format!("-{within}s");
        url.query_pairs_mut().extend_pairs([("target", series), ("from", &from), ("format", "json")]);
        let address = || self.base.to_string();
        let bytes = self.client.get(url.as_str(), LONGEST);
        let bytes = bytes.map_err(|source| Error::Silent { address: address(), source })?;
        let found: Vec<Series> =
            serde_json::from_slice(&bytes).map_err(|source| Error::Answer { address: address(), source })?;
        let points = found.into_iter().flat_map(|series| series.datapoints);
        Ok(points.filter(|(value, _)| value.is_some()).map(|(_, second)| second).max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scripted;

    fn answering(body: &'static str) -> (Scripted, Render) {
        let answer = format!("HTTP/1.1 200 X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let server = Scripted::start(move |_| answer.clone().into_bytes());
        let render = Render::new(&server.address).unwrap();
        (server, render)
    }

    #[test]
    fn the_last_value_that_is_one_counts() {
        let (server, render) = answering(
            r#"[{"target": "a.b", "datapoints": [[3.5, 100], [4, 160], [null, 220]], "tags": {"name": "a.b"}}]"#,
        );
        assert_eq!(render.last("a.b", 300).unwrap(), Some(160));
        assert_eq!(server.asked(), ["GET /render?target=a.b&from=-300s&format=json"]);
        assert_eq!(answering("[]").1.last("a.b", 300).unwrap(), None);
        assert_eq!(answering(r#"[{"datapoints": [[null, 1]]}]"#).1.last("a.b", 300).unwrap(), None);
    }

    #[test]
    fn who_does_not_answer_or_is_another_is_named() {
        let error = answering("<html>").1.last("a", 1).unwrap_err().to_string();
        assert!(error.contains("no render API"), "{error}");
        let silent = Render::new("http://127.0.0.1:1").unwrap().last("a", 1).unwrap_err().to_string();
        assert_eq!(silent, "Graphite does not answer at http://127.0.0.1:1/");
        for address in ["graphite:2003", "ftp://graphite", ""] {
            assert!(Render::new(address).is_err(), "{address}");
        }
    }
}
