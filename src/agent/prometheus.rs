//! The same knowledge in Prometheus' text format, version 0.0.4.
//! What is not known of now is left out, so that `absent()` and staleness work; the agent's own counts always stand.
//! Not here: HTTP.

use super::board::{Counts, View};
use super::config::Place;
use super::health::Flink;
use super::managed;
use std::fmt::{Display, Write as _};

/// The media type of this text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page.
pub fn page(view: &View, counts: &Counts, place: &Place) -> String {
    let mut page = Page::of(place);
    if let Some((round, flink)) = view.fresh().and_then(|round| Some((round, round.flink.as_ref()?))) {
        page.family("pnda_flink_health", "gauge", "Health of Flink on this node: 0 OK, 1 WARN, 2 ERROR.");
        page.sample("pnda_flink_health", &[], round.health.level());
        flink_samples(&mut page, flink);
    }
    agent_samples(&mut page, view, counts);
    if let Some(managed) = view.fresh().and_then(|round| round.managed.as_ref()) {
        managed::prometheus::samples(&mut page, managed);
    }
    if let Some(oozie) = view.fresh().and_then(|round| round.oozie.as_ref()) {
        oozie.samples(&mut page);
    }
    page.done()
}

fn flink_samples(page: &mut Page<'_>, flink: &Flink) {
    let up = "pnda_flink_history_server_up";
    page.family(up, "gauge", "Whether a history server answers with its version.");
    page.sample(up, &[], u8::from(flink.version.is_some()));
    if let Some(version) = &flink.version {
        let info = "pnda_flink_info";
        page.family(info, "gauge", "The version of Flink that answers.");
        page.sample(info, &[("version", version)], 1);
    }
    if let Some(count) = flink.completed_jobs {
        let jobs = "pnda_flink_history_server_completed_jobs";
        page.family(jobs, "gauge", "Jobs that the history server has read.");
        page.sample(jobs, &[], count);
    }
    let asked = [("config", flink.config_ms), ("overview", flink.overview_ms)];
    if asked.iter().any(|(_, took)| took.is_some()) {
        let seconds = "pnda_flink_history_server_response_seconds";
        page.family(seconds, "gauge", "How long the history server took to answer, by request.");
        for (request, took) in asked {
            if let Some(took) = took {
                page.sample(seconds, &[("request", request)], took as f64 / 1000.0);
            }
        }
    }
}

fn agent_samples(page: &mut Page<'_>, view: &View, counts: &Counts) {
    page.family("pnda_agent_info", "gauge", "The agent's own version.");
    page.sample("pnda_agent_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family("pnda_agent_rounds_total", "counter", "Looks since the agent started.");
    page.sample("pnda_agent_rounds_total", &[], counts.rounds);
    if let Some(last) = view.last() {
        let when = "pnda_agent_last_round_timestamp_seconds";
        page.family(when, "gauge", "When the agent last looked, in seconds since 1970.");
        page.sample(when, &[], last.at_ms as f64 / 1000.0);
    }
    if !counts.failures.is_empty() {
        let failures = "pnda_agent_deliveries_failed_total";
        page.family(failures, "counter", "Rounds that a receiver did not take.");
        for (receiver, count) in &counts.failures {
            page.sample(failures, &[("receiver", receiver)], count);
        }
    }
}

/// The page as it grows.
pub(super) struct Page<'p> {
    place: &'p Place,
    text: String,
}

impl Page<'_> {
    /// One with nothing on it.
    pub(super) fn of(place: &Place) -> Page<'_> {
        Page { place, text: String::new() }
    }

    /// The text.
    pub(super) fn done(self) -> String {
        self.text
    }

    /// Begins a family.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Adds a sample of it.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let (cluster, node) = (self.place.cluster.as_str(), self.place.node.as_str());
        let all = [("cluster", cluster), ("node", node)];
        let all = all.iter().chain(labels).map(|(key, value)| format!("{key}=\"{}\"", escaped(value)));
        let _ = writeln!(self.text, "{name}{{{}}} {value}", all.collect::<Vec<_>>().join(","));
    }
}

/// A label's value as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
pub(crate) mod tests;
