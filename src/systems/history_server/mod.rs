//! Looks at a Flink history server: which version answers, and how many jobs it has read.
//! One look is two bounded requests; what came back is an `Observation` in which each failure keeps its kind.
//! Not here: whether that is well; the agent judges.

mod answer;

pub use answer::Identity;

use super::client::{self, Client, Fault};
use super::site;
use reqwest::Method;
use reqwest::header::{ACCEPT, CACHE_CONTROL};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};
use url::Url;
use words::flink::{JobsOverview, Version};

/// What `/config` is called.
pub const CONFIG: &str = "/config";
/// Longest list of jobs that is read: some fifty thousand jobs.
const LONGEST_BODY: u64 = 16 * 1024 * 1024;
/// How often a list is asked for that comes cut, and after which pause.
const TRIES: usize = 3;
const AGAIN: Duration = Duration::from_millis(50);
/// How much of a refusal is kept.
const LONGEST_REFUSAL: u64 = 2 * 1024;

/// Why a request did not tell what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody listens there, or the name is not known.
    #[error("cannot connect to {url} for {path}")]
    Unreachable { url: Url, path: &'static str, source: Box<client::Failure> },
    /// No complete answer in time.
    #[error("no complete answer to {path} within {} ms", deadline.as_millis())]
    Late { path: &'static str, deadline: Duration },
    /// It broke off, or is no HTTP.
    #[error("the answer to {path} broke off or is no HTTP")]
    Broken { path: &'static str, source: Box<client::Failure> },
    /// Another status than 200.
    #[error("{path} was answered with status {status}")]
    Status { path: &'static str, status: u16, body: String },
    /// No end in sight.
    #[error("the answer to {path} is longer than {limit} bytes")]
    TooLong { path: &'static str, limit: u64 },
    /// Not the JSON that was asked for.
    #[error("the answer to {path} is not the JSON that a history server gives")]
    NotJson { path: &'static str, source: serde_json::Error },
    /// JSON of something else.
    #[error("what answers {path} is no history server: {what}")]
    NotHistoryServer { path: &'static str, what: &'static str },
}

impl Failure {
    /// The path that was asked for.
    pub fn path(&self) -> &'static str {
        match self {
            Failure::Unreachable { path, .. }
            | Failure::Late { path, .. }
            | Failure::Broken { path, .. }
            | Failure::Status { path, .. }
            | Failure::TooLong { path, .. }
            | Failure::NotJson { path, .. }
            | Failure::NotHistoryServer { path, .. } => path,
        }
    }

    /// Its kind in one word, for state and for machines.
    pub fn kind(&self) -> &'static str {
        match self {
            Failure::Unreachable { .. } => "unreachable",
            Failure::Late { .. } => "timeout",
            Failure::Broken { .. } => "broken",
            Failure::Status { .. } => "status",
            Failure::TooLong { .. } => "too-long",
            Failure::NotJson { .. } => "not-json",
            Failure::NotHistoryServer { .. } => "not-a-history-server",
        }
    }

    /// Whether no answer came at all.
    pub fn is_silence(&self) -> bool {
        matches!(self, Failure::Unreachable { .. } | Failure::Late { .. } | Failure::Broken { .. })
    }
}

/// The outcome of one request, and how long it took.
#[derive(Debug)]
pub struct Call<T> {
    /// What it told.
    pub result: Result<T, Failure>,
    /// From the request to the end of the answer.
    pub took: Duration,
}

/// The list of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// How many jobs it holds; all of them have ended.
    pub count: u64,
    /// The path that told.
    pub via: &'static str,
}

/// One look.
#[derive(Debug)]
pub struct Observation {
    /// Who answers.
    pub identity: Call<Identity>,
    /// What it has read; not asked when nobody answered properly before.
    pub jobs: Option<Call<Jobs>>,
}

/// One history server and the time it gets for each answer.
#[derive(Debug, Clone)]
pub struct HistoryServer {
    url: Url,
    deadline: Duration,
    client: Client,
}

impl HistoryServer {
    /// The one at `url`.
    pub fn new(url: Url, deadline: Duration) -> HistoryServer {
        HistoryServer { url, deadline, client: site::client(deadline) }
    }

    /// The same, whose certificate must be of one of the authorities of a file (PEM), and of no other.
    pub fn believing(self, authority: &Path) -> io::Result<HistoryServer> {
        Ok(HistoryServer { client: site::client_of(self.deadline, authority)?, ..self })
    }

    /// Where it is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Looks once; never fails, for a failure is what may be seen.
    pub fn observe(&self) -> Observation {
        let identity =
            timed(|| self.ask(CONFIG, |status, body| answer::identity(CONFIG, status, body, LONGEST_REFUSAL)));
        let jobs = match &identity.result {
            Ok(identity) => Some(timed(|| self.jobs(identity.known))),
            Err(_) => None,
        };
        Observation { identity, jobs }
    }

    /// Asks the path that this version has; one that is not known may have either.
    fn jobs(&self, version: Option<Version>) -> Result<Jobs, Failure> {
        let overview = version.map_or(JobsOverview::Always, Version::jobs_overview);
        let absent_means_empty = version.is_some() && overview.absent_means_empty();
        match self.list(overview.path()) {
            Err(Failure::Status { status: 404, path, .. }) if absent_means_empty => Ok(Jobs { count: 0, via: path }),
            Err(Failure::Status { status: 404, .. }) if version.is_none() => self.list(JobsOverview::Legacy.path()),
            other => other,
        }
    }

    /// While it takes archives up, Flink's server gives the list empty or cut now and then (measured: one in seven answers).
    fn list(&self, path: &'static str) -> Result<Jobs, Failure> {
        let ask = || self.ask(path, |status, body| answer::jobs(path, status, body, LONGEST_REFUSAL));
        let mut asked = ask();
        for _ in 1..TRIES {
            if !matches!(&asked, Err(Failure::NotJson { source, .. }) if source.is_eof()) {
                break;
            }
            std::thread::sleep(AGAIN);
            asked = ask();
        }
        Ok(Jobs { count: asked?, via: path })
    }

    fn ask<T>(
        &self,
        path: &'static str,
        read: impl FnOnce(u16, &mut dyn std::io::Read) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let address = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        // Its static files are sent with `max-age=300`; what we want to know is how it is now.
        let request = self.client.request(Method::GET, &address).header(ACCEPT, "application/json");
        let answer = self.client.send(request.header(CACHE_CONTROL, "no-cache"));
        let answer = answer.map_err(|failure| self.failure(path, failure))?;
        let status = answer.status().as_u16();
        let mut body = answer.body().take(LONGEST_BODY);
        read(status, &mut body).map_err(|failure| self.sort(failure, body.limit() == 0))
    }

    fn failure(&self, path: &'static str, failure: client::Failure) -> Failure {
        let source = Box::new(failure);
        match source.fault() {
            Fault::Unreachable => Failure::Unreachable { url: self.url.clone(), path, source },
            Fault::Late => Failure::Late { path, deadline: self.deadline },
            Fault::Broken => Failure::Broken { path, source },
        }
    }

    /// A body that could not be read to its end reaches us as an error of the JSON reader: name it what it is.
    fn sort(&self, failure: Failure, too_long: bool) -> Failure {
        match failure {
            Failure::NotJson { path, source } if source.is_io() => self.failure(path, io::Error::from(source).into()),
            Failure::NotJson { path, source } if too_long && source.is_eof() => {
                Failure::TooLong { path, limit: LONGEST_BODY }
            }
            other => other,
        }
    }
}

fn timed<T>(call: impl FnOnce() -> Result<T, Failure>) -> Call<T> {
    let start = Instant::now();
    let result = call();
    Call { result, took: start.elapsed() }
}

#[cfg(test)]
mod tests;
