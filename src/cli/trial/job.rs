//! One small batch job on YARN through the installed client, and what the services of the trial answer.
//! The job's jar comes from the mirror; its archive must arrive in the history server.
//! Not here: the services themselves.

use super::Ports;
use super::children::Children;
use crate::cli::failure::{FAILED, Failure};
use crate::systems::site;
use serde::Deserialize;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The example on the mirror, and its program.
const JAR: &str = "mirror/current/mirror_apps/flink-examples-streaming-1.20.0.jar";
const MAIN: &str = "org.apache.flink.streaming.examples.wordcount.WordCount";
/// How long anything here may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The services that a trial asks.
pub(super) struct Service {
    history_server: String,
    agent: String,
    workers: String,
    client: ureq::Agent,
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
        Ok(self.client.get(url).call()?.body_mut().with_config().limit(8 << 20).read_to_vec()?)
    }

    /// Waits until the agent calls the history server well, and YARN can run something.
    pub(super) fn wait_until_healthy(&self, children: &mut Children, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "the history server is not well", || self.health().is_ok_and(|health| health == "OK"))?;
        wait(children, stopped, "YARN has no worker", || self.has_worker().unwrap_or(false))
    }

    /// Waits until the history server has read a job that went well.
    pub(super) fn wait_for_job(&self, children: &mut Children, stopped: &AtomicBool) -> Result<(), Failure> {
        wait(children, stopped, "no finished job arrived in the history server", || {
            self.has_finished_job().unwrap_or(false)
        })
    }
}

fn wait(
    children: &mut Children,
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

/// Submits the example with the installed client, which is back once YARN has started the job's own cluster.
pub(super) fn submit(folder: &Path, stopped: &AtomicBool) -> Result<(), Failure> {
    let log = folder.join("log/job.log");
    let output = File::create(&log)?;
    let mut command = Command::new(folder.join("node/usr/bin/flink"));
    command.args(["run-application", "--target", "yarn-application", "-Dyarn.application.name=WordCount"]);
    command.args(["--class", MAIN]).arg(folder.join(JAR)).args(["--execution-mode", "BATCH"]);
    command.env("HADOOP_CONF_DIR", folder.join("node/etc/hadoop/conf")).stdin(Stdio::null());
    let mut client = Process(command.stdout(output.try_clone()?).stderr(output).spawn()?);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = client.0.try_wait()? {
            let failed = || Failure::new(FAILED, format!("the job failed: {status}; see {}", log.display()));
            return if status.success() { Ok(()) } else { Err(failed()) };
        }
        if stopped.load(Ordering::Relaxed) || Instant::now() > deadline {
            return Err(Failure::new(FAILED, format!("the job was not submitted; see {}", log.display())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that ends when nobody holds it any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
