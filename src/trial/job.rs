//! One small application on YARN through its manager, and what the services of the trial answer.
//! Its package comes from the mirror; its archive must arrive in the history server.
//! Not here: the services themselves.

use crate::children::Children;
use crate::error::Error;
use crate::ports::Ports;
use serde::Deserialize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use systems::client::Client as Web;
use systems::manager::Client;
use systems::site;
use words::application::{Application, Phase, State};
use words::names::{ApplicationName, PackageName};

/// The example on the mirror, as a package, and the application that is made of it.
const PACKAGE: &str = "mirror/current/mirror_apps/wordcount-1.0.0.tar.gz";
pub(crate) const PACKAGE_NAME: &str = "wordcount-1.0.0";
const APPLICATION: &str = "wordcount";
/// Where the manager of applications answers.
pub(crate) const SOCKET: &str = "node/var/lib/pnda/applications/socket";
/// How long anything here may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The services that a trial asks.
pub(crate) struct Service {
    history_server: String,
    agent: String,
    workers: String,
    client: Web,
}

/// A job as the history server tells it.
#[derive(Deserialize)]
pub(crate) struct Job {
    #[serde(rename = "jid")]
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    #[serde(rename = "duration")]
    pub(crate) duration_ms: u64,
}

#[derive(Deserialize)]
struct Jobs {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(rename = "clusterMetrics")]
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "activeNodes")]
    active: u32,
}

#[derive(Deserialize)]
struct Health {
    status: String,
}

impl Service {
    /// Services on loopback.
    pub(crate) fn new(ports: &Ports) -> Service {
        Service {
            history_server: format!("{}/jobs/overview", ports.url("flink.history_server.port")),
            agent: format!("{}/health", ports.url("agent")),
            workers: format!("{}/ws/v1/cluster/metrics", ports.url("yarn.web_port")),
            client: site::client(Duration::from_secs(5)),
        }
    }

    /// What the agent says of the history server.
    pub(crate) fn health(&self) -> Result<String, Error> {
        let health: Health = serde_json::from_slice(&self.get(&self.agent)?)?;
        Ok(health.status)
    }

    /// The jobs that the history server has read.
    pub(crate) fn jobs(&self) -> Result<Vec<Job>, Error> {
        let jobs: Jobs = serde_json::from_slice(&self.get(&self.history_server)?)?;
        Ok(jobs.jobs)
    }

    /// Whether one of them went well.
    pub(crate) fn has_finished_job(&self) -> Result<bool, Error> {
        Ok(self.jobs()?.iter().any(|job| job.state == "FINISHED"))
    }

    /// Whether YARN has a worker that takes containers.
    fn has_worker(&self) -> Result<bool, Error> {
        let cluster: Cluster = serde_json::from_slice(&self.get(&self.workers)?)?;
        Ok(cluster.metrics.active > 0)
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Error> {
        Ok(self.client.get(url, 8 << 20)?)
    }

    /// Waits until the agent calls the history server well, and YARN can run something.
    pub(crate) fn wait_until_healthy(&self, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<(), Error> {
        wait(children, stopped, "the history server is not well", || {
            self.health().is_ok_and(|health| matches!(health.as_str(), "OK" | "WARN"))
        })?;
        wait(children, stopped, "YARN has no worker", || self.has_worker().unwrap_or(false))
    }

    /// Waits until the history server has read a job that went well.
    pub(crate) fn wait_for_job(&self, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<(), Error> {
        wait(children, stopped, "no finished job arrived in the history server", || {
            self.has_finished_job().unwrap_or(false)
        })
    }
}

fn wait(
    children: &mut Children<'_>,
    stopped: &AtomicBool,
    what: &'static str,
    mut done: impl FnMut() -> bool,
) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        children.check()?;
        if stopped.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
        if Instant::now() > deadline {
            return Err(Error::Late { what, seconds: PATIENCE.as_secs() });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Deploys the package that the mirror has, makes an application of it, runs it, and waits for its end.
pub(crate) fn run(folder: &Path, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<Application, Error> {
    let client = Client::new(&folder.join(SOCKET));
    let name = ApplicationName::new(APPLICATION)?;
    let known = |client: &Client| client.applications().is_ok_and(|all| all.iter().any(|one| one.name == name));
    wait(children, stopped, "the manager of applications does not answer", || client.packages().is_ok())?;
    if !known(&client) {
        client.deploy(&folder.join(PACKAGE))?;
        let package = PackageName::new(PACKAGE_NAME)?;
        client.create(&name, &serde_json::json!({ "package": package }))?;
    }
    client.start(&name, None, true)?;
    let over = |state: State| state.is_over() && state != State::Stopped;
    let ended = || {
        client.application(&name).is_ok_and(|told| {
            told.status == Phase::Created || told.components.iter().all(|component| over(component.state))
        })
    };
    wait(children, stopped, "the application did not end", ended)?;
    let told = client.application(&name)?;
    match told.components.iter().all(|component| component.state == State::Finished) {
        true => Ok(told),
        false => Err(Error::NotFinished(Box::new(told))),
    }
}
