//! One small application on YARN through its manager, and what the services of the trial answer.
//! Its package comes from the mirror; its archive must arrive in the history server.
//! Not here: the services themselves.

use super::Ports;
use super::children::Children;
use crate::cli::app::table;
use crate::cli::failure::{FAILED, Failure};
use crate::systems::client::Client as Web;
use crate::systems::manager::Client;
use crate::systems::site;
use crate::words::application::{Application, Phase, State};
use crate::words::names::{ApplicationName, PackageName};
use serde::Deserialize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The example on the mirror, as a package, and the application that is made of it.
const PACKAGE: &str = "mirror/current/mirror_apps/wordcount-1.0.0.tar.gz";
const PACKAGE_NAME: &str = "wordcount-1.0.0";
const APPLICATION: &str = "wordcount";
/// Where the manager of applications answers.
pub(super) const SOCKET: &str = "node/var/lib/pnda/applications/socket";
/// How long anything here may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The services that a trial asks.
pub(super) struct Service {
    history_server: String,
    agent: String,
    workers: String,
    client: Web,
}

/// A job as the history server tells it.
#[derive(Deserialize)]
pub(super) struct Job {
    #[serde(rename = "jid")]
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    #[serde(rename = "duration")]
    pub(super) duration_ms: u64,
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
    pub(super) fn new(ports: &Ports) -> Service {
        Service {
            history_server: format!("{}/jobs/overview", ports.url("flink.history_server.port")),
            agent: format!("{}/health", ports.url("agent")),
            workers: format!("{}/ws/v1/cluster/metrics", ports.url("yarn.web_port")),
            client: site::client(Duration::from_secs(5)),
        }
    }

    /// What the agent says of the history server.
    pub(super) fn health(&self) -> Result<String, Failure> {
        let health: Health = serde_json::from_slice(&self.get(&self.agent)?)?;
        Ok(health.status)
    }

    /// The jobs that the history server has read.
    pub(super) fn jobs(&self) -> Result<Vec<Job>, Failure> {
        let jobs: Jobs = serde_json::from_slice(&self.get(&self.history_server)?)?;
        Ok(jobs.jobs)
    }

    /// Whether one of them went well.
    pub(super) fn has_finished_job(&self) -> Result<bool, Failure> {
        Ok(self.jobs()?.iter().any(|job| job.state == "FINISHED"))
    }

    /// Whether YARN has a worker that takes containers.
    fn has_worker(&self) -> Result<bool, Failure> {
        let cluster: Cluster = serde_json::from_slice(&self.get(&self.workers)?)?;
        Ok(cluster.metrics.active > 0)
    }

    fn get(&self, url: &str) -> Result<Vec<u8>, Failure> {
        Ok(self.client.get(url, 8 << 20)?)
    }

    /// Waits until the agent calls the history server well, and YARN can run something.
    pub(super) fn wait_until_healthy(&self, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "the history server is not well", || {
            self.health().is_ok_and(|health| matches!(health.as_str(), "OK" | "WARN"))
        })?;
        wait(children, stopped, "YARN has no worker", || self.has_worker().unwrap_or(false))
    }

    /// Waits until the history server has read a job that went well.
    pub(super) fn wait_for_job(&self, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "no finished job arrived in the history server", || {
            self.has_finished_job().unwrap_or(false)
        })
    }
}

fn wait(
    children: &mut Children<'_>,
    stopped: &AtomicBool,
    what: &str,
    mut done: impl FnMut() -> bool,
) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        children.check()?;
        if stopped.load(Ordering::Relaxed) {
            return Err(Failure::new(FAILED, "stopped"));
        }
        if Instant::now() > deadline {
            return Err(Failure::new(FAILED, format!("{what} after {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Deploys the package that the mirror has, makes an application of it, runs it, and waits for its end.
pub(super) fn run(folder: &Path, children: &mut Children<'_>, stopped: &AtomicBool) -> Result<Application, Failure> {
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
        false => Err(Failure::new(FAILED, format!("the application did not finish:\n{}", table::application(&told)))),
    }
}
