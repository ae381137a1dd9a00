//! Judges what was seen of the history server: health, causes, and the metrics that PNDA's platform tests publish.
//! Names, order, failure values and cause texts are those of PNDA, so its console and dashboards keep working.
//! Not here: looking, or telling anybody.

use crate::coordinators::Overseen;
use crate::managed::Managed;
use std::borrow::Cow;
use std::error::Error;
use systems::history_server::{CONFIG, Call, Failure, Observation};
use words::metric::{Health, Metric, Value};
use words::verdict::Verdict;

/// PNDA's name for what all of this is about.
const SOURCE: &str = "flink";
/// How much of a server's refusal becomes a cause.
const LONGEST_CAUSE: usize = 300;

/// One look, judged. Without a history server on the node there is nothing to judge: well, and no metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The verdict.
    pub health: Health,
    /// Why it is not OK, in PNDA's words.
    pub causes: Vec<String>,
    /// What was learned, if there is a history server.
    pub flink: Option<Flink>,
    /// What the manager of applications told, if this node has one.
    pub managed: Option<Managed>,
    /// What Oozie told, if this node has it.
    pub oozie: Option<Overseen>,
    /// What PNDA publishes. A node without a history server publishes nothing: the names are the same on all nodes,
    /// so it would overwrite what the node with one says.
    pub metrics: Vec<Metric>,
}

/// What one look at the history server taught.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flink {
    /// The version it says.
    pub version: Option<String>,
    /// The path that told the number of jobs.
    pub via: Option<&'static str>,
    /// The jobs it has read.
    pub completed_jobs: Option<u64>,
    /// How long `/config` took, if it was answered.
    pub config_ms: Option<u64>,
    /// How long the overview took, if it was answered.
    pub overview_ms: Option<u64>,
    /// What went wrong, if anything did.
    pub fault: Option<Fault>,
}

/// A failure as the agent keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path that was asked.
    pub path: &'static str,
    /// Its kind in one word.
    pub kind: &'static str,
    /// The whole story, cause by cause.
    pub story: String,
}

/// What must change for the agent to say so: not the causes' wording, which may hold times or numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    health: Health,
    version: Option<String>,
    via: Option<&'static str>,
    fault: Option<(&'static str, &'static str)>,
}

impl State {
    /// Its verdict.
    pub fn health(&self) -> Health {
        self.health
    }
}

impl Round {
    /// The same with what is wrong on the node besides.
    pub fn with_faults(mut self, faults: Vec<String>) -> Round {
        if !faults.is_empty() {
            self.health = Health::Error;
        }
        self.causes.extend(faults);
        self
    }

    /// The same on a node with a manager of applications.
    pub fn with_manager(mut self, managed: Option<Managed>) -> Round {
        if let Some((health, causes)) = managed.as_ref().map(Managed::judge) {
            self.health = self.health.max(health);
            self.causes.extend(causes);
        }
        Round { managed, ..self }
    }

    /// The same in a cluster with applications: PNDA's two names of health, and they alone, are of both. The node is as well as it is.
    pub fn with_applications(mut self, verdict: Option<Verdict>) -> Round {
        let Some(verdict) = verdict else { return self };
        for metric in &mut self.metrics {
            if let Value::Health(health) = &mut metric.value {
                *health = (*health).max(verdict.health);
                metric.causes.extend(verdict.causes.iter().cloned());
            }
        }
        self
    }

    /// The same on a node with Oozie, whose coordinators that end within so many seconds are told.
    pub fn with_oozie(mut self, overseen: Option<(Overseen, u64)>) -> Round {
        let Some((oozie, ending_seconds)) = overseen else { return self };
        let (health, causes) = oozie.judge(ending_seconds, self.at_ms);
        self.health = self.health.max(health);
        self.causes.extend(causes);
        Round { oozie: Some(oozie), ..self }
    }

    /// What it compares by.
    pub fn state(&self) -> State {
        let flink = self.flink.as_ref();
        State {
            health: self.health,
            version: flink.and_then(|flink| flink.version.clone()),
            via: flink.and_then(|flink| flink.via),
            fault: flink.and_then(|flink| flink.fault.as_ref()).map(|fault| (fault.path, fault.kind)),
        }
    }

    /// The round in one sentence, for the log and for systemd's status.
    pub fn sentence(&self) -> String {
        let Some(flink) = &self.flink else {
            if !self.causes.is_empty() {
                let of = if self.managed.is_some() { "applications" } else { "node" };
                return format!("{of} {}: {}", self.health, self.causes.join("; "));
            }
            return "no history server on this node, nothing to watch".to_owned();
        };
        match (&flink.version, flink.via) {
            (Some(version), Some(via)) if self.causes.is_empty() => {
                format!("flink {}: history server of Flink {version}, jobs told by {via}", self.health)
            }
            _ => format!("flink {}: {}", self.health, self.causes.join("; ")),
        }
    }
}

/// Judges one look.
pub fn judge(seen: Option<&Observation>, at_ms: u64) -> Round {
    let Some(seen) = seen else {
        return Round {
            at_ms,
            health: Health::Ok,
            causes: Vec::new(),
            flink: None,
            managed: None,
            oozie: None,
            metrics: Vec::new(),
        };
    };
    let causes: Vec<String> = failure(seen).map(cause).or_else(|| doubt(seen)).into_iter().collect();
    let health = match (failure(seen), causes.is_empty()) {
        (Some(_), _) => Health::Error,
        (None, false) => Health::Warn,
        (None, true) => Health::Ok,
    };
    let flink = learn(seen);
    let metrics = metrics(seen, &flink, health, &causes, at_ms);
    Round { at_ms, health, causes, flink: Some(flink), managed: None, oozie: None, metrics }
}

/// What went wrong; at most one thing can, for after the first nothing more is asked.
fn failure(seen: &Observation) -> Option<&Failure> {
    let jobs = seen.jobs.as_ref().and_then(|call| call.result.as_ref().err());
    seen.identity.result.as_ref().err().or(jobs)
}

/// It works, but the agent cannot tell whether it should: a version that no table knows.
fn doubt(seen: &Observation) -> Option<String> {
    let identity = seen.identity.result.as_ref().ok().filter(|identity| identity.known.is_none())?;
    Some(told(&format!("its version `{}` is none that this agent knows", identity.version), CONFIG))
}

/// The cause as PNDA's platform tests word it. They know three forms: cannot connect, what the server said, and a
/// failure to understand it.
fn cause(failure: &Failure) -> String {
    let path = failure.path();
    match failure {
        Failure::Unreachable { .. } => format!("Unable to connect to the Flink History Server (request path = {path})"),
        Failure::Status { status, body, .. } => match one_line(body) {
            said if said.is_empty() => told(&format!("status {status}"), path),
            said => told(&said, path),
        },
        Failure::Late { deadline, .. } => told(&format!("no complete answer within {} ms", deadline.as_millis()), path),
        Failure::Broken { .. } => told("the answer broke off or is no HTTP", path),
        Failure::TooLong { limit, .. } => told(&format!("the answer is longer than {limit} bytes"), path),
        Failure::NotHistoryServer { what, .. } => told(&format!("no history server answers: {what}"), path),
        Failure::NotJson { .. } => {
            format!(
                "Platform Testing Client Error- the answer is not the JSON of a history server (request path = {path})"
            )
        }
    }
}

fn told(what: &str, path: &str) -> String {
    format!("Flink History Server - {what} (request path = {path})")
}

/// What a server said, fit for one line of a page or a log.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST_CAUSE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn learn(seen: &Observation) -> Flink {
    let identity = seen.identity.result.as_ref().ok();
    let jobs = seen.jobs.as_ref().and_then(|call| call.result.as_ref().ok());
    Flink {
        version: identity.map(|identity| identity.version.clone()),
        via: jobs.map(|jobs| jobs.via),
        completed_jobs: jobs.map(|jobs| jobs.count),
        config_ms: answered(&seen.identity),
        overview_ms: seen.jobs.as_ref().and_then(answered),
        fault: failure(seen).map(|failure| Fault { path: failure.path(), kind: failure.kind(), story: story(failure) }),
    }
}

/// How long an answer took, good or bad; none if there was no answer.
fn answered<T>(call: &Call<T>) -> Option<u64> {
    let silent = call.result.as_ref().is_err_and(Failure::is_silence);
    (!silent).then_some(call.took.as_millis() as u64)
}

/// An error with all its causes, in one line.
pub(super) fn story(error: &dyn Error) -> String {
    let mut story = one_line(&error.to_string());
    let mut source = error.source();
    while let Some(error) = source {
        story.push_str(": ");
        story.push_str(&one_line(&error.to_string()));
        source = error.source();
    }
    story
}

fn metrics(seen: &Observation, flink: &Flink, health: Health, causes: &[String], at_ms: u64) -> Vec<Metric> {
    let available = seen.identity.result.is_ok();
    let counted = matches!(&seen.jobs, Some(Call { result: Ok(_), .. }));
    let version = flink.version.clone().unwrap_or_default();
    let plain =
        |name, value| Metric { source: SOURCE.into(), name: Cow::Borrowed(name), value, causes: Vec::new(), at_ms };
    let health = |name| Metric { causes: causes.to_vec(), ..plain(name, Value::Health(health)) };
    vec![
        plain("flink.history_server_available_success", Value::Flag(available)),
        plain("flink.installed_flink_version", Value::Text(version)),
        plain("flink.history_server_available_ms", number(flink.config_ms)),
        plain("flink.history_server_completed_jobs_success", Value::Flag(counted)),
        plain("flink.history_server_completed_jobs_count", number(flink.completed_jobs)),
        plain("flink.history_server_completed_jobs_ms", number(flink.overview_ms)),
        health("flink.health"),
        // The name of the proposal, beside the one that PNDA's code, console and help use. The console matches names
        // as substrings of each other, so this one feeds its Flink block as well, under its raw name and without a
        // help topic: it must never say anything else than `flink.health`, or the block would change colour at random.
        health("hadoop.flink.health"),
    ]
}

fn number(measured: Option<u64>) -> Value {
    Value::Number(measured.and_then(|number| i64::try_from(number).ok()).unwrap_or(-1))
}

#[cfg(test)]
mod tests;
